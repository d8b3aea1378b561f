"""The public yardstick W1, solved tightly here and run on the product's own chain."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from upturn.chain import Body, Occasion, plan, propagate
from upturn.numerics import convolve, first_order, mammillary
from upturn.pharmacology import Inlet

PEOPLE = 8
SOURCE = Path(__file__).parents[2] / "benchmarks" / "yardstick.py"


@pytest.fixture(scope="module")
def yardstick() -> Any:
    spec = importlib.util.spec_from_file_location("yardstick_w1", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def reference(w1: Any, people: np.ndarray) -> np.ndarray:
    """Outputs (people, times, 5) by DOP853, restarted at every discontinuity."""
    edges = np.unique(np.concatenate([w1.DOSE_H, w1.DOSE_H + w1.INFUSION_H, [w1.END_H]]))
    readings_h = np.asarray(w1.OUTPUT_H)
    out = np.zeros((len(people), len(w1.OUTPUT_H), 5))
    for i, p in enumerate(people):
        y = np.zeros(8)
        for begin, end in itertools.pairwise(edges):
            rate = w1.DOSE_MG / w1.INFUSION_H if begin in w1.DOSE_H else 0.0
            inside = np.flatnonzero((readings_h > begin) & (readings_h <= end))
            at = np.unique(np.append(w1.OUTPUT_H[inside], end))
            done = solve_ivp(w1.rhs, (begin, end), y, "DOP853", t_eval=at, args=(p, rate), rtol=1e-11, atol=1e-13)
            assert done.success, done.message
            y = done.y[:, -1]
            found = done.y[:, : len(inside)]
            c, s = found[0] / p[1], found[7]
            out[i, inside] = np.stack(
                [c, found[3] / p[7], c / (c + p[10]), s, w1.BASELINE * (1 - w1.EMAX * s)], axis=-1
            )
    return out


def by_upturn(w1: Any, people: np.ndarray) -> np.ndarray:
    timetable = plan(
        [Occasion(float(t), (Inlet("central", "all", 0.0, w1.INFUSION_H),)) for t in w1.DOSE_H],
        [float(t) for t in w1.OUTPUT_H],
        until_h=float(w1.END_H),
    )

    @jax.jit
    def course(parameters: jax.Array) -> jax.Array:
        cl, v1, q2, v2, q3, v3, clm, vm1, qm, vm2, ki, kg, kb, kin, kout = parameters.T
        central = mammillary(
            "k", elimination=cl / v1, exchange=[(q2 / v1, q2 / v2, 0.0), (q3 / v1, q3 / v3, 0.0)]
        ).central
        met = mammillary("n", elimination=clm / vm1, exchange=[(qm / vm1, qm / vm2, 0.0)]).central
        c = central * (1 / v1)
        n = convolve(central * (w1.FORMED * cl / v1), met) * (1 / vm1)
        body = Body(
            outputs={"C": {"central": c}, "N": {"central": n}, "drive": {"central": c * (1 / ki)}},
            shares={"all": jnp.ones_like(cl)},
            surge=convolve(first_order("g", kg), first_order("b", kb)),
            formation=kin,
            loss=kout,
        )
        amounts = jnp.full((len(w1.DOSE_H), len(cl)), w1.DOSE_MG)
        found = propagate(body, timetable, amounts, drive="drive", wanted=("C", "N"))
        x = found.outputs["C"] / ki
        mood = w1.BASELINE * (1 - w1.EMAX * found.growth)
        return jnp.stack([found.outputs["C"], found.outputs["N"], x / (1 + x), found.growth, mood])

    return np.asarray(course(jnp.asarray(people))).transpose(2, 1, 0)


def test_the_yardstick_is_met_to_one_in_ten_thousand(yardstick: Any) -> None:
    people = yardstick.people(PEOPLE)
    error = yardstick.errors(by_upturn(yardstick, people), reference(yardstick, people))
    print("C, N, occupancy, S, M:", error)
    assert error.max() < 1e-4
    assert error[:2].max() < 1e-6  # the linear parts are exact; this is how well DOP853 interpolates
