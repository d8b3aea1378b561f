"""Slips of a hurried hand: a slipped decimal, a button pressed twice, a time that has not come yet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor import queries
from upturn_clinic.floor.emergency import emergency_screen
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
LogIn = Callable[[User], Client]


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


# Twice as fast as the protocol's 40 min, and twice as slow, are told; beyond that somebody is asked.
@pytest.mark.parametrize(
    ("rate", "is_refused"), [("150", False), ("151", True), ("750", True), ("37.5", False), ("37.4", True)]
)
def test_a_rate_far_from_the_protocol_needs_a_reason(
    session: Session, nurse: Actor, rate: str, *, is_refused: bool
) -> None:
    made_ready(session, nurse, READY)
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))
    told = said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h=rate))
    assert ("the protocol says 40 min" in refused(told)) is is_refused
    if is_refused:
        all_saved(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h=rate, because="the clinician says so")))


def test_so_does_a_new_rate(session: Session, nurse: Actor) -> None:
    """Of 50 ml at 75 ml/h half is left after 20 min: at 750 ml/h all is over after 22, at 70 after about 41."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    assert "the protocol says 40 min" in refused(said(session, nurse, at, sent("rate", at, rate_ml_h="750")))
    all_saved(said(session, nurse, at, sent("rate", at, rate_ml_h="70")))


def test_a_button_pressed_twice_is_one_answer(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    def yes() -> dict[str, object]:
        return sent("answer", READY, list="arrival", criterion="arrival/fasting", answer="yes")

    first, second = said(session, nurse, READY, yes(), yes())
    assert (first.state, second.state) == ("saved", "known already")
    # A colleague's answer is one of its own, and so is another one of the same person.
    assert said(session, other_nurse, READY, yes())[0].state == "saved"
    assert said(session, nurse, READY, {**yes(), "answer": "no"})[0].state == "saved"
    assert sorted(each.answer for each in Answer.objects.all()) == ["no", "yes", "yes"]


@pytest.mark.parametrize(("ahead", "is_taken"), [(0, True), (1, True), (2, False), (600, False)])
def test_an_arrival_in_the_future_is_not_turned_into_now(
    infusions: Plan, nurse: Actor, log_in: LogIn, clock: Clock, ahead: int, *, is_taken: bool
) -> None:
    clock.stand_at(ARRIVAL)
    assert nurse.user is not None
    dose = infusions.doses.get(number=1)
    address = reverse("arrive", args=["main", dose.pk])
    typed = f"{ARRIVAL + ahead * MINUTE:%Y-%m-%dT%H:%M}"
    answered = log_in(nurse.user).post(address, {"arrived_at": typed, "room": ""})
    assert (answered.status_code == 302) is is_taken, answered.content.decode()
    assert Session.objects.exists() is is_taken
    assert is_taken or "This time of arrival is not possible" in answered.content.decode()


def test_who_comes_to_help_reads_milligrams(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    shown = emergency_screen(queries.whole(session), nurse, now=FIRST + 20 * MINUTE)
    with timezone.override(session.facility.zone):
        page = render_to_string("floor/emergency_sheet.html", {**shown, "here": session.facility})
    # Half of 40.2 mg.
    assert "20.1 mg" in page


def test_closer_readings_of_two_gates_are_one_line(session: Session, nurse: Actor) -> None:
    """A pressure that closes two gates which ask for the same readings at the same time."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    all_saved(said(session, nurse, at, sent("reading", at, instrument="SBP", value="172", nominal_min=10)))
    found = [(each.at, each.what) for each in queries.all_due(queries.whole(session), at) if each.kind == "closer"]
    assert found
    assert len(found) == len(set(found))


def test_from_the_preparation_a_nurse_comes_back_to_the_session(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(ARRIVAL)
    assert nurse.user is not None
    page = log_in(nurse.user).get(reverse("preparation", args=["main", session.dose_id])).content.decode()
    assert f'href="{reverse("session", args=["main", session.pk])}"' in page


def test_a_category_is_read_without_the_word(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    assert str(session.readings.get(instrument="C-SSRS")) == "C-SSRS 0"
    assert str(session.readings.get(instrument="SBP")) == "SBP 122 mmHg"


def test_a_code_is_not_spent_on_a_leaving_with_a_line_missing(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    """What is missing is told before password and code are looked at: a code counts once."""
    assert nurse.user is not None
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    clock.stand_at(FIRST + 41 * MINUTE)
    typed = {"version": queries.whole(session).version, "left_at": f"{end + MINUTE:%Y-%m-%dT%H:%M}",
             "password": "not mine", "code": "000000"}  # fmt: skip
    page = log_in(nurse.user).post(reverse("leave", args=["main", session.pk]), typed).content.decode()
    assert "lines are not met" in page
    assert "code is not right" not in page
