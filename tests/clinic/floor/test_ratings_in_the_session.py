"""A scale that the protocol asks of the treating team, and that stands in the flowsheet, is not asked for once more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import MINUTE, all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.due import Due
from upturn_clinic.assessments.queries import due_at, due_for
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.participants.models import Participant

pytestmark = pytest.mark.django_db
DAY_AFTER = FIRST + timedelta(days=1)


def cadss(session: Session, at: datetime = DAY_AFTER, reader: Actor | None = None) -> dict[int, Due]:
    """What is asked of the team, by its minute after the dose began."""
    person = Participant.objects.get(pk=session.participant_id)
    found = due_for(person, at=at, reader=reader)
    return {round(each.planned_h * 60): each for each in found if each.instrument == "CADSS"}


@pytest.fixture
def running(session: Session, nurse: Actor) -> Session:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    return session


def read(session: Session, by: Actor, minute: int, value: str, *, nominal: int | None) -> None:
    at = FIRST + minute * MINUTE
    added = {} if nominal is not None else {"row": str(uuid4())}
    all_saved(said(session, by, at, sent("reading", at, instrument="CADSS", value=value, nominal_min=nominal, **added)))


def test_a_value_for_its_minute_is_what_was_asked_for(running: Session, nurse: Actor) -> None:
    assert {minute: due.state for minute, due in cadss(running).items()} == {40: "late", 120: "late"}
    read(running, nurse, 46, "19", nominal=40)
    # A value for another of the protocol's minutes is not the one that was asked for, however near.
    read(running, nurse, 92, "3", nominal=90)
    found = cadss(running)
    assert {minute: due.state for minute, due in found.items()} == {40: "done", 120: "late"}
    assert found[40].seen is not None
    assert (found[40].seen.value, found[40].seen.session) == (Decimal(19), running.pk)
    # Late in the day, but for its minute.
    read(running, nurse, 170, "0", nominal=120)
    assert {due.state for due in cadss(running).values()} == {"done"}


def test_a_value_of_an_added_row_counts_in_its_window_and_a_struck_one_does_not(running: Session, nurse: Actor) -> None:
    read(running, nurse, 35, "12", nominal=None)
    assert cadss(running)[40].state == "done"
    Reading.objects.filter(session=running, instrument="CADSS", nominal_min=None).update(struck_at=FIRST)
    assert cadss(running)[40].state == "late"
    read(running, nurse, 75, "12", nominal=None)
    assert cadss(running)[40].state == "late"


def test_the_pages_say_so_to_the_team_and_nothing_to_a_rater(
    running: Session, nurse: Actor, make_person: Callable[..., User], log_in: Callable[[User], Client], clock: Clock
) -> None:
    read(running, nurse, 40, "19", nominal=40)
    clock.stand_at(DAY_AFTER)
    assert nurse.user is not None
    here, key = running.facility.slug, running.participant_id
    page = log_in(nurse.user).get(reverse("ratings", args=[here, key])).content.decode()
    assert "done in the session: 19" in page
    assert reverse("session", args=[here, running.pk]) in page
    listed = [due.planned_h * 60 for one in due_at(running.facility, at=DAY_AFTER, reader=nurse) for due in one.dues
              if due.instrument == "CADSS"]  # fmt: skip
    assert [round(each) for each in listed] == [120]
    rater = Actor(make_person("Rita", running.facility, Role.RATER), running.facility, frozenset({Role.RATER}))
    assert cadss(running, reader=rater) == {}
