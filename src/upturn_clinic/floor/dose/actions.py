"""The dose of a session: one act after the other, and the right one in the place of a wrong one.

What was given in the end, for the plan and the register, is worked out in ``dose.ending``.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.asked import Asked
from upturn_clinic.floor.counting import newest_filling
from upturn_clinic.floor.dose.allowed import must_be_allowed, must_fit
from upturn_clinic.floor.dose.ending.actions import recompute, write_dose
from upturn_clinic.floor.dose.kinds import MISSED
from upturn_clinic.floor.entries.shapes import Entry
from upturn_clinic.floor.entries.words import in_words
from upturn_clinic.floor.giving import is_early, percent_words
from upturn_clinic.floor.holding import (
    must_be_here,
    must_be_open,
)
from upturn_clinic.floor.models import Administration, Filling, Session, amount
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger import writing

__all__ = ["act", "add_missed", "correct", "fill"]

KIND = Administration.Kind
AS_IT_HAPPENED = "as it happened"
ALL = Decimal(100)


@transaction.atomic
def act(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str:
    """Write down one act of giving; the last one ends the dose and writes it to the plan and the register.

    An end is never refused for the sake of books: where the plan or the register does not take the dose, the end is
    kept all the same, and why is told.

    Returns
    -------
    What whoever entered it must know; empty when all is well.

    Raises
    ------
    Refused
        Not enrolled any more, consent withdrawn, not ready, not prepared and checked, a gate is closed, out of order,
        or a reason is missing.
    """
    by.must(Permission.RECORD_SESSION)
    if entry.values["replaces"] is not None:
        return correct(session=session, entry=entry, by=by, at=at)
    if entry.values["reason"]:
        return add_missed(session=session, entry=entry, by=by, at=at)
    found = must_be_open(session, by)
    asked = queries.asked_in(found)
    state = queries.giving_in(found, asked, until=entry.at)
    must_be_allowed(found, asked, state, entry, by, at)
    _write_act(found, asked, entry, by, at)
    return _follow(queries.whole(found), asked, entry, by, at)


@transaction.atomic
def add_missed(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str:
    """Write down, with a reason, an act that could not be entered in its time; what was given follows from it.

    It was done, so no gate is asked; and it is no way round one, because something was entered after it already.

    Returns
    -------
    What was given, now and before; empty while the dose goes on.

    Raises
    ------
    Refused
        Nothing was entered after it, it lies before the start, is start or end, or does not fit what is there.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_here(session.facility_id, by)
    found, kind, reason = queries.held(session), entry.kind, entry.values["reason"]
    asked = queries.asked_in(found)
    must_fit(asked, kind)
    if kind not in MISSED:
        raise Refused("Start, end and what is given at once are corrected, not added.", remedy="correct what is there")
    if found.began_at is None:
        raise Refused("The dose has not begun yet.")
    if entry.at < found.began_at:
        raise Refused("This lies before the dose began.", remedy="look at the time, or correct the start")
    acts = [each for each in found.administrations.all() if each.counts]
    if not any(each.at > entry.at for each in acts):
        raise Refused("It is not late: nothing was entered after it.", remedy="enter it as what is done now")
    state = queries.giving_in(found, asked, until=at)
    if kind == KIND.DEVICE and _share(entry) and state.devices >= len(asked.manner.devices_min):
        raise Refused("All devices of this dose were used.", came=f"{state.devices} devices")
    _write_act(found, asked, entry, by, at)
    return recompute(session=found, reason=reason, by=by, at=at)


@transaction.atomic
def fill(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str:
    """Write down what syringe or bag hold, before the dose begins.

    Raises
    ------
    Refused
        The dose has begun: then its volume is only corrected, with a reason.
    """
    by.must(Permission.RECORD_SESSION)
    if entry.values["replaces"] is not None:
        return correct(session=session, entry=entry, by=by, at=at)
    found = must_be_open(session, by)
    if found.began_at is not None:
        raise Refused("The infusion has begun: its volume is only corrected.", remedy="correct it, with a reason")
    other = newest_filling(found)
    _write_filling(found, entry, by, at)
    if other is None or other.ml == entry.values["ml"]:
        return ""
    who, when = other.by.name if other.by else "The system", other.at.astimezone(found.facility.zone)
    mine = amount(entry.values["ml"], "ml")
    is_newer = (entry.at, at) >= (other.at, other.noted_at)
    counts = f"Now {mine} counts." if is_newer else "That counts, because it is newer."
    return f"{who} entered {other} at {when:%H:%M}. {counts}"


@transaction.atomic
def correct(*, session: Session, entry: Entry, by: Actor, at: datetime) -> str:
    """Put the right volume or act in the place of a wrong one, with a reason; what was given follows from it.

    The wrong one stays, struck out. Plan and register are righted by the same reason.

    Returns
    -------
    What was given, now and before; empty while the dose goes on.

    Raises
    ------
    Refused
        There is no such entry, it is of another kind or struck out already, no reason, or what follows is no order of
        things.
    """
    by.must(Permission.RECORD_SESSION)
    must_be_here(session.facility_id, by)
    found, reason = queries.held(session), entry.values["reason"]
    wrong = queries.entry_of_any_kind(entry.values["replaces"])
    if not isinstance(wrong, Administration | Filling) or wrong.session_id != found.pk or not wrong.counts:
        raise Refused("What is corrected is not there any more.", remedy="look at what stands there now")
    if entry.kind != (wrong.kind if isinstance(wrong, Administration) else "filling"):
        raise Refused("An entry is replaced by one of the same kind.", expected=str(wrong), came=entry.kind)
    if not reason.strip():
        raise Refused("A saved entry is corrected only with a reason.", remedy="write it in a few words")
    if found.began_at == wrong.at and found.ready_at is not None and entry.at < found.ready_at:
        raise Refused("The dose cannot have begun before the time-out.", remedy="look at the time")
    writing.change(
        wrong, action="struck out an entry", by=by, at=at, reason=reason, struck_at=at, struck_by_id=by.user_id,
        struck_because=reason,
    )  # fmt: skip
    if entry.kind == "filling":
        _write_filling(found, entry, by, at)
    else:
        _write_act(found, queries.asked_in(found), entry, by, at)
    if found.began_at is None and entry.kind == "filling":
        return ""
    return recompute(session=found, reason=reason, by=by, at=at)


def _write_act(session: Session, asked: Asked, entry: Entry, by: Actor, at: datetime) -> None:
    done = Administration(
        pk=entry.id, session=session, at=entry.at, device_at=entry.device_at, noted_at=at, by=by.user, kind=entry.kind,
        rate_ml_h=entry.values.get("rate_ml_h"), percent=_share(entry), because=entry.values["because"],
        why=_why(asked, entry),
    )  # fmt: skip
    writing.insert(done, action=f"dose: {KIND(entry.kind).label}", by=by, at=at, reason=done.because)


def _write_filling(session: Session, entry: Entry, by: Actor, at: datetime) -> None:
    filling = Filling(
        pk=entry.id, session=session, at=entry.at, device_at=entry.device_at, noted_at=at, by=by.user,
        ml=entry.values["ml"],
    )  # fmt: skip
    writing.insert(filling, action="entered the volume", by=by, at=at)


def _why(asked: Asked, entry: Entry) -> str:
    """Read which of the protocol's reasons ended a dose early."""
    why = str(entry.values.get("why", ""))
    if why and why not in dict(asked.stop_reasons):
        raise Refused(
            "The protocol does not name this reason.", expected=", ".join(name for name, _ in asked.stop_reasons),
            came=why, remedy="choose one of its reasons, or write yours",
        )  # fmt: skip
    return why


def _share(entry: Entry) -> Decimal | None:
    if entry.kind not in (KIND.DEVICE, KIND.GIVEN):
        return None
    share: Decimal | None = entry.values.get("percent")
    if share is not None and share < ALL and not entry.values["because"]:
        raise Refused("Not all of it was given.", remedy="write why")
    return ALL if share is None else share


def _follow(session: Session, asked: Asked, entry: Entry, by: Actor, at: datetime) -> str:
    state = queries.giving_in(session, asked, until=entry.at)
    because = entry.values["because"]
    if state.began_at is None:
        # A device that gave nothing begins no dose.
        return ""
    if session.began_at is None:
        session = writing.change(
            session, action="began the dose", by=by, at=at, reason=because or AS_IT_HAPPENED, began_at=entry.at
        )
    if state.ended_at is None and entry.kind != KIND.STOP:
        return queries.pace_of(session, asked, state) if entry.kind in (KIND.START, KIND.RESUME, KIND.RATE) else ""
    ended_early = is_early(state)
    session = writing.change(
        session, action="ended the dose", by=by, at=at, reason=because or AS_IT_HAPPENED, dosed_until=entry.at,
        ended_early=ended_early,
    )  # fmt: skip
    told = ""
    if ended_early and not because and not entry.values.get("why"):
        told = (
            f"Only {percent_words(state)} of what was prepared was given, and no reason was written. "
            "Correct the end: write it there."
        )
    try:
        with transaction.atomic():
            write_dose(session=queries.whole(session), asked=asked, state=state, reason="", by=by, at=at)
    except (Refused, Conflict) as fault:
        words = in_words(fault) if isinstance(fault, Refused) else fault.fault
        return f"{told} The end is kept, but the plan or the register did not take the dose: {words}".strip()
    return told
