"""What holds a dose back also keeps it from going on: the next device, a pause that ends, a higher rate."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import consent_of
from upturn_clinic.participants.screening.actions import withdraw_consent
from upturn_clinic.safety.actions import record_event
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
SECOND = FIRST + 5 * MINUTE


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


@pytest.fixture
def nasal(clinician: Actor, nurse: Actor) -> Session:
    """The first of two devices is used."""
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    return session


@pytest.fixture
def paused(session: Session, nurse: Actor) -> Session:
    """An infusion stands still after ten minutes."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    all_saved(said(session, nurse, at, sent("pause", at, because="dizzy")))
    return session


def taken_back(session: Session, by: Actor, at: datetime) -> None:
    consent = consent_of(session.participant)
    assert consent is not None
    withdraw_consent(consent=consent, version=consent.version, reason="does not want to", by=by, at=at)


def test_no_further_device_after_consent_was_withdrawn(nasal: Session, nurse: Actor, clinician: Actor) -> None:
    taken_back(nasal, clinician, FIRST + 3 * MINUTE)
    assert "Consent was withdrawn" in refused(said(nasal, nurse, SECOND, sent("device", SECOND)))
    all_saved(said(nasal, nurse, SECOND, sent("stop", SECOND, because="consent withdrawn")))
    assert Dose.objects.get(pk=nasal.dose_id).given_mg == 28


@pytest.mark.parametrize(("later", "is_taken"), [(timedelta(seconds=1), True), (timedelta(0), False)])
def test_a_device_used_before_consent_was_withdrawn_is_kept_although_it_arrives_later(
    nasal: Session, nurse: Actor, clinician: Actor, later: timedelta, *, is_taken: bool
) -> None:
    """The connection was cut from the second device on."""
    taken_back(nasal, clinician, SECOND + later)
    told = said(nasal, nurse, SECOND + 3 * MINUTE, sent("device", SECOND))
    assert (told[0].state == "saved") is is_taken
    assert Dose.objects.get(pk=nasal.dose_id).given_mg == (56 if is_taken else None)


def test_a_pause_does_not_end_after_consent_was_withdrawn(paused: Session, nurse: Actor, clinician: Actor) -> None:
    at = FIRST + 12 * MINUTE
    taken_back(paused, clinician, at)
    again = sent("resume", at + MINUTE, rate_ml_h="75")
    assert "Consent was withdrawn" in refused(said(paused, nurse, at + MINUTE, again))


def test_a_pause_does_not_end_for_somebody_who_takes_part_no_longer(paused: Session, nurse: Actor) -> None:
    Participant.objects.filter(pk=paused.participant_id).update(status=Participant.Status.WITHDRAWN)
    at = FIRST + 12 * MINUTE
    told = refused(said(paused, nurse, at, sent("resume", at, rate_ml_h="75")))
    assert "people who are enrolled" in told


def test_a_reason_to_stop_that_comes_up_meanwhile_holds_the_dose_back(paused: Session, nurse: Actor) -> None:
    at = FIRST + 12 * MINUTE
    record_event(
        entry=uuid4(), participant=paused.participant, term="psychosis", severity="severe", detail="",
        started_at=at, source=f"session/{paused.pk}", noted_at=at, by=nurse, at=at,
    )  # fmt: skip
    told = refused(said(paused, nurse, at + MINUTE, sent("resume", at + MINUTE, rate_ml_h="75")))
    assert "A reason to stop, by the protocol" in told
    all_saved(said(paused, nurse, at + MINUTE, sent("stop", at + MINUTE, because="psychosis")))


@pytest.mark.parametrize(("rate", "is_taken"), [("75.01", False), ("75", True), ("40", True)])
def test_behind_a_closed_gate_an_infusion_runs_no_faster(
    session: Session, nurse: Actor, rate: str, *, is_taken: bool
) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    all_saved(said(session, nurse, at, sent("reading", at, instrument="SpO2", value="70", nominal_min=10)))
    standings = standings_of(queries.whole(session), queries.asked_in(session), now=at)
    assert any(each.holds_back and each.stands == "during" for each in standings)
    told = said(session, nurse, at + MINUTE, sent("rate", at + MINUTE, rate_ml_h=rate))
    assert (told[0].state == "saved") is is_taken, told
    assert Administration.objects.filter(kind="rate").exists() is is_taken
