"""How much of the answer is the prior's: the mood program fitted with other priors, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax

from upturn.evidence import shipped
from upturn.inference.calibrate import QUICK, fitted_findings, learnt
from upturn.inference.fit import Settings, diagnose, fit
from upturn.inference.observations import observations
from upturn.inference.program import program
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
    seen = observations(shipped(), fitted_findings(shipped()))
    out = []
    for name, wider in RUNS.items():
        draws, divergences = fit(program, seen, settings=settings, wider=wider)
        judged = diagnose(draws, divergences)
        found = learnt(draws, judged)
        out.append(Run(name, {each: found[each] for each in WATCHED}, divergences, judged.worst_r_hat))
        jax.clear_caches()  # each fit is a program of its own; a process cannot hold very many
    return tuple(out)
