"""Growth after a course of doses, fast enough for a sampler: kinetics worked out once, plasticity by one pass.

The growth state is affine in its value at a dose, S(Δ) = A(Δ) S₀ + B(Δ), where A and B depend on the dose and on
the plasticity numbers but not on the course. So A and B are computed once per kind of dose on one grid of times, and
a course of any length is a chain of them. What is left out: occupancy carried from one dose to the next, days later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.inference.treatment import DoseKind, Treatment
from upturn.pharmacology import (
    MODELS,
    Covariates,
    Given,
    Responses,
    concentration,
    kinetics,
    occupancy_drive,
)
from upturn.plasticity import plasticity_numbers
from upturn.protocol import load

__all__ = ["PEOPLE", "Courses", "courses", "growth"]

# People over whom population means are taken: half of them mirror the other half.
PEOPLE = 16
SEED = 20_240_101
# Times after a dose at which the drive is read [h]; times that are asked for are added.
GRID_H = (
    *np.arange(0.0, 1.0, 0.1), *np.arange(1.0, 4.0, 0.25), *np.arange(4.0, 12.0, 1.0), *np.arange(12.0, 48.0, 4.0),
    48.0, 60.0, 72.0, 96.0,
)  # fmt: skip
LAST_H = 96.0
# Where occupancy is worked out; between these times it is taken as linear.
DENSE_H = np.concatenate([np.arange(0.0, 4.0, 0.05), np.arange(4.0, 24.0, 0.5), np.arange(24.0, LAST_H + 1, 4.0)])


@dataclass(frozen=True)
class Courses:
    """Courses of doses laid out as arrays, with the occupancy after each kind of dose.

    Parameters
    ----------
    grid_h
        Times after a dose [h].
    occupancy
        Occupancy after one dose of each kind, by person and time.
    tau_off, k_form
        Standard normal draws of each person's plasticity.
    kind, gap, beyond
        Of each course and dose: its kind, where on the grid the next dose lies, and the hours beyond the grid.
    reading_course, reading_dose, reading_at, reading_beyond
        Of each reading: its course, how many doses lie before it, where on the grid it lies after the last of them,
        and the hours beyond the grid.
    """

    grid_h: Float[np.ndarray, " grid"]
    occupancy: Float[np.ndarray, "kinds people grid"]
    tau_off: Float[np.ndarray, " people"]
    k_form: Float[np.ndarray, " people"]
    kind: np.ndarray
    gap: np.ndarray
    beyond: np.ndarray
    reading_course: np.ndarray
    reading_dose: np.ndarray
    reading_at: np.ndarray
    reading_beyond: np.ndarray


def courses(treatments: Sequence[Treatment], readings: Sequence[tuple[int, float]], *, people: int = PEOPLE) -> Courses:
    """Lay out courses and the readings taken of them.

    Parameters
    ----------
    treatments
        The courses.
    readings
        For each reading, the number of its course and its time [h].
    people
        How many people stand for the population; even.
    """
    kinds: list[DoseKind] = []
    lengths = [len(t.doses_h) for t in treatments]
    most = max([1, *lengths])
    kind = np.full((len(treatments), most), -1)
    after = np.full((len(treatments), most), LAST_H)
    for i, treatment in enumerate(treatments):
        if treatment.kind is None:
            continue
        if treatment.kind not in kinds:
            kinds.append(treatment.kind)
        kind[i, : lengths[i]] = kinds.index(treatment.kind)
        after[i, : lengths[i] - 1] = np.diff(treatment.doses_h)
    since, before = np.full(len(readings), LAST_H), np.zeros(len(readings), dtype=int)
    for j, (course, time_h) in enumerate(readings):
        if treatments[course].kind is None:
            continue
        given = [t for t in treatments[course].doses_h if t <= time_h]
        before[j] = len(given)
        since[j] = time_h - given[-1] if given else 0.0
    near = {float(t) for t in (*after.ravel(), *since) if t < LAST_H}
    grid = np.array(sorted({round(t, 6) for t in (*GRID_H, *near)}))
    rng = np.random.default_rng(SEED)
    draws = _mirrored(rng, 2, people)
    return Courses(
        grid_h=grid,
        occupancy=_occupancies(kinds, grid, people, rng),
        tau_off=draws[0],
        k_form=draws[1],
        kind=kind,
        gap=np.searchsorted(grid, np.minimum(after, LAST_H) - 1e-6),
        beyond=np.maximum(after - LAST_H, 0.0),
        reading_course=np.array([c for c, _ in readings], dtype=int),
        reading_dose=before,
        reading_at=np.searchsorted(grid, np.minimum(since, LAST_H) - 1e-6),
        reading_beyond=np.maximum(since - LAST_H, 0.0),
    )


def growth(
    laid: Courses, tau_on: Float[Array, ""], tau_off: Float[Array, ""], k_form: Float[Array, ""]
) -> Float[Array, "readings people"]:
    """Give the growth state S of each person at each reading.

    Parameters
    ----------
    laid
        From :func:`courses`.
    tau_on, tau_off
        Time constants of a typical person [h].
    k_form
        Formation rate of a typical person [1/h].
    """
    spread = plasticity_numbers()
    loss = jnp.exp(-spread["tau_off"].variability[0].sd * laid.tau_off) / tau_off
    form = k_form * jnp.exp(spread["k_form"].variability[0].sd * laid.k_form)
    keeps, gains = _maps(jnp.asarray(laid.occupancy), laid.grid_h, tau_on, form, loss)

    def dose(state: Array, at: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        kind, gap, beyond = at
        faded = jnp.exp(-beyond[:, None] * loss)
        given = (kind >= 0)[:, None]
        after = (keeps[kind, :, gap] * state + gains[kind, :, gap]) * faded
        return jnp.where(given, after, state), state

    start = jnp.zeros((len(laid.kind), len(laid.tau_off)))
    _, before = jax.lax.scan(
        dose, start, (jnp.asarray(laid.kind.T), jnp.asarray(laid.gap.T), jnp.asarray(laid.beyond.T))
    )
    last = np.maximum(laid.reading_dose - 1, 0)
    kind = laid.kind[laid.reading_course, last]
    state = before[last, laid.reading_course]
    now = keeps[kind, :, laid.reading_at] * state + gains[kind, :, laid.reading_at]
    now = now * jnp.exp(-laid.reading_beyond[:, None] * loss)
    return jnp.where((laid.reading_dose > 0)[:, None] & (kind >= 0)[:, None], now, 0.0)


def _maps(
    occupancy: Float[Array, "kinds people grid"],
    grid_h: Float[np.ndarray, " grid"],
    tau_on: Float[Array, ""],
    form: Float[Array, " people"],
    loss: Float[Array, " people"],
) -> tuple[Float[Array, "kinds people grid"], Float[Array, "kinds people grid"]]:
    """Give A and B on the grid; occupancy is taken as linear between grid points."""

    def step(
        carry: tuple[Array, Array, Array], at: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
        surge, keep, gain = carry
        first, second, h = at
        fades = jnp.exp(-h / tau_on)
        new = surge * fades + first * (1 - fades) + (second - first) * (1 - tau_on / h * (1 - fades))
        formed = form * jnp.maximum(h * (first + second) / 2 - tau_on * (new - surge), 0.0)
        shrinks = jnp.exp(-formed - h * loss)
        gain = gain * shrinks - jnp.expm1(-formed) * jnp.exp(-h * loss / 2)
        keep = keep * shrinks
        return (new, keep, gain), (keep, gain)

    by_time = jnp.moveaxis(occupancy, -1, 0)
    zero = jnp.zeros(occupancy.shape[:-1])
    steps = (by_time[:-1], by_time[1:], jnp.diff(jnp.asarray(grid_h)))
    _, (keeps, gains) = jax.lax.scan(step, (zero, zero + 1.0, zero), steps)
    keeps = jnp.concatenate([zero[None] + 1.0, keeps])
    gains = jnp.concatenate([zero[None], gains])
    return jnp.moveaxis(keeps, 0, -1), jnp.moveaxis(gains, 0, -1)


def _mirrored(rng: np.random.Generator, rows: int, people: int) -> Float[np.ndarray, "rows people"]:
    half = rng.standard_normal((rows, people // 2))
    return np.concatenate([half, -half], axis=1)


def _occupancies(
    kinds: Sequence[DoseKind], grid_h: Float[np.ndarray, " grid"], people: int, rng: np.random.Generator
) -> Float[np.ndarray, "kinds people grid"]:
    population = load("six-infusions").population
    spread = population.weight_kg
    weight = np.clip(spread.mean + spread.sd * _mirrored(rng, 1, people)[0], spread.min, spread.max)
    # Every model draws from the same people, whatever else is in the table.
    names = sorted({p.name for build in MODELS.values() for p in build().parameters if p.variability})
    draws = {name: jnp.asarray(z) for name, z in zip(names, _mirrored(rng, len(names), people), strict=True)}
    out = []
    for kind in kinds:
        mg = kind.amount * (weight if kind.per_kg else np.ones(people))
        course = _occupancy(kind.given)
        found = course(draws, jnp.asarray(weight), jnp.full(people, population.age_y.mean), jnp.asarray(mg))
        out.append([np.interp(grid_h, DENSE_H, each) for each in np.asarray(found)])
    return np.array(out) if out else np.zeros((1, people, len(grid_h)))


@cache
def _occupancy(given: Given) -> Callable[..., Float[Array, "people grid"]]:
    """Compile the occupancy after one dose, for people and an amount each."""
    model = kinetics("default", drug=given.drug, route=given.route)
    inlets = model.inlets(given)
    published = model.parameters.value

    def one(draws: dict[str, Array], kg: Array, age_y: Array, mg: Array, low: Array) -> Array:
        values = model.values(draws)
        if "f_injection" in values:  # disputed: half of the people have either published value
            values["f_injection"] = jnp.where(low, published("f_injection_low"), published("f_injection"))
        zero = jnp.zeros(())
        response = model.responses(values, Covariates(kg, age_y, zero, zero), given)
        drive = Responses({"drive": occupancy_drive(response.outputs)}, response.shares)
        x = concentration(
            drive, inlets, "drive", amounts_mg=mg[None], starts_h=jnp.zeros(1), time_h=jnp.asarray(DENSE_H)
        )
        return x / (1 + x)

    def some(draws: dict[str, Array], kg: Array, age_y: Array, mg: Array) -> Array:
        return jax.vmap(one)(draws, kg, age_y, mg, jnp.arange(len(kg)) % 2 == 1)

    return jax.jit(some)
