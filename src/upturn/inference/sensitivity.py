"""How much of the answer is the prior's: the same fit with other priors, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax

from upturn.inference.calibrate import QUICK, calibrate
from upturn.inference.fit import Settings
from upturn.population import Learnt

__all__ = ["RUNS", "WATCHED", "Run", "sensitivity"]

# By run: how many times wider each named prior is made.
RUNS: Mapping[str, Mapping[str, float]] = {
    "as stated": {},
    "expectancy nearly fixed": {"expectancy": 0.2},
    "expectancy twice as wide": {"expectancy": 2.0, "belief_midazolam": 2.0, "belief_nasal_placebo": 2.0},
    "plasticity twice as wide": {"tau_on": 2.0, "tau_off": 2.0, "k_form": 2.0},
    "no allowance for small trials": {"small_trials": 0.01},
}
WATCHED = ("effect", "expectancy", "acute", "slow_ongoing", "tau_on", "tau_off", "k_form", "session_fade")


@dataclass(frozen=True)
class Run:
    """One fit with other priors: what it is called, and what it learnt of the watched numbers."""

    name: str
    learnt: Mapping[str, Learnt]
    divergences: int
    worst_r_hat: float


def sensitivity(settings: Settings = QUICK) -> tuple[Run, ...]:
    """Fit again with each set of priors.

    Parameters
    ----------
    settings
        How long to draw in each fit.
    """
    out = []
    for name, wider in RUNS.items():
        found = calibrate(settings, wider=dict(wider))
        out.append(
            Run(
                name,
                {each: found.posterior.learnt[each] for each in WATCHED},
                found.diagnostics.divergences,
                found.diagnostics.worst_r_hat,
            )
        )
        jax.clear_caches()  # each fit is a program of its own; a process cannot hold very many
    return tuple(out)
