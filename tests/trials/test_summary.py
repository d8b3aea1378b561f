"""Medians and intervals."""

from __future__ import annotations

import numpy as np
import pytest

from upturn.trials.summary import Interval, interval

INF = float("inf")


def test_a_sample_has_its_quantiles() -> None:
    found = interval(np.arange(101.0))
    assert (found.low90, found.low50, found.median, found.high50, found.high90) == (5.0, 25.0, 50.0, 75.0, 95.0)


def test_never_is_not_a_number_but_none() -> None:
    found = interval([1.0, 2.0, 3.0, INF])
    assert found.median == 2.0
    assert found.high90 is None
    assert interval([INF, INF]).low90 is None


def test_no_value_is_made_up_between_a_time_and_never() -> None:
    sample = [24.0] * 6 + [INF] * 4
    assert {interval(sample).low90, interval(sample).median} == {24.0}


def test_what_was_not_measured_is_left_out() -> None:
    assert interval([np.nan, 1.0, np.nan]) == Interval(1.0, 1.0, 1.0, 1.0, 1.0)
    assert interval([np.nan]) == Interval(None, None, None, None, None)


@pytest.mark.parametrize("shape", [(6,), (2, 3), (3, 2, 1)])
def test_the_shape_of_a_sample_does_not_matter(shape: tuple[int, ...]) -> None:
    assert interval(np.arange(6.0).reshape(shape)) == interval(np.arange(6.0))
