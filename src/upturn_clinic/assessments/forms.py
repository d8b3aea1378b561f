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
from upturn_clinic.ground.stretches import in_words
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["CorrectionForm", "RatingForm", "answers_in", "key_of_time", "recall_of", "time_of_key"]

BESIDE = "none"
STATES = {"open": "due now", "late": "missed", "later": "later"}
RATERS = {"blinded": "blinded", "treating": "by the team", "self": "self-rating"}


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
        widget=forms.TextInput({"data-needed-later": True}),
        help_text="With an item missing there is usually no total; the answers are kept.",
    )  # fmt: skip


class RatingForm(_Answers):
    """A new rating: for a time of the protocol, or beside it."""

    def __init__(self, *args: Any, sheet: Sheet, dues: Sequence[Due], **kwargs: Any) -> None:
        super().__init__(*args, sheet=sheet, **kwargs)
        open_dues = [due for due in dues if due.state != "done"]
        is_alone = len({due.rater_kind for due in open_dues}) == 1
        times = [(key_of_time(due), _in_words(due, sheet, is_alone=is_alone)) for due in open_dues]
        self.fields["planned"] = forms.ChoiceField(
            choices=[*times, (BESIDE, "Not asked for by the protocol")],
            label="For which time",
            help_text="In brackets: how far back to ask." if times else "",
        )
        self.fields["rated_at"] = _when()
        self.fields["mode"] = forms.ChoiceField(
            choices=[each for each in Rating.Mode.choices if each[0] != Rating.Mode.LINK], label="How the answers came"
        )
        recall = sheet.instrument.recall
        usual = (
            f" The scale itself asks about the last {in_words(recall.hours)} ({recall.hours:g} h)." if recall else ""
        )
        self.fields["recall_h"] = forms.DecimalField(
            label="If you asked about another stretch: how many hours", required=False, min_value=0, max_digits=7,
            decimal_places=2, help_text=f"Else leave it empty.{usual}",
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


def recall_of(due: Due | None, sheet: Sheet) -> float | None:
    """Tell how far back to ask [h]: as the protocol says for this time, else as the scale does; None where neither."""
    if due is not None and due.asked.recall_h is not None:
        return due.asked.recall_h
    return sheet.instrument.recall.hours if sheet.instrument.recall else None


def _in_words(due: Due, sheet: Sheet, *, is_alone: bool) -> str:
    """Write a time for a choice: what matters first, so that nothing is lost where the choice is narrow."""
    local = timezone.localtime(due.slot.target)
    year = "" if local.year == timezone.localtime().year else f" {local:%Y}"
    recall = recall_of(due, sheet)
    stretch = "" if recall is None else f" ({in_words(recall)})"
    who = "" if is_alone else f", {RATERS[due.rater_kind]}"
    return f"{STATES.get(due.state, due.state)}: {local.day} {local:%b}{year}, {local:%H:%M}{stretch}{who}"
