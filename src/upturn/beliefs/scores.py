"""Model-free scores of a session: how far answers moved after good and after bad news, and what else they show.

What lives here: counts and means of answers. What does not: any model of learning, and any claim that these scores
measure learning alone. A noisy first estimate moves back towards the middle by itself, so both updates are positive
without any learning, and a shift in pessimism moves their difference (``Scores`` says what to put beside it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from upturn.beliefs.answers import Answers
from upturn.errors import InputError
from upturn.parameters import read
from upturn.records import Records

__all__ = ["RECALLED", "News", "Scores", "memory_error", "score"]

News = Literal["own", "other"]

RECALLED = "recalled base rate"
"""Instrument of the memory test in ``observations``: ``item`` is the event, ``value`` the rate recalled [percent]."""


@dataclass(frozen=True)
class Scores:
    """Hold the scores of sessions, one entry per session of the answers.

    Show ``first``, ``good``, ``bad`` and ``error`` beside the bias: a group whose first estimates moved between visits
    has a bias that moved with them, whatever people learnt.

    Parameters
    ----------
    trials, good, bad, no_news
        Complete trials, those with good and with bad news, and those whose error is 0.
    update_good, update_bad
        Mean update after good news, first − second, and after bad news, second − first [points]; positive is towards
        the base rate when the news is that of the own estimate. NaN without such a trial.
    bias
        ``update_good`` − ``update_bad`` [points]; NaN where a side has too few trials.
    no_bias
        Why there is no bias; empty where there is one.
    first, error
        Mean first estimate [percent] and mean estimation error, own first estimate − base rate [points].
    error_good, error_bad
        Mean size of the error that makes the news, on each side [points].
    distance
        Mean of the estimate for another person − own first estimate [points]; positive is optimism. NaN if not asked.
    paradoxical
        Trials in which the second estimate moved away from the base rate.
    undershoot, overshoot
        Trials in which the second estimate fell below the base rate after good news, or rose above it after bad news.
    at_bounds
        Share of own estimates, first and second, at the lowest or highest answer.
    unchanged, copied
        Share of trials whose second estimate equals the first, or the base rate.
    report_noise
        Standard deviation of a report about the belief held [points], from filler events: the root mean square of the
        difference of both reports over √2. NaN without a filler.
    """

    trials: Int[np.ndarray, " session"]
    good: Int[np.ndarray, " session"]
    bad: Int[np.ndarray, " session"]
    no_news: Int[np.ndarray, " session"]
    update_good: Float[np.ndarray, " session"]
    update_bad: Float[np.ndarray, " session"]
    bias: Float[np.ndarray, " session"]
    no_bias: tuple[str, ...]
    first: Float[np.ndarray, " session"]
    error: Float[np.ndarray, " session"]
    error_good: Float[np.ndarray, " session"]
    error_bad: Float[np.ndarray, " session"]
    distance: Float[np.ndarray, " session"]
    paradoxical: Int[np.ndarray, " session"]
    undershoot: Int[np.ndarray, " session"]
    overshoot: Int[np.ndarray, " session"]
    at_bounds: Float[np.ndarray, " session"]
    unchanged: Float[np.ndarray, " session"]
    copied: Float[np.ndarray, " session"]
    report_noise: Float[np.ndarray, " session"]


def score(answers: Answers, *, news: News = "own", bounds: tuple[float, float] | None = None) -> Scores:
    """Score sessions without a model.

    Parameters
    ----------
    answers
        The answers of sessions.
    news
        What makes news good: ``own``, the first estimate above the base rate (EE = first − base rate > 0), or
        ``other``, the estimate for another person above it (EE′ = other − base rate > 0), a sorting that noise in the
        first estimate cannot touch. With ``other``, trials without that estimate are left out of both sides.
    bounds
        Lowest and highest answer that people were told [percent]; 3 and 77 when not given.

    Raises
    ------
    InputError
        ``news`` is neither of the two.

    Notes
    -----
    Source: Khalid 2025 (eLife 101157), Scoring of belief updates, eqs i–iii, and the distance; Ossola 2020 (eLife
    58891) for the signs. Trials without an answer and those with an error of 0 count on neither side. The bias needs 8
    trials on each side, our rule. Khalid counts undershoot and overshoot without a formula that we have seen: here they
    are answers that cross the base rate, which keeps the three counts apart.
    """
    if news not in get_args(News):
        raise InputError("This makes no news.", expected=" or ".join(get_args(News)), came=str(news))
    limits = read("upturn.beliefs", "task").value
    lowest, highest = bounds or (limits("lowest_estimate"), limits("highest_estimate"))
    fewest = read("upturn.beliefs", "scoring").value("fewest_per_side")
    first, second, base_rate, there = answers.first, answers.second, answers.base_rate, answers.answered
    error, fall = first - base_rate, first - second
    made_by = error if news == "own" else answers.other - base_rate
    # A comparison with NaN is false: trials without an answer fall on neither side by themselves.
    good, bad = there & (made_by > 0), there & (made_by < 0)
    above, below = there & (error > 0), there & (error < 0)
    update_good, update_bad = _mean(fall, good), _mean(-fall, bad)
    enough = (good.sum(axis=1) >= fewest) & (bad.sum(axis=1) >= fewest)
    at_bounds = [there & ((each == lowest) | (each == highest)) for each in (first, second)]
    both = answers.filler_second - answers.filler_first
    return Scores(
        trials=there.sum(axis=1),
        good=good.sum(axis=1),
        bad=bad.sum(axis=1),
        no_news=(there & (made_by == 0)).sum(axis=1),
        update_good=update_good,
        update_bad=update_bad,
        bias=np.where(enough, update_good - update_bad, np.nan),
        no_bias=tuple(
            _no_bias(g, b, fewest) for g, b in zip(good.sum(axis=1).tolist(), bad.sum(axis=1).tolist(), strict=True)
        ),
        first=_mean(first, there),
        error=_mean(error, there),
        error_good=_mean(made_by, good),
        error_bad=_mean(-made_by, bad),
        distance=_mean(answers.other - first, there & ~np.isnan(answers.other)),
        paradoxical=((above & (fall < 0)) | (below & (fall > 0))).sum(axis=1),
        undershoot=(above & (second < base_rate)).sum(axis=1),
        overshoot=(below & (second > base_rate)).sum(axis=1),
        at_bounds=(_mean(at_bounds[0].astype(float), there) + _mean(at_bounds[1].astype(float), there)) / 2,
        unchanged=_mean((fall == 0).astype(float), there),
        copied=_mean((second == base_rate).astype(float), there),
        report_noise=np.sqrt(_mean(both**2, answers.filler_answered) / 2),
    )


def memory_error(records: Records, answers: Answers) -> Float[np.ndarray, " session"]:
    """Give the mean distance between the base rates shown and those recalled [points], per session.

    A recall belongs to the person's latest session that began no later than it; NaN where nothing was recalled.

    Parameters
    ----------
    records
        The records that the answers come from; ``observations`` with the instrument ``recalled base rate`` are read.
    answers
        The answers of sessions.

    Notes
    -----
    Source: Khalid 2025 (eLife 101157), memory error = |base rate − recalled base rate|, asked at the end of the task.
    """
    begun = records.updates.group_by("participant", "visit").agg(time_h=pl.col("time_h").min()).sort("time_h")
    recalled = (
        records.observations.filter(pl.col("instrument") == RECALLED)
        .select("participant", "time_h", event="item", recalled="value")
        .sort("time_h")
        .join_asof(begun, on="time_h", by="participant", check_sortedness=False)
    )
    sessions = pl.DataFrame(
        {"participant": answers.participant, "visit": answers.visit}, schema_overrides={"visit": pl.String}
    ).with_row_index("session")
    where, which = np.nonzero(answers.answered)
    shown = pl.DataFrame(
        {
            "session": where.astype(np.uint32),
            "event": np.asarray(answers.events)[answers.event[where, which]],
            "shown": answers.base_rate[where, which],
        }
    )
    errors = (
        recalled.join(sessions, on=["participant", "visit"])
        .join(shown, on=["session", "event"])
        .group_by("session")
        .agg(error=(pl.col("shown") - pl.col("recalled")).abs().mean())
    )
    found = np.full(len(answers.participant), np.nan)
    found[errors["session"].to_numpy()] = errors["error"].to_numpy()
    return found


def _mean(
    values: Float[np.ndarray, "session trial"], counted: Bool[np.ndarray, "session trial"]
) -> Float[np.ndarray, " session"]:
    """Give the mean of each row over what counts; NaN where nothing does."""
    number = counted.sum(axis=1)
    total = np.where(counted, values, 0.0).sum(axis=1)
    mean: Float[np.ndarray, " session"] = np.full(number.shape, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean


def _no_bias(good: int, bad: int, fewest: float) -> str:
    few = [f"{count} with {side} news" for side, count in (("good", good), ("bad", bad)) if count < fewest]
    return f"fewer than {fewest:g} trials: {', '.join(few)}" if few else ""
