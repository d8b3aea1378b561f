"""What differs between new trials."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.mood import moderators
from upturn.pharmacology import Simons2022
from upturn.population import draw_trial, shipped_posterior, typical_trial

MANY = 8000


@pytest.fixture(scope="module")
def trials() -> dict[str, np.ndarray]:
    key = jax.random.key(2)
    found = jax.jit(jax.vmap(lambda i: draw_trial(jax.random.fold_in(key, i))))(jnp.arange(MANY))
    return {name: np.asarray(values) for name, values in found.items()}


def test_the_typical_trial_has_the_medians_of_the_posterior() -> None:
    typical = typical_trial()
    for name, learnt in shipped_posterior().learnt.items():
        assert float(typical[name]) == pytest.approx(learnt.median, rel=1e-12), name


def test_a_new_trial_is_one_row_of_the_posterior(trials: dict[str, np.ndarray]) -> None:
    draws = shipped_posterior().draws
    rows = {float(tau): row for row, tau in enumerate(draws["tau_off"])}
    for trial in range(50):
        row = rows[float(trials["tau_off"][trial])]
        for name in ("tau_on", "k_form", "expectancy", "reading_noise"):
            assert trials[name][trial] == draws[name][row], name


def test_every_row_is_as_likely(trials: dict[str, np.ndarray]) -> None:
    drawn = np.unique(trials["tau_off"]).size
    assert drawn > 0.99 * shipped_posterior().draws["tau_off"].size


def test_the_drug_effect_differs_between_trials_too(trials: dict[str, np.ndarray]) -> None:
    draws = shipped_posterior().draws
    log = np.log(draws["effect"])
    exact = np.hypot(log.std(), np.sqrt(np.mean(draws["effect_between_trials"] ** 2)))
    assert np.log(trials["effect"]).std() == pytest.approx(exact, rel=0.08)


def test_moderators_keep_their_priors(trials: dict[str, np.ndarray]) -> None:
    for moderator in moderators():
        assert moderator.prior is not None
        assert trials[moderator.name].std() == pytest.approx(moderator.prior.sd, rel=0.06)
        assert trials[moderator.name].mean() == pytest.approx(0.0, abs=5 * moderator.prior.sd / MANY**0.5)


def test_no_part_of_the_control_arm_is_negative(trials: dict[str, np.ndarray]) -> None:
    for name in ("acute", "slow_ongoing", "slow_started", "slow_started_resistant", "antidepressant", "effect"):
        assert trials[name].min() > 0, name


def test_the_disputed_bioavailability_is_one_of_its_two_values(trials: dict[str, np.ndarray]) -> None:
    p = Simons2022().parameters
    high, low = p.value("f_injection"), p.value("f_injection_low")
    assert set(np.unique(trials["f_injection"])) == {high, low}
    assert (trials["f_injection"] == high).mean() == pytest.approx(0.5, abs=0.04)
