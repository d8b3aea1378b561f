"""The days of a month or a week as rows of a page, each with what falls on it by the facility's clock. No database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo

__all__ = ["Day", "month_of", "neighbours", "week_of"]

Thing = TypeVar("Thing")
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Day(Generic[Thing]):
    """One day: whether it belongs to the month shown, and what falls on it, in order."""

    on: date
    is_within: bool
    is_today: bool
    things: tuple[Thing, ...]


def week_of(
    day: date, things: Iterable[tuple[datetime, Thing]], *, zone: ZoneInfo, today: date
) -> list[Sequence[Day[Thing]]]:
    """Give the week of a day, from Monday to Sunday, as the one row of a page."""
    monday = day - timedelta(days=day.weekday())
    return _weeks(monday, 1, None, things, zone, today)


def month_of(
    day: date, things: Iterable[tuple[datetime, Thing]], *, zone: ZoneInfo, today: date
) -> list[Sequence[Day[Thing]]]:
    """Give the weeks of a day's month, each from Monday to Sunday.

    Examples
    --------
    >>> weeks = month_of(date(2028, 2, 10), [], zone=ZoneInfo("UTC"), today=date(2028, 2, 29))
    >>> len(weeks), weeks[0][0].on.isoformat(), weeks[-1][1].is_today
    (5, '2028-01-31', True)
    """
    first = day.replace(day=1)
    monday = first - timedelta(days=first.weekday())
    _, following = neighbours(first, by_month=True)
    weeks = -(-(following - monday).days // WEEK.days)
    return _weeks(monday, weeks, first, things, zone, today)


def neighbours(day: date, *, by_month: bool) -> tuple[date, date]:
    """Give a day of the month (or week) before, and one of the one after.

    Examples
    --------
    >>> [each.isoformat() for each in neighbours(date(2026, 12, 31), by_month=True)]
    ['2026-11-01', '2027-01-01']
    """
    if not by_month:
        return day - WEEK, day + WEEK
    first = day.replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    # Every month has a 28th; four days later the next one has begun.
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return before, after


def _weeks(
    monday: date, weeks: int, month: date | None, things: Iterable[tuple[datetime, Thing]], zone: ZoneInfo, today: date
) -> list[Sequence[Day[Thing]]]:
    by_day: dict[date, list[Thing]] = {}
    for at, thing in sorted(things, key=lambda each: each[0]):
        by_day.setdefault(at.astimezone(zone).date(), []).append(thing)
    days = [monday + timedelta(days=number) for number in range(weeks * WEEK.days)]
    shown = [Day(on, month is None or on.month == month.month, on == today, tuple(by_day.get(on, ()))) for on in days]
    return [shown[start : start + WEEK.days] for start in range(0, len(shown), WEEK.days)]
