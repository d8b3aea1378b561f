"""The same yardstick in two general solvers: SciPy's LSODA and diffrax's Tsit5."""

from __future__ import annotations

import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from scipy.integrate import solve_ivp

from benchmarks import yardstick as w

__all__ = ["diffrax_course", "reference", "scipy_course"]

EDGES = np.unique(np.concatenate([w.DOSE_H, w.DOSE_H + w.INFUSION_H, [w.END_H]]))


def _restarted(parameters: np.ndarray, **options: Any) -> np.ndarray:
    """Solve one person, restarted at every discontinuity; (60, 5)."""
    y, out = np.zeros(8), np.zeros((len(w.OUTPUT_H), 8))
    for start, stop in itertools.pairwise(EDGES):
        rate = (
            w.DOSE_MG / w.INFUSION_H if np.any((start >= w.DOSE_H) & (start < w.DOSE_H + w.INFUSION_H - 1e-9)) else 0.0
        )
        inside = (start + 1e-9 < w.OUTPUT_H) & (stop + 1e-9 >= w.OUTPUT_H)
        times = np.unique(np.append(np.minimum(w.OUTPUT_H[inside], stop), stop))
        found = solve_ivp(w.rhs, (start, stop), y, t_eval=times, args=(parameters, rate), **options)
        out[inside] = found.y.T[: inside.sum()]
        y = found.y[:, -1]
    return read_out(out, parameters)


def read_out(states: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Turn eight states into the five outputs."""
    c = states[:, 0] / p[1]
    return np.stack(
        [c, states[:, 3] / p[7], c / (c + p[10]), states[:, 7], w.BASELINE * (1 - w.EMAX * states[:, 7])], -1
    )


def _lsoda(parameters: np.ndarray) -> np.ndarray:
    return _restarted(parameters, method="LSODA", rtol=1e-6, atol=1e-9)


def _tight(parameters: np.ndarray) -> np.ndarray:
    return _restarted(parameters, method="DOP853", rtol=1e-11, atol=1e-13)


def scipy_course(parameters: np.ndarray, *, processes: int) -> np.ndarray:
    """Solve people with LSODA (rtol 1e-6) in several processes."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return np.array(list(pool.map(_lsoda, parameters, chunksize=8)))


def reference(parameters: np.ndarray, *, processes: int) -> np.ndarray:
    """Solve people with DOP853 at rtol 1e-11, restarted at every discontinuity."""
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return np.array(list(pool.map(_tight, parameters, chunksize=4)))


def diffrax_course(parameters: Any) -> Any:
    """Solve people (people first) with Tsit5, steps clipped at dosing; (people, 60, 8) states."""

    def field(t: Any, y: Any, p: Any) -> Any:
        on = jnp.any((jnp.asarray(w.DOSE_H) <= t) & (t < jnp.asarray(w.DOSE_H) + w.INFUSION_H))
        return jnp.stack(w.rhs(t, y, p, jnp.where(on, w.DOSE_MG / w.INFUSION_H, 0.0)))  # type: ignore[arg-type]

    def one(p: Any) -> Any:
        return diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Tsit5(),
            0.0,
            w.END_H,
            0.01,
            jnp.zeros(8),
            p,
            saveat=diffrax.SaveAt(ts=jnp.asarray(w.OUTPUT_H)),
            stepsize_controller=diffrax.ClipStepSizeController(
                diffrax.PIDController(rtol=1e-5, atol=1e-8), jump_ts=jnp.asarray(EDGES[:-1])
            ),
            max_steps=100_000,
        ).ys

    return jax.vmap(one)(parameters)
