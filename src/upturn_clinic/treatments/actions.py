"""All that is written about plans, doses and visits. Each action: who may, one transaction, its rows.

Boosters, what raters are told, reasons to stop and other treatment have rooms of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.dates import day
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_of, is_masked
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.conditions import (
    must_be_here,
    must_give_a_reason,
    must_have_a_course,
    must_not_be_over,
    must_take_part,
)
from upturn_clinic.treatments.course import (
    Course,
    first_doses,
    first_visits,
    further_doses,
    further_visits,
    told_of_visits,
)
from upturn_clinic.treatments.dosing import DEVIATION, compute
from upturn_clinic.treatments.models import Dose, Plan, Visit

__all__ = ["AsGiven", "attend_visit", "end_due", "give_dose", "make_plan", "move_due", "renew_plan"]

AS_IT_HAPPENED = "recorded as it happened"
AnyDue = TypeVar("AnyDue", Dose, Visit)


@dataclass(frozen=True)
class AsGiven:
    """What really happened at a dose.

    Parameters
    ----------
    began_at
        When it began.
    duration_min
        How long it took [min]; 0 for a dose that is given at once.
    mg
        The amount that was given [mg], where the arm is known to who records it.
    percent
        The share of what was prepared, where it is not.
    reason
        Why it differs from the plan, where it does; for a correction, why.
    protocol_min
        How long the protocol wants it to run [min], where it runs.
    """

    began_at: datetime
    duration_min: Decimal = Decimal(0)
    mg: Decimal | None = None
    percent: Decimal | None = None
    reason: str = ""
    protocol_min: Decimal | None = None


@transaction.atomic
def make_plan(*, participant: Participant, begins_at: datetime, by: Actor, at: datetime) -> Plan:
    """Make the plan of somebody who is enrolled, from their protocol version and the time chosen for the first dose.

    Raises
    ------
    Refused
        Not enrolled, a plan is there already, or the first dose would lie in the past.
    """
    by.must(Permission.CHANGE_PLAN)
    must_take_part(participant, by)
    if queries.is_planned(participant):
        raise Refused("There is a plan already.", remedy="move its first dose")
    must_not_be_over(begins_at, participant, at)
    protocol, arm = protocol_of(participant.protocol_version), arm_of(participant)
    plan = Plan(
        participant=participant, facility=participant.facility, protocol_version=participant.protocol_version,
        begins_at=begins_at, made_at=at,
    )  # fmt: skip
    writing.insert(plan, action="made the plan", by=by, at=at)
    writing.insert_many(first_doses(plan, protocol, arm), action="planned the dose", by=by, at=at)
    writing.insert_many(first_visits(plan, protocol, arm, now=at), action="planned the visit", by=by, at=at)
    return plan


@transaction.atomic
def renew_plan(*, plan: Plan, version: int, reason: str, by: Actor, at: datetime) -> Plan:
    """Let a plan follow the protocol version that its participant was moved to. What has happened stays as it is.

    Open doses and visits to come of the old version are cancelled; those of the new one are planned from the last dose
    given. A visit whose day is over stays, as raters were told it or would be told it by the new version.

    Raises
    ------
    Refused
        The plan follows that version already, or that version does not have the person's arm.
    Conflict
        Somebody changed the plan first.
    """
    by.must(Permission.CHANGE_PLAN)
    participant = plan.participant
    must_take_part(participant, by)
    queries.held(plan)
    if participant.protocol_version_id == plan.protocol_version_id:
        raise Refused("The plan follows the participant's protocol version already.")
    course, protocol = must_have_a_course(plan.participant), protocol_of(participant.protocol_version)
    if course.arm not in protocol.arms:
        raise Refused("The new version does not have this participant's arm.", remedy="ask who wrote the protocol")
    # A visit whose day is over, as raters were told it, stays: that it is there tells nobody of a dose. So does one
    # whose day is over by the new version: it would not be planned anew.
    told, today = told_of_visits(course, protocol), at.astimezone(course.zone).date()
    to_come = [
        each for each in course.visits
        if min(each.told_at, told.get(each.encounter, each.told_at)).astimezone(course.zone).date() >= today
    ]  # fmt: skip
    everything: list[Dose | Visit] = [*course.doses, *to_come]
    for due in everything:
        if due.is_open and not (isinstance(due, Dose) and due.origin != Dose.Origin.PROTOCOL):
            writing.change(
                due, action=f"cancelled the {_noun(due)}", by=by, at=at, reason=reason, state="cancelled",
                because=reason,
            )  # fmt: skip
    writing.change(
        plan, action="renewed the plan", by=by, at=at, reason=reason, version=version,
        protocol_version_id=participant.protocol_version_id,
    )  # fmt: skip
    renewed = must_have_a_course(plan.participant)
    writing.insert_many(further_doses(renewed, protocol), action="planned the dose", by=by, at=at, reason=reason)
    visits = further_visits(renewed, protocol, now=at)
    writing.insert_many(visits, action="planned the visit", by=by, at=at, reason=reason)
    # What is done already is told as if it were planned anew like the others: raters cannot tell one from the other.
    for visit in to_come:
        stays = visit.state in (Visit.State.DONE, Visit.State.MISSED)
        if stays and told.get(visit.encounter, visit.told_at) != visit.told_at:
            writing.change(
                visit, action="followed with the visit", by=by, at=at, reason=reason, told_at=told[visit.encounter]
            )
    return renewed.plan


@transaction.atomic
def move_due(*, due: AnyDue, version: int, planned_at: datetime, reason: str, by: Actor, at: datetime) -> AnyDue:
    """Plan a dose or visit for another time, also one that was given up. A dose takes the visit of its day along.

    Outside its window it may be: that stands on the page, and the reason in the trail.

    Raises
    ------
    Refused
        It has happened already, or the new day is over.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.CHANGE_PLAN)
    plan = _held(due, by)
    if due.state in (Dose.State.GIVEN, Visit.State.DONE):
        raise Refused("It has happened already and cannot be moved.", remedy="correct what was recorded")
    must_not_be_over(planned_at, plan.participant, at)
    told = must_have_a_course(plan.participant).told()
    moved = writing.change(
        due, action=f"moved the {_noun(due)}", by=by, at=at, reason=reason, version=version, planned_at=planned_at,
        told_at=planned_at, is_moved=planned_at != due.target, state="planned", because=reason,
    )  # fmt: skip
    because = f"{moved} was moved"
    _follow(plan, because=because, by=by, at=at)
    for thing, told_at in must_have_a_course(plan.participant).retold(told):
        writing.change(thing, action=f"followed with the {_noun(thing)}", by=by, at=at, reason=because, told_at=told_at)
    return moved


@transaction.atomic
def end_due(*, due: AnyDue, version: int, is_missed: bool, reason: str, by: Actor, at: datetime) -> AnyDue:
    """Give up a dose or visit: it was missed, or it is cancelled. What comes after keeps its time.

    Raises
    ------
    Refused
        It has happened already or was given up; or it would be missed before its time.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.CHANGE_PLAN)
    plan = _held(due, by)
    if not due.is_open:
        raise Refused("Only what is still planned can be given up.", came=due.state)
    if is_missed and at < due.planned_at:
        raise Refused("Its time has not come yet: it cannot have been missed.", remedy="move it, or cancel it")
    state = "missed" if is_missed else "cancelled"
    ended = writing.change(
        due, action=f"noted the {_noun(due)} as {state}", by=by, at=at, reason=reason, version=version, state=state,
        because=reason,
    )  # fmt: skip
    _follow(plan, because=f"{ended} was {state}", by=by, at=at)
    return ended


@transaction.atomic
def attend_visit(
    *, visit: Visit, version: int, done_at: datetime, reason: str, by: Actor, at: datetime
) -> Visit:  # fmt: skip
    """Record that a visit took place. Outside its window, or as a correction, it needs a reason.

    Raises
    ------
    Refused
        In the future, given up, or outside the window without a reason.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.CHANGE_PLAN)
    _held(visit, by)
    if done_at > at:
        raise Refused("It cannot have taken place in the future.")
    if visit.state in (Visit.State.MISSED, Visit.State.CANCELLED):
        raise Refused("This visit was given up.", remedy="plan it for another time first")
    is_correction = visit.done_at is not None
    if is_correction:
        must_give_a_reason(reason, "it is a correction")
    elif not visit.earliest <= done_at <= visit.latest:
        must_give_a_reason(reason, "it is outside the window of the protocol")
    return writing.change(
        visit, action="corrected the visit" if is_correction else "recorded the visit", by=by, at=at,
        reason=reason or AS_IT_HAPPENED, version=version, state=Visit.State.DONE, done_at=done_at, because=reason,
    )  # fmt: skip


@transaction.atomic
def give_dose(*, dose: Dose, version: int, given: AsGiven, by: Actor, at: datetime) -> Dose:
    """Record a dose as it was given, or correct that. The rest of the plan follows the time at which it really began.

    A dose under supervision is recorded by its session, when it has ended, and by nobody else; one that is taken at
    home by whoever hears of it. The visit of the same time is recorded as well: whoever got the dose was there.

    Raises
    ------
    Refused
        No session of this dose has ended; in the future, before an earlier dose, given up, without an amount; or a
        reason is missing: for a correction, for a time outside the window, for an amount that is not the computed one.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_here(dose.plan.participant, by)
    if dose.is_home_course:
        must_take_part(dose.plan.participant, by)
    else:
        _must_have_a_session(dose, given)
    plan = queries.held(dose.plan)
    course = must_have_a_course(plan.participant)
    if dose.state in (Dose.State.MISSED, Dose.State.CANCELLED):
        raise Refused("This dose was given up.", remedy="plan it for another time first")
    if given.began_at > at:
        raise Refused("A dose cannot have begun in the future.")
    sooner = [each for each in course.given if each.number < dose.number and each.given_at]
    later = [each for each in course.given if each.number > dose.number and each.given_at]
    if any(each.given_at and each.given_at >= given.began_at for each in sooner) or any(
        each.given_at and each.given_at <= given.began_at for each in later
    ):
        raise Refused("The doses would be out of order.", remedy="look at day and time")
    if dose.given_at is not None:
        must_give_a_reason(given.reason, "it is a correction")
    if not dose.earliest <= given.began_at <= dose.latest:
        must_give_a_reason(given.reason, "the time is outside the window of the protocol")
    written = writing.change(
        dose, action="corrected the dose" if dose.given_at else "recorded the dose", by=by, at=at,
        reason=given.reason or AS_IT_HAPPENED, version=version, state=Dose.State.GIVEN, given_at=given.began_at,
        duration_min=given.duration_min, protocol_min=given.protocol_min, because=given.reason,
        **_amounts(course, dose, given),
    )  # fmt: skip
    for visit in course.visits:
        if visit.is_open and visit.offset_h == dose.offset_h and dose.origin == Dose.Origin.PROTOCOL:
            writing.change(
                visit, action="recorded the visit", by=by, at=at, reason=f"{written} was given at it",
                state=Visit.State.DONE, done_at=given.began_at,
            )  # fmt: skip
    if dose.plan.participant.status == Participant.Status.ENROLLED:
        _follow(plan, because=f"{written} was given {_when(given.began_at, course)}", by=by, at=at)
    return written


def _must_have_a_session(dose: Dose, given: AsGiven) -> None:
    """Refuse what nobody has seen: gates, second check and register are asked in a session, and there alone."""
    # The sessions stand in a room above this one, which hangs them on the dose.
    if not dose.sessions.filter(cancelled_at=None, began_at=given.began_at, dosed_until__isnull=False).exists():
        raise Refused("This dose is given in a session.", remedy="open its session on the floor")


def _amounts(course: Course, dose: Dose, given: AsGiven) -> Mapping[str, object]:
    entry, weight = course.entry(dose), queries.weight_given_by(dose, began_at=given.began_at)
    if entry.over_h and not given.duration_min:
        raise Refused("An infusion needs the time it ran.", expected="minutes, more than 0")
    by_weight = {"weight_kg": weight.kg, "weight_at": weight.measured_at} if weight and entry.amount.per_kg else {}
    values: dict[str, object] = {
        name: Decimal(str(value)) if isinstance(value, float) else value for name, value in by_weight.items()
    }
    if is_masked(course.plan.participant):
        if given.percent is None:
            raise Refused("How much of what was prepared was given?", expected="0 to 100 %")
        if given.percent != 100:
            must_give_a_reason(given.reason, "not all of it was given")
        return {**values, "given_percent": given.percent}
    if given.mg is None:
        raise Refused("How much was given?", expected="an amount in mg")
    try:
        computed = compute(entry, weight=weight, protocol=course.protocol, arm=course.arm, at=given.began_at).mg
    except Refused as refusal:
        must_give_a_reason(given.reason, refusal.fault.rstrip("."))
        return {**values, "given_mg": given.mg, "computed_mg": None}
    if abs(float(given.mg) - computed) > DEVIATION * computed:
        must_give_a_reason(given.reason, f"{given.mg:g} mg is not the {computed:g} mg that were computed")
    return {**values, "given_mg": given.mg, "computed_mg": Decimal(str(computed))}


def _follow(plan: Plan, *, because: str, by: Actor, at: datetime) -> None:
    """Let all that is open follow what was given or moved: each change with its row in the trail."""
    for thing, values in must_have_a_course(plan.participant).changes():
        writing.change(thing, action=f"followed with the {_noun(thing)}", by=by, at=at, reason=because, **values)


def _held(due: Dose | Visit, by: Actor) -> Plan:
    must_take_part(due.plan.participant, by)
    return queries.held(due.plan)


def _noun(due: Dose | Visit) -> str:
    return "dose" if isinstance(due, Dose) else "visit"


def _when(at: datetime, course: Course) -> str:
    local = at.astimezone(course.zone)
    return f"{day(local.date())}, {local:%H:%M}"
