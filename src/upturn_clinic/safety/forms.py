"""What people type about concerns and adverse events. Rules are in the actions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms

from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.safety.terms import terms

__all__ = [
    "CloseForm", "ConcernForm", "CorrectForm", "EndForm", "EventForm", "JudgeForm", "ReportForm", "TakeForm",
]  # fmt: skip

# Roles that may have a concern as their task.
OWNERS = (Role.CLINICIAN, Role.SESSION_NURSE)
OTHER = ""


def _moment(label: str, help_text: str = "", *, required: bool = True) -> forms.DateTimeField:
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, help_text=help_text, widget=widget, required=required)


def _text(label: str, help_text: str = "", *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=required, max_length=LONGEST_REASON,
        widget=forms.Textarea({"rows": 3}),
    )  # fmt: skip


class ConcernForm(forms.Form):
    """Something that somebody saw or heard, as a task for somebody else."""

    entry = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    text = forms.CharField(label="What is to be looked at", max_length=200)
    because = _text("Why", "What was seen or heard, by whom, when.")
    owner = forms.ChoiceField(label="Whose task it is", choices=[(each.value, each.value) for each in OWNERS])
    due_at = _moment("By when", "In danger now: do not write, call.")


class TakeForm(forms.Form):
    """I look at this."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class CloseForm(TakeForm):
    """What was done."""

    done = _text("What was done", "Who spoke with whom, what was found, what was agreed. It cannot be changed later.")

    field_order = ("done", "version")


class _Event(forms.Form):
    """What is recorded of an event."""

    known = forms.ChoiceField(
        label="What happened", required=False, widget=forms.Select({"data-needed-later": True}),
        choices=lambda: [(OTHER, "choose, or write another word below"), *((each.word, each.word) for each in terms())],
    )  # fmt: skip
    term = forms.CharField(
        label="In another word", max_length=120, required=False, widget=forms.TextInput({"data-needed-later": True}),
        help_text="Only if it is not in the list above.",
    )  # fmt: skip
    severity = forms.ChoiceField(
        label="How strong", choices=AdverseEvent.Severity.choices, widget=forms.RadioSelect,
        help_text="Strong is not the same as serious: whether it is serious is judged apart.",
    )  # fmt: skip
    started_at = _moment("Began")
    peak_at = _moment("Was strongest", required=False)
    ended_at = _moment("Was over", "Empty while it lasts.", required=False)
    detail = _text("In more detail", required=False)

    def clean(self) -> dict[str, Any]:
        """Take exactly one word: from the list, or another."""
        given = {**self.cleaned_data}
        known, other = given.pop("known", "") or "", (given.get("term") or "").strip()
        if bool(known) == bool(other):
            self.add_error(None, "Choose a word from the list or write another: one of the two.")
        given["term"] = known or other
        return given


class EventForm(_Event):
    """An event, recorded for the first time."""

    entry = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


class CorrectForm(_Event, ChangeFields):
    """An event, corrected with a reason."""

    field_order = ("known", "term", "severity", "started_at", "peak_at", "ended_at", "detail", "reason", "version")


class EndForm(forms.Form):
    """When an event was over, and how."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    ended_at = _moment("Was over")
    outcome = forms.ChoiceField(
        label="How", required=False,
        choices=[("", "not said"), *(each for each in AdverseEvent.Outcome.choices if each[0] != "ongoing")],
    )  # fmt: skip

    field_order = ("ended_at", "outcome", "version")


class JudgeForm(forms.Form):
    """A clinician's judgement."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    criteria = forms.MultipleChoiceField(
        label="Serious because", choices=AdverseEvent.Criterion.choices, required=False,
        widget=forms.CheckboxSelectMultiple, help_text="None ticked: it is not serious.",
    )  # fmt: skip
    relatedness = forms.ChoiceField(
        label="Related to the treatment", choices=AdverseEvent.Relatedness.choices, widget=forms.RadioSelect,
        help_text="Judge by what you know of the person and of the time since the dose; you need not know the arm.",
    )  # fmt: skip
    is_expected = forms.TypedChoiceField(
        label="Expected", choices=[("yes", "yes: known for this treatment, in kind and strength"), ("no", "no")],
        widget=forms.RadioSelect, coerce=lambda given: given == "yes",
    )  # fmt: skip
    outcome = forms.ChoiceField(label="Outcome", choices=AdverseEvent.Outcome.choices)
    reason = _text("Why it is judged anew", required=False)

    field_order = ("criteria", "relatedness", "is_expected", "outcome", "reason", "version")

    def __init__(self, *args: Any, is_again: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = is_again
        if not is_again:
            self.fields["reason"].widget = forms.HiddenInput()


class ReportForm(forms.Form):
    """That a serious event was reported."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reported_at = _moment("Reported")
    reported_to = forms.CharField(label="To whom", max_length=200)

    field_order = ("reported_at", "reported_to", "version")
