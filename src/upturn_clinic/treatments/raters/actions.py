"""What is written when raters are told the days of a plan anew."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose, Plan
from upturn_clinic.treatments.schedule import shifted

__all__ = ["tell_raters"]

ACTION = "told raters another time"


@transaction.atomic
def tell_raters(*, plan: Plan, version: int, reason: str, by: Actor, at: datetime) -> Plan:
    """Tell blinded raters the days on which the visits of a plan now are: days alone, never the minute of a dose.

    It is a person's decision: nothing of it happens by itself when a dose is given.

    Raises
    ------
    Refused
        Not enrolled, at another facility, or raters are told these days already.
    Conflict
        Somebody changed the plan first.
    """
    by.must(Permission.CHANGE_PLAN)
    person = plan.participant
    if by.facility_id not in (None, person.facility_id):
        raise Refused("This participant is at another facility.")
    if person.status != Participant.Status.ENROLLED:
        raise Refused("A plan is for people who are enrolled.", came=str(person.get_status_display()))
    queries.held(plan)
    course = _course(person)
    told, changed = course.told(), False
    plan = writing.change(plan, action="told raters the days of the plan", by=by, at=at, reason=reason, version=version)
    for dose, told_at in _moved_doses(course):
        writing.change(dose, action=ACTION, by=by, at=at, reason=reason, told_at=told_at)
        changed = True
    # Visits that went by those doses go along; an appointment that was made by hand is told as it stands.
    moved = [*_course(person).retold(told)]
    for thing, told_at in moved:
        writing.change(thing, action=ACTION, by=by, at=at, reason=reason, told_at=told_at)
    for visit in _course(person).visits:
        if visit.is_open and _day(visit.told_at, course) != _day(visit.planned_at, course):
            writing.change(visit, action=ACTION, by=by, at=at, reason=reason, told_at=visit.planned_at)
            changed = True
    if not changed and not moved:
        raise Refused("Raters are told these days already.")
    return plan


def _moved_doses(course: Course) -> Iterator[tuple[Dose, datetime]]:
    for dose in course.doses:
        if dose.origin != Dose.Origin.PROTOCOL or dose.state in (Dose.State.MISSED, Dose.State.CANCELLED):
            continue
        is_at = dose.given_at or dose.planned_at
        if _day(is_at, course) != _day(dose.told_at, course):
            yield dose, shifted(is_at, 0.0, zone=course.zone, clock=course.timetable.clock)


def _course(person: Participant) -> Course:
    course = queries.course_of(person)
    if course is None:
        raise Refused("There is no plan yet.")
    return course


def _day(at: datetime, course: Course) -> str:
    return f"{at.astimezone(course.zone):%Y-%m-%d}"
