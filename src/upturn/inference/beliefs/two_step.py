"""Each session by itself, then a test of the people: the analysis as published, and one with errors in the first answer.

``naive`` regresses the update of each session on its error. ``careful`` maximises the posterior of each session under the
likelihood of :mod:`upturn.inference.beliefs.likelihood`, which integrates over the belief behind the first answer; filler
events make report noise known. Both end in a t test of the change of asymmetry between two visits, one group against the
other. They are fast enough to run on thousands of simulated studies; the hierarchical fit is the one to report.

What lives here: estimates per session and the test. What does not: the joint posterior (``program``, ``fit``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc
from jaxtyping import Array, Float

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.likelihood import Numbers, with_first_at_bound, with_first_inside
from upturn.inference.beliefs.program import Rows, belief_priors, lay

__all__ = ["Contrast", "Estimates", "careful", "change", "naive"]

# Newton steps of one round; rounds after which what is common to all is worked out again from the sessions.
STEPS, ROUNDS = 4, 3
# A step is no longer than this, in the units of each number: belief and the logarithms of spread and noises, S, A.
LONGEST = (10.0, 0.5, 0.5, 0.5, 0.3, 0.3)
# Differences are taken over this share of the longest step.
NEAR = 1e-4
# Curvature below this is taken as this, so that a step never follows a saddle.
FLATTEST = 1e-3

class Estimates(NamedTuple):
    """Hold S and A of every session.

    Parameters
    ----------
    scaling, asymmetry
        Estimates [fractions]; NaN where a session cannot tell.
    scaling_se, asymmetry_se
        Standard errors [fractions].
    """

    scaling: Float[np.ndarray, " session"]
    asymmetry: Float[np.ndarray, " session"]
    scaling_se: Float[np.ndarray, " session"]
    asymmetry_se: Float[np.ndarray, " session"]


class Contrast(NamedTuple):
    """Hold the difference between two groups in the change of asymmetry.

    Parameters
    ----------
    difference, se
        Change in the first group less change in the second [fraction], and its standard error.
    p
        Two-sided, equal variances.
    people
        People with both visits, in the two groups.
    """

    difference: float
    se: float
    p: float
    people: tuple[int, int]


def naive(answers: Answers) -> Estimates:
    """Estimate S and A of each session by least squares of the update on the error and its size.

    E1 − E2 = S (E1 − b) + A |E1 − b| + noise: the published rule with the first answer taken as the belief (Khalid 2025).
    """
    kept = answers.answered
    error = np.where(kept, answers.first - answers.base_rate, 0.0)
    update = np.where(kept, answers.first - answers.second, 0.0)
    design = np.stack([error, np.abs(error)], axis=-1)
    square = np.einsum("sti,stj->sij", design, design)
    told = np.linalg.det(square) > 1e-9 * np.trace(square, axis1=1, axis2=2) ** 2
    inverse = np.full_like(square, np.nan)
    inverse[told] = np.linalg.inv(square[told])
    found = np.einsum("sij,stj,st->si", inverse, design, update)
    left = np.sum((update - np.einsum("sti,si->st", design, found)) ** 2, axis=1) / (kept.sum(axis=1) - 2)
    se = np.sqrt(np.einsum("sii->si", inverse) * left[:, None])
    return Estimates(found[:, 0], found[:, 1], se[:, 0], se[:, 1])


def careful(answers: Answers, *, carried: float = 0.0) -> Estimates:
    """Estimate S and A of each session with the belief behind the first answer integrated out.

    Parameters
    ----------
    answers
        A study; without filler events report noise rests on its prior and on how first and second answers scatter.
    carried
        Share of the first answer's error that learning starts from [0 to 1, below 1].
    """
    laid = lay(answers)
    groups = tuple(_filled(rows) for rows in (laid.inside, laid.second_at_bound, laid.first_at_bound))
    cells = jnp.asarray(laid.cell)
    found, variance, _ = _fit(groups, cells, float(carried), len(laid.cells), laid.n_events)
    sd = np.sqrt(np.maximum(np.asarray(variance), 0.0))
    found = np.asarray(found)
    return Estimates(found[:, 4], found[:, 5], sd[:, 4], sd[:, 5])


def change(
    answers: Answers,
    found: Estimates,
    *,
    groups: tuple[str, str],
    visits: tuple[tuple[str, str], tuple[str, str]],
) -> Contrast:
    """Compare the change of asymmetry between two visits in two groups.

    Parameters
    ----------
    answers, found
        A study and the estimates of its sessions.
    groups
        The group of interest, and the one it is compared with.
    visits
        For each of them, the visit before and the visit after.
    """
    changes = []
    for group, (before, after) in zip(groups, visits, strict=True):
        at = {(p, v): a for p, g, v, a in zip(answers.participant, answers.group, answers.visit, found.asymmetry, strict=True) if g == group}
        people = dict.fromkeys(p for p, _ in at)
        each = np.array([at.get((p, after), np.nan) - at.get((p, before), np.nan) for p in people])
        changes.append(each[np.isfinite(each)])
    one, two = changes
    difference = one.mean() - two.mean()
    free = len(one) + len(two) - 2
    pooled = (np.sum((one - one.mean()) ** 2) + np.sum((two - two.mean()) ** 2)) / free
    se = float(np.sqrt(pooled * (1 / len(one) + 1 / len(two))))
    # Student's t by the incomplete beta function.
    p = float(betainc(free / 2, 0.5, free / (free + (difference / se) ** 2)))
    return Contrast(float(difference), se, p, (len(one), len(two)))


class _Filled(NamedTuple):
    rows: Rows
    weight: Array


def _filled(rows: Rows) -> _Filled:
    """Fill rows up with copies of weight 0 to one of few sizes, so that studies alike share a compiled program."""
    n = len(rows.first)
    size = next(size for k in range(5, 40) for size in (2**k, 3 * 2 ** (k - 1)) if size >= n)
    at = np.arange(size) % max(n, 1)
    spare = Rows(0, 0, 1.0, 1.0, 1.0, 0.0, 0.0)
    columns = (v[at] if n else np.full(size, s) for v, s in zip(rows, spare, strict=True))
    return _Filled(Rows(*(jnp.asarray(v) for v in columns)), jnp.asarray(np.arange(size) < n, dtype=float))


@partial(jax.jit, static_argnames=("n_cells", "n_events"))
def _fit(
    groups: tuple[_Filled, _Filled, _Filled], cell: Array, carried: float, n_cells: int, n_events: int
) -> tuple[Array, Array, Array]:
    """Alternate between the sessions and what they have in common; give estimates and variances by session."""
    priors = belief_priors()
    n_sessions = cell.shape[0]
    log = {name: np.log(priors.value(name)) for name in ("belief_spread", "report_noise", "answer_noise")}
    start = [priors.value("belief"), *log.values(), priors.value("scaling"), 0.0]
    n = len(start)
    theta = jnp.broadcast_to(jnp.array(start), (n_sessions, len(start)))
    about = jnp.zeros(n_events)
    own = priors.value("people_noise")
    # Prior SD of a session about what is common: the logarithms of spread and noises are shared within a cell.
    wide = jnp.array([30.0, own, own, 2 * own, 0.5, 0.5])
    centre = theta

    def value(theta: Array, centre: Array, about: Array) -> Array:
        total = jnp.sum(-0.5 * ((theta - centre) / wide) ** 2)
        for (rows, weight), density in zip(groups, (_inside, _second_at_bound, with_first_at_bound), strict=True):
            total += jnp.sum(weight * _density(theta[rows.session], rows, about, carried, density))
        return total

    def slope(theta: Array, centre: Array, about: Array) -> Array:
        total = -(theta - centre) / wide**2
        for (rows, weight), density in zip(groups, (_inside, _second_at_bound, with_first_at_bound), strict=True):
            of_rows = jax.grad(lambda at, rows=rows, density=density: jnp.sum(_density(at, rows, about, carried, density)))
            # Summed over the rows of a session by a product, which is faster here than scattering.
            belongs = weight * (rows.session == jnp.arange(n_sessions)[:, None])
            total += belongs @ of_rows(theta[rows.session])
        return total

    def curvature(theta: Array, centre: Array, about: Array) -> Array:
        """Give the second derivatives of every session, by central differences of the slope (cheaper than exact ones)."""

        def along(unit: Array) -> Array:
            step = NEAR * unit * jnp.array(LONGEST)
            ahead, behind = slope(theta + step, centre, about), slope(theta - step, centre, about)
            return (behind - ahead) / (2 * jnp.sum(step))

        found = jnp.moveaxis(jax.lax.map(along, jnp.eye(n)), 0, -1)
        return 0.5 * (found + jnp.swapaxes(found, 1, 2))

    def newton(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        theta, centre, about = state
        values, vectors = jnp.linalg.eigh(curvature(theta, centre, about))
        along = jnp.einsum("sij,si->sj", vectors, slope(theta, centre, about)) / jnp.maximum(jnp.abs(values), FLATTEST)
        longest = jnp.array(LONGEST)
        return theta + jnp.clip(jnp.einsum("sij,sj->si", vectors, along), -longest, longest), centre, about

    def one_round(_: int, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        theta, _, about = jax.lax.fori_loop(0, STEPS, newton, state)
        return (theta, *common(theta, about))

    def common(theta: Array, about: Array) -> tuple[Array, Array]:
        people = jax.ops.segment_sum(jnp.ones(n_sessions), cell, n_cells)[:, None]
        of_cell = jax.ops.segment_sum(theta, cell, n_cells) / people
        centre = of_cell[cell].at[:, 4:].set(jnp.array(start[4:]))
        top, bottom = jnp.zeros(n_events), jnp.zeros(n_events)
        for rows, weight in groups:
            top += jax.ops.segment_sum(weight * (rows.first - theta[rows.session, 0]), rows.event, n_events)
            bottom += jax.ops.segment_sum(weight, rows.event, n_events)
        about = top / jnp.maximum(bottom, 1.0)
        return centre, about - jnp.mean(about)

    theta, centre, about = jax.lax.fori_loop(0, ROUNDS, one_round, (theta, centre, about))
    return theta, jnp.einsum("sii->si", jnp.linalg.inv(curvature(theta, centre, about))), value(theta, centre, about)


def _density(theta: Array, rows: Rows, about: Array, carried: float, density: Callable[..., Array]) -> Array:
    belief, spread, report, answer, scaling, asymmetry = jnp.moveaxis(theta, -1, 0)
    n = Numbers(
        mean=belief + about[rows.event],
        spread=jnp.exp(spread),
        report=jnp.exp(report),
        answer=jnp.exp(jnp.where(rows.learns > 0, answer, report)),
        scaling=rows.learns * scaling,
        asymmetry=rows.learns * asymmetry,
        carried=rows.learns * carried,
        beside=jnp.zeros_like(belief),
    )
    return density(rows.first, rows.second, rows.base_rate, n)


_inside: Callable[..., Array] = partial(with_first_inside, second_inside=True)
_second_at_bound: Callable[..., Array] = partial(with_first_inside, second_inside=False)
