"""From answers to a score: totals, parts, levels, what is missing, and which answers ask for help.

What lives here: the computation. What does not: any rule of a scale (``scales/``), and what a protocol makes of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from upturn.errors import InputError
from upturn.instruments.instrument import Instrument
from upturn.instruments.items import Part, Pattern, Scoring
from upturn.instruments.shelf import get

__all__ = ["Finding", "PartScore", "Score", "score"]


@dataclass(frozen=True)
class PartScore:
    """The score of a part of a scale; None where an item of it is missing."""

    id: str
    name: str
    value: float | None
    most: float


@dataclass(frozen=True)
class Finding:
    """Something that the answers show beside the total; ``holds`` is None where a missing item leaves it open."""

    id: str
    text: str
    holds: bool | None


@dataclass(frozen=True)
class Score:
    """What the answers to an instrument amount to.

    Parameters
    ----------
    instrument, version
        What was answered, and in which version of this package's description.
    total
        The total [the instrument's unit]; None where it cannot be given.
    band
        The name of the band of the total; None without a total or without bands.
    parts, findings
        Of its parts; and what else the answers show.
    missing
        Items that were asked and not answered, in order.
    alerts
        Items whose answer asks for help at once, in order, and ``total`` where that of the answers so far does. They
        stand whether or not there is a total.
    at_least
        What a scale that is a sum comes to at least, whatever the missing answers are [the instrument's unit]; the
        total where there is one; None where nothing is certain.
    """

    instrument: str
    version: str
    total: float | None
    band: str | None
    parts: tuple[PartScore, ...]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    alerts: tuple[str, ...]
    at_least: float | None


def score(instrument: str, answers: Mapping[str, float]) -> Score:
    """Score the answers to an instrument.

    Parameters
    ----------
    instrument
        Its name on the shelf, such as ``PHQ-9``.
    answers
        Item and answer [points]. An item that is not there was not answered.

    Returns
    -------
    The score. A total is given only when no item is missing, or when none that is missing could change it.

    Raises
    ------
    InputError
        An unknown instrument or item, an answer that the item cannot have, or an instrument without items.

    Examples
    --------
    Three items scored 1, two scored 2 and three scored 3, as in the manual of the PHQ:

    >>> found = score("PHQ-9", {"1": 1, "2": 1, "3": 1, "4": 2, "5": 2, "6": 3, "7": 3, "8": 3, "9": 0})
    >>> found.total, found.band, found.alerts
    (16.0, 'moderately severe', ())
    >>> score("PHQ-9", {"9": 1}).alerts, score("PHQ-9", {"9": 1}).total
    (('9',), None)
    """
    scale = get(instrument)
    if scale.items is None or scale.scoring is None:
        raise InputError(f"{scale.id} has no items to score.", expected="a rating scale", came=scale.kind)
    for id, value in answers.items():
        allowed = scale.item(id).values
        if not math.isfinite(value) or value not in allowed:
            raise InputError(
                f"Item {id} of {scale.id} cannot have this answer.", expected=", ".join(map(str, allowed)),
                came=f"{value:.12g}",
            )  # fmt: skip
    # An answer to a question that would not have been asked is kept and counts: it was given.
    missing = tuple(each.id for each in scale.items.members if each.scored and each.is_missing(answers))
    parts = tuple(_part(scale, each, answers) for each in scale.scoring.parts)
    total = _total(scale, scale.scoring, answers, missing, parts)
    at_least = _at_least(scale, scale.scoring, answers) if total is None else total
    return Score(
        scale.id,
        scale.version,
        total,
        None if total is None else scale.band(total),
        parts,
        tuple(_finding(scale, each, answers) for each in scale.scoring.patterns),
        missing,
        tuple(_alerts(scale, answers, at_least)),
        at_least,
    )


def _alerts(scale: Instrument, answers: Mapping[str, float], at_least: float | None) -> Iterator[str]:
    if scale.alerts is None or scale.items is None:
        return
    for each in scale.items.members:
        if answers.get(each.id, -math.inf) >= scale.alerts.items.get(each.id, math.inf):
            yield each.id
    if scale.alerts.total is not None and at_least is not None and at_least >= scale.alerts.total:
        yield "total"


def _at_least(scale: Instrument, scoring: Scoring, answers: Mapping[str, float]) -> float | None:
    if scoring.total != "sum" or scale.items is None:
        return None
    return sum((float(answers.get(each.id, each.least)) for each in scale.items.members if each.scored), 0.0)


def _part(scale: Instrument, part: Part, answers: Mapping[str, float]) -> PartScore:
    ranges = [scale.item(each).most for each in part.items]
    most = float(max(ranges) if part.take == "highest" else sum(ranges))
    given = [float(answers[each]) for each in part.items if each in answers]
    if any(scale.item(each).is_missing(answers) for each in part.items):
        return PartScore(part.id, part.name, None, most)
    return PartScore(part.id, part.name, max(given) if part.take == "highest" else sum(given), most)


def _total(
    scale: Instrument, scoring: Scoring, answers: Mapping[str, float], missing: tuple[str, ...],
    parts: tuple[PartScore, ...],
) -> float | None:  # fmt: skip
    if scoring.total == "level":
        return _level(scale, scoring, answers, missing)
    if missing:
        return None
    if scoring.total == "sum of parts":
        return sum((each.value or 0.0 for each in parts), 0.0)
    counting = [float(answers[each.id]) for each in (scale.items.members if scale.items else ()) if each.scored]
    return max(counting) if scoring.total == "highest" else sum(counting)


def _level(scale: Instrument, scoring: Scoring, answers: Mapping[str, float], missing: tuple[str, ...]) -> float | None:
    """Give the highest level that an answer reaches, if no missing answer could lead to a higher one."""
    reached = _reached(scoring, answers)
    # The worst case: every missing item is answered with yes, and so is all that would then be asked.
    worst = {**answers, **dict.fromkeys(missing, 1.0)}
    for each in scale.items.members if scale.items else ():
        if missing and each.id not in worst and each.is_asked(worst):
            worst[each.id] = 1.0
    if missing and _reached(scoring, worst) > reached:
        return None
    return reached


def _reached(scoring: Scoring, answers: Mapping[str, float]) -> float:
    held = [each.level for each in scoring.levels if any(answers.get(item) for item in each.any_of)]
    return float(max(held, default=0))


def _finding(scale: Instrument, pattern: Pattern, answers: Mapping[str, float]) -> Finding:
    assert scale.scoring is not None  # noqa: S101  (score() refuses what has none)
    judged = [_part_holds(scale, part, pattern, answers) for part in scale.scoring.parts if part.id in pattern.needs]
    holds = False if False in judged else (None if None in judged else True)
    return Finding(pattern.id, pattern.text, holds)


def _part_holds(scale: Instrument, part: Part, pattern: Pattern, answers: Mapping[str, float]) -> bool | None:
    given = [answers[each] for each in part.items if each in answers]
    open_items = [scale.item(each).most for each in part.items if each not in answers]
    if pattern.counting is not None:
        needed, counted = pattern.needs[part.id], sum(each >= pattern.counting for each in given)
        if counted >= needed:
            return True
        return None if counted + len(open_items) >= needed else False
    needed_points = (pattern.share or 0.0) * sum(scale.item(each).most for each in part.items)
    if sum(given) >= needed_points:
        return True
    return None if sum(given) + sum(open_items) >= needed_points else False
