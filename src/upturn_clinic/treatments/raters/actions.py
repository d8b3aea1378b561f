"""What is written when raters are told the days of a plan anew."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.conditions import must_have_a_course, must_take_part
from upturn_clinic.treatments.models import Plan
from upturn_clinic.treatments.raters.queries import mark_of, must_differ, retold

__all__ = ["tell_raters"]


@transaction.atomic
def tell_raters(*, plan: Plan, version: int, seen: str, reason: str, by: Actor, at: datetime) -> Plan:
    """Tell blinded raters the days on which the visits still to come now are: days alone, never the minute of a dose.

    What is over or done keeps the day that raters know. It is a person's decision: nothing of it happens by itself
    when a dose is given.

    Parameters
    ----------
    seen
        The mark of the list that was on screen (``mark_of``): nothing else is told.

    Raises
    ------
    Refused
        Not enrolled, at another facility, raters know these days already, or the list has changed.
    Conflict
        Somebody renewed the plan first.
    """
    by.must(Permission.CHANGE_PLAN)
    must_take_part(plan.participant, by)
    queries.held(plan)
    course = must_have_a_course(plan.participant)
    # Nothing of the plan itself changes: this asks whether it was renewed since it was on screen.
    writing.change(plan, action="told raters another day", by=by, at=at, reason=reason, version=version)
    must_differ(course, at=at)
    if seen != mark_of(course, at=at):
        raise Refused("The days have changed meanwhile.", remedy="read the list as it is now, then tell them")
    for due, told_at in retold(course, at=at).items():
        writing.change(due, action="told raters another day", by=by, at=at, reason=reason, told_at=told_at)
    return plan
