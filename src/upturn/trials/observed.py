"""What was observed, read from records, by the same endpoints as the simulated arms and beside what they expect.

A group of so many people as were rated is taken from every simulated trial: how far such a group's mean may lie from
the model's middle is then part of the expectation. What lives here: reading records and laying them beside an answer.
What does not: any definition of an endpoint (``endpoints``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from upturn.errors import InputError
from upturn.protocol import Protocol, SustainedResponse
from upturn.records import Records
from upturn.trials.endpoints import (
    kaplan_meier,
    median_time,
    onset_of_sustained_response,
    relapse_origin,
    relapse_times,
    responded,
    time_to_first,
)
from upturn.trials.run import Group, Setup
from upturn.trials.session import SESSION_H
from upturn.trials.summary import Interval, interval

__all__ = ["Observed", "ObservedArm", "ObservedAtTime", "Share", "observe"]

SCALE, TOTAL = "MADRS", "total"
SAME_TIME_H = 1e-3
# What is felt and measured in the first session: the scale of the records, and the curve that it is compared with.
PEAKS = {"dissociation": ("CADSS", False), "systolic": ("SBP", True), "diastolic": ("DBP", True)}


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    yes: int
    of: int


@dataclass(frozen=True)
class ObservedAtTime:
    """One arm at one of the protocol's times: who was rated, and what a group of as many is expected to show.

    Parameters
    ----------
    time_h
        The protocol's time [h].
    people
        How many were rated then, of those with a rating before the first dose.
    mean_change
        Their mean change in MADRS points; a fall is negative.
    expected_change, expected_response
        The same for as many people of each simulated trial, over trials.
    response, remission
        How many of those rated.
    """

    time_h: float
    people: int
    mean_change: float
    expected_change: Interval
    response: Share
    expected_response: Interval
    remission: dict[str, Share]


@dataclass(frozen=True)
class Peak:
    """The largest value of the first session over people, and of how many."""

    people: int
    over_people: Interval


@dataclass(frozen=True)
class ObservedArm:
    """One arm as it was observed. ``with_baseline`` have a rating before the first dose; only they can be judged."""

    id: str
    people: int
    with_baseline: int
    at: list[ObservedAtTime]
    ever_responded: Share
    time_to_response_h: float | None
    sustained: Share | None
    relapsed: Share | None
    peaks: dict[str, Peak]
    adverse_events: dict[str, int]


@dataclass(frozen=True)
class Observed:
    """What the records hold, by arm; ``left_out`` ratings stand at none of the protocol's times."""

    people: int
    ratings: int
    left_out: int
    arms: list[ObservedArm]


def observe(setup: Setup, outcomes: Mapping[str, Group], records: Records, *, patients: int) -> Observed:
    """Lay records beside the simulated arms of the same protocol.

    Parameters
    ----------
    setup, outcomes
        The simulated trials.
    records
        The five tables of one study under this protocol.
    patients
        Simulated people per arm and trial; a larger observed group is compared with all of them.

    Raises
    ------
    InputError
        Nobody in the records, or an arm that the protocol does not have.
    """
    protocol = setup.protocol
    _refuse_other_arms(protocol, records)
    scores = records.observations.filter((pl.col("instrument") == SCALE) & (pl.col("item") == TOTAL))
    arms, used = list[ObservedArm](), 0
    for arm in protocol.arms:
        names = records.participants.filter(pl.col("arm") == arm)["participant"].sort().to_list()
        if names:
            rated = _rated(scores, names, np.array(setup.plans[arm].ratings_h), _rater_of(protocol))
            used += rated.used
            arms.append(_arm(setup, arm, outcomes[arm], names, rated, records, patients))
    return Observed(records.participants.height, scores.height, scores.height - used, arms)


def _refuse_other_arms(protocol: Protocol, records: Records) -> None:
    if records.participants.is_empty():
        raise InputError("There is nobody in these records.", expected="people of this protocol")
    unknown = sorted(set(records.participants["arm"]) - set(protocol.arms))
    if unknown:
        raise InputError(
            "The records have arms that the protocol does not have.",
            expected=", ".join(protocol.arms),
            came=", ".join(unknown),
            remedy="give the protocol of this study; where arms are still masked, wait until they may be named",
        )


@dataclass(frozen=True)
class _Rated:
    """People by times, not-a-number where nobody rated; and the rating before the first dose."""

    baseline: np.ndarray
    ratings: np.ndarray
    used: int


def _rater_of(protocol: Protocol) -> str | None:
    return next((each.rater for each in protocol.assessments if each.instrument == SCALE), None)


def _rated(scores: pl.DataFrame, names: Sequence[str], time_h: np.ndarray, rater: str | None) -> _Rated:
    """Put each rating at the protocol's time for which it was made; of two, the planned rater's or the nearer one."""
    baseline = np.full(len(names), np.nan)
    ratings = np.full((len(names), len(time_h)), np.nan)
    used = 0
    for i, name in enumerate(names):
        own = scores.filter(pl.col("participant") == name)
        best: dict[int, tuple[bool, float]] = {}
        before: float | None = None
        for row in own.sort("time_h").iter_rows(named=True):
            planned = row["planned_h"]
            if (row["time_h"] if planned is None else planned) <= 0:
                used += 1
                if before is None or row["time_h"] >= before:
                    before, baseline[i] = row["time_h"], row["value"]
                continue
            if planned is None:
                continue
            k = int(np.argmin(np.abs(time_h - planned)))
            if abs(time_h[k] - planned) > SAME_TIME_H:
                continue
            used += 1
            rank = (row["rater"] != rater, abs(row["time_h"] - planned))
            if k not in best or rank < best[k]:
                best[k], ratings[i, k] = rank, row["value"]
    ratings[:, time_h <= 0] = baseline[:, None]
    return _Rated(baseline, ratings, used)


def _arm(
    setup: Setup, arm: str, group: Group, names: Sequence[str], rated: _Rated, records: Records, patients: int
) -> ObservedArm:  # fmt: skip
    protocol, plan = setup.protocol, setup.plans[arm]
    ends, time_h = protocol.endpoints, np.array(plan.ratings_h)
    judged = ~np.isnan(rated.baseline)
    baseline, ratings = rated.baseline[judged], rated.ratings[judged]
    seen = ~np.isnan(ratings)
    good = responded(ratings, baseline, fall=ends.response.fall)
    expected = _Expected(group, time_h, patients, ends.response.fall)
    at = []
    for k in np.flatnonzero((time_h > 0) & seen.any(axis=0)):
        there = seen[:, k]
        n = int(there.sum())
        at.append(
            ObservedAtTime(
                time_h=float(time_h[k]),
                people=n,
                mean_change=round(float((ratings[there, k] - baseline[there]).mean()), 6),
                expected_change=expected.change(int(k), n),
                response=Share(int(good[there, k].sum()), n),
                expected_response=expected.response(int(k), n),
                remission={r.id: Share(int((ratings[there, k] <= r.at_most).sum()), n) for r in ends.remission},
            )
        )
    after = time_h > 0
    first = time_to_first(good & after, time_h)
    followed = (seen & after).any(axis=1)
    sustained = None
    if ends.sustained_response:
        fall, named = ends.response.fall, ends.sustained_response
        sustained = _sustained(ratings, baseline, seen, time_h, fall=fall, definition=named)
    return ObservedArm(
        id=arm,
        people=len(names),
        with_baseline=int(judged.sum()),
        at=at,
        ever_responded=Share(int(np.isfinite(first[followed]).sum()), int(followed.sum())),
        time_to_response_h=_middle_time(first[followed], _last_seen(seen & after, time_h)[followed]),
        sustained=sustained,
        relapsed=_relapsed(setup, arm, ratings, seen, good),
        peaks=_peaks(records, names),
        adverse_events=_events(records, names),
    )


def _sustained(
    ratings: np.ndarray, baseline: np.ndarray, seen: np.ndarray, time_h: np.ndarray, *, fall: float,
    definition: SustainedResponse,
) -> Share:  # fmt: skip
    """Count sustained responses among those who were rated at each time at which anybody was, up to the named one."""
    rated = np.flatnonzero(seen.any(axis=0) & (time_h > 0) & (time_h <= definition.until_h + SAME_TIME_H))
    whole = seen[:, rated].all(axis=1)
    # The last rating must be that of the named time: before it nobody can have kept a response until then.
    if not len(rated) or abs(time_h[rated[-1]] - definition.until_h) > SAME_TIME_H:
        return Share(0, 0)
    onset = onset_of_sustained_response(
        ratings[:, rated], baseline, time_h[rated], fall=fall, definition=definition
    )  # fmt: skip
    reached = onset <= definition.by_h + SAME_TIME_H
    return Share(int((whole & reached).sum()), int(whole.sum()))


class _Expected:
    """What as many people of every simulated trial show."""

    def __init__(self, group: Group, time_h: np.ndarray, patients: int, fall: float) -> None:
        baseline = group.baseline[SCALE]
        ratings = np.asarray(group.outcome.ratings, dtype=float)
        ratings[:, time_h <= 0] = baseline[:, None]
        self._change = (ratings - baseline[:, None]).reshape(-1, patients, len(time_h))
        self._good = responded(ratings, baseline, fall=fall).reshape(-1, patients, len(time_h))

    def change(self, k: int, people: int) -> Interval:
        return interval(self._change[:, :people, k].mean(axis=1))

    def response(self, k: int, people: int) -> Interval:
        return interval(self._good[:, :people, k].mean(axis=1))


def _last_seen(seen: np.ndarray, time_h: np.ndarray) -> np.ndarray:
    last: np.ndarray = np.where(seen, time_h[None, :], 0.0).max(axis=1)
    return last


def _middle_time(first: np.ndarray, last: np.ndarray) -> float | None:
    """Give the time at which half have responded; who has not yet counts up to their last rating."""
    if not len(first):
        return None
    event = np.isfinite(first)
    time = np.where(event, first, last)
    found = median_time(kaplan_meier(time, event, grid_h=np.unique(time)))
    return float(found) if np.isfinite(found) else None


def _relapsed(setup: Setup, arm: str, ratings: np.ndarray, seen: np.ndarray, good: np.ndarray) -> Share | None:
    """Count relapses of those in response after the last planned dose, as far as they were rated."""
    plan, definition = setup.plans[arm], setup.protocol.endpoints.relapse
    time_h = np.array(plan.ratings_h)
    planned = [t for t, adaptive in zip(plan.session_h, plan.adaptive, strict=True) if not adaptive]
    rated_h = time_h[seen.any(axis=0)]
    if definition is None or not planned:
        return None
    later = relapse_origin(rated_h, planned[-1], definition=definition)
    if later is None:
        return None
    start = int(np.flatnonzero(time_h == rated_h[later])[0])
    columns = seen.any(axis=0)
    at_risk = good[:, start] & seen[:, start]
    _, relapsed = relapse_times(
        ratings[:, columns], seen[:, columns], rated_h, at_risk=at_risk, origin_h=float(time_h[start]),
        definition=definition,
    )  # fmt: skip
    return Share(int(relapsed.sum()), int(at_risk.sum()))


def _peaks(records: Records, names: Sequence[str]) -> dict[str, Peak]:
    """Give the peaks of the first session: of pressure, the rise above the last reading before the dose."""
    seen = records.observations.filter(pl.col("participant").is_in(names) & (pl.col("item") == TOTAL))
    found: dict[str, Peak] = {}
    for name, (instrument, is_rise) in PEAKS.items():
        values: list[float] = []
        for person in names:
            own = seen.filter((pl.col("participant") == person) & (pl.col("instrument") == instrument)).sort("time_h")
            session = own.filter((pl.col("time_h") > 0) & (pl.col("time_h") <= float(SESSION_H[-1])))["value"]
            before = own.filter(pl.col("time_h") <= 0)["value"]
            if len(session) and (len(before) or not is_rise):
                values.append(float(np.max(session.to_numpy())) - (float(before[-1]) if is_rise else 0.0))
        if values:
            found[name] = Peak(len(values), interval(values))
    return found


def _events(records: Records, names: Sequence[str]) -> dict[str, int]:
    """Count the people with each adverse event, the commonest first."""
    own = records.adverse_events.filter(pl.col("participant").is_in(names))
    counted = own.group_by("term").agg(pl.col("participant").n_unique().alias("people"))
    ordered = counted.sort(["people", "term"], descending=[True, False])
    return dict(zip(ordered["term"].to_list(), ordered["people"].to_list(), strict=True))
