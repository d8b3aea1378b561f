"""How frequent each of several models is among people.

What lives here: random-effects Bayesian model selection from the evidence of single fits. What does not: the fits
(``persons``), prediction of people not seen (``leave_one_out``), and which model is true in simulations (``recovery``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import isqrt

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import digamma, gammainc, gammaln, logsumexp
from jaxtyping import Array, Float, Int

from upturn.beliefs.models import model_numbers
from upturn.errors import InputError
from upturn.inference.beliefs.persons import TAIL, PersonFits

__all__ = ["Selection", "evidence_by_person", "people_of", "select"]

# Iterations end when no count of people changes by more than this, or when nothing more can be expected.
TOLERANCE = 1e-10
MOST_ITERATIONS = 10_000
# Nodes of the integral over the largest of several gamma variables; as many again for every four thousand people.
NODES = 512
PEOPLE_PER_ROOT = 64


@dataclass(frozen=True)
class Selection:
    """Say how frequent each model is among people.

    Parameters
    ----------
    models
        Names, in the order of all arrays.
    count
        Parameters of the Dirichlet posterior of the frequencies [people].
    frequency, frequency_sd
        Posterior mean and standard deviation of each model's frequency [fraction].
    exceedance
        Probability that the model is more frequent than every other one.
    protected
        The same, allowing that all models are equally frequent and differ by chance.
    omnibus_risk
        Probability that they are equally frequent.
    attribution
        Probability that each person follows each model.
    """

    models: tuple[str, ...]
    count: Float[np.ndarray, " model"]
    frequency: Float[np.ndarray, " model"]
    frequency_sd: Float[np.ndarray, " model"]
    exceedance: Float[np.ndarray, " model"]
    protected: Float[np.ndarray, " model"]
    omnibus_risk: float
    attribution: Float[np.ndarray, "person model"]


def evidence_by_person(fits: PersonFits) -> tuple[tuple[str, ...], Float[np.ndarray, "person model"]]:
    """Add up the log evidence of each person's sessions: one model per person, numbers of its own at each visit.

    Returns
    -------
    tuple
        Participants in order of appearance, and log evidence [nat].
    """
    people, whose = people_of(fits.participant)
    evidence = np.zeros((len(people), len(fits.models)))
    np.add.at(evidence, whose, fits.log_evidence.T)
    return people, evidence


def people_of(participants: Sequence[str]) -> tuple[tuple[str, ...], Int[np.ndarray, " session"]]:
    """Give people in order of appearance, and whose each session is."""
    people = tuple(dict.fromkeys(participants))
    place = {person: i for i, person in enumerate(people)}
    return people, np.array([place[person] for person in participants], dtype=int)


def select(
    log_evidence: Float[np.ndarray, "person model"], models: Sequence[str], *, prior_count: float | None = None
) -> Selection:
    """Estimate how frequent each model is among people, each of whom follows one of them.

    Parameters
    ----------
    log_evidence
        Log evidence of each model for each person [nat], finite.
    models
        Names of the models.
    prior_count
        Parameter of the symmetric Dirichlet prior on the frequencies, above 0; 1 unless told.

    Returns
    -------
    Selection
        Frequencies, exceedance and protected exceedance probabilities.

    Raises
    ------
    InputError
        An evidence that is not finite, no person, or names that do not fit the columns.

    Notes
    -----
    Stephan 2009 (variational Dirichlet posterior, exceedance probability); Rigoux 2014 (omnibus risk, protected
    exceedance probability). The exceedance probability is one integral, after Soch & Allefeld 2016, not a simulation.

    Examples
    --------
    Nine of ten people are four nats in favour of the first model:

    >>> import numpy as np
    >>> found = select(np.array([[4.0, 0.0]] * 9 + [[0.0, 4.0]]), ("one", "two"))
    >>> [round(float(x), 2) for x in found.frequency], round(float(found.exceedance[0]), 2)
    ([0.84, 0.16], 1.0)
    """
    evidence = np.asarray(log_evidence, dtype=float)
    if evidence.ndim != 2 or evidence.shape[1] != len(models) or not evidence.size:
        raise InputError(
            "The evidence does not fit the models.",
            expected=f"at least one person, and {len(models)} models",
            came=" × ".join(str(n) for n in evidence.shape),
        )
    if not np.isfinite(evidence).all():
        person, model = np.argwhere(~np.isfinite(evidence))[0]
        raise InputError(
            "A log evidence is not a finite number.",
            expected="finite log evidence for every person and model",
            came=str(evidence[person, model]),
            where=f"person {person + 1}, model {models[model]}",
        )
    prior = model_numbers().value("model_prior_count") if prior_count is None else prior_count
    if not prior > 0:
        raise InputError("The prior count of the models must be above 0.", came=f"{prior:g}")
    count, attribution, bound = (np.asarray(x) for x in _variational(jnp.asarray(evidence), prior))
    people, number = evidence.shape
    # Under equal frequencies the people are independent, and their evidence is the mean over models.
    chance = float(logsumexp(jnp.asarray(evidence), axis=1).sum() - people * np.log(number))
    omnibus_risk = float(jax.nn.sigmoid(chance - float(bound)))
    total = count.sum()
    frequency = count / total
    exceedance = np.asarray(_exceedance(jnp.asarray(count), nodes=NODES * (1 + isqrt(people) // PEOPLE_PER_ROOT)))
    return Selection(
        models=tuple(models),
        count=count,
        frequency=frequency,
        frequency_sd=np.sqrt(frequency * (1 - frequency) / (total + 1)),
        exceedance=exceedance,
        protected=exceedance * (1 - omnibus_risk) + omnibus_risk / number,
        omnibus_risk=omnibus_risk,
        attribution=attribution,
    )


@jax.jit
def _variational(evidence: Array, prior: Array) -> tuple[Array, Array, Array]:
    """Give counts, attributions and the free energy (Stephan 2009, equations 11 to 14; Rigoux 2014, appendix)."""

    def attribute(count: Array) -> Array:
        return jax.nn.softmax(evidence + digamma(count) - digamma(count.sum()), axis=1)

    def again(state: tuple[Array, Array, Array]) -> Array:
        _, change, done = state
        return (change > TOLERANCE) & (done < MOST_ITERATIONS)

    def improve(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        count, _, done = state
        better = prior + attribute(count).sum(axis=0)
        return better, jnp.abs(better - count).max(), done + 1

    start = jnp.full(evidence.shape[1], prior, dtype=float)
    count, _, _ = jax.lax.while_loop(again, improve, (start, jnp.asarray(jnp.inf), jnp.zeros((), int)))
    z = attribute(count)
    log_frequency = digamma(count) - digamma(count.sum())
    own = jnp.full_like(count, prior)
    free_energy = (
        jnp.sum(z * (evidence + log_frequency))
        - jnp.sum(jax.scipy.special.xlogy(z, z))
        + gammaln(own.sum()) - gammaln(own).sum() + jnp.sum((own - 1) * log_frequency)
        - gammaln(count.sum()) + gammaln(count).sum() - jnp.sum((count - 1) * log_frequency)
    )  # fmt: skip
    return count, z, free_energy


@partial(jax.jit, static_argnames="nodes")
def _exceedance(count: Array, *, nodes: int) -> Array:
    """Give the probability that each of several Dirichlet frequencies is the largest.

    Frequencies are gamma variables over their sum, so the largest frequency is the largest gamma variable:
    ∫ gamma(x; αᵢ) Πⱼ≠ᵢ P(αⱼ, x) dx, over log x, between values that the largest of them stays within.
    """
    most = count.max()
    low = jnp.log(most) - 1 - TAIL / most
    high = jnp.log(most) + 1 + jnp.log1p(TAIL / most)
    t = jnp.linspace(low, high, nodes)
    log_density = count[:, None] * t - jnp.exp(t) - gammaln(count)[:, None]
    below = gammainc(count[:, None], jnp.exp(t))
    others = jnp.stack([jnp.prod(jnp.delete(below, i, axis=0), axis=0) for i in range(len(count))])
    found = jnp.sum(jnp.exp(log_density) * others, axis=1) * (t[1] - t[0])
    return found / found.sum()
