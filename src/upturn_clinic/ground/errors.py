"""The clinic's faults, in the library's tree: a rule that refuses, and two people on one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from upturn.errors import InputError
from upturn_clinic.ground import dates

__all__ = ["Conflict", "Refused", "Saved"]


class Refused(InputError):  # noqa: N818  (a refusal is no error of the machine)
    """A rule of the clinic refuses; the message is for the person at the screen."""


@dataclass(frozen=True)
class Saved:
    """What somebody else saved: who, what it was, when, and which fields, each with its name in words."""

    by: str
    action: str
    at: datetime
    fields: Mapping[str, str]

    def sentence(self, labels: Mapping[str, str] | None = None) -> str:
        """Say it, by the clock of the page; fields have the names that the form gives them, where it shows them."""
        named = {**self.fields, **{name: label for name, label in (labels or {}).items() if name in self.fields}}
        return f"{self.by} {self.action} ({', '.join(named.values())}), {self.when}"

    @property
    def when(self) -> str:
        """The time, as pages write it."""
        return dates.moment(self.at)


class Conflict(InputError):  # noqa: N818  (nor is a conflict)
    """Somebody else saved the record first; nothing was overwritten.

    Parameters
    ----------
    saves
        What the others saved since, oldest first.
    before
        The fields that the others changed, each with its value before: what the second editor still has on screen.
    """

    def __init__(self, saves: Sequence[Saved], before: Mapping[str, Any]) -> None:
        self.saves = tuple(saves)
        self.changes = tuple(each.sentence() for each in saves)
        self.before = before
        super().__init__(
            "Somebody else saved this record while you were working on it. Nothing was overwritten.",
            came="; ".join(self.changes) or "a newer version",
            remedy="read what changed, then save again if your change still holds",
        )
