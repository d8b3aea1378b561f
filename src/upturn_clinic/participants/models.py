"""Participants under a pseudonym, and in a table of its own who they are. Nothing here is ever deleted: it ends.

What a participant was allocated by a masked list is a secret field: neither the trail nor any page holds it; see
``queries.arm_of`` (for computing) and ``queries.arm_shown`` (for people).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.programmes.models import Programme, ProtocolVersion

__all__ = [
    "Allocation", "Consent", "ConsentDocument", "CriterionDecision", "CriterionResult", "Identity", "Measure",
    "Participant", "RandomisationList", "TreatmentTrial", "Unblinding",
]  # fmt: skip

HASH_LENGTH = 64


class Participant(Versioned):
    """Somebody who is screened or takes part, as the team and the data know them: by a pseudonym drawn at random."""

    class Status(models.TextChoices):
        """How far somebody is."""

        SCREENING = "screening", "screening"
        ELIGIBLE = "eligible", "eligible"
        ENROLLED = "enrolled", "enrolled"
        COMPLETED = "completed", "completed"
        WITHDRAWN = "withdrawn", "withdrawn"

    class Sex(models.TextChoices):
        """Sex, as the records of the library know it."""

        FEMALE = "female", "female"
        MALE = "male", "male"

    pseudonym = models.CharField(max_length=12, unique=True)
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="participants")
    programme = models.ForeignKey(Programme, models.PROTECT, related_name="participants")
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="participants")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.SCREENING)
    sex = models.CharField(max_length=10, choices=Sex.choices)
    # Full years on the day of registration; the date of birth itself is part of the identity.
    age_y = models.PositiveSmallIntegerField(verbose_name="age in years")
    # Empty until enrolment, and for good where a masked list holds the arm.
    arm = models.CharField(max_length=120, blank=True)
    registered_at = models.DateTimeField()
    enrolled_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        clinical=("sex", "age_y", "arm", "ended_because"),
        operational=(
            "id", "version", "pseudonym", "facility", "programme", "protocol_version", "status", "registered_at",
            "enrolled_at", "ended_at",
        ),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["-registered_at", "pseudonym"]
        indexes: ClassVar = [
            models.Index(fields=["facility", "status", "-registered_at"], name="participants_at_facility")
        ]

    def __str__(self) -> str:
        return self.pseudonym

    @property
    def has_ended(self) -> bool:
        """Whether nothing more happens: completed or withdrawn."""
        return self.status in (self.Status.COMPLETED, self.Status.WITHDRAWN)


class Identity(Versioned):
    """Who a participant is. No other table of the clinic holds any of this. All of it can be erased, with a reason."""

    participant = models.OneToOneField(Participant, models.PROTECT, related_name="identity")
    # Empty only when it was erased; forms and actions ask for it.
    full_name = models.CharField(max_length=160, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    phone = models.CharField(max_length=40, blank=True, verbose_name="telephone")
    email = models.EmailField(blank=True, verbose_name="email address")
    address = models.TextField(max_length=400, blank=True)
    emergency_contact = models.CharField(max_length=200, blank=True)
    emergency_phone = models.CharField(max_length=40, blank=True, verbose_name="telephone of the emergency contact")
    erased_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        identifying=(
            "full_name", "date_of_birth", "phone", "email", "address", "emergency_contact", "emergency_phone",
        ),
        operational=("id", "version", "participant", "erased_at"),
    )  # fmt: skip

    class Meta:
        verbose_name_plural = "identities"

    def __str__(self) -> str:
        return self.full_name or "erased"


class CriterionResult(Versioned):
    """What was found about one criterion of one person: present, absent or not known, on what evidence, by whom."""

    class Finding(models.TextChoices):
        """What was found. A criterion is a reason not to go on: absent is good."""

        ABSENT = "absent", "No, this is not the case"
        PRESENT = "present", "Yes, this is the case"
        UNKNOWN = "not known", "Not known yet"

    class Source(models.TextChoices):
        """Where the evidence comes from."""

        INTERVIEW = "interview", "interview"
        EXAMINATION = "examination", "examination"
        MEASURE = "measurement", "a measurement recorded here"
        LABORATORY = "laboratory", "laboratory"
        RECORD = "earlier record", "earlier medical record"
        RELATIVE = "relative", "relative or carer"
        OTHER = "other", "other"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="results")
    # The gate of the protocol, and its words when it was assessed: other words in a later version need a new answer.
    criterion = models.CharField(max_length=120)
    text = models.TextField()
    finding = models.CharField(max_length=10, choices=Finding.choices)
    evidence = models.TextField(max_length=LONGEST_REASON)
    source = models.CharField(max_length=20, choices=Source.choices)
    assessor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    assessed_at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("criterion", "text", "finding", "evidence", "source"),
        operational=("id", "version", "participant", "assessor", "assessed_at"),
    )

    class Meta:
        verbose_name = "criterion result"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["participant", "criterion"], name="each_criterion_once")
        ]

    def __str__(self) -> str:
        return f"{self.participant}: {self.criterion} {self.finding}"


class CriterionDecision(Versioned):
    """A decision to go on although a criterion is present: for a soft one with its reason, for a hard one signed.

    It counts for one version of the result only; when the result changes, it must be decided anew.
    """

    result = models.ForeignKey(CriterionResult, models.PROTECT, related_name="decisions")
    result_version = models.PositiveIntegerField()
    is_override = models.BooleanField()
    reason = models.TextField(max_length=LONGEST_REASON)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("reason",),
        operational=("id", "version", "result", "result_version", "is_override", "decided_by", "at"),
    )

    class Meta:
        verbose_name = "decision on a criterion"
        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        return f"{self.result.criterion}: {'overridden' if self.is_override else 'decided'}"


class TreatmentTrial(Versioned):
    """An earlier treatment with an antidepressant, and whether the assessor calls it adequate."""

    class Adherence(models.TextChoices):
        """How far it was taken as prescribed."""

        GOOD = "good", "taken as prescribed"
        PARTIAL = "partial", "taken in part"
        POOR = "poor", "mostly not taken"
        UNKNOWN = "not known", "not known"

    class Outcome(models.TextChoices):
        """What came of it."""

        NONE = "no response", "no response"
        PARTIAL = "partial response", "partial response"
        RESPONSE = "response", "response"
        REMISSION = "remission", "remission"
        STOPPED = "stopped for side effects", "stopped early for side effects"
        UNKNOWN = "not known", "not known"

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="trials")
    drug = models.CharField(max_length=120)
    dose = models.CharField(max_length=80, verbose_name="highest dose")
    duration_weeks = models.PositiveSmallIntegerField(verbose_name="weeks at that dose")
    adherence = models.CharField(max_length=10, choices=Adherence.choices)
    outcome = models.CharField(max_length=30, choices=Outcome.choices)
    in_current_episode = models.BooleanField(verbose_name="in the current episode")
    is_adequate = models.BooleanField(verbose_name="adequate in dose and duration")
    evidence = models.CharField(max_length=300)
    assessor = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    assessed_at = models.DateTimeField()
    # A row entered by mistake stays, struck out.
    struck_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=(
            "drug", "dose", "duration_weeks", "adherence", "outcome", "in_current_episode", "is_adequate", "evidence",
        ),
        operational=("id", "version", "participant", "assessor", "assessed_at", "struck_at"),
    )  # fmt: skip

    class Meta:
        verbose_name = "treatment trial"
        ordering: ClassVar = ["assessed_at"]

    def __str__(self) -> str:
        return f"{self.drug} {self.dose}, {self.duration_weeks} weeks"

    @property
    def counts_as_failed(self) -> bool:
        """Whether it counts towards treatment resistance: adequate by the assessor's word, and no response."""
        return self.struck_at is None and self.is_adequate and self.outcome in (self.Outcome.NONE, self.Outcome.PARTIAL)


class Measure(Versioned):
    """A value measured before treatment: a rating scale, blood pressure, weight, height."""

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="measures")
    instrument = models.CharField(max_length=40)
    value = models.DecimalField(max_digits=9, decimal_places=3)
    unit = models.CharField(max_length=20)
    at = models.DateTimeField(verbose_name="measured at")
    # How far the rating looks back; none for what is measured on the spot.
    recall_h = models.DecimalField(max_digits=7, decimal_places=2, null=True, blank=True)
    rater = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    struck_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=("instrument", "value", "unit", "recall_h"),
        operational=("id", "version", "participant", "at", "rater", "struck_at"),
    )

    class Meta:
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [models.Index(fields=["participant", "instrument", "-at"], name="measures_of_participant")]

    def __str__(self) -> str:
        return f"{self.instrument} {self.reading}"

    @property
    def reading(self) -> str:
        """The value with its unit."""
        return f"{self.value.normalize():f} {self.unit}"


class ConsentDocument(Versioned):
    """One version of what people consent to; the newest of a programme is the one in use. The table only grows."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="consent_documents")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=160)
    text = models.TextField()
    text_hash = models.CharField(max_length=HASH_LENGTH)
    at = models.DateTimeField()

    classified: ClassVar = Classified(
        operational=("id", "version", "programme", "number", "title", "text", "text_hash", "at")
    )

    class Meta:
        verbose_name = "consent document"
        ordering: ClassVar = ["programme", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["programme", "number"], name="each_consent_document_once")
        ]

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"


class Consent(Versioned):
    """A participant's consent to one version of the document, until it is withdrawn."""

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="consents")
    document = models.ForeignKey(ConsentDocument, models.PROTECT, related_name="consents")
    # The hash of the text that was consented to, beside the document it is in.
    text_hash = models.CharField(max_length=HASH_LENGTH)
    given_at = models.DateTimeField()
    has_capacity = models.BooleanField(verbose_name="has capacity to consent and does so freely")
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_because = models.TextField(blank=True, max_length=LONGEST_REASON)

    classified: ClassVar = Classified(
        clinical=("has_capacity", "withdrawn_because"),
        operational=(
            "id", "version", "participant", "document", "text_hash", "given_at", "recorded_by", "recorded_at",
            "withdrawn_at",
        ),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["-given_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["participant", "document"], condition=models.Q(withdrawn_at=None), name="one_consent_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.participant}: {self.document}"


class RandomisationList(Versioned):
    """How a programme allocates: arms and their shares, block sizes, strata, and the seed from which all follows.

    The list itself is stored nowhere: each place on it follows from seed and design when it is needed, so nobody can
    look ahead. ``commitment`` is a hash of both, written down at set-up: a list made up afterwards would not fit it.
    """

    programme = models.OneToOneField(Programme, models.PROTECT, related_name="randomisation")
    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="+")
    shares = models.JSONField()
    block_sizes = models.JSONField()
    strata = models.JSONField(blank=True)
    by_facility = models.BooleanField()
    is_masked = models.BooleanField()
    seed = models.CharField(max_length=HASH_LENGTH)
    commitment = models.CharField(max_length=HASH_LENGTH)
    at = models.DateTimeField()

    classified: ClassVar = Classified(
        operational=(
            "id", "version", "programme", "protocol_version", "shares", "strata", "by_facility", "is_masked",
            "commitment", "at",
        ),
        # Whoever knows the sizes of the blocks can guess the end of one.
        secret=("seed", "block_sizes"),
    )  # fmt: skip

    class Meta:
        verbose_name = "randomisation list"

    def __str__(self) -> str:
        return f"Randomisation of {self.programme}"


class Allocation(Versioned):
    """A participant's place on the list. The table only grows; the arm is not in the trail, the place is."""

    participant = models.OneToOneField(Participant, models.PROTECT, related_name="allocation")
    randomisation = models.ForeignKey(RandomisationList, models.PROTECT, related_name="allocations")
    stratum = models.CharField(max_length=300)
    place = models.PositiveIntegerField()
    arm = models.CharField(max_length=120)
    at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("stratum",),
        operational=("id", "version", "participant", "randomisation", "place", "at"),
        secret=("arm",),
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["randomisation", "stratum", "place"], name="each_place_once")
        ]

    def __str__(self) -> str:
        return f"{self.participant}: place {self.place}"


class Unblinding(Versioned):
    """Somebody learnt a masked arm, and why. The table only grows."""

    participant = models.ForeignKey(Participant, models.PROTECT, related_name="unblindings")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField(max_length=LONGEST_REASON)
    at = models.DateTimeField()

    classified: ClassVar = Classified(
        clinical=("reason",), operational=("id", "version", "participant", "person", "at")
    )

    class Meta:
        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        return f"{self.participant}: arm made known to {self.person}"
