"""The hours after the first dose: plasma, receptor, and what is felt and measured, for a sample of people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from upturn.numerics import map_people
from upturn.pharmacology import (
    Responses,
    acute_numbers,
    concentration,
    dissociation,
    effect_site,
    individual,
    occupancy,
    pressure_rise,
    receptor,
    sedation_probability,
)
from upturn.trials.course import Drawn
from upturn.trials.run import Setup

__all__ = ["SESSION_H", "SessionCurves", "first_session", "session_curves"]

# Every 2.5 minutes for two hours, then wider: fine enough for a peak that lasts minutes.
SESSION_H = np.unique(
    np.concatenate([np.arange(0, 2, 1 / 24), np.arange(2, 6, 1 / 6), np.arange(6, 24.01, 1.0)]).round(9)
)


@dataclass(frozen=True)
class SessionCurves:
    """Time courses after the first dose; people first, :data:`SESSION_H` last.

    ``ketamine_ng_ml`` and ``norketamine_ng_ml`` at the model's sampling site, ``occupancy`` as a fraction,
    ``dissociation`` in CADSS points, ``systolic`` and ``diastolic`` as rises in mmHg, ``sedation`` as probability.
    """

    site: str
    model: str
    curves: dict[str, Float[np.ndarray, "people times"]]


def first_session(setup: Setup, arm: str, *, people: int) -> SessionCurves | None:
    """Simulate the first session of an arm; ``None`` where nothing with kinetics is given."""
    plan = setup.plans[arm]
    if not plan.has_kinetics:
        return None
    occasion = next(i for i, kind in enumerate(plan.kind) if kind >= 0)
    _, _, model = plan.givens[plan.kind[occasion]]
    many = session_curves(setup, arm, occasion, SESSION_H)
    drawn = setup.people(arm, 0, people, np.arange(people) % setup.n_trials)
    curves = jax.device_get(many(setup.trials, drawn))
    return SessionCurves(model.site, model.parameters.id, curves)


def session_curves(
    setup: Setup, arm: str, occasion: int, time_h: Float[np.ndarray, " times"]
) -> Callable[..., dict[str, Any]]:
    """Compile the curves after one occasion, as though it were the first, at given times [h] for many people."""
    plan = setup.plans[arm]
    given, _, model = plan.givens[plan.kind[occasion]]
    acute, mass = acute_numbers(), receptor().value("molar_mass_ketamine")
    inlets = model.inlets(given)
    hours = jnp.asarray(time_h)
    half_life = acute.value("effect_site_half_life")

    def one(trials: Any, who: Drawn) -> dict[str, Any]:
        person = who.person
        values = model.values(person.draws)
        if "f_injection" in values:
            values["f_injection"] = trials["f_injection"][who.trial]
        response = model.responses(values, person.body, given)
        weight = person.ideal_weight_kg if plan.ideal[occasion] else person.body.weight_kg
        dose = plan.amount[occasion] * (weight if plan.per_kg[occasion] else 1.0)
        more = {
            **response.outputs,
            "effect_site": effect_site(response.outputs["s_ketamine"], half_life, site=model.site),
        }
        whole = Responses(more, response.shares)

        def curve(name: str) -> Any:
            return concentration(
                whole, inlets, name, amounts_mg=jnp.atleast_1d(dose), starts_h=jnp.zeros(1), time_h=hours
            )

        at_site = curve("effect_site") / mass * 1e3  # mg/L over g/mol, in umol/L
        z = person.draws
        ketamine, norketamine = curve("ketamine"), curve("norketamine")
        felt = dissociation(
            at_site,
            maximum=individual(acute["dissociation_max"], z["dissociation"]),
            c50_umol_l=acute.value("dissociation_c50"),
        )
        return {
            "ketamine_ng_ml": ketamine * 1e3,
            "norketamine_ng_ml": norketamine * 1e3,
            "occupancy": occupancy(ketamine, norketamine),
            "dissociation": felt,
            "systolic": pressure_rise(at_site, slope=individual(acute["systolic_slope"], z["systolic"])),
            "diastolic": pressure_rise(at_site, slope=individual(acute["diastolic_slope"], z["diastolic"])),
            "sedation": sedation_probability(
                at_site,
                c50_umol_l=acute.value("sedation_c50"),
                steepness=acute.value("sedation_steepness"),
            ),
        }

    return map_people(lambda trials, who: jax.vmap(lambda w: one(trials, w), out_axes=-1)(who))
