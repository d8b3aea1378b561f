"""How many people of a course report an adverse event."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, logit

from upturn.population import (
    ADVERSE_EVENTS,
    adverse_event_chance,
    adverse_event_numbers,
    draw_trial,
    shipped_posterior,
    typical_trial,
)

MANY = 4000


@pytest.fixture(scope="module")
def trials() -> dict[str, np.ndarray]:
    key = jax.random.key(5)
    found = jax.jit(jax.vmap(lambda i: draw_trial(jax.random.fold_in(key, i))))(jnp.arange(MANY))
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize("term", ADVERSE_EVENTS)
def test_a_typical_trial_lies_where_the_published_counts_do(term: str) -> None:
    usual = typical_trial()
    control = float(adverse_event_chance(usual, term, active=False))
    drug = float(adverse_event_chance(usual, term, active=True))
    learnt = shipped_posterior().learnt
    assert control == pytest.approx(learnt[f"{term}_control_rate"].median)
    assert logit(drug) - logit(control) == pytest.approx(learnt[f"{term}_log_odds"].median)


def test_new_trials_differ_by_the_posterior_and_by_what_trials_have_of_their_own(trials: dict[str, np.ndarray]) -> None:
    draws = shipped_posterior().draws
    for name, between, scale in (
        ("nausea_control_rate", "adverse_event_rate_between_trials", logit),
        ("nausea_log_odds", "adverse_event_log_odds_between_trials", np.asarray),
    ):
        exact = np.hypot(np.std(scale(draws[name])), np.sqrt(np.mean(draws[between] ** 2)))
        assert np.std(scale(trials[name])) == pytest.approx(exact, rel=0.08), name


def test_events_of_one_trial_differ_independently(trials: dict[str, np.ndarray]) -> None:
    both = [logit(trials[f"{term}_control_rate"]) for term in ("nausea", "headache")]
    apart = [logit(shipped_posterior().draws[f"{term}_control_rate"]) for term in ("nausea", "headache")]
    known = np.cov(apart)[0, 1] / np.prod([np.std(each) for each in both])
    assert np.corrcoef(both)[0, 1] == pytest.approx(known, abs=0.08)


def test_the_dose_counts_with_the_drug_only(trials: dict[str, np.ndarray]) -> None:
    reference = adverse_event_numbers().value("adverse_event_reference_dose")
    drawn = {name: jnp.asarray(values) for name, values in trials.items()}
    middle, none, twice = (
        np.asarray(adverse_event_chance(drawn, "nausea", active=True, dose_mg=dose))
        for dose in (reference, None, 2 * reference)
    )
    np.testing.assert_allclose(middle, none)
    np.testing.assert_allclose(twice, expit(logit(middle) + np.log(2) * trials["nausea_dose_slope"]))
    np.testing.assert_allclose(
        adverse_event_chance(drawn, "nausea", active=False, dose_mg=84.0), trials["nausea_control_rate"]
    )
