"""What was given, worked out from what was done, and handed over to the plan and the register of drugs.

What lives here: the dose as it is written when it ends, and written again when something was corrected. What does not:
the acts of giving themselves (``dose.actions``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked, Way
from upturn_clinic.floor.giving import Giving, is_early, percent_words
from upturn_clinic.floor.holding import course_in, must_be_here
from upturn_clinic.floor.limits import OFF_PACE
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.queries import is_masked
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.amounts import base_mg, of_devices
from upturn_clinic.stock.queries import draws_for, gone_until, needs_draw, usable_of
from upturn_clinic.treatments.actions import AsGiven, give_dose
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import compute
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import weight_given_by

__all__ = ["hand_over", "recompute", "write_dose"]

KIND = Administration.Kind
ALL = Decimal(100)
MG_STEP, MINUTE_STEP = Decimal("0.001"), Decimal("0.1")
# Which acts may follow when an infusion has not begun (None), runs (True) or stands still (False).
AFTER: dict[str, tuple[bool | None, ...]] = {
    KIND.START: (None,), KIND.PAUSE: (True,), KIND.RESUME: (False,), KIND.RATE: (True, False), KIND.STOP: (True, False),
}  # fmt: skip
# And after its end: these may have been entered before an end that arrived late, and give nothing.
AFTER_END = (KIND.RATE, KIND.PAUSE)


@transaction.atomic
def recompute(*, session: Session, reason: str, by: Actor, at: datetime) -> str:
    """Work out again what was given, after an entry was corrected; a dose that was written already is righted.

    Returns
    -------
    What was given, now and before; empty where that is the same, or while the dose goes on.

    Raises
    ------
    Refused
        What is left is no order of things: a pause without a start, say. Or nobody could know how much was given.
    """
    by.must(Permission.RECORD_SESSION)
    found = queries.held(session)
    asked = queries.asked_in(found)
    acts = sorted(
        (each for each in found.administrations.all() if each.counts), key=lambda each: (each.at, each.noted_at)
    )
    _must_be_in_order(asked, acts)
    state = queries.giving_in(found, asked, until=at)
    if found.dosed_until is not None and state.ended_at is None:
        raise Refused(
            "Without this the dose would not have ended.", remedy="correct it instead: enter how it really ended"
        )
    if state.percent is None:
        raise Refused(
            "Without this nobody knows how much was given.", remedy="correct it instead: enter the right volume"
        )
    before = _given_words(found)
    changed = writing.change(
        found, action="worked the dose out again", by=by, at=at, reason=reason, began_at=state.began_at,
        dosed_until=state.ended_at, ended_early=state.ended_at is not None and is_early(state),
    )  # fmt: skip
    if state.ended_at is None:
        return ""
    write_dose(session=queries.whole(changed), asked=asked, state=state, reason=reason, by=by, at=at)
    now = _given_words(changed)
    return "" if now == before else f"What was given is now {now}; it was {before or 'not on the plan'} before."


def _given_words(session: Session) -> str:
    return Dose.objects.get(pk=session.dose_id).given_in_words


@transaction.atomic
def hand_over(*, session: Session, reason: str, by: Actor, at: datetime) -> bool:
    """Hand a dose that has ended over to plan and register, where they did not take it at its end.

    Returns
    -------
    Whether there was anything to do.

    Raises
    ------
    Refused
        The dose has not ended, no reason, or plan or register still do not take it.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_here(session.facility_id, by)
    found = queries.held(session)
    if found.dose.given_at is not None:
        return False
    if found.dosed_until is None:
        raise Refused("The dose has not ended.")
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write what happened, in a few words")
    asked = queries.asked_in(found)
    state = queries.giving_in(found, asked, until=at)
    write_dose(session=found, asked=asked, state=state, reason=reason, by=by, at=at)
    return True


def write_dose(*, session: Session, asked: Asked, state: Giving, reason: str, by: Actor, at: datetime) -> None:
    """Hand the dose over to the plan, with what was really given, and to the register of drugs."""
    if state.began_at is None:
        raise Refused("Nothing was given.", remedy="give the session up instead")
    share = state.rounded_percent
    if state.percent is None or share is None:
        raise Refused("Nobody knows how much was given.", remedy="enter the volume of syringe or bag")
    course = course_in(session)
    dose = Dose.objects.select_related("plan__participant", "plan__facility").get(pk=session.dose_id)
    masked, drawn = is_masked(session.participant), needs_draw(course, dose)
    draws = draws_for(dose) if drawn else ()
    until = gone_until(draws, began_at=state.began_at, ended_at=state.ended_at)
    # Of devices each counts for itself; of all else a share of what there was to give.
    devices = state.shares if asked.manner.way is Way.DEVICES else None
    if drawn and devices is None and not any(usable_of(each, until=until) for each in draws):
        raise Refused(
            "Of what was drawn for this dose nothing is left that could have been given.",
            remedy="take back what was wasted of it by mistake, or draw what was given and have it checked",
        )
    mg = None if masked else _mg(course, dose, state, state.percent, until=until, drawn=drawn, devices=devices)
    minutes = Decimal(str(state.minutes)).quantize(MINUTE_STEP)
    if asked.manner.way is Way.INFUSION:
        minutes = max(minutes, MINUTE_STEP)
    given = AsGiven(
        state.began_at, minutes, mg=mg, percent=share if masked else None,
        reason=reason or _because(session, asked, state),
        protocol_min=Decimal(str(asked.manner.over_min)).quantize(MINUTE_STEP) if asked.manner.over_min else None,
    )  # fmt: skip
    give_dose(dose=dose, version=dose.version, given=given, by=by, at=at)
    if drawn:
        by_share = masked or course.entry(dose).is_inert
        stock.use_for_dose(
            dose=dose, mg=None if by_share or devices is not None else mg,
            percent=share if by_share and devices is None else None, devices=devices, until=until,
            reason=reason, by=by, at=at,
        )  # fmt: skip


def _mg(
    course: Course, dose: Dose, state: Giving, percent: float, *, until: datetime, drawn: bool,
    devices: Sequence[Decimal] | None,
) -> Decimal:  # fmt: skip
    if drawn and devices is not None:
        there = [(each.lot, usable_of(each)) for each in draws_for(dose)]
        used = of_devices(there, devices)
        return sum((base_mg(lot, amount) for (lot, _), amount in zip(there, used, strict=True)), Decimal(0))
    if drawn:
        prepared = sum((base_mg(each.lot, usable_of(each, until=until)) for each in draws_for(dose)), Decimal(0))
    else:
        began_at = state.began_at or dose.planned_at
        weight = weight_given_by(dose, began_at=began_at)
        found = compute(course.entry(dose), weight=weight, protocol=course.protocol, arm=course.arm, at=began_at)
        prepared = Decimal(str(found.mg))
    return (prepared * Decimal(str(percent)) / ALL).quantize(MG_STEP)


def _because(session: Session, asked: Asked, state: Giving) -> str:
    acts = sorted((each for each in session.administrations.all() if each.counts), key=lambda each: each.at)
    reasons = dict(asked.stop_reasons)
    words = [f"{each.get_kind_display()}: {reasons.get(each.why, each.why)}" for each in acts if each.why]
    words += [f"{each.get_kind_display()}: {each.because}" for each in acts if each.because]
    if session.ended_early and not any(each.kind == KIND.STOP and (each.because or each.why) for each in acts):
        words.append("ended early, and no reason was written at the time")
    if state.pauses_min:
        words.append(f"paused for {state.pauses_min:.1f} min")
    planned = asked.manner.over_min
    if planned and not is_early(state) and abs(state.minutes - planned) > OFF_PACE * planned:
        words.append(f"it ran for {state.minutes:.0f} min, the protocol says {planned:g} min")
    if state.rounded_percent != ALL:
        words.append(f"{percent_words(state)} of what was prepared was given")
    return "; ".join(words) or "as entered in the session"


def _must_be_in_order(asked: Asked, acts: Sequence[Administration]) -> None:
    kinds = [each.kind for each in acts]
    if asked.manner.way is not Way.INFUSION:
        end = max((each.at for each in acts if each.kind == KIND.STOP), default=None)
        if end is not None and acts[-1].at > end:
            raise Refused("What would be left is out of order.", came=", ".join(kinds), remedy="correct the end first")
        return
    runs: bool | None = None
    has_ended = False
    for kind in kinds:
        if kind not in AFTER_END if has_ended else runs not in AFTER[kind]:
            raise Refused(
                "What would be left is out of order.", came=", ".join(kinds), remedy="strike the later act out first"
            )
        runs = {KIND.START: True, KIND.RESUME: True, KIND.PAUSE: False}.get(KIND(kind), runs)
        has_ended = has_ended or kind == KIND.STOP
