"""A protocol as a person reads it: visits and what is done at each, doses, sessions, limits, in words.

What lives here: turning the library's protocol into rows and sentences for pages. What does not: HTML, and any number
that is not in the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from upturn.protocol import Assessment, Dose, Encounter, Protocol, Rule

__all__ = [
    "Cell", "DoseLine", "Schedule", "Visit", "day", "dose_in_words", "doses_of", "length", "rule_in_words", "schedule",
]  # fmt: skip

HOURS_IN_A_DAY = 24.0
_NEAR_H = 1e-6
_WITHIN = "●"


@dataclass(frozen=True)
class Cell:
    """What stands in one place of the table, and under which heading."""

    heading: str
    told: str


@dataclass(frozen=True)
class Visit:
    """One row of the schedule.

    Parameters
    ----------
    name, when, window
        What the visit is called, its day, and how much earlier or later it may be.
    given
        For each arm, what is given at this visit, or nothing.
    rated
        For each instrument, when it is used at this visit: a dot for the visit itself, else times after it.
    """

    name: str
    when: str
    window: str
    given: tuple[Cell, ...]
    rated: tuple[Cell, ...]


@dataclass(frozen=True)
class Schedule:
    """The schedule of activities: visits by doses and instruments, and what falls between the visits."""

    arms: tuple[str, ...]
    instruments: tuple[str, ...]
    visits: tuple[Visit, ...]
    between: tuple[str, ...]


@dataclass(frozen=True)
class DoseLine:
    """One kind of dose of an arm, in words."""

    id: str
    what: str
    when: str
    source: str | None
    status: str | None


def schedule(protocol: Protocol) -> Schedule:
    """Lay a protocol out as a table of visits.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> table = schedule(load("six-infusions"))
    >>> [visit.when for visit in table.visits[:3]], table.visits[1].given[0].told
    (['day −14', 'day 0', 'day 1'], '0.5 mg/kg')
    """
    arms = tuple(protocol.arms)
    instruments = tuple(dict.fromkeys(each.instrument for each in protocol.assessments))
    anchored = sorted(protocol.encounters, key=lambda each: (each.anchor != "first dose", each.at_h))
    visits = tuple(
        Visit(
            name=each.title or each.id.replace("-", " "),
            when=_when(each),
            window=_window(each),
            given=tuple(Cell(f"Dose: {arm}", _given(protocol, arm, each)) for arm in arms),
            rated=tuple(Cell(instrument, _rated(protocol, instrument, each)) for instrument in instruments),
        )
        for each in anchored
    )
    return Schedule(arms, instruments, visits, tuple(_between(protocol)))


def doses_of(protocol: Protocol, arm: str) -> tuple[DoseLine, ...]:
    """Tell all doses of an arm in words."""
    return tuple(
        DoseLine(each.id, dose_in_words(each), _dose_times(each), each.source, each.status)
        for each in protocol.arms[arm].doses
    )


def dose_in_words(dose: Dose) -> str:
    """Tell what one dose is.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> dose_in_words(load("six-infusions").arms["ketamine"].doses[0])
    'ketamine 0.5 mg/kg, intravenous, over 40 min'
    """
    amount = f" {dose.amount}" if dose.amount.value else ""
    weight = " of ideal weight" if dose.weight == "ideal" and dose.amount.per_kg else ""
    over = f", over {length(dose.over_h)}" if dose.over_h else ""
    return f"{dose.drug}{amount}{weight}, {dose.route}{over}"


def rule_in_words(rule: Rule) -> str:
    """Tell a measured limit.

    Examples
    --------
    >>> rule_in_words(Rule(measure="SBP", above=140.0))
    'SBP above 140'
    >>> rule_in_words(Rule(measure="SpO2", of="rise", below=-2.0))
    'SpO2 since before the dose: change below -2'
    """
    about = f"{rule.measure} since before the dose: change" if rule.of == "rise" else rule.measure
    for name in ("above", "below", "at_least", "at_most"):
        limit = getattr(rule, name)
        if limit is not None:
            return f"{about} {name.replace('_', ' ')} {limit:g}"
    return about


def day(hours: float) -> str:
    """Tell a time after the first dose by its day.

    Examples
    --------
    >>> day(0.0), day(-336.0), day(28.0)
    ('day 0', 'day −14', 'day 1, 4 h')
    """
    days, rest = divmod(hours, HOURS_IN_A_DAY)
    sign = "−" if days < 0 else ""
    return f"day {sign}{abs(days):g}" + (f", {length(rest)}" if rest > _NEAR_H else "")


def length(hours: float) -> str:
    """Tell how long something takes, in the largest unit that stays whole.

    Examples
    --------
    >>> length(2 / 3), length(1.5), length(36.0), length(24.0), length(336.0)
    ('40 min', '90 min', '36 h', '1 day', '14 days')
    """
    minutes = round(hours * 60)
    if minutes % (60 * 24) == 0 and minutes:
        days = minutes // (60 * 24)
        return f"{days} day{'s' if days > 1 else ''}"
    return f"{minutes} min" if minutes % 60 else f"{minutes // 60} h"


def _when(visit: Encounter) -> str:
    if visit.anchor == "first dose":
        return day(visit.at_h)
    return f"{length(abs(visit.at_h))} {'after' if visit.at_h >= 0 else 'before'} the last dose"


def _window(visit: Encounter) -> str:
    before, after = visit.window.before_h, visit.window.after_h
    parts = [f"{length(before)} earlier" if before else "", f"{length(after)} later" if after else ""]
    told = " to ".join(part for part in parts if part)
    return f"up to {told}" if told and not (before and after) else told


def _visit_at(protocol: Protocol, time_h: float) -> str | None:
    """Find the visit a time belongs to: the last one on or before it within a day, else one whose window holds it."""
    found: Encounter | None = None
    for each in protocol.encounters:
        if each.anchor == "first dose" and -_NEAR_H < time_h - each.at_h < HOURS_IN_A_DAY - _NEAR_H:
            found = each if found is None or each.at_h > found.at_h else found
    if found is None:
        own = (each for each in protocol.encounters if each.anchor == "first dose")
        found = next((each for each in own if each.opens_h <= time_h <= each.closes_h), None)
    return found.id if found else None


def _given(protocol: Protocol, arm: str, visit: Encounter) -> str:
    told = []
    for dose in protocol.arms[arm].doses:
        amount = str(dose.amount) if dose.amount.value else dose.drug
        if _stands_at_visits(protocol, dose) and visit.id in {_visit_at(protocol, time) for time in dose.on_h}:
            told.append(amount)
        elif visit.id in {_visit_at(protocol, time) for time in dose.candidate_times_h}:
            told.append(f"{amount} on {dose.when}")
    return ", ".join(told)


def _stands_at_visits(protocol: Protocol, dose: Dose) -> bool:
    return all(_visit_at(protocol, time) for time in dose.on_h)


def _rated(protocol: Protocol, instrument: str, visit: Encounter) -> str:
    at = [time for time in protocol.assessment_times_h(instrument) if _visit_at(protocol, time) == visit.id]
    return ", ".join(_WITHIN if abs(time - visit.at_h) < _NEAR_H else length(time - visit.at_h) for time in at)


def _between(protocol: Protocol) -> Iterator[str]:
    for arm in protocol.arms.values():
        for dose in arm.doses:
            if dose.is_adaptive or not _stands_at_visits(protocol, dose):
                yield f"{arm.title}: {dose_in_words(dose)}, {_dose_times(dose)}"
    for each in protocol.assessments:
        alone = [time for time in each.at_h if _visit_at(protocol, time) is None]
        if alone:
            yield f"{each.instrument}: {_series(alone)}{_rater(each)}"


def _rater(assessment: Assessment) -> str:
    return {"blinded": ", by a blinded rater", "treating": ", by the team", "self": ", by the participant"}[
        assessment.rater
    ]


def _dose_times(dose: Dose) -> str:
    if dose.is_adaptive:
        candidates = dose.candidate_times_h
        return (
            f"on {dose.when}, decided every {length(dose.every_h or 0.0)} from {day(candidates[0])} "
            f"to {day(candidates[-1])}"
        )
    return _series(list(dose.on_h))


def _series(times: Sequence[float]) -> str:
    """Tell times one by one, or as a rhythm where there is one."""
    steps = [round(after - before, 3) for before, after in pairwise(times)]
    rhythm = [(step, len(list(group))) for step, group in groupby(steps)]
    if len(rhythm) == 1 and rhythm[0][1] > 1:
        return f"every {length(rhythm[0][0]).removeprefix('1 ')} from {day(times[0])} to {day(times[-1])}"
    return ", ".join(day(time) for time in times)
