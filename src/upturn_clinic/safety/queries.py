"""Reading concerns and adverse events, always of one participant or one facility."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, When

from upturn.parameters import read
from upturn.protocol import Protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission, Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety.models import AdverseEvent, Concern

__all__ = [
    "RAISED_DUE", "DoseBefore", "Lists", "concern_from", "concerns_at", "concerns_of", "dose_before", "event_with",
    "events_at", "events_of", "is_for", "lists_at", "open_at", "open_of", "people_at", "raised_from", "serious_clock",
    "source_in_words", "unreported_at", "untaken_at",
]  # fmt: skip

# By when a concern is looked at that is raised by hand, unless another time is set.
RAISED_DUE = timedelta(hours=read("upturn_clinic", "safety").value("raised_due_h"))
_PEOPLE = ("participant__facility", "raised_by", "taken_by", "closed_by")


def people_at(facility: Facility) -> QuerySet[Participant]:
    """Everybody of a facility, with programme and version."""
    return Participant.objects.filter(facility=facility).select_related("programme", "protocol_version", "facility")


def concerns_at(facility: Facility) -> QuerySet[Concern]:
    """All concerns of a facility: what asks for somebody at once comes first, then by deadline."""
    return Concern.objects.filter(facility=facility).select_related(*_PEOPLE).order_by(_at_once(), "due_at")


def _at_once() -> Case:
    return Case(When(due_at__lte=F("raised_at"), then=0), default=1)


def concerns_of(participant: Participant) -> QuerySet[Concern]:
    """All concerns about somebody: open ones as ``concerns_at`` has them, then the newest closed ones."""
    found = Concern.objects.filter(participant=participant).select_related(*_PEOPLE)
    return found.order_by(F("closed_at").desc(nulls_first=True), _at_once(), "due_at")


def is_for(concern: Concern, reader: Actor) -> bool:
    """Tell whether somebody may take and close a concern: who has its role; a clinician may always step in."""
    if not reader.may(Permission.HANDLE_CONCERN):
        return False
    return reader.user is None or bool({concern.owner, Role.CLINICIAN} & reader.roles)


def raised_from(concern: Concern) -> tuple[str, UUID] | None:
    """Name the page of what raised a concern, and its key: a rating or a session; None for anything else."""
    kind, _, key = concern.source.partition("/")
    try:
        return (kind, UUID(key.partition("/")[0])) if kind in ("rating", "session") else None
    except ValueError:
        return None


def concern_from(participant: Participant, *, source: str, rule: str) -> Concern | None:
    """Find what an answer opened already."""
    return Concern.objects.filter(participant=participant, source=source, rule=rule).first()


def untaken_at(facility: Facility, now: datetime) -> QuerySet[Concern]:
    """Concerns that nobody took by their deadline: they stand at the top of the facility's page."""
    return concerns_at(facility).filter(closed_at=None, taken_at=None, due_at__lt=now)


def open_at(facility: Facility, now: datetime) -> list[tuple[Concern, bool]]:
    """List the open concerns of a facility below those that nobody took in time: each, and whether it is late."""
    found = concerns_at(facility).filter(closed_at=None)
    return [(each, each.is_late(now)) for each in found if not each.is_untaken(now)]


def open_of(participant: Participant, now: datetime) -> list[tuple[Concern, bool]]:
    """List the open concerns about somebody, late ones first: each, and whether it is late."""
    return [(each, each.is_late(now)) for each in concerns_of(participant).filter(closed_at=None)]


def unreported_at(facility: Facility, now: datetime) -> QuerySet[AdverseEvent]:
    """Serious events whose report is late: they stand at the top of the facility's page as well."""
    return events_at(facility).filter(struck_at=None, is_serious=True, reported_at=None, report_due_at__lt=now)


def events_at(facility: Facility) -> QuerySet[AdverseEvent]:
    """All adverse events of a facility, newest first; struck ones too."""
    return AdverseEvent.objects.filter(facility=facility).select_related("participant__facility", "judged_by")


def events_of(participant: Participant) -> QuerySet[AdverseEvent]:
    """All adverse events of somebody, newest first; struck ones too."""
    return AdverseEvent.objects.filter(participant=participant).select_related("judged_by", "recorded_by")


def event_with(entry: UUID) -> AdverseEvent | None:
    """Find an event by the key of who first wrote it."""
    return AdverseEvent.objects.filter(pk=entry).first()


def serious_clock(protocol: Protocol) -> timedelta | None:
    """How soon the protocol wants a serious event reported; None where it does not say."""
    serious = protocol.safety.serious if protocol.safety else None
    return timedelta(hours=serious.report_within_h) if serious else None


def source_in_words(participant: Participant, citation: str | None) -> str:
    """Write a source of somebody's protocol in words."""
    sources = protocol_of(participant.protocol_version).sources
    return next((" ".join(each.text.split()) for each in sources if each.id == citation), "")


@dataclass(frozen=True)
class DoseBefore:
    """A dose that had begun when an event began."""

    number: int
    began_at: datetime


def dose_before(event: AdverseEvent) -> DoseBefore | None:
    """Find the last dose that had begun before an event, also one that still runs; None where there was none."""
    # Doses and sessions stand in rooms above this one, which hang them on the participant.
    person, before = Participant.objects.filter(pk=event.participant_id), event.started_at
    given = person.filter(plan__doses__given_at__lte=before).order_by("-plan__doses__given_at")
    begun = person.filter(sessions__began_at__lte=before, sessions__cancelled_at=None).order_by("-sessions__began_at")
    found = (
        given.values_list("plan__doses__number", "plan__doses__given_at").first(),
        begun.values_list("sessions__dose__number", "sessions__began_at").first(),
    )
    known = (DoseBefore(number, at) for number, at in filter(None, found) if at is not None)
    return max(known, key=lambda each: each.began_at, default=None)


@dataclass(frozen=True)
class Lists:
    """What a facility's page of safety shows, the most urgent first."""

    untaken: tuple[Concern, ...]
    late: tuple[Concern, ...]
    open: tuple[Concern, ...]
    serious: tuple[AdverseEvent, ...]
    unjudged: QuerySet[AdverseEvent]


def lists_at(facility: Facility, now: datetime) -> Lists:
    """Gather what is open at a facility: three queries, however much there is."""
    concerns = list(concerns_at(facility).filter(closed_at=None))
    untaken = tuple(each for each in concerns if each.is_untaken(now))
    late = tuple(each for each in concerns if each.is_late(now) and not each.is_untaken(now))
    events = events_at(facility).filter(struck_at=None)
    clock_runs = Q(is_serious=True, reported_at=None)
    return Lists(
        untaken=untaken,
        late=late,
        open=tuple(each for each in concerns if not each.is_late(now)),
        serious=tuple(events.filter(clock_runs).order_by(F("report_due_at").asc(nulls_last=True))),
        unjudged=events.filter(judged_at=None),
    )
