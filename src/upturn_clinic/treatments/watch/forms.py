"""What people type about reasons to stop and long-term monitoring."""

from __future__ import annotations

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
    # Only one is open at a time: the page says which, in what is signed and on the button.
    decision = forms.ChoiceField(choices=StopDecision.Decision.choices, widget=forms.HiddenInput)
    reason = Reason("Why")

    field_order = ("seen", "decision", "reason", "password", "code")


class CheckForm(forms.Form):
    """What was found at a look."""

    done_at = moment_field("When")
    finding = forms.ChoiceField(
        label="What was found", choices=MonitoringCheck.Finding.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label="In words", help_text="Needed unless you choose “nothing of note”. An illness or symptom is recorded as "
        "an adverse event as well.", required=False, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 3, "data-needed-later": True}),
    )  # fmt: skip
