"""What the pages of a preparation say while somebody draws, checks again and wastes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.conftest import Clock, LogIn
from tests.clinic.stock.conftest import FIRST, NOW, Receive, checked, drawn, proof, runs

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Session
from upturn_clinic.participants.answering import user_of
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.stock import actions, queries
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def text(client: Client, name: str, key: object) -> str:
    answer = client.get(reverse(name, args=["main", key]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_who_draws_is_told_what_is_missing_and_when_nothing_is(
    dose: Dose, receive: Receive, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(NOW)
    lot, client = receive(), log_in(user_of(nurse))
    assert "The whole dose from lot K-1: 40.3 mg = 4.03 ml." in text(client, "draw_dose", dose.pk)
    drawn(dose, lot, nurse, Decimal(20))
    part = text(client, "draw_dose", dose.pk)
    assert "What is missing from lot K-1: 20.3 mg = 2.03 ml." in part
    assert "drawn already" not in part
    drawn(dose, lot, nurse, Decimal("20.3"))
    whole = text(client, "draw_dose", dose.pk)
    assert "The whole dose is drawn already." in whole
    assert "missing from lot" not in whole
    again = client.post(reverse("draw_dose", args=["main", dose.pk]), {"lot": lot.pk, "amount": "5"})
    assert "or write why" in again.content.decode()


@pytest.mark.parametrize(("amount", "is_whole"), [("46.46", True), ("44.2", True), ("44.1", False)])
def test_what_the_register_takes_for_whole_asks_for_no_more(
    amount: str, is_whole: bool, dose: Dose, receive: Receive, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    """46.482 mg of the hydrochloride hold the dose of 40.3 mg; up to a twentieth more or less needs no reason."""
    clock.stand_at(NOW)
    drawn(dose, receive(basis="hydrochloride"), nurse, Decimal(amount))
    page = text(log_in(user_of(nurse)), "draw_dose", dose.pk)
    assert ("The whole dose is drawn already." in page) is is_whole
    assert ("What is missing from lot" in page) is not is_whole


@pytest.mark.parametrize("knows", [False, True])
def test_many_draws_are_shown_with_as_many_questions_as_one(
    knows: bool, masked_dose: Dose, receive: Receive, pharmacist: Actor, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    lot = receive(drug=arm_of(masked_dose.plan.participant), number="M-1", is_masked=True)
    clock.stand_at(NOW)
    client, asked = log_in(user_of(pharmacist if knows else nurse)), list[int]()
    drawn(masked_dose, lot, pharmacist, Decimal(1))
    text(client, "preparation", masked_dose.pk)
    for _ in range(2):
        with CaptureQueriesContext(connection) as questions:
            text(client, "preparation", masked_dose.pk)
        asked.append(len(questions))
        drawn(masked_dose, lot, pharmacist, Decimal(1))
    assert asked[0] == asked[1]


def test_who_checks_again_is_told_when_it_was_checked(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    draw = checked(drawn(dose, receive(), nurse), clinician, nurse)
    # What is spilt before the dose undoes the check; the page names the time all the same.
    at = NOW + MINUTE
    actions.waste(draw=draw, amount=Decimal(1), reason="spilt", witness=proof(clinician, at), by=nurse, at=at)
    clock.stand_at(at)
    page = text(log_in(user_of(nurse)), "check_draw", draw.pk)
    assert "23 Mar 2026, 08:30</time>. This check takes the place of that one." in page


def test_what_is_spilt_while_a_dose_runs_undoes_no_check_on_its_page(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    draw = checked(drawn(dose, receive(), nurse), clinician, nurse)
    runs(dose)
    at = FIRST + MINUTE
    actions.waste(draw=draw, amount=Decimal(1), reason="spilt", witness=proof(clinician, at), by=nurse, at=at)
    clock.stand_at(at)
    client = log_in(user_of(nurse))
    for name, key in (("preparation", dose.pk), ("waste_draw", draw.pk)):
        page = text(client, name, key)
        assert "Prepared by Thesessionnurse and checked by" in page, name
        assert "checked again" not in page, name


def test_a_check_of_a_dose_that_was_missed_has_no_end(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    checked(drawn(dose, receive(), nurse), clinician, nurse)
    clock.stand_at(NOW)
    client = log_in(user_of(nurse))
    assert "The dose begins by" in text(client, "preparation", dose.pk)
    Dose.objects.filter(pk=dose.pk).update(state="missed")
    assert "The dose begins by" not in text(client, "preparation", dose.pk)


def test_who_may_not_know_the_arm_is_offered_no_waste_while_the_dose_runs(
    masked_dose: Dose, receive: Receive, pharmacist: Actor, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    lot = receive(drug=arm_of(masked_dose.plan.participant), number="M-1", is_masked=True)
    draw = drawn(masked_dose, lot, pharmacist, Decimal(1))
    clock.stand_at(FIRST + MINUTE)
    waste = reverse("waste_draw", args=["main", draw.pk])
    client, knowing = log_in(user_of(nurse)), log_in(user_of(pharmacist))
    assert waste in text(client, "preparation", masked_dose.pk)
    session = runs(masked_dose)
    assert waste not in text(client, "preparation", masked_dose.pk)
    page = text(client, "waste_draw", draw.pk)
    assert "It is wasted when the dose has ended." in page
    assert 'id="stock"' not in page
    # Who may know writes how much it was.
    assert waste in text(knowing, "preparation", masked_dose.pk)
    assert 'name="amount"' in text(knowing, "waste_draw", draw.pk)
    Session.objects.filter(pk=session.pk).update(dosed_until=FIRST + MINUTE)
    assert queries.left_of(draw)
    assert waste in text(client, "preparation", masked_dose.pk)
