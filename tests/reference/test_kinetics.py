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


EXACT = {"ketamine", "s_ketamine", "ketamine_venous"}


def compare(
    case: tuple[str, str, str, float, float], compartment_model: Callable[..., Any], solved: Callable[..., Any]
) -> dict[str, float]:
    """Largest error of each output over the people, relative to the value or, if more, to 1e-2 of the peak."""
    name, drug, route, mg, over_h = case
    model = kinetics(name, drug=drug, route=route)
    given = Given(drug, route, over_h, DEVICES_H if name.startswith("perez") and route == "intranasal" else (0.0,))
    worst: dict[str, float] = {}
    for seed, who in enumerate(PEOPLE):
        person = Covariates(*(jnp.asarray(x) for x in who))
        values = model.values(draws(model, seed))
        responses = model.responses(values, person, given)
        body, entries = compartment_model(name, values, person, drug=drug, route=route, mg=mg, over_h=over_h)
        theirs = solved(body, entries, TIME_H)
        assert set(responses.outputs) == set(theirs)
        for output, reference in theirs.items():
            ours = concentration(
                responses,
                model.inlets(given),
                output,
                amounts_mg=jnp.array([mg]),
                starts_h=jnp.zeros(1),
                time_h=jnp.asarray(TIME_H),
            )
            error = np.abs(np.asarray(ours) - reference) / np.maximum(reference, 1e-2 * reference.max())
            worst[output] = max(worst.get(output, 0.0), float(error.max()))
    return worst


@pytest.mark.parametrize("case", DOSES, ids=lambda case: "-".join(map(str, case[:3])))
def test_concentrations_agree_with_the_compartments_solved_by_scipy(
    case: tuple[str, str, str, float, float],
    compartment_model: Callable[..., Any],
    solved: Callable[..., Any],
) -> None:
    worst = compare(case, compartment_model, solved)
    print(case[:3], worst)
    worst.pop("hydroxynorketamine", None)  # a test of its own
    transits = case[0] == "simons_2022"  # two equal transit rates are moved apart by a relative 1e-6
    for output, error in worst.items():
        assert error < (1e-5 if transits and output not in EXACT else 1e-6), (output, error)


def test_hydroxynorketamine_agrees_with_the_compartments_solved_by_scipy(
    compartment_model: Callable[..., Any], solved: Callable[..., Any]
) -> None:
    worst = compare(DOSES[3], compartment_model, solved)
    assert worst["hydroxynorketamine"] < 1e-5, worst
