"""The sheet to take home: what to get help for, whom to call, and when we meet again, also when it is made again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import begun, made_ready

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.floor.leaving.sheet import take_home
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.queries import whole

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def dosed(session: Session, nurse: Actor) -> Session:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    return session


def test_it_says_what_to_get_help_for_and_whom_to_call(
    dosed: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    clock.stand_at(FIRST + 120 * MINUTE)
    assert nurse.user is not None
    client, address = log_in(nurse.user), reverse("take_home_sheet", args=["main", dosed.pk])
    page = client.get(address).content.decode()
    for needed in ("pain in the chest", "trouble seeing", "weakness or numbness on one side", "trouble speaking"):
        assert needed in page, needed
    # Nobody writes on it.
    assert "may not be read" not in page
    assert 'Telephone of your team at Main clinic: <span class="to-fill">' in page
    Facility.objects.update(phone="555 0102")
    page = client.get(address).content.decode()
    assert 'Telephone of your team at Main clinic: <a href="tel:5550102">555 0102</a>' in page


def test_made_again_on_a_later_day_it_says_so(dosed: Session) -> None:
    """A visit is planned for the next day, dose 3 for the fourth."""
    found = whole(dosed)
    first = take_home(found, now=FIRST + 120 * MINUTE)
    assert (first.again_on, first.next_at) == (None, FIRST + DAY)
    again = take_home(found, now=FIRST + 3 * DAY)
    assert (again.on, again.again_on, again.next_at) == (FIRST, FIRST + 3 * DAY, FIRST + 4 * DAY)
