"""Would the fitted model answer as these people did? Posterior-predictive checks on the published statistics.

For a draw of the posterior each session has its S and A drawn given what it said, and answers every event again: a
belief, its report, what is learnt, the second answer, limited and rounded as in the task. What lives here: those
replicates, the statistics, and how often a replicate exceeds what was seen. What does not: the fit (``hierarchy``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.scores import score
from upturn.inference.beliefs.hierarchy import BeliefFit
from upturn.inference.beliefs.likelihood import bounds
from upturn.inference.beliefs.null import heaping
from upturn.inference.fit import Draws

__all__ = ["STATISTICS", "Check", "Statistic", "check", "replicate", "statistics"]

Statistic = Literal[
    "first", "update good", "update bad", "slope", "weight first", "weight base rate", "paradoxical", "undershoot",
    "overshoot", "at bounds", "unchanged", "copied", "report noise",
]  # fmt: skip

STATISTICS: Mapping[Statistic, tuple[str, str]] = {
    "first": ("Mean first estimate", "%"),
    "update good": ("Mean update after good news", "points"),
    "update bad": ("Mean update after bad news", "points"),
    "slope": ("Slope of the update on the size of the error", "points per point"),
    "weight first": ("Weight of the first estimate in the second", "points per point"),
    "weight base rate": ("Weight of the base rate in the second estimate", "points per point"),
    "paradoxical": ("Updates away from the base rate", "share of trials"),
    "undershoot": ("Second estimate below the base rate after good news", "share of trials"),
    "overshoot": ("Second estimate above the base rate after bad news", "share of trials"),
    "at bounds": ("Answers at the lowest or highest value", "share of answers"),
    "unchanged": ("Second estimate equal to the first", "share of trials"),
    "copied": ("Second estimate equal to the base rate", "share of trials"),
    "report noise": ("Scatter of reports about fillers", "points"),
}
"""What each statistic says, and its unit."""


@dataclass(frozen=True)
class Check:
    """Hold one statistic of one group at one visit, as seen and as replicated.

    Parameters
    ----------
    group, visit, statistic
        Which.
    seen
        Its value in the answers.
    replicated, low, high
        Mean of the replicates, and the bounds of the middle 95 % of them.
    p
        Share of the replicates above what was seen, ties counted half [0 to 1]; near 0 or 1 the model does not answer
        as people did.
    """

    group: str
    visit: str
    statistic: Statistic
    seen: float
    replicated: float
    low: float
    high: float
    p: float

    @property
    def is_odd(self) -> bool:
        """Whether what was seen lies outside the middle 95 % of the replicates."""
        return not self.low <= self.seen <= self.high


def check(
    found: BeliefFit,
    answers: Answers,
    *,
    replicates: int = 100,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Check, ...]:
    """Check a fit with errors in the first estimate.

    Parameters
    ----------
    found
        The fit.
    answers
        What was fitted.
    replicates
        How many draws of the posterior answer again.
    seed
        The same seed gives the same replicates.
    progress
        Told after each replicate.
    """
    rng = np.random.default_rng(seed)
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in found.draws.items()}
    of = rng.choice(len(next(iter(flat.values()))), size=replicates)
    seen = statistics(answers)
    again: list[dict[Statistic, np.ndarray]] = []
    for i in of:
        again.append(statistics(replicate(rng, found, answers, {name: values[i] for name, values in flat.items()})))
        progress(1)
    results = []
    for cell, (group, visit) in enumerate(found.sessions.cells):
        own = found.sessions.cell == cell
        for name in STATISTICS:
            value = _mean(seen[name][own])
            drawn = np.array([_mean(each[name][own]) for each in again])
            if not np.isfinite(value) or not np.isfinite(drawn).all():
                continue
            low, high = np.quantile(drawn, [0.025, 0.975])
            p = float(np.mean(drawn > value) + 0.5 * np.mean(drawn == value))
            results.append(Check(group, visit, name, value, float(drawn.mean()), float(low), float(high), p))
    return tuple(results)


def statistics(answers: Answers) -> dict[Statistic, Float[np.ndarray, " session"]]:
    """Give the published statistics of every session; NaN where a session has none."""
    scores = score(answers)
    there = answers.answered
    first, second, rate = answers.first, answers.second, answers.base_rate
    error = np.where(there, first - rate, 0.0)
    towards = np.where(there, np.sign(error) * (first - second), 0.0)
    news = there & (error != 0)
    slope = _slopes(towards, [np.abs(error)], news)[0]
    on_first, on_rate = _slopes(second, [first, rate], there)
    trials = scores.trials
    return {
        "first": scores.first,
        "update good": scores.update_good,
        "update bad": scores.update_bad,
        "slope": slope,
        "weight first": on_first,
        "weight base rate": on_rate,
        "paradoxical": scores.paradoxical / trials,
        "undershoot": scores.undershoot / trials,
        "overshoot": scores.overshoot / trials,
        "at bounds": scores.at_bounds,
        "unchanged": scores.unchanged,
        "copied": scores.copied,
        "report noise": scores.report_noise,
    }


def replicate(rng: np.random.Generator, found: BeliefFit, answers: Answers, draw: Draws) -> Answers:
    """Let every session answer again, from one draw of the posterior.

    Parameters
    ----------
    rng
        Where chance comes from.
    found
        The fit: noises, beliefs and event effects of its sessions are their best values.
    answers
        Who was asked about what.
    draw
        One draw, by name: cell means, spreads and, where learnt, ``carried`` and ``trust``.
    """
    sessions = found.sessions
    carried = float(draw.get("carried", sessions.carried))
    trust = float(draw.get("trust", sessions.trust))
    scaling, asymmetry = _numbers_of(rng, found, draw, carried=carried, trust=trust).T[..., None]
    belief, spread, report, noise = (sessions.numbers[:, i, None] for i in range(4))
    spread, report, noise = np.exp(spread), np.exp(report), np.exp(noise)
    tens, fives = heaping(answers)

    def say(value: np.ndarray) -> np.ndarray:
        chance = rng.random(value.shape)
        step = np.where(chance < tens, 10.0, np.where(chance < tens + fives, 5.0, 1.0))
        return np.clip(np.round(value / step) * step, *bounds())

    def normal(shape: tuple[int, ...]) -> np.ndarray:
        return rng.standard_normal(shape)

    shape, filler_shape = answers.event.shape, answers.filler_event.shape
    held = belief + sessions.event_belief[answers.event] + spread * normal(shape)
    first = say(held + report * normal(shape))
    start = held + carried * (first - held)
    error = start - answers.base_rate
    usual = float(np.nanmean(answers.trust)) if np.isfinite(answers.trust).any() else 0.0
    rate = scaling + trust * np.nan_to_num(answers.trust - usual) / 100
    learnt = start - (rate + asymmetry * np.sign(error)) * error + sessions.event_answer[answers.event]
    second = say(learnt + noise * normal(shape))
    of_filler = belief + sessions.event_belief[answers.filler_event] + spread * normal(filler_shape)
    said = [say(of_filler + report * normal(filler_shape)) for _ in range(2)]
    there, filler_there = answers.answered, answers.filler_answered
    return replace(
        answers,
        first=np.where(there, first, np.nan),
        second=np.where(there, second, np.nan),
        filler_first=np.where(filler_there, said[0], np.nan),
        filler_second=np.where(filler_there, said[1], np.nan),
    )


def _numbers_of(
    rng: np.random.Generator, found: BeliefFit, draw: Draws, *, carried: float, trust: float
) -> Float[np.ndarray, "session 2"]:
    """Draw S and A of every session: the session's own curve joined with its cell's mean and the spread of people."""
    sessions = found.sessions
    mean = np.stack([draw["scaling"], draw["asymmetry"]], axis=-1)[sessions.cell]
    people, passing = draw["people"], draw["visits"]
    covariance = np.diag(people**2 + passing**2)
    covariance[0, 1] = covariance[1, 0] = float(draw["correlation"]) * people[0] * people[1]
    firm = np.linalg.inv(covariance)
    nearest = int(np.abs(sessions.shares - carried).argmin())
    at, trusted, curvature, all_slopes = (
        part[nearest]
        for part in (sessions.views.at, sessions.views.trust, sessions.views.curvature, sessions.views.slope)
    )
    values, vectors = np.linalg.eigh(curvature[:, :2, :2])
    own = np.einsum("sij,sj,skj->sik", vectors, np.maximum(values, 0.0), vectors)
    slope = all_slopes[:, :2] - curvature[:, :2, 2] * (trust - trusted)
    spread = np.linalg.inv(own + firm)
    # Both are written about the session's best value.
    middle = at + np.einsum("sij,sj->si", spread, slope + (mean - at) @ firm)
    root = np.linalg.cholesky(spread)
    return middle + np.einsum("sij,sj->si", root, rng.standard_normal(middle.shape))


def _slopes(
    outcome: Float[np.ndarray, "session trial"],
    predictors: list[Float[np.ndarray, "session trial"]],
    counted: Bool[np.ndarray, "session trial"],
) -> list[Float[np.ndarray, " session"]]:
    """Regress with an intercept in every session; NaN where trials are too few or predictors do not vary."""
    rows = []
    for y, count, *x in zip(outcome, counted, *predictors, strict=True):
        design = np.stack([np.ones(count.sum()), *(each[count] for each in x)], axis=1)
        if np.linalg.matrix_rank(design) < design.shape[1]:
            rows.append(np.full(len(x), np.nan))
        else:
            rows.append(np.linalg.lstsq(design, y[count], rcond=None)[0][1:])
    return list(np.array(rows).T)


def _mean(values: Float[np.ndarray, " session"]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
