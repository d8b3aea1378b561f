"""Plans of other kinds: nasal devices, tablets at home, an arm without treatment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.clinic.floor.making import given_in_session
from tests.clinic.participants.making import document_of, enrolled, registered, version_in_force
from tests.clinic.treatments.conftest import COPENHAGEN, FIRST, NOW

from upturn.errors import CannotError
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.exports.queries import records_of
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import actions
from upturn_clinic.treatments.models import Dose, Plan, Visit

pytestmark = pytest.mark.django_db


def planned_in(protocol: str, arm: str, by: Actor) -> tuple[Participant, Plan]:
    before = NOW - timedelta(days=1)
    version = version_in_force(by, before, document=document_of(protocol))
    person = enrolled(registered(version, by, before), by, NOW, arm=arm)
    return person, actions.make_plan(participant=person, begins_at=FIRST, by=by, at=NOW)


def of_number(number: int) -> Dose:
    return Dose.objects.select_related("plan__participant__facility", "plan__facility").get(number=number)


def test_nasal_devices_are_rows_of_one_occasion_five_minutes_apart(
    clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    person, _ = planned_in("esketamine-trd", "esketamine", clinician)
    assert Dose.objects.count() == 16
    checker = actor_as(Role.SESSION_NURSE).user
    assert checker is not None
    given_in_session(of_number(1), clinician, checker, FIRST, minutes=10)
    given_in_session(of_number(2), clinician, checker, FIRST + timedelta(days=3), minutes=10)
    found = records_of(person).doses
    assert found["occasion"].to_list() == [1, 1, 2, 2, 2]
    assert found["amount_mg"].to_list() == [28, 28, 28, 28, 28]
    assert found["start_h"].to_list() == pytest.approx([0, 5 / 60, 72, 72 + 5 / 60, 72 + 10 / 60])
    assert found["duration_h"].to_list() == [0] * 5


def test_tablets_at_home_are_one_step_that_begins(clinician: Actor) -> None:
    person, plan = planned_in("six-infusions", "escitalopram", clinician)
    (dose,) = plan.doses.all()
    assert dose.is_home_course
    began, dose = FIRST + timedelta(minutes=30), of_number(1)
    given = actions.AsGiven(began, mg=Decimal(10))
    actions.give_dose(dose=dose, version=dose.version, given=given, by=clinician, at=began + timedelta(hours=1))
    # What was taken day by day is not known here, so it is not in the records.
    assert records_of(person).doses.height == 0
    assert records_of(person).participants.height == 1
    follow_up = Visit.objects.get(encounter="day-28")
    assert follow_up.planned_at == datetime(2026, 4, 20, 9, tzinfo=COPENHAGEN)


def test_an_arm_without_treatment_has_visits_only_and_no_hour_to_count_from(clinician: Actor) -> None:
    person, plan = planned_in("belief-updating-study", "controls", clinician)
    assert not plan.doses.exists()
    assert plan.visits.count() == 4
    with pytest.raises(CannotError, match="no first dose"):
        records_of(person)
