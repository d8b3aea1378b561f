"""Everything that is entered while a session runs. Each entry is written once, whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, transaction

from upturn import protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import declare_ready
from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.dose.actions import act, fill
from upturn_clinic.floor.dose.ending.actions import hand_over, recompute
from upturn_clinic.floor.entries.shapes import ACTS, Entry, read_entry
from upturn_clinic.floor.entries.words import in_words
from upturn_clinic.floor.gates import Standing, house_standings, standings_of
from upturn_clinic.floor.holding import must_be_here
from upturn_clinic.floor.limits import AHEAD_OF_CLOCK, LONGEST_WAIT
from upturn_clinic.floor.measures import check
from upturn_clinic.floor.models import (
    Administration,
    Answer,
    EmergencyStep,
    Entered,
    Filling,
    GateDecision,
    Reading,
    Session,
    Sign,
)
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.forms_sent import sending
from upturn_clinic.ledger.queries import sent_before
from upturn_clinic.participants.models import Measure
from upturn_clinic.participants.screening.actions import record_measure, strike_measure
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety.actions import correct_event, end_event, raise_concern, record_event, strike_event
from upturn_clinic.safety.models import AdverseEvent

__all__ = ["Result", "enter"]

SAVED, KNOWN, REFUSED = "saved", "known already", "refused"
LONGEST_ROLE = 60
NOT_TAKEN = "This could not be saved: something went wrong here, and it was noted for who runs this clinic."
LOG = logging.getLogger(__name__)
DECISION = GateDecision.Decision


@dataclass(frozen=True)
class Result:
    """What became of one entry.

    Parameters
    ----------
    id
        The key it was sent with.
    state
        ``saved``, ``known already`` (it had been saved before) or ``refused``.
    words
        Why it was refused; or what the person must know: somebody else entered this cell too.
    """

    id: str
    state: str
    words: str = ""


def enter(*, session: Session, entries: Sequence[object], by: Actor, at: datetime) -> list[Result]:
    """Take in what a page sends, in its order. One that is refused keeps no other one back.

    Parameters
    ----------
    entries
        As the page sends them: see ``shapes``.

    Returns
    -------
    One result for each, in the same order. An entry that was sent before is known already and not written again.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_here(session.facility_id, by)
    return [_tell(session, each, by, at) for each in entries]


def _tell(session: Session, sent: object, by: Actor, at: datetime) -> Result:
    key = str(sent.get("id", "")) if isinstance(sent, Mapping) else ""
    try:
        return _enter(session, read_entry(sent), by, at)
    except Conflict as conflict:
        return Result(key, REFUSED, " ".join((conflict.fault, *conflict.changes)))
    except Refused as fault:
        return Result(key, REFUSED, in_words(fault))
    except PermissionDenied as fault:
        return Result(key, REFUSED, str(fault))
    except (OperationalError, InterfaceError):
        # The database is away or busy, the entry is not at fault: the page keeps it and sends it again.
        raise
    except Exception:
        # What this entry had written is undone with its savepoint (``_enter``); the others go on.
        LOG.exception("an entry of session %s could not be taken in", session.pk)
        return Result(key, REFUSED, f"{NOT_TAKEN} What to do: look at it, then enter it again.")


@transaction.atomic
def _enter(session: Session, entry: Entry, by: Actor, at: datetime) -> Result:
    found = queries.held(session)
    known = _known(found, entry)
    if known:
        return Result(str(entry.id), KNOWN)
    entry = _in_time(found, entry, at)
    if entry.kind in ACTS:
        return Result(str(entry.id), SAVED, act(session=found, entry=entry, by=by, at=at))
    words = _KINDS[entry.kind](found, entry, by, at)
    return Result(str(entry.id), KNOWN if words is None else SAVED, words or "")


def _known(session: Session, entry: Entry) -> bool:
    """Tell whether an entry was written before.

    Raises
    ------
    Refused
        Its key belongs to something else.
    """
    saved = queries.entry_of_any_kind(entry.id)
    if saved is None:
        return False
    if saved.session_id != session.pk or entry.kind not in _WRITTEN_AS[type(saved)]:
        raise Refused("This entry has the key of another one.", remedy="enter it again")
    return True


def _in_time(session: Session, entry: Entry, at: datetime) -> Entry:
    """Refuse a time that cannot be; a second or two ahead of the server's clock is now."""
    if entry.at > at + AHEAD_OF_CLOCK:
        raise Refused(
            "This time lies in the future.", expected="now or earlier", remedy="look at the time, then enter it again"
        )
    if entry.at < session.arrived_at:
        raise Refused("This time lies before the arrival.", remedy="look at the time, then enter it again")
    end = session.left_at or session.cancelled_at
    is_correction = entry.kind in ("strike", "on_plan") or entry.values.get("replaces") is not None
    if end is not None and entry.at > end and not is_correction and entry.kind != "effect_change":
        raise Refused("The session was over then.", remedy="write it in the participant's record")
    if end is not None and at > end + LONGEST_WAIT and not is_correction:
        raise Refused("The session is long over.", remedy="write it in the participant's record")
    return Entry(entry.id, entry.kind, min(entry.at, at), entry.device_at, entry.values)


def _stamp(session: Session, entry: Entry, by: Actor, at: datetime) -> dict[str, Any]:
    return {"pk": entry.id, "session": session, "at": entry.at, "device_at": entry.device_at, "noted_at": at,
            "by": by.user}  # fmt: skip


def _reading(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
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
        _strike(session, given["replaces"], given["reason"], Reading, by, at)
    others = [
        each for each in session.readings.all()
        if each.counts and each.pk != given["replaces"] and each.instrument == instrument
        and each.nominal_min == nominal and each.row == row
    ]  # fmt: skip
    reading = Reading(
        **_stamp(session, entry, by, at), instrument=instrument, value=value, unit=unit, nominal_min=nominal, row=row
    )
    writing.insert(reading, action="entered a reading", by=by, at=at)
    if instrument == "weight":
        _keep_weight(session, reading, by, at)
    _raise_concerns(session, reading, by, at)
    zone = session.facility.zone
    return " ".join(
        f"{_name(each)} entered {each.reading} here at {each.at.astimezone(zone):%H:%M}. Both stay; strike one out."
        for each in others if each.value != value
    )  # fmt: skip


def _keep_weight(session: Session, reading: Reading, by: Actor, at: datetime) -> None:
    """Let doses by weight count with it: they read the participant's measures."""
    record_measure(
        participant=session.participant, instrument=reading.instrument, value=reading.value, measured_at=reading.at,
        recall_h=None, by=by, at=at,
    )  # fmt: skip


def _forget_weight(session: Session, reading: Reading, reason: str, by: Actor, at: datetime) -> None:
    kept = Measure.objects.filter(
        participant=session.participant, instrument=reading.instrument, at=reading.at, value=reading.value,
        struck_at=None,
    ).first()  # fmt: skip
    if kept is not None:
        strike_measure(measure=kept, version=kept.version, reason=reason, by=by, at=at)


def _raise_concerns(session: Session, reading: Reading, by: Actor, at: datetime) -> None:
    safety = protocol_of(session.dose.protocol_version).safety
    if safety is None:
        return
    for rule in protocol.raised(safety, instrument=reading.instrument, total=float(reading.value), items={}):
        raise_concern(
            participant=session.participant, rule=rule, because=f"{reading} in the session",
            source=f"reading/{reading.pk}", by=by, at=at,
        )  # fmt: skip


def _answer(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    given = entry.values
    standing = _standing_of(session, given["criterion"], entry.at)
    is_time_out = given["list"] == Answer.List.TIME_OUT
    if is_time_out != (given["criterion"] == "house/time-out"):
        raise Refused("This line is not on that list.", came=given["criterion"])
    if not standing.is_answered_by_hand:
        raise Refused("This is judged from readings and signs, not answered.", remedy="enter the reading or the sign")
    if given["answer"] == Answer.Said.NOT_APPLICABLE:
        _must_make_sense(standing, given["note"])
    if given["replaces"] is not None:
        _strike(session, given["replaces"], given["reason"], Answer, by, at)
    others = [
        each for each in session.answers.all()
        if each.counts and each.criterion == given["criterion"] and each.pk != given["replaces"]
    ]  # fmt: skip
    answer = Answer(
        **_stamp(session, entry, by, at), list=given["list"], criterion=given["criterion"], text=standing.text,
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


def _must_make_sense(standing: Standing, note: str) -> None:
    """Refuse "not applicable" where a line always applies, and without a word why."""
    if standing.always_applies:
        raise Refused("This line always applies.", expected="yes or no", came=standing.text)
    if not note:
        raise Refused("Say in a note why this line does not apply.", came=standing.text)


def _sign(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    given = entry.values
    gate = next((each for each in queries.asked_in(session).gates if each.id == given["gate"]), None)
    if gate is None or (given["sign"] and given["sign"] not in gate.signs):
        raise Refused("The protocol does not name this sign.", came=given["sign"] or given["gate"])
    if given["is_present"] and not given["sign"]:
        raise Refused("Which sign is there?", expected=", ".join(gate.signs))
    seen = Sign(**_stamp(session, entry, by, at), gate=gate.id, sign=given["sign"], is_present=given["is_present"])
    writing.insert(seen, action="entered a sign" if seen.is_present else "looked for signs", by=by, at=at)
    return ""


def _decision(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
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
    words = f"{standing.text} ({asked.source_words(standing.citation)}; {standing.status})"
    decision = GateDecision(
        **_stamp(session, entry, by, at), gate=standing.key, text=words, because_of=because_of,
        decision=given["decision"], reason=given["reason"], role=", ".join(sorted(by.roles))[:LONGEST_ROLE],
    )  # fmt: skip
    writing.insert(decision, action="decided at a gate", by=by, at=at, reason=given["reason"])
    return ""


def _filling(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    return fill(session=session, entry=entry, by=by, at=at)


def _on_plan(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    return "" if hand_over(session=session, reason=entry.values["because"], by=by, at=at) else None


def _effect(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    known = AdverseEvent.objects.filter(pk=entry.id).exists()
    record_event(
        entry=entry.id, participant=session.participant, term=entry.values["term"], severity=entry.values["severity"],
        detail=entry.values["detail"], started_at=entry.at, source=f"session/{session.pk}", noted_at=entry.device_at,
        by=by, at=at,
    )  # fmt: skip
    return None if known else ""


def _effect_change(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    """Change a side effect once: the ledger's row bears the entry's key, so that one sent again changes nothing."""
    key = f"entry/{entry.id}"
    if sent_before(key) is not None:
        return None
    with sending(key):
        return _changed_effect(session, entry, by, at)


def _changed_effect(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    given = entry.values
    event = AdverseEvent.objects.filter(pk=given["event"], participant=session.participant).first()
    if event is None:
        raise Refused("This side effect is not known here.")
    if given["change"] == "ended":
        if event.ended_at == entry.at:
            return None
        end_event(event=event, version=event.version, ended_at=entry.at, by=by, at=at)
        return ""
    if given["change"] == "peak":
        values: dict[str, Any] = {"peak_at": entry.at}
    else:
        values = {"severity": given["severity"] or event.severity}
    if all(getattr(event, name) == value for name, value in values.items()):
        return None
    reason = given["reason"] or "as it went on in the session"
    correct_event(event=event, version=event.version, values=values, reason=reason, by=by, at=at)
    return ""


def _emergency(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    given = entry.values
    step = EmergencyStep(
        **_stamp(session, entry, by, at), step=given["step"], gate=given["gate"], signs=given["signs"],
        who=given["who"], note=given["note"],
    )  # fmt: skip
    writing.insert(step, action=f"emergency: {step}", by=by, at=at)
    if step.step == EmergencyStep.Step.OPENED:
        seen = ", ".join(step.signs) or step.note or "no sign was ticked"
        raise_concern(
            participant=session.participant, rule=None, because=f"Seen: {seen}.", source=f"emergency/{step.pk}",
            text="The emergency path was opened in a session.", by=by, at=at,
        )  # fmt: skip
    return ""


def _strike_entry(session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    key, reason = entry.values["of"], entry.values["reason"]
    event = AdverseEvent.objects.filter(pk=key, participant=session.participant).first()
    if event is not None:
        if not event.counts:
            return None
        strike_event(event=event, version=event.version, reason=reason, by=by, at=at)
        return ""
    return _strike(session, key, reason, None, by, at)


def _strike(
    session: Session, key: UUID, reason: str, kind: type[Entered] | None, by: Actor, at: datetime
) -> str | None:  # fmt: skip
    """Strike an entry out and say what followed; None where the same person did so before.

    Raises
    ------
    Refused
        There is no such entry, it has no reason, it may not be struck out, or somebody else struck it out first.
    """
    saved = queries.entry_of_any_kind(key)
    if saved is None or saved.session_id != session.pk or (kind is not None and not isinstance(saved, kind)):
        raise Refused("There is no such entry in this session.")
    if not reason.strip():
        raise Refused("A saved entry is struck out only with a reason.", remedy="write it in a few words")
    if saved.struck_at is not None:
        if saved.struck_by_id == by.user_id and kind is None:
            return None
        who = saved.struck_by.name if saved.struck_by else "The system"
        when = saved.struck_at.astimezone(session.facility.zone)
        raise Refused(
            f"{who} struck this out at {when:%H:%M} already: {saved.struck_because}",
            remedy="look at what stands there now",
        )
    if isinstance(saved, (GateDecision, EmergencyStep)):
        raise Refused("A decision and a step of the emergency path stay.", remedy="enter what was decided after it")
    writing.change(
        saved, action="struck out an entry", by=by, at=at, reason=reason, struck_at=at, struck_by_id=by.user_id,
        struck_because=reason,
    )  # fmt: skip
    if isinstance(saved, Reading) and saved.instrument == "weight":
        _forget_weight(session, saved, reason, by, at)
    if isinstance(saved, (Administration, Filling)) and session.began_at is not None:
        return recompute(session=session, reason=reason, by=by, at=at)
    return ""


def _standing_of(session: Session, key: str, at: datetime) -> Standing:
    asked: Asked = queries.asked_in(session)
    everything = (*standings_of(session, asked, now=at), *house_standings(session, asked, "time-out"))
    found = next((each for each in everything if each.key == key), None)
    if found is None:
        raise Refused("The protocol has no such line, or it was not taken on here.", came=key)
    return found


def _name(entry: Entered) -> str:
    return entry.by.name if entry.by else "The system"


_KINDS: Mapping[str, Callable[[Session, Entry, Actor, datetime], str | None]] = {
    "reading": _reading, "answer": _answer, "sign": _sign, "decision": _decision, "filling": _filling,
    "on_plan": _on_plan,
    "effect": _effect, "effect_change": _effect_change, "emergency": _emergency, "strike": _strike_entry,
}  # fmt: skip
_WRITTEN_AS: Mapping[type[Entered], frozenset[str]] = {
    Reading: frozenset({"reading"}), Answer: frozenset({"answer"}), Sign: frozenset({"sign"}),
    GateDecision: frozenset({"decision"}), Filling: frozenset({"filling"}), Administration: ACTS,
    EmergencyStep: frozenset({"emergency"}),
}  # fmt: skip
