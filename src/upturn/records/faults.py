"""Faults in a table, and the one message that is made of them.

What lives here: how a fault is told. What does not: how it is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upturn.errors import RecordsError

__all__ = ["LISTED", "Fault", "plain", "refusal"]

LISTED = 5
"""How many faults a message lists; the rest are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a table.

    Parameters
    ----------
    what
        One sentence.
    table, column, row
        Where; ``row`` counts data rows from 1.
    expected, came, remedy
        As in every error of the project.
    """

    what: str
    table: str
    expected: str
    came: str
    column: str | None = None
    row: int | None = None
    remedy: str | None = None

    @property
    def where(self) -> str:
        """The place in a reader's words."""
        row = f", row {self.row}" if self.row is not None else ""
        column = f", column {self.column}" if self.column is not None else ""
        return f"table {self.table}{row}{column}"

    def __str__(self) -> str:
        return f"{self.where}: {self.what} Expected {self.expected}; came {self.came}."


def plain(value: object) -> str:
    """Write a value as a reader would.

    Examples
    --------
    >>> plain(None), plain(" "), plain(-5.0), plain(True)
    ('nothing', 'an empty text', '-5', 'true')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.12g}"
    text = str(value)
    return text if text.strip() else "an empty text"


def refusal(faults: Sequence[Fault], *, count: int | None = None) -> RecordsError:
    """Make one error of all faults: the first five are listed, all are counted.

    Examples
    --------
    >>> print(refusal([Fault("A value is not allowed.", "doses", "0 or more", "-5", "amount_mg", 3)]))
    A value is not allowed.
      expected:   0 or more
      came:       -5
      where:      table doses, row 3, column amount_mg
    """
    total = len(faults) if count is None else count
    first = faults[0]
    if total == 1:
        return RecordsError(
            first.what, expected=first.expected, came=first.came, where=first.where, remedy=first.remedy
        )
    shown = faults[:LISTED]
    head = f"The records have {total} faults" + (f"; the first {len(shown)}:" if total > len(shown) else ":")
    return RecordsError("\n".join([head, *(f"  - {fault}" for fault in shown)]))
