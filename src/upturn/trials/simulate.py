"""Write the records that a clinic would have written: people, doses, ratings, session measurements, side effects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from upturn.pharmacology import acute_numbers
from upturn.population import Person
from upturn.protocol import Protocol
from upturn.records import Records, empty
from upturn.trials.course import Drawn, Outcome
from upturn.trials.run import Setup, set_up
from upturn.trials.session import session_curves

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
        sessions = _Sessions(setup, arm)
        for first in range(0, patients, CHUNK):
            n = min(CHUNK, patients - first)
            drawn = setup.people(arm, begin + first, n, np.zeros(n, dtype=int))
            yield _records(setup, arm, begin + first, drawn, sessions)
            if progress:
                progress(n)


def _records(setup: Setup, arm: str, first: int, drawn: Drawn, sessions: _Sessions) -> Records:
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
        observations=_observations(setup, arm, names, out, sessions.observations(names, first, drawn, taken)),
        adverse_events=_adverse_events(setup, arm, names, first, taken),
    )


def _observations(
    setup: Setup, arm: str, names: np.ndarray, person: Person, out: Outcome, sessions: list[pl.DataFrame]
) -> pl.DataFrame:
    plan, protocol = setup.plans[arm], setup.protocol
    present = np.asarray(out.present)
    ratings = np.asarray(out.ratings, dtype=float)
    ratings[:, np.array(plan.ratings_h) <= 0] = np.asarray(person.baseline["MADRS"])[:, None]
    rater = next((a.rater for a in protocol.assessments if a.instrument == "MADRS"), None)
    frames = [_long(names, np.array(plan.ratings_h), ratings, present, "MADRS", "points", rater)]
    if "SSI" in person.baseline:
        ideation = np.asarray(out.suicidal_ideation, dtype=float)
        ideation[:, np.array(plan.ratings_h) <= 0] = np.asarray(person.baseline["SSI"])[:, None]
        frames.append(_long(names, np.array(plan.ratings_h), ideation, present, "SSI", "points", rater))
    return pl.concat([*frames, *sessions])


class _Sessions:
    """Measurements at the protocol's time points of every session, as though each were the first."""

    MEASURES: ClassVar = {
        "SBP": ("systolic", "mmHg", 0),
        "DBP": ("diastolic", "mmHg", 1),
        "CADSS": ("dissociation", "points", 2),
    }

    def __init__(self, setup: Setup, arm: str) -> None:
        self.setup, self.arm, self.plan = setup, arm, setup.plans[arm]
        session = setup.protocol.session
        points = session.timepoints if session else ()
        self.points = [(p.at_h, [m for m in p.measures if m in self.MEASURES]) for p in points]
        self.time_h = np.array([t for t, _ in self.points])
        self.curves = {
            kind: session_curves(setup, arm, self.plan.kind.index(kind), self.time_h)
            for kind in sorted(set(self.plan.kind))
            if kind >= 0 and self.points
        }
        self.noise = jax.jit(jax.vmap(self._noise))

    def _noise(self, number: Any) -> Any:
        shape = (len(self.plan.session_h), len(self.points), len(self.MEASURES))
        key = jax.random.fold_in(jax.random.fold_in(self.setup.key, 4), number)
        return jax.random.normal(key, shape)

    def observations(self, names: np.ndarray, first: int, drawn: Drawn, taken: np.ndarray) -> list[pl.DataFrame]:
        """Give one frame per occasion and measure."""
        if not self.points or not self.plan.session_h:
            return []
        noise = np.asarray(self.noise(jnp.arange(first, first + len(names))))
        seen = {kind: jax.device_get(f(self.setup.trials, drawn)) for kind, f in self.curves.items()}
        acute = acute_numbers()
        z, frames = drawn.person.draws, []
        resting = {
            name: acute.value(f"baseline_{name}")
            + acute[f"baseline_{name}"].variability[0].sd * np.asarray(z[f"baseline_{name}"])
            for name in ("systolic", "diastolic")
        }
        for k, session_h in enumerate(self.plan.session_h):
            there = np.flatnonzero(taken[:, k])
            if not there.size:
                continue
            for measure, (curve, unit, column) in self.MEASURES.items():
                at = [i for i, (_, wanted) in enumerate(self.points) if measure in wanted]
                if not at:
                    continue
                kind = self.plan.kind[k]
                rise = seen[kind][curve][np.ix_(there, at)] if kind >= 0 else np.zeros((len(there), len(at)))
                if measure == "CADSS":
                    values = np.clip(np.round(rise), 0, None)
                else:
                    spread = acute.value("reading_noise_pressure") * noise[np.ix_(there, [k], at, [column])][:, 0, :, 0]
                    values = np.round(resting[curve][there][:, None] + rise + spread)
                time_h = session_h + self.time_h[at]
                present = np.ones(values.shape, dtype=bool)
                frames.append(_long(names[there], time_h, values, present, measure, unit, "treating"))
        return frames


def _long(
    names: np.ndarray,
    time_h: np.ndarray,
    values: np.ndarray,
    present: np.ndarray,
    instrument: str,
    unit: str,
    rater: str | None,
) -> pl.DataFrame:
    who, when = np.nonzero(present)
    return pl.DataFrame(
        {
            "participant": pl.Series(names).gather(who),
            "time_h": time_h[when],
            "planned_h": time_h[when],
            "item": pl.repeat("total", len(who), eager=True),
            "instrument": pl.repeat(instrument, len(who), eager=True),
            "value": values[who, when],
            "unit": pl.repeat(unit, len(who), eager=True),
            "rater": pl.repeat(rater, len(who), dtype=pl.String, eager=True),
            "recall_h": pl.repeat(None, len(who), dtype=pl.Float64, eager=True),
        }
    ).select("participant", "time_h", "planned_h", "instrument", "item", "value", "unit", "rater", "recall_h")


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
