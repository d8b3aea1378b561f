"""Rows that say the same thing twice.

What lives here: how a table of contrasts or of durability finds them. What does not: what else is wrong with a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from upturn.evidence.cells import Row
from upturn.evidence.faults import Fault

__all__ = ["repeated"]


def repeated(rows: Sequence[Row], *, words: Sequence[str], time: str, number: str, said: str) -> Iterator[Fault]:
    """Name every row with a number that stands below a row of the same words and time.

    Parameters
    ----------
    rows
        The table.
    words
        Columns whose words say what a number is about; upper and lower case are the same.
    time, number
        The columns of the time and of the number.
    said
        What the words and the time are together, for the message.

    Examples
    --------
    >>> values = {"day": 1.0, "value": 3.0}
    >>> one, two = (Row(i, {"study": name, "value": "3"}, values, (), ()) for i, name in ((1, "A"), (2, "a")))
    >>> [each.row for each in repeated([one, two], words=["study"], time="day", number="value", said="study and day")]
    [2]
    """
    above: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = (*(row.text[name].lower() for name in words), str(row.values[time]))
        if key in above and row.value(number) is not None:
            first = above[key]
            what = f"A duplicated study row: row {first.number} says this of the same {said}."
            expected = f"one value, such as {first.text[number]}"
            yield Fault(what, expected, row.text[number], number, row.number, "keep one of the two")
        above.setdefault(key, row)
