"""One fit per session of each of the twelve models: estimates, standard errors and the evidence for each model.

Every model is linear in what it frees: first − second = S·error + A·sign·error + noise. With Gaussian noise, normal
priors on S and A and a gamma prior on the precision of the noise, everything but one integral over the precision is
in closed form; that integral is done by quadrature, so the evidence is the exact marginal likelihood and not a bound.
What lives here: these fits. What does not: what they say about a group (``selection``), bounds, rounding and noise in
the first estimate, which these published fits leave out (``likelihood``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from functools import partial
from math import isqrt
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, logsumexp
from jaxtyping import Array, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.models import MODELS, Model, Relevance, SignRule, model_numbers
from upturn.inference.beliefs.sums import free_masks, left_over, refuse_silent, session_sums

__all__ = ["PRIORS", "PersonFits", "Priors", "fit_persons", "published_priors", "weak_priors"]

# The integrand beyond the ends of the quadrature is below e^-37 of its peak: the rounding of float64.
TAIL = 37.0
# Nodes of the quadrature; it is exact to rounding when they are no further apart than the integrand is wide.
NODES = 64
NODES_PER_ROOT_TRIAL = 8
# Added to sums of squares of regressors that may be zero [points²].
TINY = 1e-6


@dataclass(frozen=True)
class Priors:
    """Hold what is believed before the answers of a session are seen.

    Parameters
    ----------
    scaling, asymmetry
        Prior means [fraction].
    scaling_sd, asymmetry_sd
        Prior standard deviations [fraction], independent of each other and of the noise.
    shape, rate
        Gamma prior on the precision of the noise; ``rate`` in points².
    """

    scaling: float
    asymmetry: float
    scaling_sd: float
    asymmetry_sd: float
    shape: float
    rate: float


@dataclass(frozen=True)
class PersonFits:
    """Hold the fits of several models to several sessions; where a number is fixed, its standard error is 0.

    Parameters
    ----------
    models
        Names of the models, in the order of the first axis.
    participant, group, visit
        Who, in which group and at which visit, in the order of the second axis.
    trials
        Trials used, the same for all models.
    scaling, asymmetry
        Posterior means of S and A [fraction].
    scaling_error, asymmetry_error
        Their posterior standard deviations [fraction].
    noise
        Posterior mean of the standard deviation of the residual [points].
    log_evidence
        Exact log marginal likelihood [nat].
    """

    models: tuple[str, ...]
    participant: tuple[str, ...]
    group: tuple[str, ...]
    visit: tuple[str, ...]
    trials: Float[np.ndarray, " session"]
    scaling: Float[np.ndarray, "model session"]
    asymmetry: Float[np.ndarray, "model session"]
    scaling_error: Float[np.ndarray, "model session"]
    asymmetry_error: Float[np.ndarray, "model session"]
    noise: Float[np.ndarray, "model session"]
    log_evidence: Float[np.ndarray, "model session"]


def published_priors() -> Priors:
    """Give the priors of the published fits, as far as they are known: wide, about S = 1 and A = 0.

    With a standard deviation of 1 on an asymmetry of about 0.1, the evidence speaks against freeing it in most people,
    whether or not they are asymmetric; see :func:`weak_priors`.

    Examples
    --------
    >>> published_priors()
    Priors(scaling=1.0, asymmetry=0.0, scaling_sd=1.0, asymmetry_sd=1.0, shape=1.0, rate=1.0)
    """
    value = model_numbers().value
    return Priors(
        scaling=value("scaling_prior_mean"),
        asymmetry=value("asymmetry_prior_mean"),
        scaling_sd=value("prior_sd"),
        asymmetry_sd=value("prior_sd"),
        shape=value("precision_shape"),
        rate=value("precision_rate"),
    )


def weak_priors() -> Priors:
    """Give priors as wide as people differ, about the middle of what was published.

    Examples
    --------
    >>> weak_priors()
    Priors(scaling=0.4, asymmetry=0.0, scaling_sd=0.4, asymmetry_sd=0.2, shape=1.0, rate=1.0)
    """
    file = model_numbers()
    scaling, asymmetry = file["population_scaling_mean"], file["population_asymmetry_mean"]
    assert scaling.prior is not None  # noqa: S101  (the file gives one)
    assert asymmetry.prior is not None  # noqa: S101
    return replace(
        published_priors(),
        scaling=scaling.value,
        asymmetry=asymmetry.value,
        scaling_sd=scaling.prior.sd,
        asymmetry_sd=asymmetry.prior.sd,
    )


PRIORS: Mapping[str, Callable[[], Priors]] = MappingProxyType({"published": published_priors, "weak": weak_priors})
"""The priors by name."""


def fit_persons(
    answers: Answers,
    *,
    models: Sequence[str] = tuple(MODELS),
    priors: Priors | None = None,
    relevance: Relevance = "corrected",
    sign: SignRule = "base rate",
) -> PersonFits:
    """Fit each model to each session by itself, as the published analyses do.

    Parameters
    ----------
    answers
        Sessions; all models use the trials that every one of them can use.
    models
        Names of models; all twelve unless told.
    priors
        The published ones unless told.
    relevance, sign
        See :func:`upturn.beliefs.models.personal_relevance` and :func:`upturn.beliefs.models.news_sign`.

    Returns
    -------
    PersonFits
        Estimates, standard errors, noise and evidence.

    Raises
    ------
    InputError
        No such model; a session without a trial that all models can use.

    Notes
    -----
    Khalid 2025 fits the same models with the same priors by variational Bayes (VBA toolbox) and uses the free energy;
    here the posterior and the evidence are exact. No bounds, no rounding, and noise in the first estimate is read as
    learning, as published.
    """
    used = refuse_silent(answers, models)
    chosen = tuple(MODELS[name] for name in models)
    priors = priors or published_priors()
    found = _fit(
        *(jnp.asarray(a) for a in (answers.first, answers.base_rate, answers.other, answers.second, used)),
        jnp.asarray(astuple(priors)),
        models=chosen,
        relevance=relevance,
        sign=sign,
    )
    return PersonFits(
        models=tuple(models),
        participant=answers.participant,
        group=answers.group,
        visit=answers.visit,
        trials=used.sum(axis=1).astype(float),
        **{name: np.asarray(value) for name, value in found.items()},
    )


@partial(jax.jit, static_argnames=("models", "relevance", "sign"))
def _fit(
    first: Array,
    base_rate: Array,
    other: Array,
    second: Array,
    used: Array,
    priors: Array,
    *,
    models: tuple[Model, ...],
    relevance: Relevance,
    sign: SignRule,
) -> dict[str, Array]:
    sums = session_sums(models, first, base_rate, other, second, used, relevance=relevance, sign=sign)
    free_scaling, free_asymmetry = free_masks(models)
    numbers = model_numbers()
    scaling_mean, asymmetry_mean, scaling_sd, asymmetry_sd, shape, rate = priors
    # Where a number is fixed, its fixed value takes the place of the prior mean and its regressor is zero.
    at_scaling = jnp.where(free_scaling > 0, scaling_mean, numbers.value("fixed_scaling"))
    at_asymmetry = jnp.where(free_asymmetry > 0, asymmetry_mean, numbers.value("fixed_asymmetry"))
    p11, p22 = scaling_sd**-2, asymmetry_sd**-2
    parts = left_over(sums, free_scaling, free_asymmetry, at_scaling, at_asymmetry)
    g11, g12, g22, h1, h2, squares = (part[..., None] for part in parts)
    trials = sums.trials[..., None]

    u, step = _grid(g11, g12, g22, h1, h2, squares, trials, shape, rate, trials_most=first.shape[-1])
    # u is the log of the precision τ. Given τ: posterior precision Q = P + τG, mean of S and A about their prior
    # mean τ Q⁻¹h (Bishop 2006, equations 3.50 and 3.51), evidence as for any linear Gaussian model.
    precision = jnp.exp(u)
    q11, q12, q22 = p11 + precision * g11, precision * g12, p22 + precision * g22
    determinant = q11 * q22 - q12**2
    move_scaling = precision * (q22 * h1 - q12 * h2) / determinant
    move_asymmetry = precision * (q11 * h2 - q12 * h1) / determinant
    log_density = (
        (shape + trials / 2) * u
        - rate * precision
        - 0.5 * jnp.log(determinant / (p11 * p22))
        - 0.5 * precision * (squares - h1 * move_scaling - h2 * move_asymmetry)
    )
    constant = shape * jnp.log(rate) - gammaln(shape) - 0.5 * sums.trials * jnp.log(2 * jnp.pi)
    total = logsumexp(log_density, axis=-1)
    weight = jnp.exp(log_density - total[..., None])

    def mean(value: Array) -> Array:
        return jnp.sum(weight * value, axis=-1)

    scaling, asymmetry = mean(move_scaling), mean(move_asymmetry)
    # Total variance: the mean of the variances, and the variance of the means.
    scaling_variance = mean(q22 / determinant + (move_scaling - scaling[..., None]) ** 2)
    asymmetry_variance = mean(q11 / determinant + (move_asymmetry - asymmetry[..., None]) ** 2)
    return {
        "scaling": at_scaling + scaling,
        "asymmetry": at_asymmetry + asymmetry,
        "scaling_error": jnp.sqrt(scaling_variance) * free_scaling,
        "asymmetry_error": jnp.sqrt(asymmetry_variance) * free_asymmetry,
        "noise": mean(jnp.exp(-u / 2)),
        "log_evidence": constant + total + jnp.log(step[..., 0]),
    }


def _grid(
    g11: Array,
    g12: Array,
    g22: Array,
    h1: Array,
    h2: Array,
    squares: Array,
    trials: Array,
    shape: Array,
    rate: Array,
    *,
    trials_most: int,
) -> tuple[Array, Array]:
    """Give nodes of the log of the precision that cover all its posterior, and their distance.

    The posterior lies between two log-gamma densities: one with all the squares about the prior mean, one with those
    that the freest fit leaves. The trapezium rule on so smooth a density that falls to nothing at both ends converges
    faster than any power of the distance.
    """
    q11, q22 = g11 + TINY, g22 + TINY
    explained = (q22 * h1**2 - 2 * g12 * h1 * h2 + q11 * h2**2) / (q11 * q22 - g12**2)
    fewest = shape + jnp.maximum(trials - 2, 0) / 2
    low = jnp.log(fewest / (rate + squares / 2)) - 1 - TAIL / fewest
    least = jnp.maximum(squares - explained, 0.0)
    high = jnp.log((shape + trials / 2) / (rate + least / 2)) + 1 + jnp.log1p(TAIL / fewest)
    nodes = NODES + NODES_PER_ROOT_TRIAL * isqrt(trials_most)
    step = (high - low) / (nodes - 1)
    return low + step * jnp.arange(nodes), step
