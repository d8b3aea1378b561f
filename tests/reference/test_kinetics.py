"""Each kinetic model against the same compartments solved by SciPy, and against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.pharmacology import Covariates, Given, Kinetics, concentration, kinetics

TIME_H = np.unique(np.concatenate([np.linspace(0.02, 2, 34), np.linspace(2.25, 12, 14), [24.0, 36.0, 48.0]]))
DEVICES_H = (0.0, 5 / 60, 10 / 60)
DOSES = [
    ("perez_ruixo_2021", "esketamine", "intranasal", 84.0, 0.0),
    ("perez_ruixo_2021", "esketamine", "oral", 84.0, 0.0),
    ("perez_ruixo_2021", "esketamine", "intravenous", 28.0, 2 / 3),
    ("simons_2022", "esketamine", "intravenous", 20.0, 1 / 3),
    ("simons_2022", "ketamine", "intravenous", 40.0, 2 / 3),
    ("simons_2022", "ketamine", "intramuscular", 35.0, 0.0),
    ("simons_2022", "esketamine", "subcutaneous", 35.0, 0.0),
    ("simons_2022", "esketamine", "sublingual", 50.0, 0.0),
    ("simons_2022", "ketamine", "sublingual", 50.0, 0.0),
    ("simons_2022", "ketamine", "oral", 50.0, 0.0),
    ("simons_2022", "ketamine", "intranasal", 50.0, 0.0),
    ("otto_fanta", "ketamine", "intravenous", 35.0, 2 / 3),
    ("otto_fanta", "esketamine", "intravenous", 20.0, 1 / 3),
]
PEOPLE = [  # weight, age, Asian, Japanese
    (70.0, 40.0, 0.0, 0.0),
    (52.0, 74.0, 1.0, 0.0),
    (118.0, 33.0, 1.0, 1.0),
]


def draws(model: Kinetics, seed: int) -> dict[str, jax.Array]:
    """Standard normal draws for every parameter that varies; none for seed 0, the typical person."""
    names = [p.name for p in model.parameters if p.variability]
    z = np.random.default_rng(seed).standard_normal(len(names)) if seed else np.zeros(len(names))
    return {name: jnp.asarray(value) for name, value in zip(names, z, strict=True)}


@pytest.mark.parametrize(("name", "drug", "route", "mg", "over_h"), DOSES)
def test_concentrations_agree_with_the_compartments_solved_by_scipy(
    name: str,
    drug: str,
    route: str,
    mg: float,
    over_h: float,
    compartment_model: Callable[..., Any],
    solved: Callable[..., dict[str, Any]],
    record_property: Callable[[str, object], None],
) -> None:
    model = kinetics(name, drug=drug, route=route)
    devices = DEVICES_H if name.startswith("perez") and route == "intranasal" else (0.0,)
    given = Given(drug, route, over_h, devices)
    inlets = model.inlets(given)

    @jax.jit
    def found(values: Any, person: Covariates) -> dict[str, jax.Array]:
        responses = model.responses(values, person, given)
        one, start = jnp.array([mg]), jnp.zeros(1)
        return {
            output: concentration(
                responses, inlets, output, amounts_mg=one, starts_h=start, time_h=jnp.asarray(TIME_H)
            )
            for output in responses.outputs
        }

    worst = 0.0
    for seed, who in enumerate(PEOPLE):
        person = Covariates(*(jnp.asarray(x) for x in who))
        values = model.values(draws(model, seed))
        ours = found(values, person)
        body, entries = compartment_model(name, values, person, drug=drug, route=route, mg=mg, over_h=over_h)
        theirs = solved(body, entries, TIME_H)
        assert set(ours) == set(theirs)
        for output, reference in theirs.items():
            error = np.abs(np.asarray(ours[output]) - reference) / np.maximum(reference, 1e-6 * reference.max())
            worst = max(worst, float(error.max()))
            # Two equal transit rates are moved apart by a relative 1e-6; nothing else is approximate.
            exact = output in {"ketamine", "s_ketamine"} or not name.startswith("simons")
            assert error.max() < (1e-6 if exact else 1e-5), (output, seed, TIME_H[error.argmax()])
    record_property("largest relative error", worst)
