"""What people write on a monitoring form where the record does not say it."""

from __future__ import annotations

from collections.abc import Collection
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
    """The judgements and addresses that no reading holds. What the record says is not asked for.

    Parameters
    ----------
    known
        What the record of this session says itself.
    """

    version = forms.IntegerField(widget=forms.HiddenInput, initial=0)
    enrolled = _choice("Enrolled in the safety programme")
    vitals_before = _choice("Vital signs acceptable before the dose")
    vitals_after = _choice("Vital signs acceptable before the end of monitoring")
    sedation = _choice("Sedation")
    sedation_times = _line("Sedation: began and ended (min after the first device, such as 5 to 30)")
    dissociation = _choice("Dissociation")
    dissociation_times = _line("Dissociation: began and ended (min after the first device, such as 5 to 30)")
    serious = _choice("Serious adverse event")
    details = forms.CharField(
        label="Serious adverse event: details", required=False, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip
    opioids = _line("Opioids, apart")
    lot = _line("Lot number")
    prescriber = _line("Prescriber: name")
    prescriber_phone = _line("Prescriber: telephone")
    prescriber_email = _line("Prescriber: email")
    address = _line("Address of the healthcare setting, if another than the facility's")

    def __init__(self, *args: Any, known: Collection[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in known:
            self.fields.pop(name, None)

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
