"""A room in which somebody is already: it is said, and two share it only when somebody says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import arrived, person_with_plan, signed_version

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.floor.actions import give_up, move_room
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LogIn = Callable[[User], Client]


@pytest.fixture
def rooms(facility: Facility, as_owner: Actor) -> Facility:
    return accounts.change_facility(
        facility=facility, version=facility.version, values={"rooms": "Garden\nQuiet"}, reason="two rooms",
        by=as_owner, at=BEFORE,
    )  # fmt: skip


@pytest.fixture
def there(rooms: Facility, infusions: Plan, nurse: Actor) -> Session:
    """Somebody in the garden room."""
    return arrived(infusions, nurse, ARRIVAL, room="Garden")


@pytest.fixture
def other_plan(there: Session, clinician: Actor) -> Plan:
    version = signed_version("six-infusions", clinician, BEFORE)
    return person_with_plan(version, "ketamine", clinician, begins_at=FIRST, at=BEFORE)


def test_an_arrival_into_an_occupied_room_is_asked_about(
    there: Session, other_plan: Plan, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(ARRIVAL + 5 * MINUTE)
    assert nurse.user is not None
    client, address = log_in(nurse.user), reverse("arrive", args=["main", other_plan.doses.get(number=1).pk])
    typed = {"arrived_at": f"{ARRIVAL:%Y-%m-%dT%H:%M}", "room": "Garden"}
    page = client.post(address, typed).content.decode()
    assert "Somebody is in this room already" in page
    assert there.participant.pseudonym in page
    assert Session.objects.count() == 1
    assert client.post(address, {**typed, "is_shared": "on"}).status_code == 302
    assert Session.objects.filter(room="Garden").count() == 2


def test_a_room_is_free_again_when_somebody_has_gone(there: Session, other_plan: Plan, nurse: Actor) -> None:
    give_up(session=there, version=there.version, reason="no dose today", by=nurse, at=ARRIVAL + MINUTE)
    assert arrived(other_plan, nurse, ARRIVAL + MINUTE, room="Garden").room == "Garden"


def test_no_room_yet_is_never_occupied(infusions: Plan, clinician: Actor, nurse: Actor) -> None:
    version = signed_version("six-infusions", clinician, BEFORE)
    plan = person_with_plan(version, "ketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert [arrived(each, nurse, ARRIVAL).room for each in (infusions, plan)] == ["", ""]


def test_nobody_moves_into_an_occupied_room_unasked(there: Session, other_plan: Plan, nurse: Actor) -> None:
    second = arrived(other_plan, nurse, ARRIVAL, room="Quiet")
    with pytest.raises(Refused, match="Somebody is in this room already"):
        move_room(session=second, version=second.version, room="Garden", by=nurse, at=ARRIVAL + MINUTE)
    # Where one is already is no other room.
    assert move_room(session=second, version=second.version, room="Quiet", by=nurse, at=ARRIVAL + MINUTE)
    second.refresh_from_db()
    moved = move_room(
        session=second, version=second.version, room="Garden", is_shared=True, by=nurse, at=ARRIVAL + MINUTE
    )
    assert moved.room == "Garden"
