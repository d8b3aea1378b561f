"""Faults in a table of published numbers, and the one message that is made of them.

What lives here: how a fault is told. What does not: how it is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upturn.errors import EvidenceError

__all__ = ["LISTED", "Fault", "refuse"]

LISTED = 5
"""How many faults a message lists; the rest are counted."""


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a table; ``row`` counts data rows from 1."""

    what: str
    expected: str
    came: str
    column: str | None = None
    row: int | None = None
    remedy: str | None = None

    def where(self, file: str) -> str:
        """Give the place in a reader's words."""
        row = f", row {self.row}" if self.row is not None else ""
        column = f", column {self.column}" if self.column is not None else ""
        return f"{file}{row}{column}"


def refuse(faults: Sequence[Fault], *, file: str) -> None:
    """Raise one error of all faults, if there are any: the first five are listed, all are counted.

    Examples
    --------
    >>> try:
    ...     refuse([Fault("A number is negative.", "1 or more", "-3", "n_arm", 2)], file="a.csv")
    ... except EvidenceError as error:
    ...     print(error)
    A number is negative.
      expected:   1 or more
      came:       -3
      where:      a.csv, row 2, column n_arm
    """
    if not faults:
        return
    found = sorted(faults, key=lambda fault: fault.row or 0)
    first = found[0]
    if len(found) == 1:
        where = first.where(file)
        raise EvidenceError(first.what, expected=first.expected, came=first.came, where=where, remedy=first.remedy)
    shown = found[:LISTED]
    more = f"; the first {LISTED}" if len(found) > LISTED else ""
    lines = [f"{file} has {len(found)} faults{more}:"]
    for fault in shown:
        lines.append(f"  - {fault.where(file)}: {fault.what} Expected {fault.expected}; came {fault.came}.")
        if fault.remedy:
            lines.append(f"    What to do: {fault.remedy}.")
    raise EvidenceError("\n".join(lines))
