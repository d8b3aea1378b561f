"""Real roots against NumPy's companion matrix, and where they are hard."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from upturn.numerics import mammillary, real_roots

positive = st.floats(min_value=1e-3, max_value=1e3)


@jax.jit
def solve(coefficients: jax.Array) -> jax.Array:
    return jnp.stack(real_roots(list(coefficients)))


@settings(max_examples=60, deadline=None)
@given(roots=st.lists(positive, min_size=1, max_size=4))
def test_roots_are_those_of_numpy(roots: list[float]) -> None:
    wanted = np.sort(roots)
    assume(all(b / a > 1.01 for a, b in itertools.pairwise(wanted)))
    found = np.asarray(solve(jnp.array(np.poly(wanted)[1:])))
    np.testing.assert_allclose(found, wanted, rtol=1e-8)
    np.testing.assert_allclose(found, np.sort(np.roots(np.poly(wanted)).real), rtol=1e-6)


@settings(max_examples=40, deadline=None)
@given(rates=st.lists(positive, min_size=7, max_size=7))
def test_the_rates_of_a_body_are_the_eigenvalues_of_its_matrix(rates: list[float]) -> None:
    elimination, *exchange = rates
    out, back = exchange[:3], exchange[3:]
    # Equal rates back give a double root, which has half the digits; the response does not mind (below).
    assume(all(abs(a - b) > 0.01 * b for a, b in itertools.combinations(back, 2)))
    matrix = np.zeros((4, 4))
    matrix[0, 0] = elimination + sum(out)
    for i in range(3):
        matrix[0, i + 1], matrix[i + 1, 0] = -back[i], -out[i]
        matrix[i + 1, i + 1] = back[i]
    # Symmetrised: similar to the matrix, and its eigenvalues are well conditioned.
    off = np.sqrt(np.multiply(out, back))
    matrix[0, 1:] = matrix[1:, 0] = -off
    wanted = np.linalg.eigvalsh(matrix)
    found = np.asarray(eigenvalues(jnp.array(rates)))
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-11 * wanted.max())


@jax.jit
def eigenvalues(rates: jax.Array) -> jax.Array:
    elimination, *exchange = rates
    pairs = [(exchange[i], exchange[i + 3], 0.0) for i in range(3)]
    return mammillary("k", elimination=elimination, exchange=pairs).rates


def test_two_tissues_with_one_rate_back_are_no_trouble() -> None:
    body = mammillary("k", elimination=1.0, exchange=[(0.5, 0.2, 0.0), (0.3, 0.2, 0.0)])
    assert sorted(map(float, body.rates))[1] == pytest.approx(0.2, rel=1e-9)
    assert float(body.central.area) == pytest.approx(1.0, rel=1e-9)


def test_three_tissues_alike_are_one_large_tissue() -> None:
    three = mammillary("k", elimination=1.0, exchange=[(0.5, 0.2, 0.0)] * 3)
    one = mammillary("k", elimination=1.0, exchange=[(1.5, 0.2, 0.0)])
    at = jnp.array([0.0, 0.5, 2.0, 10.0])
    np.testing.assert_allclose(three.central(at), one.central(at), rtol=1e-6)


def test_a_compartment_that_exchanges_nothing_changes_nothing() -> None:
    alone = mammillary("k", elimination=1.0)
    beside = mammillary("k", elimination=1.0, exchange=[(0.0, 0.3, 0.0)])
    at = jnp.array([0.0, 0.5, 2.0])
    np.testing.assert_allclose(beside.central(at), alone.central(at), rtol=1e-9)


def test_the_roots_have_a_gradient() -> None:
    slope = jax.grad(lambda c: jnp.sum(solve(c) * jnp.array([1.0, 10.0, 100.0])))(jnp.array([-6.0, 11.0, -6.0]))
    assert np.isfinite(np.asarray(slope)).all()
    # Roots 1, 2, 3: d(root)/d(c_k) = −root^(n−k) / p'(root), with p' = 2, −1, 2.
    exact = [-sum(w * r**k / d for w, r, d in zip((1, 10, 100), (1, 2, 3), (2, -1, 2), strict=True)) for k in (2, 1, 0)]
    np.testing.assert_allclose(slope, exact, rtol=1e-9)
