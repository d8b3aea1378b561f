"""The yardstick W1: a workload of public shape, small enough to write in any engine (six infusions, 42 days).

The numbers below define the workload; they are not the product's model. The same code path as the product's chain
runs it: :func:`upturn.chain.plan` and :func:`upturn.chain.propagate`.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from upturn.chain import Body, Occasion, Plan, plan, propagate
from upturn.numerics import convolve, first_order, mammillary
from upturn.pharmacology import Inlet

TYPICAL = {
    "CL": 79.0, "V1": 35.0, "Q2": 130.0, "V2": 67.0, "Q3": 60.0, "V3": 150.0, "CLM": 60.0, "VM1": 90.0,
    "QM": 80.0, "VM2": 150.0, "KI": 0.15, "KG": 0.35, "KB": 0.06, "KIN": 0.15, "KOUT": 0.0041,
}  # fmt: skip
OMEGA = 0.3
FORMED = 0.70 * 223.66 / 237.73
BASELINE, EMAX = 30.0, 0.8
DOSE_MG, INFUSION_H = 35.0, 40.0 / 60.0
DOSE_H = 24.0 * np.array([0, 2, 4, 7, 9, 11], float)
END_H = 42 * 24.0
OUTPUT_H = np.unique(np.concatenate([24.0 * np.arange(1, 43)] + [t + np.array([INFUSION_H, 2.0, 6.0]) for t in DOSE_H]))


def people(n: int, seed: int = 20260101) -> np.ndarray:
    """``n`` × 15 individual parameters; the first k rows do not depend on n."""
    z = np.random.default_rng(seed).standard_normal((n, len(TYPICAL)))
    return np.array(list(TYPICAL.values())) * np.exp(OMEGA * z)


def rhs(_t: float, y: np.ndarray, p: np.ndarray, rate: float) -> list[float]:
    """Right-hand side for ODE solvers."""
    cl, v1, q2, v2, q3, v3, clm, vm1, qm, vm2, ki, kg, kb, kin, kout = p
    a1, a2, a3, m1, m2, g, b, s = y
    c = a1 / v1
    occ = c / (c + ki)
    return [
        rate - (cl + q2 + q3) * c + q2 / v2 * a2 + q3 / v3 * a3,
        q2 * c - q2 / v2 * a2,
        q3 * c - q3 / v3 * a3,
        FORMED * cl * c - (clm + qm) / vm1 * m1 + qm / vm2 * m2,
        qm / vm1 * m1 - qm / vm2 * m2,
        kg * (occ - g),
        kb * (g - b),
        kin * b * (1 - s) - kout * s,
    ]


def errors(found: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Largest relative error per output; floors as the yardstick defines them."""
    floors = np.array([1e-3, 1e-3, 5e-3, 1e-2, 0])
    return np.max(np.abs(found - reference) / np.maximum(np.abs(reference), floors), axis=(0, 1))


def timetable() -> Plan:
    """Lay out the yardstick's course."""
    inlet = Inlet("central", "all", 0.0, INFUSION_H)
    return plan([Occasion(float(t), (inlet,)) for t in DOSE_H], OUTPUT_H.tolist(), until_h=END_H)


def course(_constants: Any, parameters: Any) -> Any:
    """Run a block of people (people first) by the product's chain; outputs (60, 5, people)."""
    cl, v1, q2, v2, q3, v3, clm, vm1, qm, vm2, ki, kg, kb, kin, kout = parameters.T
    central = mammillary("k", elimination=cl / v1, exchange=[(q2 / v1, q2 / v2, 0.0), (q3 / v1, q3 / v3, 0.0)]).central
    metabolite = mammillary("n", elimination=clm / vm1, exchange=[(qm / vm1, qm / vm2, 0.0)]).central
    outputs = {
        "C": {"central": central * (1 / v1)},
        "N": {"central": convolve(central * (FORMED * cl / v1), metabolite) * (1 / vm1)},
        "drive": {"central": central * (1 / (v1 * ki))},
    }
    surge = convolve(first_order("g", kg), first_order("b", kb))
    body = Body(outputs=outputs, shares={"all": jnp.ones_like(cl)}, surge=surge, formation=kin, loss=kout)
    amounts = jnp.full((len(DOSE_H), *cl.shape), DOSE_MG)
    found = propagate(body, timetable(), amounts, drive="drive", wanted=("C", "N"))
    c = found.outputs["C"]
    mood = BASELINE * (1 - EMAX * found.growth)
    return jnp.stack([c, found.outputs["N"], c / (c + ki), found.growth, mood], axis=1)
