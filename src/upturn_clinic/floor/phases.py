"""How far a session is. Pure: it looks at the session's own times and at nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from upturn_clinic.floor.models import Session

__all__ = ["Phase", "minutes_between", "phase_of"]

MINUTE = timedelta(minutes=1)


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
