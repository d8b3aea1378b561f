"""Screening: the protocol's own criteria, evidence, decisions, overrides with signature, and what is still missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, code_now
from tests.clinic.participants.making import (
    ABSENT,
    PRESENT,
    TRIAL,
    answered,
    consented,
    eligible,
    madrs,
    measured,
    screened,
)

from upturn.protocol import load
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.assessments.actions import correct_rating, strike_rating
from upturn_clinic.assessments.models import Rating
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.queries import is_signed_as_it_stands
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Consent, ConsentDocument, CriterionDecision, Measure, Participant
from upturn_clinic.participants.screening import actions
from upturn_clinic.participants.screening.queries import HISTORY, criteria_of, obstacles, screening_of

pytestmark = pytest.mark.django_db

HARD = "psychosis-or-mania"
LogIn = Callable[[User], Client]


def state(person: Participant, criterion: str) -> str:
    standing = screening_of(person).standing(criterion)
    assert standing is not None
    return standing.state


def missing(person: Participant) -> str:
    person.refresh_from_db()
    return " ".join(obstacles(person, screening_of(person)))


def test_criteria_are_those_of_the_protocol_with_their_sources() -> None:
    protocol = load("six-infusions")
    criteria = {each.id: each for each in criteria_of(protocol)}
    gates = [gate for gate in protocol.gates if gate.at == "screening"]
    assert list(criteria) == [*(gate.id for gate in gates), HISTORY]
    for gate in gates:
        found = criteria[gate.id]
        assert (found.kind, found.status) == (gate.kind, gate.status)
        assert bool(found.citation) == bool(gate.citation)
    assert criteria[HISTORY].kind == "soft"


def test_all_that_is_missing_is_named(person: Participant, clinician: Actor, now: datetime) -> None:
    told = missing(person)
    for each in ("MADRS has not been measured", "weight has not been measured", "Consent has not been recorded"):
        assert each in told
    assert told.count("is not answered yet") == len(criteria_of(load("six-infusions")))
    with pytest.raises(Refused, match="not complete"):
        actions.conclude(participant=person, version=1, by=clinician, at=now)
    screened(person, clinician, now)
    assert missing(person) == "Consent has not been recorded."
    consented(person, clinician, now)
    assert missing(person) == ""


def test_a_hard_criterion_stops_and_only_a_signed_override_goes_on(
    person: Participant, clinician: Actor, colleague: User, now: datetime, actor_as: Callable[[Role], Actor]
) -> None:
    screened(person, clinician, now)
    result = answered(person, HARD, PRESENT, clinician, now, version=1, reason="told us later")
    assert state(person, HARD) == "stopped"
    assert "stops enrolment" in missing(person)
    with pytest.raises(Refused, match="not how this criterion"):
        actions.decide(result=result, version=2, reason="we go on all the same", by=clinician, at=now)
    given: dict[str, Any] = {"result": result, "version": 2, "reason": "in remission for ten years", "at": now}
    with pytest.raises(PermissionDenied):
        nurse = actor_as(Role.SESSION_NURSE)
        assert nurse.user is not None
        actions.override(**given, proof=Proof(nurse.user, now), by=nurse)
    for proof in (Proof(colleague, now - timedelta(hours=1)), Proof(actor_as(Role.RATER).user, now)):  # type: ignore[arg-type]
        with pytest.raises(Refused, match="your own password"):
            actions.override(**given, proof=proof, by=clinician)
    assert not CriterionDecision.objects.exists()
    decision = actions.override(**given, proof=Proof(colleague, now), by=clinician)
    assert state(person, HARD) == "decided"
    assert is_signed_as_it_stands(decision, actions.OVERRIDDEN)


def test_an_override_counts_for_the_answer_it_was_made_about(
    person: Participant, clinician: Actor, colleague: User, now: datetime
) -> None:
    result = answered(person, HARD, PRESENT, clinician, now)
    actions.override(
        result=result, version=1, reason="ten years ago, once", proof=Proof(colleague, now), by=clinician, at=now
    )
    answered(person, HARD, PRESENT, clinician, now, version=1, evidence="last month", reason="told us more")
    assert state(person, HARD) == "stopped"
    with pytest.raises(Conflict):
        actions.override(
            result=result, version=1, reason="ten years ago, once", proof=Proof(colleague, now), by=clinician, at=now
        )


def test_a_soft_criterion_needs_a_decision_with_its_reason(
    person: Participant, clinician: Actor, colleague: User, now: datetime
) -> None:
    result = answered(person, HISTORY, PRESENT, clinician, now)
    assert "a decision with its reason is missing" in missing(person)
    with pytest.raises(Refused, match="too short"):
        actions.decide(result=result, version=1, reason="ok", by=clinician, at=now)
    with pytest.raises(Refused, match="not how this criterion"):
        actions.override(
            result=result, version=1, reason="a reason in words", proof=Proof(colleague, now), by=clinician, at=now
        )
    decision = actions.decide(result=result, version=1, reason="one long trial and ECT", by=clinician, at=now)
    assert (state(person, HISTORY), decision.is_override, decision.decided_by) == ("decided", False, colleague)
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE participants_criteriondecision SET reason = 'x'")


@pytest.mark.parametrize(("madrs", "closes"), [(19, True), (20, False), (60, False), (0, True)])
def test_a_measured_limit_is_not_answered_against_the_measure(
    person: Participant, clinician: Actor, now: datetime, madrs: int, closes: bool
) -> None:
    with pytest.raises(Refused, match="measured limit"):
        answered(person, "severity", ABSENT, clinician, now)
    measured(person, "MADRS", Decimal(madrs), clinician, now)
    right, wrong = (PRESENT, ABSENT) if closes else (ABSENT, PRESENT)
    with pytest.raises(Refused, match="says otherwise"):
        answered(person, "severity", wrong, clinician, now)
    answered(person, "severity", right, clinician, now)
    assert state(person, "severity") == ("stopped" if closes else "clear")


def test_a_later_measure_takes_eligibility_back(person: Participant, clinician: Actor, now: datetime) -> None:
    person = eligible(person, clinician, now - timedelta(days=1))
    measured(person, "MADRS", Decimal(15), clinician, now)
    person.refresh_from_db()
    assert person.status == "screening"
    assert "speaks against it" in missing(person)
    low = Measure.objects.get(value=15)
    strike_rating(rating=low.rating, version=1, reason="another person's", by=clinician, at=now)
    assert missing(person) == ""
    assert Measure.objects.filter(instrument="MADRS").count() == 2


@pytest.mark.parametrize(("total", "status"), [(30, "eligible"), (15, "screening")])
def test_a_corrected_rating_is_weighed_once_when_it_is_whole(
    person: Participant, clinician: Actor, now: datetime, total: int, status: str
) -> None:
    """While the old one is struck out and the new one is not there yet, nothing is decided."""
    person = eligible(person, clinician, now - timedelta(days=1))
    rating = Rating.objects.get(participant=person, instrument="MADRS")
    correct_rating(
        rating=rating, version=rating.version, answers=madrs(total), rated_at=rating.rated_at, missing_because="",
        reason="misread the sheet", by=clinician, at=now,
    )  # fmt: skip
    person.refresh_from_db()
    assert person.status == status
    assert Entry.objects.filter(action="opened the screening again").count() == (status == "screening")


def test_treatment_trials_are_counted_as_the_assessor_judges_them(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    for change in ({}, {"is_adequate": False}, {"outcome": "response"}, {"outcome": "partial response"}):
        actions.record_trial(participant=person, values={**TRIAL, **change}, by=clinician, at=now)
    assert screening_of(person).failed_trials == 2
    assert screening_of(person).trials_wanted == 2
    answered(person, HISTORY, ABSENT, clinician, now)
    trial = screening_of(person).trials[0]
    changed = actions.change_trial(
        trial=trial, version=1, values={}, struck=True, reason="it was his brother's", by=clinician, at=now
    )
    assert changed.struck_at == now
    assert (screening_of(person).failed_trials, state(person, HISTORY)) == (1, "open")
    assert len(screening_of(person).trials) == 4
    with pytest.raises(Conflict):
        actions.change_trial(
            trial=trial, version=1, values={"dose": "1 g"}, struck=False, reason="no", by=clinician, at=now
        )


@pytest.mark.parametrize(
    ("instrument", "value"),
    [("YMRS", 61), ("YMRS", -1), ("YMRS", 20.5), ("weight", 8), ("weight", 805), ("height", 1.8), ("no such", 1)],
)
def test_a_value_the_instrument_cannot_give_is_refused(
    person: Participant, clinician: Actor, now: datetime, instrument: str, value: float
) -> None:
    with pytest.raises(Refused):
        measured(person, instrument, Decimal(str(value)), clinician, now)
    assert not Measure.objects.exists()


@pytest.mark.parametrize("scale", ["MADRS", "HAM-D17", "QIDS-SR16", "SSI", "PHQ-9", "C-SSRS"])
def test_a_scale_that_asks_about_suicide_is_never_a_bare_total(
    person: Participant, clinician: Actor, colleague: User, log_in: Callable[[User], Client], now: datetime, scale: str
) -> None:
    with pytest.raises(Refused, match="answer by answer"):
        actions.record_measure(
            participant=person, instrument=scale, value=Decimal(1), measured_at=now, recall_h=None, by=clinician, at=now
        )
    assert not Measure.objects.exists()
    page = log_in(colleague).get(reverse("record_measure", args=["main", person.pk])).content.decode()
    assert f'value="{scale}"' not in page
    assert f'href="{reverse("enter_rating", args=["main", person.pk])}"' in page


def test_the_value_of_a_rating_is_struck_out_with_the_rating(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    measured(person, "MADRS", Decimal(30), clinician, now)
    with pytest.raises(Refused, match="strike out the rating"):
        actions.strike_measure(measure=Measure.objects.get(), version=1, reason="mistyped", by=clinician, at=now)


def test_a_measure_keeps_unit_and_recall_and_is_not_from_the_future(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    measured(person, "YMRS", Decimal(30), clinician, now)
    measured(person, "weight", Decimal("70.5"), clinician, now)
    actions.record_measure(
        participant=person,
        instrument="YMRS",
        value=Decimal(28),
        measured_at=now,
        recall_h=Decimal(24),
        by=clinician,
        at=now,
    )
    found = {
        (each.instrument, float(each.value)): (each.unit, each.recall_h and float(each.recall_h))
        for each in Measure.objects.all()
    }
    assert found["YMRS", 30] == ("points", 48)
    assert found["YMRS", 28] == ("points", 24)
    assert found["weight", 70.5] == ("kg", None)
    with pytest.raises(Refused, match="future"):
        actions.record_measure(
            participant=person, instrument="weight", value=Decimal(70), measured_at=now + timedelta(minutes=1),
            recall_h=None, by=clinician, at=now,
        )  # fmt: skip


def test_consent_is_to_one_version_and_can_be_taken_back(person: Participant, clinician: Actor, now: datetime) -> None:
    first = ConsentDocument.objects.get()
    consented(person, clinician, now)
    consent = Consent.objects.get()
    assert consent.text_hash == first.text_hash
    with pytest.raises(Refused, match="recorded already"):
        consented(person, clinician, now)
    with pytest.raises(Refused, match="word for word"):
        actions.publish_consent_document(
            programme=first.programme, title=first.title, text="You can stop at any time.\r\n", by=clinician, at=now
        )
    second = actions.publish_consent_document(
        programme=first.programme, title=first.title, text="You can stop, and ask.", by=clinician, at=now
    )
    assert (second.number, second.text_hash != first.text_hash) == (2, True)
    assert "Consent is to version 1 of the document; version 2 is in use." in missing(person)
    with pytest.raises(Refused, match="newer version"):
        actions.record_consent(
            participant=person, document=first, given_at=now, has_capacity=True, by=clinician, at=now
        )
    consented(person, clinician, now + timedelta(minutes=1))
    assert "Consent" not in missing(person)
    newest = Consent.objects.get(document=second)
    actions.withdraw_consent(consent=newest, version=1, reason="changed her mind", by=clinician, at=now)
    assert "Consent was withdrawn." in missing(person)
    for crime in ("UPDATE participants_consentdocument SET text = 'x'", "DELETE FROM participants_consentdocument"):
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(crime)


def test_nobody_consents_without_capacity_or_in_the_future(
    person: Participant, clinician: Actor, now: datetime
) -> None:
    document = ConsentDocument.objects.get()
    for given_at, has_capacity in ((now, False), (now + timedelta(hours=1), True)):
        with pytest.raises(Refused):
            actions.record_consent(
                participant=person,
                document=document,
                given_at=given_at,
                has_capacity=has_capacity,
                by=clinician,
                at=now,
            )
    assert not Consent.objects.exists()


def test_the_second_assessor_is_told_and_nothing_is_overwritten(
    person: Participant, clinician: Actor, colleague: User, log_in: LogIn, now: datetime
) -> None:
    client, address = log_in(colleague), reverse("assess_criterion", args=["main", person.pk, HARD])
    opened = client.get(address).content.decode()
    assert 'name="version" value="0"' in opened
    answered(person, HARD, PRESENT, clinician, now, evidence="hears voices")
    sent = {"version": "0", "finding": ABSENT, "evidence": "well today", "source": "interview"}
    answer = client.post(address, sent)
    told = answer.content.decode()
    assert answer.status_code == 409
    assert "Nothing was overwritten" in told
    assert "Colleague assessed a criterion" in told
    assert "well today" in told
    standing = screening_of(person).standing(HARD)
    assert standing is not None
    assert standing.result is not None
    assert standing.result.evidence == "hears voices"


def test_an_override_on_screen_asks_for_password_and_code(
    person: Participant, clinician: Actor, colleague: User, log_in: LogIn, now: datetime
) -> None:
    answered(person, HARD, PRESENT, clinician, now)
    client, address = log_in(colleague), reverse("override_criterion", args=["main", person.pk, HARD])
    given = {"version": "1", "reason": "in remission for ten years", "password": PASSWORD, "code": code_now()}
    assert "Password or code is not right" in client.post(address, {**given, "password": "x"}).content.decode()
    assert not Signature.objects.filter(meaning=actions.OVERRIDDEN).exists()
    assert client.post(address, given).status_code == 302
    assert Signature.objects.get(meaning=actions.OVERRIDDEN).signer == colleague
    told = client.get(reverse("participant", args=["main", person.pk])).content.decode()
    assert "overridden" in told
    assert "in remission for ten years" in told
