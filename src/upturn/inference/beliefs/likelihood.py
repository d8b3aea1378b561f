"""The likelihood of two answers about one event, with the belief behind the first answer integrated out.

    m ~ N(mean, spread²)                                    belief held before the base rate b is shown
    E1 = m + N(0, report²)                                  first answer
    h = m + carried (E1 − m)                                what learning starts from
    E2 = h − (S + A sign(h − b)) (h − b) + beside + N(0, answer²)    second answer

Answers lie between two bounds; one at a bound is censored there. ``carried = 1`` is the analysis as published, in
which the first answer *is* the belief; ``carried = 0`` is a first answer whose error is forgotten by the second.
Between the bounds the integral over m is closed (two normal regions, one per kind of news); at them it is a short
quadrature.

What lives here: densities of one trial, elementwise. What does not: whose numbers they are (``climb``).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfc, logsumexp
from jaxtyping import Array, Float

from upturn.numerics.quadrature import gauss_legendre
from upturn.parameters import read

__all__ = ["Numbers", "bounds", "given_first", "log_normal_cdf", "with_first_at_bound", "with_first_inside"]

LOG_ROOT_2_PI = float(0.5 * np.log(2 * np.pi))
ROOT_HALF = float(np.sqrt(0.5))
# Below this the closed form of log Φ loses digits and its asymptotic series has nine.
TAIL = -6.0
# Enough for an error of 1e-3 in the logarithm at noise of 3 points (tested); beliefs are integrated this far [percent].
NODES = 24
HERMITE = 16
REACH = 100.0
OVERLAP = 32.0


class Numbers(NamedTuple):
    """Hold the numbers of a trial.

    Parameters
    ----------
    mean, spread
        Of the belief held [percent, points].
    report, answer
        Noise of the first and of the second answer [points].
    scaling, asymmetry
        S and A [fractions].
    carried
        Share of the first answer's error that learning starts from [0 to 1].
    beside
        How far second answers about this event lie beside the rule [points].
    """

    mean: Float[Array, "..."]
    spread: Float[Array, "..."]
    report: Float[Array, "..."]
    answer: Float[Array, "..."]
    scaling: Float[Array, "..."]
    asymmetry: Float[Array, "..."]
    carried: Float[Array, "..."]
    beside: Float[Array, "..."]


def bounds() -> tuple[float, float]:
    """Give the lowest and the highest answer that the task takes [percent]."""
    numbers = read("upturn.beliefs", "task")
    return numbers.value("lowest_estimate"), numbers.value("highest_estimate")


@jax.custom_jvp
def log_normal_cdf(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """Give log Φ(z), with a derivative that costs one exponential.

    Examples
    --------
    >>> [round(float(log_normal_cdf(z)), 6) for z in (-30.0, 0.0, 8.0)]
    [-454.321244, -0.693147, -0.0]
    """
    body = jnp.log(0.5 * erfc(-jnp.maximum(z, TAIL) * ROOT_HALF))
    far = jnp.minimum(z, TAIL)
    u = 1 / (far * far)
    # Abramowitz & Stegun 26.2.12, five terms, nested.
    tail = -0.5 * far * far - jnp.log(-far) - LOG_ROOT_2_PI
    tail = tail + jnp.log1p(-u * (1 - 3 * u * (1 - 5 * u * (1 - 7 * u * (1 - 9 * u)))))
    return jnp.where(z > TAIL, body, tail)


@log_normal_cdf.defjvp
def _(at: tuple[Array], step: tuple[Array]) -> tuple[Array, Array]:
    (z,), (dz,) = at, step
    value = log_normal_cdf(z)
    return value, dz * jnp.exp(-0.5 * z * z - value - LOG_ROOT_2_PI)


def _log_normal(x: Array, sd: Array) -> Array:
    return -0.5 * (x / sd) ** 2 - jnp.log(sd) - LOG_ROOT_2_PI


def _log_answer(answer: Array, mean: Array, sd: Array) -> Array:
    """Give the log density of an answer in points; at a bound, the log probability of lying there."""
    lowest, highest = bounds()
    # An answer is a whole number: the bound holds everything that rounds to it.
    below, above = (lowest + 0.5 - mean) / sd, (mean - (highest - 0.5)) / sd
    at_bound = log_normal_cdf(jnp.where(answer <= lowest, below, above))
    return jnp.where((answer <= lowest) | (answer >= highest), at_bound, _log_normal(answer - mean, sd))


def _learnt(start: Array, base_rate: Array, n: Numbers) -> Array:
    error = start - base_rate
    return start - (n.scaling + n.asymmetry * jnp.sign(error)) * error + n.beside


def given_first(first: Array, second: Array, base_rate: Array, n: Numbers) -> Array:
    """Give log p(E2 | E1), with the first answer taken as the belief itself."""
    return _log_answer(second, _learnt(first, base_rate, n), n.answer)


def with_first_inside(first: Array, second: Array, base_rate: Array, n: Numbers, *, second_inside: bool) -> Array:
    """Give log p(E1, E2) for a first answer between the bounds.

    Parameters
    ----------
    first, second, base_rate
        Answers and base rate [percent].
    n
        The trial's numbers, of the same shape.
    second_inside
        Whether the second answers lie between the bounds too; then the integral is closed.
    """
    total = n.spread**2 + n.report**2
    share = n.spread**2 / total
    belief = n.mean + share * (first - n.mean)
    variance = share * n.report**2
    start = belief + n.carried * (first - belief)
    spread = (1 - n.carried) ** 2 * variance
    seen = _log_normal(first - n.mean, jnp.sqrt(total))
    if not second_inside:
        nodes, weights = _hermite()
        each = Numbers(*(jnp.asarray(v)[..., None] for v in n))
        at = start[..., None] + jnp.sqrt(spread)[..., None] * nodes
        return seen + logsumexp(
            _log_answer(second[..., None], _learnt(at, base_rate[..., None], each), each.answer) + weights, axis=-1
        )
    error, answer = start - base_rate, second - base_rate - n.beside

    def news(sign: float) -> Array:
        kept = 1 - n.scaling - sign * n.asymmetry
        both = kept**2 * spread + n.answer**2
        middle = (error * n.answer**2 + spread * kept * answer) / both
        width = jnp.sqrt(spread / both) * n.answer
        return _log_normal(answer - kept * error, jnp.sqrt(both)) + log_normal_cdf(sign * middle / width)

    return seen + jnp.logaddexp(news(1.0), news(-1.0))


def with_first_at_bound(first: Array, second: Array, base_rate: Array, n: Numbers) -> Array:
    """Give log p(E1, E2) for a first answer at a bound, by Gauss–Legendre over the belief behind it."""
    lowest, highest = bounds()
    rule = gauss_legendre(NODES)
    low = (first <= lowest)[..., None]
    length = REACH + OVERLAP
    start = jnp.where(low, lowest - REACH, highest - OVERLAP)
    held = start + length * jnp.asarray(rule.nodes)
    each = Numbers(*(jnp.asarray(v)[..., None] for v in n))
    begun = held + each.carried * (first[..., None] - held)
    inside = (
        _log_normal(held - each.mean, each.spread)
        + _log_answer(first[..., None], held, each.report)
        + _log_answer(second[..., None], _learnt(begun, base_rate[..., None], each), each.answer)
    )
    return logsumexp(inside + jnp.log(length * jnp.asarray(rule.weights)), axis=-1)


def _hermite() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(HERMITE)
    return nodes, np.log(weights / weights.sum())
