"""The sheet that somebody takes home: short sentences, no drug, no arm, nothing that tells a stranger much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from upturn.protocol import Protocol
from upturn_clinic.floor.models import Session
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.programmes.sheet import danger_signs
from upturn_clinic.treatments.models import Dose, Visit

__all__ = ["TakeHome", "take_home"]

DAY = timedelta(days=1)


@dataclass(frozen=True)
class TakeHome:
    """The sheet, section by section; the template gives each its heading.

    Parameters
    ----------
    on
        The day of the session.
    home
        What not to do today, and until when.
    signs
        What to get help for at once.
    next_at
        The next appointment, if one is planned.
    again_on
        When the sheet is made again on a later day: today. The next appointment is then the next one from today on.
    """

    on: datetime
    home: tuple[str, ...]
    signs: tuple[str, ...]
    next_at: datetime | None
    escort: str
    again_on: datetime | None


def take_home(session: Session, *, now: datetime) -> TakeHome:
    """Write the sheet of a session."""
    zone = session.facility.zone
    day = (session.began_at or session.arrived_at).astimezone(zone)
    tomorrow, today = (day + DAY).date(), now.astimezone(zone)
    return TakeHome(
        on=day,
        home=(
            f"Do not drive, ride a bike or use machines before tomorrow, {tomorrow:%A} {tomorrow.day} {tomorrow:%B}, "
            "and only after a night of good sleep.",
            "Go home with the person who came for you.",
            "Do not sign anything big today.",
            "Take your other drugs as your team told you.",
        ),
        signs=danger_signs(_protocol(session)),
        next_at=_next(session, after=max(now, session.left_at or now)),
        escort=session.escort,
        again_on=today if today.date() > day.date() else None,
    )


def _protocol(session: Session) -> Protocol:
    return protocol_of(session.dose.protocol_version)


def _next(session: Session, *, after: datetime) -> datetime | None:
    wanted = {"plan": session.dose.plan_id, "state": "planned", "planned_at__gt": after}
    times = [
        model._default_manager.filter(**wanted).order_by("planned_at").values_list("planned_at", flat=True).first()
        for model in (Dose, Visit)
    ]
    return min((each for each in times if each is not None), default=None)
