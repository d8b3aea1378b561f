"""Concerns (an answer that somebody must look at, as a task with an owner and a deadline) and adverse events.

Neither is ever removed: a concern is closed with what was done, an event that was written by mistake is struck out.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.participants.models import Participant

__all__ = ["AdverseEvent", "Concern"]


class Concern(Versioned):
    """Something about a participant that somebody of a role must look at by a time."""

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="concerns")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="concerns")
    # The rule of the protocol, and what raised it: the same answer raises the same rule once.
    rule = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=160)
    text = models.TextField(max_length=LONGEST_REASON)
    because = models.TextField(max_length=LONGEST_REASON)
    citation = models.TextField(blank=True)
    status = models.CharField(max_length=20, blank=True)
    owner = models.CharField(max_length=20, choices=[(each.value, each.value) for each in Role])
    raised_at = models.DateTimeField()
    due_at = models.DateTimeField()
    raised_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    done = models.TextField(blank=True, max_length=LONGEST_REASON, verbose_name="what was done")

    classified: ClassVar = Classified(
        # The time given tells how grave it is.
        clinical=("rule", "text", "because", "citation", "status", "done", "due_at"),
        operational=(
            "id", "version", "participant", "facility", "source", "owner", "raised_at", "raised_by", "taken_by",
            "taken_at", "closed_by", "closed_at",
        ),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["due_at"]
        indexes: ClassVar = [
            models.Index(fields=["facility", "closed_at", "due_at"], name="concerns_open_at_facility"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["participant", "source", "rule"], name="each_concern_once")
        ]

    def __str__(self) -> str:
        return f"{self.participant}: {self.text}"

    @property
    def is_open(self) -> bool:
        """Whether nothing was written yet about what was done."""
        return self.closed_at is None

    @property
    def is_due_at_once(self) -> bool:
        """Whether nobody was given time: it asks for somebody in the minute in which it is raised."""
        return self.due_at <= self.raised_at

    def is_late(self, now: datetime) -> bool:
        """Whether it is open after its deadline."""
        return self.is_open and now > self.due_at

    def is_untaken(self, now: datetime) -> bool:
        """Whether its deadline went by and nobody took it."""
        return self.is_late(now) and self.taken_at is None


class AdverseEvent(Versioned):
    """Something untoward that happened to a participant, whatever its cause. Its key is made by who first writes it."""

    class Severity(models.TextChoices):
        """How strong it was. Strong is not the same as serious."""

        MILD = "mild", "mild"
        MODERATE = "moderate", "moderate"
        SEVERE = "severe", "severe"

    class Relatedness(models.TextChoices):
        """Relation to the treatment, by a clinician's judgement."""

        UNRELATED = "unrelated", "unrelated"
        POSSIBLE = "possible", "possible"
        PROBABLE = "probable", "probable"
        UNKNOWN = "unknown", "cannot be judged"

    class Outcome(models.TextChoices):
        """What became of it."""

        ONGOING = "ongoing", "not over yet"
        RESOLVED = "resolved", "resolved"
        LASTING = "lasting", "resolved, with lasting effects"
        WORSE = "worse", "got worse"
        FATAL = "fatal", "fatal"
        UNKNOWN = "unknown", "not known"

    class Criterion(models.TextChoices):
        """What makes an event serious; any one is enough."""

        DEATH = "death", "it led to death"
        LIFE = "life-threatening", "it put life at risk at the time"
        HOSPITAL = "hospital", "a hospital stay was needed or got longer"
        DISABILITY = "disability", "it left a lasting or significant disability"
        BIRTH = "birth defect", "a birth defect"
        IMPORTANT = "important", "another important medical event, by judgement"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="adverse_events")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="adverse_events")
    # Where it was written down: "session/<key>" for the floor, empty for a page of its own.
    source = models.CharField(max_length=160, blank=True)
    term = models.CharField(max_length=120)
    detail = models.TextField(blank=True, max_length=LONGEST_REASON, verbose_name="in more detail")
    severity = models.CharField(max_length=10, choices=Severity.choices)
    started_at = models.DateTimeField()
    peak_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    # The device's own clock at entry, where it came from a queue.
    noted_at = models.DateTimeField(null=True, blank=True)
    # A clinician's judgement; empty until there is one.
    is_serious = models.BooleanField(null=True, blank=True, verbose_name="serious")
    criteria = models.JSONField(default=list, blank=True, verbose_name="what makes it serious")
    relatedness = models.CharField(max_length=10, choices=Relatedness.choices, blank=True)
    is_expected = models.BooleanField(null=True, blank=True, verbose_name="expected")
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    judged_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    judged_at = models.DateTimeField(null=True, blank=True)
    # The clock of a serious event runs from when somebody here knew of it.
    known_at = models.DateTimeField()
    report_due_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)
    reported_to = models.CharField(max_length=200, blank=True)
    struck_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=(
            "term", "detail", "severity", "started_at", "peak_at", "ended_at", "is_serious", "criteria", "relatedness",
            "is_expected", "outcome", "known_at", "report_due_at", "reported_at", "reported_to",
        ),
        operational=(
            "id", "version", "participant", "facility", "source", "recorded_at", "recorded_by", "noted_at",
            "judged_by", "judged_at", "struck_at",
        ),
    )  # fmt: skip

    class Meta:
        verbose_name = "adverse event"
        ordering: ClassVar = ["-started_at"]
        indexes: ClassVar = [
            models.Index(fields=["participant", "started_at"], name="events_of_participant"),
            models.Index(fields=["facility", "report_due_at"], name="serious_events_at_facility"),
        ]

    def __str__(self) -> str:
        return f"{self.term}, {self.severity}"

    @property
    def counts(self) -> bool:
        """Whether it is not struck out."""
        return self.struck_at is None

    @property
    def is_over(self) -> bool:
        """Whether it ended."""
        return self.ended_at is not None

    def is_report_late(self, now: datetime) -> bool:
        """Whether a serious event was not reported by its time."""
        return bool(self.report_due_at and not self.reported_at and self.counts and now > self.report_due_at)
