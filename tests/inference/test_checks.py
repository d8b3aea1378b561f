"""Posterior-predictive checks: a model that made the numbers passes, and numbers from elsewhere do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from upturn.inference.checks import KINDS, check
from upturn.inference.observations import Observations
from upturn.inference.synthetic import draw_prior, simulate
from upturn.population import Checked, shipped_posterior

KEEP = 40


@pytest.fixture(scope="module")
def known(few: Observations) -> tuple[Observations, dict[str, np.ndarray]]:
    """Numbers that the model made, and the truth behind them as though it had been drawn again and again."""
    truth = draw_prior(few, 5)
    draws = {name: np.broadcast_to(np.asarray(value), (1, KEEP, *np.shape(value))) for name, value in truth.items()}
    return simulate(few, truth, 5), draws


def by_name(checks: tuple[Checked, ...]) -> dict[str, Checked]:
    return {each.name: each for each in checks}


def test_numbers_that_the_model_made_look_like_its_own(known: tuple[Observations, dict[str, np.ndarray]]) -> None:
    seen, draws = known
    found = check(seen, draws, keep=KEEP, seed=1)
    assert 0.02 < found[0].p < 0.98
    assert np.mean([0.02 < each.p < 0.98 for each in found]) > 0.8
    assert found == check(seen, draws, keep=KEEP, seed=1)


def test_every_published_number_is_in_one_kind_and_in_one_trial(
    known: tuple[Observations, dict[str, np.ndarray]],
) -> None:
    seen, draws = known
    found = check(seen, draws, keep=KEEP, seed=1)
    total = sum(map(len, (*seen.falls, seen.standardised, seen.ideation, seen.spreads, seen.counts, seen.chances)))
    for of in ("everything", "kind", "trial"):
        assert sum(each.numbers for each in found if each.of == of) == total, of
    assert [each.name for each in found if each.of == "trial"] == sorted(seen.trials)


def test_a_wrong_mean_is_seen_in_its_kind_and_its_trial(known: tuple[Observations, dict[str, np.ndarray]]) -> None:
    seen, draws = known
    wrong = (tuple(row._replace(value=row.value + 30) for row in seen.falls[0]), *seen.falls[1:])
    found = by_name(check(replace(seen, falls=wrong), draws, keep=KEEP, seed=1))
    trial = seen.trials[seen.asked.at.trial[seen.falls[0][0].arm]]
    kind = "contrasts" if seen.falls[0][0].control is not None else "means"
    for name in ("everything", kind, trial):
        assert found[name].p < 0.01, name
    others = [each for name, each in found.items() if each.of == "trial" and name != trial]
    assert all(each.p > 0.01 for each in others)


def test_wrong_counts_are_seen(known: tuple[Observations, dict[str, np.ndarray]]) -> None:
    seen, draws = known
    shifted = tuple(
        count if count.within >= 0 else count._replace(happened=count.people - count.happened)
        for count in seen.counts
    )  # fmt: skip
    found = by_name(check(replace(seen, counts=shifted), draws, keep=KEEP, seed=1))
    right = by_name(check(seen, draws, keep=KEEP, seed=1))
    assert found["fractions"].p < 0.05 < right["fractions"].p
    assert found["means"] == right["means"]


def test_the_shipped_posterior_comes_with_its_checks(seen: Observations) -> None:
    found = shipped_posterior().checks
    assert [each.name for each in found if each.of == "kind"] == list(KINDS)
    assert {each.name for each in found if each.of == "trial"} == set(seen.trials)
    assert all(0 <= each.p <= 1 for each in found)
