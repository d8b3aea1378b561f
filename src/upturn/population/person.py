"""Who: covariates, baseline and the standard normal draws behind everything that differs between people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.mood import moderators
from upturn.parameters import ParameterFile, read
from upturn.pharmacology import Covariates
from upturn.protocol import Distribution, Population

__all__ = ["TRAITS", "Person", "draw_person", "numbers", "population_numbers"]

Scalar = Float[Array, ""]
Four = Float[Array, " 4"] | Float[np.ndarray, " 4"]

# Draws that are not parameters of a kinetic model.
TRAITS = (
    "effect", "nonspecific", "spontaneous", "tau_off", "k_form", "dissociation", "systolic", "diastolic",
    "baseline_systolic", "baseline_diastolic",
)  # fmt: skip


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Person:
    """One virtual person.

    Parameters
    ----------
    body
        What the kinetics may know.
    female
        1 for a woman, else 0.
    height_cm
        Height [cm].
    ideal_weight_kg
        Ideal weight (Devine) [kg].
    baseline
        Score before the first dose, by instrument; an integer.
    known
        Standardised covariates that the population describes, by the name of the moderator.
    normal
        Standard normal draws, last axis: of the kinetic parameters, :data:`TRAITS`, and covariates that are not known.
    kinetic
        Names of the kinetic parameters that vary between people.
    """

    body: Covariates
    female: Scalar
    height_cm: Scalar
    ideal_weight_kg: Scalar
    baseline: Mapping[str, Scalar]
    known: Mapping[str, Scalar]
    normal: Float[Array, "*people draws"]
    kinetic: tuple[str, ...] = field(metadata={"static": True})

    @property
    def draws(self) -> dict[str, Scalar]:
        """Standard normal draws by name: those of the kinetic parameters and of :data:`TRAITS`."""
        return {name: self.normal[..., i] for i, name in enumerate([*self.kinetic, *TRAITS])}

    @property
    def standing(self) -> dict[str, Scalar]:
        """Standardised covariates, by the name of the moderator."""
        after = len(self.kinetic) + len(TRAITS)
        return {m.name: self.normal[..., after + i] for i, m in enumerate(moderators())} | dict(self.known)


def population_numbers() -> ParameterFile:
    """Give the fixed numbers about people and trials."""
    return read("upturn.population", "population")


def numbers(population: Population) -> dict[str, Float[np.ndarray, " 4"]]:
    """Turn a protocol's population into arrays: mean, SD, lowest and highest of each distribution."""

    def four(d: Distribution) -> Float[np.ndarray, " 4"]:
        return np.array([d.mean, d.sd, d.min, d.max])

    out = {"age_y": four(population.age_y), "weight_kg": four(population.weight_kg)}
    out["height_cm"] = four(population.height_cm)
    out["female"] = np.array([float(population.female), 0.0, 0.0, 1.0])
    out |= {f"baseline.{name}": four(d) for name, d in sorted(population.baseline.items())}
    return out


def draw_person(key: Array, population: Mapping[str, Four], kinetic: Sequence[str]) -> Person:
    """Draw one person.

    Parameters
    ----------
    key
        The person's random key.
    population
        From :func:`numbers`.
    kinetic
        Names of the kinetic parameters that vary between people.

    Returns
    -------
    Person
        The person. Distributions are normal, truncated at their bounds.
    """
    spread = [name for name in population if name != "female"]
    for_body, for_sex, for_traits = jax.random.split(key, 3)
    uniform = jax.random.uniform(for_body, (len(spread),))
    drawn = _truncated(uniform, jnp.stack([population[name] for name in spread], axis=-1))
    values = dict(zip(spread, drawn, strict=True))
    normal = jax.random.normal(for_traits, (len(kinetic) + len(TRAITS) + len(tuple(moderators())),))
    fraction = population["female"][0]
    female = (jax.random.uniform(for_sex) < fraction).astype(float)
    baseline = {
        name.partition(".")[2]: jnp.round(value) for name, value in values.items() if name.startswith("baseline.")
    }
    weight, height = values["weight_kg"], values["height_cm"]
    bmi, usual = (
        weight / (height / 100) ** 2,
        population["weight_kg"][0] / (population["height_cm"][0] / 100) ** 2,
    )
    least_variance = population_numbers().value("least_variance_of_sex")
    spread_bmi = population["weight_kg"][1] / (population["height_cm"][0] / 100) ** 2
    known = {
        "age": _standard(values["age_y"], population["age_y"]),
        "female": (female - fraction) / jnp.sqrt(jnp.maximum(fraction * (1 - fraction), least_variance)),
        "bmi": (bmi - usual) / spread_bmi,
        "baseline_severity": _standard(values["baseline.MADRS"], population["baseline.MADRS"]),
    }
    zero = jnp.zeros(())
    return Person(
        Covariates(weight, values["age_y"], zero, zero),
        female,
        height,
        _ideal_weight(height, female),
        baseline,
        known,
        normal,
        tuple(kinetic),
    )


def _truncated(uniform: Float[Array, " n"], distributions: Float[Array, "4 n"]) -> Float[Array, " n"]:
    mean, sd, low, high = distributions
    ends = jax.scipy.stats.norm.cdf((jnp.stack([low, high]) - mean) / sd)
    inside = jnp.clip(ends[0] + uniform * (ends[1] - ends[0]), 1e-12, 1 - 1e-12)
    return jnp.clip(mean + sd * jax.scipy.special.ndtri(inside), low, high)


def _standard(value: Scalar, distribution: Four) -> Scalar:
    return (value - distribution[0]) / distribution[1]


def _ideal_weight(height_cm: Scalar, female: Scalar) -> Scalar:
    p = population_numbers().value
    base = jnp.where(female > 0, p("ideal_weight_female"), p("ideal_weight_male"))
    return base + p("ideal_weight_slope") * jnp.maximum(height_cm - p("ideal_weight_height"), 0.0)
