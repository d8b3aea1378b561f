"""Write the records that a clinic would have written: people, doses, ratings, session measurements, side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from upturn.pharmacology import acute_numbers
from upturn.population import Person
from upturn.protocol import Protocol
from upturn.records import Records, empty
from upturn.trials.course import Drawn, Outcome
from upturn.trials.measurements import Sessions, long_table
from upturn.trials.run import Setup, set_up

__all__ = ["simulate"]

CHUNK = 16_384


def simulate(
    protocol: Protocol,
    *,
    patients: int,
    seed: int,
    workers: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Records]:
    """Simulate a study and give its records in chunks.

    Parameters
    ----------
    protocol
        The study document.
    patients
        Virtual people per arm, all in one new trial.
    seed
        The same seed gives the same records, whatever the number of workers.
    workers
        Devices to use; all unless given.
    progress
        Called with the number of people just done.

    Yields
    ------
    Records
        A chunk with everything about its people.
    """
    ratings = sorted({0.0, *(t for t in protocol.assessment_times_h("MADRS") if t >= 0)})
    setup = set_up(protocol, seed=seed, n_trials=1, ratings_h=ratings, workers=workers)
    for number, arm in enumerate(protocol.arms):
        # In a study every person is in one arm only.
        begin = number * patients
        sessions = Sessions(setup, arm)
        for first in range(0, patients, CHUNK):
            n = min(CHUNK, patients - first)
            drawn = setup.people(arm, begin + first, n, np.zeros(n, dtype=int))
            yield _records(setup, arm, begin + first, drawn, sessions)
            if progress:
                progress(n)


def _records(setup: Setup, arm: str, first: int, drawn: Drawn, sessions: Sessions) -> Records:
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
    """Nausea and dizziness at the published rates of a course, at one of the person's sessions."""
    plan, numbers = setup.plans[arm], acute_numbers()
    if not plan.session_h:
        return empty("adverse_events")
    active = plan.has_kinetics
    key = jax.random.fold_in(setup.key, 3)
    chance = jax.device_get(
        jax.vmap(lambda i: jax.random.uniform(jax.random.fold_in(key, i), (2, 2)))(
            jnp.arange(first, first + len(names))
        )
    )
    sessions = taken.sum(axis=1)
    frames: list[dict[str, Any]] = []
    for j, term in enumerate(("nausea", "dizziness")):
        rate = numbers.value(f"{term}_rate" if active else f"{term}_rate_control")
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
