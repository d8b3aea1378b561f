"""All that is written about long-term monitoring."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import held
from upturn_clinic.treatments.models import MonitoringCheck
from upturn_clinic.treatments.queries import course_of
from upturn_clinic.treatments.watch.queries import look_at

__all__ = ["record_check", "strike_check"]


@transaction.atomic
def record_check(
    *, participant: Participant, look: str, key: str, done_at: datetime, finding: str, note: str, by: Actor,
    at: datetime,
) -> MonitoringCheck:  # fmt: skip
    """Record what was found at one look of the long-term monitoring.

    Parameters
    ----------
    look, key
        Its id in the protocol, and its planned hour.
    finding
        Of ``MonitoringCheck.Finding``; anything but nothing of note needs a note.

    Raises
    ------
    Refused
        There is no such look, somebody recorded it already, it lies in the future, or its note is missing.
    """
    by.must(Permission.RECORD_TREATMENTS)
    person = held(participant, by)
    course = course_of(person)
    found = look_at(course, look, key) if course else None
    if found is None:
        raise Refused("The protocol has no such look for this person.")
    if found.check is not None:
        raise Refused("Somebody recorded this look already.", came=found.check.get_finding_display())
    if done_at > at:
        raise Refused("It cannot have been done in the future.")
    if finding != MonitoringCheck.Finding.NOTHING and not note.strip():
        raise Refused("What was found, or why could it not be done?", expected="a sentence")
    check = MonitoringCheck(
        participant=person, facility_id=person.facility_id, look=found.rule.id, text=" ".join(found.rule.text.split()),
        offset_h=found.offset_h, finding=finding, note=note, done_at=done_at, recorded_at=at, recorded_by=by.user,
    )  # fmt: skip
    return writing.insert(check, action="recorded a look of the monitoring", by=by, at=at)


@transaction.atomic
def strike_check(*, check: MonitoringCheck, version: int, reason: str, by: Actor, at: datetime) -> MonitoringCheck:
    """Strike out a look that was recorded by mistake; it is due again.

    Raises
    ------
    Refused
        It is struck out already, or no reason.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.RECORD_TREATMENTS)
    held(check.participant, by)
    if check.struck_at is not None:
        raise Refused("It is struck out already.")
    return writing.change(
        check, action="struck out a look of the monitoring", by=by, at=at, reason=reason, version=version, struck_at=at
    )
