"""A protocol as a person reads it: visits and what is done at each, doses, sessions, limits, in words.

What lives here: turning the library's protocol into rows and sentences for pages. What does not: HTML, and any number
that is not in the protocol.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from upturn import instruments
from upturn.errors import InputError
from upturn.protocol import Assessment, Dose, Encounter, Protocol, Rule

__all__ = [
    "Cell", "DoseLine", "Schedule", "Visit", "day", "dose_in_words", "doses_of", "length", "rule_in_words",
    "rules_in_words", "schedule",
]  # fmt: skip

HOURS_IN_A_DAY = 24.0
_NEAR_H = 1e-6
_WITHIN, _BASELINE = "●", "baseline"
# No line breaks between a number and its unit.
_JOINED = "\N{NO-BREAK SPACE}"
_SINCE = "since before the dose"
# The shelf speaks of points and categories where there is no unit to name, and does not hold all that is measured.
_UNITS = {"1/min": "per minute", "points": "", "category": ""}
_NOT_ON_THE_SHELF = {"weight": "kg", "age": "years", "respiratory rate": "per minute"}


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
        For each instrument, when it is used at this visit: a dot for the visit itself, else times after it. What the
        response is counted from is measured before the first dose, whether the protocol lists it or not.
    """

    name: str
    when: str
    window: str
    given: tuple[Cell, ...]
    rated: tuple[Cell, ...]


@dataclass(frozen=True)
class Schedule:
    """The schedule of activities: visits by doses and instruments, and what falls between the visits.

    An arm or an instrument of which no visit has anything stands only in ``between``.
    """

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
    anchored = sorted(protocol.encounters, key=lambda each: (each.anchor != "first dose", each.at_h))
    given = {arm: [_given(protocol, arm, each) for each in anchored] for arm in protocol.arms}
    scales = (protocol.endpoints.response.instrument, *(each.instrument for each in protocol.assessments))
    rated = {scale: [_rated(protocol, scale, each) for each in anchored] for scale in dict.fromkeys(scales)}
    arms = tuple(arm for arm, told in given.items() if any(told))
    used = tuple(scale for scale, told in rated.items() if any(told))
    visits = tuple(
        Visit(
            name=each.title or each.id.replace("-", " "),
            when=_when(each),
            window=_window(each),
            given=tuple(Cell(f"Dose: {arm}", given[arm][place]) for arm in arms),
            rated=tuple(Cell(scale, rated[scale][place]) for scale in used),
        )
        for place, each in enumerate(anchored)
    )
    return Schedule(arms, used, visits, tuple(_between(protocol)))


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
    """Tell a measured limit, with its unit.

    Examples
    --------
    >>> rule_in_words(Rule(measure="C-SSRS", at_least=3.0))
    'C-SSRS 3 or more'
    >>> rule_in_words(Rule(measure="SpO2", of="rise", below=-2.0)).replace("\N{NO-BREAK SPACE}", " ")
    'SpO2 down by more than 2 points since before the dose'
    """
    return rules_in_words([rule])


def rules_in_words(rules: Sequence[Rule]) -> str:
    """Tell measured limits of which each one is enough.

    Examples
    --------
    >>> high = [Rule(measure="SBP", above=140.0), Rule(measure="DBP", above=90.0)]
    >>> rules_in_words(high).replace("\N{NO-BREAK SPACE}", " ")
    'SBP above 140 mmHg or DBP above 90 mmHg'
    >>> risen = [Rule(measure="SBP", of="rise", at_least=40.0), Rule(measure="DBP", of="rise", at_least=25.0)]
    >>> rules_in_words(risen).replace("\N{NO-BREAK SPACE}", " ")
    'SBP up by 40 mmHg or more, or DBP up by 25 mmHg or more, since before the dose'
    """
    told = [_risen(each) if each.of == "rise" else _limit(each) for each in rules]
    comma = "," if any(" or " in each for each in told) and len(told) > 1 else ""
    whole = f"{comma} or ".join(told)
    risen = {each.of == "rise" for each in rules}
    if risen == {True}:
        return f"{whole}{comma} {_SINCE}"
    if True in risen:
        return f"{comma} or ".join(
            f"{each} {_SINCE}" if rule.of == "rise" else each for each, rule in zip(told, rules, strict=True)
        )
    return whole


def _limit(rule: Rule) -> str:
    about, limit = rule.measure, _with_unit(rule.measure, rule.limit)
    if rule.above is not None:
        return f"{about} above {limit}"
    if rule.below is not None:
        return f"{about} below {limit}"
    return f"{about} {limit} or {'more' if rule.at_least is not None else 'less'}"


def _risen(rule: Rule) -> str:
    """Tell how far a value went: a fall is written as a negative rise."""
    size = _with_unit(rule.measure, abs(rule.limit), is_change=True)
    is_upward = rule.above is not None or rule.at_least is not None
    if rule.limit and is_upward != (rule.limit > 0):
        # Of no change in this direction, such as a fall of less than 2: as it is written.
        change = _limit(rule).removeprefix(rule.measure)
        return f"{rule.measure}: a change{change}"
    way = f"{rule.measure} {'up' if is_upward else 'down'} by"
    return f"{way} {size} or more" if rule.above is None and rule.below is None else f"{way} more than {size}"


def _with_unit(measure: str, value: float, *, is_change: bool = False) -> str:
    written = f"{value:g}".replace("-", "−")
    try:
        unit = instruments.get(measure).unit
    except InputError:
        unit = _NOT_ON_THE_SHELF.get(measure, "")
    # Two of a hundred are two points; "2 % down" would be something else.
    unit = "points" if is_change and unit in ("%", "points", "category") else _UNITS.get(unit, unit)
    return f"{written}{_JOINED}{unit}" if unit else written


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
    """Tell how much earlier or later a visit may be: a window in days opens and closes with its day."""
    before, after = visit.window.before_h, visit.window.after_h
    if not before and visit.at_h % HOURS_IN_A_DAY == 0:
        if not after:
            return "that day"
        if after % HOURS_IN_A_DAY:
            return f"that day, up to {length(after)} later"
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
    told = [_WITHIN if abs(time - visit.at_h) < _NEAR_H else length(time - visit.at_h) for time in at]
    return ", ".join([_BASELINE, *told] if _holds_baseline(protocol, instrument, visit) else told)


def _holds_baseline(protocol: Protocol, instrument: str, visit: Encounter) -> bool:
    """Tell whether a visit is where the value is measured from which response is counted, and nothing lists it."""
    first = _first_visit(protocol)
    return _baseline_is_unlisted(protocol, instrument) and first is not None and visit.id == first.id


def _baseline_is_unlisted(protocol: Protocol, instrument: str) -> bool:
    times = protocol.assessment_times_h(instrument)
    return instrument == protocol.endpoints.response.instrument and all(time > 0 for time in times)


def _first_visit(protocol: Protocol) -> Encounter | None:
    """Find the first visit before the first dose."""
    early = [each for each in protocol.encounters if each.anchor == "first dose" and each.at_h < 0]
    return min(early, key=lambda each: each.at_h, default=None)


def _between(protocol: Protocol) -> Iterator[str]:
    for arm in protocol.arms.values():
        for dose in arm.doses:
            if dose.is_adaptive or not _stands_at_visits(protocol, dose):
                yield f"{arm.title}: {dose_in_words(dose)}, {_dose_times(dose)}"
    for each in protocol.assessments:
        alone = [time for time in each.at_h if _visit_at(protocol, time) is None]
        if alone:
            yield f"{each.instrument}: {_series(alone)}{_rater(each)}"
    scale = protocol.endpoints.response.instrument
    if _baseline_is_unlisted(protocol, scale) and _first_visit(protocol) is None:
        yield f"{scale}: once before the first dose"


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
