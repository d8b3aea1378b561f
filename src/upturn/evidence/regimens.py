"""From the words of a regimen to the times of its doses.

What lives here: the grammar of schedules as papers and tables write them. What does not: drugs and amounts
(``treatments``). A schedule that is not understood gives nothing; the caller then says what was assumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Schedule", "infusion_h", "read_schedule", "usual_schedule"]

DAY_H = 24.0
WEEK_H = 168.0
# Days of the week on which doses are given. Nasal esketamine: days 1 and 4; infusions: Monday, Wednesday, Friday.
DAYS_OF_WEEK = {1: (0,), 2: (0, 3), 3: (0, 2, 4), 4: (0, 2, 4, 5), 5: (0, 1, 2, 3, 4)}
INFUSION_H = 40 / 60
"""Forty minutes, as in almost every trial of intravenous ketamine."""
LONGEST_WEEKS = 52
USUAL_WEEKS = 4

_COUNT = {
    "one": 1, "once": 1, "two": 2, "twice": 2, "three": 3, "thrice": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_NUMBER = rf"(\d+(?:\.\d+)?|{'|'.join(_COUNT)})"
_WEEK = r"(?:w(?:ee)?k(?:s|ly)?)"
_THING = r"(?:infusions?|doses?|sessions?|injections?|treatments?|administrations?|sprays?)"
_MORE = r"(?:\w+[ -]){0,2}?"

_PER_WEEK = re.compile(
    rf"(?:(?P<a>\d+)(?:\s*-\s*(?P<b>\d+))?\s*(?:x|times|{_THING})\s*(?:/|per|a|each)?\s*{_WEEK}"
    rf"|(?P<word>once|twice|thrice|one|two|three|four|five)(?: times| {_THING})?"
    rf"[ -]*(?:/|per|a|each|every)?[ -]*{_WEEK}"
    r"(?!s?\s*\d)"
    r"|(?P<short>\bbiw\b|\btiw\b|\bqw\b)"
    rf"|(?P<weekly>\bweekly\b|\bonce every week\b))",
)
_FORTNIGHT = re.compile(rf"every (?:2|two|other|second) {_WEEK}|q2wk?|\bq2w\b|fortnightly|biweekly")
_EVERY_DAYS = re.compile(rf"every {_NUMBER} days?|every (?P<other>other|second) day|\bq(?P<q>\d+)d\b")
_WEEKS = re.compile(rf"(?:x|for|over|up to|,|~|during)\s*(?:up to\s*)?{_NUMBER}(?:\s*-\s*(?P<to>\d+))?[ -]*{_WEEK}")
_ANY_WEEKS = re.compile(rf"{_NUMBER}(?:\s*-\s*(?P<to>\d+))?[ -]*{_WEEK}\b(?!ly)")
_MONTHS = re.compile(rf"{_NUMBER}[ -]*months?")
_TIMES = re.compile(rf"(?:x|for|,)\s*{_NUMBER}(?![\d.]*\s*(?:mg|{_WEEK}|d\b|days?|months?|h\b|min))")
_SPREAD = re.compile(
    rf"(?P<count>\d+|{'|'.join(_COUNT)})(?: to \w+)? {_MORE}{_THING}\s*(?:over|in|within|during|/|,)?\s*"
    rf"(?P<from>\d+(?:\.\d+)?|{'|'.join(_COUNT)})?(?:\s*-\s*(?P<to>\d+(?:\.\d+)?))?\s*(?P<unit>days?|d\b|{_WEEK})?"
)
_APART = re.compile(rf"{_NUMBER} (?P<unit>h\w*|days?|{_WEEK}) apart")
_SESSIONS = re.compile(rf"(?:up to |max(?:imum)? |\()?{_NUMBER} {_MORE}{_THING}")
_UNTIL = re.compile(r"to day (\d+)")
_DAILY = re.compile(r"\b(daily|qd|q\.d\.|od|bid|b\.i\.d\.|tid|every day|each day|once a day|twice a day|mg/d(?:ay)?)\b")
_SINGLE = re.compile(r"\b(single|one (?:infusion|dose|injection|session)|1 (?:infusion|dose)|once)\b(?! daily| a day)")
_AS_NEEDED = re.compile(r"individuali[sz]ed|variable|as needed|flexible schedule")
_ON_DAYS = re.compile(r"\bdays? (?P<days>\d+(?:(?:\s*,\s*|\s*,?\s+and\s+|\s*&\s*|\s*/\s*)\d+)+)")
_MINUTES = re.compile(r"(\d+(?:\.\d+)?)[ -]*min")
_HOURS = re.compile(r"over (\d+(?:\.\d+)?) ?h")


@dataclass(frozen=True)
class Schedule:
    """Times of doses after the first [h], and whether it is a tablet taken every day."""

    doses_h: tuple[float, ...]
    daily: bool = False


SINGLE = Schedule((0.0,))
DAILY = Schedule((0.0,), daily=True)


def read_schedule(text: str, *, tablet: bool = False) -> Schedule | None:
    """Read a regimen as a paper or a table words it; nothing where it is not understood.

    Parameters
    ----------
    text
        Such as ``3x/wk x2wk (six infusions)``, ``twice weekly for 4 weeks``, ``single 40-min infusion``.
    tablet
        Whether the drug is a tablet of the conventional kind, for which *once* or a bare duration mean daily.

    Notes
    -----
    Twice a week is days 0 and 3 of each week, three times a week days 0, 2 and 4. Where no length is written, four
    weeks are taken. Phases after *then* follow the first one.

    Examples
    --------
    >>> read_schedule("3x/wk x2wk (six infusions)").doses_h
    (0.0, 48.0, 96.0, 168.0, 216.0, 264.0)
    >>> read_schedule("as the clinician saw fit") is None
    True
    """
    plain = _plain(text)
    if "crossover" in plain or "cross-over" in plain:
        # The pause between two periods is no interval between doses.
        plain = re.sub(rf"{_APART.pattern}|washout[^,;)]*", "", plain)
    if _DAILY.search(plain) and (tablet or not _SINGLE.search(plain)):
        return DAILY
    phases = [phase for phase in re.split(r",?\s*\bthen\b\s*|;", plain) if phase]
    phases = [part for phase in phases for part in _enumerated(phase)]
    times: list[float] = []
    start = 0.0
    for phase in phases:
        read = _phase(phase, start_h=start)
        if read is None:
            break
        found, lasts = read
        times += [start + time for time in found]
        start += lasts
    return Schedule(tuple(dict.fromkeys(times))) if times else None


def usual_schedule(*, drug: str, route: str, tablet: bool, up_to_h: float | None) -> tuple[Schedule, str]:
    """Give the schedule to assume where none is written, and the words that say so.

    Up to a day after the first dose it does not matter: a single dose. After that, the usual course of the drug and
    route: nasal esketamine twice a week for four weeks, ECT three times a week, tablets daily, anything else once.
    """
    if tablet:
        return DAILY, "regimen: taken every day"
    if up_to_h is not None and up_to_h <= DAY_H:
        return SINGLE, "regimen: single dose"
    if (drug, route) in {("esketamine", "intranasal"), ("placebo", "intranasal")}:
        return Schedule(_weekly(2, USUAL_WEEKS)), "regimen: twice a week for four weeks, the usual course"
    if drug == "ECT":
        return Schedule(_weekly(3, USUAL_WEEKS)), "regimen: three times a week for four weeks, the usual course"
    return SINGLE, "regimen: single dose"


def infusion_h(text: str, *, route: str) -> float:
    """Give the duration of an infusion [h]: as written, forty minutes where nothing is, 0 by other routes."""
    if route != "intravenous":
        return 0.0
    plain = text.lower()
    if written := _MINUTES.search(plain):
        return float(written[1]) / 60
    if written := _HOURS.search(plain):
        return float(written[1])
    return INFUSION_H


def _plain(text: str) -> str:
    plain = text.lower().replace("×", "x").replace("–", "-").replace("—", "-").replace("‑", "-")
    plain = re.sub(r"\bx\s+(?=\d)", "x", plain)
    return re.sub(r"\s+", " ", plain).strip()


def _enumerated(phase: str) -> list[str]:
    """Split ``2x/wk x2, 1x/wk x3`` into its phases; leave a phase with a remark in one piece."""
    parts = re.split(r",\s*", phase)
    frequencies = [bool(_PER_WEEK.search(part) or _FORTNIGHT.search(part)) for part in parts]
    return parts if sum(frequencies) > 1 and frequencies[0] else [phase]


_Read = tuple[tuple[float, ...], float]
"""Times of a phase from its own start, and how long it lasts [h]."""


def _phase(phase: str, *, start_h: float) -> _Read | None:
    """Read one phase by the first grammar that fits it."""
    if _AS_NEEDED.search(phase):
        return None
    readers = (_frequent, _fortnightly, _on_days, _every_days, _counted, _single)
    return next((read for reader in readers if (read := reader(phase, start_h)) is not None), None)


def _frequent(phase: str, _: float) -> _Read | None:
    found = _PER_WEEK.search(phase)
    if found is None:
        return None
    per_week = _per_week(found)
    rest = phase[: found.start()] + " " + phase[found.end() :]
    count = _session_count(rest)
    weeks = _weeks(rest) or (count / per_week if count else USUAL_WEEKS)
    times = _weekly(per_week, weeks)
    return (times[:count] if count else times), weeks * WEEK_H


def _fortnightly(phase: str, start_h: float) -> _Read | None:
    if not _FORTNIGHT.search(phase):
        return None
    rest = _FORTNIGHT.sub(" ", phase)
    if until := _UNTIL.search(phase):
        number = int((float(until[1]) * DAY_H - start_h) // (2 * WEEK_H)) + 1
    elif repeats := _TIMES.search(rest):
        number = int(_number(repeats[1]))
    else:
        number = int((_weeks(rest) or USUAL_WEEKS) // 2)
    return _regular(2 * WEEK_H, max(1, number))


def _on_days(phase: str, _: float) -> _Read | None:
    found = _ON_DAYS.search(phase)
    if found is None:
        return None
    days = [int(day) for day in re.findall(r"\d+", found["days"])]
    return tuple((day - days[0]) * DAY_H for day in days), (days[-1] - days[0] + 1) * DAY_H


def _every_days(phase: str, _: float) -> _Read | None:
    found = _EVERY_DAYS.search(phase)
    if found is None:
        return None
    step = 2.0 if found["other"] else float(found["q"] or _number(found[1]))
    weeks = _weeks(_EVERY_DAYS.sub(" ", phase)) or USUAL_WEEKS
    return _regular(step * DAY_H, _session_count(phase) or max(1, int(weeks * 7 // step)))


def _counted(phase: str, _: float) -> _Read | None:
    count = _session_count(phase) or 0
    if count < 2:
        return None
    if found := _APART.search(phase):
        unit_h = {"h": 1.0, "d": DAY_H, "w": WEEK_H}[found["unit"][0]]
        return _regular(_number(found[1]) * unit_h, count)
    return _spread(phase, count)


def _single(phase: str, _: float) -> _Read | None:
    return ((0.0,), DAY_H) if _SINGLE.search(phase) or _session_count(phase) == 1 else None


def _regular(step_h: float, number: int) -> _Read:
    return tuple(step * step_h for step in range(number)), number * step_h


def _per_week(found: re.Match[str]) -> int:
    if found["a"]:
        return min(5, max(1, int(found["b"] or found["a"])))
    if found["short"]:
        return {"biw": 2, "tiw": 3, "qw": 1}[found["short"]]
    return 1 if found["weekly"] else _COUNT[found["word"]]


def _weeks(text: str) -> float | None:
    if months := _MONTHS.search(text):
        return min(LONGEST_WEEKS, _number(months[1]) * 52 / 12)
    written = _WEEKS.search(text) or _ANY_WEEKS.search(text)
    if written:
        return min(LONGEST_WEEKS, float(written["to"]) if written["to"] else _number(written[1]))
    repeats = _TIMES.search(text)
    return min(LONGEST_WEEKS, _number(repeats[1])) if repeats else None


def _session_count(phase: str) -> int | None:
    written = _SESSIONS.search(phase)
    return int(_number(written[1])) if written else None


def _spread(phase: str, count: int) -> _Read:
    """Spread a number of doses over the days that are written; three a week where none are."""
    written = _SPREAD.search(phase)
    if not written or not written["unit"] or not written["from"]:
        weeks = -(-count // 3)
        return _weekly(3, weeks)[:count], weeks * WEEK_H
    last = float(written["to"]) if written["to"] else _number(written["from"])
    days = last * 7 if written["unit"].startswith("w") else last
    for per_week in DAYS_OF_WEEK:
        times = _weekly(per_week, -(-count // per_week))[:count]
        if times[-1] < days * DAY_H:
            return times, days * DAY_H
    return tuple(place * days * DAY_H / count for place in range(count)), days * DAY_H


def _weekly(per_week: int, weeks: float) -> tuple[float, ...]:
    whole = int(-(-weeks // 1))
    return tuple(
        week * WEEK_H + day * DAY_H for week in range(whole) for day in DAYS_OF_WEEK[per_week] if week + day / 7 < weeks
    )


def _number(word: str) -> float:
    return float(_COUNT.get(word, 0) or word)
