"""The published belief models: twelve fits of each of a thousand people with forty trials."""

from __future__ import annotations

import statistics
import time
from typing import Any

import jax

from upturn.beliefs.design import study_design
from upturn.beliefs.models import MODELS
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.inference.beliefs.persons import fit_persons

__all__ = ["belief_persons"]

PEOPLE = 1_000
REPEATS = 5


def belief_persons() -> dict[str, Any]:
    """(e) Estimates, standard errors and exact evidence of all models, compiled and not."""
    answers = simulate_study(jax.random.key(1), study_design({"people": PEOPLE}), belief_population())
    took = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        fits = fit_persons(answers)
        took.append(time.perf_counter() - start)
    assert fits.log_evidence.shape == (len(MODELS), PEOPLE)
    return {
        "people": PEOPLE,
        "models": len(MODELS),
        "trials": answers.first.shape[1],
        "first_s": round(took[0], 2),
        "compiled_s": round(statistics.median(took[1:]), 3),
        "fits_per_s": round(len(MODELS) * PEOPLE / statistics.median(took[1:])),
    }
