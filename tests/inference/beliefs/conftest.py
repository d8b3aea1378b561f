"""Simulated sessions that answer as the published models take for granted."""

from __future__ import annotations

from collections.abc import Callable

import jax
import pytest

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.inference.beliefs.recovery import CONDITIONS


@pytest.fixture(scope="session")
def study() -> Callable[..., Answers]:
    """Simulate patients and controls at two visits, from a seed."""

    def simulate(people: int = 6, seed: int = 1) -> Answers:
        design = study_design({"patients": people, "controls": people}, ("before", "after"))
        truth = belief_population(groups=2, visits=2, **dict(CONDITIONS["as modelled"]))
        return simulate_study(jax.random.key(seed), design, truth)

    return simulate
