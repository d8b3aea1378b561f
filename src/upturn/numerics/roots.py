"""All roots of a polynomial whose roots are known to be real and positive, without branches."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array, Float

__all__ = ["real_roots"]

LAGUERRE_STEPS = 6  # cubic convergence from the left of the smallest root: 4 reach float64, 2 to spare
POLISH_STEPS = 2


def real_roots(coefficients: Sequence[Float[Array, ""]]) -> list[Float[Array, ""]]:
    """Find the roots of ``x^n + c1 x^(n-1) + … + cn``, all real and positive, in ascending order.

    Laguerre's iteration from zero rises monotonically to the smallest root (Wilkinson 1965, ch. 7); the
    polynomial is deflated, the last two roots come from the quadratic formula, and Newton steps on the
    undeflated polynomial polish each root.

    Parameters
    ----------
    coefficients
        ``c1 … cn`` of the monic polynomial, ``n`` from 1 to 4.

    Returns
    -------
    list
        ``n`` roots.

    Examples
    --------
    >>> [round(float(root), 12) for root in real_roots([jnp.array(-6.0), jnp.array(11.0), jnp.array(-6.0)])]
    [1.0, 2.0, 3.0]
    """
    whole = list(coefficients)
    rest = list(coefficients)
    roots = []
    while len(rest) > 2:
        root = _smallest(rest)
        roots.append(root)
        rest = _deflate(rest, root)
    roots += _quadratic(rest) if len(rest) == 2 else [-rest[0]]
    return list(_polish(whole, jnp.stack(roots))) if len(whole) > 2 else roots


def _values(c: Sequence[Float[Array, ""]], x: Float[Array, ""]) -> tuple[Float[Array, ""], ...]:
    p, dp, ddp = jnp.ones_like(x), jnp.zeros_like(x), jnp.zeros_like(x)
    for each in c:
        ddp = ddp * x + dp
        dp = dp * x + p
        p = p * x + each
    return p, dp, 2 * ddp


def _smallest(c: Sequence[Float[Array, ""]]) -> Float[Array, ""]:
    n = len(c)
    x = jnp.zeros_like(c[0])
    for _ in range(LAGUERRE_STEPS):
        p, dp, ddp = _values(c, x)
        # From the left of all roots dp has the sign of -p, so the step is -n p / (dp + sign(dp) √…).
        inside = (n - 1) * ((n - 1) * dp * dp - n * p * ddp)
        denominator = dp + jnp.sign(dp) * jnp.sqrt(jnp.maximum(inside, 0.0))
        x = x - jnp.where(denominator == 0, 0.0, n * p / jnp.where(denominator == 0, 1.0, denominator))
    return x


def _deflate(c: Sequence[Float[Array, ""]], root: Float[Array, ""]) -> list[Float[Array, ""]]:
    out = []
    last = jnp.ones_like(root)
    for each in c[:-1]:
        last = each + root * last
        out.append(last)
    return out


def _quadratic(c: Sequence[Float[Array, ""]]) -> list[Float[Array, ""]]:
    half = -0.5 * c[0]
    large = half + jnp.sqrt(jnp.maximum(half * half - c[1], 0.0))
    return [c[1] / large, large]


def _polish(c: Sequence[Float[Array, ""]], x: Float[Array, ""]) -> Float[Array, ""]:
    for _ in range(POLISH_STEPS):
        p, dp, _ = _values(c, x)
        x = x - jnp.where(dp == 0, 0.0, p / jnp.where(dp == 0, 1.0, dp))
    return x
