"""The end of a study's masking, for its records; and the forms that a drug's safety programme asks for after a session.

A form is made when it is first opened, printed, and noted as submitted by who submitted it: the clinic does that, no
machine.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.programmes.models import Programme
from upturn_clinic.treatments.models import Dose

__all__ = ["MonitoringForm", "Unmasking"]


class Unmasking(Versioned):
    """A masked programme has ended and its arms may be named in records. The table only grows."""

    programme = models.OneToOneField(Programme, models.PROTECT, related_name="unmasking")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField(max_length=LONGEST_REASON)

    classified: ClassVar = Classified(operational=("id", "version", "programme", "by", "at", "reason"))

    def __str__(self) -> str:
        return f"Arms of {self.programme} made known"


class MonitoringForm(Versioned):
    """What the record does not say and the form asks, for one session; and how far the form is."""

    dose = models.OneToOneField(Dose, models.PROTECT, related_name="monitoring_form")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    # What somebody ticked or wrote; what the record says is read from the record each time.
    answers = models.JSONField(default=dict, blank=True)
    printed_at = models.DateTimeField(null=True, blank=True)
    printed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    submitted_at = models.DateTimeField(null=True, blank=True, verbose_name="submitted at")
    submitted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    submitted_how = models.CharField(max_length=160, blank=True, verbose_name="how it was submitted")

    classified: ClassVar = Classified(
        clinical=("answers",),
        operational=(
            "id", "version", "dose", "facility", "printed_at", "printed_by", "submitted_at", "submitted_by",
            "submitted_how",
        ),
    )  # fmt: skip

    class Meta:
        verbose_name = "monitoring form"

    def __str__(self) -> str:
        return f"Monitoring form of {self.dose}"

    @property
    def state(self) -> str:
        """How far it is, in words."""
        if self.submitted_at:
            return "submitted by the clinic"
        return "printed" if self.printed_at else "to fill"
