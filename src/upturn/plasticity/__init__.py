"""The two plastic states: a surge that follows occupancy within hours, and growth that is bounded and fades over days.

dP/dt = (RO − P)/τ_on;  dS/dt = k_form P (1 − S) − S/τ_off. The states themselves are propagated with the kinetics in
``upturn.chain``; here are their numbers, the surge as a linear response, and what the two states may be called.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import yaml
from jaxtyping import Array, Float

from upturn.numerics import Exponentials, delay
from upturn.parameters import ParameterFile, read

__all__ = ["ReadOut", "plasticity_numbers", "read_outs", "surge"]


@dataclass(frozen=True)
class ReadOut:
    """A name that the literature gives to what moves with one of the two states, and how well that is shown."""

    state: Literal["surge", "growth"]
    name: str
    evidence: str


def plasticity_numbers() -> ParameterFile:
    """Give τ_on, τ_off and k_form."""
    return read("upturn.plasticity", "plasticity")


def surge(tau_on_h: Float[Array, ""] | float) -> Exponentials:
    """Give the response of the surge P to occupancy: first order with time constant τ_on [h], area one."""
    return delay("p", tau_on_h)


def read_outs() -> tuple[ReadOut, ...]:
    """Name what the two states stand for; never extra fitted states.

    Examples
    --------
    >>> {r.state for r in read_outs()} == {"surge", "growth"}
    True
    """
    text = files("upturn.plasticity").joinpath("parameters", "plasticity.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)["read_outs"]
    return tuple(
        ReadOut(state, entry["name"], entry["evidence"]) for state in ("surge", "growth") for entry in document[state]
    )
