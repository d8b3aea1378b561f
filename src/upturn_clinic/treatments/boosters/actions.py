"""How a booster comes onto a plan: by the protocol's rule, or because a clinician decides so."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn.units import DAY_H
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_shown
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.conditions import (
    must_give_a_reason,
    must_have_a_course,
    must_not_be_over,
    must_take_part,
)
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.schedule import shifted

__all__ = ["decide_booster", "plan_booster"]


@transaction.atomic
def plan_booster(*, participant: Participant, asked_by: str = "", by: Actor, at: datetime) -> Dose:
    """Plan a booster because the protocol's rule holds, on the next day that the protocol allows.

    Parameters
    ----------
    asked_by
        Who looked at the ratings and asked for it, where whoever plans may not read them.

    Raises
    ------
    Refused
        The rule does not hold, no day is left, one is planned already, the arm is masked to who asks, or nobody who
        may read the ratings asked for it.
    """
    by.must(Permission.CHANGE_PLAN)
    course = _held_course(participant, by)
    entry, when, offset_h = queries.booster_by_rule(course, by, now=at)
    if not by.may(Permission.SEE_RATINGS) and not asked_by.strip():
        raise Refused("A clinician looks at the ratings first.", remedy="write who asked for this booster")
    because = queries.finding_of(course).sentences
    asked = (f"Asked for by {asked_by.strip()}.",) if asked_by.strip() else ()
    return _add_booster(
        course, entry.id, when, offset_h, Dose.Origin.RULE, reason=" ".join((*because, *asked)), by=by, at=at
    )


@transaction.atomic
def decide_booster(*, participant: Participant, planned_at: datetime, reason: str, by: Actor, at: datetime) -> Dose:
    """Plan a booster because a clinician decides so, whatever the rule says; the reason is theirs.

    Raises
    ------
    Refused
        No reason, no dose given yet, a day that is over, one is planned already, or the arm is masked to who asks.
    """
    by.must(Permission.DECIDE_BOOSTER)
    course = _held_course(participant, by)
    if arm_shown(participant, by) is None:
        raise Refused("The arm is masked to you, and so are its boosters.", remedy="ask somebody who may know the arm")
    must_not_be_over(planned_at, participant, at)
    must_give_a_reason(reason, "a decision needs one")
    doses = course.protocol.arms[course.arm].doses
    entries = queries.booster_entries(course) or list(doses[-1:])
    if not entries or course.first_given_at is None:
        raise Refused("There is no dose yet that a booster could follow.")
    days = (planned_at.astimezone(course.zone).date() - course.first_given_at.astimezone(course.zone).date()).days
    return _add_booster(
        course, entries[0].id, planned_at, days * DAY_H, Dose.Origin.DECISION, reason=reason, by=by, at=at
    )


def _add_booster(
    course: Course, name: str, when: datetime, offset_h: float, origin: Dose.Origin, *, reason: str, by: Actor,
    at: datetime,
) -> Dose:  # fmt: skip
    queries.no_booster_planned(course)
    opens, closes = (
        shifted(when, 0.0, zone=course.zone, clock=edge) for edge in (datetime.min.time(), datetime.max.time())
    )
    dose = Dose(
        plan=course.plan, facility_id=course.plan.facility_id, protocol_version_id=course.plan.protocol_version_id,
        number=max((each.number for each in course.doses), default=0) + 1, dose=name, origin=origin,
        offset_h=offset_h, target=when, earliest=opens, latest=closes, planned_at=when, told_at=when, because=reason,
    )  # fmt: skip
    return writing.insert(dose, action=f"planned a {origin.label}", by=by, at=at, reason=reason)


def _held_course(participant: Participant, by: Actor) -> Course:
    must_take_part(participant, by)
    queries.held(must_have_a_course(participant).plan)
    # Read while it is held: of two who ask at once, the second finds the booster of the first.
    return must_have_a_course(participant)
