"""What people type about reasons to stop and long-term monitoring."""

from __future__ import annotations

from typing import Any

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.ground.forms import Reason
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.treatments.forms import moment_field
from upturn_clinic.treatments.models import MonitoringCheck, StopDecision

__all__ = ["CheckForm", "StopForm"]


class StopForm(ProofFields):
    """What is decided about a reason to stop, signed."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    decision = forms.ChoiceField(label="Decision", widget=forms.RadioSelect)
    reason = Reason("Why")

    field_order = ("seen", "decision", "reason", "password", "code")

    def __init__(self, *args: Any, holds_back: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wanted = StopDecision.Decision.GO_ON if holds_back else StopDecision.Decision.STOP
        field = self.fields["decision"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101  (declared above)
        field.choices = [(wanted.value, wanted.label)]


class CheckForm(forms.Form):
    """What was found at a look."""

    done_at = moment_field("When")
    finding = forms.ChoiceField(
        label="What was found", choices=MonitoringCheck.Finding.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label="In words", help_text="Needed unless nothing of note was found. An illness or symptom is recorded as an "
        "adverse event as well.", required=False, max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
