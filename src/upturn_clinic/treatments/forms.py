"""What people type about plans, doses and visits. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from typing import Any

from django import forms

from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["AttendForm", "BeginForm", "BoosterForm", "DecideForm", "EndForm", "GiveForm", "MoveForm", "day_field"]

MOST_PERCENT = 100
LONGEST_NAME = 160


def moment_field(label: str, help_text: str = "") -> forms.DateTimeField:
    """Ask for a day and a time, by the facility's clock."""
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, help_text=help_text, widget=widget)


def day_field(label: str, *, required: bool = False) -> forms.DateField:
    """Ask for a day."""
    return forms.DateField(label=label, required=required, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))


class _WithReasonIfNeeded(forms.Form):
    """A record of what happened: its reason is asked for by the action, where one is needed; a correction has one."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason, if it differs from the plan", required=False, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 3, "data-needed-later": True}),
    )  # fmt: skip
    needed_for = "a time outside the window"

    def __init__(self, *args: Any, is_correction: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reason = self.fields["reason"]
        reason.help_text = f"Needed for {self.needed_for}. Kept in the audit trail."
        if is_correction:
            reason.label, reason.required = "Reason for the correction", True
            reason.help_text = "Kept in the audit trail."


class BeginForm(forms.Form):
    """When the first dose shall be; the rest follows."""

    begins_at = moment_field("First dose", "Every appointment takes this time of day, by the facility's clock.")


class MoveForm(ChangeFields):
    """Another time for a dose or a visit."""

    planned_at = moment_field("New time", "A time outside the window is accepted, and marked as outside it.")

    field_order = ("planned_at", "reason")


class EndForm(ChangeFields):
    """A dose or visit that will not take place."""

    outcome = forms.ChoiceField(
        label="What happened",
        choices=[("missed", "It was missed"), ("cancelled", "It is cancelled, before its time or by decision")],
        widget=forms.RadioSelect,
    )

    field_order = ("outcome", "reason")

    def __init__(self, *args: Any, is_over: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_over:
            # What is still to come can be cancelled, not missed: nothing to choose.
            self.fields["outcome"] = forms.ChoiceField(
                choices=[("cancelled", "cancelled")], initial="cancelled", widget=forms.HiddenInput
            )


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
    needed_for = "a time outside the window or another amount"

    def __init__(self, *args: Any, is_masked: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In a masked arm nobody at the bedside knows milligrams; elsewhere a share would say less.
        del self.fields["mg" if is_masked else "percent"]


class BoosterForm(forms.Form):
    """A booster because the rule holds."""

    is_seen = forms.BooleanField(label="I have looked at the ratings, and a booster is to be planned.")
    asked_by = forms.CharField(label="Which clinician asked for it", max_length=LONGEST_NAME)

    def __init__(self, *args: Any, may_read: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if may_read:
            del self.fields["asked_by"]
        else:
            self.fields["is_seen"].label = "A clinician has looked at the ratings and asked for this booster."


class DecideForm(forms.Form):
    """A booster because a clinician decides so."""

    planned_at = moment_field("When")
    reason = Reason("Why by decision, now")
