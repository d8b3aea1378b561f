"""A course read by the protocol's definitions: each boundary from both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from upturn.protocol import load
from upturn_clinic.assessments.drawing import HEIGHT, NARROW, WIDE, Shape, draw
from upturn_clinic.assessments.trend import Point, trend_of

FIRST = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
ENDPOINTS = load("six-infusions").endpoints  # response 50 %, remission 10 and 12, relapse 22 twice after response
ZONE = ZoneInfo("Europe/Copenhagen")


def course(*values: float, baseline: float | None = 30) -> list[Point]:
    """A value before the first dose, then one each day."""
    before = [] if baseline is None else [Point(FIRST - timedelta(days=1), baseline)]
    return before + [Point(FIRST + timedelta(days=day), value) for day, value in enumerate(values, start=1)]


def marks(*values: float, baseline: float | None = 30) -> list[tuple[str, float]]:
    trend = trend_of("MADRS", course(*values, baseline=baseline), first=FIRST, endpoints=ENDPOINTS)
    return [(mark.name, mark.point.value) for mark in trend.marks]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ((16, 20), []),
        ((15, 20), [("response", 15)]),  # half of 30 is a response
        ((13,), [("response", 13)]),
        ((12,), [("response", 12), ("remission-12", 12)]),
        ((11,), [("response", 11), ("remission-12", 11)]),
        ((10,), [("response", 10), ("remission-10", 10), ("remission-12", 10)]),
        ((15, 22, 22), [("response", 15), ("relapse", 22)]),
        ((15, 22, 21, 22), [("response", 15)]),  # not in a row
        ((15, 21, 21), [("response", 15)]),
        ((22, 22), []),  # nobody relapses who was never well
        ((15, 22, 22, 22), [("response", 15), ("relapse", 22)]),  # the same relapse
        ((15, 22, 22, 14, 23, 24), [("response", 15), ("relapse", 22), ("relapse", 24)]),
    ],
)
def test_definitions_at_their_boundaries(values: tuple[float, ...], found: list[tuple[str, float]]) -> None:
    assert marks(*values) == found


def test_without_a_baseline_there_is_no_response_and_no_relapse_but_remission() -> None:
    assert marks(10, 25, 25, baseline=None) == [("remission-10", 10), ("remission-12", 10)]


def test_before_the_first_dose_nothing_is_met() -> None:
    trend = trend_of("MADRS", course(5), first=None, endpoints=ENDPOINTS)
    assert (trend.marks, trend.baseline) == ((), None)
    assert all(row.change is None and row.states == () for row in trend.rows)


def test_the_baseline_is_the_last_value_before_the_first_dose() -> None:
    points = [Point(FIRST - timedelta(days=9), 40), Point(FIRST - timedelta(minutes=1), 28), Point(FIRST, 20)]
    trend = trend_of("MADRS", points, first=FIRST, endpoints=ENDPOINTS)
    assert trend.baseline == points[1]
    last = trend.rows[-1]
    assert (last.change, round(last.percent or 0)) == (-8, -29)
    assert last.change_words == "−8 (−29 %)"


def test_the_two_remissions_stay_apart_in_each_row() -> None:
    trend = trend_of("MADRS", course(16, 15, 12, 10), first=FIRST, endpoints=ENDPOINTS)
    assert [row.states for row in trend.rows] == [
        (), (), ("response",), ("response", "remission-12"), ("response", "remission-10", "remission-12"),
    ]  # fmt: skip


def test_a_scale_without_definitions_is_drawn_without_lines() -> None:
    trend = trend_of("GAD-7", course(12, 10), first=FIRST, endpoints=ENDPOINTS)
    assert (trend.lines, trend.marks) == ((), ())
    assert trend.rows[-1].change == -20


@pytest.mark.parametrize("shape", [WIDE, NARROW])
def test_the_picture_keeps_inside_its_frame_and_puts_higher_values_higher(shape: Shape) -> None:
    trend = trend_of("MADRS", course(0, 60, 30), first=FIRST, endpoints=ENDPOINTS)
    picture = draw(trend, least=0, most=60, doses=[FIRST], zone=ZONE, shape=shape)
    assert all(picture.left <= spot.x <= picture.right < shape.width and 0 < spot.y < HEIGHT for spot in picture.spots)
    lowest, highest, middle = (picture.spots[place].y for place in (1, 2, 3))
    assert highest < middle < lowest
    assert picture.floor == lowest
    assert [spot.x for spot in picture.spots] == sorted(spot.x for spot in picture.spots)
    assert {level.name for level in picture.levels} == {"response 15", "remission 10", "remission 12", "relapse 22"}
    assert len(picture.doses) == 1


def test_one_value_alone_can_be_drawn() -> None:
    trend = trend_of("MADRS", [Point(FIRST, 20)], first=None, endpoints=ENDPOINTS)
    assert len(draw(trend, least=0, most=60, doses=[], zone=ZONE).spots) == 1


@pytest.mark.parametrize(
    ("most", "up"), [(60, [0, 15, 30, 45, 60]), (27, [0, 7, 14, 21, 27]), (21, [0, 5, 10, 15, 21]), (3, [0, 1, 2, 3])]
)
def test_the_side_shows_whole_numbers_and_the_top(most: float, up: list[float]) -> None:
    trend = trend_of("MADRS", [Point(FIRST, 1)], first=None, endpoints=ENDPOINTS)
    picture = draw(trend, least=0, most=most, doses=[], zone=ZONE)
    assert [label.words for label in picture.up] == [str(each) for each in up]


def test_names_of_levels_do_not_run_into_each_other() -> None:
    trend = trend_of("MADRS", course(10), first=FIRST, endpoints=ENDPOINTS)
    picture = draw(trend, least=0, most=60, doses=[], zone=ZONE)
    at = sorted(level.name_y for level in picture.levels)
    assert all(lower - higher >= 14 for higher, lower in pairwise(at))
    assert at[-1] <= picture.floor
    # They stand beside the picture, so in no line of it.
    assert picture.names_x > picture.right
