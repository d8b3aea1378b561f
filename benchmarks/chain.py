"""The full shipped chain on the yardstick's regimen: everything the product can read, at sixty times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks import yardstick as w
from upturn.chain import Body, Occasion, plan, propagate
from upturn.numerics import person_key
from upturn.pharmacology import Given, acute_numbers, effect_site, individual, kinetics, occupancy_drive
from upturn.plasticity import plasticity_numbers, surge
from upturn.population import draw_person, numbers
from upturn.protocol import load

__all__ = ["full_chain"]


def full_chain() -> tuple[Callable[[Any, Any], Any], int]:
    """Build the function of a block of people, and say how many outputs it reads."""
    given = Given("ketamine", "intravenous", w.INFUSION_H)
    model = kinetics("default", drug=given.drug, route=given.route)
    varying = tuple(p.name for p in model.parameters if p.variability)
    protocol = load("six-infusions")
    population, dose = numbers(protocol.population), protocol.arms["ketamine"].doses[0]
    timetable = plan([Occasion(float(t), model.inlets(given)) for t in w.DOSE_H], w.OUTPUT_H.tolist(), until_h=w.END_H)
    half_life = acute_numbers().value("effect_site_half_life")
    plastic = plasticity_numbers()
    wanted = ("ketamine", "ketamine_venous", "norketamine", "hydroxynorketamine", "effect_site", "occupancy_drive")

    def some(key: Any, who: Any) -> Any:
        person = jax.vmap(lambda n: draw_person(person_key(key, n), population, varying))(who)
        response = model.responses(model.values(person.draws), person.body, given)
        outputs = {
            **response.outputs,
            "occupancy_drive": occupancy_drive(response.outputs),
            "effect_site": effect_site(response.outputs["s_ketamine"], half_life, site=model.site),
        }
        z = person.draws
        body = Body(
            outputs=outputs,
            shares=response.shares,
            surge=surge(jnp.full_like(person.female, plastic.value("tau_on"))),
            formation=individual(plastic["k_form"], z["k_form"]),
            loss=1 / individual(plastic["tau_off"], z["tau_off"]),
        )
        amount = jnp.broadcast_to(dose.amount.value * person.body.weight_kg, (len(w.DOSE_H), *person.female.shape))
        course = propagate(body, timetable, amount, wanted=wanted)
        drive = course.outputs["occupancy_drive"]
        readings = {**course.outputs, "occupancy": drive / (1 + drive), "surge": course.surge, "growth": course.growth}
        return {name: value.astype(jnp.float32) for name, value in readings.items()}

    return some, len(wanted) + 3
