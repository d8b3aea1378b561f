"""A session of the shipped six infusions, two nurses, a clinician; time is always given, never awaited."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.floor.leaving import BY_HAND, answered, measure
from tests.clinic.floor.making import (
    MINUTE,
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.leaving.actions import name_escort
from upturn_clinic.floor.models import Session
from upturn_clinic.treatments.models import Plan

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
BEFORE = datetime(2026, 3, 20, 8, 0, tzinfo=COPENHAGEN)
# The appointment, and half an hour before it.
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=COPENHAGEN)
ARRIVAL = FIRST - timedelta(minutes=30)


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return Actor(colleague, facility, frozenset({Role.CLINICIAN}))


@pytest.fixture
def nurse(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Nora", facility, Role.SESSION_NURSE), facility, frozenset({Role.SESSION_NURSE}))


@pytest.fixture
def other_nurse(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Omar", facility, Role.SESSION_NURSE), facility, frozenset({Role.SESSION_NURSE}))


@pytest.fixture
def infusions(clinician: Actor) -> Plan:
    version = signed_version("six-infusions", clinician, BEFORE)
    return person_with_plan(version, "ketamine", clinician, begins_at=FIRST, at=BEFORE)


@pytest.fixture
def session(infusions: Plan, clinician: Actor, nurse: Actor) -> Session:
    """Somebody has arrived for the first of six infusions; it is drawn and checked."""
    assert nurse.user is not None
    prepared(infusions.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    return arrived(infusions, nurse, ARRIVAL)


@pytest.fixture
def dosed(session: Session, nurse: Actor) -> Session:
    """The infusion is over after 40 minutes."""
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    session.refresh_from_db()
    return session


@pytest.fixture
def well(dosed: Session, nurse: Actor) -> Session:
    """Measured after two hours, every line answered well, the escort named."""
    measure(dosed, nurse, FIRST + 120 * MINUTE)
    now = FIRST + 121 * MINUTE
    answered(dosed, nurse, now, *BY_HAND)
    name_escort(session=dosed, version=dosed.version, escort="Eva, a friend", escort_phone="555 0199", by=nurse, at=now)
    dosed.refresh_from_db()
    return dosed
