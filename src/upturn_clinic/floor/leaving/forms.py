"""What people type when somebody leaves. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from upturn_clinic.accounts.forms import ProofFields
from upturn_clinic.floor.leaving.actions import Given
from upturn_clinic.floor.leaving.lines import Line
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.ground.forms import ChangeFields, Reason
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["AgainstAdviceForm", "ChecklistForm", "DecideForm", "LeaveForm", "NotReadyForm", "ReadyForm", "Row"]

SAID = Answer.Said
# A line says something: "yes" to "no suicidal thoughts" could be heard either way.
IS_SO = [(SAID.YES.value, "That is so"), (SAID.NO.value, "Not so")]
ALL = [*IS_SO, (SAID.NOT_APPLICABLE.value, "Does not apply")]


def left_field(label: str = "Left at") -> forms.DateTimeField:
    """Ask for a day and a time, by the facility's clock."""
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget)


@dataclass(frozen=True)
class Row:
    """One line on the page, with what a person can answer to it."""

    line: Line
    said: forms.BoundField | None = None
    note: forms.BoundField | None = None


class ChecklistForm(forms.Form):
    """The answers to all lines that a person answers, and who takes the participant home."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    # Which answers were on the screen: what came in since is told, not passed over.
    seen = forms.CharField(widget=forms.HiddenInput, required=False)
    escort = forms.CharField(
        label="Who takes them home (needed)", required=False, max_length=160,
        widget=forms.TextInput({"autocomplete": "off", "data-needed-later": True}),
    )  # fmt: skip
    escort_phone = forms.CharField(
        label="Their telephone", required=False, max_length=40,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}),
    )  # fmt: skip

    def __init__(self, data: Mapping[str, Any] | None, *, lines: Sequence[Line], session: Session) -> None:
        self.lines = lines
        initial: dict[str, Any] = {
            "version": session.version, "escort": session.escort, "escort_phone": session.escort_phone,
        }  # fmt: skip
        for place, line in self._by_hand():
            initial[f"said_{place}"] = line.answer.answer if line.answer else None
            initial[f"note_{place}"] = line.answer.note if line.answer else ""
        super().__init__(data, initial=initial)
        for place, line in self._by_hand():
            self.fields[f"said_{place}"] = forms.ChoiceField(
                label=line.text, choices=IS_SO if line.always_applies else ALL, required=False,
                widget=forms.RadioSelect,
            )  # fmt: skip
            self.fields[f"note_{place}"] = forms.CharField(
                label="Note", required=False, max_length=LONGEST_REASON, widget=forms.TextInput({"autocomplete": "off"})
            )

    @property
    def on_screen(self) -> str:
        """The keys of the answers that this page shows, also after a refusal: what was told then has been seen."""
        return " ".join(str(each.answer.pk) for each in self.lines if each.answer)

    def rows(self) -> Iterator[Row]:
        """Give all lines in order, each with its fields where a person answers it."""
        for place, line in enumerate(self.lines):
            if line.kind == "answered":
                yield Row(line, self[f"said_{place}"], self[f"note_{place}"])
            else:
                yield Row(line)

    def given(self) -> dict[str, Given]:
        """Give what was answered, by the key of the line; a line without an answer is left out."""
        found = ((line, f"said_{place}", f"note_{place}") for place, line in self._by_hand())
        return {
            line.key: Given(self.cleaned_data[said], self.cleaned_data[note])
            for line, said, note in found
            if self.cleaned_data.get(said)
        }

    def seen_keys(self) -> frozenset[str]:
        """Give the keys of the answers that were on the screen."""
        return frozenset(self.cleaned_data["seen"].split())

    def _by_hand(self) -> Iterator[tuple[int, Line]]:
        return ((place, line) for place, line in enumerate(self.lines) if line.kind == "answered")


class ReadyForm(forms.Form):
    """Somebody is ready to leave."""

    version = forms.IntegerField(widget=forms.HiddenInput)


class NotReadyForm(ChangeFields):
    """Somebody is not ready after all."""

    reason = Reason("Why the person is not ready after all")


class LeaveForm(ProofFields):
    """When somebody left, signed."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    left_at = left_field()

    field_order: tuple[str, ...] = ("left_at", "password", "code")


class DecideForm(LeaveForm):
    """Why somebody leaves although not every line is met, signed by a clinician."""

    reason = Reason(
        "Why the participant leaves although not every line is met", "What was weighed, and what was agreed."
    )

    field_order = ("left_at", "reason", "password", "code")


class AgainstAdviceForm(LeaveForm):
    """What was said to somebody who leaves against advice, signed by who said it."""

    reason = Reason(
        "What you said to the person, and what they answered", "What can happen, whom to call, and who was told."
    )
    is_told = forms.BooleanField(
        label="I have said: do not drive, whom to call, and that they may come back at any time."
    )

    field_order = ("left_at", "reason", "is_told", "password", "code")
