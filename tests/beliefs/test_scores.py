"""Model-free scores, against counts by hand and against what must hold for any answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.beliefs.answers import Answers
from upturn.beliefs.scores import RECALLED, memory_error, score
from upturn.errors import InputError
from upturn.records import Records, empty


def one(
    base_rate: Sequence[float], first: Sequence[float], second: Sequence[float], other: Sequence[float] | None = None,
    fillers: tuple[Sequence[float], Sequence[float]] = ([], []),
) -> Answers:  # fmt: skip
    """Lay out one session."""
    n, f = len(first), len(fillers[0])

    def row(values: Sequence[float]) -> np.ndarray:
        return np.asarray([values], dtype=float).reshape(1, -1)

    return Answers(
        participant=("p1",), group=("all",), visit=("before",), events=tuple(f"e{k}" for k in range(n + f)),
        event=np.arange(n)[None], base_rate=row(base_rate), first=row(first), second=row(second),
        other=row(other or [np.nan] * n), trust=np.full((1, n), np.nan), answered=~np.isnan(row(second)),
        filler_event=np.arange(n, n + f)[None], filler_first=row(fillers[0]), filler_second=row(fillers[1]),
        filler_answered=~np.isnan(row(fillers[1])),
    )  # fmt: skip


NAN = float("nan")
# By hand: three good news (+10, +20, +10), two bad (-10, -30), one without news, one without answer.
HAND = one(
    base_rate=[30, 30, 50, 40, 70, 45, 20],
    first=[40, 50, 60, 30, 40, 45, 33],
    second=[35, 28, 65, 36, 71, 45, NAN],
    other=[45, 25, 50, 50, 60, 50, 40],
    fillers=([40, 30], [46, 22]),
)


def test_a_session_scored_by_hand() -> None:
    found = score(HAND)
    assert (found.trials[0], found.good[0], found.bad[0], found.no_news[0]) == (6, 3, 2, 1)
    assert found.update_good[0] == pytest.approx((5 + 22 - 5) / 3)
    assert found.update_bad[0] == pytest.approx((6 + 31) / 2)
    assert found.first[0] == pytest.approx((40 + 50 + 60 + 30 + 40 + 45) / 6)
    assert found.error[0] == pytest.approx((10 + 20 + 10 - 10 - 30 + 0) / 6)
    assert (found.error_good[0], found.error_bad[0]) == (pytest.approx(40 / 3), pytest.approx(20))
    assert found.distance[0] == pytest.approx((5 - 25 - 10 + 20 + 20 + 5) / 6)
    assert (found.paradoxical[0], found.undershoot[0], found.overshoot[0]) == (1, 1, 1)
    assert found.unchanged[0] == pytest.approx(1 / 6)
    assert found.copied[0] == pytest.approx(1 / 6)
    assert found.report_noise[0] == pytest.approx(np.sqrt((36 + 64) / 2 / 2))


def test_news_by_the_estimate_for_another() -> None:
    found = score(HAND, news="other")
    # Other above the base rate: trials 1, 4, 6; below: 2, 5; level: 3.
    assert (found.good[0], found.bad[0], found.no_news[0]) == (3, 2, 1)
    assert found.update_good[0] == pytest.approx((5 - 6 + 0) / 3)
    assert found.update_bad[0] == pytest.approx((-22 + 31) / 2)
    assert (found.paradoxical[0], found.undershoot[0], found.overshoot[0]) == (1, 1, 1)


def test_news_by_the_estimate_for_another_needs_that_estimate() -> None:
    found = score(one([30, 30], [40, 20], [35, 25]), news="other")
    assert (found.good[0], found.bad[0]) == (0, 0)
    assert np.isnan(found.update_good[0])
    assert np.isnan(found.distance[0])


def test_other_news_is_refused() -> None:
    with pytest.raises(InputError, match="news"):
        score(HAND, news="neighbour")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (8, 8, ""),
        (7, 8, "fewer than 8 trials: 7 with good news"),
        (8, 0, "fewer than 8 trials: 0 with bad news"),
        (3, 2, "fewer than 8 trials: 3 with good news, 2 with bad news"),
    ],
)
def test_the_bias_needs_eight_on_each_side_or_says_why_not(good: int, bad: int, reason: str) -> None:
    found = score(one([40] * (good + bad), [50] * good + [30] * bad, [46] * good + [32] * bad))
    assert found.no_bias == (reason,)
    if reason:
        assert np.isnan(found.bias[0])
    else:
        assert found.bias[0] == pytest.approx(4 - 2)


def test_answers_at_the_bounds_are_those_of_the_task() -> None:
    answers = one([40, 40, 40, 40], [3, 77, 50, 20], [3, 60, 50, 20])
    assert score(answers).at_bounds[0] == pytest.approx(3 / 8)
    assert score(answers, bounds=(0, 50)).at_bounds[0] == pytest.approx(2 / 8)


percent = st.integers(3, 77).map(float)


@given(st.lists(st.tuples(percent, percent, percent), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_turning_the_scale_round_swaps_good_and_bad(trials: list[tuple[float, float, float]]) -> None:
    base_rate, first, second = (list(each) for each in zip(*trials, strict=True))
    plain = score(one(base_rate, first, second))
    turn = [[80 - value for value in each] for each in (base_rate, first, second)]
    turned = score(one(turn[0], turn[1], turn[2]))
    assert plain.good == turned.bad
    np.testing.assert_allclose(plain.update_good, turned.update_bad)
    np.testing.assert_allclose(plain.bias, -turned.bias)
    assert plain.undershoot == turned.overshoot
    assert plain.paradoxical == turned.paradoxical
    np.testing.assert_allclose(plain.at_bounds, turned.at_bounds)


def test_noise_in_reports_alone_gives_updates_towards_the_base_rate() -> None:
    """Nobody learns, nobody forgets, and yet the scores are positive: the size that the notes computed."""
    draws = np.random.default_rng(1)
    people, trials, noise = 400, 40, 8.0
    base_rate = np.tile(np.linspace(10, 70, trials), (people, 1))
    belief = draws.normal(35, 18, (people, trials))
    first, second = ((belief + draws.normal(0, noise, belief.shape)).round().clip(3, 77) for _ in range(2))
    blank = np.full((people, trials), np.nan)
    none = np.zeros((people, 0))
    answers = Answers(
        participant=tuple(map(str, range(people))), group=("all",) * people, visit=("only",) * people,
        events=tuple(map(str, range(trials))), event=np.tile(np.arange(trials), (people, 1)), base_rate=base_rate,
        first=first, other=blank, second=second, trust=blank, answered=np.ones((people, trials), dtype=bool),
        filler_event=none.astype(int), filler_first=none, filler_second=none, filler_answered=none.astype(bool),
    )  # fmt: skip
    found = score(answers)
    assert np.nanmean(found.update_good) > 1
    assert np.nanmean(found.update_bad) > 1
    assert np.isnan(found.report_noise).all()


def remembered(*rows: tuple[str, float, str, float]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["participant", "time_h", "item", "value"], orient="row")
    return frame.with_columns(
        instrument=pl.lit(RECALLED),
        unit=pl.lit("percent"),
        planned_h=pl.lit(None),
        rater=pl.lit(None),
        recall_h=pl.lit(None),
    )


def test_memory_is_scored_for_the_session_before_it() -> None:
    twice: dict[str, Any] = {
        name: np.repeat(getattr(HAND, name), 2, axis=0)
        for name in (
            "event", "base_rate", "first", "other", "second", "trust", "answered", "filler_event", "filler_first",
            "filler_second", "filler_answered",
        )
    }  # fmt: skip
    base = dataclasses.replace(
        HAND, participant=("p1", "p1"), group=("all",) * 2, visit=("before", "later"),
        **twice,
    )  # fmt: skip
    updates = pl.concat(
        [empty("updates").select("participant", "visit", "time_h"),
         pl.DataFrame({"participant": ["p1"] * 2, "visit": ["before", "later"], "time_h": [-24.0, 4.0]})]
    )  # fmt: skip
    seen = remembered(
        ("p1", -23.0, "e0", 37.0), ("p1", -23.0, "e1", 29.0), ("p1", -23.0, "e6", 0.0), ("p1", 5.0, "e2", 54.0)
    )
    records = Records(updates=updates, observations=seen)
    np.testing.assert_allclose(memory_error(records, base), [(7 + 1) / 2, 4])
    np.testing.assert_array_equal(
        memory_error(Records(updates=updates, observations=empty("observations")), base), [np.nan, np.nan]
    )
