"""All that is written about plans, doses, visits, other treatment. Each action: who may, one transaction, its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_of, arm_shown, is_masked
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.boosters import next_candidate
from upturn_clinic.treatments.course import Course, first_doses, first_visits
from upturn_clinic.treatments.dosing import DEVIATION, compute
from upturn_clinic.treatments.models import CoIntervention, ConcomitantDrug, Dose, Plan, Visit

__all__ = [
    "attend_visit", "change_co_intervention", "change_drug", "decide_booster", "end_due", "give_dose", "make_plan",
    "move_due", "plan_booster", "record_co_intervention", "record_drug",
]  # fmt: skip

DAY = timedelta(days=1)
AS_PLANNED = "recorded as it happened"
Due = Dose | Visit


@transaction.atomic
def make_plan(*, participant: Participant, begins_at: datetime, by: Actor, at: datetime) -> Plan:
    """Make the plan of somebody who is enrolled, from their protocol version and the time chosen for the first dose.

    Raises
    ------
    Refused
        Not enrolled, a plan is there already, or the first dose would lie in the past.
    """
    by.must(Permission.CHANGE_PLAN)
    _must_be_here(participant, by)
    if queries.is_planned(participant):
        raise Refused("There is a plan already.", remedy="move its first dose")
    zone = participant.facility.zone
    if begins_at.astimezone(zone).date() < at.astimezone(zone).date():
        raise Refused("The first dose cannot be planned for a day that is over.", expected="today or later")
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
def move_due(*, due: Due, version: int, planned_at: datetime, reason: str, by: Actor, at: datetime) -> Due:
    """Plan a dose or visit for another time, also one that was given up. Moving a dose takes its visit of the day along.

    Outside the window it may be: that is recorded with its reason, and shown.

    Raises
    ------
    Refused
        It has happened already, or the new day is over.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.CHANGE_PLAN)
    course = _course_of(due, by)
    if due.state in (Dose.State.GIVEN, Visit.State.DONE):
        raise Refused("It has happened already and cannot be moved.", remedy="correct what was recorded")
    if planned_at.astimezone(course.zone).date() < at.astimezone(course.zone).date():
        raise Refused("It cannot be planned for a day that is over.", expected="today or later")
    moved = writing.change(
        due, action=f"moved the {_noun(due)}", by=by, at=at, reason=reason, version=version, planned_at=planned_at,
        is_moved=planned_at != due.target, state=Dose.State.PLANNED, reason_given=None,
    ) if False else writing.change(
        due, action=f"moved the {_noun(due)}", by=by, at=at, reason=reason, version=version, planned_at=planned_at,
        is_moved=planned_at != due.target, state="planned",
    )  # fmt: skip
    if isinstance(moved, Dose):
        _follow(course.plan, because=f"{moved} was moved", by=by, at=at)
    return moved


@transaction.atomic
def end_due(*, due: Due, version: int, is_missed: bool, reason: str, by: Actor, at: datetime) -> Due:
    """Give up a dose or visit: it was missed, or it is cancelled.

    Raises
    ------
    Refused
        It has happened already or was given up; or it would be missed before its time.
    """
    by.must(Permission.CHANGE_PLAN)
    course = _course_of(due, by)
    if not due.is_open:
        raise Refused("Only what is still planned can be given up.", came=due.state)
    if is_missed and at < due.planned_at:
        raise Refused("Its time has not come yet: it cannot have been missed.", remedy="move it, or cancel it")
    verb = "missed" if is_missed else "cancelled"
    ended = writing.change(
        due, action=f"{verb} the {_noun(due)}", by=by, at=at, reason=reason, version=version, state=verb,
    ) if False else writing.change(
        due, action=f"noted the {_noun(due)} as {verb}", by=by, at=at, reason=reason, version=version, state=verb,
    )  # fmt: skip
    if isinstance(ended, Dose):
        _follow(course.plan, because=f"{ended} was {verb}", by=by, at=at)
    return ended
