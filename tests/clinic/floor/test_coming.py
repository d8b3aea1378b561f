"""The forms of arrival, another room and giving up: who it is, how far off the plan, who is where, what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import arrived

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.floor.actions import move_room
from upturn_clinic.floor.models import Session
from upturn_clinic.participants.queries import identity_of
from upturn_clinic.stock.models import Draw
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LogIn = Callable[[User], Client]


@pytest.fixture
def client(nurse: Actor, log_in: LogIn, clock: Clock) -> Client:
    clock.stand_at(ARRIVAL)
    assert nurse.user is not None
    return log_in(nurse.user)


@pytest.fixture
def rooms(facility: Facility, as_owner: Actor) -> Facility:
    return accounts.change_facility(
        facility=facility, version=facility.version, values={"rooms": "Garden\nQuiet"}, reason="two rooms",
        by=as_owner, at=BEFORE,
    )  # fmt: skip


@pytest.mark.parametrize(("minutes", "words"), [(-400, "in 6 h 40 min"), (-30, "in 30 min"), (20, "20 min ago")])
def test_at_the_arrival_stands_who_is_expected_and_how_far_the_plan_is(
    infusions: Plan, nurse: Actor, log_in: LogIn, clock: Clock, minutes: int, words: str
) -> None:
    clock.stand_at(FIRST + minutes * MINUTE)
    assert nurse.user is not None
    address = reverse("arrive", args=["main", infusions.doses.get(number=1).pk])
    page = log_in(nurse.user).get(address).content.decode()
    # Name and birth date are asked of the person, and compared with these.
    assert identity_of(infusions.participant).full_name in page
    assert "born 29 Feb 1980" in page
    assert f"({words})" in page


def test_rooms_are_offered_with_who_is_in_them(
    rooms: Facility, session: Session, nurse: Actor, infusions: Plan, client: Client
) -> None:
    name = session.participant.pseudonym
    move_room(session=session, version=session.version, room="Garden", by=nurse, at=ARRIVAL)
    page = client.get(reverse("arrive", args=["main", infusions.doses.get(number=2).pk])).content.decode()
    assert f">Garden ({name} is there)</option>" in page
    assert ">Quiet</option>" in page
    page = client.get(reverse("move_session", args=["main", session.pk])).content.decode()
    assert f'<option value="Garden" selected>Garden ({name} now)</option>' in page
    assert "(may stay empty)" not in page


def test_who_gives_a_session_up_is_told_what_is_drawn(session: Session, client: Client) -> None:
    address = reverse("give_up_session", args=["main", session.pk])
    page = client.get(address).content.decode()
    assert "40.2 mg = 4.02 ml of ketamine is drawn for this dose." in page
    assert reverse("preparation", args=["main", session.dose_id]) in page
    told = client.post(address, {"version": session.version, "reason": "feels ill"}, follow=True).content.decode()
    assert "40.2 mg = 4.02 ml of ketamine is drawn: if it is not given later today, waste it" in told


def test_with_nothing_drawn_nothing_is_said(infusions: Plan, nurse: Actor, client: Client) -> None:
    session = arrived(infusions, nurse, ARRIVAL)
    assert not Draw.objects.exists()
    address = reverse("give_up_session", args=["main", session.pk])
    assert "drawn" not in client.get(address).content.decode()
