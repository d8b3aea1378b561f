"""What is put in should come out: known numbers and known models, simulated, fitted and compared with the truth.

What lives here: recovery of S and A, and which model is found when each of the twelve is true. What does not: the
simulation (``beliefs.simulation``), the fits (``persons``), and how the whole hierarchical analysis performs
(``operating``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from statistics import NormalDist
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import Layout, StudyDesign, study_design
from upturn.beliefs.models import MODELS, model_called, model_numbers
from upturn.beliefs.people import BeliefPopulation, Learner, belief_population
from upturn.beliefs.simulation import Said, simulate_learners, to_answers
from upturn.errors import InputError
from upturn.inference.beliefs.persons import PRIORS, fit_persons
from upturn.inference.beliefs.selection import select

__all__ = [
    "CONDITIONS",
    "ModelRecovery",
    "ParameterRecovery",
    "recover_models",
    "recover_parameters",
    "recovery_noises",
]

CONDITIONS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "as modelled": MappingProxyType({"carried": 1.0, "tens": 0.0, "fives": 0.0, "missing": 0.0}),
        "as answered": MappingProxyType({}),
    }
)
"""How people answer. ``as modelled``: as all twelve models take for granted, learning from the estimate that was
reported, but for whole numbers and limits. ``as answered``: the shipped population, with reports that scatter about the
belief held, learning from that belief, round numbers, and missing answers."""

PUBLISHED = "reinforcement-scaling-asymmetry"
# Two-sided intervals that hold 95 %.
UPPER = 0.975


@dataclass(frozen=True)
class ParameterRecovery:
    """Say how well one number is recovered.

    Parameters
    ----------
    condition
        One of :data:`CONDITIONS`.
    noise
        Spread of second estimates about the model [points]; not a number where it differs between people.
    number
        ``scaling`` or ``asymmetry``.
    people, trials
        How many were simulated, and trials per person.
    spread
        Root mean square of base rate − first estimate [points]: the further apart they lie, the more a session tells.
    correlation
        Between truth and estimate over people; not a number where fewer than two differ.
    bias
        Mean of estimate − truth [fraction].
    error
        Root mean square of estimate − truth [fraction].
    standard_error
        Mean standard error that the fits state [fraction]; honest where it equals ``error``.
    covered
        Share of people whose truth lies in estimate ± 1.96 standard errors.
    """

    condition: str
    noise: float
    number: str
    people: int
    trials: int
    spread: float
    correlation: float
    bias: float
    error: float
    standard_error: float
    covered: float


@dataclass(frozen=True)
class ModelRecovery:
    """Say which model is found when each is true.

    Parameters
    ----------
    models
        Names, in the order of both axes: rows are true, columns are found.
    condition, priors
        How people answered, and the priors of the fits.
    people
        People simulated under each model.
    best
        Share of people for whom the model in the column has the most evidence; rows add up to 1.
    frequency
        Expected frequency of the model in the column in a group of these people; rows add up to 1.
    """

    models: tuple[str, ...]
    condition: str
    priors: str
    people: int
    best: Float[np.ndarray, "true found"]
    frequency: Float[np.ndarray, "true found"]

    @property
    def recovered(self) -> tuple[bool, ...]:
        """Whether the true model is the most frequent one in its group."""
        return tuple(bool(row.argmax() == i) for i, row in enumerate(self.frequency))


def recovery_noises() -> tuple[float, ...]:
    """Give the spreads of answers [points] at which recovery is shown."""
    return tuple(model_numbers().value(f"recovery_noise_{size}") for size in ("small", "middle", "large"))


def recover_parameters(
    key: Array, people: int, *, condition: str = "as modelled", noise: float | None = None, model: str = PUBLISHED
) -> tuple[ParameterRecovery, ...]:
    """Simulate people with known S and A under one model, fit them, and compare.

    Parameters
    ----------
    key
        Random key.
    people
        How many, two or more; each answers the 40 events of list ``a`` once.
    condition
        One of :data:`CONDITIONS`.
    noise
        Spread of second estimates about the model, the same for everybody [points]; unless told, the population's.
    model
        Name of the true model, which is also the fitted one.

    Returns
    -------
    tuple of ParameterRecovery
        One for each number that the model frees.

    Raises
    ------
    InputError
        No such model or condition; fewer than two people.

    Notes
    -----
    Khalid 2025 reports correlations of 0.92 for S and 0.82 for A; what their simulated people had in spread of answers
    is not printed.
    """
    free = model_called(model).free
    truth = _population(condition)
    if noise is not None:
        truth = _population(condition, answer_noise=noise, noise_spread=0.0)
    answers, learners = _simulate(key, people, truth, model)
    fits = fit_persons(answers, models=(model,))
    spread = float(np.sqrt(np.mean((answers.base_rate - answers.first)[answers.answered] ** 2)))
    found = []
    for name in free:
        true = np.asarray(getattr(learners, name))[:, 0]
        estimate, stated = getattr(fits, name)[0], getattr(fits, f"{name}_error")[0]
        off = estimate - true
        varies = estimate.std() > 0 and true.std() > 0
        found.append(
            ParameterRecovery(
                condition=condition,
                noise=float("nan") if noise is None else noise,
                number=name,
                people=people,
                trials=answers.first.shape[1],
                spread=spread,
                correlation=float(np.corrcoef(true, estimate)[0, 1]) if varies else float("nan"),
                bias=float(off.mean()),
                error=float(np.sqrt((off**2).mean())),
                standard_error=float(stated.mean()),
                covered=float((np.abs(off) <= NormalDist().inv_cdf(UPPER) * stated).mean()),
            )
        )
    return tuple(found)


def recover_models(
    key: Array,
    people: int,
    *,
    condition: str = "as modelled",
    priors: str = "published",
    models: Sequence[str] = tuple(MODELS),
    progress: Callable[[int], None] = lambda _: None,
) -> ModelRecovery:
    """Simulate people under each model, fit all models to them, and see which one is found.

    Parameters
    ----------
    key
        Random key.
    people
        How many under each model, two or more.
    condition
        One of :data:`CONDITIONS`.
    priors
        Name of the priors of the fits, ``published`` or ``weak``.
    models
        Names of the models that are true in turn, and fitted; all twelve unless told.
    progress
        Told after each model that one more is done.

    Raises
    ------
    InputError
        No such model, condition or priors; fewer than two people.
    """
    names = tuple(models)
    for name in names:
        model_called(name)
    if priors not in PRIORS:
        raise InputError("There are no such priors.", expected=", ".join(PRIORS), came=priors)
    truth = _population(condition)
    best, frequency = np.zeros((len(names),) * 2), np.zeros((len(names),) * 2)
    for i, (name, one) in enumerate(zip(names, jax.random.split(key, len(names)), strict=True)):
        answers, _ = _simulate(one, people, truth, name)
        evidence = fit_persons(answers, models=names, priors=PRIORS[priors]()).log_evidence.T
        best[i] = np.bincount(evidence.argmax(axis=1), minlength=len(names)) / people
        frequency[i] = select(evidence, names).frequency
        progress(1)
    return ModelRecovery(names, condition, priors, people, best, frequency)


def _population(condition: str, **others: float) -> BeliefPopulation:
    if condition not in CONDITIONS:
        raise InputError("There is no such way to answer.", expected=", ".join(CONDITIONS), came=condition)
    return belief_population(groups=1, visits=1, **{**CONDITIONS[condition], **others})


@cache
def _design(people: int) -> StudyDesign:
    return study_design({"simulated": people})


def _simulate(key: Array, people: int, truth: BeliefPopulation, model: str) -> tuple[Answers, Learner]:
    """Simulate people who learn by one model; a fixed number is one that everybody has."""
    if people < 2:
        raise InputError("Recovery needs people to compare.", expected="at least two people", came=str(people))
    true = model_called(model)
    for number in ("scaling", "asymmetry"):
        if number not in true.free:
            alike = model_numbers().value(f"fixed_{number}") * jnp.ones_like(truth.scaling)
            none = jnp.zeros(())
            truth = replace(truth, **{number: alike, f"{number}_sd": none, f"{number}_visit_sd": none})
    # The freest model of each kind with fixed numbers is any other: three programs to compile and not twelve.
    freest = next(
        name
        for name, each in MODELS.items()
        if (each.family, each.uses_relevance) == (true.family, true.uses_relevance) and len(each.free) == 2
    )
    design = _design(people)
    said, learners = jax.device_get(_said(key, design.layout, truth, model=freest))
    return to_answers(design, said), learners


@partial(jax.jit, static_argnames="model")
def _said(key: Array, plan: Layout, truth: BeliefPopulation, *, model: str) -> tuple[Said, Learner]:
    return simulate_learners(key, plan, truth, model=model)
