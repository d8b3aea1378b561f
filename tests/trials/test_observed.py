"""Records beside the model's expectation: the same endpoints, judged by hand on a few people, and what is left out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from upturn.errors import InputError
from upturn.protocol import load
from upturn.records import Records, schema
from upturn.reports.observed import observed_section
from upturn.reports.page import page
from upturn.trials import Answer, answer
from upturn.trials.observed import Observed, Share

PROTOCOL = "single-infusion"
DAY = 24.0


def records(
    ratings: dict[str, list[tuple[float | None, float, float]]], *, arm: str = "ketamine", **more: Any
) -> Records:
    """People of one arm with MADRS ratings: planned time, actual time, value."""
    people = [{"participant": name, "arm": arm} for name in ratings]
    seen = [
        {"participant": name, "planned_h": planned, "time_h": at, "instrument": "MADRS", "item": "total",
         "value": value, "unit": "points", "rater": "blinded"}
        for name, rows in ratings.items() for planned, at, value in rows
    ]  # fmt: skip
    return Records(
        participants=pl.DataFrame(people, schema=schema("participants")),
        observations=pl.DataFrame([*seen, *more.get("seen", [])], schema=schema("observations")),
        adverse_events=pl.DataFrame(more.get("events", []), schema=schema("adverse_events")),
    )


def laid_beside(given: Records) -> Answer:
    return answer(load(PROTOCOL), patients=4, seed=1, records=given)


def observed_in(given: Records) -> Observed:
    found = laid_beside(given).observed
    assert found is not None
    return found


@pytest.fixture(scope="module")
def three() -> Answer:
    """One who responds and keeps it, one who does not, one who was rated at a day only."""
    return laid_beside(
        records(
            {
                "a": [(None, -20.0, 32), (None, -1.0, 30), (DAY, 25.0, 15), (168.0, 170.0, 10)],
                "b": [(0.0, 0.1, 40), (DAY, 24.0, 21), (168.0, 168.0, 38), (None, 400.0, 12)],
                "c": [(None, -1.0, 20), (DAY, 23.0, 8)],
                "d": [(DAY, 24.0, 8)],
            },
            seen=[
                {"participant": "a", "time_h": t, "instrument": "SBP", "item": "total", "value": v, "unit": "mmHg"}
                for t, v in ((-0.2, 120.0), (0.7, 151.0), (2.0, 140.0), (26.0, 190.0))
            ],
            events=[{"participant": name, "start_h": 0.5, "end_h": None, "term": "nausea", "severity": "mild",
                     "serious": False, "related": "probable"} for name in ("a", "a", "b")],
        )
    )  # fmt: skip


def test_changes_and_responses_are_counted_by_the_protocols_definitions(three: Answer) -> None:
    assert three.observed is not None
    [arm] = three.observed.arms
    assert (arm.people, arm.with_baseline) == (4, 3)
    day, week = arm.at
    # a: 30 to 15 is exactly half; b: 40 to 21 is not; c: 20 to 8 is. d has nothing to compare with.
    assert (day.time_h, day.people, day.response) == (DAY, 3, Share(2, 3))
    assert day.mean_change == pytest.approx((-15 - 19 - 12) / 3, abs=1e-6)
    assert (week.people, week.response) == (2, Share(1, 2))
    assert {name: (share.yes, share.of) for name, share in week.remission.items()}["remission-10"] == (1, 2)
    assert arm.ever_responded == Share(2, 3)
    assert arm.time_to_response_h == DAY


def test_what_stands_at_no_time_of_the_protocol_is_left_out_and_told(three: Answer) -> None:
    assert three.observed is not None
    assert (three.observed.ratings, three.observed.left_out) == (11, 1)
    assert "Here: 1 rating of 11." in observed_section(three)


def test_the_first_session_is_a_rise_above_the_reading_before_it(three: Answer) -> None:
    assert three.observed is not None
    peak = three.observed.arms[0].peaks["systolic"]
    assert (peak.people, peak.over_people.median) == (1, 31.0)
    assert three.observed.arms[0].adverse_events == {"nausea": 2}


def test_the_smaller_the_group_the_wider_what_is_expected_of_it() -> None:
    ratings = {name: [(None, -1.0, 30.0), (DAY, 24.0, 20.0)] for name in "abcd"}
    four = observed_in(records(ratings)).arms[0].at[0].expected_change
    one = observed_in(records({"a": ratings["a"]})).arms[0].at[0].expected_change
    assert one.high90 - one.low90 > 1.3 * (four.high90 - four.low90)  # type: ignore[operator]


def test_of_two_ratings_for_one_time_the_planned_raters_counts_then_the_nearer() -> None:
    seen = [(None, -1.0, 30.0), (DAY, 20.0, 10.0), (DAY, 24.5, 20.0), (DAY, 28.0, 12.0)]
    given = records({"a": seen})
    assert observed_in(given).arms[0].at[0].mean_change == -10.0
    unplanned = given.observations.with_columns(
        rater=pl.when(pl.col("value") == 20.0).then(pl.lit("treating")).otherwise(pl.col("rater"))
    )
    again = Records(participants=given.participants, observations=unplanned)
    assert observed_in(again).arms[0].at[0].mean_change in (-20.0, -18.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [(records({"a": [(None, -1.0, 30.0)]}, arm="arm A"), "arms that the protocol does not have"),
     (Records(), "nobody in these records")],
)  # fmt: skip
def test_records_of_another_study_are_refused(given: Records, message: str) -> None:
    with pytest.raises(InputError, match=message):
        laid_beside(given)


def test_the_page_says_what_was_observed_and_without_records_nothing_of_it(three: Answer) -> None:
    whole = page(three)
    assert '<section id="observed"' in whole
    assert "4 people" in whole
    assert "observed: 3 rated" not in whole  # the words of a mark are data, not text
    assert "Ketamine" in observed_section(three)
    plain = answer(load(PROTOCOL), patients=4, seed=1)
    assert "observed" not in plain.as_dict()
    assert '<section id="observed"' not in page(plain)


def test_arms_without_a_rating_yet_are_told_and_nothing_is_drawn() -> None:
    found = laid_beside(records({"a": [(None, -1.0, 30.0)]}))
    assert "none rated both before and after" in observed_section(found)
