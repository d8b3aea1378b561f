"""Somebody enrolled with a plan whose first dose was given; a nurse and a rater beside the clinician."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from tests.clinic.conftest import NOW

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments.models import Dose, Plan

# Ten answers to the MADRS: a total of ten times the number.
Ten = Callable[[int], dict[str, int]]


@pytest.fixture
def ten() -> Ten:
    return lambda each: {str(item): each for item in range(1, 11)}


@pytest.fixture
def nurse(make_person: Callable[..., User], facility: Facility) -> User:
    return make_person("Nurse", facility, Role.SESSION_NURSE)


@pytest.fixture
def rater(make_person: Callable[..., User], facility: Facility) -> User:
    return make_person("Rater", facility, Role.RATER)


@pytest.fixture
def as_nurse(nurse: User, facility: Facility) -> Actor:
    return Actor(nurse, facility, frozenset({Role.SESSION_NURSE}))


@pytest.fixture
def as_rater(rater: User, facility: Facility) -> Actor:
    return Actor(rater, facility, frozenset({Role.RATER}))


@pytest.fixture
def first_dose(planned: Plan) -> datetime:
    """The participant is enrolled and the first dose was given, when it was planned."""
    dose = planned.doses.get(number=1)
    begun = dose.planned_at
    Dose.objects.filter(pk=dose.pk).update(state="given", given_at=begun)
    Participant.objects.filter(pk=planned.participant_id).update(status="enrolled", enrolled_at=NOW)
    planned.participant.refresh_from_db()
    return begun


@pytest.fixture
def week_later(first_dose: datetime) -> datetime:
    return first_dose + timedelta(days=7, minutes=30)
