"""Participants at any stage, made through the real actions only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.participants import actions
from upturn_clinic.participants.models import CriterionResult, Participant
from upturn_clinic.participants.queries import consent_in_use
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.participants.screening.queries import criteria_of, measures_wanted
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of

PROTOCOL = "six-infusions"
ABSENT, PRESENT = CriterionResult.Finding.ABSENT, CriterionResult.Finding.PRESENT
VALUES = {"MADRS": Decimal(33), "weight": Decimal("80.5"), "SBP": Decimal(125), "DBP": Decimal(80)}
TRIAL: Mapping[str, Any] = {
    "drug": "sertraline", "dose": "150 mg a day", "duration_weeks": 8, "adherence": "good", "outcome": "no response",
    "in_current_episode": True, "is_adequate": True, "evidence": "letter of the general practitioner",
}  # fmt: skip


def clinician_of(user: User, facility: Facility) -> Actor:
    return Actor(user, facility, frozenset({Role.CLINICIAN}))


def document_of(protocol: str) -> str:
    return files("upturn.protocol").joinpath("shipped", f"{protocol}.yaml").read_text(encoding="utf-8")


def version_in_force(by: Actor, at: datetime, *, name: str = "Infusions", document: str = "") -> ProtocolVersion:
    """A programme with its first version in force and a consent document in use."""
    programme = programmes.create_programme(name=name, purpose="", by=by, at=at)
    draft = programmes.add_version(
        programme=programme, document=document or document_of(PROTOCOL), file="p.yaml", by=by, at=at
    )
    screening.publish_consent_document(
        programme=programme, title="What taking part means", text="You can stop at any time.", by=by, at=at
    )
    return signed(draft, by, at)


def signed(draft: ProtocolVersion, by: Actor, at: datetime) -> ProtocolVersion:
    assert by.user is not None
    return programmes.put_into_force(
        protocol_version=draft, version=draft.version, proof=Proof(by.user, at), by=by, at=at
    )


def registered(
    version: ProtocolVersion, by: Actor, at: datetime, *, name: str = "Ada Byron", born: date = date(1980, 2, 29)
) -> Participant:
    identity = {"full_name": name, "date_of_birth": born, "phone": "555 0101", "email": "ada@home.example"}
    return actions.register(protocol_version=version, identity=identity, sex="female", by=by, at=at)


def answered(
    person: Participant, criterion: str, finding: str, by: Actor, at: datetime, **more: Any
) -> CriterionResult:
    given = {"version": 0, "evidence": "asked and examined", "source": "interview", "reason": "", **more}
    return screening.assess(participant=person, criterion=criterion, finding=finding, by=by, at=at, **given)


def screened(person: Participant, by: Actor, at: datetime) -> Participant:
    """Everything recorded, every criterion answered with no."""
    protocol = protocol_of(person.protocol_version)
    for instrument in measures_wanted(protocol):
        measured(person, instrument, VALUES[instrument], by, at)
    for drug in ("sertraline", "venlafaxine"):
        screening.record_trial(participant=person, values={**TRIAL, "drug": drug}, by=by, at=at)
    for criterion in criteria_of(protocol):
        answered(person, criterion.id, ABSENT, by, at)
    return Participant.objects.get(pk=person.pk)


def measured(person: Participant, instrument: str, value: Decimal, by: Actor, at: datetime) -> None:
    """A value; what asks about suicide is rated answer by answer, here without anything alarming."""
    if instrument == "MADRS":
        record_rating(participant=person, instrument=instrument, answers=madrs(int(value)), rated_at=at, by=by, at=at)
        return
    screening.record_measure(
        participant=person, instrument=instrument, value=value, measured_at=at, recall_h=None, by=by, at=at
    )


def madrs(total: int) -> dict[str, int]:
    """Answers with this total; the item on suicide stays at 0 as long as the others can carry it."""
    rest, answers = total, {}
    for item in range(1, 11):
        answers[str(item)] = min(6, rest if item == 10 else -(-rest // (10 - item)))
        rest -= answers[str(item)]
    return answers


def consented(person: Participant, by: Actor, at: datetime) -> None:
    document = consent_in_use(person.programme)
    assert document is not None
    screening.record_consent(participant=person, document=document, given_at=at, has_capacity=True, by=by, at=at)


def eligible(person: Participant, by: Actor, at: datetime) -> Participant:
    person = screened(person, by, at)
    consented(person, by, at)
    return screening.conclude(participant=person, version=person.version, by=by, at=at)


def enrolled(
    person: Participant, by: Actor, at: datetime, *, arm: str = "ketamine", strata: Mapping[str, str] | None = None
) -> Participant:
    person = eligible(person, by, at)
    return actions.enrol(participant=person, version=person.version, arm=arm, strata=strata or {}, by=by, at=at)


__all__ = [
    "ABSENT", "PRESENT", "PROTOCOL", "TRIAL", "VALUES", "answered", "clinician_of", "consented", "document_of",
    "eligible", "enrolled", "madrs", "measured", "registered", "screened", "signed", "version_in_force",
]  # fmt: skip
