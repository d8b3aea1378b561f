"""When things fall due: from a protocol, a first dose and the doses really given to targets and windows. No database.

One rule holds throughout: **days are days of the calendar, hours are hours of the clock**. Three days after 09:00 is
09:00 three days later by the facility's clock, also when summer time began in between; four hours are four hours.
A window in days opens with its first day and closes with its last; a window in hours opens and closes to the minute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from upturn.protocol import Dose, Encounter, Protocol
from upturn.units import DAY_H

__all__ = [
    "DoseStep", "Given", "Slot", "Timetable", "days_and_hours", "instruments_at", "instruments_by_visit", "shifted",
    "slot_of_visit", "steps_of",
]  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """When something is due, and how much earlier or later it may be. All three are instants, with a time zone."""

    target: datetime
    earliest: datetime
    latest: datetime

    def holds(self, at: datetime) -> bool:
        """Tell whether an instant lies in the window; both edges belong to it."""
        return self.earliest <= at <= self.latest


@dataclass(frozen=True)
class DoseStep:
    """One dose of an arm at one of its fixed times.

    Parameters
    ----------
    dose
        The entry of the protocol.
    number
        Counts the fixed doses of the arm from 1.
    offset_h
        Planned time after the first dose [h].
    """

    dose: Dose
    number: int
    offset_h: float

    @property
    def is_home_course(self) -> bool:
        """Whether this is the start of a drug taken day by day at home, which is one step and not hundreds."""
        return _is_daily(self.dose)


@dataclass(frozen=True)
class Given:
    """A dose of the fixed plan that was given: its planned time after the first dose [h], and when it really began."""

    offset_h: float
    at: datetime


def days_and_hours(by_h: float) -> tuple[int, float]:
    """Split a time into whole days of the calendar and the hours left, both with its sign.

    Examples
    --------
    >>> days_and_hours(172.0), days_and_hours(-1.0), days_and_hours(-48.0)
    ((7, 4.0), (0, -1.0), (-2, 0.0))
    """
    days = int(by_h / DAY_H)
    return days, by_h - days * DAY_H


def shifted(start: datetime, by_h: float, *, zone: ZoneInfo, clock: time | None = None) -> datetime:
    """Give the instant some days and hours after another, or before it.

    Parameters
    ----------
    start
        An instant, with a time zone.
    by_h
        How much later [h]; negative is earlier.
    zone
        The clock that days are counted by.
    clock
        The time of day of an appointment, used when ``by_h`` is whole days; without it, that of ``start``.

    Returns
    -------
    An instant in UTC. A time that the clock skips in spring is the same distance after the jump (02:30 becomes 03:30);
    of a time that comes twice in autumn the first one is meant.

    Examples
    --------
    >>> evening = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
    >>> [shifted(evening, hours, zone=ZoneInfo("Europe/Copenhagen")).hour for hours in (24.0, 4.0)]
    [7, 12]
    """
    days, hours = days_and_hours(by_h)
    local = start.astimezone(zone)
    if days == 0 and (hours or clock is None):
        return start.astimezone(UTC) + timedelta(hours=hours)
    at = local.time().replace(fold=0) if clock is None or hours else clock
    whole = datetime.combine(local.date() + timedelta(days=days), at, tzinfo=zone)
    return whole.astimezone(UTC) + timedelta(hours=hours)


def steps_of(protocol: Protocol, arm: str) -> tuple[DoseStep, ...]:
    """Give the fixed doses of an arm in order; a drug taken daily at home is one step.

    Doses that a rule decides about are not here: they are planned when the rule holds.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> [step.offset_h for step in steps_of(load("six-infusions"), "ketamine")]
    [0.0, 48.0, 96.0, 168.0, 216.0, 264.0]
    """
    found = sorted(
        ((offset, dose) for dose in protocol.arms[arm].doses for offset in _fixed_times(dose)), key=lambda each: each[0]
    )
    return tuple(DoseStep(dose, number, offset) for number, (offset, dose) in enumerate(found, start=1))


def _is_daily(dose: Dose) -> bool:
    times = dose.on_h
    return len(times) > 1 and all(later - sooner <= DAY_H for sooner, later in pairwise(times))


def _fixed_times(dose: Dose) -> tuple[float, ...]:
    return dose.on_h[:1] if _is_daily(dose) else dose.on_h


def instruments_at(protocol: Protocol, encounter: Encounter, arm: str) -> tuple[str, ...]:
    """Name the ratings that belong to a visit, in the protocol's order.

    A rating belongs to the visit in whose window it falls, or to the last visit of that day.
    """
    return instruments_by_visit(protocol, arm).get(encounter.id, ())


def instruments_by_visit(protocol: Protocol, arm: str, *, rater: str = "") -> Mapping[str, tuple[str, ...]]:
    """Name the ratings of all visits at once, or those of one kind of rater; see ``instruments_at``."""
    latest_first = sorted(protocol.encounters, key=lambda each: -each.at_h)
    found: dict[str, dict[str, None]] = {}
    for each in protocol.assessments:
        if (each.arms and arm not in each.arms) or (rater and each.rater != rater):
            continue
        for at_h in each.at_h:
            visit = _visit_of(latest_first, at_h)
            if visit is not None:
                found.setdefault(visit, {})[each.instrument] = None
    return {visit: tuple(instruments) for visit, instruments in found.items()}


def _visit_of(latest_first: Sequence[Encounter], at_h: float) -> str | None:
    for each in latest_first:
        if each.anchor == "first dose" and each.at_h <= at_h < max(each.closes_h, each.at_h + DAY_H):
            return each.id
    return None


@dataclass(frozen=True)
class Timetable:
    """The plan of one person: asked for a step or a visit, it says when that is due.

    Parameters
    ----------
    zone
        The facility's clock.
    begins
        When the first dose was planned; its time of day is that of every appointment.
    given
        Doses of the fixed plan that were given, in any order. Each later dose keeps its distance from the last of them.
    last_dose_at
        The latest dose of any kind, given or, when all are over, planned: visits anchored on the last dose follow it.
    """

    zone: ZoneInfo
    begins: datetime
    given: Sequence[Given] = field(default=())
    last_dose_at: datetime | None = None

    @property
    def clock(self) -> time:
        """The time of day of appointments, by the facility's clock."""
        return self.begins.astimezone(self.zone).time().replace(fold=0)

    def dose(self, step: DoseStep, protocol: Protocol) -> Slot:
        """Say when a dose is due: its distance from the last dose given before it, or from the planned first dose."""
        before = [each for each in self.given if each.offset_h < step.offset_h]
        target = self._from(max(before, key=lambda each: each.offset_h, default=None), step.offset_h)
        visit = next((e for e in protocol.encounters if e.anchor == "first dose" and e.at_h == step.offset_h), None)
        return _slot(target, step.offset_h, visit.window.before_h if visit else 0.0,
                     visit.window.after_h if visit else 0.0, self.zone)  # fmt: skip

    def visit(self, encounter: Encounter, doses: Sequence[tuple[DoseStep, datetime]]) -> Slot:
        """Say when a visit is due.

        Parameters
        ----------
        encounter
            The entry of the protocol.
        doses
            The steps of the arm, each with when it was given or is due. A visit on the day of a dose goes with that
            dose; other visits are counted from the first dose given (or, by their anchor, from the last).
        """
        if encounter.anchor == "last dose":
            last = self.last_dose_at or max((at for _, at in doses), default=self.begins)
            target = shifted(last, encounter.at_h, zone=self.zone, clock=self.clock)
        elif with_dose := dose_of_the_day(encounter, doses):
            step, at = with_dose
            target = shifted(at, encounter.at_h - step.offset_h, zone=self.zone, clock=self.clock)
        else:
            target = self._from(min(self.given, key=lambda each: each.at, default=None), encounter.at_h)
        return slot_of_visit(encounter, target, zone=self.zone)

    def _from(self, anchor: Given | None, offset_h: float) -> datetime:
        start, since_h = (self.begins, 0.0) if anchor is None else (anchor.at, anchor.offset_h)
        return shifted(start, offset_h - since_h, zone=self.zone, clock=self.clock)


def slot_of_visit(encounter: Encounter, target: datetime, *, zone: ZoneInfo) -> Slot:
    """Lay the window that the protocol gives a visit around the time at which it stands."""
    return _slot(target, encounter.at_h, encounter.window.before_h, encounter.window.after_h, zone)


def _slot(target: datetime, offset_h: float, before_h: float, after_h: float, zone: ZoneInfo) -> Slot:
    on_a_day = days_and_hours(offset_h)[1] == 0
    opens = shifted(target, -before_h, zone=zone)
    closes = shifted(target, after_h, zone=zone)
    if on_a_day and days_and_hours(before_h)[1] == 0:
        opens = datetime.combine(opens.astimezone(zone), time.min, tzinfo=zone).astimezone(UTC)
    if on_a_day and days_and_hours(after_h)[1] == 0:
        closes = datetime.combine(closes.astimezone(zone), time.max, tzinfo=zone).astimezone(UTC)
    return Slot(target, opens, closes)


def dose_of_the_day(
    encounter: Encounter, doses: Sequence[tuple[DoseStep, datetime]]
) -> tuple[DoseStep, datetime] | None:
    """Find the dose on whose planned day a visit stands: the last one at most a day before it."""
    found: Iterator[tuple[DoseStep, datetime]] = (
        each for each in reversed(doses) if 0 <= encounter.at_h - each[0].offset_h < DAY_H
    )
    return next(found, None)
