"""Laws of linear kinetics: nothing is lost, order and units do not matter, nearly equal rates have a limit."""

from __future__ import annotations

from math import exp, factorial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.numerics import Exponentials, convolve, delay, first_order, mammillary

rate = st.floats(min_value=0.02, max_value=40.0)
few = settings(max_examples=40, deadline=None)
TIME_H = jnp.array([0.0, 0.1, 0.7, 3.0, 12.0, 50.0])

Rates = tuple[float, ...]


def until(response: Exponentials, time_h: jax.Array) -> jax.Array:
    """∫ of the response from 0 to each time."""
    terms = [-a / k * jnp.expm1(-k * time_h) for k, a in zip(response.rates, response.amplitudes, strict=True)]
    return sum(terms, start=jnp.zeros_like(time_h))


@jax.jit
def amounts(rates: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Amounts in three compartments after a unit into the centre (compartment, time), and what has left."""
    out1, back1, leave1, out2, back2, leave2, elimination = rates
    body = mammillary("k", elimination=elimination, exchange=[(out1, back1, leave1), (out2, back2, leave2)])

    parts = (body.central, body.to(0), body.to(1))
    gone = [k * until(g, TIME_H) for k, g in zip((elimination, leave1, leave2), parts, strict=True)]
    return jnp.stack([g(TIME_H) for g in parts]), sum(gone, start=jnp.zeros_like(TIME_H))


@few
@given(rates=st.tuples(*[rate] * 7))
def test_what_is_in_the_body_and_what_has_left_is_the_dose(rates: Rates) -> None:
    inside, gone = amounts(jnp.array(rates))
    np.testing.assert_allclose(inside.sum(axis=0) + gone, 1.0, atol=1e-9)
    assert (inside > -1e-9).all()
    np.testing.assert_allclose(inside[:, 0], [1.0, 0.0, 0.0], atol=1e-9)


@jax.jit
def two_compartments(rates: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    out, back, leave, elimination = rates
    body = mammillary("k", elimination=elimination, exchange=[(out, back, leave)])
    parts = body.back_from(0), body.within(0)
    gone = elimination * until(parts[0], TIME_H) + leave * until(parts[1], TIME_H)
    return jnp.stack([g(TIME_H) for g in parts]), gone, elimination * parts[0].area + leave * parts[1].area


@few
@given(rates=st.tuples(*[rate] * 4))
def test_a_dose_into_a_peripheral_compartment_is_not_lost_either(rates: Rates) -> None:
    inside, gone, whole = two_compartments(jnp.array(rates))
    np.testing.assert_allclose(inside.sum(axis=0) + gone, 1.0, atol=1e-9)
    np.testing.assert_allclose(inside[:, 0], [0.0, 1.0], atol=1e-9)
    assert float(whole) == pytest.approx(1.0, rel=1e-9)


@few
@given(clearance=rate, volume=rate, exchange=st.tuples(rate, rate, rate, rate))
def test_the_area_of_a_concentration_is_dose_over_clearance(clearance: float, volume: float, exchange: Rates) -> None:
    assert float(area(jnp.array([clearance, volume, *exchange]))) == pytest.approx(1 / clearance, rel=1e-9)


@jax.jit
def area(p: jax.Array) -> jax.Array:
    clearance, volume, q1, v1, q2, v2 = p
    exchange = [(q1 / volume, q1 / v1, 0.0), (q2 / volume, q2 / v2, 0.0)]
    return (mammillary("k", elimination=clearance / volume, exchange=exchange).central * (1 / volume)).area


@jax.jit
def rescaled(rates: jax.Array, factor: jax.Array) -> tuple[jax.Array, jax.Array]:
    def response(k: jax.Array, time: jax.Array) -> jax.Array:
        body = mammillary("k", elimination=k[0], exchange=[(k[1], k[2], 0.0), (k[3], k[4], 0.0)])
        return convolve(first_order("a", k[5]) * (1 / k[5]), body.central)(time) * k[5]

    return response(rates, TIME_H), response(rates / factor, TIME_H * factor)


@few
@given(rates=st.tuples(*[rate] * 6))
def test_minutes_give_what_hours_give(rates: Rates) -> None:
    hours, minutes = rescaled(jnp.array(rates), jnp.asarray(60.0))
    np.testing.assert_allclose(hours, minutes, rtol=1e-6, atol=1e-9)


@jax.jit
def in_series(rates: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    first = first_order("a", rates[0]) + first_order("b", rates[1])
    second = mammillary("k", elimination=rates[2], exchange=[(rates[3], rates[4], 0.0)]).central
    one, two = convolve(first, second), convolve(second, first)
    return one(TIME_H), two(TIME_H), one.area / (first.area * second.area)


@few
@given(rates=st.tuples(*[rate] * 5))
def test_the_order_of_two_systems_in_series_does_not_matter(rates: Rates) -> None:
    one, two, areas = in_series(jnp.array(rates))
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)
    assert float(areas) == pytest.approx(1.0, rel=1e-5)  # areas multiply


GAPS = [0.0, 1e-12, 1e-9, 1e-7, 5e-7, 9e-7, 1.1e-6, 3e-6, 1e-5, 1e-4, 1e-3]
AT_H = (0.05, 0.5, 1.0, 2.0, 6.0)


@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("gap", GAPS)
def test_nearly_equal_rates_give_the_double_root(gap: float, sign: float) -> None:
    pair = convolve(first_order("a", 1.0), first_order("b", 1.0 + sign * gap))
    for t in AT_H:
        # The limit is t e^{−t}; a gap of g changes it by a relative g t / 2.
        assert float(pair(jnp.asarray(t))) == pytest.approx(t * exp(-t), rel=max(gap, 2.5e-6) * (t + 2))


@pytest.mark.parametrize("gap", [-5e-7, 0.0, 1e-7, 2e-6])
def test_a_rate_that_meets_a_pair_of_equal_ones_gives_the_triple_root(gap: float) -> None:
    triple = convolve(first_order("a", 1.0 + gap), delay("t", 2.0, 2))
    for t in AT_H:
        assert float(triple(jnp.asarray(t))) == pytest.approx(t**2 / 2 * exp(-t), rel=1e-3)


@pytest.mark.parametrize("compartments", [1, 2])
def test_a_chain_of_equal_delays_is_a_gamma_density(compartments: int) -> None:
    chain = delay("t", 1.5, compartments)
    k = compartments / 1.5
    for t in AT_H:
        exact = k**compartments * t ** (compartments - 1) * exp(-k * t) / factorial(compartments - 1)
        assert float(chain(jnp.asarray(t))) == pytest.approx(exact, rel=1e-5)


def test_a_longer_chain_of_equal_delays_is_refused() -> None:
    with pytest.raises(ValueError, match="one or two compartments"):
        delay("t", 1.5, 3)


def test_two_systems_with_a_mode_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="modes of their own"):
        convolve(first_order("a", 1.0), first_order("a", 2.0))


def test_responses_add_and_scale() -> None:
    one, two = first_order("a", 1.0), first_order("b", 3.0)
    both = one * 2.0 + two
    for at in map(jnp.asarray, AT_H):
        assert float(both(at)) == pytest.approx(float(2 * one(at) + two(at)), rel=1e-12)
    assert float((one + one)(jnp.asarray(1.0))) == pytest.approx(2 * exp(-1.0), rel=1e-12)
