"""What is measured in sessions, and how a block of readings becomes rows of the observations table."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from upturn.pharmacology import acute_numbers, individual
from upturn.records import empty
from upturn.trials.course import Drawn
from upturn.trials.run import Setup
from upturn.trials.session import session_curves

__all__ = ["Sessions", "long_table"]


class Sessions:
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

    def observations(self, names: np.ndarray, first: int, drawn: Drawn, taken: np.ndarray) -> pl.DataFrame:
        """Give the rows of every session that took place; ``taken`` is people by occasions."""
        frames = [empty("observations")]
        if self.points and self.plan.session_h:
            noise = np.asarray(self.noise(jnp.arange(first, first + len(names))))
            seen = {kind: jax.device_get(f(self.setup.trials, drawn)) for kind, f in self.curves.items()}
            for k, kind in enumerate(self.plan.kind):
                there = np.flatnonzero(taken[:, k])
                for measure in self.MEASURES:
                    at = np.array([i for i, (_, wanted) in enumerate(self.points) if measure in wanted], dtype=int)
                    values = self._values(measure, seen.get(kind), drawn, noise[:, k])[there][:, at]
                    time_h = self.plan.session_h[k] + self.time_h[at]
                    there_all = np.ones(values.shape, dtype=bool)
                    unit = self.MEASURES[measure][1]
                    frames.append(long_table(names[there], time_h, values, there_all, measure, unit, "treating"))
        return pl.concat(frames)

    def _values(self, measure: str, seen: dict[str, np.ndarray] | None, drawn: Drawn, noise: np.ndarray) -> np.ndarray:
        """Give people by time points; without the drug only the resting pressure and its noise."""
        curve, _, column = self.MEASURES[measure]
        rise = np.zeros((len(noise), len(self.points))) if seen is None else np.asarray(seen[curve])
        if measure == "CADSS":
            return np.maximum(np.round(rise), 0.0)
        acute = acute_numbers()
        resting = individual(acute[f"baseline_{curve}"], drawn.person.draws[f"baseline_{curve}"])
        spread = acute.value("reading_noise_pressure") * noise[:, :, column]
        return np.round(np.asarray(resting)[:, None] + rise + spread)


def long_table(
    names: np.ndarray,
    time_h: np.ndarray,
    values: np.ndarray,
    present: np.ndarray,
    instrument: str,
    unit: str,
    rater: str | None,
) -> pl.DataFrame:
    """Turn people-by-times values into rows of the observations table, leaving out what is not ``present``."""
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
