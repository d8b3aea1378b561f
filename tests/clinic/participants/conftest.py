"""A programme in force at the main facility, and who screens there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.utils import timezone
from tests.clinic.participants.making import clinician_of, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return clinician_of(colleague, facility)


@pytest.fixture
def version(clinician: Actor, now: datetime) -> ProtocolVersion:
    return version_in_force(clinician, now)


@pytest.fixture
def person(version: ProtocolVersion, clinician: Actor, now: datetime) -> Participant:
    return registered(version, clinician, now)


@pytest.fixture
def actor_as(make_person: Callable[..., User], facility: Facility) -> Callable[[Role], Actor]:
    """Somebody else at the main facility, in one role."""

    def make(role: Role) -> Actor:
        return Actor(make_person(f"The{role.value.replace(' ', '')}", facility, role), facility, frozenset({role}))

    return make
