"""The belief-updating task in a simulated study: the chain decides how each person learns and what they fear.

Asymmetry follows synaptic growth, A_i(t) = A0_i + a_i·S_i(t), with a_i correlated with the person's mood amplitude.
Beliefs follow mood: MADRS at the visit, as it is and not as rated, moves them. What lives here: that link, and the
``updates`` table. What does not: how a learner answers (``upturn.beliefs``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array, Float

from upturn.beliefs.design import Layout, event_names, layout
from upturn.beliefs.models import model_called
from upturn.beliefs.people import BeliefPopulation, belief_population, draw_learners, everywhere
from upturn.beliefs.simulation import MODEL, Said, simulate_people
from upturn.beliefs.task import lists_of_visits, task
from upturn.errors import ProtocolError
from upturn.numerics import person_key
from upturn.parameters import ParameterFile, read
from upturn.protocol import Assessment, Protocol
from upturn.protocol.values import iso_text
from upturn.protocol.visits import BELIEF_UPDATING
from upturn.records import empty
from upturn.trials.course import Drawn, Outcome
from upturn.trials.run import Setup

__all__ = ["BeliefTruth", "TaskOfArm", "belief_truth", "task_times_h", "treatment_numbers"]

HEALTHY = "healthy"


@dataclass(frozen=True)
class BeliefTruth:
    """Say what is true in the simulated study.

    Parameters
    ----------
    population
        Healthy people, one group and one visit.
    asymmetry_depressed
        Mean asymmetry of people who are not healthy, before treatment [fraction].
    asymmetry_at_full_growth, asymmetry_at_full_growth_sd
        What full growth adds to it: mean and SD between people [fraction].
    asymmetry_mood_correlation
        Correlation of that with the person's mood amplitude.
    pessimism, pessimism_reference
        Points of belief per MADRS point above the reference.
    model
        How everybody learns: any of ``upturn.beliefs.models.MODELS``.
    """

    population: BeliefPopulation
    asymmetry_depressed: float
    asymmetry_at_full_growth: float
    asymmetry_at_full_growth_sd: float
    asymmetry_mood_correlation: float
    pessimism: float
    pessimism_reference: float
    model: str = MODEL

    @property
    def effects(self) -> dict[str, float]:
        """The numbers of :func:`treatment_numbers`, as they are true here."""
        return {number.name: getattr(self, number.name) for number in treatment_numbers()}


def treatment_numbers() -> ParameterFile:
    """Give what treatment does to beliefs and learning; all of it assumed."""
    return read("upturn.beliefs", "treatment")


def belief_truth(
    *,
    asymmetry_change: float | None = None,
    pessimism: float | None = None,
    report_noise: float | None = None,
    model: str = MODEL,
) -> BeliefTruth:
    """Give the assumed truth, with other values where they are given.

    Parameters
    ----------
    asymmetry_change
        Mean asymmetry added at full growth [fraction]; 0 is a drug that leaves learning alone (and nobody differs).
    pessimism
        Points of belief per MADRS point.
    report_noise
        SD of a reported estimate about the belief held [points].
    model
        How everybody learns.

    Raises
    ------
    InputError
        No such model.

    Examples
    --------
    >>> belief_truth(asymmetry_change=0.0).asymmetry_at_full_growth_sd
    0.0
    """
    model_called(model)
    known = treatment_numbers()
    truth = BeliefTruth(
        population=belief_population() if report_noise is None else belief_population(report_noise=report_noise),
        model=model,
        **{p.name: p.value for p in known},
    )
    if asymmetry_change is not None:
        truth = replace(truth, asymmetry_at_full_growth=asymmetry_change)
        if asymmetry_change == 0:
            truth = replace(truth, asymmetry_at_full_growth_sd=0.0)
    return truth if pessimism is None else replace(truth, pessimism=pessimism)


def task_times_h(protocol: Protocol) -> tuple[float, ...]:
    """Give the times from the first dose on at which any arm does the task [h]."""
    return tuple(time for time in protocol.assessment_times_h(BELIEF_UPDATING) if time >= 0)


class TaskOfArm:
    """The task as one arm does it; gives the ``updates`` of a block of its people."""

    def __init__(self, setup: Setup, arm: str, truth: BeliefTruth) -> None:
        self.setup, self.arm, self.truth = setup, arm, truth
        found = [each for each in _tasks(setup.protocol) if not each.arms or arm in each.arms]
        self.assessment = found[0] if found else None
        if len(found) > 1:
            raise ProtocolError(
                "One arm has two belief-updating tasks.",
                expected="one entry with all its times",
                where=f"{setup.protocol.id}: assessments, arm {arm}",
            )
        if self.assessment is not None:
            _refuse_other_number(self.assessment, setup.protocol)

    def updates(self, names: np.ndarray, first: int, before: int, drawn: Drawn, out: Outcome) -> pl.DataFrame:
        """Give the rows of people ``first …``, of whom ``before`` people of the arm came earlier."""
        if self.assessment is None or self.assessment.task is None:
            return empty("updates")
        written, time_h = self.assessment.task, np.array(self.assessment.at_h)
        lists = [
            lists_of_visits(written.lists, visits=len(time_h), person=before + k, rotate=written.rotate)
            for k in range(len(names))
        ]
        numbers = np.arange(first, first + len(names))
        plan = layout(lists, n_fillers=written.fillers, group=[0] * len(names), number=numbers)
        # Keys 1 to 4 of the setup belong to trials, people, adverse events and session noise.
        key = jax.random.fold_in(self.setup.key, 5)
        growth, improvement = _state(self.setup, self.arm, time_h, out)
        severity = np.maximum(np.asarray(drawn.person.baseline["MADRS"])[:, None] - improvement, 0.0)
        is_healthy = self.setup.protocol.population_of(self.arm).condition == HEALTHY
        amplitude = drawn.person.draws["effect"]
        truth = self.truth
        said: Said = jax.device_get(
            _answers(key, plan, truth.population, truth.effects, is_healthy, amplitude, growth, severity, truth.model)
        )
        visits = written.visits or tuple(iso_text(t) for t in time_h)
        return _rows(names, time_h, visits, plan, said, _present(self.setup, self.arm, time_h, out))


@partial(jax.jit, static_argnames=("model",))
def _answers(
    key: Array,
    plan: Any,
    population: BeliefPopulation,
    effects: Mapping[str, Array],
    is_healthy: Array,
    amplitude: Float[Array, " people"],
    growth: Float[Array, "people visits"],
    severity: Float[Array, "people visits"],
    model: str,
) -> Said:
    """Draw people, let growth and mood change them, and let them answer."""
    for_people, for_treatment, for_answers = jax.random.split(key, 3)
    everyone = everywhere(population, visits=growth.shape[1])
    learners = draw_learners(for_people, everyone, plan.group, plan.number)
    own = jax.vmap(lambda number: jax.random.normal(person_key(for_treatment, number)))(plan.number)
    r = effects["asymmetry_mood_correlation"]
    apart = effects["asymmetry_at_full_growth_sd"] * (r * amplitude + jnp.sqrt(1 - r**2) * own)
    gain = effects["asymmetry_at_full_growth"] + apart
    below = jnp.where(is_healthy, 0.0, effects["asymmetry_depressed"] - population.asymmetry[0, 0])
    learners = learners._replace(
        asymmetry=learners.asymmetry + below + gain[:, None] * growth,
        belief_mean=learners.belief_mean + effects["pessimism"] * (severity - effects["pessimism_reference"]),
    )
    return simulate_people(for_answers, plan, learners, everyone, model=model)


def _tasks(protocol: Protocol) -> list[Assessment]:
    return [each for each in protocol.assessments if each.instrument == BELIEF_UPDATING]


def _refuse_other_number(assessment: Assessment, protocol: Protocol) -> None:
    for name in assessment.task.lists if assessment.task else ():
        held = len(task(name).events)
        if assessment.events not in (None, held):
            raise ProtocolError(
                f"The event list {name} has another number of events.",
                expected=f"events: {held}",
                came=f"events: {assessment.events}",
                where=f"{protocol.id}: assessments, {BELIEF_UPDATING}",
                remedy="correct the number, or leave it out",
            )


def _state(setup: Setup, arm: str, time_h: np.ndarray, out: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """Give growth and improvement of people at their visits; none before the first dose."""
    grid = np.array(setup.plans[arm].readings_h)
    at = [int(np.argmin(np.abs(grid - t))) for t in time_h]
    treated = (time_h >= 0)[None, :]
    total = out.drug + out.nonspecific + out.comparator + out.expectancy
    return np.where(treated, out.growth[:, at], 0.0), np.where(treated, total[:, at], 0.0)


def _present(setup: Setup, arm: str, time_h: np.ndarray, out: Outcome) -> np.ndarray:
    """Say who is still there at each visit: who was there at the last rating before it, or at it."""
    ratings = np.array(setup.plans[arm].ratings_h)
    last = [int(np.searchsorted(ratings, t, side="right")) - 1 for t in np.round(time_h, 9)]
    there = [np.ones(len(out.present), dtype=bool) if k < 0 else np.asarray(out.present)[:, k] for k in last]
    return np.stack(there, axis=1)


def _rows(
    names: np.ndarray, time_h: np.ndarray, visits: Sequence[str], plan: Layout, said: Said, present: np.ndarray
) -> pl.DataFrame:
    """Turn what was said into rows: events in the order of their list, then fillers, which have no base rate."""
    called = np.array(event_names())
    event = np.concatenate([plan.event, plan.filler], axis=-1)
    nothing = np.full(plan.filler.shape, np.nan)
    rate = np.concatenate([plan.base_rate[plan.event], nothing], axis=-1)
    columns = {
        "base_rate": rate,
        "first_estimate": np.concatenate([said.first, said.filler_first], axis=-1),
        "other_estimate": np.concatenate([said.other, nothing], axis=-1),
        "second_estimate": np.concatenate([said.second, said.filler_second], axis=-1),
        "trust": np.concatenate([said.trust, nothing], axis=-1),
    }
    shown = np.concatenate([plan.asked, np.ones(plan.filler.shape, dtype=bool)], axis=-1)
    who, when, which = np.nonzero(shown & present[..., None])
    frame = pl.DataFrame(
        {
            "participant": names[who],
            "visit": np.array(visits)[when],
            "time_h": time_h[when],
            "event": called[event[who, when, which]],
            **{name: values[who, when, which] for name, values in columns.items()},
            **{f"rt_{name}_ms": np.full(len(who), np.nan) for name in ("first", "other", "second")},
        },
        schema=empty("updates").schema,
    )
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))
