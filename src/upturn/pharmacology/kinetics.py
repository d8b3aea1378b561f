"""What every kinetic model offers, and how a person's parameters are made from a file and standard normal draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.errors import InputError
from upturn.numerics import Exponentials, Mammillary, mammillary
from upturn.parameters import Parameter, ParameterFile
from upturn.pharmacology.inlets import Inlet

__all__ = [
    "Covariates",
    "Given",
    "Kinetics",
    "Responses",
    "concentration",
    "individual",
    "individuals",
    "metabolite",
    "typical",
    "unsupported",
]

Scalar = Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Covariates:
    """What a kinetic model may know of a person: weight [kg], age [years], and ancestry as 0 or 1."""

    weight_kg: Scalar
    age_y: Scalar
    asian: Scalar
    japanese: Scalar


@dataclass(frozen=True)
class Given:
    """A dose as it is given: drug, route, duration of an infusion [h], start of each nasal device [h]."""

    drug: str
    route: str
    over_h: float = 0.0
    devices_h: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class Responses:
    """A person's linear kinetics for one drug and route.

    Parameters
    ----------
    outputs
        Concentration [mg/L] per unit amount [mg], by output and path. Outputs: ``ketamine`` (all of it, at the
        model's sampling site), ``s_ketamine``, ``norketamine``, ``hydroxynorketamine`` where the model has it, and
        ``ketamine_venous`` where the model is arterial.
    shares
        Fraction of an amount that takes each inlet.
    """

    outputs: Mapping[str, Mapping[str, Exponentials]]
    shares: Mapping[str, Scalar]


class Kinetics(Protocol):
    """A published population model of ketamine or esketamine."""

    @property
    def parameters(self) -> ParameterFile:
        """Its numbers."""

    @property
    def site(self) -> str:
        """Where its plasma was taken: ``arterial`` or ``venous``."""

    def supports(self, drug: str, route: str) -> bool:
        """Whether the model describes this drug by this route."""

    def inlets(self, given: Given) -> tuple[Inlet, ...]:
        """Give the ways in of a dose; times only, known before compilation."""

    def values(self, draws: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Give a person's parameters from a standard normal draw for each parameter that varies."""

    def responses(self, values: Mapping[str, Scalar], person: Covariates, given: Given) -> Responses:
        """Give a person's kinetics."""


def individual(parameter: Parameter, draw: Scalar | float, value: Scalar | float | None = None) -> Scalar:
    """Give a person's value of a parameter from a standard normal draw.

    Several sources of variability of one kind (person, occasion) are drawn together: their variances add.

    Parameters
    ----------
    parameter
        The parameter; without variability, its value is returned.
    draw
        Standard normal; 0 gives the typical value.
    value
        Typical value to use instead of the published one.
    """
    typical = jnp.asarray(parameter.value if value is None else value, dtype=float)
    if not parameter.variability:
        return typical
    kinds = {v.kind for v in parameter.variability}
    sd = sum(v.sd**2 for v in parameter.variability) ** 0.5
    if kinds == {"lognormal"}:
        return typical * jnp.exp(sd * draw)
    if kinds == {"logit-normal"}:
        return jax.nn.sigmoid(jax.scipy.special.logit(typical) + sd * draw)
    if kinds == {"normal"}:
        return typical + sd * draw
    return typical * (1 + sd * draw)


def individuals(parameters: ParameterFile, draws: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Give all of a person's values; a parameter without a draw keeps its typical value."""
    return {p.name: individual(p, draws.get(p.name, jnp.zeros(()))) for p in parameters}


def unsupported(model: str, given: Given) -> InputError:
    """Say that a model does not describe a drug by a route."""
    return InputError(
        f"The kinetic model {model} does not describe {given.drug} by the {given.route} route.",
        expected="a drug and route that the model was built for",
        came=f"{given.drug}, {given.route}",
        remedy="leave the choice of model to the protocol's default",
    )


def metabolite(
    name: str,
    *,
    clearance: Scalar,
    volume: Scalar,
    exchange: Scalar,
    peripheral_volume: Scalar,
    pace: Scalar | float = 1.0,
) -> Mammillary:
    """Solve the two compartments of a metabolite.

    Parameters
    ----------
    name
        Prefix of the mode names.
    clearance, exchange
        Elimination from the centre, and flow between the two [L/h].
    volume, peripheral_volume
        Volumes of the two [L].
    pace
        Factor of every rate: flow over volume as they scale with the body.
    """
    return mammillary(
        name,
        elimination=clearance / volume * pace,
        exchange=[(exchange / volume * pace, exchange / peripheral_volume * pace, 0.0)],
    )


def typical(parameters: ParameterFile) -> dict[str, Scalar]:
    """Give the typical person's values: every draw zero."""
    return individuals(parameters, {})


def concentration(
    responses: Responses,
    inlets: tuple[Inlet, ...],
    output: str,
    *,
    amounts_mg: Float[Array, " doses"],
    starts_h: Float[Array, " doses"],
    time_h: Float[Array, " times"],
) -> Float[Array, " times"]:
    """Give an output at any times by superposition of all doses: exact, because the kinetics are linear.

    Parameters
    ----------
    responses, inlets
        From a kinetic model.
    output
        Name of the output.
    amounts_mg, starts_h
        The doses.
    time_h
        Times [h].

    Returns
    -------
    Array
        Concentration [mg/L].
    """
    total = jnp.zeros_like(time_h)
    for inlet in inlets:
        response = responses.outputs.get(output, {}).get(inlet.path)
        if response is None:
            continue
        since = time_h[:, None] - starts_h[None, :] - inlet.starts_h
        after = jnp.maximum(since, 0.0)
        stopped = jnp.maximum(since - inlet.lasts_h, 0.0)
        seen = jnp.zeros_like(since)
        # One mode after the other: as a sum along an axis, XLA took eight times as long.
        for rate, amplitude in zip(response.rates, response.amplitudes, strict=True):
            if inlet.lasts_h == 0:
                gain = jnp.exp(-rate * after)
            else:
                # ∫ of e^{−λ s} over the part of the input that lies in the past, per hour of input
                gain = -jnp.exp(-rate * stopped) * jnp.expm1(-rate * (after - stopped)) / (rate * inlet.lasts_h)
            seen = seen + amplitude * gain
        seen = jnp.where(since >= 0, seen, 0.0)
        total = total + inlet.weight * responses.shares[inlet.share] * (seen @ amounts_mg)
    return total
