"""What reaches plasma and receptor after one dose, by every model that describes it: typical, and between people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from upturn.errors import InputError
from upturn.pharmacology import (
    MODELS,
    Covariates,
    Given,
    Kinetics,
    Simons2022,
    concentration,
    kinetics,
    occupancy,
)
from upturn.protocol import Dose
from upturn.trials.summary import Interval, interval

__all__ = ["Exposure", "ModelExposure", "exposure"]

PEOPLE = 1000
# Every two minutes for three hours, every ten to eight hours, every half hour to a day.
GRID_H = np.concatenate([np.arange(0, 3, 1 / 30), np.arange(3, 8, 1 / 6), np.arange(8, 24.25, 0.5)])
UNITS = {"occupancy": "fraction"}
INJECTED = frozenset({"intramuscular", "subcutaneous"})


@dataclass(frozen=True)
class Analyte:
    """One analyte: peak [ng/mL, or a fraction for occupancy], its time [h], area to 24 h [ng·h/mL], at times."""

    name: str
    unit: str
    peak: float
    peak_h: float
    area_24h: float
    peak_people: Interval
    area_24h_people: Interval
    at: dict[str, float]


@dataclass(frozen=True)
class ModelExposure:
    """One model's answer."""

    model: str
    default: bool
    site: str
    variant: str
    limits: str
    analytes: list[Analyte]


@dataclass(frozen=True)
class Exposure:
    """Exposure after one dose."""

    drug: str
    route: str
    amount_mg: float
    over_h: float
    weight_kg: float
    models: list[ModelExposure]

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


def exposure(
    dose: Dose,
    *,
    weight_kg: float,
    age_y: float = 45.0,
    asian: bool = False,
    japanese: bool = False,
    at_h: Sequence[float] = (),
    seed: int = 1,
) -> Exposure:
    """Give plasma concentrations and occupancy after one dose, by every model that describes it.

    Parameters
    ----------
    dose
        The dose.
    weight_kg, age_y, asian, japanese
        The person; a model that does not know a covariate ignores it.
    at_h
        Further times [h].
    seed
        Seed of the 1,000 people behind the 90 % intervals.

    Raises
    ------
    InputError
        A drug without kinetics here, or an impossible weight.
    """
    if not 20 <= weight_kg <= 300:
        raise InputError("The weight is not that of an adult.", expected="20 to 300 kg", came=f"{weight_kg:g} kg")
    if dose.drug not in {"ketamine", "esketamine"}:
        raise InputError("There is no kinetic model for this drug.", expected="ketamine or esketamine", came=dose.drug)
    given = Given(dose.drug, dose.route, dose.over_h or 0.0, dose.device_times_h or (0.0,))
    amount = dose.amount.mg(weight_kg)
    person = Covariates(*(jnp.asarray(float(x)) for x in (weight_kg, age_y, asian or japanese, japanese)))
    default = kinetics("default", drug=dose.drug, route=dose.route)
    out = []
    for name, build in MODELS.items():
        model = default if default.parameters.id == name else build()
        if not model.supports(dose.drug, dose.route):
            continue
        for variant, fixed in _variants(model, given):
            analytes = _analytes(model, given, person, amount, fixed, at_h, seed)
            limits = model.parameters.limits.strip()
            out.append(ModelExposure(name, model is default, model.site, variant, limits, analytes))
    out.sort(key=lambda each: not each.default)
    return Exposure(dose.drug, dose.route, amount, given.over_h, weight_kg, out)


def _variants(model: Kinetics, given: Given) -> list[tuple[str, dict[str, float]]]:
    """Give the open choices: bioavailability after injection is disputed, so both published values are answered."""
    if not (isinstance(model, Simons2022) and given.route in INJECTED):
        return [("", {})]
    values = [model.parameters.value(name) for name in ("f_injection", "f_injection_low")]
    return [(f"bioavailability {value:g}", {"f_injection": value}) for value in values]


def _analytes(
    model: Kinetics,
    given: Given,
    person: Covariates,
    amount_mg: float,
    fixed: dict[str, float],
    at_h: Sequence[float],
    seed: int,
) -> list[Analyte]:
    varying = [p.name for p in model.parameters if p.variability and p.name not in fixed]
    draws = np.random.default_rng(seed).standard_normal((PEOPLE, len(varying)))
    hours_of = np.unique(np.append(GRID_H, given.over_h))
    hours = jnp.asarray(np.concatenate([hours_of, np.asarray(at_h, dtype=float)]))

    def curves(values: dict[str, Any]) -> dict[str, Any]:
        values = values | {name: jnp.asarray(value) for name, value in fixed.items()}
        response = model.responses(values, person, given)
        seen = {
            name: concentration(
                response,
                model.inlets(given),
                name,
                amounts_mg=jnp.array([amount_mg]),
                starts_h=jnp.zeros(1),
                time_h=hours,
            )
            for name in response.outputs
            if name != "s_ketamine"
        }
        occupied = occupancy(seen["ketamine"], seen["norketamine"])
        return {name: c * 1e3 for name, c in seen.items()} | {"occupancy": occupied}

    # The first "person" is the typical one: every draw zero.
    draws = np.vstack([np.zeros((1, len(varying))), draws])
    many = jax.device_get(
        jax.jit(jax.vmap(lambda z: curves(model.values(dict(zip(varying, z, strict=True))))))(jnp.asarray(draws))
    )
    out = []
    for name, all_of_them in many.items():
        curve = all_of_them[0]
        grid, people = curve[: len(hours_of)], all_of_them[1:, : len(hours_of)]
        out.append(
            Analyte(
                name=name,
                unit=UNITS.get(name, "ng/mL"),
                peak=float(grid.max()),
                peak_h=float(hours_of[grid.argmax()]),
                area_24h=float(np.trapezoid(grid, hours_of)),
                peak_people=interval(people.max(axis=1)),
                area_24h_people=interval(np.trapezoid(people, hours_of, axis=1)),
                at={f"{t:g}": float(curve[len(hours_of) + i]) for i, t in enumerate(at_h)},
            )
        )
    return out
