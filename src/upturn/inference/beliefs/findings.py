"""What each analysis says of each comparison, one frozen finding beside the other; and what each group showed.

What lives here: the model-free bias, the two-step result and what a fit says, in one shape; means by group and visit.
What does not: the analyses themselves, their order (``clinical``), any drawing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.scores import score
from upturn.errors import InputError
from upturn.inference.beliefs.hierarchy import BeliefFit, contrast
from upturn.inference.beliefs.likelihood import bounds
from upturn.inference.beliefs.link import Summary, summary_of
from upturn.inference.beliefs.naive import least_squares, two_step
from upturn.inference.beliefs.questions import Question, Study

__all__ = ["Cell", "Change", "Finding", "cells_of", "changes_of", "findings_of", "multiverse_of", "of_fit"]


@dataclass(frozen=True)
class Cell:
    """Hold what a group showed at a visit; means over people, with standard errors where two numbers stand.

    Parameters
    ----------
    group, visit, people
        Who.
    first
        Mean first estimate [%] and its standard error.
    good, bad
        Mean number of trials with good and with bad news.
    error, error_good, error_bad
        Mean error, and mean size of the error on each side [points].
    bias
        Mean update after good less after bad news [points] and its standard error; NaN where nobody has one.
    report_noise
        From fillers [points]; NaN without fillers.
    scaling, asymmetry
        Posterior of the cell's means [fractions].
    """

    group: str
    visit: str
    people: int
    first: tuple[float, float]
    good: float
    bad: float
    error: float
    error_good: float
    error_bad: float
    bias: tuple[float, float]
    report_noise: float
    scaling: Summary
    asymmetry: Summary


@dataclass(frozen=True)
class Finding:
    """Hold what one analysis says of one question.

    Parameters
    ----------
    question, analysis
        Which: ``model-free``, ``two-step``, ``exact`` or ``noisy`` (with errors in the first estimate), or words for a
        variant of one of them.
    number, unit
        Of what: ``bias``, ``asymmetry`` or ``scaling``.
    mean, low, high
        The difference of the changes, and the bounds of its 95 % interval.
    p
        Two-sided p of a t test; None of a posterior.
    above_zero
        Posterior probability that the difference is above 0; None of a test.
    people
        How many of each group have a change; None of a posterior, which uses all.
    """

    question: Question
    analysis: str
    number: str
    unit: str
    mean: float
    low: float
    high: float
    p: float | None = None
    above_zero: float | None = None
    people: tuple[int, int] | None = None

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Change:
    """Hold the change within a group since its first visit, without any comparison."""

    group: str
    before: str
    after: str
    scaling: Summary
    asymmetry: Summary


def cells_of(answers: Answers, found: BeliefFit) -> tuple[Cell, ...]:
    """Describe every group at every visit."""
    scores = score(answers)
    cells = []
    for number, (group, visit) in enumerate(found.sessions.cells):
        own = found.sessions.cell == number
        cells.append(
            Cell(
                group=group,
                visit=visit,
                people=int(own.sum()),
                first=_mean(scores.first[own]),
                good=_mean(scores.good[own])[0],
                bad=_mean(scores.bad[own])[0],
                error=_mean(scores.error[own])[0],
                error_good=_mean(scores.error_good[own])[0],
                error_bad=_mean(scores.error_bad[own])[0],
                bias=_mean(scores.bias[own]),
                report_noise=_mean(scores.report_noise[own])[0],
                scaling=summary_of(found.draws["scaling"][..., number].reshape(-1)),
                asymmetry=summary_of(found.draws["asymmetry"][..., number].reshape(-1)),
            )
        )
    return tuple(cells)


def changes_of(study: Study, found: BeliefFit) -> tuple[Change, ...]:
    """Give the change of each group since its first visit."""
    return tuple(
        Change(group, own[0], after, *(
            summary_of(found.of_cell(name, group, after) - found.of_cell(name, group, own[0]))
            for name in ("scaling", "asymmetry")
        ))
        for group, own in study.visits.items()
        for after in own[1:]
    )  # fmt: skip


def findings_of(study: Study, *, noisy: BeliefFit | None = None, exact: BeliefFit | None = None) -> tuple[Finding, ...]:
    """Put the analyses of each question side by side; the two fits where they are given."""
    seen = study.answers
    scaling, asymmetry = least_squares(seen.first, seen.second, seen.base_rate, seen.answered)
    bias = score(seen).bias
    found: list[Finding] = []
    for each in study.questions:
        found += _test(seen, each, "model-free", "bias", "points", bias)
        for number, values in (("asymmetry", asymmetry), ("scaling", scaling)):
            found += _test(seen, each, "two-step", number, "fraction", values)
            for name, fit in (("exact", exact), ("noisy", noisy)):
                if fit is not None:
                    found.append(of_fit(fit, each, name, number))
    return tuple(found)


def multiverse_of(study: Study) -> tuple[Finding, ...]:
    """Try variants of the published analyses: another sign of the news, answers at a bound left out."""
    seen = study.answers
    inside = seen.answered & _inside(seen.first) & _inside(seen.second)
    bounded = least_squares(seen.first, seen.second, seen.base_rate, inside)[1]
    found: list[Finding] = []
    has_other = bool(np.isfinite(seen.other[seen.answered]).any())
    for each in study.questions:
        found += _test(seen, each, "model-free, news by the own estimate", "bias", "points", score(seen).bias)
        if has_other:
            by_other = score(seen, news="other").bias
            found += _test(seen, each, "model-free, news by the estimate for others", "bias", "points", by_other)
            sign = np.sign(np.nan_to_num(seen.other - seen.base_rate))
            signed = least_squares(seen.first, seen.second, seen.base_rate, seen.answered, sign=sign)[1]
            found += _test(seen, each, "two-step, news by the estimate for others", "asymmetry", "fraction", signed)
        found += _test(seen, each, "two-step, answers at a bound left out", "asymmetry", "fraction", bounded)
    return tuple(found)


def _inside(values: Float[np.ndarray, "session trial"]) -> Bool[np.ndarray, "session trial"]:
    lowest, highest = bounds()
    return (values > lowest) & (values < highest)


def _test(
    answers: Answers, asked: Question, analysis: str, number: str, unit: str, values: Float[np.ndarray, " session"]
) -> list[Finding]:
    """Compare the changes of sessions' numbers; nothing where too few people have one."""
    try:
        found = two_step(values, *asked.sessions(answers))
    except InputError:
        return []
    low, high = found.interval
    return [Finding(asked, analysis, number, unit, found.difference, low, high, p=found.p, people=found.people)]


def of_fit(found: BeliefFit, asked: Question, analysis: str, number: str) -> Finding:
    """Read one comparison from a fit."""
    draws = contrast(found, groups=asked.groups, visits=(asked.visits, asked.comparator_visits), name=number)
    low, high = draws.interval
    above_zero = draws.probability_above_zero
    return Finding(asked, analysis, number, "fraction", draws.mean, low, high, above_zero=above_zero)


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Give mean and standard error over the people who have a value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    error = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else float("nan")
    return float(known.mean()), error
