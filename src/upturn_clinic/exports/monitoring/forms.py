"""What people write on a monitoring form where the record does not say it."""

from __future__ import annotations

from typing import Any

from django import forms

from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.treatments.forms import moment_field

__all__ = ["FillForm", "PrintForm", "SubmitForm"]

YES_NO = [("", "not answered"), ("yes", "yes"), ("no", "no")]


def _choice(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=YES_NO, required=False)


def _line(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=200)


class FillForm(forms.Form):
    """The judgements and addresses that no reading holds. What the record says is not asked for."""

    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)
    enrolled = _choice("Enrolled in the safety programme, if the arrival list does not say")
    vitals_before = _choice("Vital signs acceptable before the dose")
    vitals_after = _choice("Vital signs acceptable before the end of monitoring")
    sedation = _choice("Sedation, if no event was recorded")
    sedation_times = _line("Sedation: began and ended (min)")
    dissociation = _choice("Dissociation, if no event was recorded")
    dissociation_times = _line("Dissociation: began and ended (min)")
    serious = _choice("Serious adverse event, if none was recorded")
    details = forms.CharField(
        label="Serious adverse event: details", required=False, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    opioids = _line("Opioids, apart")
    lot = _line("Lot number, if the register has none")
    prescriber = _line("Prescriber: name")
    prescriber_phone = _line("Prescriber: telephone")
    prescriber_email = _line("Prescriber: email")
    address = _line("Address of the healthcare setting, if another than the facility's")

    def answers(self) -> dict[str, str]:
        """Give what was written, without the version."""
        return {name: str(value) for name, value in self.cleaned_data.items() if name != "version"}


class PrintForm(forms.Form):
    """That the form is on paper."""

    is_printed = forms.BooleanField(label="I have printed this form.")


class SubmitForm(forms.Form):
    """That the clinic submitted the form itself."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    submitted_at = moment_field("When it was submitted")
    submitted_how = forms.CharField(label="How (portal, fax), with its confirmation", max_length=160)
    reason = forms.CharField(
        label="Reason, if it is late or noted anew", required=False, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 2}),
    )  # fmt: skip

    def values(self) -> dict[str, Any]:
        """Give what was written."""
        return dict(self.cleaned_data)
