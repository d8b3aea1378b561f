"""Reading sessions, always of one facility, with all that was entered in as few questions as possible."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, QuerySet, Value

from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor.asked import Asked, asked_of
from upturn_clinic.floor.counting import filling_ml
from upturn_clinic.floor.due import Due, all_due_in
from upturn_clinic.floor.giving import Giving, giving_of, minutes_in_all
from upturn_clinic.floor.limits import OFF_PACE
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
from upturn_clinic.floor.phases import phase_of
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.programmes.queries import protocol_of, rules_in_force
from upturn_clinic.treatments.models import Dose

__all__ = [
    "ENTRIES", "all_due", "asked_in", "entry_of_any_kind", "filling_ml", "giving_in", "held", "next_due",
    "open_session", "pace_of", "phase_of", "sessions_at", "sessions_of", "whole",
]  # fmt: skip

# Every kind of entry, by the name under which a session holds it.
ENTRIES: dict[str, type[Entered]] = {
    "readings": Reading, "answers": Answer, "signs": Sign, "gatedecisions": GateDecision, "fillings": Filling,
    "administrations": Administration, "emergencysteps": EmergencyStep,
}  # fmt: skip


def sessions_at(facility: Facility) -> QuerySet[Session]:
    """All sessions of a facility, without what was entered."""
    return Session.objects.filter(facility=facility)


def sessions_of(participant: Participant) -> QuerySet[Session]:
    """All sessions of one person, the newest first, without what was entered."""
    return Session.objects.filter(participant=participant).select_related("dose").order_by("-arrived_at")


def whole(session: Session) -> Session:
    """Read a session anew, with everything that was entered: eight questions."""
    entries = (
        Prefetch(name, queryset=model._default_manager.select_related("by", "struck_by"))
        for name, model in ENTRIES.items()
    )
    found = (
        Session.objects.filter(pk=session.pk)
        .select_related(
            "facility", "participant__programme", "participant__protocol_version", "participant__allocation",
            "dose__protocol_version", "dose__plan",
        )
        .prefetch_related(*entries)
        .get()
    )  # fmt: skip
    # The same rows again: to join them once more is what a database thinks longest about.
    participant, plan = found.participant, found.dose.plan
    if plan.participant_id == participant.pk:
        plan.participant = participant
    for each in (participant, plan):
        if each.facility_id == found.facility_id:
            each.facility = found.facility
    return found


def held(session: Session) -> Session:
    """Hold a session until the transaction ends, and read it whole: of two who enter at once, the second one waits."""
    Session.objects.select_for_update(of=("self",)).get(pk=session.pk)
    return whole(session)


def open_session(dose: Dose) -> Session | None:
    """Find the session of a dose that was not given up."""
    return Session.objects.filter(dose=dose, cancelled_at=None).first()


def asked_in(session: Session) -> Asked:
    """Gather what the protocol asks in this session, as far as the site has taken it on."""
    version = session.dose.protocol_version
    return asked_of(
        protocol_of(version), dose=session.dose.dose, arm=arm_of(session.participant),
        in_force=rules_in_force(version),
    )  # fmt: skip


def giving_in(session: Session, asked: Asked, *, until: datetime) -> Giving:
    """Say how the giving stands."""
    return giving_of(
        asked.manner, list(session.administrations.all()), filling_ml=filling_ml(session), until=until,
        has_ended=session.dosed_until is not None,
    )  # fmt: skip


def pace_of(session: Session, asked: Asked, state: Giving) -> str:
    """Say that an infusion will take another time than the protocol's; empty where it will not, or nothing runs."""
    planned = asked.manner.over_min
    in_all = minutes_in_all(state, filling_ml=filling_ml(session))
    if in_all is None or not planned or abs(in_all - planned) <= OFF_PACE * planned:
        return ""
    return f"At this rate all of it has run in after {in_all:.0f} min; the protocol says {planned:g} min."


def all_due(session: Session, now: datetime) -> tuple[Due, ...]:
    """List what is due in a session, the soonest first. One that was read whole asks nothing more of the database."""
    return all_due_in(session, asked_in(session), now=now)


def next_due(session: Session, now: datetime) -> Due | None:
    """Find what is due next."""
    return next(iter(all_due(session, now)), None)


def entry_of_any_kind(key: UUID) -> Entered | None:
    """Find an entry by the key that a browser gave it: one question where there is none, as nearly always."""
    first, *others = (
        model._default_manager.filter(pk=key).order_by().values_list(Value(name), flat=True)
        for name, model in ENTRIES.items()
    )
    for name in first.union(*others, all=True):
        return ENTRIES[name]._default_manager.select_related("by", "session").get(pk=key)
    return None
