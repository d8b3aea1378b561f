"""What is seen and said at the bedside, written down: readings, answers, signs, and what is decided at a gate.

Called by the door through which entries come (``entries``), which holds the session and has judged the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from upturn import protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import declare_ready
from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.entries.late import against_leaving
from upturn_clinic.floor.entries.shapes import Entry, stamp_of
from upturn_clinic.floor.entries.striking.actions import strike
from upturn_clinic.floor.gates import Standing, house_standings, standings_of
from upturn_clinic.floor.measures import check
from upturn_clinic.floor.models import Answer, Entered, GateDecision, Reading, Session, Sign
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.screening.actions import record_measure
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety.actions import raise_concern

__all__ = ["note_answer", "note_decision", "note_reading", "note_sign"]

LONGEST_ROLE = 60
LATE = "Something seen in a session arrived here only after the person had left, and speaks against having left."
DECISION = GateDecision.Decision


def note_reading(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    """Write down a value of the flowsheet.

    Returns
    -------
    What whoever entered it must know, such as that somebody else filled this cell too.

    Raises
    ------
    Refused
        A value or a time that cannot be, or what it should replace is not there.
    """
    by.must(Permission.RECORD_SESSION)
    given = entry.values
    instrument, value = given["instrument"], given["value"]
    unit = check(instrument, value)
    nominal, row = given["nominal_min"], given["row"]
    if (nominal is None) == (row is None):
        raise Refused("A reading stands at one of the protocol's times or in a row of its own.")
    asked = queries.asked_in(session)
    if nominal is not None and nominal not in {minute for minute, _ in asked.timepoints}:
        raise Refused("The protocol has no such time.", came=f"{nominal} min", remedy="add a row for it")
    if given["replaces"] is not None:
        strike(session=session, key=given["replaces"], reason=given["reason"], kind=Reading, by=by, at=at)
    others = [
        each for each in session.readings.all()
        if each.counts and each.pk != given["replaces"] and each.instrument == instrument
        and each.nominal_min == nominal and each.row == row
    ]  # fmt: skip
    reading = Reading(
        **stamp_of(session, entry, by, at), instrument=instrument, value=value, unit=unit, nominal_min=nominal, row=row
    )
    asked_about = "asked about, and said to be right" if given["is_sure"] else ""
    writing.insert(reading, action="entered a reading", by=by, at=at, reason=asked_about)
    if instrument == "weight":
        _keep_weight(session, reading, by, at)
    _raise_concerns(session, reading, by, at)
    zone = session.facility.zone
    told = [
        f"{_name(each)} entered {each.reading} in this place at {each.at.astimezone(zone):%H:%M}. "
        "Both stay; strike one out."
        for each in others if each.value != value
    ]  # fmt: skip
    return " ".join(filter(None, (*told, _other_row(session, asked, reading), _tell_late(session, reading, by, at))))


def _other_row(session: Session, asked: Asked, reading: Reading) -> str:
    """Say that a value stands in the row of a later time: that row would not be asked for any more."""
    nominal = reading.nominal_min
    if nominal is None or nominal <= 0:
        return ""
    if session.began_at is None:
        return f"This row stands for {nominal:+d} min; the dose has not begun."
    minute = minutes_between(session.began_at, reading.at)
    nearest = min((each for each, _ in asked.timepoints), key=lambda each: (abs(each - minute), each != nominal))
    if minute >= nominal or nearest == nominal:
        return ""
    return f"This row stands for {nominal:+d} min; it was read at {minute:+.0f} min, nearer to {nearest:+d} min."


def _keep_weight(session: Session, reading: Reading, by: Actor, at: datetime) -> None:
    """Let doses by weight count with it: they read the participant's measures."""
    record_measure(
        participant=session.participant, instrument=reading.instrument, value=reading.value, measured_at=reading.at,
        recall_h=None, by=by, at=at,
    )  # fmt: skip


def _raise_concerns(session: Session, reading: Reading, by: Actor, at: datetime) -> None:
    safety = protocol_of(session.dose.protocol_version).safety
    if safety is None:
        return
    for rule in protocol.raised(safety, instrument=reading.instrument, total=float(reading.value), items={}):
        raise_concern(
            participant=session.participant, rule=rule, because=f"{reading} in the session",
            source=f"reading/{reading.pk}", by=by, at=at,
        )  # fmt: skip


def note_answer(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    """Write down an answer to a line of a checklist; the time-out makes the session ready.

    Raises
    ------
    Refused
        The line is not on that list, is not answered by hand, or the answer makes no sense for it.
    """
    by.must(Permission.RECORD_SESSION)
    given = entry.values
    standing = _standing_of(session, given["criterion"], entry.at)
    is_time_out = given["list"] == Answer.List.TIME_OUT
    if is_time_out != (given["criterion"] == "house/time-out"):
        raise Refused("This line is not on that list.", came=given["criterion"])
    if not standing.is_answered_by_hand:
        raise Refused("This is judged from readings and signs, not answered.", remedy="enter the reading or the sign")
    if given["answer"] == Answer.Said.NOT_APPLICABLE:
        _must_make_sense(standing, given["note"])
    if given["replaces"] is None and not is_time_out and _said_so(session, given, by):
        return None
    if given["replaces"] is not None:
        strike(session=session, key=given["replaces"], reason=given["reason"], kind=Answer, by=by, at=at)
    others = [
        each for each in session.answers.all()
        if each.counts and each.criterion == given["criterion"] and each.pk != given["replaces"]
    ]  # fmt: skip
    answer = Answer(
        **stamp_of(session, entry, by, at), list=given["list"], criterion=given["criterion"], text=standing.text,
        answer=given["answer"], note=given["note"],
    )  # fmt: skip
    writing.insert(answer, action="answered a line of the checklist", by=by, at=at)
    if is_time_out and answer.answer == Answer.Said.YES:
        declare_ready(session=queries.whole(session), ready_at=entry.at, by=by, at=at)
    zone = session.facility.zone
    return " ".join(
        f"{_name(each)} answered “{each.get_answer_display()}” at {each.at.astimezone(zone):%H:%M}. Both stay; strike "
        "one out." for each in others if each.answer != answer.answer
    )  # fmt: skip


def _said_so(session: Session, given: Mapping[str, Any], by: Actor) -> bool:
    """Tell whether the same person gave this answer already: a button that was pressed twice."""
    return any(
        each.counts and each.by_id == by.user_id
        and (each.criterion, each.answer, each.note) == (given["criterion"], given["answer"], given["note"])
        for each in session.answers.all()
    )  # fmt: skip


def _must_make_sense(standing: Standing, note: str) -> None:
    """Refuse "does not apply" where a line always applies, and without a word why."""
    if standing.always_applies:
        raise Refused("This line always applies.", expected="“that is so” or “not so”", came=standing.text)
    if not note:
        raise Refused("Say in a note why this line does not apply.", came=standing.text)


def note_sign(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    """Write down a sign that the protocol names, or that none was there.

    Raises
    ------
    Refused
        The protocol does not name it.
    """
    by.must(Permission.RECORD_SESSION)
    given = entry.values
    gate = next((each for each in queries.asked_in(session).gates if each.id == given["gate"]), None)
    if gate is None or (given["sign"] and given["sign"] not in gate.signs):
        raise Refused("The protocol does not name this sign.", came=given["sign"] or given["gate"])
    if given["is_present"] and not given["sign"]:
        raise Refused("Which sign is there?", expected=", ".join(gate.signs))
    seen = Sign(**stamp_of(session, entry, by, at), gate=gate.id, sign=given["sign"], is_present=given["is_present"])
    writing.insert(seen, action="entered a sign" if seen.is_present else "looked for signs", by=by, at=at)
    return _tell_late(session, seen, by, at)


def _tell_late(session: Session, entry: Reading | Sign, by: Actor, at: datetime) -> str:
    """Open a clinician's task where an entry that arrives after somebody left speaks against it; give it in words."""
    if session.left_at is None:
        return ""
    found = against_leaving(queries.whole(session), queries.asked_in(session), entry)
    if not found:
        return ""
    raise_concern(
        participant=session.participant, rule=None, because=" ".join(found), source=f"late/{entry.pk}",
        text=LATE, by=by, at=at,
    )  # fmt: skip
    return f"The person has left. A clinician has the task to look at this: {' '.join(found)}"


def note_decision(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    """Write down what was decided or done because a gate closed.

    Raises
    ------
    Refused
        The gate is not closed, or is hard and needs a signature.
    """
    by.must(Permission.RECORD_SESSION)
    given = entry.values
    asked = queries.asked_in(session)
    standing = _standing_of(session, given["gate"], entry.at)
    mine = {each.pk for name in queries.ENTRIES for each in getattr(session, name).all()}
    because_of = [str(each) for each in given["because_of"] if each in mine] or list(standing.because_of)
    if standing.verdict != "closed" and not because_of:
        raise Refused("This gate is not closed: there is nothing to decide.", came=standing.text)
    if given["decision"] == DECISION.GO_ON and standing.is_hard:
        raise Refused(
            f"This gate is hard: a reason alone is not enough. {standing.text}",
            remedy=f"a {' or a '.join(standing.may_override)} may override it with a signature"
            if standing.may_override else "the protocol lets nobody override it",
        )  # fmt: skip
    _must_be_so(session, asked, given["decision"], at=entry.at)
    words = f"{standing.text} ({asked.source_words(standing.citation)}; {standing.status})"
    decision = GateDecision(
        **stamp_of(session, entry, by, at), gate=standing.key, text=words, because_of=because_of,
        decision=given["decision"], reason=given["reason"], role=", ".join(sorted(by.roles))[:LONGEST_ROLE],
    )  # fmt: skip
    writing.insert(decision, action="decided at a gate", by=by, at=at, reason=given["reason"])
    return ""


def _must_be_so(session: Session, asked: Asked, decision: str, *, at: datetime) -> None:
    """Refuse to write down that a dose was paused or stopped, where it goes on by what was entered of it."""
    ended = session.dosed_until
    if decision == DECISION.STOPPED and (ended is None or ended > at):
        raise Refused(
            "The dose is not stopped yet, by what was entered of it.",
            remedy="stop it under Dose: that writes down when, and how much was given",
        )
    if decision == DECISION.PAUSED and queries.giving_in(session, asked, until=at).is_running:
        raise Refused(
            "The infusion still runs, by what was entered of it.",
            remedy="pause it under Dose: that writes down when, and how much was given",
        )


def _standing_of(session: Session, key: str, at: datetime) -> Standing:
    asked: Asked = queries.asked_in(session)
    everything = (*standings_of(session, asked, now=at), *house_standings(session, asked, "time-out"))
    found = next((each for each in everything if each.key == key), None)
    if found is None:
        raise Refused("The protocol has no such line, or it was not taken on here.", came=key)
    return found


def _name(entry: Entered) -> str:
    return entry.by.name if entry.by else "The system"
