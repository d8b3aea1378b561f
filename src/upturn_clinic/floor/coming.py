"""What the forms of arrival, of another room and of giving up show beside their fields. It only reads."""

from __future__ import annotations

from datetime import datetime

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import minutes_between, stretch
from upturn_clinic.stock.amounts import with_ml
from upturn_clinic.stock.queries import preparation_of
from upturn_clinic.treatments.models import Dose

__all__ = ["drawn_for", "off_plan", "rooms_at"]


def rooms_at(facility: Facility, *, mover: Session | None = None) -> tuple[tuple[str, str], ...]:
    """Name each room with who is in it now.

    Parameters
    ----------
    mover
        The session that goes on in another room.
    """
    inside: dict[str, list[str]] = {}
    found = Session.objects.filter(facility=facility, left_at=None, cancelled_at=None).exclude(room="")
    for room, pseudonym, key in found.order_by("arrived_at").values_list("room", "participant__pseudonym", "pk"):
        inside.setdefault(room, []).append(f"{pseudonym} now" if mover and key == mover.pk else f"{pseudonym} is there")
    return tuple(
        (name, f"{name} ({', '.join(inside[name])})" if name in inside else name) for name in facility.room_names
    )


def off_plan(dose: Dose, now: datetime) -> str:
    """Say how far the planned time is away."""
    ahead = int(minutes_between(now, dose.planned_at))
    return f"in {stretch(ahead)}" if ahead > 0 else f"{stretch(-ahead)} ago" if ahead < 0 else "now"


def drawn_for(dose: Dose, reader: Actor) -> str:
    """Say what is drawn for a dose and not accounted for; empty where nothing is. Of a masked dose no drug is named."""
    found = preparation_of(dose, reader)
    if not found.rest:
        return ""
    there = (f"{with_ml(each.draw.lot, each.left)} of {each.draw.lot.drug}" for each in found.draws if each.left > 0)
    return " and ".join(there) or "What was prepared"
