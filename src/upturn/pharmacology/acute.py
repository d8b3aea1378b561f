"""What a person feels and what the cuff shows in the hours after a dose: static functions of the effect site."""

from __future__ import annotations

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.numerics import Exponentials, convolve, first_order
from upturn.parameters import ParameterFile, read

__all__ = ["acute_numbers", "dissociation", "effect_site", "pressure_rise", "sedation_probability"]

LN_2 = 0.6931471805599453


def acute_numbers() -> ParameterFile:
    """Give the numbers of the acute effects."""
    return read("upturn.pharmacology", "acute")


def effect_site(
    s_ketamine: Mapping[str, Exponentials], half_life_h: float | Float[Array, ""], *, site: str
) -> dict[str, Exponentials]:
    """Delay arterial S-ketamine to its effect site: dCe/dt = ke0 (Ca − Ce) (Olofsen 2022).

    Venous plasma is already delayed: there the effect site follows it at once (the label's peak at 40 min would
    otherwise be missed).
    """
    if site == "venous":
        return dict(s_ketamine)
    return {path: convolve(r, first_order("e", LN_2 / jnp.asarray(half_life_h))) for path, r in s_ketamine.items()}


def dissociation(
    effect_site_umol_l: Float[Array, "..."], *, maximum: Float[Array, ""], c50_umol_l: float
) -> Float[Array, "..."]:
    """Give the rise of CADSS [points]: D = Dmax Ce / (Ce + C50) (Olofsen 2022)."""
    return maximum * effect_site_umol_l / (effect_site_umol_l + c50_umol_l)


def pressure_rise(effect_site_umol_l: Float[Array, "..."], *, slope: Float[Array, ""]) -> Float[Array, "..."]:
    """Give the rise of blood pressure [mmHg], linear in the effect site."""
    return slope * effect_site_umol_l


def sedation_probability(
    effect_site_umol_l: Float[Array, "..."], *, c50_umol_l: float, steepness: float
) -> Float[Array, "..."]:
    """Give the probability of sedation (MOAA/S below 5): logistic in the logarithm of the effect site."""
    relative = (jnp.maximum(effect_site_umol_l, 0.0) / c50_umol_l) ** steepness
    return relative / (1 + relative)
