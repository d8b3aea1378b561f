"""What differs between new trials."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.pharmacology import Simons2022
from upturn.population import draw_trial, typical_trial, uncertain

MANY = 4000


@pytest.fixture(scope="module")
def trials() -> dict[str, np.ndarray]:
    key = jax.random.key(2)
    found = jax.jit(jax.vmap(lambda i: draw_trial(jax.random.fold_in(key, i))))(jnp.arange(MANY))
    return {name: np.asarray(values) for name, values in found.items()}


def test_the_typical_trial_has_every_central_value() -> None:
    typical = typical_trial()
    for parameter in uncertain():
        assert float(typical[parameter.name]) == pytest.approx(parameter.value, abs=1e-12), parameter.name


def test_medians_and_spread_are_those_of_the_priors(trials: dict[str, np.ndarray]) -> None:
    for parameter in uncertain():
        values = trials[parameter.name]
        if parameter.prior is None or f"{parameter.name}_between_trials" in trials or parameter.name.startswith("slow"):
            continue
        if parameter.prior.kind == "lognormal":
            assert np.log(values).std() == pytest.approx(parameter.prior.sd, rel=0.06), parameter.name
            assert np.median(values) == pytest.approx(parameter.value, rel=0.1), parameter.name
        else:
            assert values.std() == pytest.approx(parameter.prior.sd, rel=0.06), parameter.name
            assert values.mean() == pytest.approx(parameter.value, abs=5 * parameter.prior.sd / MANY**0.5)


def test_the_drug_effect_differs_between_trials_too(trials: dict[str, np.ndarray]) -> None:
    log = np.log(trials["effect"])
    assert log.std() == pytest.approx((0.25**2 + 0.45**2) ** 0.5, rel=0.06)


def test_no_part_of_the_control_arm_is_negative(trials: dict[str, np.ndarray]) -> None:
    for name in ("acute", "slow_ongoing", "slow_started", "slow_started_resistant", "antidepressant", "effect"):
        assert trials[name].min() >= 0, name


def test_the_disputed_bioavailability_is_one_of_its_two_values(trials: dict[str, np.ndarray]) -> None:
    p = Simons2022().parameters
    high, low = p.value("f_injection"), p.value("f_injection_low")
    assert set(np.unique(trials["f_injection"])) == {high, low}
    assert (trials["f_injection"] == high).mean() == pytest.approx(0.5, abs=0.04)
