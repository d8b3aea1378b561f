"""An entry is struck out, with a reason; it stays in sight, and what followed from it is righted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import queries
from upturn_clinic.floor.dose.ending.actions import recompute
from upturn_clinic.floor.models import Administration, EmergencyStep, Entered, Filling, GateDecision, Reading, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Measure
from upturn_clinic.participants.screening.actions import strike_measure

__all__ = ["strike"]


def strike(
    *, session: Session, key: UUID, reason: str, kind: type[Entered] | None, by: Actor, at: datetime
) -> str | None:
    """Strike an entry out and say what followed; None where the same person did so before.

    Raises
    ------
    Refused
        There is no such entry, it has no reason, it may not be struck out, or somebody else struck it out first.
    """
    by.must(Permission.RECORD_SESSION)
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


def _forget_weight(session: Session, reading: Reading, reason: str, by: Actor, at: datetime) -> None:
    kept = Measure.objects.filter(
        participant=session.participant, instrument=reading.instrument, at=reading.at, value=reading.value,
        struck_at=None,
    ).first()  # fmt: skip
    if kept is not None:
        strike_measure(measure=kept, version=kept.version, reason=reason, by=by, at=at)
