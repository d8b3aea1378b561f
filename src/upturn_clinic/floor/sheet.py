"""The flowsheet: rows are the protocol's times and what was added to them, columns are measures. Pure.

A cell can hold more than one value: two people may have entered the same cell. Both stay in sight until one is struck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.floor.phases import minutes_between, rows_count_from

__all__ = ["Cell", "Row", "Sheet", "sheet_of"]


@dataclass(frozen=True)
class Cell:
    """One measure in one row.

    Parameters
    ----------
    readings
        What counts, oldest first. More than one: they differ, and somebody must decide.
    struck
        What was struck out.
    is_asked
        Whether the protocol asks for it at this time.
    """

    instrument: str
    readings: tuple[Reading, ...]
    struck: tuple[Reading, ...]
    is_asked: bool

    @property
    def is_disputed(self) -> bool:
        """Whether two people entered different values."""
        return len({each.value for each in self.readings}) > 1

    @property
    def shown(self) -> Reading | None:
        """The first value that counts."""
        return self.readings[0] if self.readings else None


@dataclass(frozen=True)
class Row:
    """One time of the sheet.

    Parameters
    ----------
    nominal_min
        The protocol's time, in minutes from the start of the dose; None for an added row.
    row
        The key of an added row.
    due_at
        When it is due; None for an added row, and after the start while the dose has not begun: nobody knows it yet.
    at
        When it was really read: the first value of the row.
    """

    nominal_min: int | None
    row: UUID | None
    due_at: datetime | None
    at: datetime | None
    minute: float | None
    cells: tuple[Cell, ...]

    @property
    def key(self) -> str:
        """What the page names the row by."""
        return f"n{self.nominal_min}" if self.nominal_min is not None else f"r{self.row}"

    @property
    def missing(self) -> tuple[str, ...]:
        """What the protocol asks for at this time and is not there yet."""
        return tuple(cell.instrument for cell in self.cells if cell.is_asked and not cell.readings)

    @property
    def is_extra(self) -> bool:
        """Whether somebody added it."""
        return self.nominal_min is None


@dataclass(frozen=True)
class Sheet:
    """All rows and columns."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def sheet_of(session: Session, asked: Asked) -> Sheet:
    """Lay out everything that was read in a session."""
    readings = list(session.readings.all())
    extra = dict.fromkeys(each.instrument for each in readings)
    columns = tuple(dict.fromkeys((*asked.measures, *extra)))
    start = rows_count_from(session, first_min=asked.first_min)
    held = _by_row(readings)

    def row(nominal: int | None, key: UUID | None, measures: Sequence[str]) -> Row:
        return _row(session, start, nominal, key, measures, columns, held.get((nominal, key), ()))

    rows = [row(nominal, None, measures) for nominal, measures in asked.timepoints]
    known = {nominal for nominal, _ in asked.timepoints}
    strange = sorted({each.nominal_min for each in readings if each.nominal_min is not None} - known)
    rows += [row(nominal, None, ()) for nominal in strange]
    added = dict.fromkeys(each.row for each in readings if each.nominal_min is None)
    rows += [row(None, key, ()) for key in added]
    rows.sort(key=lambda each: (_place(each, start), each.key))
    return Sheet(columns, tuple(rows))


def _by_row(readings: Sequence[Reading]) -> Mapping[tuple[int | None, UUID | None], Sequence[Reading]]:
    """Part the readings by the row that they stand in; a time of the protocol is one row, whatever key came with it."""
    found: dict[tuple[int | None, UUID | None], list[Reading]] = {}
    for each in sorted(readings, key=lambda reading: reading.noted_at):
        place = (None, each.row) if each.nominal_min is None else (each.nominal_min, None)
        found.setdefault(place, []).append(each)
    return found


def _row(
    session: Session, start: datetime, nominal: int | None, key: UUID | None, asked: Sequence[str],
    columns: Sequence[str], mine: Sequence[Reading],
) -> Row:  # fmt: skip
    held: dict[str, list[Reading]] = {}
    for each in mine:
        held.setdefault(each.instrument, []).append(each)
    cells = tuple(_cell(name, held.get(name, ()), is_asked=name in asked) for name in columns)
    at = min((each.at for each in mine if each.counts), default=min((each.at for each in mine), default=None))
    minute = minutes_between(session.began_at, at) if session.began_at and at else None
    waits = nominal is None or (session.began_at is None and nominal > 0)
    due_at = None if nominal is None or waits else start + timedelta(minutes=nominal)
    return Row(nominal, key, due_at, at, minute, cells)


def _cell(name: str, readings: Sequence[Reading], *, is_asked: bool) -> Cell:
    return Cell(
        name, tuple(each for each in readings if each.counts), tuple(each for each in readings if not each.counts),
        is_asked,
    )  # fmt: skip


def _place(row: Row, start: datetime) -> datetime:
    if row.nominal_min is not None:
        return start + timedelta(minutes=row.nominal_min)
    return row.at or start
