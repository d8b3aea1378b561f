"""The door through which all comes that is entered in a session: each entry is written once, whole or not at all.

What lives here: what was sent before, which times can be, and to whom each kind goes. What does not: the dose
(``dose``), what is seen and said (``seen``), striking out (``striking``).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError, transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.dose.actions import act, fill
from upturn_clinic.floor.dose.ending.actions import hand_over
from upturn_clinic.floor.entries.seen.actions import note_answer, note_decision, note_reading, note_sign
from upturn_clinic.floor.entries.shapes import ACTS, Entry, read_entry, stamp_of
from upturn_clinic.floor.entries.striking.actions import strike
from upturn_clinic.floor.entries.words import in_words
from upturn_clinic.floor.holding import must_be_here
from upturn_clinic.floor.limits import AHEAD_OF_CLOCK, LONGEST_WAIT
from upturn_clinic.floor.measures import check, must_be_likely
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
from upturn_clinic.safety.actions import correct_event, end_event, raise_concern, record_event, strike_event
from upturn_clinic.safety.models import AdverseEvent

__all__ = ["Result", "enter"]

SAVED, KNOWN, REFUSED = "saved", "known already", "refused"
NEVER, SURE = "never", "sure"
NOT_TAKEN = "This could not be saved: something went wrong here, and it was noted for who runs this clinic."
LOG = logging.getLogger(__name__)


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
    way
        Of one that was refused: ``never`` where it can never be taken, ``sure`` where it is taken once somebody says
        that it is so; empty where it can be sent again.
    """

    id: str
    state: str
    words: str = ""
    way: str = ""


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
    way = NEVER
    try:
        entry = read_entry(sent)
        if entry.kind == "reading":
            check(entry.values["instrument"], entry.values["value"])
            way = SURE
            if not entry.values["is_sure"]:
                must_be_likely(entry.values["instrument"], entry.values["value"])
        way = ""
        return _enter(session, entry, by, at)
    except Conflict as conflict:
        return Result(key, REFUSED, " ".join((conflict.fault, *conflict.changes)))
    except Refused as fault:
        return Result(key, REFUSED, in_words(fault), way)
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
    words = _KINDS[entry.kind](session=found, entry=entry, by=by, at=at)
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
    rights = entry.values.get("replaces") is not None or (entry.kind in ACTS and entry.values["reason"])
    # These two say what is put right now; all else says what was so then.
    is_of_now = entry.kind in ("strike", "on_plan")
    if end is not None and entry.at > end and not is_of_now and entry.kind != "effect_change":
        raise Refused("The session was over then.", remedy="write it in the participant's record")
    if end is not None and at > end + LONGEST_WAIT and not (rights or is_of_now):
        raise Refused("The session is long over.", remedy="write it in the participant's record")
    return Entry(entry.id, entry.kind, min(entry.at, at), entry.device_at, entry.values)


def _filling(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    return fill(session=session, entry=entry, by=by, at=at)


def _on_plan(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    return "" if hand_over(session=session, reason=entry.values["because"], by=by, at=at) else None


def _effect(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    known = AdverseEvent.objects.filter(pk=entry.id).exists()
    record_event(
        entry=entry.id, participant=session.participant, term=entry.values["term"], severity=entry.values["severity"],
        detail=entry.values["detail"], started_at=entry.at, source=f"session/{session.pk}", noted_at=entry.device_at,
        by=by, at=at,
    )  # fmt: skip
    return None if known else ""


def _effect_change(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
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


def _emergency(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    given = entry.values
    step = EmergencyStep(
        **stamp_of(session, entry, by, at), step=given["step"], gate=given["gate"], signs=given["signs"],
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


def _strike_entry(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str | None:
    key, reason = entry.values["of"], entry.values["reason"]
    event = AdverseEvent.objects.filter(pk=key, participant=session.participant).first()
    if event is not None:
        if not event.counts:
            return None
        strike_event(event=event, version=event.version, reason=reason, by=by, at=at)
        return ""
    return strike(session=session, key=key, reason=reason, kind=None, by=by, at=at)


_KINDS: Mapping[str, Callable[..., str | None]] = {
    "reading": note_reading, "answer": note_answer, "sign": note_sign, "decision": note_decision, "filling": _filling,
    "on_plan": _on_plan, "effect": _effect, "effect_change": _effect_change, "emergency": _emergency,
    "strike": _strike_entry,
}  # fmt: skip
_WRITTEN_AS: Mapping[type[Entered], frozenset[str]] = {
    Reading: frozenset({"reading"}), Answer: frozenset({"answer"}), Sign: frozenset({"sign"}),
    GateDecision: frozenset({"decision"}), Filling: frozenset({"filling"}), Administration: ACTS,
    EmergencyStep: frozenset({"emergency"}),
}  # fmt: skip
