"""Write the records that a clinic would have written: people, doses, ratings, measurements, beliefs, side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from upturn.pharmacology import acute_numbers
from upturn.population import ADVERSE_EVENTS, Person, adverse_event_chance
from upturn.protocol import Protocol
from upturn.records import Records, empty
from upturn.trials.arm import ArmPlan
from upturn.trials.beliefs import BeliefTruth, TaskOfArm, belief_truth, task_times_h
from upturn.trials.course import Drawn, Outcome
from upturn.trials.measurements import Sessions, long_table
from upturn.trials.run import Setup, set_up

__all__ = ["simulate"]

CHUNK = 16_384


def simulate(
    protocol: Protocol,
    *,
    patients: int | Mapping[str, int],
    seed: int,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
    beliefs: BeliefTruth | None = None,
) -> Iterator[Records]:
    """Simulate a study and give its records in chunks.

    Parameters
    ----------
    protocol
        The study document.
    patients
        Virtual people per arm, or of each arm by its name; all in one new trial.
    seed
        The same seed gives the same records, whatever the number of workers.
    workers
        Devices to use; all unless given.
    progress
        Called with the number of people just done.
    beliefs
        What is true of beliefs and learning, where the protocol has a belief-updating task; as published or assumed
        unless given.

    Yields
    ------
    Records
        A chunk with everything about its people.
    """
    ratings = sorted({0.0, *(t for t in protocol.assessment_times_h("MADRS") if t >= 0)})
    setup = set_up(
        protocol, seed=seed, n_trials=1, ratings_h=ratings, readings_h=task_times_h(protocol), workers=workers
    )
    truth = belief_truth() if beliefs is None else beliefs
    begin = 0
    for arm in protocol.arms:
        people = patients if isinstance(patients, int) else patients[arm]
        sessions, task = Sessions(setup, arm), TaskOfArm(setup, arm, truth)
        for first in range(0, people, CHUNK):
            n = min(CHUNK, people - first)
            drawn = setup.people(arm, begin + first, n, np.zeros(n, dtype=int))
            yield _records(setup, arm, begin + first, first, drawn, sessions, task)
            if progress:
                progress(n)
        # In a study every person is in one arm only.
        begin += people


def _records(
    setup: Setup, arm: str, first: int, before: int, drawn: Drawn, sessions: Sessions, task: TaskOfArm
) -> Records:
    plan, out = setup.plans[arm], setup.run(arm, drawn)
    n = len(out.ratings)
    names = np.char.add("P", np.char.zfill(np.arange(first + 1, first + n + 1).astype(str), 7))
    person: Person = jax.device_get(drawn.person)
    participants = pl.DataFrame(
        {
            "participant": names,
            "arm": np.full(n, arm),
            "age_y": np.round(person.body.age_y, 1),
            "sex": np.where(np.asarray(person.female) > 0, "female", "male"),
            "weight_kg": np.round(person.body.weight_kg, 1),
            "height_cm": np.round(person.height_cm, 1),
        }
    )
    given = np.asarray(out.given_mg, dtype=float)
    taken = np.asarray(out.took_place, dtype=bool).reshape(n, len(plan.session_h))
    who, which = np.nonzero(taken)
    session_h = np.array(plan.session_h)
    doses = pl.DataFrame(
        {
            "participant": names[who],
            "occasion": which + 1,
            "drug": np.array([d.drug for d in plan.doses])[which] if len(which) else np.array([], dtype=str),
            "route": np.array([d.route for d in plan.doses])[which] if len(which) else np.array([], dtype=str),
            "amount_mg": np.round(given[who, which], 3),
            "start_h": session_h[which] if len(which) else np.array([]),
            "duration_h": np.array([d.over_h or 0.0 for d in plan.doses])[which] if len(which) else np.array([]),
            "planned_h": session_h[which] if len(which) else np.array([]),
        }
    )
    return Records(
        participants=participants,
        doses=doses,
        observations=_observations(setup, arm, names, person, out).vstack(
            sessions.observations(names, first, drawn, taken)
        ),
        updates=task.updates(names, first, before, drawn, out),
        adverse_events=_adverse_events(setup, arm, names, first, taken),
    )


def _observations(setup: Setup, arm: str, names: np.ndarray, person: Person, out: Outcome) -> pl.DataFrame:
    plan, protocol = setup.plans[arm], setup.protocol
    present = np.asarray(out.present)
    ratings = np.asarray(out.ratings, dtype=float)
    ratings[:, np.array(plan.ratings_h) <= 0] = np.asarray(person.baseline["MADRS"])[:, None]
    rater = next((a.rater for a in protocol.assessments if a.instrument == "MADRS"), None)
    frames = [long_table(names, np.array(plan.ratings_h), ratings, present, "MADRS", "points", rater)]
    if "SSI" in person.baseline:
        ideation = np.asarray(out.suicidal_ideation, dtype=float)
        ideation[:, np.array(plan.ratings_h) <= 0] = np.asarray(person.baseline["SSI"])[:, None]
        frames.append(long_table(names, np.array(plan.ratings_h), ideation, present, "SSI", "points", rater))
    return pl.concat(frames)


def _adverse_events(setup: Setup, arm: str, names: np.ndarray, first: int, taken: np.ndarray) -> pl.DataFrame:
    """Draw adverse events at the rates of this trial and arm, each at most once, at one of the person's sessions.

    Nothing ties them to what is measured in the same person's session, CADSS and sedation among it.
    """
    plan, numbers = setup.plans[arm], acute_numbers()
    if not plan.session_h:
        return empty("adverse_events")
    # The one trial of a study; mapped over trials, its numbers have one entry each.
    trial = {name: values[0] for name, values in setup.trials.items()}
    dose_mg = _nasal_dose_mg(plan)
    key = jax.random.fold_in(setup.key, 3)
    chance = jax.device_get(
        jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(key, i), (len(ADVERSE_EVENTS), 2)))(
            jnp.arange(first, first + len(names))
        )
    )
    sessions = taken.sum(axis=1)
    frames: list[dict[str, Any]] = []
    for j, term in enumerate(ADVERSE_EVENTS):
        rate = float(adverse_event_chance(trial, term, active=plan.has_kinetics, dose_mg=dose_mg))
        hit = np.flatnonzero((chance[:, j, 0] < rate) & (sessions > 0))
        # Which of the person's sessions: the k-th that took place.
        k = np.minimum((chance[hit, j, 1] * sessions[hit]).astype(int), sessions[hit] - 1)
        order = np.cumsum(taken[hit], axis=1)
        occasion = (order == (k + 1)[:, None]).argmax(axis=1)
        start = np.array(plan.session_h)[occasion] if len(hit) else np.array([])
        frames.append(
            {
                "participant": names[hit],
                "start_h": start + numbers.value("symptom_onset"),
                "end_h": start + numbers.value("symptom_onset") + numbers.value("symptom_duration"),
                "term": np.full(len(hit), term),
                "severity": np.full(len(hit), "mild"),
                "serious": np.full(len(hit), False),
                "related": np.full(len(hit), "possible"),
            }
        )
    return pl.concat(
        [
            pl.DataFrame(
                f,
                schema_overrides={
                    "participant": pl.String,
                    "term": pl.String,
                    "severity": pl.String,
                    "related": pl.String,
                    "serious": pl.Boolean,
                    "start_h": pl.Float64,
                    "end_h": pl.Float64,
                },
            )
            for f in frames
        ]
    )


def _nasal_dose_mg(plan: ArmPlan) -> float | None:
    """Give the mean dose of a course of nasal esketamine [mg]; None where any dose with kinetics is another."""
    active = [i for i, kind in enumerate(plan.kind) if kind >= 0]
    nasal = all((plan.doses[i].drug, plan.doses[i].route) == ("esketamine", "intranasal") for i in active)
    if not active or not nasal or any(plan.per_kg[i] for i in active):
        return None
    return float(np.mean([plan.amount[i] for i in active]))
