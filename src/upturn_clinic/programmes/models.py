"""Programmes, where they run, the versions of their protocol, and what the simulation of each version expects.

The document of a version never changes: the database itself refuses (see the first migration). What a protocol means
is the library's; it is read by ``queries.protocol_of``.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned

__all__ = ["Expectation", "Programme", "ProtocolVersion", "Site", "TakenRule"]

DIGEST_LENGTH = 71  # "sha256:" and 64 hexadecimal digits


class Programme(Versioned):
    """A supervised programme or study: one protocol at a time in force, at one or more facilities.

    It is prepared and signed at its lead facility; other facilities take it up by their own signature.
    """

    name = models.CharField(max_length=120)
    purpose = models.TextField(blank=True, max_length=2000)
    lead = models.ForeignKey(Facility, models.PROTECT, related_name="led_programmes")
    facilities = models.ManyToManyField(Facility, through="Site", related_name="programmes")

    classified: ClassVar = Classified(operational=("id", "version", "name", "purpose", "lead", "facilities"))

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["lead", "name"], name="one_programme_of_a_name_at_a_facility")
        ]

    def __str__(self) -> str:
        return self.name


class Site(Versioned):
    """A facility at which a programme runs, from the day it takes it up until it leaves."""

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="sites")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    taken_up_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        operational=("id", "version", "programme", "facility", "offered_at", "taken_up_at", "ended_at")
    )

    class Meta:
        ordering: ClassVar = ["facility__name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["programme", "facility"], condition=models.Q(ended_at=None), name="one_site_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.programme} at {self.facility}"


class ProtocolVersion(Versioned):
    """One version of a programme's protocol: the document as it was uploaded, and its digest.

    A version goes from draft to in force to retired, and never back. Participants stay on theirs when it retires.
    """

    class State(models.TextChoices):
        """Where a version stands."""

        DRAFT = "draft", "draft"
        IN_FORCE = "in force", "in force"
        RETIRED = "retired", "retired"

    programme = models.ForeignKey(Programme, models.PROTECT, related_name="versions")
    # Counts the versions of one programme: 1, 2, 3. What the document calls itself is `protocol_version`.
    number = models.PositiveIntegerField()
    document = models.TextField()
    digest = models.CharField(max_length=DIGEST_LENGTH)
    title = models.CharField(max_length=300)
    protocol_id = models.CharField(max_length=120)
    protocol_version = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    uploaded_at = models.DateTimeField()
    in_force_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        operational=(
            "id", "version", "programme", "number", "document", "digest", "title", "protocol_id", "protocol_version",
            "state", "uploaded_at", "in_force_at", "retired_at",
        )
    )  # fmt: skip

    class Meta:
        verbose_name = "protocol version"
        ordering: ClassVar = ["programme", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["programme", "number"], name="each_number_once"),
            models.UniqueConstraint(
                fields=["programme"], condition=models.Q(state="in force"), name="one_version_in_force"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme}, version {self.number}"


class TakenRule(Versioned):
    """A rule whose source nobody read, which the signer of a version took on all the same. The table only grows."""

    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="taken_rules")
    # Its key in the protocol, such as gates/heart-rate.
    rule = models.CharField(max_length=160)

    classified: ClassVar = Classified(operational=("id", "version", "protocol_version", "rule"))

    class Meta:
        verbose_name = "rule taken on"
        ordering: ClassVar = ["rule"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["protocol_version", "rule"], name="each_rule_taken_once")
        ]

    def __str__(self) -> str:
        return self.rule


class Expectation(Versioned):
    """What the calibrated simulation of a version expects: the library's own answer, kept so that no page waits."""

    class State(models.TextChoices):
        """How far the computation is."""

        RUNNING = "running", "being computed"
        DONE = "done", "computed"
        FAILED = "failed", "could not be computed"

    protocol_version = models.ForeignKey(ProtocolVersion, models.PROTECT, related_name="expectations")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # JSON text of `upturn answer`, without what no page shows (single people, curves).
    answer = models.TextField(blank=True)
    fault = models.TextField(blank=True)

    classified: ClassVar = Classified(
        operational=("id", "version", "protocol_version", "state", "began_at", "ended_at", "answer", "fault")
    )

    class Meta:
        ordering: ClassVar = ["-began_at"]

    def __str__(self) -> str:
        return f"Expectation of {self.protocol_version}"
