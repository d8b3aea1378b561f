"""Reading participants, always of one facility; and who may know an arm. Screening has its own room."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.letters import log_in_name, pseudonym_of
from upturn_clinic.accounts.models import Facility, Invitation, PasswordLink, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.audit.queries import Line, lines
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import (
    Allocation,
    Consent,
    ConsentDocument,
    Identity,
    Measure,
    Participant,
    RandomisationList,
    Unblinding,
)
from upturn_clinic.participants.randomisation import Design, arm_at
from upturn_clinic.programmes.models import Programme

__all__ = [
    "age_on", "allocations_hold", "arm_of", "arm_shown", "consent_in_use", "consent_of", "consenting", "entries_about",
    "found", "held", "identity_of", "identity_shown", "is_anybody_enrolled", "is_masked", "latest_measure", "lead_only",
    "lines_about", "listed", "namesake", "participant_of", "participants_at", "present", "randomisation_of",
    "standing_consent", "to_be_asked_anew", "unblindings_of", "withdrawn_at",
]  # fmt: skip


# The consents of somebody in an outer query that were not withdrawn.
_STANDING = Consent.objects.filter(participant=OuterRef("pk"), withdrawn_at=None)


def participants_at(facility: Facility) -> QuerySet[Participant]:
    """Everybody who is screened or takes part at a facility, newest first, each with programme and version."""
    return Participant.objects.filter(facility=facility).select_related("programme", "protocol_version")


def found(people: QuerySet[Participant], *, text: str, status: str, programme: UUID | None, reader: Actor
          ) -> QuerySet[Participant]:  # fmt: skip
    """Narrow a list down. By name only for a reader who may know names: a hit would tell who somebody is.

    Parameters
    ----------
    text
        A part of the pseudonym, or of the name.
    status, programme
        Only these; empty for all.
    """
    if reader.may(Permission.SEE_IDENTITY):
        people = people.select_related("identity")
    if text.strip():
        wanted = Q(pseudonym__icontains=text.strip())
        if reader.may(Permission.SEE_IDENTITY):
            wanted |= Q(identity__full_name__icontains=text.strip())
        people = people.filter(wanted)
    if status:
        people = people.filter(status=status)
    return people.filter(programme=programme) if programme else people


def listed(people: QuerySet[Participant], reader: Actor) -> list[dict[str, Any]]:
    """Read what stands in a list and nothing else: no protocols, no rest of a record; names where they may be read."""
    columns = {
        "key": "pk", "pseudonym": "pseudonym", "status": "status", "programme": "programme__name",
        "version": "protocol_version__number", "since": "registered_at",
    }  # fmt: skip
    if reader.may(Permission.SEE_IDENTITY):
        columns["name"] = "identity__full_name"
    found = people.select_related(None).values_list(*columns.values())
    return [dict(zip(columns, row, strict=True)) for row in found]


def held(participant: Participant, by: Actor) -> Participant:
    """Read somebody again and hold the record: of two who decide about it at once, the second one waits.

    Raises
    ------
    PermissionDenied
        The participant is at another facility than who acts.
    """
    person = (
        Participant.objects.select_for_update(of=("self",))
        .select_related("programme", "protocol_version", "facility")
        .get(pk=participant.pk)
    )
    if by.facility_id not in (None, person.facility_id):
        raise PermissionDenied("This participant is at another facility.")
    return person


def present(participant: Participant, by: Actor) -> Participant:
    """Hold somebody who has not ended.

    Raises
    ------
    Refused
        The participant has completed or withdrawn.
    """
    person = held(participant, by)
    if person.has_ended:
        raise Refused(f"{person.pseudonym} is {person.status}: nothing more is recorded.")
    return person


def lead_only(programme: Programme, by: Actor) -> None:
    """Refuse who acts at a facility that does not lead the programme.

    Raises
    ------
    PermissionDenied
        The programme is led elsewhere.
    """
    if by.facility_id not in (None, programme.lead_id):
        raise PermissionDenied("This is set up at the facility that leads the programme.")


def identity_of(participant: Participant) -> Identity:
    """Find who a participant is. For readers who may know it (``Permission.SEE_IDENTITY``); the caller asks that."""
    return Identity.objects.get(participant=participant)


def identity_shown(participant: Participant, reader: Actor) -> Identity | None:
    """Say who a participant is to a reader who may know it; None to everybody else."""
    return identity_of(participant) if reader.may(Permission.SEE_IDENTITY) else None


def namesake(programme: Programme, *, full_name: str, date_of_birth: date) -> Participant | None:
    """Find somebody of the same name and date of birth who is in a programme now."""
    there = Identity.objects.filter(
        participant__programme=programme, full_name__iexact=full_name.strip(), date_of_birth=date_of_birth
    ).exclude(participant__status__in=[Participant.Status.COMPLETED, Participant.Status.WITHDRAWN])
    identity = there.select_related("participant").first()
    return identity.participant if identity else None


def age_on(day: date, *, born: date) -> int:
    """Count full years.

    Examples
    --------
    >>> age_on(date(2026, 2, 28), born=date(2000, 2, 29)), age_on(date(2026, 3, 1), born=date(2000, 2, 29))
    (25, 26)
    """
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def latest_measure(participant: Participant, instrument: str, *, until: datetime | None = None) -> Measure | None:
    """Find the newest value of an instrument that is not struck out; with a time, of those measured until then."""
    found = Measure.objects.filter(participant=participant, instrument=instrument, struck_at=None)
    return (found if until is None else found.filter(at__lte=until)).first()


def consent_in_use(programme: Programme) -> ConsentDocument | None:
    """Find the document that people consent to now: the newest one."""
    return ConsentDocument.objects.filter(programme=programme).order_by("-number").first()


def consent_of(participant: Participant) -> Consent | None:
    """Find the newest consent, withdrawn or not."""
    return Consent.objects.filter(participant=participant).select_related("document", "recorded_by").first()


def withdrawn_at(participants: Collection[UUID]) -> dict[UUID, datetime]:
    """Say when the newest consent of people was withdrawn, of those of whom it was: one question for all of them."""
    newest: dict[UUID, datetime | None] = {}
    found = Consent.objects.filter(participant__in=participants)
    for participant, when in found.values_list("participant", "withdrawn_at"):
        newest.setdefault(participant, when)
    return {participant: when for participant, when in newest.items() if when is not None}


def standing_consent(participant: Participant) -> Consent | None:
    """Find the consent that holds: the newest one, unless it was withdrawn. An older one does not take its place."""
    consent = consent_of(participant)
    return None if consent is None or consent.withdrawn_at is not None else consent


def is_anybody_enrolled(programme: Programme) -> bool:
    """Tell whether somebody was enrolled, anywhere: from then on arms are allocated as they were."""
    return Participant.objects.filter(programme=programme, enrolled_at__isnull=False).exists()


def consenting(facility: Facility, programme: Programme) -> QuerySet[Participant]:
    """Find who is in a programme here now and has consented to any version of its document."""
    ended = [Participant.Status.COMPLETED, Participant.Status.WITHDRAWN]
    here = participants_at(facility).filter(programme=programme).exclude(status__in=ended)
    return here.filter(Exists(_STANDING))


def to_be_asked_anew(facility: Facility, document: ConsentDocument) -> QuerySet[Participant]:
    """Find who is here, consented to an earlier version of a document, and not yet to this one."""
    return consenting(facility, document.programme).exclude(Exists(_STANDING.filter(document=document)))


def randomisation_of(programme: Programme) -> RandomisationList | None:
    """Find how a programme allocates; None where arms are chosen openly."""
    return RandomisationList.objects.filter(programme=programme).first()


def is_masked(participant: Participant) -> bool:
    """Tell whether the arm of this participant is to be known to nobody who rates or treats."""
    return Allocation.objects.filter(participant=participant, randomisation__is_masked=True).exists()


def arm_of(participant: Participant) -> str:
    """Give the arm, for computing only: never for a page (``arm_shown``). Empty before enrolment."""
    if participant.arm:
        return participant.arm
    # The accessor, not a query of its own: a list that was read with its allocations asks nothing more.
    allocation = getattr(participant, "allocation", None)
    return allocation.arm if allocation else ""


def arm_shown(participant: Participant, reader: Actor) -> str | None:
    """Give the arm to a reader who may know it; None to everybody else.

    An open arm is part of the clinical record. A masked one is known to who may know arms, and to whoever learnt it in
    an emergency; an opened emergency access is not enough.
    """
    if is_masked(participant):
        learnt = reader.user is not None and unblindings_of(participant).filter(person=reader.user).exists()
        return arm_of(participant) if learnt or reader.may(Permission.SEE_ARM) else None
    may = reader.may(Permission.SEE_CLINICAL_RECORD) or reader.may(Permission.SEE_ARM)
    return participant.arm if may else None


def participant_of(user: User) -> Participant | None:
    """Find the participant who logs in as this user; None for staff."""
    return Participant.objects.filter(pseudonym=pseudonym_of(user.email)).first()


def unblindings_of(participant: Participant) -> QuerySet[Unblinding]:
    """Who learnt a masked arm, and why."""
    return Unblinding.objects.filter(participant=participant).select_related("person")


def allocations_hold(randomisation: RandomisationList) -> bool:
    """Prove that each allocation is what seed and design give for its place, and that no place was left out."""
    design = Design(randomisation.shares, randomisation.block_sizes)
    given: dict[str, list[Allocation]] = {}
    for each in Allocation.objects.filter(randomisation=randomisation).order_by("place"):
        given.setdefault(each.stratum, []).append(each)
    return all(
        allocation.place == place
        and allocation.arm == arm_at(design, seed=randomisation.seed, stratum=stratum, place=place)
        for stratum, allocations in given.items()
        for place, allocation in enumerate(allocations, start=1)
    )


def entries_about(participant: Participant) -> QuerySet[Entry]:
    """Find all that was written about a participant, in whatever app, newest first.

    That is whatever points at them, and what belongs to that. A draw of a drug, which lies deeper, is left out: its own
    page knows who may see it.
    """
    about = Q(object_type=Participant._meta.label, object_id=str(participant.pk))
    for kind, path in _kinds_about_participants():
        keys = [str(key) for key in kind._default_manager.filter(**{path: participant}).values_list("pk", flat=True)]
        about |= Q(object_type=kind._meta.label, object_id__in=keys)
    name = log_in_name(participant.pseudonym)
    letters = Invitation.objects.filter(email=name).values_list("pk", flat=True)
    links = PasswordLink.objects.filter(user__email=name).values_list("pk", flat=True)
    about |= Q(object_type=Invitation._meta.label, object_id__in=[str(key) for key in letters])
    about |= Q(object_type=PasswordLink._meta.label, object_id__in=[str(key) for key in links])
    return Entry.objects.filter(about).select_related("by").order_by("-sequence")


def lines_about(entries: Iterable[Entry], reader: Actor) -> Sequence[Line]:
    """Show entries to a reader; values that the reader must not see are left out."""
    return [
        replace(line, changes=tuple(change for change in line.changes if not change.hidden))
        for line in lines(entries, reader)
    ]


@cache
def _kinds_about_participants() -> tuple[tuple[type[Model], str], ...]:
    """Find the models of all apps that point at a participant, or at such a model; and the path to the participant.

    The apps above this one are not named here: they are found by what their tables say.
    """
    direct = {model for model in apps.get_models() for field in model._meta.concrete_fields
              if field.name == "participant" and field.related_model is Participant}  # fmt: skip
    further = {
        model: f"{field.name}__participant"
        for model in apps.get_models()
        if model not in direct
        for field in model._meta.concrete_fields
        if field.related_model in direct
    }
    found = [(model, "participant") for model in direct] + list(further.items())
    return tuple(sorted(found, key=lambda each: each[0]._meta.label))
