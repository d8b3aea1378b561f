"""Somebody enrolled at the main facility, and their plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.participants.making import clinician_of, enrolled, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import actions
from upturn_clinic.treatments.models import Plan

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
# A week before the clocks go forward; the first dose is on the Monday after.
NOW = datetime(2026, 3, 20, 8, 0, tzinfo=COPENHAGEN)
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=COPENHAGEN)


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return clinician_of(colleague, facility)


@pytest.fixture
def person(clinician: Actor) -> Participant:
    """Enrolled into the ketamine arm of the shipped six infusions; 80.5 kg, MADRS 33."""
    before = NOW - timedelta(days=1)
    return enrolled(registered(version_in_force(clinician, before), clinician, before), clinician, NOW)


@pytest.fixture
def plan(person: Participant, clinician: Actor) -> Plan:
    return actions.make_plan(participant=person, begins_at=FIRST, by=clinician, at=NOW)


@pytest.fixture
def actor_as(make_person: Callable[..., User], facility: Facility) -> Callable[[Role], Actor]:
    """Somebody else at the main facility, in one role."""

    def make(role: Role) -> Actor:
        return Actor(make_person(f"The{role.value.replace(' ', '')}", facility, role), facility, frozenset({role}))

    return make
