"""Who is in a room already is not told as somebody to come."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.models import Session

pytestmark = pytest.mark.django_db


def test_what_is_upcoming_says_who_is_here_to_who_may_see_sessions(
    session: Session, nurse: Actor, make_person: Callable[..., User], log_in: Callable[[User], Client], clock: Clock
) -> None:
    clock.stand_at(FIRST)
    address, there = reverse("upcoming", args=["main"]), reverse("session", args=["main", session.pk])
    assert nurse.user is not None

    def page(of: User) -> str:
        return log_in(of).get(address).content.decode()

    assert "here since 08:30" in page(nurse.user)
    assert there in page(nurse.user)
    for role in (Role.COORDINATOR, Role.RATER):
        assert "here since" not in page(make_person(role.value.title(), session.facility, role)), role
    Session.objects.filter(pk=session.pk).update(cancelled_at=FIRST)
    assert "here since" not in page(nurse.user)
