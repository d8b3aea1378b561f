"""The session as a whole: somebody arrives, is ready, or it is given up. Dose and entries have rooms of their own."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.floor import queries
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.holding import (
    must_be_enrolled,
    must_be_free,
    must_be_here,
    must_be_open,
    must_consent,
    must_not_be_stopped,
)
from upturn_clinic.floor.limits import EARLIEST_ARRIVAL
from upturn_clinic.floor.models import GateDecision, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of

__all__ = ["arrive", "declare_ready", "give_up", "move_room", "override_gate"]

OVERRIDDEN = "I go on although this gate is closed, for the reason written here, and answer for it."
LONGEST_ROLE = 60


@transaction.atomic
def arrive(*, dose: Dose, room: str, arrived_at: datetime, by: Actor, at: datetime, is_shared: bool = False) -> Session:
    """Open the session of a dose: the person is here.

    Parameters
    ----------
    is_shared
        Whether the room is shared with whoever is in it already.

    Raises
    ------
    Refused
        The dose is not planned any more, is taken at home, or has a session; another session of the same person is
        open; the person is not enrolled, or no consent holds; the room is not one of the facility's, or somebody is in
        it and nobody said that it is shared; the time is not possible.
    """
    by.must(Permission.RECORD_SESSION)
    person = Participant.objects.select_for_update(of=("self",)).get(pk=dose.plan.participant_id)
    must_be_here(dose.facility_id, by)
    must_be_enrolled(person)
    must_consent(person)
    if dose.is_home_course:
        raise Refused("This dose is taken at home: there is no session.", remedy="record it on the plan")
    if dose.state != Dose.State.PLANNED:
        raise Refused("Only a dose that is still planned has a session.", came=dose.state)
    if not at - EARLIEST_ARRIVAL <= arrived_at <= at:
        raise Refused(
            "This time of arrival is not possible.", expected="today, and not in the future",
            came=f"{arrived_at.astimezone(dose.facility.zone):%d %b %Y, %H:%M}",
        )  # fmt: skip
    open_one = Session.objects.filter(participant=person, left_at=None, cancelled_at=None).first()
    if open_one is not None:
        raise Refused("There is an open session of this person already.", remedy="go on with that one")
    _must_be_a_room(dose.facility, room, is_shared=is_shared)
    session = Session(dose=dose, participant=person, facility_id=dose.facility_id, room=room, arrived_at=arrived_at)
    return writing.insert(session, action="opened the session", by=by, at=at)


@transaction.atomic
def move_room(
    *, session: Session, version: int, room: str, by: Actor, at: datetime, is_shared: bool = False
) -> Session:
    """Go on in another room.

    Parameters
    ----------
    is_shared
        Whether the room is shared with whoever is in it already.

    Raises
    ------
    Refused
        The session is over, there is no such room, or somebody is in it and nobody said that it is shared.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = must_be_open(session, by)
    if room != found.room:
        _must_be_a_room(found.facility, room, is_shared=is_shared)
    return writing.change(
        found, action="moved the session", by=by, at=at, reason=f"to room {room}", version=version, room=room
    )


@transaction.atomic
def give_up(*, session: Session, version: int, reason: str, by: Actor, at: datetime) -> Session:
    """Give a session up before the dose has begun. The dose stays planned: it is moved or ended on the plan.

    Raises
    ------
    Refused
        The dose has begun, the session is over, or no reason.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = must_be_open(session, by)
    if found.began_at is not None:
        raise Refused("The dose has begun: the session is ended by leaving.", remedy="stop the dose")
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write the reason, then save again")
    return writing.change(
        found, action="gave up the session", by=by, at=at, reason=reason, version=version, cancelled_at=at,
        cancelled_because=reason,
    )  # fmt: skip


@transaction.atomic
def override_gate(*, session: Session, gate: str, reason: str, proof: Proof, by: Actor, at: datetime) -> GateDecision:
    """Go on although a hard gate is closed: only in a role that the protocol names, with a reason and a signature.

    Parameters
    ----------
    gate
        Its key, ``gates/<id>``.

    Raises
    ------
    Refused
        The gate is not closed or not hard; the protocol lets nobody, or another role, override it; no reason; or the
        proof does not hold.
    """
    by.must(Permission.RECORD_SESSION)
    found = must_be_open(session, by)
    asked = queries.asked_in(found)
    standing = next((each for each in standings_of(found, asked, now=at) if each.key == gate), None)
    if standing is None or standing.verdict != "closed":
        raise Refused("This gate is not closed.", remedy="look at the session again")
    if not standing.is_hard:
        raise Refused("This gate is soft: it is decided on the session's page, with a reason.")
    if not standing.may_override:
        raise Refused("The protocol lets nobody override this gate.", came=standing.text)
    if not set(standing.may_override) & {str(role) for role in by.roles}:
        raise Refused(
            "You may not override this gate.", expected=f"a {' or a '.join(standing.may_override)}",
            remedy="ask them to sign",
        )  # fmt: skip
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write the reason, then save again")
    decision = GateDecision(
        session=found, at=at, noted_at=at, by=by.user, gate=gate, text=standing.text,
        because_of=list(standing.because_of), decision=GateDecision.Decision.OVERRIDE, reason=reason, role=_role_of(by),
    )  # fmt: skip
    writing.insert(decision, action="overrode a gate", by=by, at=at, reason=reason)
    sign(thing=decision, meaning=OVERRIDDEN, permission=Permission.RECORD_SESSION, proof=proof, by=by, at=at)
    return decision


@transaction.atomic
def declare_ready(*, session: Session, ready_at: datetime, by: Actor, at: datetime) -> Session:
    """Say after the time-out that the dose may begin: everything before it is answered, and no gate holds it back.

    A time-out that has grown too old is done again, and counts from then.

    Raises
    ------
    Refused
        Something is open; it says what, in the protocol's words.
    """
    by.must(Permission.RECORD_SESSION)
    found = must_be_open(session, by)
    asked = queries.asked_in(found)
    if found.began_at is not None or (found.ready_at is not None and ready_at - found.ready_at <= asked.fresh.time_out):
        return found
    must_be_free(found, asked, at=ready_at)
    must_consent(found.participant)
    course = course_of(found.participant)
    if course is not None:
        must_not_be_stopped(course, at=ready_at)
    return writing.change(
        found, action="was ready for the dose", by=by, at=at, reason="after the time-out", ready_at=ready_at
    )


def _role_of(by: Actor) -> str:
    """Write the roles somebody acts in."""
    return ", ".join(sorted(str(role) for role in by.roles))[:LONGEST_ROLE]


def _must_be_a_room(facility: Facility, room: str, *, is_shared: bool) -> None:
    """Refuse a room that is not there, and one in which somebody is unless it is said to be shared."""
    known = facility.room_names
    if room and room not in known:
        names = ", ".join(known) or "rooms in the facility's settings"
        raise Refused("There is no such room here.", expected=names, came=room)
    if not room or is_shared:
        return
    inside = Session.objects.filter(facility=facility, room=room, left_at=None, cancelled_at=None)
    names = ", ".join(each.participant.pseudonym for each in inside.select_related("participant"))
    if names:
        raise Refused(
            "Somebody is in this room already.", came=names, remedy="choose another room, or tick that they share it"
        )
