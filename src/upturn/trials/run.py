"""Run every arm of a protocol for the same virtual people, in many new trials at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from upturn.numerics import map_people
from upturn.population import draw_trial, numbers
from upturn.protocol import Protocol
from upturn.trials.arm import ArmPlan, arm_plan
from upturn.trials.course import Drawn, Outcome, draw_people, kinetic_names, mood_of, person_course

__all__ = ["Group", "Setup", "run_arms", "set_up"]

# Sizes of the steps in which people are handed to the device; they bound memory, not results.
HANDED_AT_ONCE = 16_384


@dataclass(frozen=True)
class Setup:
    """A protocol, laid out and compiled on first use: one function per arm."""

    protocol: Protocol
    plans: dict[str, ArmPlan]
    kinetic: tuple[str, ...]
    draw: Callable[..., Drawn]
    arms: dict[str, Callable[..., Outcome]]
    key: Any
    trials: dict[str, Any]
    n_trials: int

    def constants(self, arm: str) -> dict[str, Any]:
        """Give what all people of an arm share."""
        return {
            "key": jax.random.fold_in(self.key, 2),
            "population": numbers(self.protocol.population_of(arm)),
        }

    def people(self, arm: str, first: int, people: int, trial: np.ndarray) -> Drawn:
        """Draw people ``first … first + people``; ``trial`` says in which trial each one is."""
        who = {"number": jnp.arange(first, first + people), "trial": jnp.asarray(trial)}
        return self.draw(self.constants(arm), who)

    def run(self, arm: str, drawn: Drawn) -> Outcome:
        """Run drawn people through an arm."""
        out: Outcome = jax.device_get(self.arms[arm](self.trials, drawn))
        return out


def set_up(
    protocol: Protocol,
    *,
    seed: int,
    n_trials: int,
    ratings_h: Sequence[float],
    readings_h: Sequence[float] = (),
    workers: int | None = None,
) -> Setup:
    """Lay out a protocol for simulation.

    Parameters
    ----------
    protocol
        The document.
    seed
        The same seed gives the same numbers, whatever the number of workers or people at once.
    n_trials
        How many new trials to draw.
    ratings_h, readings_h
        When mood is rated and when the state is read [h].
    workers
        Devices to use; all unless given.
    """
    key = jax.random.key(seed)
    until = max(protocol.horizon_h, *ratings_h)
    plans = {
        arm: arm_plan(protocol, arm, ratings_h=ratings_h, readings_h=readings_h, until_h=until) for arm in protocol.arms
    }
    kinetic = kinetic_names(plans)
    relapse = protocol.endpoints.relapse
    rule = {
        "fall": protocol.endpoints.response.fall,
        "at_least": relapse.at_least if relapse else float("inf"),
        "consecutive": relapse.consecutive if relapse else 1,
    }
    arms = {
        arm: map_people(person_course(plan, mood_of(protocol, arm), rule), workers=workers)
        for arm, plan in plans.items()
    }
    n_ratings = len(next(iter(plans.values())).ratings_h)
    draw = map_people(draw_people(n_ratings, kinetic), workers=workers)
    drawn = jax.jit(jax.vmap(lambda j: draw_trial(jax.random.fold_in(jax.random.fold_in(key, 1), j))))
    return Setup(protocol, plans, kinetic, draw, arms, key, drawn(jnp.arange(n_trials)), n_trials)


@dataclass(frozen=True)
class Group:
    """An arm's people and what became of them; people are the first axis, ordered by trial."""

    baseline: dict[str, np.ndarray]
    outcome: Outcome


def run_arms(
    setup: Setup, *, patients: int, arms: Sequence[str], progress: Callable[[int], None] | None = None
) -> dict[str, Group]:
    """Run ``patients`` people in each of the trials, in every arm; the same people in all arms.

    Parameters
    ----------
    setup
        From :func:`set_up`.
    patients
        People per arm and trial.
    arms
        Which arms.
    progress
        Called with the number of courses just done.
    """
    total = patients * setup.n_trials

    def one(arm: str) -> Group:
        parts = []
        for first, n in _steps(total, HANDED_AT_ONCE):
            drawn = setup.people(arm, first, n, np.arange(first, first + n) // patients)
            parts.append((jax.device_get(drawn.person.baseline), setup.run(arm, drawn)))
            if progress:
                progress(n)
        return Group(*jax.tree.map(lambda *xs: np.concatenate(xs), *parts) if len(parts) > 1 else parts[0])

    return {arm: one(arm) for arm in arms}


def _steps(total: int, step: int) -> Iterator[tuple[int, int]]:
    for first in range(0, total, step):
        yield first, min(step, total - first)
