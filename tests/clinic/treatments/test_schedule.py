"""When things fall due: days of the calendar, hours of the clock, both edges of windows, summer time, late doses."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn.protocol import Protocol, load
from upturn_clinic.treatments.schedule import (
    Given,
    Slot,
    Timetable,
    instruments_at,
    shifted,
    steps_of,
)

COPENHAGEN, AUCKLAND = ZoneInfo("Europe/Copenhagen"), ZoneInfo("Pacific/Auckland")
NEW_YORK, KOLKATA = ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")
INSTANT = timedelta(microseconds=1)


def local(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def clock_of(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("zone", "start", "by_h", "expected"),
    [
        # Spring: the night of 28 to 29 March 2026 has 23 hours in Copenhagen.
        (COPENHAGEN, "2026-03-28T09:00", 24, "2026-03-29 09:00"),
        (COPENHAGEN, "2026-03-28T09:00", 72, "2026-03-31 09:00"),
        (COPENHAGEN, "2026-03-28T22:00", 4, "2026-03-29 03:00"),
        # Autumn: the night of 24 to 25 October 2026 has 25 hours.
        (COPENHAGEN, "2026-10-24T09:00", 24, "2026-10-25 09:00"),
        (COPENHAGEN, "2026-10-24T22:00", 6, "2026-10-25 03:00"),
        # The other half of the world, the other way round: 27 September 2026 forward, 5 April 2026 back.
        (AUCKLAND, "2026-09-26T09:00", 24, "2026-09-27 09:00"),
        (AUCKLAND, "2026-09-26T22:00", 6, "2026-09-27 05:00"),
        (AUCKLAND, "2026-04-04T09:00", 48, "2026-04-06 09:00"),
        (NEW_YORK, "2026-03-07T09:00", 168, "2026-03-14 09:00"),
        (KOLKATA, "2026-03-28T09:30", 24, "2026-03-29 09:30"),
        # Leap day, the end of a year, and back.
        (COPENHAGEN, "2028-02-28T09:00", 24, "2028-02-29 09:00"),
        (COPENHAGEN, "2028-02-28T09:00", 48, "2028-03-01 09:00"),
        (COPENHAGEN, "2027-02-28T09:00", 24, "2027-03-01 09:00"),
        (COPENHAGEN, "2026-12-30T09:00", 72, "2027-01-02 09:00"),
        (COPENHAGEN, "2026-03-31T09:00", -72, "2026-03-28 09:00"),
        # A time that the clock skips comes the same distance after the jump; of a time that comes twice, the first.
        (COPENHAGEN, "2026-03-28T02:30", 24, "2026-03-29 03:30"),
        (COPENHAGEN, "2026-10-24T02:30", 24, "2026-10-25 02:30"),
        # Days and hours together: one week by the calendar, then four hours by the clock.
        (COPENHAGEN, "2026-03-25T09:00", 172, "2026-04-01 13:00"),
    ],
)
def test_days_are_of_the_calendar_and_hours_of_the_clock(
    zone: ZoneInfo, start: str, by_h: float, expected: str
) -> None:
    assert clock_of(shifted(local(start, zone), by_h, zone=zone), zone) == expected


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    found = shifted(local("2026-10-24T02:30", COPENHAGEN), 24, zone=COPENHAGEN)
    assert found == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda each: each.replace(tzinfo=UTC)),
    hours=st.floats(-23.9, 23.9),
    zone=st.sampled_from([COPENHAGEN, AUCKLAND, NEW_YORK, KOLKATA]),
)
def test_less_than_a_day_is_elapsed_time_in_every_zone(start: datetime, hours: float, zone: ZoneInfo) -> None:
    assert abs(shifted(start, hours, zone=zone) - start - timedelta(hours=hours)) < timedelta(milliseconds=1)


@given(
    day=st.dates(datetime(2020, 1, 1).date(), datetime(2035, 1, 1).date()),
    days=st.integers(-400, 400),
    zone=st.sampled_from([COPENHAGEN, AUCKLAND, NEW_YORK, KOLKATA]),
)
def test_nine_o_clock_stays_nine_o_clock(day: datetime, days: int, zone: ZoneInfo) -> None:
    start = datetime.combine(day, time(9), tzinfo=zone)
    found = shifted(start, days * 24.0, zone=zone).astimezone(zone)
    assert found.time() == time(9)
    assert (found.date() - start.date()).days == days


@pytest.fixture(scope="module")
def infusions() -> Protocol:
    return load("six-infusions")


def visit(protocol: Protocol, name: str, table: Timetable, arm: str = "ketamine") -> Slot:
    steps = steps_of(protocol, arm)
    actual = {each.offset_h: each.at for each in table.given}
    doses = [(step, actual.get(step.offset_h) or table.dose(step, protocol).target) for step in steps]
    return table.visit(next(each for each in protocol.encounters if each.id == name), doses)


BEGINS = local("2026-03-23T09:00", COPENHAGEN)


@pytest.mark.parametrize(
    ("name", "target", "earliest", "latest"),
    [
        # In days on both sides: whole days, first to last.
        ("screening", "2026-03-09 09:00", "2026-02-23 00:00", "2026-03-21 23:59"),
        # No window: that day.
        ("day-0", "2026-03-23 09:00", "2026-03-23 00:00", "2026-03-23 23:59"),
        # Days before, hours after: the day opens, the clock closes.
        ("day-1", "2026-03-24 09:00", "2026-03-24 00:00", "2026-03-24 21:00"),
        # Across the change to summer time.
        ("day-7", "2026-03-30 09:00", "2026-03-30 00:00", "2026-03-30 21:00"),
        ("day-180", "2026-09-19 09:00", "2026-09-19 00:00", "2026-09-19 21:00"),
    ],
)
def test_windows_of_visits(infusions: Protocol, name: str, target: str, earliest: str, latest: str) -> None:
    slot = visit(infusions, name, Timetable(COPENHAGEN, BEGINS))
    assert [clock_of(at, COPENHAGEN) for at in (slot.target, slot.earliest, slot.latest)] == [target, earliest, latest]


@pytest.mark.parametrize("name", ["screening", "day-0", "day-1", "day-180"])
def test_both_edges_belong_to_a_window_and_nothing_beyond(infusions: Protocol, name: str) -> None:
    slot = visit(infusions, name, Timetable(COPENHAGEN, BEGINS))
    assert slot.holds(slot.earliest)
    assert slot.holds(slot.target)
    assert slot.holds(slot.latest)
    assert not slot.holds(slot.earliest - INSTANT)
    assert not slot.holds(slot.latest + INSTANT)


def test_a_window_in_hours_opens_and_closes_to_the_minute() -> None:
    protocol = load("belief-updating-study")
    slot = visit(protocol, "before", Timetable(COPENHAGEN, BEGINS), "patients")
    assert [clock_of(at, COPENHAGEN) for at in (slot.earliest, slot.target, slot.latest)] == [
        "2026-03-21 21:00", "2026-03-22 09:00", "2026-03-22 21:00",
    ]  # fmt: skip


def dose_days(protocol: Protocol, table: Timetable, arm: str = "ketamine") -> list[str]:
    return [clock_of(table.dose(step, protocol).target, table.zone)[5:] for step in steps_of(protocol, arm)]


def test_doses_are_planned_at_the_hour_that_was_chosen(infusions: Protocol) -> None:
    assert dose_days(infusions, Timetable(COPENHAGEN, BEGINS)) == [
        "03-23 09:00", "03-25 09:00", "03-27 09:00", "03-30 09:00", "04-01 09:00", "04-03 09:00",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("offset_h", "given_at", "later"),
    [
        # Some minutes late, the same day: nothing moves.
        (0, "2026-03-23T09:40", ["03-25 09:00", "03-27 09:00", "03-30 09:00", "04-01 09:00", "04-03 09:00"]),
        # The first dose two days late: all move by two days, at their hour.
        (0, "2026-03-25T10:15", ["03-27 09:00", "03-29 09:00", "04-01 09:00", "04-03 09:00", "04-05 09:00"]),
        # The third a day late: what comes after keeps its distance from it.
        (96, "2026-03-28T14:00", ["03-31 09:00", "04-02 09:00", "04-04 09:00"]),
        # A day early.
        (168, "2026-03-29T08:00", ["03-31 09:00", "04-02 09:00"]),
    ],
)
def test_later_doses_keep_their_distance_from_the_last_one_given(
    infusions: Protocol, offset_h: float, given_at: str, later: list[str]
) -> None:
    table = Timetable(COPENHAGEN, BEGINS, [Given(offset_h, local(given_at, COPENHAGEN))])
    steps = [step for step in steps_of(infusions, "ketamine") if step.offset_h > offset_h]
    assert [clock_of(table.dose(step, infusions).target, COPENHAGEN)[5:] for step in steps] == later


def test_a_dose_near_midnight_is_a_dose_of_its_local_day(infusions: Protocol) -> None:
    """At 23:30 in Auckland it is still the morning of that day in UTC: the facility's day counts."""
    begins = local("2026-09-21T23:30", AUCKLAND)
    table = Timetable(AUCKLAND, begins, [Given(0, local("2026-09-22T00:10", AUCKLAND))])
    assert dose_days(infusions, table)[1:3] == ["09-24 23:30", "09-26 23:30"]


def test_after_a_late_dose_its_visit_goes_with_it_and_follow_up_stays_with_the_first_dose(infusions: Protocol) -> None:
    given = [Given(0, local("2026-03-23T09:10", COPENHAGEN)), Given(96, local("2026-03-28T09:00", COPENHAGEN))]
    table = Timetable(COPENHAGEN, BEGINS, given)
    assert clock_of(visit(infusions, "day-4", table).target, COPENHAGEN) == "2026-03-28 09:00"
    assert clock_of(visit(infusions, "day-7", table).target, COPENHAGEN) == "2026-03-31 09:00"
    assert clock_of(visit(infusions, "day-14", table).target, COPENHAGEN) == "2026-04-06 09:00"


def test_hours_after_a_dose_are_counted_from_when_it_really_began() -> None:
    text = load("belief-updating-study").model_dump(mode="json", by_alias=True, exclude_defaults=True)
    text["encounters"][-1]["window"] = {"after": "PT2H"}  # windows must not overlap
    text["encounters"].append({"id": "after-dose-3", "at": "P7DT4H", "window": {"before": "PT1H", "after": "PT2H"}})
    text["encounters"].append({"id": "week-after", "at": "P7D", "anchor": "last dose", "window": {"after": "P3D"}})
    protocol = Protocol.model_validate(text)
    third = Given(168, local("2026-03-31T11:20", COPENHAGEN))
    table = Timetable(COPENHAGEN, BEGINS, [Given(0, BEGINS), third], last_dose_at=third.at)
    slot = visit(protocol, "after-dose-3", table, "patients")
    assert [clock_of(at, COPENHAGEN)[5:] for at in (slot.earliest, slot.target, slot.latest)] == [
        "03-31 14:20", "03-31 15:20", "03-31 17:20",
    ]  # fmt: skip
    slot = visit(protocol, "week-after", table, "patients")
    assert [clock_of(at, COPENHAGEN)[5:] for at in (slot.earliest, slot.target, slot.latest)] == [
        "04-07 00:00", "04-07 09:00", "04-10 23:59",
    ]  # fmt: skip


def test_daily_tablets_at_home_are_one_step_and_boosters_none(infusions: Protocol) -> None:
    assert [step.offset_h for step in steps_of(infusions, "ketamine")] == [0, 48, 96, 168, 216, 264]
    (tablets,) = steps_of(infusions, "escitalopram")
    assert tablets.is_home_course
    assert not steps_of(infusions, "ketamine")[0].is_home_course
    assert steps_of(load("belief-updating-study"), "controls") == ()


def test_each_rating_belongs_to_one_visit(infusions: Protocol) -> None:
    found = {each.id: instruments_at(infusions, each, "ketamine") for each in infusions.encounters}
    assert found["day-0"] == ("MADRS", "CADSS")
    assert found["day-14"] == ("MADRS", "PHQ-9")
    assert found["day-2"] == ()
    rated = sum("MADRS" in names for names in found.values())
    assert rated >= len(infusions.assessment_times_h("MADRS")) - 2  # two hours and four hours share the first visit
