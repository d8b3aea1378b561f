"""How long dissociation lasts after an infusion, in people of a protocol's population."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.pharmacology import (
    Covariates,
    Given,
    Responses,
    acute_numbers,
    concentration,
    dissociation,
    effect_site,
    individual,
    kinetics,
    receptor,
)
from upturn.protocol import Population

__all__ = ["hours_until_dissociation_is_gone"]

# Every minute, for eight hours after the end: no model says that it lasts longer.
AFTER_H = np.arange(0.0, 8.0, 1 / 60)


def hours_until_dissociation_is_gone(
    given: Given, amount_mg_per_kg: float, population: Population, *, people: int, seed: int
) -> Float[np.ndarray, " people"]:
    """Give the time from the end of a dose until the rise of CADSS is back below ``dissociation_back`` [h].

    Parameters
    ----------
    given, amount_mg_per_kg
        The dose [mg/kg].
    population
        Who is treated: weight and age.
    people, seed
        How many people, and the random seed.

    Returns
    -------
    Array
        Of each person; zero where the rise is below already, or never was above.
    """
    model, acute = kinetics("default", drug=given.drug, route=given.route), acute_numbers()
    inlets = model.inlets(given)
    time_h = jnp.asarray(given.over_h + AFTER_H)

    def one(draws: Mapping[str, Array], felt: Array, kg: Array, age_y: Array) -> Array:
        zero = jnp.zeros(())
        response = model.responses(model.values(draws), Covariates(kg, age_y, zero, zero), given)
        site = effect_site(response.outputs["s_ketamine"], acute.value("effect_site_half_life"), site=model.site)
        mg_l = concentration(
            Responses({"site": site}, response.shares), inlets, "site",
            amounts_mg=(amount_mg_per_kg * kg)[None], starts_h=jnp.zeros(1), time_h=time_h,
        )  # fmt: skip
        return dissociation(
            mg_l / receptor().value("molar_mass_ketamine") * 1e3,  # mg/L over g/mol, in umol/L
            maximum=individual(acute["dissociation_max"], felt),
            c50_umol_l=acute.value("dissociation_c50"),
        )

    rng = np.random.default_rng(seed)
    names = [p.name for p in model.parameters if p.variability]
    draws = {name: jnp.asarray(rng.standard_normal(people)) for name in names}
    felt = jnp.asarray(rng.standard_normal(people))
    kg, age_y = (
        jnp.asarray(np.clip(rng.normal(who.mean, who.sd, people), who.min, who.max))
        for who in (population.weight_kg, population.age_y)
    )
    rise = np.asarray(jax.jit(jax.vmap(one))(draws, felt, kg, age_y))
    high = rise >= acute.value("dissociation_back")
    last = high.shape[1] - np.argmax(high[:, ::-1], axis=1)
    return np.where(high.any(axis=1), AFTER_H[np.minimum(last, len(AFTER_H) - 1)], 0.0)
