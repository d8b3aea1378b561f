"""How well each model, with what others taught it, predicts the answers of a person it has not seen.

What lives here: the population behind one model (empirical Bayes) and leave-one-person-out prediction. What does not:
fits of single sessions (``persons``), how frequent models are (``selection``), the hierarchical analysis that
bounds and noisy first estimates ask for (``program``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.models import MODELS, Model, Relevance, SignRule, model_numbers
from upturn.errors import InputError
from upturn.inference.beliefs.selection import people_of
from upturn.inference.beliefs.sums import Sums, free_masks, left_over, refuse_silent, session_sums

__all__ = ["LeaveOneOut", "loo_by_person"]

# How the noise of sessions is integrated out: nodes of a standard normal, at a tenth of its spread.
NOISE_NODES = np.linspace(-6.0, 6.0, 121)
# Newton's method stops where the slope is this small, or after so many steps.
STEEP = 1e-7
MOST_STEPS = 100
# Curvatures below this share of the largest are raised to it; steps are halved up to ten times.
FLAT = 1e-9
HALVINGS = 0.5 ** np.arange(11)


@dataclass(frozen=True)
class LeaveOneOut:
    """Say how well each model, with what others taught it, predicts the answers of a person it has not seen.

    Parameters
    ----------
    models
        Names, in the order of the first axis.
    people
        Participants, in the order of the second axis.
    log_density
        Log predictive density of all second estimates of the person [nat].
    """

    models: tuple[str, ...]
    people: tuple[str, ...]
    log_density: Float[np.ndarray, "model person"]

    @property
    def total(self) -> Float[np.ndarray, " model"]:
        """Sum over people [nat]; higher is better."""
        return self.log_density.sum(axis=1)

    @property
    def behind(self) -> Float[np.ndarray, " model"]:
        """How far each model is behind the best one [nat]; 0 for the best."""
        return self.total - self.total.max()

    @property
    def behind_error(self) -> Float[np.ndarray, " model"]:
        """Standard error of ``behind`` over people [nat]; 0 for the best, and not a number for a single person."""
        difference = self.log_density - self.log_density[self.total.argmax()]
        if len(self.people) == 1:
            return np.full(len(self.models), np.nan)
        return np.sqrt(len(self.people)) * difference.std(axis=1, ddof=1)


def loo_by_person(
    answers: Answers,
    *,
    models: Sequence[str] = tuple(MODELS),
    relevance: Relevance = "corrected",
    sign: SignRule = "base rate",
) -> LeaveOneOut:
    """Predict each person from all the others, under each model.

    S and A of a session are normal about the mean of its group and visit, the log of the noise is normal; these means
    and spreads are the most probable ones given all *other* people (empirical Bayes with weak priors), and S, A and
    the noise of the person are integrated out. All sessions of a person are left out together.

    Parameters
    ----------
    answers
        Sessions of at least two people; all models use the trials that every one of them can use.
    models
        Names of models; all twelve unless told.
    relevance, sign
        See :func:`upturn.beliefs.models.personal_relevance` and :func:`upturn.beliefs.models.news_sign`.

    Raises
    ------
    InputError
        No such model; a session without a trial that all models can use; fewer than two people.

    Notes
    -----
    The most probable numbers without a person come from one Newton step, with exact derivatives, from those with
    everybody: among sixteen people that is right to some thousandths of a nat, and to 0.15 for one who stands out.
    What the sessions of one person have in common beyond their group is not used, and the numbers of the population
    are taken at their most probable values: both cost every model alike.
    """
    people, whose = people_of(answers.participant)
    if len(people) < 2:
        raise InputError("Nobody is left to learn from.", expected="at least two people", came=f"{len(people)}")
    used = refuse_silent(answers, models)
    cells = list(dict.fromkeys(zip(answers.group, answers.visit, strict=True)))
    cell = np.array([cells.index(each) for each in zip(answers.group, answers.visit, strict=True)])
    found = _leave_out(
        *(jnp.asarray(a) for a in (answers.first, answers.base_rate, answers.other, answers.second, used)),
        jnp.asarray(cell),
        jnp.asarray(whose),
        models=tuple(MODELS[name] for name in models),
        relevance=relevance,
        sign=sign,
        cells=len(cells),
        people=len(people),
    )
    return LeaveOneOut(tuple(models), people, np.asarray(found))


@partial(jax.jit, static_argnames=("models", "relevance", "sign", "cells", "people"))
def _leave_out(
    first: Array,
    base_rate: Array,
    other: Array,
    second: Array,
    used: Array,
    cell: Array,
    whose: Array,
    *,
    models: tuple[Model, ...],
    relevance: Relevance,
    sign: SignRule,
    cells: int,
    people: int,
) -> Array:
    sums = session_sums(models, first, base_rate, other, second, used, relevance=relevance, sign=sign)
    free_scaling, free_asymmetry = free_masks(models)
    # Where each session finds its own seven numbers among those of the population.
    shared = 2 * cells + jnp.arange(_SHARED)
    own = jnp.stack([cell, cells + cell, *(jnp.full_like(cell, place) for place in shared)], axis=1)
    size = 2 * cells + _SHARED

    def one(case: tuple[Sums, Array, Array]) -> Array:
        session, frees_scaling, frees_asymmetry = case

        def of_session(numbers: Array, some: Sums) -> Array:
            return _log_density(numbers, some, frees_scaling[0], frees_asymmetry[0])

        def of_all(numbers: Array) -> Array:
            return jax.vmap(of_session)(numbers[own], session).sum() + _log_prior(numbers, cells)

        def derivatives(numbers: Array) -> _Derivatives:
            slope = jax.vmap(jax.grad(of_session))(numbers[own], session)
            bend = jax.vmap(jax.hessian(of_session))(numbers[own], session)
            slopes = jnp.zeros((people, size)).at[whose[:, None], own].add(slope)
            places = whose[:, None, None], own[:, :, None], own[:, None, :]
            bends = jnp.zeros((people, size, size)).at[places].add(bend)
            return _Derivatives(
                slopes.sum(axis=0) + jax.grad(_log_prior)(numbers, cells),
                bends.sum(axis=0) + jax.hessian(_log_prior)(numbers, cells),
                slopes,
                bends,
            )

        best, found = _climb(of_all, derivatives, _start(session, cells), people)
        without = best + jax.vmap(jnp.linalg.solve)(found.bend - found.bends, found.slopes[..., None])[..., 0]
        density = jax.vmap(of_session)(without[whose[:, None], own], session)
        return jax.ops.segment_sum(density, whose, people)

    return jax.lax.map(one, (sums, free_scaling, free_asymmetry))


class _Derivatives(NamedTuple):
    """Slope and curvature of the whole, and what each person contributes to them."""

    slope: Array
    bend: Array
    slopes: Array
    bends: Array


# Numbers that all sessions share: log spread of S and of A, their correlation (Fisher's z), mean and log spread of
# the log of the noise. Before them stand the means of S, then of A, per group and visit.
_SHARED = 5


def _log_density(numbers: Array, sums: Sums, free_scaling: Array, free_asymmetry: Array) -> Array:
    """Give the log density of one session's second estimates with S, A and the noise integrated out."""
    scaling, asymmetry, log_spread, log_spread_too, z, log_noise, log_noise_spread = numbers
    fixed = model_numbers().value
    scaling = jnp.where(free_scaling > 0, scaling, fixed("fixed_scaling"))
    asymmetry = jnp.where(free_asymmetry > 0, asymmetry, fixed("fixed_asymmetry"))
    g11, g12, g22, h1, h2, squares = left_over(sums, free_scaling, free_asymmetry, scaling, asymmetry)
    # In units of the spread between people (Cholesky factor of their covariance) their prior is standard normal.
    correlation = jnp.tanh(z)
    a, b = jnp.exp(log_spread), correlation * jnp.exp(log_spread_too)
    c = jnp.sqrt(1 - correlation**2) * jnp.exp(log_spread_too)
    g11, g12, g22 = a**2 * g11 + 2 * a * b * g12 + b**2 * g22, c * (a * g12 + b * g22), c**2 * g22
    h1, h2 = a * h1 + b * h2, c * h2
    u = log_noise + jnp.exp(log_noise_spread) * NOISE_NODES
    precision = jnp.exp(-2 * u)
    q11, q12, q22 = 1 + precision * g11, precision * g12, 1 + precision * g22
    determinant = q11 * q22 - q12**2
    explained = precision * (q22 * h1**2 - 2 * q12 * h1 * h2 + q11 * h2**2) / determinant
    given_noise = (
        -sums.trials * (u + 0.5 * jnp.log(2 * jnp.pi))
        - 0.5 * jnp.log(determinant)
        - 0.5 * precision * (squares - explained)
    )
    weight = -0.5 * NOISE_NODES**2
    return logsumexp(given_noise + weight - logsumexp(weight))


def _log_prior(numbers: Array, cells: int) -> Array:
    """Give the log of the weak priors on the population, up to a constant."""
    file = model_numbers()

    def normal(value: Array, name: str) -> Array:
        prior = file[name].prior
        assert prior is not None  # noqa: S101  (the file gives one)
        return -0.5 * jnp.sum(((value - file.value(name)) / prior.sd) ** 2)

    def half_normal(log_value: Array, name: str) -> Array:
        return log_value - 0.5 * (jnp.exp(log_value) / file.value(name)) ** 2

    log_spread, log_spread_too, z, log_noise, log_noise_spread = numbers[2 * cells :]
    return (
        normal(numbers[:cells], "population_scaling_mean")
        + normal(numbers[cells : 2 * cells], "population_asymmetry_mean")
        + half_normal(log_spread, "population_spread")
        + half_normal(log_spread_too, "population_spread")
        # LKJ(2) on the correlation, as a density of Fisher's z.
        - 4 * jnp.log(jnp.cosh(z))
        + normal(log_noise, "population_log_noise")
        + half_normal(log_noise_spread, "population_log_noise_spread")
    )


def _start(sums: Sums, cells: int) -> Array:
    value = model_numbers().value
    noise = 0.5 * jnp.log(jnp.sum(sums.update_update) / jnp.sum(sums.trials) + 1)
    spread = jnp.log(value("population_spread"))
    return jnp.concatenate([
        jnp.full(cells, value("population_scaling_mean")),
        jnp.full(cells, value("population_asymmetry_mean")),
        jnp.stack([spread, spread, jnp.zeros(()), noise, jnp.log(value("population_log_noise_spread"))]),
    ])  # fmt: skip


def _climb(
    height: Callable[[Array], Array], derivatives: Callable[[Array], _Derivatives], start: Array, people: int
) -> tuple[Array, _Derivatives]:
    """Climb to the highest point by Newton's steps, turned uphill where the surface bends the wrong way."""
    size = start.size
    State = tuple[Array, Array, _Derivatives, Array]

    def again(state: State) -> Array:
        _, _, found, done = state
        return (jnp.abs(found.slope).max() > STEEP) & (done < MOST_STEPS)

    def improve(state: State) -> State:
        here, _, _, done = state
        found = derivatives(here)
        curvature, axes = jnp.linalg.eigh(-found.bend)
        curvature = jnp.maximum(jnp.abs(curvature), FLAT * jnp.abs(curvature).max())
        tried = here + HALVINGS[:, None] * (axes @ ((axes.T @ found.slope) / curvature))
        reached = jax.vmap(height)(tried)
        return tried[jnp.argmax(jnp.where(jnp.isnan(reached), -jnp.inf, reached))], here, found, done + 1

    # Each turn works out the derivatives where the last one arrived, so that they are compiled once.
    unknown = _Derivatives(
        jnp.full(size, jnp.inf), jnp.zeros((size, size)), jnp.zeros((people, size)), jnp.zeros((people, size, size))
    )
    _, here, found, _ = jax.lax.while_loop(again, improve, (start, start, unknown, jnp.zeros((), int)))
    return here, found
