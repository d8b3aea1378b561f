"""Who does the task: what groups believe and how they learn at each visit, and how people differ.

What lives here: the numbers of a population, as arrays that a program may map over, and the drawing of learners from
them. What does not: how a learner answers (``simulation``), and what a drug does to learning (``upturn.trials``).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from upturn.errors import InputError
from upturn.numerics import person_key
from upturn.parameters import ParameterFile, read

__all__ = [
    "BeliefPopulation",
    "Learner",
    "belief_population",
    "changed",
    "draw_learners",
    "everywhere",
    "people_numbers",
]

Scalar = Float[Array, ""]
ByVisit = Float[Array, "group visit"]

# What is drawn together for one person; the correlation matrix has this order.
TOGETHER = ("scaling", "asymmetry", "belief")
OF_GROUP_AND_VISIT = ("scaling", "asymmetry", "belief_mean", "report_noise", "answer_noise")


@jax.tree_util.register_dataclass
@dataclass(frozen=True, kw_only=True)
class BeliefPopulation:
    """Hold what is true of a simulated population; every entry is an array, so that programs may map over truths.

    Parameters
    ----------
    scaling, asymmetry
        Mean S and A of each group at each visit [fraction].
    belief_mean
        Mean belief of each group at each visit [percent].
    report_noise, answer_noise
        SD of a reported estimate about the belief held, and of the second estimate about its model value, at each
        group and visit [points].
    scaling_sd, asymmetry_sd, belief_sd
        SD between people.
    scaling_visit_sd, asymmetry_visit_sd, belief_visit_sd
        SD between the visits of one person.
    correlation
        Correlation between people of scaling, asymmetry and mean belief.
    noise_spread
        SD between people of the logarithm of both kinds of noise.
    event_sd, belief_spread
        SD of mean beliefs between events, and of one person's beliefs about them [points].
    optimism, optimism_sd, optimism_spread
        Log odds of own risk over that of others: mean, SD between people, SD between events; below 0 is optimistic.
    trust, trust_sd, trust_spread, trust_effect
        Trust in base rates [percent]: mean, SD between people, SD between events, and what it does: the update is
        multiplied by 1 + effect · (trust − mean)/100.
    missing
        Share of estimates that are missing.
    tens, fives
        Shares of estimates that are rounded to multiples of 10 and of 5; the others are whole numbers.
    carried
        0: learning starts from the belief held; 1: from the first estimate as reported.
    retained
        Share of an update that is still there when the same event comes again at a later visit.
    """

    scaling: ByVisit
    asymmetry: ByVisit
    belief_mean: ByVisit
    report_noise: ByVisit
    answer_noise: ByVisit
    scaling_sd: Scalar
    asymmetry_sd: Scalar
    belief_sd: Scalar
    scaling_visit_sd: Scalar
    asymmetry_visit_sd: Scalar
    belief_visit_sd: Scalar
    correlation: Float[Array, "3 3"]
    noise_spread: Scalar
    event_sd: Scalar
    belief_spread: Scalar
    optimism: Scalar
    optimism_sd: Scalar
    optimism_spread: Scalar
    trust: Scalar
    trust_sd: Scalar
    trust_spread: Scalar
    trust_effect: Scalar
    missing: Scalar
    tens: Scalar
    fives: Scalar
    carried: Scalar
    retained: Scalar


class Learner(NamedTuple):
    """Hold the numbers of people at their visits; of one person at one visit where arrays are scalars.

    Parameters
    ----------
    scaling, asymmetry
        S and A [fraction].
    belief_mean
        Mean belief over events [percent].
    report_noise, answer_noise
        As in :class:`BeliefPopulation` [points].
    optimism
        Log odds of own risk over that of others.
    trust
        Mean trust in base rates [percent].
    """

    scaling: Float[Array, "..."]
    asymmetry: Float[Array, "..."]
    belief_mean: Float[Array, "..."]
    report_noise: Float[Array, "..."]
    answer_noise: Float[Array, "..."]
    optimism: Float[Array, "..."]
    trust: Float[Array, "..."]


def people_numbers() -> ParameterFile:
    """Give the numbers about people, with their sources."""
    return read("upturn.beliefs", "people")


def belief_population(*, groups: int = 1, visits: int = 1, **others: float) -> BeliefPopulation:
    """Give the population of ``parameters/people.yaml``, the same in every group and at every visit.

    Parameters
    ----------
    groups, visits
        How many of each.
    others
        Other values for any number of the population, by its name.

    Raises
    ------
    InputError
        A name that the population does not have.

    Examples
    --------
    >>> healthy = belief_population(report_noise=5.0)
    >>> float(healthy.scaling[0, 0]), float(healthy.report_noise[0, 0])
    (0.39, 5.0)
    """
    known = people_numbers()
    names = [field.name for field in fields(BeliefPopulation) if field.name != "correlation"]
    strange = sorted(set(others) - set(names))
    if strange:
        raise InputError("The population has no such number.", expected=", ".join(names), came=", ".join(strange))
    values: dict[str, Array] = {name: jnp.asarray(others.get(name, known.value(name)), dtype=float) for name in names}
    for name in OF_GROUP_AND_VISIT:
        values[name] = jnp.broadcast_to(values[name], (groups, visits))
    correlation = jnp.eye(len(TOGETHER))
    for i, one in enumerate(TOGETHER):
        for j, two in enumerate(TOGETHER[:i]):
            between = known.value(f"{two}_{one}_correlation")
            correlation = correlation.at[i, j].set(between).at[j, i].set(between)
    return BeliefPopulation(correlation=correlation, **values)


def everywhere(population: BeliefPopulation, *, visits: int) -> BeliefPopulation:
    """Give a population of one visit the same numbers at several.

    Examples
    --------
    >>> everywhere(belief_population(), visits=3).scaling.shape
    (1, 3)
    """
    wide = {name: jnp.broadcast_to(getattr(population, name), (1, visits)) for name in OF_GROUP_AND_VISIT}
    return replace(population, **wide)


def changed(
    population: BeliefPopulation,
    *,
    group: int,
    visit: int | slice,
    belief_mean: float = 0.0,
    scaling: float = 0.0,
    asymmetry: float = 0.0,
    noise: float = 1.0,
) -> BeliefPopulation:
    """Change one group at one visit: what is added to its means, and the factor on both kinds of noise.

    Parameters
    ----------
    population
        The population before.
    group, visit
        Which group and visit, from 0; a slice means several visits.
    belief_mean, scaling, asymmetry
        Added to the means [points; fraction; fraction].
    noise
        Factor on report and answer noise.

    Examples
    --------
    Patients start 12 points more pessimistic than controls and end level:

    >>> study = changed(belief_population(groups=2, visits=2), group=0, visit=0, belief_mean=12.0)
    >>> study.belief_mean.tolist()
    [[47.0, 35.0], [35.0, 35.0]]
    """
    where = (group, visit)
    return replace(
        population,
        belief_mean=population.belief_mean.at[where].add(belief_mean),
        scaling=population.scaling.at[where].add(scaling),
        asymmetry=population.asymmetry.at[where].add(asymmetry),
        report_noise=population.report_noise.at[where].multiply(noise),
        answer_noise=population.answer_noise.at[where].multiply(noise),
    )


def draw_learners(
    key: Array, population: BeliefPopulation, group: Int[Array, " person"], number: Int[Array, " person"]
) -> Learner:
    """Draw people: their numbers at every visit.

    Parameters
    ----------
    key
        Random key of the study; each person has a key of their own from their number.
    population
        The truth.
    group, number
        Each person's group and number.

    Returns
    -------
    Learner
        Arrays of people by visits.
    """
    visits = population.scaling.shape[1]
    root = jnp.linalg.cholesky(population.correlation)
    between = jnp.stack([population.scaling_sd, population.asymmetry_sd, population.belief_sd])
    within = jnp.stack([population.scaling_visit_sd, population.asymmetry_visit_sd, population.belief_visit_sd])

    def one(group: Array, number: Array) -> Learner:
        for_person, for_visits, for_habits = jax.random.split(person_key(key, number), 3)
        lasting = between * (root @ jax.random.normal(for_person, (len(TOGETHER),)))
        passing = within * jax.random.normal(for_visits, (visits, len(TOGETHER)))
        effect = lasting + passing
        habit = jax.random.normal(for_habits, (4,))
        everywhere = jnp.ones(visits)
        return Learner(
            scaling=population.scaling[group] + effect[:, 0],
            asymmetry=population.asymmetry[group] + effect[:, 1],
            belief_mean=population.belief_mean[group] + effect[:, 2],
            report_noise=population.report_noise[group] * jnp.exp(population.noise_spread * habit[0]),
            answer_noise=population.answer_noise[group] * jnp.exp(population.noise_spread * habit[1]),
            optimism=everywhere * (population.optimism + population.optimism_sd * habit[2]),
            trust=everywhere * (population.trust + population.trust_sd * habit[3]),
        )

    return jax.vmap(one)(jnp.asarray(group), jnp.asarray(number))
