"""What people type about long-term monitoring."""

from __future__ import annotations

from django import forms

from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.treatments.forms import moment_field
from upturn_clinic.treatments.models import MonitoringCheck

__all__ = ["CheckForm"]


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
