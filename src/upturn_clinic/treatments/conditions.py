"""What every act on a plan asks first: whose it is, that they take part, that there is a plan, a day, a reason."""

from __future__ import annotations

from datetime import datetime

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.ground.dates import day
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.course import Course

__all__ = ["must_be_here", "must_give_a_reason", "must_have_a_course", "must_not_be_over", "must_take_part"]


def must_be_here(participant: Participant, by: Actor) -> None:
    """Refuse who acts at another facility."""
    if by.facility_id not in (None, participant.facility_id):
        raise Refused("This participant is at another facility.")


def must_take_part(participant: Participant, by: Actor) -> None:
    """Refuse for people who are not enrolled, or are elsewhere."""
    must_be_here(participant, by)
    if participant.status != Participant.Status.ENROLLED:
        raise Refused(
            "A plan is for people who are enrolled.", expected="enrolled", came=str(participant.get_status_display())
        )


def must_have_a_course(participant: Participant) -> Course:
    """Read somebody's whole plan; refuse before it is made."""
    course = queries.course_of(participant)
    if course is None:
        raise Refused("There is no plan yet.", remedy="make the plan first")
    return course


def must_not_be_over(when: datetime, participant: Participant, at: datetime) -> None:
    """Refuse a day that is over by the facility's clock."""
    zone = participant.facility.zone
    if when.astimezone(zone).date() < at.astimezone(zone).date():
        raise Refused("That day is over.", expected="today or later", came=day(when.astimezone(zone).date()))


def must_give_a_reason(reason: str, because: str) -> None:
    """Refuse an empty reason where one is needed, and say what for."""
    if not reason.strip():
        raise Refused(f"This needs a reason: {because}.", remedy="write the reason, then save again")
