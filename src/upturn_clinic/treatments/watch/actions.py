"""All that is written about reasons to stop and long-term monitoring."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import held
from upturn_clinic.treatments.models import MonitoringCheck, StopDecision
from upturn_clinic.treatments.queries import course_of
from upturn_clinic.treatments.watch.queries import look_at, reasons_of

__all__ = ["MEANINGS", "decide_stopping", "record_check", "strike_check"]

GO_ON, STOP = StopDecision.Decision.GO_ON, StopDecision.Decision.STOP
# What is signed says what was decided.
MEANINGS = {
    GO_ON: "This reason to stop is there. Doses go on all the same, for the reason written here, and I answer for it.",
    STOP: "This reason to stop is there. No dose is given for now, for the reason written here, and I answer for it.",
}


@transaction.atomic
def decide_stopping(
    *, participant: Participant, rule: str, decision: str, seen: str, reason: str, proof: Proof, by: Actor, at: datetime
) -> StopDecision:
    """Decide about one of the protocol's reasons to stop: it is there, or doses go on all the same; signed.

    While a reason is there no dose begins. To go on counts for what is there now: what comes later is decided anew.
    It can be taken back: the newest decision counts.

    Parameters
    ----------
    rule
        Its id in the protocol.
    seen
        What the page said was there, when it was decided to go on.

    Raises
    ------
    Refused
        The protocol has no such reason in force here; it is not there, or decided already; what is there has changed
        since; no reason; or the proof does not hold.
    """
    by.must(Permission.DECIDE_STOPPING)
    person = held(participant, by)
    course = course_of(person)
    found = next((each for each in reasons_of(course, now=at) if each.rule.id == rule), None) if course else None
    if found is None:
        raise Refused("No such reason to stop is in force for this person.", came=rule)
    if decision == GO_ON and not found.holds_back:
        raise Refused("This reason is not there: there is nothing to decide.", came=found.decided or found.seen)
    if decision == GO_ON and seen != found.seen:
        raise Refused("What is there has changed meanwhile.", came=found.seen, remedy="read it, then decide again")
    if decision == STOP and found.holds_back:
        raise Refused("This reason is there already.", came=found.decided or found.seen)
    if decision not in (GO_ON, STOP):
        raise Refused("This is no decision.", expected=", ".join(StopDecision.Decision.values), came=decision)
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write the reason, then sign again")
    made = StopDecision(
        participant=person, facility_id=person.facility_id, rule=rule, text=" ".join(found.rule.text.split()),
        decision=decision, seen=found.seen, reason=reason.strip(), decided_at=at, by=by.user,
    )  # fmt: skip
    writing.insert(made, action="decided about a reason to stop", by=by, at=at, reason=reason)
    sign(
        thing=made,
        meaning=MEANINGS[StopDecision.Decision(decision)],
        permission=Permission.DECIDE_STOPPING,
        proof=proof,
        by=by,
        at=at,
    )
    return made


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
