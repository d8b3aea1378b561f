"""The dose of a session: one act after the other, and at its end what was really given.

The dose itself is written by ``treatments.actions.give_dose`` when it ends, and booked in the register of drugs.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.entries.shapes import Entry
from upturn_clinic.floor.giving import Giving
from upturn_clinic.floor.holding import last_act_of, must_be_enrolled, must_be_free, must_be_open, must_consent
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.queries import is_masked
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.amounts import base_mg
from upturn_clinic.stock.queries import draws_for, needs_draw, preparation_of
from upturn_clinic.treatments.actions import AsGiven, give_dose
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import DEVIATION, compute
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of, weight_of

__all__ = ["act", "recompute"]

KIND = Administration.Kind
AS_IT_HAPPENED = "as it happened"
ALL = Decimal(100)
MG_STEP, MINUTE_STEP = Decimal("0.001"), Decimal("0.1")
FITTING = {
    Way.INFUSION: {KIND.START, KIND.PAUSE, KIND.RESUME, KIND.RATE, KIND.STOP},
    Way.DEVICES: {KIND.DEVICE, KIND.STOP},
    Way.AT_ONCE: {KIND.GIVEN, KIND.STOP},
}
# Which acts may follow when an infusion has not begun (None), runs (True) or stands still (False).
AFTER: dict[str, tuple[bool | None, ...]] = {
    KIND.START: (None,), KIND.PAUSE: (True,), KIND.RESUME: (False,), KIND.RATE: (True, False), KIND.STOP: (True, False),
}  # fmt: skip


@transaction.atomic
def act(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str:
    """Write down one act of giving; the last one ends the dose and writes it to the plan and the register.

    An end is never refused for the sake of books: where the plan or the register does not take the dose, the end is
    kept all the same, and why is told.

    Returns
    -------
    What whoever entered it must know; empty when all is well.

    Raises
    ------
    Refused
        Not enrolled any more, consent withdrawn, not ready, not prepared and checked, a gate is closed, out of order,
        or a reason is missing.
    """
    by.must(Permission.RECORD_SESSION)
    found = must_be_open(session, by)
    asked = queries.asked_in(found)
    state = queries.giving_in(found, asked, until=entry.at)
    _may(found, asked, state, entry, by)
    done = Administration(
        pk=entry.id, session=found, at=entry.at, device_at=entry.device_at, noted_at=at, by=by.user, kind=entry.kind,
        rate_ml_h=entry.values.get("rate_ml_h"), percent=_share(entry), because=entry.values["because"],
    )  # fmt: skip
    writing.insert(done, action=f"dose: {KIND(entry.kind).label}", by=by, at=at, reason=done.because)
    return _follow(queries.whole(found), asked, entry, by, at)


@transaction.atomic
def recompute(*, session: Session, reason: str, by: Actor, at: datetime) -> Session:
    """Work out again what was given, after an act was struck out; a dose that was written already is corrected.

    Raises
    ------
    Refused
        What is left is no order of things: a pause without a start, say.
    """
    by.must(Permission.RECORD_SESSION)
    found = queries.held(session)
    asked = queries.asked_in(found)
    acts = sorted(
        (each for each in found.administrations.all() if each.counts), key=lambda each: (each.at, each.noted_at)
    )
    _must_be_in_order(asked, [each.kind for each in acts])
    state = queries.giving_in(found, asked, until=at)
    if found.dosed_until is not None and state.ended_at is None:
        raise Refused(
            "Without this the dose would not have ended.", remedy="enter how it really ended, then strike this out"
        )
    changed = writing.change(
        found, action="worked the dose out again", by=by, at=at, reason=reason, began_at=state.began_at,
        dosed_until=state.ended_at,
    )  # fmt: skip
    if state.ended_at is not None:
        _write_dose(queries.whole(changed), asked, state, reason=reason, by=by, at=at)
    return changed


def _may(session: Session, asked: Asked, state: Giving, entry: Entry, by: Actor) -> None:
    kind = entry.kind
    later = [each for each in session.administrations.all() if each.counts and each.at > entry.at]
    # An end that arrives late, after a cut connection, still holds if nothing was begun or given after it.
    if any(kind != KIND.STOP or each.kind not in (KIND.RATE, KIND.PAUSE) for each in later):
        raise Refused(
            "Something was entered for a later time already.", remedy="look at the times; strike out what is wrong"
        )
    if session.dosed_until is not None:
        raise Refused("The dose has ended already.", came=last_act_of(session))
    fits = FITTING[asked.manner.way]
    if kind not in fits:
        raise Refused("This dose is not given that way.", expected=", ".join(sorted(fits)), came=kind)
    begins = session.began_at is None
    if begins and kind in (KIND.PAUSE, KIND.RESUME, KIND.RATE, KIND.STOP):
        raise Refused("The dose has not begun yet.")
    if kind == KIND.START and not begins:
        raise Refused("The dose has begun already.", came=last_act_of(session))
    if kind == KIND.PAUSE and not state.is_running:
        raise Refused("It does not run now.", came=last_act_of(session))
    if kind == KIND.RESUME and not state.is_paused:
        raise Refused("It is not paused.", came=last_act_of(session))
    if begins:
        _may_begin(session, asked, entry, by)
    if kind in (KIND.START, KIND.RESUME, KIND.DEVICE, KIND.GIVEN):
        must_be_free(session, asked, at=entry.at)
    if kind == KIND.DEVICE:
        _device_in_time(asked, state, entry)


def _may_begin(session: Session, asked: Asked, entry: Entry, by: Actor) -> None:
    must_be_enrolled(session.participant)
    must_consent(session.participant)
    if session.ready_at is None:
        raise Refused("The time-out has not been done yet.", remedy="do the time-out first")
    course, dose = _course(session), session.dose
    if entry.at < session.ready_at:
        raise Refused("The dose cannot have begun before the time-out.", remedy="look at the time")
    if needs_draw(course, dose) and not preparation_of(dose, by).is_ready:
        raise Refused(
            "What was drawn for this dose is not prepared and checked by a second person yet.",
            remedy="prepare it, and have it checked",
        )
    if asked.manner.way is Way.INFUSION and queries.filling_ml(session) is None:
        raise Refused(
            "How much syringe or bag hold is missing.", expected="millilitres", remedy="enter the volume first"
        )
    if not dose.earliest <= entry.at <= dose.latest and not entry.values["because"]:
        zone = session.facility.zone
        raise Refused(
            "This is outside the window of the protocol.",
            expected=f"{dose.earliest.astimezone(zone):%d %b %H:%M} to {dose.latest.astimezone(zone):%d %b %H:%M}",
            remedy="write why it is given all the same",
        )


def _device_in_time(asked: Asked, state: Giving, entry: Entry) -> None:
    times = asked.manner.devices_min
    if state.devices >= len(times):
        raise Refused("All devices of this dose were used.", came=f"{state.devices} devices")
    if state.devices and state.last_at is not None and not entry.values["because"]:
        gap = times[1] - times[0]
        waited = minutes_between(state.last_at, entry.at)
        if waited < gap:
            raise Refused(
                f"It is {waited:.1f} minutes since the last device.", expected=f"{gap:g} minutes between devices",
                remedy="wait, or write why it is given sooner",
            )  # fmt: skip


def _share(entry: Entry) -> Decimal | None:
    if entry.kind not in (KIND.DEVICE, KIND.GIVEN):
        return None
    share: Decimal | None = entry.values.get("percent")
    if share is not None and share < ALL and not entry.values["because"]:
        raise Refused("Not all of it was given.", remedy="write why")
    return ALL if share is None else share


def _follow(session: Session, asked: Asked, entry: Entry, by: Actor, at: datetime) -> str:
    state = queries.giving_in(session, asked, until=entry.at)
    because = entry.values["because"]
    if session.began_at is None:
        session = writing.change(
            session, action="began the dose", by=by, at=at, reason=because or AS_IT_HAPPENED, began_at=entry.at
        )
    if state.ended_at is None and entry.kind != KIND.STOP:
        return ""
    is_early = state.percent < float(ALL) * (1 - DEVIATION)
    session = writing.change(
        session, action="ended the dose", by=by, at=at, reason=because or AS_IT_HAPPENED, dosed_until=entry.at,
        ended_early=is_early,
    )  # fmt: skip
    told = ""
    if is_early and not because:
        told = (
            f"Only {state.rounded_percent.normalize():f} % of what was prepared was given, and no reason was written. "
            "Write it on the plan: correct the dose there."
        )
    try:
        with transaction.atomic():
            _write_dose(queries.whole(session), asked, state, reason="", by=by, at=at)
    except (Refused, Conflict) as fault:
        return f"{told} The end is kept, but the plan or the register did not take the dose: {fault.fault}".strip()
    return told


def _write_dose(session: Session, asked: Asked, state: Giving, *, reason: str, by: Actor, at: datetime) -> None:
    """Hand the dose over to the plan, with what was really given, and to the register of drugs."""
    if state.began_at is None:
        raise Refused("Nothing was given.", remedy="give the session up instead")
    course = _course(session)
    dose = Dose.objects.select_related("plan__participant", "plan__facility").get(pk=session.dose_id)
    masked, drawn = is_masked(session.participant), needs_draw(course, dose)
    mg = None if masked else _mg(course, dose, state, drawn=drawn)
    minutes = Decimal(str(state.minutes)).quantize(MINUTE_STEP)
    if asked.manner.way is Way.INFUSION:
        minutes = max(minutes, MINUTE_STEP)
    given = AsGiven(
        state.began_at, minutes, mg=mg, percent=state.rounded_percent if masked else None,
        reason=reason or _because(session, state),
    )  # fmt: skip
    give_dose(dose=dose, version=dose.version, given=given, by=by, at=at)
    if drawn:
        stock.use_for_dose(dose=dose, mg=mg, percent=given.percent, reason=reason, by=by, at=at)


def _mg(course: Course, dose: Dose, state: Giving, *, drawn: bool) -> Decimal:
    if drawn:
        prepared = sum((base_mg(each.lot, each.taken) for each in draws_for(dose)), Decimal(0))
    else:
        found = compute(
            course.entry(dose), weight=weight_of(course.plan.participant), protocol=course.protocol, arm=course.arm,
            at=state.began_at or dose.planned_at,
        )  # fmt: skip
        prepared = Decimal(str(found.mg))
    return (prepared * Decimal(str(state.percent)) / ALL).quantize(MG_STEP)


def _because(session: Session, state: Giving) -> str:
    acts = sorted((each for each in session.administrations.all() if each.counts), key=lambda each: each.at)
    words = [f"{each.get_kind_display()}: {each.because}" for each in acts if each.because]
    if session.ended_early and not any(each.kind == KIND.STOP and each.because for each in acts):
        words.append("ended early, and no reason was written at the time")
    if state.pauses_min:
        words.append(f"paused for {state.pauses_min:.1f} min")
    if state.rounded_percent != ALL:
        words.append(f"{state.rounded_percent.normalize():f} % of what was prepared was given")
    return "; ".join(words) or "as entered in the session"


def _must_be_in_order(asked: Asked, kinds: list[str]) -> None:
    if asked.manner.way is not Way.INFUSION:
        return
    runs: bool | None = None
    for kind in kinds:
        if runs not in AFTER[kind]:
            raise Refused(
                "What would be left is out of order.", came=", ".join(kinds), remedy="strike the later act out first"
            )
        runs = {KIND.START: True, KIND.RESUME: True, KIND.PAUSE: False}.get(KIND(kind), runs)


def _course(session: Session) -> Course:
    course = course_of(session.participant)
    if course is None:
        raise Refused("There is no plan any more.")
    return course
