"""What is due next in a session, and what is late: timepoints, closer readings, devices, the end of an infusion. Pure.

Until the dose has begun, nobody knows when the rows after its start are due: they wait for it and cannot be late.
It tells; it is no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from upturn.protocol import Gate
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.counting import filling_ml
from upturn_clinic.floor.gates import Standing, standings_of
from upturn_clinic.floor.giving import giving_of
from upturn_clinic.floor.limits import LATE_AFTER
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import Phase, phase_of, rows_count_from
from upturn_clinic.floor.series import AnySeries, series_of

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
        When; of what waits, when it would be if the dose began as planned.
    nominal_min
        The protocol's time, for a reading of the sheet.
    missing
        The measures that are not there yet.
    is_late
        Whether its time is over by more than the floor's tolerance.
    waits
        Whether it waits for the dose to begin.
    """

    kind: str
    what: str
    at: datetime
    nominal_min: int | None = None
    missing: tuple[str, ...] = ()
    is_late: bool = False
    waits: bool = False

    @property
    def is_before_dose(self) -> bool:
        """Whether it belongs before the dose: whoever came early or late has it to do now, whatever was planned."""
        return self.nominal_min is not None and self.nominal_min < 0

    @property
    def can_be_late(self) -> bool:
        """Whether the clock alone can make it late."""
        return self.kind != "leaving" and not self.waits

    @property
    def turns_late_at(self) -> datetime:
        """From after when it is late, if it is one of those that can be."""
        return self.at + LATE_AFTER


def all_due_in(
    session: Session, asked: Asked, *, now: datetime, standings: Sequence[Standing] | None = None,
    series: AnySeries | None = None,
) -> tuple[Due, ...]:  # fmt: skip
    """List what is still to be done in a session, the soonest first.

    Parameters
    ----------
    standings
        How the gates stand, where that was asked already.
    series
        The readings of the session, where they are sorted already.
    """
    phase = phase_of(session)
    if phase in (Phase.LEFT, Phase.CANCELLED):
        return ()
    series = series_of(session) if series is None else series
    if standings is None:
        standings = standings_of(session, asked, now=now, series=series)
    found = [
        *_readings(session, asked, series), *_giving(session, asked, phase, now), *_closer(session, standings, series),
    ]  # fmt: skip
    if session.began_at is not None and session.may_leave_at is None:
        at = session.began_at + timedelta(minutes=asked.minimum_stay_min)
        found.append(Due("leaving", "the earliest time to leave", at))
    late = (replace(each, is_late=each.can_be_late and now > each.turns_late_at) for each in found)
    # Two gates may ask for the same readings at the same time.
    return tuple(sorted(dict.fromkeys(late), key=lambda each: (each.waits, each.at)))


def _readings(session: Session, asked: Asked, series: AnySeries) -> Iterator[Due]:
    start = rows_count_from(session, first_min=asked.first_min)
    names = asked.measures
    for nominal, measures in asked.timepoints:
        # Once the dose has begun, what was not read before it cannot be read any more.
        if session.began_at is not None and nominal < 0:
            continue
        read = series.measures_at(nominal)
        missing = tuple(each for each in names if each in measures and each not in read)
        if missing:
            waits = session.began_at is None and nominal > 0
            yield Due("reading", ", ".join(missing), start + timedelta(minutes=nominal), nominal, missing, waits=waits)


def _giving(session: Session, asked: Asked, phase: Phase, now: datetime) -> Iterator[Due]:
    if phase is not Phase.DOSING or session.began_at is None:
        return
    manner = asked.manner
    state = giving_of(manner, list(session.administrations.all()), filling_ml=filling_ml(session), until=now)
    if manner.way is Way.DEVICES and state.devices < len(manner.devices_min):
        used = state.last_at or session.began_at
        gap = manner.devices_min[1] if len(manner.devices_min) > 1 else 0.0
        yield Due("device", f"device {state.devices + 1} of {len(manner.devices_min)}", used + timedelta(minutes=gap))
    if state.empty_at is not None:
        words = "enter that the infusion has run in" if state.empty_at <= now else "the infusion will have run in"
        yield Due("infusion", words, state.empty_at)
    elif state.is_paused:
        yield Due("infusion", "the infusion is paused", state.last_at or now)


def _closer(session: Session, standings: Sequence[Standing], series: AnySeries) -> Iterator[Due]:
    for each in standings:
        if each.verdict == "closed" and isinstance(each.part, Gate) and each.part.every_h:
            measures = tuple(dict.fromkeys(rule.measure for rule in each.part.rules))
            # A gate that signs closed may have no reading at all: then it counts from when it closed.
            last = series.last_at(measures) or each.closed_since or session.arrived_at
            words = f"{', '.join(measures) or 'look for signs'} again (closer readings)"
            yield Due("closer", words, last + timedelta(hours=each.part.every_h), None, measures)
