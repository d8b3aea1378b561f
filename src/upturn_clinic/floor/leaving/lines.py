"""The lines that must hold before somebody leaves, each with how it stands, since when and by whom. Pure.

Lines of the protocol's discharge list and gates, and four of the house that are always asked: the minimum stay, who
takes the person home, no driving, whom to call. Where the protocol has a line of the same name, its words go before the
house's. Measured lines are judged by readings after the dose, none older than ``limits.READING_FRESH``; the clock
judges the minimum stay; the rest a person answers, and the newest answer counts. A session that is over is judged as
it stood when it ended: of the answers by then the newest counts, and where there was none, the newest of those that
were written down only afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from upturn.protocol import Criterion, Gate
from upturn_clinic.floor.asked import Asked, HouseCheck
from upturn_clinic.floor.counting import emergency_runs, emergency_steps
from upturn_clinic.floor.gates import ALWAYS_APPLIES, Standing, closures_of, house_standings, measured, standings_of
from upturn_clinic.floor.limits import READING_FRESH
from upturn_clinic.floor.models import Answer, EmergencyStep, Reading, Session
from upturn_clinic.floor.phases import minutes_between, stretch
from upturn_clinic.floor.series import Series, series_of
from upturn_clinic.ground.errors import Refused

__all__ = ["HOUSE", "Line", "LineState", "in_words", "judged_at", "lines_of", "must_be_met", "of_the_person", "unmet"]

SAID = Answer.Said
MINUTE = timedelta(minutes=1)
MINIMUM_STAY, ESCORT, NO_DRIVING, CONTACT = "minimum-stay", "escort", "no-driving", "contact"
OPEN_GATES = HouseCheck("open-gates", "For each stop that came up, what was done is written down.")
EMERGENCY = HouseCheck("emergency", "The emergency path is over.")
# Always asked; they are about the way home, not about how the person is.
HOUSE: Mapping[str, HouseCheck] = {
    each.id: each
    for each in (
        HouseCheck(MINIMUM_STAY, "The shortest stay of the protocol is over."),
        HouseCheck(ESCORT, "The person who takes the participant home is here, and is named below."),
        HouseCheck(NO_DRIVING, "The participant has said that they will not drive or use machines before tomorrow, "
                               "after a night of sleep."),
        HouseCheck(CONTACT, "The participant knows whom to call, and when we meet again."),
    )
}  # fmt: skip


class LineState(StrEnum):
    """How a line stands. The value is what people read."""

    MET = "met"
    UNMET = "not met"
    MISSING = "missing"


@dataclass(frozen=True)
class Line:
    """One line of the list.

    Parameters
    ----------
    key
        What an answer names it by: ``discharge/<id>``, ``gates/<id>`` or ``house/<id>``.
    text
        The protocol's words, or the house's.
    state
        Met, not met, or missing: not measured, or not answered yet.
    why
        What it rests on: values with their times, or the answer; a line each.
    at, who
        When it was measured or answered, and by whom.
    kind
        ``answered`` by a person, ``measured``, or by the ``clock``.
    is_gate
        Whether its text is a reason not to leave, so that no is good.
    answer
        The newest answer.
    source
        The source in words; empty for a check of the house.
    status
        How far the rule can be trusted.
    missing
        The measures without which it cannot be judged.
    lacks
        What is wrong with each of them: not read, read too long ago, or nothing to compare with; a line each.
    """

    key: str
    text: str
    state: LineState
    kind: str
    why: tuple[str, ...] = ()
    at: datetime | None = None
    who: str = ""
    is_gate: bool = False
    answer: Answer | None = None
    source: str = ""
    status: str = ""
    missing: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @property
    def is_met(self) -> bool:
        """Whether nothing stands in the way here."""
        return self.state is LineState.MET

    @property
    def name(self) -> str:
        """The id without its section."""
        return self.key.partition("/")[2]

    @property
    def is_clinical(self) -> bool:
        """Whether it says how the person is: what "ready to leave" rests on. The way home is asked at the door."""
        return self.name not in HOUSE

    @property
    def always_applies(self) -> bool:
        """Whether "does not apply" is no answer to it."""
        return not self.is_clinical or self.name in ALWAYS_APPLIES


def judged_at(session: Session, now: datetime, *, left_at: datetime | None = None) -> datetime:
    """Say by which time the list is judged: now, or when the session ended.

    A time that was typed counts minutes: what came within its minute belongs to it.

    Parameters
    ----------
    left_at
        When the person is said to have left, before it is written.
    """
    ended = left_at or session.left_at or session.cancelled_at
    if ended is None:
        return now
    is_typed = not (ended.second or ended.microsecond)
    return min(now, ended + MINUTE - timedelta.resolution if is_typed else ended)


def lines_of(session: Session, asked: Asked, *, now: datetime, is_past: bool = False) -> tuple[Line, ...]:
    """Say how every line stands.

    Parameters
    ----------
    session
        With all its entries and who made them.
    asked
        What the protocol asks here; rules that the site did not take on are not in it.
    is_past
        Whether a time that is over is judged, so that answers given after it do not count. Of the present every answer
        counts, also one that came in while somebody else's hand was on its way.
    """
    own = {each.id: each for each in asked.discharge}
    rest = [each for each in asked.discharge if each.id not in HOUSE]
    return (
        _minimum_stay(session, asked, own.get(MINIMUM_STAY), now),
        *(_line(session, asked, "discharge", each, now, is_past) for each in rest),
        *(_line(session, asked, "gates", each, now, is_past) for each in asked.gates_that("leaving")),
        _open_gates(session, asked, now),
        *_emergency(session),
        _escort(session, _line(session, asked, *_house(own, ESCORT), now, is_past)),
        *(_line(session, asked, *_house(own, each), now, is_past) for each in (NO_DRIVING, CONTACT)),
    )


def unmet(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Give the lines that keep somebody here."""
    return tuple(each for each in lines if not each.is_met)


def of_the_person(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Give the lines that "ready to leave" rests on: all but the way home."""
    return tuple(each for each in lines if each.is_clinical)


def must_be_met(lines: Sequence[Line]) -> None:
    """Refuse while a line is not met."""
    open_ones = unmet(lines)
    if open_ones:
        raise Refused(
            "A line is not met.", came=in_words(open_ones),
            remedy="measure or answer it again; a clinician can let the person leave by a signed decision",
        )  # fmt: skip


def in_words(lines: Sequence[Line]) -> str:
    """Write some lines one after the other, each with how it stands."""
    return "; ".join(f"{each.text.rstrip('.')} ({each.state})" for each in lines)


def _house(own: Mapping[str, Criterion], name: str) -> tuple[str, Criterion | HouseCheck]:
    return ("discharge", own[name]) if name in own else ("house", HOUSE[name])


def _escort(session: Session, line: Line) -> Line:
    """Somebody who is there and has no name cannot be called later."""
    if not line.is_met:
        return line
    if not session.escort.strip():
        return replace(line, state=LineState.MISSING, why=(*line.why, "nobody is named"))
    return replace(line, why=(*line.why, session.escort))


def _line(
    session: Session, asked: Asked, section: str, part: Criterion | Gate | HouseCheck, now: datetime, is_past: bool
) -> Line:
    key = f"{section}/{part.id}"
    if not isinstance(part, HouseCheck) and (part.rules or (isinstance(part, Gate) and part.signs)):
        return _measured(session, asked, key, part, now)
    return _answered(session, asked, key, part, now if is_past else None)


def _answered(
    session: Session, asked: Asked, key: str, part: Criterion | Gate | HouseCheck, until: datetime | None
) -> Line:
    is_gate = isinstance(part, Gate)
    words = _words(asked, part)
    given = [each for each in session.answers.all() if each.counts and each.criterion == key]
    if not given:
        return Line(key, words["text"], LineState.MISSING, "answered", is_gate=is_gate,
                    source=words["source"], status=words["status"])  # fmt: skip
    given.sort(key=lambda each: (each.at, each.noted_at))
    by_then = [each for each in given if until is None or each.at <= until]
    last = (by_then or given)[-1]
    good = SAID.NO if is_gate else SAID.YES
    is_met = last.answer in (good, SAID.NOT_APPLICABLE)
    said = f"{last.get_answer_display()}{': ' + last.note if last.note else ''}"
    return Line(
        key, words["text"], LineState.MET if is_met else LineState.UNMET, "answered", (said,), last.at, _name(last),
        is_gate, last, words["source"], words["status"],
    )  # fmt: skip


def _measured(session: Session, asked: Asked, key: str, part: Criterion | Gate, now: datetime) -> Line:
    begin = session.dosed_until or session.began_at or now
    since, series = max(begin, now - READING_FRESH), series_of(session)
    standing = measured(session, key, part, "leaving", until=now, since=since, series=series)
    states = {"open": LineState.MET, "closed": LineState.UNMET, "unknown": LineState.MISSING}
    wanted = {rule.measure for rule in part.rules}
    found = series.newest(wanted, until=now, since=since)
    read = [each for values in found.values() for each in values]
    newest = max(read, key=lambda each: (each.at, each.noted_at), default=None)
    words = _words(asked, part)
    return Line(
        key, words["text"], states[standing.verdict], "measured",
        standing.because or _beside_the_start(session, part, read, series), newest.at if newest else None,
        _names(read), isinstance(part, Gate), None, words["source"], words["status"], standing.missing,
        tuple(_lacking(session, series, standing.missing, found, begin=begin, now=now)),
    )  # fmt: skip


def _beside_the_start(
    session: Session, part: Criterion | Gate, read: Sequence[Reading], series: Series[Reading]
) -> tuple[str, ...]:
    """Write values; where the line is about a change, with what was read before the dose."""
    rises = {rule.measure for rule in part.rules if rule.of == "rise"}
    olds = series.newest(rises, until=session.began_at) if session.began_at else {}
    words = []
    for each in read:
        before = " or ".join(dict.fromkeys(old.reading for old in olds.get(each.instrument, ())))
        words.append(f"{each}; before the dose: {before}" if before else str(each))
    return tuple(dict.fromkeys(words))


def _lacking(
    session: Session, series: Series[Reading], missing: Sequence[str], found: Mapping[str, Sequence[Reading]], *,
    begin: datetime, now: datetime,
) -> Iterator[str]:  # fmt: skip
    """Say what is wrong with each measure that is missing."""
    unread = [each for each in missing if each not in found]
    old = series.newest(unread, until=now, since=begin)
    if never := [each for each in unread if each not in old]:
        since = " since the dose ended" if session.dosed_until else " since the dose began" if session.began_at else ""
        yield f"Not measured{since}: {', '.join(never)}."
    if old:
        limit = stretch(int(READING_FRESH / MINUTE))
        yield f"Measured more than {limit} ago; measure again: {', '.join(each for each in unread if each in old)}."
    if alone := [each for each in missing if each in found]:
        yield f"Not measured before the dose, so there is nothing to compare with: {', '.join(alone)}."


def _minimum_stay(session: Session, asked: Asked, own: Criterion | None, now: datetime) -> Line:
    part = own or HOUSE[MINIMUM_STAY]
    words = _words(asked, part)
    if asked.session is not None and own is None:
        words |= {"source": asked.source_words(asked.session.citation), "status": asked.session.status or ""}
    key = f"{'discharge' if own else 'house'}/{MINIMUM_STAY}"
    if session.began_at is None:
        return Line(key, words["text"], LineState.MISSING, "clock", ("the dose has not begun",))
    until = session.began_at + timedelta(minutes=asked.minimum_stay_min)
    state = LineState.MET if until <= now else LineState.UNMET
    gone = int(minutes_between(session.began_at, now))
    why = f"{gone} min since the dose began; at least {asked.minimum_stay_min:g} min."
    return Line(key, words["text"], state, "clock", (why,), until,
                source=words["source"], status=words["status"])  # fmt: skip


def _open_gates(session: Session, asked: Asked, now: datetime) -> Line:
    """Ask for a word about every time a gate was closed, also about one that has long opened again."""
    lines = (*standings_of(session, asked, now=now), *house_standings(session, asked, "time-out"))
    said = [each for each in lines if each.is_answered_by_hand and each.needs_word]
    closed = [each for each in closures_of(session, asked, now=now) if each.needs_word]
    waiting = [_with_time(each, session, now) for each in (*said, *closed)]
    state = LineState.UNMET if waiting else LineState.MET
    return Line(OPEN_GATES.key, OPEN_GATES.text, state, "clock", tuple(waiting), status="a check of the house")


def _with_time(standing: Standing, session: Session, now: datetime) -> str:
    since = (standing.closed_since or now).astimezone(session.facility.zone)
    return f"From {since:%H:%M}: {'; '.join(standing.because).rstrip('.')}. Rule: {standing.text}"


def _emergency(session: Session) -> Iterator[Line]:
    steps = emergency_steps(session)
    if not steps:
        return
    last = steps[-1]
    state = LineState.UNMET if emergency_runs(session) else LineState.MET
    yield Line(EMERGENCY.key, EMERGENCY.text, state, "clock",
               (str(last.get_step_display()),), last.at, _name(last), status="a check of the house")  # fmt: skip


def _words(asked: Asked, part: Criterion | Gate | HouseCheck) -> dict[str, str]:
    text = " ".join(part.text.split())
    if isinstance(part, HouseCheck):
        return {"text": text, "source": "", "status": "a check of the house"}
    return {"text": text, "source": asked.source_words(part.citation), "status": part.status}


def _names(readings: Sequence[Reading]) -> str:
    return ", ".join(dict.fromkeys(name for name in map(_name, readings) if name))


def _name(entry: Reading | Answer | EmergencyStep) -> str:
    return entry.by.name if entry.by else ""
