"""What may be done next with a dose: in its order, with everything before it there. It only reads."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.dose.kinds import FIRST, FITTING, GIVING
from upturn_clinic.floor.dose.prepared import must_be_prepared, must_hold, must_keep_pace, span_words
from upturn_clinic.floor.entries.shapes import Entry
from upturn_clinic.floor.gates import blocking, standings_of
from upturn_clinic.floor.giving import Giving, next_device_at
from upturn_clinic.floor.holding import (
    course_in,
    last_act_of,
    must_be_enrolled,
    must_be_free,
    must_be_on_the_plan,
    must_consent,
    must_not_be_stopped,
)
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock.queries import needs_draw

__all__ = ["can_begin", "must_be_allowed", "must_fit"]

KIND = Administration.Kind


def can_begin(session: Session, asked: Asked, *, rate_ml_h: float | None, by: Actor, at: datetime) -> bool:
    """Tell whether the dose would be taken if it began now, as planned and without a reason.

    Parameters
    ----------
    rate_ml_h
        The rate of an infusion that is offered [ml/h]; None where none is known yet.
    """
    way = asked.manner.way
    if session.ready_at is None or session.began_at is not None or (way is Way.INFUSION and rate_ml_h is None):
        return False
    entry = Entry(uuid4(), FIRST[way], at, values={"because": "", "rate_ml_h": Decimal(str(rate_ml_h or 0))})
    try:
        must_be_allowed(session, asked, queries.giving_in(session, asked, until=at), entry, by, at)
    except Refused:
        return False
    return True


def must_be_allowed(session: Session, asked: Asked, state: Giving, entry: Entry, by: Actor, at: datetime) -> None:
    """Refuse an act that is out of order, that something holds back, or for which a reason is missing.

    Parameters
    ----------
    state
        How the giving stood at the time of the act.
    """
    kind = entry.kind
    later = [each for each in session.administrations.all() if each.counts and each.at > entry.at]
    # An end that arrives late, after a cut connection, still holds if nothing was begun or given after it.
    if any(kind != KIND.STOP or each.kind not in (KIND.RATE, KIND.PAUSE) for each in later):
        raise Refused(
            "Something was entered for a later time already.", came=last_act_of(session),
            remedy="look at the times; if this was done all the same, add it below the dose, with a reason",
        )  # fmt: skip
    if session.dosed_until is not None:
        raise Refused("The dose has ended already.", came=last_act_of(session))
    must_fit(asked, kind)
    begins = session.began_at is None
    if begins and kind in (KIND.PAUSE, KIND.RESUME, KIND.RATE, KIND.STOP):
        raise Refused("The dose has not begun yet.")
    if kind == KIND.START and not begins:
        raise Refused("The dose has begun already.", came=last_act_of(session))
    if kind == KIND.PAUSE and not state.is_running:
        raise Refused("It does not run now.", came=last_act_of(session))
    if kind == KIND.RESUME and not state.is_paused:
        raise Refused("It is not paused.", came=last_act_of(session))
    if kind in GIVING:
        must_be_on_the_plan(session.dose)
        must_be_enrolled(session.participant, at=entry.at)
        must_consent(session.participant, at=entry.at)
    if begins:
        _may_begin(session, asked, entry, by, at)
    if kind in GIVING or (kind == KIND.RATE and float(entry.values["rate_ml_h"]) > state.rate_ml_h):
        must_be_free(session, asked, at=entry.at)
    if kind in GIVING:
        must_not_be_stopped(course_in(session), at=entry.at)
    if kind == KIND.DEVICE:
        _device_in_time(session, asked, state, entry)
    if kind in (KIND.START, KIND.RATE):
        must_keep_pace(session, asked, state, entry)


def must_fit(asked: Asked, kind: str) -> None:
    """Refuse an act that a dose given this way does not have."""
    fits = FITTING[asked.manner.way]
    if kind not in fits:
        raise Refused("This dose is not given that way.", expected=", ".join(sorted(fits)), came=kind)


def _may_begin(session: Session, asked: Asked, entry: Entry, by: Actor, at: datetime) -> None:
    if session.ready_at is None:
        raise Refused("The time-out has not been done yet.", remedy="do the time-out first")
    course, dose = course_in(session), session.dose
    if entry.at < session.ready_at:
        raise Refused("The dose cannot have begun before the time-out.", remedy="look at the time")
    if entry.at - session.ready_at > asked.fresh.time_out:
        raise Refused(f"The time-out is older than {span_words(asked.fresh.time_out)}.", remedy="do the time-out again")
    if needs_draw(course, dose):
        must_be_prepared(session, course, asked, entry, by)
    # The time that somebody gives for a start does not outrun what was read since.
    since = [each for each in blocking(standings_of(session, asked, now=at)) if each.verdict == "closed"]
    if since and not entry.values["because"]:
        raise Refused(
            f"Since that time this came up: {since[0].text}", came="; ".join(since[0].because),
            remedy="look at the time, or write why it began all the same",
        )  # fmt: skip
    if asked.manner.way is Way.INFUSION:
        must_hold(session, entry)
    zone = session.facility.zone
    planned = dose.planned_at.astimezone(zone)
    if planned.date() > entry.at.astimezone(zone).date() and not entry.values["because"]:
        raise Refused(
            "This dose is planned for a later day.",
            came=f"{planned:%d %b, %H:%M}",
            remedy="look at the plan; or write why it is given today",
        )
    if not dose.earliest <= entry.at <= dose.latest and not entry.values["because"]:
        raise Refused(
            "This is outside the window of the protocol.",
            expected=f"{dose.earliest.astimezone(zone):%d %b %H:%M} to {dose.latest.astimezone(zone):%d %b %H:%M}",
            remedy="write why it is given all the same",
        )


def _device_in_time(session: Session, asked: Asked, state: Giving, entry: Entry) -> None:
    times = asked.manner.devices_min
    if state.devices >= len(times):
        raise Refused("All devices of this dose were used.", came=f"{state.devices} devices")
    if state.devices and state.last_at is not None and not entry.values["because"]:
        gap = times[1] - times[0]
        waited = minutes_between(state.last_at, entry.at)
        if waited < gap:
            zone = session.facility.zone
            used_at, free_at = state.last_at, next_device_at(asked.manner, state.last_at)
            raise Refused(
                f"Device {state.devices + 1} is too soon: device {state.devices} was used at "
                f"{used_at.astimezone(zone):%H:%M}.", expected=f"{gap:g} minutes between devices",
                remedy=f"wait until {free_at.astimezone(zone):%H:%M}, or write why it is given sooner",
            )  # fmt: skip
