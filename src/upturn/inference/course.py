"""Population means of the mood model: what a group's mean, spread and fractions are expected to be.

The same model as ``upturn.trials`` simulates, with the integral over people done here by a few people for the growth
state and in closed form for everything that is normal given it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from upturn.inference.treatment import Treatment

__all__ = ["Layout", "Moments", "Numbers", "fraction_fallen", "fraction_remitted", "layout", "mean_fall", "moments"]

Numbers = Mapping[str, Float[Array, ""]]
SLOW = ("slow_ongoing", "slow_started", "slow_started_resistant")
COMPARATORS = ("antidepressant", "dextromethorphan_bupropion", "ect")
BELIEFS = (
    "belief_active", "belief_midazolam", "belief_nasal_placebo", "belief_saline", "belief_other_placebo",
    "belief_daily_tablets",
)  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """What each reading needs to know besides its growth.

    Parameters
    ----------
    time_h, since_h
        Time since the first dose and since the last session [h].
    trial
        Number of the trial.
    session
        1 where there are sessions.
    belief, slow, comparator
        Index into :data:`BELIEFS`, :data:`SLOW` and :data:`COMPARATORS` (the latter −1: none).
    """

    time_h: Float[np.ndarray, " readings"]
    since_h: Float[np.ndarray, " readings"]
    trial: np.ndarray
    session: Float[np.ndarray, " readings"]
    belief: np.ndarray
    slow: np.ndarray
    comparator: np.ndarray


def layout(treatments: Sequence[Treatment], trials: Sequence[int], readings: Sequence[tuple[int, float]]) -> Layout:
    """Lay out readings.

    Parameters
    ----------
    treatments, trials
        The courses, and the trial of each.
    readings
        For each reading, the number of its course and its time [h].
    """
    moods = [treatments[c].mood for c, _ in readings]
    since = [
        t - max((d for d in treatments[c].doses_h if d < t), default=0.0) if treatments[c].mood.session else t
        for c, t in readings
    ]
    return Layout(
        time_h=np.array([t for _, t in readings]),
        since_h=np.array(since),
        trial=np.array([trials[c] for c, _ in readings], dtype=int),
        session=np.array([float(m.session) for m in moods]),
        belief=np.array([BELIEFS.index(m.belief) for m in moods], dtype=int),
        slow=np.array([SLOW.index(m.slow) for m in moods], dtype=int),
        comparator=np.array([COMPARATORS.index(m.comparator) if m.comparator else -1 for m in moods], dtype=int),
    )


class Moments(NamedTuple):
    """Improvement of people who share a growth state [points]: its parts, and how far each differs between people.

    Parameters
    ----------
    drug, drug_sd
        The drug's part.
    rest, rest_sd
        Everything else that has a mean.
    own_sd
        What people do by themselves; its mean is zero.
    noise
        Reading noise, anew at each rating.
    """

    drug: Float[Array, "readings people"]
    rest: Float[Array, "readings 1"]
    drug_sd: Float[Array, "readings people"]
    rest_sd: Float[Array, "readings 1"]
    own_sd: Float[Array, "readings 1"]
    noise: Float[Array, ""]

    @property
    def mean(self) -> Float[Array, "readings people"]:
        """Mean improvement."""
        return self.drug + self.rest

    @property
    def variance(self) -> Float[Array, "readings people"]:
        """Variance of the change between people who share a growth state."""
        return self.drug_sd**2 + self.rest_sd**2 + self.own_sd**2 + self.noise**2


def moments(
    p: Numbers, effects: Mapping[str, Float[Array, " trials"]], at: Layout, growth: Float[Array, "readings people"]
) -> Moments:
    """Give the improvement at each reading.

    Parameters
    ----------
    p
        The numbers of the mood model.
    effects
        By trial: ``effect``, ``acute`` and ``slow``, as factors.
    at
        From :func:`layout`.
    growth
        S at each reading.
    """
    trial = at.trial
    drug = (p["effect"] * effects["effect"][trial])[:, None] * growth
    beliefs = jnp.stack([p[name] for name in BELIEFS])
    acute = p["acute"] * effects["acute"][trial] * at.session + p["expectancy"] * beliefs[at.belief]
    risen = -jnp.expm1(-at.time_h / p["session_rise"])
    session = acute * risen * jnp.exp(-at.since_h / p["session_fade"])
    slow = jnp.stack([p[name] for name in SLOW])[at.slow] * effects["slow"][trial]
    sizes = jnp.stack([*(p[name] for name in COMPARATORS), jnp.zeros(())])
    times = jnp.stack([*(p[name + "_time"] for name in COMPARATORS), jnp.ones(())])
    own = sizes[at.comparator] * -jnp.expm1(-at.time_h / times[at.comparator])
    rest = (session + slow * -jnp.expm1(-at.time_h / p["slow_time"]) + own)[:, None]
    return Moments(
        drug=drug,
        rest=rest,
        drug_sd=p["effect_between_people"] * drug,
        rest_sd=p["nonspecific_between_people"] * rest,
        own_sd=p["spontaneous_between_people"] * risen[:, None],
        noise=p["reading_noise"],
    )


def mean_fall(
    m: Moments, baseline: Float[Array, " readings"], baseline_sd: Float[Array, " readings"]
) -> Float[Array, " readings"]:
    """Give the mean fall [points]; nobody falls below zero."""
    room = m.mean - baseline[:, None]
    sd = jnp.sqrt(m.variance + baseline_sd[:, None] ** 2)
    z = room / sd
    return jnp.mean(m.mean - (room * norm.cdf(z) + sd * norm.pdf(z)), axis=1)


def sd_fall(m: Moments) -> Float[Array, " readings"]:
    """Give the standard deviation of the change between people [points]."""
    return jnp.sqrt(jnp.mean(m.variance, axis=1) + jnp.var(m.mean, axis=1))


def fraction_fallen(
    m: Moments,
    baseline: Float[Array, " readings"],
    baseline_sd: Float[Array, " readings"],
    part: float,
    shift: Float[Array, " readings"],
) -> Float[Array, " readings"]:
    """Give the fraction of people whose score has fallen by a part of its baseline; ``shift`` [points] is added."""
    sd = jnp.sqrt(m.variance + (part * baseline_sd[:, None]) ** 2)
    return jnp.mean(norm.cdf((m.mean + shift[:, None] - part * baseline[:, None]) / sd), axis=1)


def fraction_remitted(
    m: Moments,
    baseline: Float[Array, " readings"],
    baseline_sd: Float[Array, " readings"],
    cut: Float[Array, " readings"],
    shift: Float[Array, " readings"],
) -> Float[Array, " readings"]:
    """Give the fraction of people whose score is at or below a cut-off; scores are integers."""
    sd = jnp.sqrt(m.variance + baseline_sd[:, None] ** 2)
    return jnp.mean(norm.cdf((cut[:, None] + 0.5 - baseline[:, None] + m.mean + shift[:, None]) / sd), axis=1)
