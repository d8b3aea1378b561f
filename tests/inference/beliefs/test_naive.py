"""The two-step analysis agrees with an independent least squares and t test, and with arithmetic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from upturn.beliefs.answers import Answers
from upturn.errors import InputError
from upturn.inference.beliefs.naive import least_squares, places, t_test, two_sided_p, two_step


def test_least_squares_is_that_of_the_regression_on_error_and_its_size(study: Callable[..., Answers]) -> None:
    found = study()
    scaling, asymmetry = least_squares(found.first, found.second, found.base_rate, found.answered)
    for i in range(len(found.participant)):
        there = found.answered[i]
        error = (found.first - found.base_rate)[i][there]
        fall = (found.first - found.second)[i][there]
        expected = np.linalg.lstsq(np.stack([error, np.abs(error)], axis=1), fall, rcond=None)[0]
        np.testing.assert_allclose([scaling[i], asymmetry[i]], expected, atol=1e-12)


def test_a_session_with_one_kind_of_news_has_no_estimate() -> None:
    first, rate = np.full((1, 9), 50.0), np.full((1, 9), 20.0)
    scaling, asymmetry = least_squares(first, first - 3, rate, np.ones((1, 9), dtype=bool))
    assert np.isnan(scaling[0])
    assert np.isnan(asymmetry[0])


def test_many_studies_at_once_are_the_same_as_one_by_one(study: Callable[..., Answers]) -> None:
    many = [study(seed=seed) for seed in (1, 2)]
    stacked = [np.stack([getattr(each, n) for each in many]) for n in ("first", "second", "base_rate", "answered")]
    together = least_squares(*stacked)[1]
    for i, each in enumerate(many):
        alone = least_squares(each.first, each.second, each.base_rate, each.answered)[1]
        np.testing.assert_array_equal(together[i], alone)


def test_the_t_test_is_welchs() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.normal(0.4, 2.0, (5, 9)), rng.normal(0.0, 1.0, (5, 14))
    difference, se, freedom = t_test(one, two)
    expected = stats.ttest_ind(one, two, axis=1, equal_var=False)
    np.testing.assert_allclose(difference / se, expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(two_sided_p(difference / se, freedom), expected.pvalue, rtol=1e-9)


def test_two_step_gives_p_and_interval_and_leaves_out_who_has_no_change() -> None:
    rng = np.random.default_rng(5)
    values = rng.normal(size=24)
    values[3] = np.nan
    at = np.arange(24).reshape(-1, 2)
    found = two_step(values, at[:6], at[6:])
    one, two = (values[a[:, 1]] - values[a[:, 0]] for a in (np.delete(at[:6], 1, axis=0), at[6:]))
    expected = stats.ttest_ind(one, two, equal_var=False)
    assert found.people == (5, 6)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.interval == pytest.approx(tuple(expected.confidence_interval()), rel=1e-6)


def test_people_without_both_visits_have_no_change_and_too_few_are_refused() -> None:
    who = ["a", "a", "b", "c", "c", "d"]
    group = ["x", "x", "x", "y", "y", "y"]
    visit = ["1", "2", "1", "2", "1", "2"]
    one = places(who, group, visit, who="x", before="1", after="2")
    two = places(who, group, visit, who="y", before="1", after="2")
    assert one.tolist() == [[0, 1]]
    assert two.tolist() == [[4, 3]]
    with pytest.raises(InputError, match="Too few people"):
        two_step(np.zeros(6), one, two)
