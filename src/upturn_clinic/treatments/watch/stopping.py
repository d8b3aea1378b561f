"""Whether a protocol's reason to stop giving doses is there, from what was recorded. No database; a clinician decides.

Days are days of the calendar: a rating on the right day counts, at whatever hour it was done. What a reason rests on is
told with its date, so the same again later reads otherwise: to go on all the same counts for what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from upturn.protocol import Criterion, NoResponse, Protocol, Readings, Spacing, Stopping, closing, missing
from upturn.units import DAY_H
from upturn_clinic.programmes.schedule import day, length, rule_in_words
from upturn_clinic.treatments.boosters.rule import Rating

__all__ = ["Reason", "Recorded", "Verdict", "judge"]

Verdict = Literal["holds", "does not hold", "cannot be judged"]
_ORDER: tuple[Verdict, ...] = ("does not hold", "cannot be judged", "holds")


@dataclass(frozen=True)
class Recorded:
    """What was recorded about somebody, as far as reasons to stop rest on it.

    Parameters
    ----------
    first
        When the first dose was given; None before.
    doses
        When doses were given.
    ratings
        Scores by instrument, in any order, also from before the first dose.
    events
        Adverse events that count: when each began, and its word.
    """

    first: datetime | None
    doses: Sequence[datetime]
    ratings: Mapping[str, Sequence[Rating]]
    events: Sequence[tuple[datetime, str]]


@dataclass(frozen=True)
class Reason:
    """A reason to stop, whether it is there, and why, in sentences for the team."""

    rule: Stopping
    verdict: Verdict
    sentences: tuple[str, ...]
    # What a clinician decided about it as it is now, in words; and whether they decided to go on.
    decided: str = ""
    goes_on: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is there."""
        return self.verdict == "holds"

    @property
    def holds_back(self) -> bool:
        """Whether no dose may begin because of it: it is there, and nobody has decided to go on all the same."""
        return self.holds and not self.goes_on

    @property
    def standing(self) -> str:
        """Whether it is there now and what follows, in words."""
        if self.holds:
            return f"it is there; {'doses go on' if self.goes_on else 'no dose begins'}"
        return "cannot be judged" if self.verdict == "cannot be judged" else "not there"

    @property
    def seen(self) -> str:
        """What it rests on now, as one text."""
        return " ".join(self.sentences)


def judge(rule: Stopping, recorded: Recorded, *, protocol: Protocol, now: datetime, zone: ZoneInfo) -> Reason:
    """Judge one reason. It is there when any of its parts is; what is missing never makes it go away.

    Parameters
    ----------
    zone
        The facility's clock, by which days are counted.
    """
    found = list(_parts(rule, recorded, protocol, now, zone))
    verdict = max((each for each, _ in found), key=_ORDER.index, default=_ORDER[0])
    return Reason(rule, verdict, tuple(sentence for _, sentence in found))


def _parts(
    rule: Stopping, recorded: Recorded, protocol: Protocol, now: datetime, zone: ZoneInfo
) -> Iterator[tuple[Verdict, str]]:
    if rule.rules:
        yield _limits(rule, recorded, zone)
    if rule.events:
        yield _events(rule, recorded, zone)
    if recorded.first is None:
        if rule.no_response or rule.spacing:
            yield "does not hold", "No dose was given yet."
        return
    if rule.no_response:
        yield _no_response(rule.no_response, recorded, recorded.first, protocol, now, zone)
    if rule.spacing:
        yield _spacing(rule.spacing, recorded, recorded.first, zone)


def _limits(rule: Stopping, recorded: Recorded, zone: ZoneInfo) -> tuple[Verdict, str]:
    rated = {name: max(rows, key=lambda row: row.at) for name, rows in recorded.ratings.items() if rows}
    newest = {name: row.value for name, row in rated.items()}
    part = Criterion(id=rule.id, text=rule.text, rules=rule.rules, status=rule.status)
    readings = Readings(newest)
    passed = [each for each in closing(part, readings) if not isinstance(each, str)]
    if passed:
        told = " and ".join(
            f"{each.measure} {newest[each.measure]:g} ({_moment(rated[each.measure].at, zone)})" for each in passed
        )
        return "holds", f"Now: {told}. The limit is {' or '.join(map(rule_in_words, passed))}."
    if unknown := missing(part, readings):
        return "cannot be judged", f"Nothing is recorded of: {', '.join(unknown)}."
    return "does not hold", "No limit is passed."


def _events(rule: Stopping, recorded: Recorded, zone: ZoneInfo) -> tuple[Verdict, str]:
    wanted = {each.strip().lower() for each in rule.events}
    since = [
        (at, word) for at, word in sorted(recorded.events)
        if word.strip().lower() in wanted and (recorded.first is None or at >= recorded.first)
    ]  # fmt: skip
    if since:
        told = ", ".join(f"{word} ({_moment(at, zone)})" for at, word in since)
        return "holds", f"Recorded as an adverse event: {told}."
    return "does not hold", f"No such adverse event is recorded ({', '.join(rule.events)})."


def _no_response(
    rule: NoResponse, recorded: Recorded, first: datetime, protocol: Protocol, now: datetime, zone: ZoneInfo
) -> tuple[Verdict, str]:
    response = protocol.endpoints.response
    instrument = rule.instrument or response.instrument
    fall = response.fall if rule.fall is None else rule.fall
    begin = first.astimezone(zone).date()
    asked_on = begin + timedelta(days=rule.by_h // DAY_H)
    today = now.astimezone(zone).date()
    if today < asked_on:
        return "does not hold", f"It is asked from {_date(asked_on)} on ({day(rule.by_h)})."
    ratings = sorted(recorded.ratings.get(instrument, ()), key=lambda each: each.at)
    before = [each for each in ratings if each.at < first]
    if not before:
        return "cannot be judged", f"There is no {instrument} from before the first dose to judge a response by."
    # The last rating that the protocol plans by then is the one that decides, and later ones where it was missed.
    planned = [time for time in protocol.assessment_times_h(instrument) if 0 < time <= rule.by_h]
    since = begin + timedelta(days=(planned[-1] if planned else rule.by_h) // DAY_H)
    looked = [each for each in ratings if each.at >= first and each.at.astimezone(zone).date() >= since]
    start = before[-1]
    line = (1 - fall) * start.value
    fallen = f"{fall * 100:g} % below the {start.value:g} of {_day(start.at, zone)}"
    words = f"A response is a {instrument} of {line:g} or less ({fallen})"
    if not looked:
        return "cannot be judged", f"{words}; none was recorded from {_date(since)} on."
    told = ", ".join(f"{each.value:g} ({_day(each.at, zone)})" for each in looked)
    if any(each.value <= line for each in looked):
        return "does not hold", f"{words}; it was there: {told}."
    return "holds", f"{words}; from {_date(since)} on there was none: {told}."


def _spacing(rule: Spacing, recorded: Recorded, first: datetime, zone: ZoneInfo) -> tuple[Verdict, str]:
    days = [each.astimezone(zone).date() for each in sorted(recorded.doses)]
    since = first.astimezone(zone).date() + timedelta(days=rule.after_h // DAY_H)
    late = [each for each in days if each >= since]
    gaps = [(after - before).days for before, after in pairwise(late)]
    wanted = f"From {_date(since)} on, doses are to be {length(rule.at_least_h)} apart or more"
    if not gaps:
        return "does not hold", f"{wanted}; fewer than two doses were given since."
    told = f"{wanted}; the last two, to {_date(late[-1])}, were {gaps[-1]} day{'' if gaps[-1] == 1 else 's'} apart."
    return ("holds" if gaps[-1] * DAY_H < rule.at_least_h else "does not hold"), told


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{_day(at, zone)}, {at.astimezone(zone):%H:%M}"


def _day(at: datetime, zone: ZoneInfo) -> str:
    return _date(at.astimezone(zone).date())


def _date(on: date) -> str:
    return f"{on.day} {on:%b %Y}"
