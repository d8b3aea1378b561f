"""What raters would be told anew: days alone, and of what is still to come."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from upturn.protocol import Protocol
from upturn.units import DAY_H
from upturn_clinic.ground.errors import Refused
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose, Visit
from upturn_clinic.treatments.schedule import shifted
from upturn_clinic.treatments.told import rated_blind

__all__ = ["Retold", "mark_of", "must_differ", "retold"]


@dataclass(frozen=True)
class Retold:
    """A day that raters would be told anew, as whoever tells them reads it."""

    what: str
    rated: str
    before: datetime
    after: datetime


def retold(course: Course, *, at: datetime) -> Mapping[Dose | Visit, datetime]:
    """Find all that raters would be told anew, in the order of time: what they see, and what that is counted from.

    The day changes and the hour does not: the minute of a dose is told to nobody who rates. An appointment that was
    made by hand is told as it stands. Of what happened, a dose counts while ratings hours after it are still to come.
    """
    coming = course.coming()
    everything: list[Dose | Visit] = [*course.doses, *course.visits]
    found = ((each, _anew(each, coming.get(each.pk), course, at)) for each in everything)
    return dict(sorted(((each, after) for each, after in found if after is not None), key=lambda each: each[1]))


def _anew(due: Dose | Visit, is_at: datetime | None, course: Course, at: datetime) -> datetime | None:
    is_rated = isinstance(due, Dose) and due.given_at is not None and _rated_after(due, course.protocol, at=at)
    if is_at is None or not (due.is_open or is_rated):
        return None
    day, told, today = (each.astimezone(course.zone).date() for each in (is_at, due.told_at, at))
    if day == told or (due.is_open and day < today):
        return None
    if due.is_open and due.is_moved:
        return is_at
    return shifted(due.told_at, (day - told).days * DAY_H, zone=course.zone)


def mark_of(course: Course, *, at: datetime) -> str:
    """Mark all that raters would be told anew: another mark, another list."""
    lines = (f"{due.pk} {after.isoformat()}" for due, after in retold(course, at=at).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def must_differ(course: Course, *, at: datetime) -> tuple[Retold, ...]:
    """Name what raters see of it: visits at which they rate, and ratings hours after a dose whose visit is done.

    Raises
    ------
    Refused
        Raters see nothing of what is still to come on another day.
    """
    found, rated = retold(course, at=at), rated_blind(course.protocol)
    visits = {each.offset_h for each in found if isinstance(each, Visit) and each.encounter in rated}
    lines: list[Retold] = []
    for due, after in found.items():
        if isinstance(due, Visit):
            what, names = str(due), rated.get(due.encounter, ())
        else:
            what = f"Ratings after {due}"
            names = () if due.offset_h in visits else _rated_after(due, course.protocol, at=at)
        if names:
            lines.append(Retold(what, ", ".join(names), due.told_at, after))
    if not lines:
        raise Refused("Raters know the days of this plan already.")
    return tuple(lines)


def _rated_after(dose: Dose, protocol: Protocol, *, at: datetime) -> tuple[str, ...]:
    """Name what is still to be rated blind some hours after a dose, within a day."""
    begin = dose.given_at or dose.planned_at
    return tuple(dict.fromkeys(
        each.instrument for each in protocol.assessments for at_h in each.at_h
        if each.rater == "blinded" and 0 < at_h - dose.offset_h < DAY_H
        and begin + timedelta(hours=at_h - dose.offset_h) > at
    ))  # fmt: skip
