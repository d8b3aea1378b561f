"""Ratings with each answer, and the links by which participants answer themselves. Nothing here is ever deleted."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.participants.models import Measure, Participant

__all__ = ["LinkedQuestionnaire", "Rating", "SelfRatingLink"]

HASH_LENGTH = 64


class Rating(Versioned):
    """The answers to one instrument at one time, as they were given; its total stands beside them as a measure.

    A rating that was entered wrongly stays, struck out; another one may take its place (``replaces``).
    """

    class Rater(models.TextChoices):
        """Who rates, by the protocol."""

        BLINDED = "blinded", "blinded rater"
        TREATING = "treating", "treating team"
        SELF = "self", "the participant"

    class Mode(models.TextChoices):
        """How the answers came."""

        INTERVIEW = "interview", "asked in an interview"
        PAPER = "paper", "copied from paper"
        LINK = "link", "answered on the participant's own device"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="ratings")
    instrument = models.CharField(max_length=40)
    instrument_version = models.CharField(max_length=20)
    language = models.CharField(max_length=10, blank=True)
    # Whose words were on screen: the edition of a site's own text pack; empty for those of the package.
    text_edition = models.CharField(max_length=120, blank=True)
    rater_kind = models.CharField(max_length=10, choices=Rater.choices)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    rater = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    # Whether the rater may learn of the participant's sessions or doses, or could once, by another role or in an
    # emergency (``could_know_of_doses``): then a rating that is asked of a blinded rater is not a blinded one.
    rater_sees_sessions = models.BooleanField(default=False)
    # The protocol's time after the first dose [h]; none for a rating that the protocol did not ask for.
    planned_h = models.FloatField(null=True, blank=True, verbose_name="planned hours after the first dose")
    rated_at = models.DateTimeField()
    entered_at = models.DateTimeField()
    recall_h = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True)
    answers = models.JSONField(default=dict, blank=True)
    total = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    band = models.CharField(max_length=80, blank=True)
    parts = models.JSONField(default=dict, blank=True)
    findings = models.JSONField(default=dict, blank=True)
    missing = models.JSONField(default=list, blank=True)
    missing_because = models.TextField(blank=True, max_length=LONGEST_REASON)
    measure = models.OneToOneField(Measure, models.PROTECT, null=True, blank=True, related_name="rating")
    replaces = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    struck_at = models.DateTimeField(null=True, blank=True)
    struck_because = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        clinical=(
            "instrument", "recall_h", "answers", "total", "band", "parts", "findings", "missing", "missing_because",
            "struck_because",
        ),
        operational=(
            "id", "version", "participant", "instrument_version", "language", "text_edition", "rater_kind", "mode",
            "rater", "rater_sees_sessions", "planned_h", "rated_at", "entered_at", "measure", "replaces", "struck_at",
        ),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["-rated_at", "-entered_at"]
        indexes: ClassVar = [
            models.Index(fields=["participant", "instrument", "-rated_at"], name="ratings_of_participant")
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["participant", "instrument", "planned_h", "rater_kind"],
                condition=models.Q(struck_at=None),
                name="each_planned_rating_once",
            )
        ]

    def __str__(self) -> str:
        return self.instrument

    @property
    def counts(self) -> bool:
        """Whether it is not struck out."""
        return self.struck_at is None


class SelfRatingLink(Versioned):
    """A link by which a participant answers some questionnaires, each once, until it expires or is taken back.

    Only a hash of the link is kept: whoever reads the database cannot open it.
    """

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="self_rating_links")
    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    made_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        operational=("id", "version", "participant", "made_by", "made_at", "expires_at", "revoked_at"),
        secret=("token_hash",),
    )

    class Meta:
        verbose_name = "link for self-rating"
        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        return f"Link of {self.participant}"

    def is_open(self, now: datetime) -> bool:
        """Whether it still opens something, as far as time goes."""
        return self.revoked_at is None and now < self.expires_at


class LinkedQuestionnaire(Versioned):
    """One questionnaire of a link: open until it is sent, and sent once."""

    link = models.ForeignKey(SelfRatingLink, models.PROTECT, related_name="questionnaires")
    instrument = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField()
    planned_h = models.FloatField(null=True, blank=True)
    rating = models.OneToOneField(Rating, models.PROTECT, null=True, blank=True, related_name="questionnaire")
    sent_at = models.DateTimeField(null=True, blank=True)
    # An answer asked for help: it is shown until the participant says that they have read it.
    needs_help = models.BooleanField(default=False)
    help_read_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=("instrument", "needs_help"),
        operational=("id", "version", "link", "position", "planned_h", "rating", "sent_at", "help_read_at"),
    )

    class Meta:
        verbose_name = "questionnaire of a link"
        ordering: ClassVar = ["position"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["link", "instrument"], name="each_questionnaire_once_a_link")
        ]

    def __str__(self) -> str:
        return self.instrument
