"""When the protocol asks for a rating: windows, what moves with a dose, what fulfils it, who may know."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.assessments.conftest import Ten

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.due import Anchor, Asked, slot_of
from upturn_clinic.assessments.queries import due_at, due_for
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.treatments.models import Dose, Plan
from upturn_clinic.treatments.schedule import Slot

ZONE = ZoneInfo("Europe/Copenhagen")
FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


def asked(planned_h: float) -> Asked:
    return Asked("MADRS", planned_h, "blinded", None)


def slot(planned_h: float, *, doses: tuple[Anchor, ...] = (), visits: tuple[Anchor, ...] = ()) -> Slot:
    return slot_of(asked(planned_h), first=FIRST, doses=doses, visits=visits, zone=ZONE)


def test_hours_after_a_dose_are_hours_and_the_window_is_short() -> None:
    found = slot(2, doses=(Anchor(0, FIRST),))
    assert found.target == FIRST + timedelta(hours=2)
    assert (found.target - found.earliest, found.latest - found.target) == (timedelta(minutes=30),) * 2


def test_days_are_days_of_the_calendar() -> None:
    found = slot(7 * 24)
    assert found.earliest.astimezone(ZONE).isoformat() == "2026-03-10T00:00:00+01:00"
    assert found.latest.astimezone(ZONE).date() == date(2026, 3, 10)


def test_nine_oclock_stays_nine_oclock_when_summer_time_begins() -> None:
    found = slot(28 * 24)
    assert found.target.astimezone(ZONE).isoformat() == "2026-03-31T10:00:00+02:00"


def test_a_rating_takes_the_window_of_its_visit_and_moves_with_it() -> None:
    window = Slot(FIRST + timedelta(days=8), FIRST + timedelta(days=7), FIRST + timedelta(days=9))
    found = slot(7 * 24, visits=(Anchor(7 * 24, FIRST + timedelta(days=8), window),))
    assert found == Slot(FIRST + timedelta(days=8), window.earliest, window.latest)


def test_hours_after_a_late_dose_follow_that_dose() -> None:
    late = FIRST + timedelta(days=2, hours=5)
    assert slot(48 + 2, doses=(Anchor(0, FIRST), Anchor(48, late))).target == late + timedelta(hours=2)


def test_a_rating_at_the_hour_of_the_dose_comes_with_the_visit() -> None:
    visit = Anchor(48, FIRST + timedelta(days=2))
    found = slot(48, doses=(Anchor(48, FIRST + timedelta(days=2, hours=1)),), visits=(visit,))
    assert found.target == visit.at


@pytest.mark.django_db
def test_before_there_is_a_plan_nothing_is_due(participant: Participant) -> None:
    assert due_for(participant, at=FIRST) == ()


@pytest.mark.django_db
def test_a_rating_of_its_time_fulfils_it(planned: Plan, week_later: datetime, as_rater: Actor, ten: Ten) -> None:
    person = planned.participant

    def state() -> str:
        found = [each for each in due_for(person, at=week_later) if (each.instrument, each.planned_h) == ("MADRS", 168)]
        assert len(found) == 1
        return found[0].state

    assert state() == "open"
    record_rating(
        participant=person, instrument="MADRS", answers=ten(2), rated_at=week_later, planned_h=168,
        rater_kind="blinded", by=as_rater, at=week_later,
    )  # fmt: skip
    assert state() == "done"


@pytest.mark.django_db
def test_a_total_alone_in_the_window_fulfils_one_time_only(planned: Plan, week_later: datetime) -> None:
    person = planned.participant
    Measure.objects.create(participant=person, instrument="MADRS", value=Decimal(20), unit="points", at=week_later)
    done = [each for each in due_for(person, at=week_later) if each.instrument == "MADRS" and each.state == "done"]
    assert [each.planned_h for each in done] == [168]
    assert done[0].measure is not None


@pytest.mark.django_db
def test_states_at_the_edges_of_the_window(planned: Plan, week_later: datetime) -> None:
    [one] = [each for each in due_for(planned.participant, at=week_later)
             if (each.instrument, each.planned_h) == ("MADRS", 168)]  # fmt: skip

    def state(at: datetime) -> str:
        found = due_for(planned.participant, at=at)
        return next(each.state for each in found if each.asked == one.asked)

    tick = timedelta(microseconds=1)
    assert state(one.slot.earliest - tick) == "later"
    assert state(one.slot.earliest) == state(one.slot.latest) == "open"
    assert state(one.slot.latest + tick) == "late"


@pytest.mark.django_db
def test_a_rater_is_told_of_blinded_ratings_alone_and_of_no_dose(
    planned: Plan, week_later: datetime, as_rater: Actor, as_clinician: Actor
) -> None:
    person = planned.participant
    assert {each.rater_kind for each in due_for(person, at=week_later, reader=as_rater)} == {"blinded"}
    assert {each.rater_kind for each in due_for(person, at=week_later, reader=as_clinician)} >= {"blinded", "treating"}
    hour = timedelta(hours=1)

    def two_hours_after(reader: Actor) -> datetime:
        found = due_for(person, at=week_later, reader=reader)
        return next(each.slot.target for each in found if (each.instrument, each.planned_h) == ("MADRS", 2))

    before = two_hours_after(as_rater)
    assert before == two_hours_after(as_clinician)
    # The dose began three hours late: the team's time follows it, the rater's follows the visit.
    dose = planned.doses.get(number=1)
    assert dose.given_at is not None
    Dose.objects.filter(pk=dose.pk).update(given_at=dose.given_at + 3 * hour)
    assert two_hours_after(as_clinician) == before + 3 * hour
    assert two_hours_after(as_rater) == before


@pytest.mark.django_db
def test_the_list_of_the_day_holds_who_takes_part(
    planned: Plan, week_later: datetime, facility: Facility, as_rater: Actor,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:  # fmt: skip
    with django_assert_max_num_queries(9):
        [one] = due_at(facility, at=week_later, reader=as_rater)
    assert one.participant == planned.participant
    assert ("MADRS", 168) in [(each.instrument, each.planned_h) for each in one.dues]
    # Long missed, or far ahead: on the person's own page, not here.
    assert due_at(facility, at=week_later + timedelta(days=400), reader=as_rater) == []
    Participant.objects.filter(pk=planned.participant_id).update(status="withdrawn")
    assert due_at(facility, at=week_later, reader=as_rater) == []


@pytest.mark.django_db
def test_the_list_of_the_day_says_what_the_persons_own_page_says(
    planned: Plan, week_later: datetime, facility: Facility, as_clinician: Actor
) -> None:
    person = planned.participant
    for days in range(0, 60, 3):
        at = week_later + timedelta(days=days)
        whole = {(each.instrument, each.planned_h, each.rater_kind): each for each in
                 due_for(person, at=at, reader=as_clinician)}  # fmt: skip
        listed = [due for one in due_at(facility, at=at, reader=as_clinician) for due in one.dues]
        assert all(whole[(due.instrument, due.planned_h, due.rater_kind)] == due for due in listed)
        now = {key for key, due in whole.items() if due.state == "open"}
        assert now <= {(due.instrument, due.planned_h, due.rater_kind) for due in listed}
