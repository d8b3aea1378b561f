"""Rules on one interval."""

from __future__ import annotations

import math

import pytest

from upturn.numerics import clustered, gauss_legendre


@pytest.mark.parametrize("n", range(1, 9))
def test_gauss_is_exact_up_to_its_degree(n: int) -> None:
    rule = gauss_legendre(n)
    for degree in range(2 * n):
        found = sum(w * x**degree for w, x in zip(rule.weights, rule.nodes, strict=True))
        assert found == pytest.approx(1 / (degree + 1), rel=1e-12)


@pytest.mark.parametrize("make", [gauss_legendre, clustered])
def test_weights_sum_to_one_and_nodes_lie_inside(make: object) -> None:
    rule = make(8)  # type: ignore[operator]
    assert sum(rule.weights) == pytest.approx(1.0, abs=1e-14)
    assert all(0 < x < 1 for x in rule.nodes)
    assert list(rule.nodes) == sorted(rule.nodes)


def test_clustered_nodes_integrate_a_fast_start() -> None:
    rule = clustered(8)
    found = sum(w * math.sqrt(x) for w, x in zip(rule.weights, rule.nodes, strict=True))
    assert found == pytest.approx(2 / 3, rel=1e-12)  # exact: √x is a polynomial in u
