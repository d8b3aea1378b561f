"""The whole chain — plasma, receptor, surge, growth — against the same equations solved by SciPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from upturn.chain import Body, Course, Occasion, plan, propagate
from upturn.pharmacology import Covariates, Given, kinetics, occupancy_drive
from upturn.plasticity import surge

Vector = NDArray[np.float64]

INFUSIONS_H = tuple(24.0 * day for day in (0, 2, 4, 7, 9, 11))
TWICE_WEEKLY_H = tuple(24.0 * day for day in (0, 3, 7, 10, 14, 17, 21, 24))
DEVICES_H = (0.0, 5 / 60, 10 / 60)


class Regimen(NamedTuple):
    name: str
    model: str
    given: Given
    mg: float
    dose_h: tuple[float, ...]
    until_h: float

    @property
    def reading_h(self) -> Vector:
        after = np.array([0.25, 2 / 3, 1.0, 2.0, 4.0, 6.0, 12.0])
        first, last = self.dose_h[0] + after, self.dose_h[-1] + after
        days = np.arange(24.0, self.until_h + 1, 24.0)
        return np.unique(np.concatenate([first, last, days]).round(9))


REGIMENS = [
    Regimen(
        "six infusions",
        "simons_2022",
        Given("ketamine", "intravenous", 40 / 60),
        35.0,
        INFUSIONS_H,
        24.0 * 28,
    ),
    Regimen(
        "nasal esketamine twice weekly",
        "perez_ruixo_2021",
        Given("esketamine", "intranasal", 0.0, DEVICES_H),
        84.0,
        TWICE_WEEKLY_H,
        24.0 * 35,
    ),
]


class Crowd(NamedTuple):
    """Parameters of several people; the first is typical."""

    person: Covariates
    values: dict[str, Any]
    tau_on: Vector
    tau_off: Vector
    k_form: Vector


def crowd(regimen: Regimen, people: int, seed: int = 7) -> Crowd:
    model = kinetics(regimen.model, drug=regimen.given.drug, route=regimen.given.route)
    rng = np.random.default_rng(seed)

    def z() -> Vector:
        return np.concatenate([[0.0], rng.standard_normal(people - 1)])

    values = model.values({p.name: jnp.asarray(z()) for p in model.parameters if p.variability})
    weight, age = 70 + 15 * z(), np.maximum(45 + 12 * z(), 18)
    zero = jnp.zeros(people)
    # The published uncertainty of the plastic numbers and their spread between people, together.
    return Crowd(
        Covariates(jnp.asarray(np.maximum(weight, 45)), jnp.asarray(age), zero, zero),
        values,
        3.8 * np.exp(0.69 * z()),
        175.0 * np.exp(0.28 * z() + 0.4 * z()),
        22.0 * np.exp(0.84 * z() + 0.3 * z()),
    )


def by_upturn(regimen: Regimen, people: Crowd, reading_h: Sequence[float]) -> Course:
    model = kinetics(regimen.model, drug=regimen.given.drug, route=regimen.given.route)
    inlets = model.inlets(regimen.given)
    timetable = plan([Occasion(float(t), inlets) for t in regimen.dose_h], reading_h, until_h=regimen.until_h)

    @jax.jit
    def run(who: Crowd) -> Course:
        responses = model.responses(who.values, who.person, regimen.given)
        body = Body(
            outputs={"occupancy_drive": occupancy_drive(responses.outputs)},
            shares=responses.shares,
            surge=surge(jnp.asarray(who.tau_on)),
            formation=jnp.asarray(who.k_form),
            loss=1 / jnp.asarray(who.tau_off),
        )
        amounts = jnp.full((len(regimen.dose_h), len(who.tau_on)), regimen.mg)
        return propagate(body, timetable, amounts, wanted=("occupancy_drive",))

    return run(jax.tree.map(jnp.asarray, people))


def by_scipy(
    regimen: Regimen, people: Crowd, reading_h: Vector, compartment_model: Callable[..., Any], *, rtol: float
) -> tuple[Vector, Vector, Vector]:
    """Everyone at once in one non-stiff system, restarted at every discontinuity: occupancy, P, S by reading."""
    n = len(people.tau_on)
    bodies, entries = [], []
    for i in range(n):
        values = {name: float(np.broadcast_to(v, (n,))[i]) for name, v in people.values.items()}
        person = jax.tree.map(lambda x, i=i: x[i], people.person)
        body, doses = compartment_model(
            regimen.model,
            values,
            person,
            drug=regimen.given.drug,
            route=regimen.given.route,
            mg=regimen.mg,
            over_h=regimen.given.over_h,
        )
        bodies.append(body)
        entries.append(doses)
    names = bodies[0].names
    # What does not reach the receptor is left out: it would only make the system stiff.
    kept = [i for i, name in enumerate(names) if name.split(".")[-1] not in {"ht1", "ht2", "hyd", "hyd_far", "vein"}]
    matrix = np.array([b.matrix[np.ix_(kept, kept)] for b in bodies])
    # x = fu C / IC50 + fu_NK NK / IC50_NK, in umol/L (Shaffer 2014).
    drive = np.array(
        [
            (b.reads["ketamine"] / 237.73 * 1e3 * 0.53 / 1.42 + b.reads["norketamine"] / 223.70 * 1e3 * 0.5 / 9.11)[
                kept
            ]
            for b in bodies
        ]
    )
    size = len(kept)

    def rhs(_t: float, flat: Vector, flow: Vector) -> Vector:
        y = flat.reshape(n, size + 2)
        amounts, p, s = y[:, :size], y[:, size], y[:, size + 1]
        x = np.einsum("ij,ij->i", drive, amounts)
        out = np.empty_like(y)
        out[:, :size] = np.matmul(matrix, amounts[..., None])[..., 0] + flow
        out[:, size] = (x / (1 + x) - p) / people.tau_on
        out[:, size + 1] = people.k_form * p * (1 - s) - s / people.tau_off
        return out.ravel()

    changes = {0.0, regimen.until_h}
    for t in regimen.dose_h:
        for e in entries[0]:
            changes |= {float(t + e.starts_h), float(t + e.starts_h + e.lasts_h)}
    edges = sorted(changes)
    edges = [edges[0], *(b for a, b in itertools.pairwise(edges) if b - a > 1e-9)]
    y = np.zeros((n, size + 2))
    found = np.zeros((3, len(reading_h), n))
    for begin, end in itertools.pairwise(edges):
        flow = np.zeros((n, size))
        for i, doses in enumerate(entries):
            for t in regimen.dose_h:
                for e in doses:
                    into = kept.index(names.index(e.into))
                    starts = t + e.starts_h
                    if e.lasts_h == 0 and abs(starts - begin) < 1e-9:
                        y[i, into] += e.mg
                    elif starts <= begin + 1e-9 and end <= starts + e.lasts_h + 1e-9:
                        flow[i, into] += e.mg / e.lasts_h
        inside = np.flatnonzero((reading_h > begin + 1e-9) & (reading_h <= end + 1e-9))
        at = np.minimum(reading_h[inside], end)
        done = solve_ivp(
            lambda t, flat, flow=flow: rhs(t, flat, flow),
            (begin, end),
            y.ravel(),
            method="DOP853",
            t_eval=np.unique(np.append(at, end)),
            rtol=rtol,
            atol=1e-11,
        )
        assert done.success, done.message
        states = done.y.T.reshape(-1, n, size + 2)
        for k, reading in enumerate(inside):
            x = np.einsum("ij,ij->i", drive, states[k, :, :size])
            found[:, reading] = x / (1 + x), states[k, :, size], states[k, :, size + 1]
        y = states[-1].copy()
    return found[0], found[1], found[2]


Errors = dict[str, Vector]


@pytest.fixture(scope="module")
def errors(compartment_model: Callable[..., Any]) -> Callable[..., Errors]:
    """Absolute errors, readings first and people last, by regimen, readings and number of people; solved once."""

    @cache
    def compared(regimen: Regimen, people: int, sparse: bool = False) -> Errors:
        who, all_h = crowd(regimen, people), regimen.reading_h
        kept = np.array([i for i, t in enumerate(all_h) if not sparse or t % 168 == 0])
        course = by_upturn(regimen, who, [float(t) for t in all_h[kept]])
        x = np.asarray(course.outputs["occupancy_drive"])
        ours = {"occupancy": x / (1 + x), "surge": np.asarray(course.surge), "growth": np.asarray(course.growth)}
        theirs = solved(regimen, people)
        out = {key: np.abs(ours[key] - reference[kept]) for key, reference in zip(ours, theirs, strict=True)}
        for key, error in out.items():
            worst = error.max(axis=0)
            print(
                f"{regimen.name}, {'weekly' if sparse else 'daily'} readings, {people} people: {key} off by "
                f"{worst[0]:.1e} (typical), {np.median(worst):.1e} (median), {worst.max():.1e} (largest, with tau_on "
                f"{who.tau_on[worst.argmax()]:.2f} h, k_form {who.k_form[worst.argmax()]:.0f} /h)"
            )
        return out

    @cache
    def solved(regimen: Regimen, people: int) -> tuple[Vector, Vector, Vector]:
        return by_scipy(regimen, crowd(regimen, people), regimen.reading_h, compartment_model, rtol=1e-9)

    return compared


PEOPLE = 11
each_regimen = pytest.mark.parametrize("regimen", REGIMENS, ids=lambda regimen: regimen.name)


@each_regimen
def test_occupancy_and_surge_agree_with_scipy(regimen: Regimen, errors: Callable[..., Errors]) -> None:
    found = errors(regimen, PEOPLE)
    assert found["occupancy"].max() < 1e-5
    assert found["surge"].max() < 1e-3


@each_regimen
def test_growth_of_the_typical_person_agrees_with_scipy(regimen: Regimen, errors: Callable[..., Errors]) -> None:
    assert errors(regimen, PEOPLE)["growth"][:, 0].max() < 1e-3


@each_regimen
def test_growth_of_random_people_agrees_with_scipy(regimen: Regimen, errors: Callable[..., Errors]) -> None:
    assert errors(regimen, PEOPLE)["growth"].max() < 1e-3


def test_growth_agrees_with_scipy_where_it_is_read_once_a_week(errors: Callable[..., Errors]) -> None:
    assert errors(REGIMENS[0], PEOPLE, sparse=True)["growth"].max() < 1e-3


@pytest.mark.slow
@each_regimen
@pytest.mark.parametrize("sparse", [False, True])
def test_growth_agrees_with_scipy_for_nearly_everybody(
    regimen: Regimen, sparse: bool, errors: Callable[..., Errors]
) -> None:
    worst = errors(regimen, 200, sparse)["growth"].max(axis=0)
    assert np.quantile(worst, 0.95) < 1e-3
    assert worst.max() < 5e-3
