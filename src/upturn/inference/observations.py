"""From published findings to what the model is asked for, and what it is compared with.

The rules that keep one number from being counted twice live here: which of several analyses of one number is taken,
and that a trial with contrasts enters as its control arms and its contrasts, not as all its arms besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from upturn.evidence import Arm, Evidence, Finding
from upturn.inference.numbers import evidence_numbers
from upturn.inference.quantities import Chance, Quantities, quantities
from upturn.inference.treatment import treatment

__all__ = ["DEPRESSION_SCALES", "FRACTIONS", "Catalogue", "Count", "Difference", "Observations", "observations"]

# Scales on which a fraction in response or remission is taken to be that on MADRS.
DEPRESSION_SCALES = frozenset({"MADRS", "HAM-D", "HAM-D17", "HAM-D6", "QIDS-SR16", "PHQ-9"})
FRACTIONS = ("response", "remission_10", "remission_12")
# Ten points unless the print says otherwise.
UNSAID = "remission"
PREFERRED = ("MMRM", "observed", "unknown", "LOCF")
# Ratings between response and the end that make up "sustained" [h]: weekly after the first day.
WEEK_H = 168.0
DAY_1_H, DAY_28_H = 24.0, 648.0
SAME_H = 1e-6


class Difference(NamedTuple):
    """A published difference between two readings."""

    arm: int
    control: int
    value: float
    se: float


class Count(NamedTuple):
    """How many of how many.

    Parameters
    ----------
    of
        Number of a reading or of a chance.
    measure
        What is counted.
    happened, people
        How many of how many.
    within
        Where those counted are some of another count of the same people (remitters among responders, relapsed early
        among relapsed at all): its place in the same list; else −1. ``people`` is then what that count came to.
    """

    of: int
    measure: str
    happened: int
    people: int
    within: int = -1


class Fall(NamedTuple):
    """A mean fall [points], or (with ``control``) a difference of falls; ``se`` is not-a-number where not reported."""

    arm: int
    control: int | None
    value: float
    se: float


@dataclass
class Catalogue:
    """Courses and readings by what they are, in the order in which they were first asked for."""

    arms: Mapping[tuple[str, str], Arm]
    trials: list[str] = field(default_factory=list)
    courses: list[tuple[str, str]] = field(default_factory=list)
    readings: list[tuple[int, float]] = field(default_factory=list)
    chances: list[Chance] = field(default_factory=list)
    people: dict[int, int] = field(default_factory=dict)
    baselines: dict[int, tuple[float, float]] = field(default_factory=dict)

    def course(self, trial: str, arm: str) -> int:
        """Give the number of a course."""
        if trial not in self.trials:
            self.trials.append(trial)
        if (trial, arm) not in self.courses:
            self.courses.append((trial, arm))
        return self.courses.index((trial, arm))

    def reading(self, f: Finding, arm: str | None = None, people: int | None = None) -> int:
        """Give the number of the reading that a finding is about."""
        if f.time_h is None:
            message = "a reading needs a time"
            raise ValueError(message)
        course = self.course(f.trial, arm or f.arm)
        if f.baseline is not None and arm is None and f.instrument == "MADRS":
            self.baselines[course] = (f.baseline, f.baseline_sd if f.baseline_sd is not None else np.nan)
        key = (course, float(f.time_h))
        if key not in self.readings:
            self.readings.append(key)
        number = self.readings.index(key)
        if people is not None:
            self.people[number] = people
        return number

    def chance(self, chance: Chance) -> int:
        """Give the number of a chance."""
        if chance not in self.chances:
            self.chances.append(chance)
        return self.chances.index(chance)

    def _size(self, trial: str) -> int | None:
        whole = [arm for arm in self.arms.values() if arm.trial == trial and not arm.within]
        sizes = sorted(arm.participants for arm in whole if arm.participants)
        return sizes[len(sizes) // 2] if sizes else None

    def lay_out(self) -> Quantities:
        """Lay everything out for evaluation."""
        blank = (np.nan, np.nan)
        return quantities(
            [treatment(self.arms[c]) for c in self.courses],
            [self.trials.index(t) for t, _ in self.courses],
            [self._size(trial) for trial in self.trials],
            [self.baselines.get(i, blank) for i in range(len(self.courses))],
            self.readings or [(0, 0.0)],  # something is always read
            self.chances,
        )


@dataclass(frozen=True)
class Observations:
    """What the calibration sees.

    Parameters
    ----------
    trials
        Names of the trials.
    asked
        Everything that the model is asked for.
    falls
        By trial and time scale: mean falls and differences of MADRS [points].
    standardised, ideation
        Differences in standard deviations, and differences of suicidal ideation [SSI points].
    spreads
        Reading, standard deviation of the change and number of people.
    counts
        Responders and remitters.
    chances
        Sustained responders, relapsed.
    people
        People at each reading.
    fall_known
        Observed mean fall of each reading, where there is one.
    apart
        Readings of which only fractions were published; each has its own distance from the model.
    """

    trials: tuple[str, ...]
    asked: Quantities
    falls: tuple[tuple[Fall, ...], ...]
    standardised: tuple[Difference, ...]
    ideation: tuple[Difference, ...]
    spreads: tuple[tuple[int, float, int], ...]
    counts: tuple[Count, ...]
    chances: tuple[Count, ...]
    people: np.ndarray
    fall_known: np.ndarray
    apart: np.ndarray


def observations(evidence: Evidence, findings: Iterable[Finding]) -> Observations:
    """Lay out findings for the calibration.

    Parameters
    ----------
    evidence
        Where the arms are.
    findings
        The findings to be fitted.
    """
    book = Catalogue(evidence.arms)
    usable = [f for f in findings if f.value is not None and f.time_h is not None]
    falls, spreads, known = _falls(book, usable)
    standardised = [
        Difference(book.reading(f), book.reading(f, f.versus), -float(f.value or 0.0), f.error)
        for f in usable
        if f.measure == "standardised_difference" and f.instrument in DEPRESSION_SCALES and f.versus and f.error
    ]
    ideation = [
        Difference(book.reading(f), book.reading(f, f.versus), -float(f.value or 0.0), f.error)
        for f in usable
        if f.measure == "difference" and f.instrument == "SSI" and f.versus and f.error
    ]
    counts = [
        Count(
            book.reading(f, people=f.n),
            "remission_10" if f.measure == UNSAID else f.measure,
            round(f.value * _people(f)),
            _people(f),
        )
        for f in _fractions(usable)
        if f.n and f.value is not None
    ]
    chances = [
        Count(book.chance(chance), f.measure, round(_happened(f) * f.n), f.n)
        for f in usable
        if f.n and (f.instrument or "MADRS") in DEPRESSION_SCALES and (chance := chance_of(book, f)) is not None
    ]
    counts = nested(counts, lambda inner, outer: inner.of == outer.of and inner.measure != outer.measure == "response")
    chances = nested(chances, lambda inner, outer: _is_earlier(book.chances[inner.of], book.chances[outer.of]))
    people = np.array([book.people.get(i, 0) for i in range(len(book.readings))])
    fall_known = np.array([known.get(i, np.nan) for i in range(len(book.readings))])
    return Observations(
        trials=tuple(book.trials),
        asked=book.lay_out(),
        falls=tuple(falls),
        standardised=tuple(standardised),
        ideation=tuple(ideation),
        spreads=tuple(spreads),
        counts=tuple(counts),
        chances=tuple(chances),
        people=people,
        fall_known=fall_known,
        apart=np.array(sorted({c.of for c in counts if np.isnan(fall_known[c.of])}), dtype=int),
    )


def nested(counts: Sequence[Count], is_part: Callable[[Count, Count], bool]) -> list[Count]:
    """Count those who are some of another count among them only, so that nobody is counted twice."""
    out = []
    for inner in counts:
        outer = next((i for i, each in enumerate(counts) if is_part(inner, each) and each is not inner), -1)
        if outer < 0:
            out.append(inner)
        else:
            people = counts[outer].happened
            out.append(inner._replace(happened=min(inner.happened, people), people=people, within=outer))
    return out


def _is_earlier(inner: Chance, outer: Chance) -> bool:
    """Tell whether whoever had the one event had the other too: relapsed sooner, in response sooner."""
    if (inner.course, inner.entry, inner.event) != (outer.course, outer.entry, outer.event):
        return False
    if inner.event == "sustained":
        return inner.by < outer.by
    return inner.entry_h == outer.entry_h and inner.visits_h[-1] < outer.visits_h[-1]


def _falls(
    book: Catalogue, findings: Sequence[Finding]
) -> tuple[list[tuple[Fall, ...]], list[tuple[int, float, int]], dict[int, float]]:
    changes = _changes(findings)
    contrasts = _one_analysis(
        [f for f in findings if f.measure == "difference" and f.instrument == "MADRS" and f.versus and f.error]
    )
    contrasts = [f for f in contrasts if not _is_pool(f, contrasts)]
    spreads: list[tuple[int, float, int]] = []
    known: dict[int, float] = {}
    common: set[str] = set()
    for f in changes:
        number = book.reading(f, people=f.n)
        known[number] = -float(f.value or 0.0)
        sd = _sd(f)
        # The standard errors of a model are of one common spread: it is taken once per trial.
        if sd is not None and f.n and f.n > 2 and not (f.error_type == "SE" and f.trial in common):
            spreads.append((number, sd, f.n))
            common |= {f.trial} if f.error_type == "SE" else set()
    out = []
    for trial in dict.fromkeys(f.trial for f in (*changes, *contrasts)):
        mine = [f for f in contrasts if f.trial == trial]
        compared = {(f.arm, f.time_h) for f in mine}
        rows = [
            Fall(book.reading(f), None, -float(f.value or 0.0), _se(f))
            for f in changes
            if f.trial == trial and (f.arm, f.time_h) not in compared
        ]
        rows += [Fall(book.reading(f), book.reading(f, f.versus), -float(f.value or 0.0), _se(f)) for f in mine]
        out.append(tuple(rows))
    return out, spreads, known


def _fractions(findings: Sequence[Finding]) -> list[Finding]:
    """Choose the fractions: of the same analysis as the mean of their group, where that was published too."""
    means = {(f.trial, f.arm, f.time_h): f.analysis for f in _changes(findings)}
    asked = [f for f in findings if f.measure in (*FRACTIONS, UNSAID) and f.instrument in DEPRESSION_SCALES]
    alike = {(f.trial, f.arm, f.time_h) for f in asked if means.get((f.trial, f.arm, f.time_h)) == f.analysis}
    chosen = [
        f for f in asked
        if (f.trial, f.arm, f.time_h) not in alike or f.analysis == means[f.trial, f.arm, f.time_h]
    ]  # fmt: skip
    return _one_analysis(chosen)


def _changes(findings: Sequence[Finding]) -> list[Finding]:
    return _one_analysis([f for f in findings if f.measure == "change" and f.instrument == "MADRS" and f.n])


def _people(f: Finding) -> int:
    """Give how many people a fraction counts for: on another scale than MADRS, at most so many as a usual trial."""
    most = int(evidence_numbers().value("people_on_another_scale"))
    return min(f.n or 0, most) if f.instrument != "MADRS" else f.n or 0


def _one_analysis(findings: Sequence[Finding]) -> list[Finding]:
    """Keep one analysis of each number: the first that is there of :data:`PREFERRED`."""
    best: dict[tuple[object, ...], Finding] = {}
    for f in findings:
        key = (f.trial, f.arm, f.versus, f.time_h, f.measure)
        if key not in best or PREFERRED.index(f.analysis) < PREFERRED.index(best[key].analysis):
            best[key] = f
    return list(best.values())


def _is_pool(f: Finding, among: Sequence[Finding]) -> bool:
    """Tell whether a contrast of several arms together stands beside the contrasts of those arms."""
    return "+" in f.arm and any(o.trial == f.trial and o.time_h == f.time_h and "+" not in o.arm for o in among)


def _sd(f: Finding) -> float | None:
    if f.error is None or not f.n:
        return None
    return f.error if f.error_type == "SD" else f.error * float(np.sqrt(f.n)) if f.error_type == "SE" else None


def _se(f: Finding) -> float:
    if f.error is None:
        return float("nan")
    if f.error_type == "SD":
        return f.error / float(np.sqrt(f.n)) if f.n else float("nan")
    return f.error


def _happened(f: Finding) -> float:
    value = float(f.value or 0.0)
    return 1 - value if f.measure == "not_relapsed" else 0.5 if f.measure == "median_relapse_h" else value


def chance_of(book: Catalogue, f: Finding) -> Chance | None:
    """Say which chance over repeated ratings a finding is about; None if it is about none."""
    if f.time_h is None:
        return None
    course = book.course(f.trial, f.arm)
    if f.measure == "sustained_response":
        return _sustained(course, f.time_h)
    if f.measure == "remitted_by":
        visits = tuple(float(t) for t in np.arange(WEEK_H / 2, f.time_h + SAME_H, WEEK_H / 2))
        return Chance(course, 0.0, "", visits, "remitted")
    if f.measure in {"relapsed", "not_relapsed", "median_relapse_h", "responding"}:
        return _lasting(book, f, course)
    return None


def _lasting(book: Catalogue, f: Finding, course: int) -> Chance:
    doses = book.arms[f.trial, f.arm].doses_h or (0.0,)
    last_h = f.event_h if f.event_h is not None else doses[-1]
    until_h = (f.time_h or 0.0) + (0.0 if f.since == "first dose" else last_h)
    if f.measure == "median_relapse_h":
        until_h = last_h + float(f.value or 0.0)
    # Where the group was defined by its last dose, it was rated the day after.
    from_h = last_h + DAY_1_H if last_h in doses else last_h
    entry = {"responders": "response", "remitters": "remission", "stable responders": "response",
             "stable remitters": "remission"}.get(f.at_risk, "")  # fmt: skip
    if f.measure == "responding":
        return Chance(course, from_h, entry, (until_h,), "kept")
    lasts = until_h - from_h
    every = WEEK_H / 2 if lasts <= 13 * WEEK_H else WEEK_H if lasts <= 26 * WEEK_H else 4 * WEEK_H
    visits = tuple(float(from_h + t) for t in np.arange(every, lasts + SAME_H, every)) or (until_h,)
    lost = not f.definition.upper().startswith("MADRS")
    # A loss of response counts once it is confirmed; a relapse by score as often as its definition says.
    twice = 2 if lost or "twice" in f.definition or "x2" in f.definition else 1
    return Chance(course, from_h, entry, visits, "lost" if lost else "relapse", consecutive=twice)


def _sustained(course: int, by_h: float) -> Chance | None:
    ratings = (DAY_1_H, *(float(t) for t in np.arange(WEEK_H, DAY_28_H, WEEK_H)), DAY_28_H)
    by = sum(t <= by_h + SAME_H for t in ratings[:-1])
    return Chance(course, ratings[0], "", ratings[1:], "sustained", by=by) if by else None
