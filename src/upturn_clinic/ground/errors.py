"""The clinic's faults, in the library's tree: a rule that refuses, and two people on one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from upturn.errors import InputError

__all__ = ["Conflict", "Refused"]


class Refused(InputError):  # noqa: N818  (a refusal is no error of the machine)
    """A rule of the clinic refuses; the message is for the person at the screen."""


class Conflict(InputError):  # noqa: N818  (nor is a conflict)
    """Somebody else saved the record first; nothing was overwritten.

    Parameters
    ----------
    changes
        What the others changed since, one sentence each.
    before
        The fields that the others changed, each with its value before: what the second editor still has on screen.
    """

    def __init__(self, changes: Sequence[str], before: Mapping[str, Any]) -> None:
        self.changes = tuple(changes)
        self.before = before
        super().__init__(
            "Somebody else saved this record while you were working on it. Nothing was overwritten.",
            came="; ".join(self.changes) or "a newer version",
            remedy="read what changed, then save again if your change still holds",
        )
