"""What is kept of a session. A session changes from phase to phase; all else is an entry that is written once.

An entry has the key that the browser gave it, so that sending it twice makes one row. It keeps three times: when it
was so (``at``), what the device's own clock said then (``device_at``), and when the server took it in (``noted_at``).
An entry made by mistake is struck out with a reason and stays. The database keeps the other columns as they are.
"""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments.models import Dose

__all__ = [
    "CATEGORY", "Administration", "Answer", "EmergencyStep", "Entered", "Filling", "GateDecision", "Reading", "Session",
    "Sign", "amount",
]  # fmt: skip

# What the shelf of instruments has in the place of a unit where a value is one of some categories.
CATEGORY = "category"
# "70 1/min" can be read as 701.
_SAID = {"1/min": "per minute"}
ENTERED = ("at", "device_at", "struck_because")
ENTERED_OPERATIONAL = ("id", "version", "session", "noted_at", "by", "struck_at", "struck_by")


def amount(value: Decimal, unit: str) -> str:
    """Write a value with its unit; a category has none.

    Examples
    --------
    >>> amount(Decimal("120.000"), "mmHg"), amount(Decimal(3), "category"), amount(Decimal(70), "1/min")
    ('120 mmHg', '3', '70 per minute')
    """
    return f"{value.normalize():f}" + ("" if unit == CATEGORY else f" {_SAID.get(unit, unit)}")


class Session(Versioned):
    """One person's session around one dose. ``queries.phase_of`` says how far it is."""

    class Left(models.TextChoices):
        """How somebody left."""

        READY = "ready", "ready to leave by the protocol"
        DECISION = "decision", "a clinician decided so and signed"
        AGAINST_ADVICE = "against advice", "against advice"

    # A dose that was not given after all can be planned again; it then gets a session of its own.
    dose = models.ForeignKey(Dose, models.PROTECT, related_name="sessions")
    participant = models.ForeignKey(Participant, models.PROTECT, related_name="sessions")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="sessions")
    room = models.CharField(max_length=40, blank=True)
    arrived_at = models.DateTimeField()
    # After the time-out: everything before the dose is answered, and the dose may begin.
    ready_at = models.DateTimeField(null=True, blank=True)
    began_at = models.DateTimeField(null=True, blank=True)
    dosed_until = models.DateTimeField(null=True, blank=True)
    ended_early = models.BooleanField(default=False)
    # Leaving: ready to leave and left are two times.
    may_leave_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    left_how = models.CharField(max_length=15, choices=Left.choices, blank=True)
    left_because = models.TextField(blank=True, max_length=LONGEST_REASON)
    escort = models.CharField(max_length=160, blank=True)
    escort_phone = models.CharField(max_length=40, blank=True)
    # No dose was given.
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_because = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        identifying=("escort", "escort_phone"),
        clinical=(
            "arrived_at", "ready_at", "began_at", "dosed_until", "ended_early", "may_leave_at", "left_at", "left_how",
            "left_because", "cancelled_at", "cancelled_because",
        ),
        operational=("id", "version", "dose", "participant", "facility", "room"),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["arrived_at"]
        indexes: ClassVar = [
            models.Index(fields=["facility", "-arrived_at"], name="sessions_at_facility"),
            models.Index(fields=["participant", "-arrived_at"], name="sessions_of_participant"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["dose"], condition=models.Q(cancelled_at=None), name="one_session_for_a_dose"
            )
        ]

    def __str__(self) -> str:
        return f"Session of {self.participant}"

    @property
    def is_open(self) -> bool:
        """Whether it still goes on: nobody has left, and it was not given up."""
        return self.left_at is None and self.cancelled_at is None


class Entered(Versioned):
    """What every entry has. It is written once; later only struck out, with a reason."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="%(class)ss")
    at = models.DateTimeField()
    device_at = models.DateTimeField(null=True, blank=True)
    noted_at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    struck_at = models.DateTimeField(null=True, blank=True)
    struck_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    struck_because = models.TextField(blank=True, max_length=LONGEST_REASON)

    class Meta:
        abstract = True
        ordering: ClassVar = ["at", "noted_at"]

    @property
    def counts(self) -> bool:
        """Whether it was not struck out."""
        return self.struck_at is None


class Reading(Entered):
    """One value of the flowsheet: a measure at the time at which it was read, and the protocol's time it stands for."""

    instrument = models.CharField(max_length=40)
    value = models.DecimalField(max_digits=9, decimal_places=3)
    unit = models.CharField(max_length=20)
    # The protocol's time, in minutes from the start of the dose; none for a row that somebody added.
    nominal_min = models.IntegerField(null=True, blank=True)
    # Which added row it stands in.
    row = models.UUIDField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "instrument", "value", "unit", "nominal_min"), operational=(*ENTERED_OPERATIONAL, "row")
    )

    def __str__(self) -> str:
        return f"{self.instrument} {self.reading}"

    @property
    def reading(self) -> str:
        """The value with its unit."""
        return amount(self.value, self.unit)


class Answer(Entered):
    """An answer to one line of a checklist: on arrival, at the time-out, or before leaving."""

    class List(models.TextChoices):
        """Which list."""

        ARRIVAL = "arrival", "arrival"
        TIME_OUT = "time-out", "time-out"
        LEAVING = "leaving", "leaving"

    class Said(models.TextChoices):
        """What was answered, in words that cannot be heard as an answer to another question."""

        YES = "yes", "that is so"
        NO = "no", "not so"
        NOT_APPLICABLE = "not applicable", "does not apply"

    list = models.CharField(max_length=10, choices=List.choices)
    criterion = models.CharField(max_length=120)
    # The protocol's words when it was answered.
    text = models.TextField()
    answer = models.CharField(max_length=15, choices=Said.choices)
    note = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "criterion", "text", "answer", "note"), operational=(*ENTERED_OPERATIONAL, "list")
    )

    def __str__(self) -> str:
        return f"{self.criterion}: {self.answer}"


class Sign(Entered):
    """A sign that the protocol names: seen in this person, or (``is_present`` false) looked for and not seen."""

    gate = models.CharField(max_length=120)
    # Empty with ``is_present`` false: all signs of the gate were looked for, and none is there.
    sign = models.CharField(max_length=200, blank=True)
    is_present = models.BooleanField(default=True)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "gate", "sign", "is_present"), operational=ENTERED_OPERATIONAL
    )

    def __str__(self) -> str:
        return self.sign


class GateDecision(Entered):
    """What was decided or done because a gate closed. It counts for what had closed it then."""

    class Decision(models.TextChoices):
        """What was decided."""

        GO_ON = "go on", "go on, for the reason given"
        WAIT = "wait", "wait and measure again"
        CLOSER = "closer", "measure more often"
        TOLD = "told", "a clinician was told"
        PAUSED = "paused", "the dose was paused"
        STOPPED = "stopped", "the dose was stopped"
        CANCELLED = "cancelled", "the dose is not given"
        EMERGENCY = "emergency", "the emergency path was opened"
        OVERRIDE = "override", "overridden, with a signature"

    gate = models.CharField(max_length=120)
    # The protocol's words, with kind and source, when it was decided.
    text = models.TextField()
    # The keys of the readings, signs or answers that had closed it.
    because_of = models.JSONField(blank=True, default=list)
    decision = models.CharField(max_length=10, choices=Decision.choices)
    reason = models.TextField(max_length=LONGEST_REASON)
    role = models.CharField(max_length=60)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "gate", "text", "decision", "reason"),
        operational=(*ENTERED_OPERATIONAL, "because_of", "role"),
    )

    class Meta(Entered.Meta):
        verbose_name = "decision at a gate"

    def __str__(self) -> str:
        return f"{self.gate}: {self.decision}"


class Filling(Entered):
    """How many millilitres of syringe or bag hold what was drawn for an infusion.

    How many milligrams they hold is read from the stock's draws and never kept here: a masked dose shows millilitres.
    """

    ml = models.DecimalField(max_digits=7, decimal_places=2)

    classified: ClassVar = Classified(clinical=(*ENTERED, "ml"), operational=ENTERED_OPERATIONAL)

    def __str__(self) -> str:
        return f"{self.ml.normalize():f} ml"


class Administration(Entered):
    """One act of giving: an infusion starts, pauses, runs on, changes its rate, stops; a device or a dose is given."""

    class Kind(models.TextChoices):
        """What was done."""

        START = "start", "started"
        PAUSE = "pause", "paused"
        RESUME = "resume", "went on"
        RATE = "rate", "rate changed"
        DEVICE = "device", "device used"
        GIVEN = "given", "given at once"
        STOP = "stop", "ended"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    rate_ml_h = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    # How much of a device, or of what is given at once, was taken.
    percent = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    because = models.TextField(blank=True, max_length=LONGEST_REASON)
    # Of an early end: which of the protocol's reasons, by its id.
    why = models.CharField(max_length=120, blank=True)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "kind", "rate_ml_h", "percent", "because", "why"), operational=ENTERED_OPERATIONAL
    )

    def __str__(self) -> str:
        return str(self.get_kind_display())


class EmergencyStep(Entered):
    """One step of the emergency path: it was opened, help was called, came, took over, it is over."""

    class Step(models.TextChoices):
        """Which step."""

        OPENED = "opened", "emergency path opened"
        CALLED = "called", "help called"
        CAME = "came", "help came"
        HANDED_OVER = "handed over", "handed over"
        OVER = "over", "over"

    step = models.CharField(max_length=15, choices=Step.choices)
    gate = models.CharField(max_length=120, blank=True)
    signs = models.JSONField(blank=True, default=list)
    who = models.CharField(max_length=160, blank=True)
    note = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        clinical=(*ENTERED, "step", "gate", "signs", "who", "note"), operational=ENTERED_OPERATIONAL
    )

    class Meta(Entered.Meta):
        verbose_name = "step of the emergency path"

    def __str__(self) -> str:
        return str(self.get_step_display())
