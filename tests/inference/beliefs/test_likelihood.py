"""The likelihood of two answers: against brute-force integration, and in its limits."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr
from scipy.stats import norm

from upturn.inference.beliefs.likelihood import (
    Numbers,
    bounds,
    given_first,
    limits,
    log_normal_cdf,
    with_first_at_bound,
    with_first_inside,
)

LOWEST, HIGHEST = bounds()
# mean, spread, report, answer, scaling, asymmetry, carried, beside
USUAL = (36.0, 18.0, 8.0, 8.0, 0.4, 0.07, 0.0, 0.0)
STEADY = (36.0, 20.0, 3.0, 4.0, 0.4, 0.3, 0.0, 1.5)
CARRYING = (30.0, 16.0, 5.0, 10.0, 0.6, -0.2, 0.5, -2.0)


def log_answer(answer: float, mean: np.ndarray, sd: float) -> np.ndarray:
    if answer <= LOWEST:
        return norm.logcdf(LOWEST + 0.5, mean, sd)
    if answer >= HIGHEST:
        return norm.logsf(HIGHEST - 0.5, mean, sd)
    return norm.logpdf(answer, mean, sd)


def brute(first: float, second: float, base_rate: float, numbers: tuple[float, ...]) -> float:
    """Sum over a fine grid of beliefs."""
    mean, spread, report, answer, scaling, asymmetry, carried, beside = numbers
    held = np.linspace(-250.0, 300.0, 200_001)
    belief = np.clip(held, *limits())
    start = belief + carried * (first - belief)
    error = start - base_rate
    learnt = start - (scaling + asymmetry * np.sign(error)) * error + beside
    density = norm.logpdf(held, mean, spread) + log_answer(first, belief, report) + log_answer(second, learnt, answer)
    return float(np.log(np.sum(np.exp(density)) * (held[1] - held[0])))


def of(first: float, second: float, base_rate: float, numbers: tuple[float, ...]) -> float:
    one, two, rate = (jnp.array([float(x)]) for x in (first, second, base_rate))
    n = Numbers(*(jnp.array([x]) for x in numbers))
    if not LOWEST < first < HIGHEST:
        return float(with_first_at_bound(one, two, rate, n)[0])
    return float(with_first_inside(one, two, rate, n, second_inside=LOWEST < second < HIGHEST)[0])


@pytest.mark.parametrize("numbers", [USUAL, STEADY, CARRYING])
@pytest.mark.parametrize(
    ("first", "second", "base_rate"), [(50, 45, 38), (20, 22, 38), (5, 9, 38), (6, 20, 10), (38, 38, 38), (70, 15, 10)]
)
def test_between_the_bounds_the_integral_is_exact(
    first: float, second: float, base_rate: float, numbers: tuple[float, ...]
) -> None:
    assert of(first, second, base_rate, numbers) == pytest.approx(brute(first, second, base_rate, numbers), abs=1e-7)


@pytest.mark.parametrize("numbers", [USUAL, CARRYING])
@pytest.mark.parametrize(
    ("first", "second", "base_rate"),
    [(40, 3, 30), (12, 3, 18), (70, 77, 60), (3, 12, 40), (3, 3, 20), (77, 60, 45), (77, 77, 70)],
)
def test_at_a_bound_the_quadrature_is_close(
    first: float, second: float, base_rate: float, numbers: tuple[float, ...]
) -> None:
    # The belief at its limit is a kink, which a quadrature feels.
    assert of(first, second, base_rate, numbers) == pytest.approx(brute(first, second, base_rate, numbers), abs=5e-3)


@settings(deadline=None, max_examples=30)
@given(first=st.integers(4, 76), second=st.integers(3, 77), base_rate=st.integers(10, 70))
def test_when_all_is_carried_the_first_answer_is_the_belief(first: int, second: int, base_rate: int) -> None:
    numbers = (*USUAL[:6], 1 - 1e-7, 0.0)
    mean, spread, report = USUAL[:3]
    n = Numbers(*(jnp.array([x]) for x in numbers))
    one, two, rate = (jnp.array([float(x)]) for x in (first, second, base_rate))
    alone = float(given_first(one, two, rate, n)[0])
    held = np.linspace(-100.0, 200.0, 100_001)
    seen = norm.pdf(held, mean, spread) * norm.pdf(first, np.clip(held, *limits()), report)
    expected = alone + np.log(np.sum(seen) * (held[1] - held[0]))
    is_closed = LOWEST < second < HIGHEST
    assert of(first, second, base_rate, numbers) == pytest.approx(expected, abs=1e-4 if is_closed else 5e-3)


@settings(deadline=None)
@given(st.floats(-40.0, 10.0))
def test_the_logarithm_of_the_normal_distribution_function(z: float) -> None:
    assert float(log_normal_cdf(jnp.asarray(z))) == pytest.approx(float(log_ndtr(z)), rel=1e-5, abs=1e-12)


@settings(deadline=None)
@given(st.floats(-30.0, 8.0))
def test_its_slope(z: float) -> None:
    slope = float(jax.grad(log_normal_cdf)(jnp.asarray(z)))
    assert slope == pytest.approx(float(np.exp(norm.logpdf(z) - log_ndtr(z))), rel=1e-4, abs=1e-12)


def test_probabilities_of_all_answers_add_up_to_one() -> None:
    """Whole numbers from 3 to 77 twice: midpoint sums of the densities, and the bounds as they are."""
    first, second = (x.ravel().astype(float) for x in np.meshgrid(np.arange(3, 78), np.arange(3, 78)))
    inside = (first > LOWEST) & (first < HIGHEST)
    total = 0.0
    for which, at_bound in (
        (inside & (second > LOWEST) & (second < HIGHEST), False),
        (inside & ((second <= LOWEST) | (second >= HIGHEST)), True),
    ):
        n = Numbers(*(jnp.full(which.sum(), x) for x in CARRYING))
        one = (jnp.asarray(first[which]), jnp.asarray(second[which]), jnp.full(which.sum(), 40.0))
        total += float(jnp.sum(jnp.exp(with_first_inside(*one, n, second_inside=not at_bound))))
    n = Numbers(*(jnp.full((~inside).sum(), x) for x in CARRYING))
    one = (jnp.asarray(first[~inside]), jnp.asarray(second[~inside]), jnp.full((~inside).sum(), 40.0))
    assert total + float(jnp.sum(jnp.exp(with_first_at_bound(*one, n)))) == pytest.approx(1.0, abs=2e-3)
