"""A smooth function on [0, 1] from its values at a few points."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

__all__ = ["chebyshev_points", "interpolated"]


def chebyshev_points(n: int) -> Float[np.ndarray, " point"]:
    """Give the ``n`` Chebyshev points of the first kind on (0, 1), where a polynomial may be laid through values.

    Examples
    --------
    >>> [round(float(x), 3) for x in chebyshev_points(3)]
    [0.067, 0.5, 0.933]
    """
    return 0.5 * (1 + np.polynomial.chebyshev.chebpts1(n))


def interpolated(values: Float[Array, " point"], x: Float[Array, ""]) -> Float[Array, ""]:
    """Read the polynomial through values at the Chebyshev points.

    Parameters
    ----------
    values
        At ``chebyshev_points(n)``, any ``n``.
    x
        Where to read it [0 to 1].

    Examples
    --------
    >>> points = chebyshev_points(4)
    >>> round(float(interpolated(jnp.asarray(points**3), jnp.asarray(0.3))), 6)
    0.027
    """
    n = values.shape[0]
    at = np.polynomial.chebyshev.chebpts1(n)
    # Chebyshev coefficients by the discrete orthogonality of the polynomials at their points.
    weights = np.polynomial.chebyshev.chebvander(at, n - 1).T * np.where(np.arange(n) == 0, 1, 2)[:, None] / n
    # Written as a recurrence: arccos has no derivative at the ends.
    turned = 2 * x - 1
    terms = [jnp.ones_like(turned), turned]
    for _ in range(n - 2):
        terms.append(2 * turned * terms[-1] - terms[-2])
    return jnp.stack(terms[:n]) @ (jnp.asarray(weights) @ values)
