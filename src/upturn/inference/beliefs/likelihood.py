"""The likelihood of two answers about one event, with the belief behind the first answer integrated out.

    m ~ N(mean, spread²), never below 1 nor above 99 %      belief held before the base rate b is shown
    E1 = m + N(0, report²)                                  first answer
    h = m + carried (E1 − m)                                what learning starts from
    E2 = h − (S + A sign(h − b)) (h − b) + beside + N(0, answer²)    second answer

Answers lie between two bounds; one at a bound is censored there. ``carried = 1`` is the analysis as published, in
which the first answer *is* the belief; ``carried = 0`` is a first answer whose error is forgotten by the second.
Between the bounds the integral over m is closed (two normal regions, one per kind of news, and the beliefs that lie at
their lowest); at them it is a short quadrature. Beliefs have limits because percentages have: without, answers of
people who think an event all but impossible look as if their first answer were carried.

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
# Enough for an error of 5e-3 in the logarithm (tested); how far beyond a bound beliefs are integrated [percent].
NODES = 24
HERMITE = 16
OVERLAP = 32.0
# A difference of two normal tails is not taken nearer to nothing than this share of the larger.
APART = 1e-6


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


def limits() -> tuple[float, float]:
    """Give the lowest and the highest belief [percent]."""
    numbers = read("upturn.beliefs", "people")
    return numbers.value("lowest_belief"), numbers.value("highest_belief")


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
    seen = _log_normal(first - n.mean, jnp.sqrt(total))
    if not second_inside:
        nodes, weights = _hermite()
        each = Numbers(*(jnp.asarray(v)[..., None] for v in n))
        at = belief[..., None] + jnp.sqrt(variance)[..., None] * nodes
        held = jnp.clip(at, *limits())
        said = first[..., None]
        # What a belief at its limit says of the first answer, beside what the normal curve takes it for.
        weights = weights + 0.5 * (((said - at) / each.report) ** 2 - ((said - held) / each.report) ** 2)
        learnt = _learnt(held + each.carried * (said - held), base_rate[..., None], each)
        return seen + logsumexp(_log_answer(second[..., None], learnt, each.answer) + weights, axis=-1)
    # In what learning starts from, counted from the base rate.
    start = belief + n.carried * (first - belief)
    spread = (1 - n.carried) ** 2 * variance
    error, answer = start - base_rate, second - base_rate - n.beside
    lowest = limits()[0]
    least = lowest + n.carried * (first - lowest) - base_rate

    def news(sign: float) -> tuple[Array, Array, Array]:
        kept = 1 - n.scaling - sign * n.asymmetry
        both = kept**2 * spread + n.answer**2
        middle = (error * n.answer**2 + spread * kept * answer) / both
        width = jnp.sqrt(spread / both) * n.answer
        return _log_normal(answer - kept * error, jnp.sqrt(both)), middle, width

    one, middle, width = news(1.0)
    good = one + log_normal_cdf((middle - jnp.maximum(least, 0.0)) / width)
    two, middle, width = news(-1.0)
    below, beyond = log_normal_cdf(-middle / width), log_normal_cdf((jnp.minimum(least, 0.0) - middle) / width)
    bad = two + below + jnp.log1p(-jnp.exp(jnp.minimum(beyond - below, -APART)))
    return logsumexp(jnp.stack([seen + good, seen + bad, _at_limit(first, second, base_rate, n, lowest)]), axis=0)


def _at_limit(first: Array, second: Array, base_rate: Array, n: Numbers, limit: float) -> Array:
    """Give the log density of both answers with beliefs that lie at a limit."""
    sign = 1.0 if limit == limits()[0] else -1.0
    learnt = _learnt(limit + n.carried * (first - limit), base_rate, n)
    return (
        log_normal_cdf(sign * (limit - n.mean) / n.spread)
        + _log_answer(first, jnp.full_like(first, limit), n.report)
        + _log_answer(second, learnt, n.answer)
    )


def with_first_at_bound(first: Array, second: Array, base_rate: Array, n: Numbers) -> Array:
    """Give log p(E1, E2) for a first answer at a bound, by Gauss–Legendre over the belief behind it."""
    lowest, highest = bounds()
    least, most = limits()
    rule = gauss_legendre(NODES)
    low = (first <= lowest)[..., None]
    start = jnp.where(low, least, highest - OVERLAP)
    length = jnp.where(low, lowest + OVERLAP, most) - start
    held = start + length * jnp.asarray(rule.nodes)
    each = Numbers(*(jnp.asarray(v)[..., None] for v in n))
    begun = held + each.carried * (first[..., None] - held)
    inside = (
        _log_normal(held - each.mean, each.spread)
        + _log_answer(first[..., None], held, each.report)
        + _log_answer(second[..., None], _learnt(begun, base_rate[..., None], each), each.answer)
    )
    between = logsumexp(inside + jnp.log(length * jnp.asarray(rule.weights)), axis=-1)
    one, two = (_at_limit(first, second, base_rate, n, limit) for limit in (least, most))
    return jnp.logaddexp(between, jnp.where(low[..., 0], one, two))


def _hermite() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.hermite_e.hermegauss(HERMITE)
    return nodes, np.log(weights / weights.sum())
