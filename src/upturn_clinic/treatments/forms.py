"""What people type about plans, doses and visits. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from typing import Any

from django import forms

from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["AttendForm", "BeginForm", "BoosterForm", "DecideForm", "EndForm", "GiveForm", "MoveForm", "day_field"]

MOST_PERCENT = 100


def moment_field(label: str, help_text: str = "") -> forms.DateTimeField:
    """Ask for a day and a time, by the facility's clock."""
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, help_text=help_text, widget=widget)


def day_field(label: str, *, required: bool = False) -> forms.DateField:
    """Ask for a day."""
    return forms.DateField(label=label, required=required, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class _WithReasonIfNeeded(forms.Form):
    """A record of what happened: its reason is asked for by the action, where one is needed."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason, if it differs from the plan",
        help_text="Needed for a time outside the window, another amount, or a correction. Kept in the audit trail.",
        required=False, max_length=LONGEST_REASON, widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip


class BeginForm(forms.Form):
    """When the first dose shall be; the rest follows."""

    begins_at = moment_field("First dose", "Every appointment takes this time of day, by the facility's clock.")


class MoveForm(ChangeFields):
    """Another time for a dose or a visit."""

    planned_at = moment_field("New time")

    field_order = ("planned_at", "reason")


class EndForm(ChangeFields):
    """A dose or visit that will not take place."""

    outcome = forms.ChoiceField(
        label="What happened",
        choices=[("missed", "It was missed"), ("cancelled", "It is cancelled, before its time or by decision")],
        widget=forms.RadioSelect,
    )

    field_order = ("outcome", "reason")


class AttendForm(_WithReasonIfNeeded):
    """A visit that took place."""

    done_at = moment_field("When it took place")

    field_order = ("done_at", "reason")


class GiveForm(_WithReasonIfNeeded):
    """A dose that is taken at home."""

    began_at = moment_field("When it began")
    mg = forms.DecimalField(label="Amount taken (mg)", min_value=0, max_digits=9, decimal_places=3)
    percent = forms.DecimalField(
        label="Share taken of what was prepared (%)", min_value=0, max_value=MOST_PERCENT, max_digits=4,
        decimal_places=1,
    )  # fmt: skip

    field_order = ("began_at", "mg", "percent", "reason")

    def __init__(self, *args: Any, is_masked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In a masked arm nobody at the bedside knows milligrams; elsewhere a share would say less.
        del self.fields["mg" if is_masked else "percent"]


class BoosterForm(forms.Form):
    """A booster because the rule holds."""

    is_seen = forms.BooleanField(label="I have looked at the ratings, and a booster is to be planned.")


class DecideForm(forms.Form):
    """A booster because a clinician decides so."""

    planned_at = moment_field("When")
    reason = Reason("Why, although the rule of the protocol does not ask for it, or not now")
