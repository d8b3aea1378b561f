"""Before somebody signs that a person leaves: what is missing is said, and no password is asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor import queries
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
LogIn = Callable[[User], Client]


@pytest.fixture
def client(session: Session, nurse: Actor, log_in: LogIn, clock: Clock) -> Client:
    """The nurse's browser, a minute after the infusion."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    clock.stand_at(end + MINUTE)
    assert nurse.user is not None
    return log_in(nurse.user)


def test_with_a_line_missing_the_page_asks_for_no_signature(session: Session, client: Client) -> None:
    page = client.get(reverse("leave", args=["main", session.pk])).content.decode()
    assert "lines are not met or missing, so nobody signs yet" in page
    assert reverse("leaving", args=["main", session.pk]) in page
    assert 'type="password"' not in page
    # Against advice somebody leaves whatever is missing.
    advice = client.get(reverse("leave_against_advice", args=["main", session.pk])).content.decode()
    assert 'type="password"' in advice


def test_who_takes_the_person_home_is_not_said_to_be_optional(session: Session, client: Client) -> None:
    page = client.get(reverse("leaving", args=["main", session.pk])).content.decode()
    label = page.partition("Who takes them home")[2].partition("</label>")[0]
    assert "may stay empty" not in label
    phone = page.partition("Their telephone")[2].partition("</label>")[0]
    assert "may stay empty" in phone


def test_an_answer_that_waits_is_told_in_the_words_of_its_line(session: Session, nurse: Actor) -> None:
    shown = session_screen(queries.whole(session), nurse, now=READY)
    part = render_to_string("floor/parts/before.html", {**shown, "here": session.facility})
    assert 'data-says="No food in the last two hours' in part
    assert 'data-says="arrival/' not in part
