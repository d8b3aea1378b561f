"""All that is written when somebody leaves: with every line met, by a signed decision, or against advice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.floor import queries
from upturn_clinic.floor.leaving.lines import Line, in_words, judged_at, lines_of, must_be_met, of_the_person, unmet
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.safety.actions import raise_concern

__all__ = [
    "AGAINST_ADVICE", "DECIDED", "READY", "Given", "answer", "declare_ready_to_leave", "leave", "leave_against_advice",
    "leave_by_decision", "must_let_go", "must_need_a_decision", "name_escort", "take_back_ready",
]  # fmt: skip

READY = "I have gone through the list; every line is met, and the participant leaves."
DECIDED = "I let the participant leave although not every line is met, for the reason written here, and answer for it."
AGAINST_ADVICE = "The participant leaves against advice. I have said what can happen and whom to call."
SAID = Answer.Said
FOLLOW_UP = "Somebody left against advice. Call them today: how are they, is somebody with them, do they not drive?"


@dataclass(frozen=True)
class Given:
    """What a person answered to one line, and a note."""

    answer: str
    note: str = ""


@transaction.atomic
def answer(
    *, session: Session, given: Mapping[str, Given], seen: Collection[str], by: Actor, at: datetime
) -> tuple[Answer, ...]:
    """Write down answers to lines that a person answers; what says the same as before is not written again.

    Parameters
    ----------
    given
        By the key of the line.
    seen
        The keys of the answers that were on screen. An answer that came in between is told, not passed over.

    Raises
    ------
    Refused
        Nobody can leave this session; a line is not there or is not answered by hand; somebody else answered it in the
        meantime; "not applicable" without a note, or where the house always asks.
    """
    by.must(Permission.RECORD_SESSION)
    found = _held(session, by)
    lines = {each.key: each for each in _lines(found, at)}
    rows = []
    for key, each in given.items():
        line = lines.get(key)
        if line is None or line.kind != "answered":
            raise Refused("There is no such line to answer.", came=key, remedy="open the page again")
        if line.answer and (line.answer.answer, line.answer.note) == (each.answer, each.note.strip()):
            continue
        _must_be_news(line, seen)
        _must_make_sense(line, each)
        rows.append(
            Answer(session=found, list=Answer.List.LEAVING, criterion=key, text=line.text, answer=each.answer,
                   note=each.note.strip(), at=at, noted_at=at, by=by.user)
        )  # fmt: skip
    return tuple(writing.insert_many(rows, action="answered before leaving", by=by, at=at))


@transaction.atomic
def name_escort(*, session: Session, version: int, escort: str, escort_phone: str, by: Actor, at: datetime) -> Session:
    """Write down who takes the person home.

    Raises
    ------
    Refused
        The session is over.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = _held(session, by)
    return writing.change(
        found, action="named the escort", by=by, at=at, reason="named before leaving", version=version,
        escort=escort.strip(), escort_phone=escort_phone.strip(),
    )  # fmt: skip


@transaction.atomic
def declare_ready_to_leave(*, session: Session, version: int, by: Actor, at: datetime) -> Session:
    """Say that somebody is well enough to leave: every line about them is met. The way home is asked at the door.

    Raises
    ------
    Refused
        The dose has not ended, a line is not met, or it was said already.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = _dosed(session, by)
    if found.may_leave_at is not None:
        raise Refused("This was said already.", came=f"at {found.may_leave_at.astimezone(found.facility.zone):%H:%M}")
    must_be_met(of_the_person(_lines(found, at)))
    return writing.change(
        found, action="was ready to leave", by=by, at=at, reason="every line about the person is met", version=version,
        may_leave_at=at,
    )  # fmt: skip


@transaction.atomic
def take_back_ready(*, session: Session, version: int, reason: str, by: Actor, at: datetime) -> Session:
    """Say that somebody is not ready to leave after all.

    Raises
    ------
    Refused
        Nobody had said so, or no reason.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = _dosed(session, by)
    if found.may_leave_at is None:
        raise Refused("Nobody has said that this person is ready to leave.")
    return writing.change(
        found, action="was not ready to leave after all", by=by, at=at, reason=reason, version=version,
        may_leave_at=None,
    )  # fmt: skip


@transaction.atomic
def leave(*, session: Session, version: int, left_at: datetime, proof: Proof, by: Actor, at: datetime) -> Session:
    """Let somebody leave by the list: every line is met now and was when they left, each with its time and who saw it.

    Raises
    ------
    Refused
        A line is not met, or was not at that time; nobody has said that the person is ready; the time is not possible;
        the proof does not hold.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = _dosed(session, by)
    left_at = must_let_go(session=found, left_at=left_at, by=by, at=at)
    left = writing.change(
        found, action="left", by=by, at=at, reason=READY, version=version, left_at=left_at, left_how=Session.Left.READY
    )
    sign(thing=left, meaning=READY, permission=Permission.RECORD_SESSION, proof=proof, by=by, at=at)
    return left


@transaction.atomic
def leave_by_decision(
    *, session: Session, version: int, left_at: datetime, reason: str, proof: Proof, by: Actor, at: datetime
) -> Session:
    """Let somebody leave although not every line is met, or was then: a clinician's decision, with a reason, signed.

    Raises
    ------
    Refused
        Every line is met, and was when the person left, so that there is nothing to decide; no reason; the time is not
        possible; the proof does not hold.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.DECIDE_LEAVING)
    found = _dosed(session, by)
    left_at, open_ones = must_need_a_decision(session=found, left_at=left_at, by=by, at=at)
    left = writing.change(
        found, action="left by a decision", by=by, at=at, reason=reason, version=version, left_at=left_at,
        left_how=Session.Left.DECISION, left_because=_with_lines(reason, open_ones),
    )  # fmt: skip
    sign(thing=left, meaning=DECIDED, permission=Permission.DECIDE_LEAVING, proof=proof, by=by, at=at)
    return left


@transaction.atomic
def leave_against_advice(
    *, session: Session, version: int, left_at: datetime, reason: str, proof: Proof, by: Actor, at: datetime
) -> Session:
    """Write down that somebody left although they were advised to stay. A clinician gets the task to call them.

    Parameters
    ----------
    reason
        What was said to the person, and what they answered.

    Raises
    ------
    Refused
        The dose still runs; no reason; the time is not possible; the proof does not hold.
    Conflict
        Somebody changed the session first.
    """
    by.must(Permission.RECORD_SESSION)
    found = _dosed(session, by)
    left_at = _possible(left_at, found, at, after=found.dosed_until)
    left = writing.change(
        found, action="left against advice", by=by, at=at, reason=reason, version=version, left_at=left_at,
        left_how=Session.Left.AGAINST_ADVICE, left_because=_with_lines(reason, unmet(_lines(found, at))),
    )  # fmt: skip
    sign(thing=left, meaning=AGAINST_ADVICE, permission=Permission.RECORD_SESSION, proof=proof, by=by, at=at)
    raise_concern(
        participant=found.participant, rule=None, because=left.left_because, source=f"session/{found.pk}/left",
        text=FOLLOW_UP, by=by, at=at,
    )  # fmt: skip
    return left


def must_let_go(*, session: Session, left_at: datetime, by: Actor, at: datetime) -> datetime:
    """Refuse a leaving by the list that the list does not allow, before anybody signs it; give the time as it is kept.

    Raises
    ------
    Refused
        A line is not met, or was not when the person left; nobody has said that they are ready; the time is not
        possible.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_met(_lines(session, at))
    if session.may_leave_at is None:
        raise Refused("Nobody has said that this person is ready to leave.", remedy="say so first: it is its own time")
    left_at = _possible(left_at, session, at, after=session.may_leave_at)
    early = unmet(_lines_then(session, left_at, at))
    if early:
        raise Refused(
            f"At {left_at.astimezone(session.facility.zone):%H:%M} a line was not met.", came=in_words(early),
            remedy="look at the time of leaving; a clinician can let the person leave by a signed decision",
        )  # fmt: skip
    return left_at


def must_need_a_decision(
    *, session: Session, left_at: datetime, by: Actor, at: datetime
) -> tuple[datetime, tuple[Line, ...]]:
    """Refuse a decision about nothing, before anybody signs it; give the time as it is kept, and the lines it is about.

    Raises
    ------
    Refused
        Every line is met, and was when the person left; the time is not possible.
    """
    by.must(Permission.DECIDE_LEAVING)
    left_at = _possible(left_at, session, at, after=session.dosed_until)
    open_ones = unmet(_lines(session, at)) or unmet(_lines_then(session, left_at, at))
    if not open_ones:
        raise Refused("Every line is met: there is nothing to decide.", remedy="let the person leave by the list")
    return left_at, open_ones


def _held(session: Session, by: Actor) -> Session:
    found = queries.held(session)
    if by.facility_id not in (None, found.facility_id):
        raise PermissionDenied("This session is at another facility.")
    if not found.is_open:
        raise Refused("This session is over.", remedy="open the floor to see who is here")
    return found


def _dosed(session: Session, by: Actor) -> Session:
    found = _held(session, by)
    if found.began_at is None:
        raise Refused("The dose has not begun.", remedy="give the session up on its page; the dose stays on the plan")
    if found.dosed_until is None:
        raise Refused("The dose still runs.", remedy="end or stop the dose first, on the session's page")
    return found


def _lines(found: Session, at: datetime) -> tuple[Line, ...]:
    return lines_of(found, queries.asked_in(found), now=at)


def _lines_then(found: Session, left_at: datetime, at: datetime) -> tuple[Line, ...]:
    """Say how the lines stood when somebody left."""
    return lines_of(found, queries.asked_in(found), now=judged_at(found, at, left_at=left_at), is_past=True)


def _must_be_news(line: Line, seen: Collection[str]) -> None:
    if line.answer is not None and str(line.answer.pk) not in seen:
        raise Refused(
            f"Somebody else answered in the meantime: {line.text}", came=f"{line.why[0]}, by {line.who}",
            remedy="read it, then answer again if yours still holds",
        )  # fmt: skip


def _must_make_sense(line: Line, given: Given) -> None:
    if given.answer not in SAID.values:
        raise Refused("This is no answer.", expected=", ".join(SAID.values), came=given.answer)
    if given.answer == SAID.NOT_APPLICABLE and line.always_applies:
        raise Refused("This line always applies.", expected="that it is so, or not so", came=line.text)
    if given.answer == SAID.NOT_APPLICABLE and not given.note.strip():
        raise Refused("Say in a note why this line does not apply.", came=line.text)


def _possible(left_at: datetime, found: Session, at: datetime, *, after: datetime | None) -> datetime:
    """Take a time of leaving, typed to the minute: who left this minute left now, or when they were ready."""
    if after is None or not after.replace(second=0, microsecond=0) <= left_at <= at:
        raise Refused(
            "This time of leaving is not possible.",
            expected="after the person was ready (or the dose had ended), and not in the future",
            came=f"{left_at.astimezone(found.facility.zone):%d %b %Y, %H:%M}",
        )  # fmt: skip
    return at if left_at == at.replace(second=0, microsecond=0) else max(left_at, after)


def _with_lines(reason: str, lines: Collection[Line]) -> str:
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write it in a few words, then sign again")
    said = "".join(f"\n{each.state.capitalize()}: {each.text}" for each in lines)
    return f"{reason.strip()}{said}"[:LONGEST_REASON]
