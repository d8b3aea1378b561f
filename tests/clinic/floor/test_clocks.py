"""Clocks: the hour that is left out, the hour that comes twice, two zones, and a session across midnight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.floor.conftest import BEFORE
from tests.clinic.floor.making import (
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

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor import queries
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import minutes_between
from upturn_clinic.floor.screens import sheet_data, stamp
from upturn_clinic.floor.sheet import sheet_of
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
# Half an hour before Copenhagen's clocks change, as instants: 01:30 CET in spring, 02:30 CEST in autumn.
SPRING, AUTUMN = datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def running(by: Actor, nurse: Actor, first: datetime) -> Session:
    """A session whose infusion began at an instant."""
    assert nurse.user is not None
    plan = person_with_plan(signed_version("six-infusions", by, BEFORE), "ketamine", by, begins_at=first, at=BEFORE)
    Dose.objects.filter(plan=plan, number=1).update(planned_at=first, earliest=first, latest=first)
    prepared(plan.doses.get(number=1), by, nurse.user, first - 30 * MINUTE)
    session = arrived(plan, nurse, first - 30 * MINUTE)
    made_ready(session, nurse, first - MINUTE)
    begun(session, nurse, first)
    return session


@pytest.mark.parametrize(
    ("first", "began", "at_40", "at_120"),
    [
        (SPRING, "01:30 (+0 min)", "03:10 CEST (+40 min)", "04:30 CEST (+120 min)"),
        (AUTUMN, "02:30 (+0 min)", "02:10 CET (+40 min)", "03:30 CET (+120 min)"),
    ],
)
def test_minutes_are_counted_through_the_change_of_the_clocks(
    clinician: Actor, nurse: Actor, first: datetime, began: str, at_40: str, at_120: str
) -> None:
    session = running(clinician, nurse, first)
    for minute in (10, 40, 120):
        at = first + minute * MINUTE
        all_saved(said(session, nurse, at, sent("reading", at, instrument="HR", value="70", nominal_min=minute)))
        if minute == 40:
            all_saved(said(session, nurse, at, sent("stop", at, because="")))
    found = queries.whole(session)
    rows = {row.nominal_min: row for row in sheet_of(found, queries.asked_in(found)).rows}
    assert [rows[minute].minute for minute in (10, 40, 120)] == [10.0, 40.0, 120.0]
    assert [rows[minute].due_at for minute in (10, 40, 120)] == [first + minute * MINUTE for minute in (10, 40, 120)]
    assert stamp(found, first) == began
    shown = {row["nominal"]: row["at"] for row in sheet_data(found, queries.asked_in(found), nurse)["rows"]}
    assert (shown[40], shown[120]) == (at_40, at_120)
    dose = Dose.objects.get(pk=session.dose_id)
    assert (dose.duration_min, dose.given_mg) == (Decimal(40), Decimal("40.2"))


def test_what_is_due_does_not_jump_with_the_clocks(clinician: Actor, nurse: Actor) -> None:
    session = running(clinician, nurse, AUTUMN)
    found = queries.whole(session)
    early = [each.at for each in queries.all_due(found, AUTUMN + MINUTE) if each.kind == "reading"]
    assert early == [AUTUMN + minute * MINUTE for minute in (10, 20, 30, 40, 60, 90, 120)]
    # At 02:20 CET, fifty minutes in, the wall shows an earlier time than at the start; late is late all the same.
    late = [each.nominal_min for each in queries.all_due(found, AUTUMN + 50 * MINUTE) if each.is_late]
    assert [each for each in late if each is not None] == [10, 20, 30, 40]


def test_wall_clocks_are_never_subtracted() -> None:
    zone = ZoneInfo("Europe/Copenhagen")
    before = datetime(2026, 10, 25, 2, 50, tzinfo=zone)
    after = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=zone)
    assert minutes_between(before, after) == 20
    assert after - before == -40 * MINUTE


def test_two_facilities_in_two_zones_each_by_its_own_clock(
    clinician: Actor, nurse: Actor, elsewhere: Facility, stranger: User
) -> None:
    here = running(clinician, nurse, SPRING)
    there_by = Actor(stranger, elsewhere, frozenset({Role.CLINICIAN, Role.SESSION_NURSE, Role.PHARMACIST}))
    assert nurse.user is not None
    accounts.give_role(user=nurse.user, role=Role.SESSION_NURSE, facility=elsewhere, by=system(elsewhere), at=BEFORE)
    helper = Actor(nurse.user, elsewhere, frozenset({Role.SESSION_NURSE}))
    there = running(there_by, helper, SPRING)
    at = SPRING + 10 * MINUTE
    for session, who in ((here, nurse), (there, helper)):
        all_saved(said(session, who, at, sent("reading", at, instrument="HR", value="70", nominal_min=10)))
    assert stamp(queries.whole(here), at) == "01:40 (+10 min)"
    assert stamp(queries.whole(there), at) == "13:40 (+10 min)"
    assert here.readings.get(nominal_min=10).at == there.readings.get(nominal_min=10).at
    assert not queries.sessions_at(elsewhere).filter(pk=here.pk).exists()


def test_a_session_across_midnight(clinician: Actor, nurse: Actor) -> None:
    first = datetime(2026, 5, 4, 23, 30, tzinfo=ZoneInfo("Europe/Copenhagen"))
    session = running(clinician, nurse, first)
    at = first + 60 * MINUTE
    all_saved(said(session, nurse, at, sent("reading", at, instrument="HR", value="70", nominal_min=60)))
    assert stamp(queries.whole(session), at) == "00:30 (+60 min)"
