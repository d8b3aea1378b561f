"""Endpoints on tables small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from upturn.protocol import Relapse, SustainedResponse
from upturn.trials.endpoints import (
    kaplan_meier,
    median_time,
    onset_of_sustained_response,
    relapse_times,
    responded,
    time_to_first,
)

WEEKS_H = 168.0 * np.arange(6)
INF = float("inf")


def relapse(at_least: int = 22, consecutive: int = 2) -> Relapse:
    return Relapse.model_validate({"instrument": "MADRS", "at_least": at_least, "consecutive": consecutive})


def sustained(excursions: int = 1, keeping: float = 0.25, until: str = "P28D") -> SustainedResponse:
    return SustainedResponse.model_validate({"by": "P1D", "until": until, "excursions": excursions, "keeping": keeping})


def test_response_counts_half_exactly() -> None:
    found = responded(np.array([[17.0, 16.0, 15.0]]), np.array([33.0]), fall=0.5)
    assert found.tolist() == [[False, True, True]]  # half of 33 is 16.5
    assert responded(np.array([[15.0]]), np.array([30.0]), fall=0.5).tolist() == [[True]]


def test_time_to_first_is_infinite_where_there_is_none() -> None:
    event = np.array([[False, True, True], [False, False, False], [True, False, False]])
    assert time_to_first(event, np.array([2.0, 4.0, 24.0])).tolist() == [4.0, INF, 2.0]


# Baseline 40: response at 20 or less, 25 % kept at 30 or less. Ratings at 0, 1, 2, 3, 4, 5 weeks; counted to week 4.
@pytest.mark.parametrize(
    ("ratings", "onset_week"),
    [
        ([40, 18, 15, 12, 10, 40], 1),  # what comes after the named time does not count
        ([40, 18, 25, 12, 10, 10], 1),  # one excursion that keeps 25 %
        ([40, 18, 31, 12, 10, 10], 3),  # an excursion that does not
        ([40, 18, 25, 25, 10, 10], 4),  # two excursions: from week 2 there is still one and no response
        ([40, 18, 25, 12, 25, 10], None),  # no response at the named time
        ([40, 30, 15, 12, 10, 10], 2),
        ([40, 30, 30, 30, 20, 10], 4),
        ([20, 30, 30, 30, 30, 10], None),  # the rating before the first dose does not count
    ],
)
def test_sustained_response_allows_one_excursion(ratings: list[float], onset_week: int | None) -> None:
    found = onset_of_sustained_response(
        np.array([ratings], dtype=float), np.array([40.0]), WEEKS_H, fall=0.5, definition=sustained()
    )
    assert found.tolist() == [INF if onset_week is None else 168.0 * onset_week]


def test_without_excursions_every_rating_counts() -> None:
    ratings = np.array([[40, 18, 25, 12, 10, 10], [40, 18, 20, 12, 10, 10]], dtype=float)
    found = onset_of_sustained_response(
        ratings, np.array([40.0, 40.0]), WEEKS_H, fall=0.5, definition=sustained(excursions=0, keeping=0.0)
    )
    assert found.tolist() == [168.0 * 3, 168.0]


def relapses(
    ratings: list[list[float]], present: list[list[bool]] | None = None, at_risk: list[bool] | None = None
) -> tuple[list[float], list[bool]]:
    table = np.array(ratings, dtype=float)
    there = np.ones(table.shape, dtype=bool) if present is None else np.array(present)
    risk = np.ones(len(table), dtype=bool) if at_risk is None else np.array(at_risk)
    time, event = relapse_times(table, there, WEEKS_H, at_risk=risk, origin_h=168.0, definition=relapse())
    return time.tolist(), event.tolist()


def test_relapse_is_twice_in_a_row_and_timed_at_the_first() -> None:
    time, event = relapses(
        [
            [40, 15, 22, 22, 15, 15],  # weeks 2 and 3
            [40, 15, 22, 21, 22, 21],  # never twice in a row
            [40, 15, 15, 15, 30, 30],  # weeks 4 and 5
            [40, 15, 15, 15, 15, 30],  # high at the last rating only: not confirmed
            [40, 30, 30, 15, 15, 15],  # high at the origin does not count
        ]
    )
    assert event == [True, False, True, False, False]
    assert time == [168.0, 4 * 168.0, 3 * 168.0, 4 * 168.0, 4 * 168.0]


def test_who_leaves_is_censored_at_the_last_rating_seen() -> None:
    time, event = relapses(
        [[40, 15, 15, 30, 30, 30], [40, 15, 30, 30, 30, 30], [40, 15, 30, 30, 30, 30]],
        present=[[True] * 4 + [False] * 2, [True, True] + [False] * 4, [True] * 6],
        at_risk=[True, True, False],
    )
    assert event == [False, False, False]
    assert time[:2] == [2 * 168.0, 0.0]
    assert np.isnan(time[2])


def test_kaplan_and_meier_by_hand() -> None:
    """Six people: events at 1, 2, 2, 4; censored at 2 and 3.

    At 1: 1 of 6, 5/6. At 2: 2 of 5, 5/6 · 3/5 = 1/2. At 3: none. At 4: 1 of 1, 0.
    """
    time = np.array([1.0, 2.0, 2.0, 2.0, 3.0, 4.0])
    event = np.array([True, True, True, False, False, True])
    curve = kaplan_meier(time, event, grid_h=np.array([1.0, 2.0, 3.0, 4.0]))
    assert curve.still.tolist() == pytest.approx([5 / 6, 1 / 2, 1 / 2, 0.0])
    assert curve.at_risk.tolist() == [6, 5, 2, 1]
    assert median_time(curve) == 2.0


def test_people_who_were_not_at_risk_are_left_out() -> None:
    curve = kaplan_meier(np.array([1.0, np.nan, 2.0]), np.array([True, False, False]), grid_h=np.array([1.0, 2.0]))
    assert curve.at_risk.tolist() == [2, 1]
    assert curve.still.tolist() == [0.5, 0.5]


def test_a_median_that_is_not_reached_is_infinite() -> None:
    curve = kaplan_meier(np.array([1.0, 5.0, 5.0]), np.array([True, False, False]), grid_h=np.array([1.0, 5.0]))
    assert median_time(curve) == INF


def test_events_between_two_times_of_the_grid_count() -> None:
    curve = kaplan_meier(np.array([1.0, 2.0]), np.array([True, True]), grid_h=np.array([1.5, 3.0]))
    assert curve.still.tolist() == [0.5, 0.0]
