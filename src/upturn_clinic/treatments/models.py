"""What a person's plan holds: doses, visits, other treatment, other drugs. Nothing here is ever deleted: it ends.

What a dose holds (drug, amount) is not stored with a plan but read from the protocol and the arm, so that a masked arm
stays masked; see ``queries.dose_shown``.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion

__all__ = ["CoIntervention", "ConcomitantDrug", "Dose", "Due", "MonitoringCheck", "Plan", "StopDecision", "Visit"]


class Plan(Versioned):
    """One person's plan: from which protocol version, and when the first dose was planned."""

    participant = models.OneToOneField(Participant, models.PROTECT, related_name="plan")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="+")
    begins_at = models.DateTimeField(verbose_name="first dose planned for")
    made_at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("begins_at",),
        operational=("id", "version", "participant", "facility", "protocol_version", "made_at"),
    )

    def __str__(self) -> str:
        return f"Plan of {self.participant}"


class Due(Versioned):
    """What doses and visits share: when the protocol wants it, how far it may move, and for when it is planned.

    Times follow ``schedule``. ``planned_at`` is the appointment: the target, until somebody moves it. ``told_at`` is
    the appointment as it was planned by hand, whatever was given since: all that a blinded rater is told.
    """

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="%(class)ss")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    offset_h = models.FloatField(verbose_name="planned hours after the first dose")
    target = models.DateTimeField()
    earliest = models.DateTimeField()
    latest = models.DateTimeField()
    planned_at = models.DateTimeField(verbose_name="planned for")
    told_at = models.DateTimeField(verbose_name="told to blinded raters")
    # Moved by hand: it then stays where it is when the plan follows a late dose.
    is_moved = models.BooleanField(default=False)
    state = models.CharField(max_length=10, default="planned")
    # Why it was moved, given up or recorded as it was: the latest word; all of them are in the trail.
    because = models.TextField(blank=True, max_length=LONGEST_REASON)

    class Meta:
        abstract = True

    @property
    def is_open(self) -> bool:
        """Whether it has not happened yet, nor been given up."""
        return self.state == "planned"

    @property
    def is_outside(self) -> bool:
        """Whether it is planned outside the protocol's window."""
        return not self.earliest <= self.planned_at <= self.latest

    def is_late(self, now: datetime) -> bool:
        """Whether nothing became of it although its appointment and its window are over: not at its minute."""
        return self.is_open and max(self.planned_at, self.latest) < now

    @staticmethod
    def late(now: datetime) -> models.Q:
        """Find what ``is_late``, in a query."""
        return models.Q(state="planned", planned_at__lt=now, latest__lt=now)

    def is_to_come(self, now: datetime) -> bool:
        """Whether it is open and neither its appointment nor its window has come."""
        return self.is_open and now < min(self.planned_at, self.earliest)


class Dose(Due):
    """A dose: planned, then given or missed."""

    class State(models.TextChoices):
        """What became of it."""

        PLANNED = "planned", "planned"
        GIVEN = "given", "given"
        MISSED = "missed", "missed"
        CANCELLED = "cancelled", "cancelled"

    class Origin(models.TextChoices):
        """Why it is there."""

        PROTOCOL = "protocol", "from the protocol"
        RULE = "rule", "booster by the protocol's rule"
        DECISION = "decision", "booster by a clinician's decision"

    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="+")
    number = models.PositiveSmallIntegerField()
    # The protocol's word for it, which can name the arm: kept from the trail like the arm itself.
    dose = models.CharField(max_length=120)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.PROTOCOL)
    is_home_course = models.BooleanField(default=False)
    given_at = models.DateTimeField(null=True, blank=True, verbose_name="began at")
    duration_min = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    # How long the protocol wants it to run: kept beside how long it ran.
    protocol_min = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    # In milligrams where the arm is known, else only as the share of what was prepared.
    given_mg = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    given_percent = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    computed_mg = models.DecimalField(max_digits=9, decimal_places=3, null=True, blank=True)
    weight_kg = models.DecimalField(max_digits=6, decimal_places=2, null=True, blank=True)
    weight_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=(
            "offset_h", "target", "earliest", "latest", "planned_at", "told_at", "is_moved", "state", "because",
            "origin", "is_home_course", "given_at", "duration_min", "protocol_min", "given_mg", "given_percent",
            "computed_mg", "weight_kg", "weight_at",
        ),
        operational=("id", "version", "plan", "facility", "protocol_version", "number"),
        secret=("dose",),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["planned_at", "number"]
        indexes: ClassVar = [models.Index(fields=["facility", "state", "planned_at"], name="doses_due_at_facility")]

    def __str__(self) -> str:
        return f"Dose {self.number}"

    @property
    def given_in_words(self) -> str:
        """How much was given, with its unit; nothing before that."""
        if self.given_mg is not None:
            return f"{self.given_mg.normalize():f} mg"
        return "" if self.given_percent is None else f"{self.given_percent.normalize():f} % of what was prepared"


class Visit(Due):
    """A visit: planned, then done or missed."""

    class State(models.TextChoices):
        """What became of it."""

        PLANNED = "planned", "planned"
        DONE = "done", "done"
        MISSED = "missed", "missed"
        CANCELLED = "cancelled", "cancelled"

    encounter = models.CharField(max_length=120)
    title = models.CharField(max_length=200, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=(
            "offset_h", "target", "earliest", "latest", "planned_at", "told_at", "is_moved", "state", "because",
            "done_at",
        ),
        operational=("id", "version", "plan", "facility", "encounter", "title"),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["planned_at", "offset_h"]
        indexes: ClassVar = [models.Index(fields=["facility", "state", "planned_at"], name="visits_due_at_facility")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["plan", "encounter"], condition=~models.Q(state="cancelled"), name="each_visit_once"
            )
        ]

    def __str__(self) -> str:
        """Name the visit as the protocol does; where it has a key alone, in words: ``day-7`` is "Day 7"."""
        words = self.title or self.encounter.replace("-", " ").replace("_", " ")
        return words[:1].upper() + words[1:]


class CoIntervention(Versioned):
    """Another treatment of the same time: psychotherapy, TMS, light. Whether it works is not judged here."""

    class Kind(models.TextChoices):
        """What kind."""

        CBT = "CBT", "cognitive behavioural therapy"
        PSYCHOTHERAPY = "psychotherapy", "other psychotherapy"
        TMS = "TMS", "transcranial magnetic stimulation"
        LIGHT = "light therapy", "light therapy"
        ECT = "ECT", "electroconvulsive therapy"
        EXERCISE = "exercise", "exercise programme"
        OTHER = "other", "other"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="co_interventions")
    kind = models.CharField(max_length=15, choices=Kind.choices)
    what = models.CharField(max_length=200, blank=True, verbose_name="in more detail")
    given_by = models.CharField(max_length=160, verbose_name="by whom (service or profession)")
    began_on = models.DateField(verbose_name="began on")
    ended_on = models.DateField(null=True, blank=True, verbose_name="ended on")
    sessions = models.PositiveSmallIntegerField(null=True, blank=True, verbose_name="sessions so far")
    recorded_at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("kind", "what", "given_by", "began_on", "ended_on", "sessions"),
        operational=("id", "version", "participant", "recorded_at"),
    )

    class Meta:
        verbose_name = "other treatment"
        ordering: ClassVar = ["began_on"]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class ConcomitantDrug(Versioned):
    """Another drug of the same time, with the class by which ``interactions.yaml`` knows it."""

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="concomitant_drugs")
    name = models.CharField(max_length=120)
    drug_class = models.CharField(max_length=20)
    dose = models.CharField(max_length=120, verbose_name="dose and when it is taken")
    began_on = models.DateField(null=True, blank=True, verbose_name="taken since")
    ended_on = models.DateField(null=True, blank=True, verbose_name="stopped on")
    recorded_at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("name", "drug_class", "dose", "began_on", "ended_on"),
        operational=("id", "version", "participant", "recorded_at"),
    )

    class Meta:
        verbose_name = "other drug"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return f"{self.name} {self.dose}"


class MonitoringCheck(Versioned):
    """One look of the long-term monitoring: what was found, at which of the protocol's times."""

    class Finding(models.TextChoices):
        """What was found."""

        NOTHING = "nothing", "nothing of note"
        SOMETHING = "something", "something of note"
        NOT_DONE = "not done", "it could not be done"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="monitoring_checks")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    # Its id in the protocol, its words then, and its planned hours after the first dose.
    look = models.CharField(max_length=120)
    text = models.TextField()
    offset_h = models.FloatField(verbose_name="planned hours after the first dose")
    finding = models.CharField(max_length=10, choices=Finding.choices)
    note = models.TextField(blank=True, max_length=LONGEST_REASON)
    done_at = models.DateTimeField(verbose_name="looked at")
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    struck_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=("look", "text", "offset_h", "finding", "note", "done_at"),
        operational=("id", "version", "participant", "facility", "recorded_at", "recorded_by", "struck_at"),
    )

    class Meta:
        verbose_name = "look of the long-term monitoring"
        ordering: ClassVar = ["-done_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["participant", "look", "offset_h"], condition=models.Q(struck_at=None), name="each_look_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.look}: {self.finding}"


class StopDecision(Versioned):
    """What a clinician decided about one of the protocol's reasons to stop giving doses. The table only grows."""

    class Decision(models.TextChoices):
        """What was decided."""

        STOP = "stop", "it is there: no more doses for now"
        GO_ON = "go on", "go on all the same, for the reason given"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="stop_decisions")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    # Its id in the protocol, and its words then.
    rule = models.CharField(max_length=120)
    text = models.TextField()
    decision = models.CharField(max_length=10, choices=Decision.choices)
    # What was there when it was decided: going on counts for that, and for nothing that comes later.
    seen = models.TextField(blank=True)
    reason = models.TextField(max_length=LONGEST_REASON)
    decided_at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    classified: ClassVar = Classified(
        clinical=("rule", "text", "decision", "seen", "reason", "decided_at"),
        operational=("id", "version", "participant", "facility", "by"),
    )

    class Meta:
        verbose_name = "decision about a reason to stop"
        verbose_name_plural = "decisions about reasons to stop"
        ordering: ClassVar = ["-decided_at"]

    def __str__(self) -> str:
        return f"{self.rule}: {self.decision}"
