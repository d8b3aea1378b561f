"""How far a session is. Pure: it looks at the session's own times and at nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from upturn_clinic.floor.models import Session

__all__ = ["Phase", "minutes_between", "phase_of", "rows_count_from", "stretch"]

MINUTE = timedelta(minutes=1)
MINUTES = 60


class Phase(StrEnum):
    """How far a session is. The value is what people read."""

    ARRIVING = "arriving"
    READY = "ready for the dose"
    DOSING = "dosing"
    OBSERVING = "observing"
    READY_TO_LEAVE = "ready to leave"
    LEFT = "left"
    CANCELLED = "given up"


def phase_of(session: Session) -> Phase:
    """Say how far a session is.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> phase_of(Session(ready_at=datetime(2026, 3, 3, tzinfo=UTC)))
    <Phase.READY: 'ready for the dose'>
    """
    times = (
        (session.cancelled_at, Phase.CANCELLED),
        (session.left_at, Phase.LEFT),
        (session.may_leave_at, Phase.READY_TO_LEAVE),
        (session.dosed_until, Phase.OBSERVING),
        (session.began_at, Phase.DOSING),
        (session.ready_at, Phase.READY),
    )
    return next((phase for at, phase in times if at is not None), Phase.ARRIVING)


def rows_count_from(session: Session, *, first_min: int) -> datetime:
    """Give the start that the protocol's times count from: the real one, once the dose has begun.

    Before that the planned one. Whoever arrives later than the first row stands for has that row to read on arrival.

    Parameters
    ----------
    first_min
        The protocol's first time [min from the start]; below 0 for a row before the dose.
    """
    if session.began_at is not None:
        return session.began_at
    return max(session.dose.planned_at, session.arrived_at - timedelta(minutes=min(first_min, 0)))


def minutes_between(earlier: datetime, later: datetime) -> float:
    """Count minutes between two instants, whatever the clocks on the wall did meanwhile.

    Two times of one zone are first put on UTC: Python subtracts their wall clocks otherwise.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> zone = ZoneInfo("Europe/Copenhagen")
    >>> minutes_between(datetime(2026, 3, 29, 1, 30, tzinfo=zone), datetime(2026, 3, 29, 3, 30, tzinfo=zone))
    60.0
    """
    return (later.astimezone(UTC) - earlier.astimezone(UTC)) / MINUTE


def stretch(minutes: int) -> str:
    """Write how long something lasts: from an hour on in hours and minutes.

    Examples
    --------
    >>> stretch(59), stretch(60), stretch(728)
    ('59 min', '1 h', '12 h 8 min')
    """
    hours, rest = divmod(minutes, MINUTES)
    return " ".join(filter(None, (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "")))
