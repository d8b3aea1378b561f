"""Which ratings the protocol asks for, when, and which of them are there. No database, no permission.

A rating belongs to the visit (or the dose) of its day and moves with it; its window is that of the visit, the day
itself, or, some hours after a dose, a short stretch around its time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from math import isclose
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from upturn.protocol import Protocol
from upturn.units import DAY_H
from upturn_clinic.assessments.limits import HOURS_WINDOW
from upturn_clinic.assessments.models import Rating
from upturn_clinic.participants.models import Measure
from upturn_clinic.treatments.schedule import Slot, days_and_hours, shifted

__all__ = [
    "Anchor", "Asked", "Due", "Seen", "State", "asked_by", "due_of", "is_of_a_day", "of_the_day", "opens_within",
    "slot_of",
]  # fmt: skip

State = Literal["later", "open", "late", "done"]
MINUTES = 60


@dataclass(frozen=True)
class Asked:
    """One rating that the protocol asks for: an instrument at a time after the first dose [h]."""

    instrument: str
    planned_h: float
    rater_kind: str
    recall_h: float | None


@dataclass(frozen=True)
class Anchor:
    """Something with a planned time after the first dose [h] and an instant: a dose, or a visit with its window."""

    offset_h: float
    at: datetime
    window: Slot | None = None


@dataclass(frozen=True)
class Seen:
    """A value that was read in a session, at which of the protocol's minutes of its dose; and whose session it is."""

    instrument: str
    value: Decimal
    at: datetime
    nominal_min: int | None
    dose_offset_h: float
    session: UUID

    def stands_for(self, asked: Asked, slot: Slot) -> bool:
        """Tell whether it is what was asked for: read for that minute of the dose, or for none and in the window."""
        if self.instrument != asked.instrument or asked.rater_kind != Rating.Rater.TREATING:
            return False
        if self.nominal_min is None:
            return slot.holds(self.at)
        return isclose(self.dose_offset_h * MINUTES + self.nominal_min, asked.planned_h * MINUTES)


@dataclass(frozen=True)
class Due:
    """One rating that is asked for: when it is due, and what became of it.

    Parameters
    ----------
    rating, measure, seen
        What fulfils it: answers, a total alone, or a value of a session's flowsheet.
    told_at
        When blinded raters are told it is, for who may know when it is by the doses given; None where it is the same,
        done or over.
    """

    asked: Asked
    slot: Slot
    state: State
    rating: Rating | None = None
    measure: Measure | None = None
    seen: Seen | None = None
    told_at: datetime | None = None

    @property
    def instrument(self) -> str:
        """What is rated."""
        return self.asked.instrument

    @property
    def planned_h(self) -> float:
        """The protocol's time after the first dose [h]."""
        return self.asked.planned_h

    @property
    def rater_kind(self) -> str:
        """Who rates."""
        return self.asked.rater_kind

    @property
    def is_for_a_rater(self) -> bool:
        """Whether a blinded rater can still do it in its window."""
        return self.rater_kind == Rating.Rater.BLINDED and self.state in ("later", "open")


def asked_by(protocol: Protocol, arms: Collection[str]) -> tuple[Asked, ...]:
    """List the ratings that the protocol asks for in any of some arms, in order of time.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> first = asked_by(load("six-infusions"), ["ketamine"])[0]
    >>> first.instrument in ("MADRS", "CADSS", "PHQ-9"), first.planned_h < 24
    (True, True)
    """
    found = {
        (each.instrument, at_h, each.rater): Asked(each.instrument, at_h, each.rater, each.recall_h)
        for each in protocol.assessments
        if each.task is None and (not each.arms or set(each.arms) & set(arms))
        for at_h in each.at_h
    }
    return tuple(sorted(found.values(), key=lambda each: (each.planned_h, each.instrument)))


def slot_of(
    asked: Asked, *, first: datetime, doses: Sequence[Anchor], visits: Sequence[Anchor], zone: ZoneInfo
) -> Slot:
    """Say when a rating is due.

    Parameters
    ----------
    first
        When the first dose was given, or is planned.
    doses, visits
        With their instants as they stand now; those that were given up are not among them. For readers who must not
        know of doses, with the instants that raters are told, whatever became of them.
    """
    dose, visit = of_the_day(asked, doses), of_the_day(asked, visits)
    follows_dose = dose is not None and asked.planned_h > dose.offset_h
    anchor = (dose if follows_dose else visit) or Anchor(0.0, first)
    target = shifted(anchor.at, asked.planned_h - anchor.offset_h, zone=zone)
    if visit is not None and visit.window is not None and asked.planned_h == visit.offset_h:
        return Slot(target, visit.window.earliest, visit.window.latest)
    if days_and_hours(asked.planned_h)[1] == 0:
        day = target.astimezone(zone).date()
        return Slot(target, datetime.combine(day, time.min, tzinfo=zone), datetime.combine(day, time.max, tzinfo=zone))
    return Slot(target, target - HOURS_WINDOW, target + HOURS_WINDOW)


def due_of(
    asked: Sequence[tuple[Asked, Slot]], *, ratings: Sequence[Rating], measures: Sequence[Measure],
    seen: Sequence[Seen] = (), at: datetime,
) -> tuple[Due, ...]:  # fmt: skip
    """Say of each rating that is asked for whether it is there.

    Parameters
    ----------
    ratings
        Those that count. One that was entered for a time of the protocol fulfils that time.
    measures
        Values that count: of a time without a rating, one in its window fulfils it, each only once. One that somebody
        else rated (the team, where a blinded rater is asked) does not.
    seen
        Values that count in the flowsheets of sessions: they fulfil what the treating team is asked for.
    """
    by_time = {(each.instrument, each.planned_h, each.rater_kind): each for each in ratings}
    taken = {each.measure_id for each in ratings if each.planned_h is not None}
    behind = {each.measure_id: each for each in ratings if each.measure_id is not None}
    free = [each for each in sorted(measures, key=lambda each: each.at) if each.pk not in taken]
    found: list[Due] = []
    for each, slot in asked:
        rating = by_time.get((each.instrument, each.planned_h, each.rater_kind))
        measure = read = None
        if rating is None:
            read = min((one for one in seen if one.stands_for(each, slot)), key=lambda one: abs(one.at - slot.target),
                       default=None)  # fmt: skip
        if rating is None and read is None:
            fitting = [one for one in free if one.instrument == each.instrument and slot.holds(one.at)
                       and (one.pk not in behind or behind[one.pk].rater_kind == each.rater_kind)]  # fmt: skip
            measure = min(fitting, key=lambda one: abs(one.at - slot.target), default=None)
            free = [one for one in free if one is not measure]
            rating = behind.get(measure.pk) if measure else None
        state: State = "done" if rating or measure or read else _state(slot, at)
        found.append(Due(each, slot, state, rating, measure, read))
    return tuple(found)


def of_the_day(asked: Asked, anchors: Sequence[Anchor]) -> Anchor | None:
    """Find the last thing that is planned at most a day before a rating."""
    fitting: Iterator[Anchor] = (each for each in anchors if 0 <= asked.planned_h - each.offset_h < DAY_H)
    return max(fitting, key=lambda each: each.offset_h, default=None)


def is_of_a_day(asked: Asked, offsets_h: Sequence[float]) -> bool:
    """Tell whether any of some planned times [h] lies at most a day before a rating."""
    return any(0 <= asked.planned_h - each < DAY_H for each in offsets_h)


def _state(slot: Slot, at: datetime) -> State:
    if at < slot.earliest:
        return "later"
    return "open" if at <= slot.latest else "late"


def opens_within(due: Due, at: datetime, ahead: timedelta) -> bool:
    """Tell whether a rating opens soon."""
    return due.state == "later" and due.slot.earliest <= at + ahead
