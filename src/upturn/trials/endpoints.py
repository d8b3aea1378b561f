"""Endpoints exactly as trials define them, from ratings on the scale's integers.

Response, two remissions, onset of sustained response, relapse at consecutive ratings, time to each with censoring.
Arrays have people first, ratings last. What lives here: definitions. What does not: simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from upturn.protocol import Relapse, SustainedResponse

__all__ = ["Survival", "kaplan_meier", "median_time", "onset_of_sustained_response", "relapse_origin",
           "relapse_times", "responded", "time_to_first"]  # fmt: skip

SAME_TIME_H = 1e-6
DAY_H = 24.0
Ratings = Float[np.ndarray, "people ratings"]


@dataclass(frozen=True)
class Survival:
    """A Kaplan–Meier curve on common event times.

    Parameters
    ----------
    time_h
        Event times [h], ascending.
    still
        Share without the event just after each time.
    at_risk
        Number at risk just before each time.
    """

    time_h: Float[np.ndarray, " times"]
    still: Float[np.ndarray, " times"]
    at_risk: Float[np.ndarray, " times"]


def responded(ratings: Ratings, baseline: Float[np.ndarray, " people"], *, fall: float) -> Bool[np.ndarray, "..."]:
    """Say at each rating whether the score has fallen by at least ``fall`` of the person's baseline.

    Examples
    --------
    >>> responded(np.array([[30.0, 15.0, 16.0]]), np.array([30.0]), fall=0.5).tolist()
    [[False, True, False]]
    """
    return ratings <= (1 - fall) * baseline[:, None] + 1e-9


def time_to_first(
    event: Bool[np.ndarray, "people ratings"], time_h: Float[np.ndarray, " ratings"]
) -> Float[np.ndarray, " people"]:
    """Give the time of the first rating with the event [h]; infinite where there is none."""
    return np.where(event.any(axis=1), time_h[event.argmax(axis=1)], np.inf)


def onset_of_sustained_response(
    ratings: Ratings,
    baseline: Float[np.ndarray, " people"],
    time_h: Float[np.ndarray, " ratings"],
    *,
    fall: float,
    definition: SustainedResponse,
) -> Float[np.ndarray, " people"]:
    """Give the first rating from which response is kept until the named time [h]; infinite where there is none.

    ``definition.excursions`` ratings may fall short if they still show a fall of ``definition.keeping``
    (Fedgchin 2019: one, if 25 % improvement is kept).
    """
    good = responded(ratings, baseline, fall=fall)
    kept = ratings <= (1 - definition.keeping) * baseline[:, None] + 1e-9
    within = [i for i, t in enumerate(time_h) if 0 < t <= definition.until_h + 1e-6]
    onset = np.full(len(ratings), np.inf)
    for i in reversed(within):
        later = [j for j in within if j >= i]
        missed = (~good[:, later]).sum(axis=1)
        fallen = (~kept[:, later]).any(axis=1)
        sustained = good[:, i] & ~fallen & (missed <= definition.excursions) & good[:, within[-1]]
        onset = np.where(sustained, time_h[i], onset)
    return onset


def relapse_origin(time_h: Float[np.ndarray, " ratings"], last_dose_h: float, *, definition: Relapse) -> int | None:
    """Find the rating from which relapse is counted: the first one at least a day after the last planned dose.

    Returns
    -------
    Its place; ``None`` where too few ratings follow it to confirm a relapse.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> rule = load("six-infusions").endpoints.relapse
    >>> relapse_origin(np.array([0.0, 264.0, 288.0, 672.0, 1008.0]), 264.0, definition=rule)
    2
    """
    later = np.flatnonzero(time_h >= last_dose_h + DAY_H - 1e-6)
    return int(later[0]) if len(later) > definition.consecutive else None


def relapse_times(
    ratings: Ratings,
    present: Bool[np.ndarray, "people ratings"],
    time_h: Float[np.ndarray, " ratings"],
    *,
    at_risk: Bool[np.ndarray, " people"],
    origin_h: float,
    definition: Relapse,
) -> tuple[Float[np.ndarray, " people"], Bool[np.ndarray, " people"]]:
    """Give the time from an origin to relapse or to the last rating seen.

    Relapse is a score of at least ``definition.at_least`` at that many ratings in a row; its time is that of the
    first of them (MADRS ≥ 22 twice, SUSTAIN-1).

    Returns
    -------
    time, relapsed
        Time since ``origin_h`` [h] and whether it ended in relapse (else censored); not-a-number for people who were
        not at risk.
    """
    after = [i for i, t in enumerate(time_h) if t > origin_h + 1e-6]
    run = definition.consecutive
    high = (ratings >= definition.at_least)[:, after] & present[:, after]
    first = np.full(len(ratings), np.inf)
    for k in range(len(after) - run, -1, -1):
        confirmed = high[:, k : k + run].all(axis=1)
        first = np.where(confirmed, time_h[after[k]] - origin_h, first)
    seen = (
        np.where(present[:, after], time_h[after][None, :] - origin_h, 0.0).max(axis=1)
        if after
        else np.zeros(len(ratings))
    )
    relapsed = np.isfinite(first) & at_risk
    time = np.where(relapsed, first, seen)
    return np.where(at_risk, time, np.nan), relapsed


def kaplan_meier(
    time_h: Float[np.ndarray, " people"],
    event: Bool[np.ndarray, " people"],
    *,
    grid_h: Float[np.ndarray, " times"],
) -> Survival:
    """Estimate the share without the event (Kaplan and Meier 1958); people with not-a-number are left out.

    Examples
    --------
    >>> km = kaplan_meier(np.array([1.0, 2.0, 2.0]), np.array([True, True, False]), grid_h=np.array([1.0, 2.0]))
    >>> km.still.round(3).tolist()
    [0.667, 0.333]
    """
    known = ~np.isnan(time_h)
    time, event = time_h[known], event[known]
    order = np.sort(time)

    def at_risk(at_h: np.ndarray) -> np.ndarray:
        return len(order) - np.searchsorted(order, at_h - SAME_TIME_H, side="left")

    ends, died = np.unique(time[event], return_counts=True)
    steps = np.cumprod(1 - died / at_risk(ends)) if len(ends) else np.array([])
    reached = np.searchsorted(ends, grid_h + SAME_TIME_H, side="right")
    still = np.concatenate([[1.0], steps])[reached]
    return Survival(grid_h, still, at_risk(grid_h).astype(float))


def median_time(curve: Survival) -> float:
    """Give the first time at which half have had the event [h]; infinite if that is not reached."""
    below = curve.still <= 0.5 + 1e-12
    return float(curve.time_h[below.argmax()]) if below.any() else float("inf")
