"""The sheet for whoever comes to help: who it is, what was given, the last values, what was seen. No writing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.giving import Giving
from upturn_clinic.floor.measures import meaning_of
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.floor.series import series_of
from upturn_clinic.floor.story import stamp
from upturn_clinic.stock.amounts import base_mg
from upturn_clinic.stock.queries import Preparation, gone_until, usable_of

__all__ = ["emergency_screen"]

ALL = Decimal(100)


def emergency_screen(session: Session, reader: Actor, *, now: datetime) -> dict[str, Any]:
    """Gather the printable sheet for whoever comes to help: who, what was given, the last values, what was seen."""
    shown = session_screen(session, reader, now=now)
    last = series_of(session).newest(until=now)
    asked = shown["asked"].measures
    order = sorted(last, key=lambda name: (asked.index(name) if name in asked else len(asked), name))
    told = [(_different(last[name]), meaning_of(name), stamp(session, last[name][-1].at)) for name in order]
    given_mg = _given_mg(shown["preparation"], shown["giving"], shown["asked"])
    return {**shown, "last": told, "given_mg": given_mg}


def _different(readings: Sequence[Reading]) -> list[str]:
    """Write what was read; where two people entered different values, both."""
    return list(dict.fromkeys(map(str, readings)))


def _given_mg(preparation: Preparation, state: Giving, asked: Asked) -> Decimal | None:
    """Work out the milligrams given so far, for who may know what was drawn; None where nobody can know it."""
    draws = [each.draw for each in preparation.draws]
    if not draws or state.began_at is None or state.percent is None:
        return None
    if asked.manner.way is Way.DEVICES:
        return base_mg(draws[0].lot, draws[0].lot.amount_each) * sum(state.shares, Decimal(0)) / ALL
    until = gone_until(draws, began_at=state.began_at, ended_at=state.ended_at)
    prepared = sum((base_mg(each.lot, usable_of(each, until=until)) for each in draws), Decimal(0))
    return prepared * Decimal(str(state.percent)) / ALL
