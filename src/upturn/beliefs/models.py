"""The twelve published models of how a base rate changes a belief, as pure functions of one session's answers.

Every model says: second = first − (S + A·sign) · error, with scaling S, asymmetry A, and sign +1 for good news. The
families differ in the error that drives the change, and the models in what is free. What lives here: the names, the
errors and the predictions. What does not: noise, bounds and rounding (``beliefs.simulation``), and fits
(``inference.beliefs``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import upturn.numerics  # noqa: F401  (switches JAX to float64)
from upturn.errors import InputError
from upturn.parameters import ParameterFile, read

__all__ = [
    "MODELS",
    "Family",
    "Model",
    "Relevance",
    "SignRule",
    "bayesian_belief",
    "driving_error",
    "model_called",
    "model_numbers",
    "news_sign",
    "personal_relevance",
    "predict",
]

Family = Literal["reinforcement", "bayesian"]
Relevance = Literal["corrected", "printed"]
SignRule = Literal["base rate", "posterior"]
Answer = Float[Array, "..."] | Float[np.ndarray, "..."] | float


@dataclass(frozen=True)
class Model:
    """Say what one of the twelve models is.

    Parameters
    ----------
    name
        How it is called on the command line and in tables.
    family
        ``reinforcement``: the error is first − base rate; ``bayesian``: first − what Bayes' rule gives.
    frees_scaling, frees_asymmetry
        Whether scaling S and asymmetry A are fitted; else they are 1 and 0.
    uses_relevance
        Whether the error shrinks with the personal relevance of the event (reinforcement only).
    """

    name: str
    family: Family
    frees_scaling: bool
    frees_asymmetry: bool
    uses_relevance: bool = False

    @property
    def needs_other(self) -> bool:
        """Whether the model cannot do without the estimate for someone else."""
        return self.family == "bayesian" or self.uses_relevance

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the free numbers."""
        pairs = (("scaling", self.frees_scaling), ("asymmetry", self.frees_asymmetry))
        return tuple(name for name, is_free in pairs if is_free)


def model_numbers() -> ParameterFile:
    """Give the fixed numbers and the priors of the models."""
    return read("upturn.beliefs", "models")


def _every_model() -> Mapping[str, Model]:
    found = []
    families: tuple[tuple[Family, str, bool], ...] = (
        ("reinforcement", "reinforcement", False),
        ("reinforcement", "relevance", True),
        ("bayesian", "bayesian", False),
    )
    for (family, word, uses_relevance), scaling, asymmetry in product(families, (True, False), (True, False)):
        parts = (word, *(["scaling"] if scaling else []), *(["asymmetry"] if asymmetry else []))
        found.append(Model("-".join(parts), family, scaling, asymmetry, uses_relevance))
    return MappingProxyType({model.name: model for model in found})


MODELS: Mapping[str, Model] = _every_model()
"""The twelve models by name: ``reinforcement``, ``relevance`` (reinforcement with personal relevance) and ``bayesian``,
each with ``-scaling`` and ``-asymmetry`` where these are free."""


def model_called(name: str) -> Model:
    """Give the model of this name.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> model_called("bayesian-scaling").free
    ('scaling',)
    >>> len(MODELS), sum(model.needs_other for model in MODELS.values())
    (12, 8)
    """
    if name not in MODELS:
        close = get_close_matches(name, MODELS, n=1)
        raise InputError(
            f"There is no model called {name}.",
            expected=", ".join(MODELS),
            came=name,
            remedy=f"did you mean {close[0]}?" if close else None,
        )
    return MODELS[name]


@cache
def _limits(relevance: Relevance) -> tuple[float, float]:
    if relevance == "printed":
        return model_numbers().value("printed_lowest"), model_numbers().value("printed_highest")
    task = read("upturn.beliefs", "task")
    return task.value("lowest_estimate"), task.value("highest_estimate")


def personal_relevance(first: Answer, other: Answer, *, relevance: Relevance = "corrected") -> Float[Array, "..."]:
    """Give how personally relevant an event is: how far one's own risk stands from that of others.

    Corrected: (other − first)/(other − lowest) where others are more at risk, (first − other)/(highest − other)
    where they are less, 0 where they are equal. Lowest and highest are the limits of the answers, 3 and 77 percent, in
    the place of the printed 1 and 99, which suit another scale.

    Parameters
    ----------
    first, other
        Own estimate, and estimate for someone else of the same age and sex [percent, 3 to 77].
    relevance
        ``corrected`` gives 0 to 1. ``printed`` swaps the two conditions and uses 1 and 99, as the paper prints them:
        it is never above 0, so that the model learns *more* from personally relevant events, without limit.

    Returns
    -------
    Array
        Personal relevance [fraction].

    Notes
    -----
    Khalid 2025, equations x and xi. As printed, both branches are negative, and the text calls it a fraction: the
    conditions look swapped. The printed limits are those of Kuzmanovic & Rigoux 2017, whose scale runs from 1 to 99.

    Examples
    --------
    >>> [float(personal_relevance(20.0, other)) for other in (20.0, 37.0)], float(personal_relevance(40.0, 3.0))
    ([0.0, 0.5], 0.5)
    >>> float(personal_relevance(20.0, 59.0, relevance="printed"))
    -0.975
    """
    first, other = jnp.asarray(first), jnp.asarray(other)
    lowest, highest = _limits(relevance)
    if relevance == "corrected":
        # Answers stay within these limits, but a belief that is held may lie beyond them.
        first, other = jnp.clip(first, lowest, highest), jnp.clip(other, lowest, highest)
    more, less = other > first, other < first
    # One where the branch is not taken: a division by zero there would spoil the slopes.
    upper, lower = (more, less) if relevance == "corrected" else (less, more)
    of_more = (other - first) / jnp.where(upper, other - lowest, 1.0)
    of_less = (first - other) / jnp.where(lower, highest - other, 1.0)
    return jnp.where(upper, of_more, jnp.where(lower, of_less, 0.0))


def bayesian_belief(first: Answer, base_rate: Answer, other: Answer) -> Float[Array, "..."]:
    """Give the belief that Bayes' rule asks for, once the base rate is known.

    Odds = base-rate odds × likelihood ratio, and the ratio is what someone believed about oneself beyond others:
    the odds of ``first`` over the odds of ``other``.

    Parameters
    ----------
    first, base_rate, other
        Own estimate, base rate, estimate for someone else [percent, above 0 and below 100].

    Returns
    -------
    Array
        Bayesian belief [percent].

    Notes
    -----
    Khalid 2025, equations xii to xvi; Kuzmanovic & Rigoux 2017. Who thinks that others are as much at risk as they
    are takes over the base rate.

    Examples
    --------
    >>> round(float(bayesian_belief(30.0, 50.0, 30.0)), 6), round(float(bayesian_belief(20.0, 50.0, 50.0)), 6)
    (50.0, 20.0)
    """
    first, base_rate, other = jnp.asarray(first), jnp.asarray(base_rate), jnp.asarray(other)
    odds = base_rate * first * (100.0 - other)
    against = (100.0 - base_rate) * (100.0 - first) * other
    return 100.0 * odds / (odds + against)


def driving_error(
    model: Model, first: Answer, base_rate: Answer, other: Answer | None = None, *, relevance: Relevance = "corrected"
) -> Float[Array, "..."]:
    """Give the error [points] that the update of a model is proportional to.

    Parameters
    ----------
    model
        One of :data:`MODELS`.
    first, base_rate, other
        Own estimate, base rate, estimate for someone else [percent]; ``other`` only where the model needs it.
    relevance
        Which equation of personal relevance.

    Raises
    ------
    InputError
        The model needs the estimate for someone else, and there is none.

    Examples
    --------
    >>> float(driving_error(MODELS["reinforcement"], 40.0, 30.0))
    10.0
    """
    first, base_rate = jnp.asarray(first), jnp.asarray(base_rate)
    if not model.needs_other:
        return first - base_rate
    if other is None:
        raise InputError(
            f"The model {model.name} cannot do without the estimate for someone else.",
            expected="an estimate for someone else of the same age and sex, in every trial",
            remedy="use one of " + ", ".join(each.name for each in MODELS.values() if not each.needs_other),
        )
    if model.family == "bayesian":
        return first - bayesian_belief(first, base_rate, other)
    return (first - base_rate) * (1.0 - personal_relevance(first, other, relevance=relevance))


def news_sign(
    model: Model, first: Answer, base_rate: Answer, other: Answer | None = None, *, sign: SignRule = "base rate"
) -> Float[Array, "..."]:
    """Give +1 for good news, −1 for bad news and 0 for no news.

    Parameters
    ----------
    model
        One of :data:`MODELS`.
    first, base_rate, other
        Own estimate, base rate, estimate for someone else [percent].
    sign
        ``base rate``: good news is a base rate below the own estimate, in every family. ``posterior``: in the
        Bayesian family, good news is a Bayesian belief below the own estimate, that is a base rate below the
        estimate for someone else. The paper does not say which; they disagree on about one trial in four or five.
    """
    first, base_rate = jnp.asarray(first), jnp.asarray(base_rate)
    if sign == "posterior" and model.family == "bayesian":
        return jnp.sign(driving_error(model, first, base_rate, other))
    return jnp.sign(first - base_rate)


def predict(
    model: Model | str,
    scaling: Answer,
    asymmetry: Answer,
    first: Answer,
    base_rate: Answer,
    other: Answer | None = None,
    *,
    relevance: Relevance = "corrected",
    sign: SignRule = "base rate",
) -> Float[Array, "..."]:
    """Predict the second estimate: first − (S + A·sign) · error.

    Parameters
    ----------
    model
        A model or its name.
    scaling, asymmetry
        S and A [fraction; unbounded]. A model that fixes one of them uses 1 or 0 whatever is given.
    first, base_rate, other
        Own estimate, base rate, estimate for someone else [percent].
    relevance, sign
        Which equation of personal relevance, and what makes good news: see :func:`personal_relevance` and
        :func:`news_sign`.

    Returns
    -------
    Array
        Second estimate [percent], before noise, rounding and limits.

    Raises
    ------
    InputError
        No such model, or the model needs ``other``.

    Notes
    -----
    Khalid 2025, equations i to xviii. The paper writes the update as LR·error with LR = S ± A; with its sign rule
    the line for bad news needs the size of the error, which is what is computed here.

    Examples
    --------
    Good news of 20 points, half of it believed; bad news of 20 points, three tenths of it:

    >>> float(predict("reinforcement-scaling-asymmetry", 0.4, 0.1, 60.0, 40.0))
    50.0
    >>> float(predict("reinforcement-scaling-asymmetry", 0.4, 0.1, 20.0, 40.0))
    26.0
    """
    if isinstance(model, str):
        model = model_called(model)
    numbers = model_numbers()
    scaling = scaling if model.frees_scaling else numbers.value("fixed_scaling")
    asymmetry = asymmetry if model.frees_asymmetry else numbers.value("fixed_asymmetry")
    error = driving_error(model, first, base_rate, other, relevance=relevance)
    valence = news_sign(model, first, base_rate, other, sign=sign)
    return jnp.asarray(first) - (jnp.asarray(scaling) + asymmetry * valence) * error
