"""The readings of one session as rules look at them: what counts, by measure, in order of time. Pure.

What lives here: the newest values at a time, and a reading as a plain row, for pages that show many sessions at once
and need no model objects. What does not: what a value means (``gates``), how it is laid out (``sheet``).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from upturn_clinic.floor.models import Reading, Session, amount

__all__ = ["AnySeries", "Read", "Series", "Value", "series_of"]


class Value(NamedTuple):
    """A reading as a row of the table: the columns that rules look at, by the names they have there."""

    session_id: UUID
    pk: UUID
    at: datetime
    instrument: str
    value: Decimal
    unit: str
    nominal_min: int | None
    row: UUID | None

    def __str__(self) -> str:
        return f"{self.instrument} {self.reading}"

    @property
    def reading(self) -> str:
        """The value with its unit."""
        return amount(self.value, self.unit)


# What rules look at has the same names in a record and in a row.
Read = Reading | Value
R = TypeVar("R", Reading, Value)


class Series(Generic[R]):
    """The readings of one session, parted by measure once, for everything that is asked of them.

    Parameters
    ----------
    readings
        Those that count, in the order in which they were read (``at``, then ``noted_at``).
    """

    def __init__(self, readings: Iterable[R]) -> None:
        # The place among all readings: it tells which measure was read first.
        self._found: dict[str, list[tuple[int, R]]] = {}
        self._at_nominal: dict[int, set[str]] = {}
        for place, each in enumerate(readings):
            self._found.setdefault(each.instrument, []).append((place, each))
            if each.nominal_min is not None:
                self._at_nominal.setdefault(each.nominal_min, set()).add(each.instrument)
        self._times = {name: [each.at for _, each in found] for name, found in self._found.items()}

    def newest(
        self, measures: Iterable[str] | None = None, *, until: datetime, since: datetime | None = None
    ) -> Mapping[str, tuple[R, ...]]:
        """Find the newest value of each measure; where two people entered different ones for one cell, both.

        Parameters
        ----------
        measures
            Which are wanted; all unless given.
        until, since
            The stretch of time that counts, with both its ends.
        """
        newest: list[tuple[int, str, tuple[R, ...]]] = []
        for name in self._found if measures is None else set(measures) & self._found.keys():
            first, end = self._stretch(name, until, since)
            if first >= end:
                continue
            found = self._found[name]
            last = found[end - 1][1]
            begin = end - 1
            while begin > first and _is_same_cell(found[begin - 1][1], last):
                begin -= 1
            newest.append((found[first][0], name, tuple(each for _, each in found[begin:end])))
        return {name: values for _, name, values in sorted(newest, key=lambda each: each[0])}

    def times(self, measures: Iterable[str], *, until: datetime, since: datetime | None = None) -> set[datetime]:
        """Give the times at which any of some measures was read, within a stretch of time."""
        found: set[datetime] = set()
        for name in set(measures) & self._found.keys():
            first, end = self._stretch(name, until, since)
            found.update(self._times[name][first:end])
        return found

    def last_at(self, measures: Iterable[str]) -> datetime | None:
        """Tell when any of some measures was last read; None where none was."""
        return max((self._times[name][-1] for name in set(measures) & self._found.keys()), default=None)

    def measures_at(self, nominal_min: int) -> frozenset[str]:
        """Name what was read for a time of the protocol."""
        return frozenset(self._at_nominal.get(nominal_min, ()))

    def _stretch(self, name: str, until: datetime, since: datetime | None) -> tuple[int, int]:
        times = self._times[name]
        return 0 if since is None else bisect_left(times, since), bisect_right(times, until)


def _is_same_cell(one: Read, other: Read) -> bool:
    return one.nominal_min == other.nominal_min and one.row == other.row


AnySeries = Series[Reading] | Series[Value]


def series_of(session: Session) -> Series[Reading]:
    """Put the readings of a session in order, as records; what was struck out is left out."""
    found = (each for each in session.readings.all() if each.counts)
    return Series(sorted(found, key=lambda each: (each.at, each.noted_at)))
