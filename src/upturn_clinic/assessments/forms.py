"""What staff types about ratings. Rules of the clinic are in the actions, not here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils import timezone

from upturn.instruments import Item
from upturn_clinic.assessments.due import Due
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.texts import Sheet
from upturn_clinic.ground.forms import Reason
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["CorrectionForm", "RatingForm", "answers_in", "key_of_time", "time_of_key"]

BESIDE = "none"
STATES = {"open": "due now", "late": "its window is over", "later": "not due yet"}


def key_of_time(due: Due) -> str:
    """Write a time of the protocol and who rates as one word, for a choice."""
    return f"{due.planned_h:g} {due.rater_kind}"


def time_of_key(key: str) -> tuple[float | None, str]:
    """Read such a word back: hours after the first dose, and who rates; nothing for a rating beside the protocol.

    Examples
    --------
    >>> time_of_key("168 blinded"), time_of_key("none")
    ((168.0, 'blinded'), (None, ''))
    """
    hours, _, kind = key.partition(" ")
    return (float(hours), kind) if kind else (None, "")


def answers_in(given: Mapping[str, Any], items: Sequence[Item]) -> dict[str, int]:
    """Gather the answers from a form's cleaned values; what was left open is not there.

    Examples
    --------
    >>> from upturn.instruments import items_of
    >>> answers_in({"item_1": 2, "item_2": None}, items_of("GAD-7"))
    {'1': 2}
    """
    found = {item.id: given.get(f"item_{item.id}") for item in items}
    return {item: value for item, value in found.items() if value is not None}


class _Answers(forms.Form):
    """One choice for each item of an instrument."""

    def __init__(self, *args: Any, sheet: Sheet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet = sheet
        for item in sheet.items:
            self.fields[f"item_{item.id}"] = forms.TypedChoiceField(
                choices=[(value, item.answers.get(value, str(value))) for value in item.values],
                coerce=int, empty_value=None, required=False, widget=forms.RadioSelect, label=item.text or item.name,
            )  # fmt: skip

    @property
    def rows(self) -> list[tuple[Item, forms.BoundField]]:
        """Each item with its field, for a template."""
        return [(item, self[f"item_{item.id}"]) for item in self.sheet.items]

    @property
    def others(self) -> list[forms.BoundField]:
        """The fields that are not items."""
        return [self[name] for name in self.fields if not name.startswith("item_")]

    def answers(self) -> dict[str, int]:
        """Gather the answers that were given."""
        return answers_in(self.cleaned_data, self.sheet.items)


def _when() -> forms.DateTimeField:
    return forms.DateTimeField(
        label="When it was rated", widget=forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )


def _why_missing() -> forms.CharField:
    return forms.CharField(
        label="If items are missing: why", required=False, max_length=LONGEST_REASON,
        help_text="Without every item there is mostly no total. The answers that are there are kept.",
    )  # fmt: skip


class RatingForm(_Answers):
    """A new rating: for a time of the protocol, or beside it."""

    def __init__(self, *args: Any, sheet: Sheet, dues: Sequence[Due], **kwargs: Any) -> None:
        super().__init__(*args, sheet=sheet, **kwargs)
        times = [(key_of_time(due), _in_words(due)) for due in dues if due.state != "done"]
        self.fields["planned"] = forms.ChoiceField(
            choices=[*times, (BESIDE, "Not asked for by the protocol")], label="For which time"
        )
        self.fields["rated_at"] = _when()
        self.fields["mode"] = forms.ChoiceField(
            choices=[each for each in Rating.Mode.choices if each[0] != Rating.Mode.LINK], label="How the answers came"
        )
        recall = sheet.instrument.recall
        usual = f" Empty for what the protocol says, else {recall.hours:g} hours." if recall else ""
        self.fields["recall_h"] = forms.DecimalField(
            label="How far the questions look back, in hours", required=False, min_value=0, max_digits=7,
            decimal_places=2, help_text=f"24 for a 24-hour version.{usual}",
        )  # fmt: skip
        self.fields["missing_because"] = _why_missing()


class CorrectionForm(_Answers):
    """A rating entered anew in place of another."""

    def __init__(self, *args: Any, sheet: Sheet, **kwargs: Any) -> None:
        super().__init__(*args, sheet=sheet, **kwargs)
        self.fields["rated_at"] = _when()
        self.fields["missing_because"] = _why_missing()
        self.fields["reason"] = Reason("Reason for the correction")
        self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)


def _in_words(due: Due) -> str:
    local = timezone.localtime(due.slot.target)
    who = {"blinded": "blinded", "treating": "by the team", "self": "self-rating"}[due.rater_kind]
    return f"{local.day} {local:%b %Y, %H:%M}, {who} ({STATES.get(due.state, due.state)})"
