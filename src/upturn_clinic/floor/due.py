"""What is due next in a session, and what is late: timepoints, closer readings, devices, the end of an infusion. Pure.

It tells; it is no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from upturn.protocol import Gate
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.gates import Standing, standings_of
from upturn_clinic.floor.giving import giving_of
from upturn_clinic.floor.limits import LATE_AFTER
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.floor.sheet import sheet_of

__all__ = ["Due", "all_due_in"]


@dataclass(frozen=True)
class Due:
    """One thing that is due.

    Parameters
    ----------
    kind
        ``reading``, ``closer``, ``device``, ``infusion`` or ``leaving``.
    what
        In words.
    at
        When.
    nominal_min
        The protocol's time, for a reading of the sheet.
    missing
        The measures that are not there yet.
    is_late
        Whether its time is over by more than the floor's tolerance.
    """

    kind: str
    what: str
    at: datetime
    nominal_min: int | None = None
    missing: tuple[str, ...] = ()
    is_late: bool = False


def all_due_in(
    session: Session, asked: Asked, *, now: datetime, standings: Sequence[Standing] | None = None
) -> tuple[Due, ...]:
    """List what is still to be done in a session, the soonest first.

    Parameters
    ----------
    standings
        How the gates stand, where that was asked already.
    """
    phase = phase_of(session)
    if phase in (Phase.LEFT, Phase.CANCELLED):
        return ()
    if standings is None:
        standings = standings_of(session, asked, now=now)
    found = [*_readings(session, asked), *_giving(session, asked, phase, now), *_closer(session, standings)]
    if session.began_at is not None and session.may_leave_at is None:
        at = session.began_at + timedelta(minutes=asked.minimum_stay_min)
        found.append(Due("leaving", "the earliest time to leave", at))
    late = (
        Due(each.kind, each.what, each.at, each.nominal_min, each.missing,
            each.kind != "leaving" and now > each.at + LATE_AFTER)
        for each in found
    )  # fmt: skip
    return tuple(sorted(late, key=lambda each: each.at))


def _readings(session: Session, asked: Asked) -> Iterator[Due]:
    for row in sheet_of(session, asked).rows:
        if row.due_at is None or row.nominal_min is None or not row.missing:
            continue
        # Once the dose has begun, what was not read before it cannot be read any more.
        if session.began_at is not None and row.nominal_min < 0:
            continue
        yield Due("reading", ", ".join(row.missing), row.due_at, row.nominal_min, row.missing)


def _giving(session: Session, asked: Asked, phase: Phase, now: datetime) -> Iterator[Due]:
    if phase is not Phase.DOSING or session.began_at is None:
        return
    manner = asked.manner
    fillings = [each for each in session.fillings.all() if each.counts]
    filling = float(fillings[-1].ml) if fillings else None
    state = giving_of(manner, list(session.administrations.all()), filling_ml=filling, until=now)
    if manner.way is Way.DEVICES and state.devices < len(manner.devices_min):
        used = max((each.at for each in session.administrations.all() if each.counts and each.kind == "device"),
                   default=session.began_at)  # fmt: skip
        gap = manner.devices_min[1] if len(manner.devices_min) > 1 else 0.0
        yield Due("device", f"device {state.devices + 1} of {len(manner.devices_min)}", used + timedelta(minutes=gap))
    if manner.way is Way.INFUSION and filling and state.is_running and state.rate_ml_h:
        left = max(filling - state.ml, 0.0)
        yield Due("infusion", "the infusion has run in", now + timedelta(hours=left / state.rate_ml_h))
    elif manner.way is Way.INFUSION and state.is_paused:
        yield Due("infusion", "the infusion is paused", state.last_at or now)


def _closer(session: Session, standings: Sequence[Standing]) -> Iterator[Due]:
    for each in standings:
        if each.verdict == "closed" and isinstance(each.part, Gate) and each.part.every_h:
            yield _next_reading(session, each, each.part)


def _next_reading(session: Session, standing: Standing, gate: Gate) -> Due:
    measures = tuple(dict.fromkeys(rule.measure for rule in gate.rules))
    readings = [each for each in session.readings.all() if each.counts and each.instrument in measures]
    # A gate that signs closed may have no reading at all: then it counts from when it closed.
    last = max((each.at for each in readings), default=standing.closed_since or session.arrived_at)
    words = f"{', '.join(measures) or 'look for signs'} again (closer readings)"
    return Due("closer", words, last + timedelta(hours=gate.every_h or 0), None, measures)
