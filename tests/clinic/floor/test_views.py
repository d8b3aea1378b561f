"""The session's addresses: the page, its state, the one door for entries, and the forms about the whole session."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, Clock, code_now
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import baseline, begun, made_ready, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.models import Reading, Session

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LogIn = Callable[..., Client]


def send(client: Client, session: Session, *entries: dict[str, Any]) -> Any:
    address = reverse("enter", args=[session.facility.slug, session.pk])
    return client.post(address, json.dumps(entries), content_type="application/json")


def test_the_page_quotes_the_protocol_and_shows_no_form_to_who_may_only_look(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(ARRIVAL + MINUTE)
    answer = log_in(nurse.user).get(reverse("session", args=["main", session.pk]))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "No food in the last two hours" in page
    assert "not an alarm system" in page
    state = log_in(nurse.user).get(reverse("session_state", args=["main", session.pk])).json()
    assert [row["nominal"] for row in state["sheet"]["rows"]] == [-15, 10, 20, 30, 40, 60, 90, 120]
    assert set(state["parts"]) == {"against", "head", "now", "emergency", "before", "giving", "effects", "story"}


def test_entries_are_answered_one_by_one(session: Session, nurse: Actor, log_in: LogIn, clock: Clock) -> None:
    clock.stand_at(ARRIVAL + 5 * MINUTE)
    client = log_in(nurse.user)
    good = sent("reading", ARRIVAL + 4 * MINUTE, instrument="SBP", value="122", nominal_min=-15)
    bad = sent("reading", ARRIVAL + 4 * MINUTE, instrument="SpO2", value="198", nominal_min=-15)
    told = send(client, session, good, bad, good).json()
    assert [each["state"] for each in told["results"]] == ["saved", "refused", "known already"]
    assert "SpO2" in told["results"][1]["words"]
    again = send(client, session, good).json()
    assert again["results"][0]["state"] == "known already"
    assert Reading.objects.count() == 1


def test_the_state_asks_no_more_however_much_was_entered(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    clock.stand_at(FIRST + 60 * MINUTE)
    client = log_in(nurse.user)
    address = reverse("session_state", args=["main", session.pk])
    client.get(address)
    with CaptureQueriesContext(connection) as before:
        client.get(address)
    rows = [
        sent(
            "reading",
            FIRST + minute * MINUTE,
            instrument="HR",
            value=str(60 + minute),
            nominal_min=None,
            row=str(uuid4()),
        )
        for minute, key in ((minute, str(uuid4())) for minute in range(1, 41))
    ]
    assert {each["state"] for each in send(client, session, *rows).json()["results"]} == {"saved"}
    with CaptureQueriesContext(connection) as after:
        client.get(address)
    assert len(after) == len(before)


def test_an_override_is_signed_on_its_own_page(
    session: Session, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(FIRST)
    entries = [*baseline(session, FIRST, SBP="165", DBP="88")]
    assert {each["state"] for each in send(log_in(nurse.user), session, *entries).json()["results"]} == {"saved"}
    address = reverse("override_gate", args=["main", session.pk, "blood-pressure-hold"])
    page = log_in(nurse.user).get(reverse("session", args=["main", session.pk])).content.decode()
    assert address not in page
    assert "Only a clinician may go on" in page
    assert address in log_in(clinician.user).get(reverse("session", args=["main", session.pk])).content.decode()
    wrong = {"reason": "known and treated", "password": "not mine", "code": "000000"}
    assert "not right" in log_in(clinician.user).post(address, wrong).content.decode()
    right = {"reason": "known and treated", "password": PASSWORD, "code": code_now()}
    assert log_in(clinician.user).post(address, right).status_code == 302
    assert session.gatedecisions.get().decision == "override"


@pytest.mark.parametrize(
    ("sent_body", "status"),
    [(b"{", 400), (b"[" * 100_000, 400), (b'{"id": 1}', 400), (b"[" + b"1," * 300 + b"1]", 413), (b"[1, null]", 200)],
)
def test_what_is_no_list_of_entries(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock, sent_body: bytes, status: int
) -> None:
    clock.stand_at(FIRST)
    address = reverse("enter", args=["main", session.pk])
    answer = log_in(nurse.user).post(address, sent_body, content_type="application/json")
    assert answer.status_code == status
    if status == 200:
        assert {each["state"] for each in answer.json()["results"]} == {"refused"}


@pytest.mark.parametrize("role", [Role.RATER, Role.ANALYST, Role.COORDINATOR, Role.ADMINISTRATOR, Role.PHARMACIST])
def test_a_rater_and_others_reach_nothing_of_a_session(
    session: Session, role: Role, make_person: Callable[..., User], facility: Facility, log_in: LogIn
) -> None:
    client = log_in(make_person("Somebody", facility, role))
    for name in ("session", "session_state", "emergency_sheet"):
        assert client.get(reverse(name, args=["main", session.pk])).status_code == 403
    assert send(client, session).status_code == 403
    assert client.get(reverse("arrive", args=["main", session.dose_id])).status_code == 403
