"""How each gate and each line of a checklist stands in one session. Pure: entries in, standings out.

What is closed is said with the protocol's own words and source. When two people entered different values for one cell,
each is judged: a gate is open only when it is open for both. What was done about a closed gate counts for as long as it
stays closed; when it opens and closes again, it is asked anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import product

from upturn import protocol
from upturn.protocol import Criterion, Gate, Readings, Rule
from upturn_clinic.floor.asked import HOUSE, Asked, HouseCheck
from upturn_clinic.floor.models import Answer, GateDecision, Session, Sign, amount
from upturn_clinic.floor.series import AnySeries, Read, series_of

__all__ = [
    "ALWAYS_APPLIES", "Standing", "blocking", "by_hand", "closures_of", "house_standings", "measured", "standings_of",
]  # fmt: skip

SAID, DECISION = Answer.Said, GateDecision.Decision
GOES_ON = (DECISION.GO_ON, DECISION.OVERRIDE)
ALWAYS_HARD = frozenset(each.id for checks in HOUSE.values() for each in checks)
# Asked of everybody, whatever the protocol.
ALWAYS_APPLIES = frozenset({"suicidal-thoughts", "no-new-suicidal-ideation", "escort"})
Part = Gate | Criterion | HouseCheck


@dataclass(frozen=True)
class Standing:
    """One gate or line of a checklist, as it stands.

    Parameters
    ----------
    key
        ``gates/<id>``, ``arrival/<id>`` or ``house/<id>``: what answers and decisions name it by.
    part
        The protocol's entry.
    stands
        ``before``, ``during`` or ``leaving``.
    verdict
        ``open``, ``closed``, or ``unknown`` while something is missing.
    because
        Why it is closed, a line each: the value, its limit.
    because_of
        The keys of the entries that closed it.
    missing
        Measures without which it cannot be judged.
    answer
        What a person answered, where a person answers.
    decision
        What was decided or done about it since it closed.
    closed_since
        When it closed, for as long as it stays closed.
    """

    key: str
    part: Part
    stands: str
    verdict: str
    because: tuple[str, ...] = ()
    because_of: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    answer: Answer | None = None
    decision: GateDecision | None = None
    closed_since: datetime | None = None

    @property
    def text(self) -> str:
        """The protocol's own words."""
        return " ".join(self.part.text.split())

    @property
    def is_hard(self) -> bool:
        """Whether no reason alone is enough. Who this is and whether they consent is hard, whoever asks it."""
        return self.part.id in ALWAYS_HARD or (not isinstance(self.part, HouseCheck) and self.part.kind == "hard")

    @property
    def always_applies(self) -> bool:
        """Whether "not applicable" is no answer to it."""
        return self.is_hard or self.part.id in ALWAYS_APPLIES

    @property
    def may_override(self) -> tuple[str, ...]:
        """The roles that may go on although it is hard; nobody where the protocol names none."""
        return self.part.override if isinstance(self.part, Gate) else ()

    @property
    def asks(self) -> str:
        """What it asks for when it is closed."""
        return self.part.asks if isinstance(self.part, Gate) else "decide"

    @property
    def is_answered_by_hand(self) -> bool:
        """Whether a person answers it, rather than a reading or a tick."""
        return isinstance(self.part, HouseCheck) or not (self.part.rules or self.signs)

    @property
    def signs(self) -> tuple[str, ...]:
        """The signs it looks for."""
        return self.part.signs if isinstance(self.part, Gate) else ()

    @property
    def is_criterion(self) -> bool:
        """Whether it says what must hold (yes is good); a gate says what is a reason not to go on (no is good)."""
        return not isinstance(self.part, Gate)

    @property
    def citation(self) -> str | None:
        """The id of its source."""
        return None if isinstance(self.part, HouseCheck) else self.part.citation

    @property
    def status(self) -> str:
        """How far it can be trusted."""
        return "a check of the house" if isinstance(self.part, HouseCheck) else self.part.status

    @property
    def needs_word(self) -> bool:
        """Whether it is closed and nobody has written down yet what was decided or done."""
        return self.verdict == "closed" and self.decision is None

    @property
    def holds_back(self) -> bool:
        """Whether the dose must not begin or go on because of it."""
        if self.verdict == "open":
            return False
        if self.verdict == "unknown":
            return self.stands == "before"
        if self.is_hard:
            return self.decision is None or self.decision.decision != DECISION.OVERRIDE
        if self.stands == "before":
            return self.decision is None or self.decision.decision not in GOES_ON
        return self.decision is None


def blocking(standings: Iterable[Standing]) -> tuple[Standing, ...]:
    """Give what keeps the dose from beginning or going on."""
    return tuple(each for each in standings if each.holds_back)


def standings_of(
    session: Session, asked: Asked, *, now: datetime, series: AnySeries | None = None
) -> tuple[Standing, ...]:
    """Say how every gate before and during the dose stands, and every line of the arrival checklist.

    Parameters
    ----------
    session
        With its readings, answers, signs and decisions.
    series
        Its readings, where they are sorted already.
    """
    series = series_of(session) if series is None else series
    lines: list[tuple[str, str, Gate | Criterion]] = [("arrival", "before", each) for each in asked.arrival]
    lines += [("gates", each.stands, each) for each in asked.gates if each.stands != "leaving"]
    return (
        *house_standings(session, asked, "arrival"),
        *(_standing(session, asked, f"{section}/{part.id}", part, stands, now, series)
          for section, stands, part in lines),
    )  # fmt: skip


def house_standings(session: Session, asked: Asked, name: str) -> tuple[Standing, ...]:
    """Say how the checks of the house stand that belong to one list, and that the protocol does not ask itself."""
    theirs = {each.id for each in asked.arrival}
    return tuple(by_hand(session, each.key, each, "before") for each in HOUSE[name] if each.id not in theirs)


def _standing(
    session: Session, asked: Asked, key: str, part: Gate | Criterion, stands: str, now: datetime, series: AnySeries
) -> Standing:
    signs = part.signs if isinstance(part, Gate) else ()
    if not (part.rules or signs):
        return by_hand(session, key, part, stands)
    began = session.began_at
    if stands == "before":
        # What was read after the dose began no longer speaks about beginning it, nor what was read too long before.
        until = began or now
        return measured(session, key, part, stands, until=until, since=until - asked.fresh.readings, series=series)
    if began is None:
        return Standing(key, part, stands, "unknown")
    return measured(session, key, part, stands, until=now, since=began, series=series)


def by_hand(session: Session, key: str, part: Part, stands: str) -> Standing:
    """Say how a line stands that a person answers. Unclear answers do not count: the worse one does."""
    answers = [each for each in session.answers.all() if each.counts and each.criterion == key]
    answers.sort(key=lambda each: (each.at, each.noted_at))
    if not answers:
        return Standing(key, part, stands, "unknown")
    last = answers[-1]
    good = {SAID.NO, SAID.NOT_APPLICABLE} if isinstance(part, Gate) else {SAID.YES, SAID.NOT_APPLICABLE}
    if part.id in ALWAYS_HARD and not isinstance(part, Gate):
        good = {SAID.YES}
    # Two people who answered differently: the worse answer stands until one of the two is struck out.
    bad = [each for each in answers if each.answer not in good]
    if not bad:
        return Standing(key, part, stands, "open", answer=last)
    keys = tuple(str(each.pk) for each in bad)
    because = (f"Answered: {bad[-1].get_answer_display()}." + (f" {bad[-1].note}" if bad[-1].note else ""),)
    return Standing(
        key, part, stands, "closed", because, keys, (), bad[-1], _decision(session, key, bad[-1].at, keys), bad[-1].at
    )


def measured(
    session: Session, key: str, part: Gate | Criterion, stands: str, *, until: datetime, since: datetime | None,
    series: AnySeries,
) -> Standing:  # fmt: skip
    """Say how a part stands that readings and signs decide.

    Parameters
    ----------
    until, since
        The stretch of time that counts.
    series
        The readings of the session.
    """
    signs = [each for each in session.signs.all() if each.counts and f"gates/{each.gate}" == key]
    measures = {rule.measure for rule in part.rules}
    rises = {rule.measure for rule in part.rules if rule.of == "rise"}
    before = series.newest(rises, until=session.began_at or until)
    looked = {each.at for each in signs if each.at <= until and (since is None or each.at >= since)}
    times = sorted(looked | series.times(measures, until=until, since=since))
    closed_since = times[-1] if times else until
    now = series.newest(measures, until=closed_since, since=since)
    verdict, passed = _judged(part, now, before, _seen(signs, until=closed_since))
    # Backwards, and only while it was closed: most gates are open, and the board asks this of every session.
    for at in reversed(times[:-1] if verdict == "closed" else []):
        earlier = series.newest(measures, until=at, since=since)
        if _judged(part, earlier, before, _seen(signs, until=at))[0] != "closed":
            break
        closed_since = at
    if verdict != "closed":
        known = Readings(_one(now), _one(before), _seen(signs, until=until))
        return Standing(key, part, stands, verdict, missing=protocol.missing(part, known))
    because, keys = _words(passed, now, before, signs)
    # Before the dose a decision counts for the values it was made on; after a new reading it is made anew.
    needed = frozenset(keys) if stands == "before" else frozenset()
    decision = _decision(session, key, closed_since, keys, needed)
    return Standing(key, part, stands, verdict, because, keys, (), None, decision, closed_since)


def closures_of(session: Session, asked: Asked, *, now: datetime) -> tuple[Standing, ...]:
    """Give every stretch of the session in which readings or signs closed a gate, with what was written about it.

    The last stretch of a gate may still go on. What was struck out closed nothing.
    """
    series = series_of(session)
    lines: list[tuple[str, str, Gate | Criterion]] = [("arrival", "before", each) for each in asked.arrival]
    lines += [("gates", each.stands, each) for each in asked.gates if each.stands != "leaving"]
    found = (
        closure for section, stands, part in lines if part.rules or (isinstance(part, Gate) and part.signs)
        for closure in _closures(session, f"{section}/{part.id}", part, stands, now, series)
    )  # fmt: skip
    return tuple(sorted(found, key=lambda each: each.closed_since or now))


def _closures(
    session: Session, key: str, part: Gate | Criterion, stands: str, now: datetime, series: AnySeries
) -> Iterator[Standing]:
    began = session.began_at
    if stands == "during" and began is None:
        return
    until, since = (began or now, session.arrived_at) if stands == "before" else (now, began)
    signs = [each for each in session.signs.all() if each.counts and f"gates/{each.gate}" == key]
    measures = {rule.measure for rule in part.rules}
    before = series.newest({rule.measure for rule in part.rules if rule.of == "rise"}, until=began or until)
    if not _can_have_closed(session, part, before, signs):
        return
    looked = {each.at for each in signs if each.at <= until and (since is None or each.at >= since)}
    stretch: list[tuple[datetime, tuple[str, ...], tuple[str, ...]]] = []
    for at in sorted(looked | series.times(measures, until=until, since=since)):
        values = series.newest(measures, until=at, since=since)
        verdict, passed = _judged(part, values, before, _seen(signs, until=at))
        if verdict == "closed":
            stretch.append((at, *_words(passed, values, before, signs)))
        elif stretch:
            yield _closure(session, key, part, stands, stretch, until=at)
            stretch = []
    if stretch:
        yield _closure(session, key, part, stands, stretch, until=now)


def _can_have_closed(
    session: Session, part: Gate | Criterion, before: Mapping[str, Sequence[Read]], signs: Sequence[Sign]
) -> bool:
    """Tell whether any reading passes a limit or any sign was seen: most gates are never near one."""
    if any(each.is_present for each in signs):
        return True
    for rule in part.rules:
        olds = [float(each.value) for each in before.get(rule.measure, ())] if rule.of == "rise" else [0.0]
        values = [float(each.value) for each in session.readings.all() if each.instrument == rule.measure]
        if any(rule.closes_at(value - old) for value in values for old in olds):
            return True
    return False


def _closure(
    session: Session, key: str, part: Gate | Criterion, stands: str,
    stretch: Sequence[tuple[datetime, tuple[str, ...], tuple[str, ...]]], *, until: datetime,
) -> Standing:  # fmt: skip
    because = tuple(dict.fromkeys(word for _, words, _ in stretch for word in words))
    keys = tuple(dict.fromkeys(each for _, _, keys in stretch for each in keys))
    since = stretch[0][0]
    about = [
        each for each in session.gatedecisions.all()
        if each.counts and each.gate == key and (set(keys) & set(each.because_of) or since <= each.at < until)
    ]  # fmt: skip
    decision = max(about, key=lambda each: (each.at, each.noted_at), default=None)
    return Standing(key, part, stands, "closed", because, keys, (), None, decision, since)


def _judged(
    part: Gate | Criterion, now: Mapping[str, Sequence[Read]], before: Mapping[str, Sequence[Read]],
    signs: frozenset[str] | None,
) -> tuple[str, tuple[Rule | str, ...]]:  # fmt: skip
    """Judge every way of reading cells that hold two values: closed for one of them is closed."""
    names, olds = list(now), list(before)
    verdict, passed = "unknown", dict[str, Rule | str]()
    for values in product(*(now[name] for name in names)):
        for earlier in product(*(before[name] for name in olds)):
            known = Readings(_values(names, values), _values(olds, earlier), signs)
            found = protocol.judge(part, known)
            if found == "closed":
                passed |= {str(each): each for each in protocol.closing(part, known)}
            verdict = found if verdict == "unknown" or found == "closed" else verdict
    return ("closed" if passed else verdict), tuple(passed.values())


def _words(
    passed: Sequence[Rule | str], now: Mapping[str, Sequence[Read]], before: Mapping[str, Sequence[Read]],
    signs: Sequence[Sign],
) -> tuple[tuple[str, ...], tuple[str, ...]]:  # fmt: skip
    words: list[str] = []
    keys: list[str] = []
    for each in passed:
        if isinstance(each, str):
            words.append(each)
            keys.extend(str(sign.pk) for sign in signs if sign.sign == each and sign.is_present)
            continue
        olds = before.get(each.measure, ()) if each.of == "rise" else (None,)
        for reading in now[each.measure]:
            # Of two values in one cell only the one is named that closes; so of two before the dose.
            closing = [old for old in olds if each.closes_at(float(reading.value) - (float(old.value) if old else 0.0))]
            words += [_fact(each, reading, old) for old in closing]
            keys += [str(reading.pk)] if closing else []
    return tuple(dict.fromkeys(words)), tuple(dict.fromkeys(keys))


def _fact(rule: Rule, reading: Read, old: Read | None) -> str:
    """Say how a value passes a limit, as in "SBP 182 mmHg is at least 160 mmHg"; of a change, from what and how far."""
    name = next(name for name in ("above", "below", "at_least", "at_most") if getattr(rule, name) is not None)
    if old is None:
        return f"{reading} is {name.replace('_', ' ')} {amount(Decimal(f'{rule.limit:g}'), reading.unit)}"
    change = reading.value - old.value
    way = "below" if change < 0 else "above"
    # A limit on a fall is written as a change below nought.
    far, is_rise = Decimal(f"{rule.limit:g}"), name in ("above", "at_least")
    if is_rise == (far >= 0):
        said = amount(abs(far), reading.unit)
        limit = f"more than {said}" if name in ("above", "below") else f"{said} or more"
    else:
        limit = f"a change {name.replace('_', ' ')} {amount(far, reading.unit)}"
    return (
        f"{reading} is {amount(abs(change), reading.unit)} {way} the {old.reading} before the dose; the limit: {limit}"
    )


def _decision(
    session: Session, key: str, since: datetime, keys: Sequence[str], needed: frozenset[str] = frozenset()
) -> GateDecision | None:
    """Find the newest decision that was made about what closed the gate: one that knew all of ``needed``."""
    found = [
        each for each in session.gatedecisions.all()
        if each.counts and each.gate == key and needed <= set(each.because_of)
        and (each.at >= since or set(keys) & set(each.because_of))
    ]  # fmt: skip
    return max(found, key=lambda each: (each.at, each.noted_at), default=None)


def _seen(signs: Sequence[Sign], *, until: datetime) -> frozenset[str] | None:
    """Give the signs that are there; None while nobody looked. "None of these" takes back all that were seen before."""
    looked = sorted((each for each in signs if each.at <= until), key=lambda each: (each.at, each.noted_at))
    if not looked:
        return None
    there: set[str] = set()
    for each in looked:
        if each.is_present:
            there.add(each.sign)
        elif each.sign:
            there.discard(each.sign)
        else:
            there.clear()
    return frozenset(there)


def _values(names: Sequence[str], readings: Sequence[Read]) -> dict[str, float]:
    return {name: float(reading.value) for name, reading in zip(names, readings, strict=True)}


def _one(found: Mapping[str, Sequence[Read]]) -> dict[str, float]:
    return {name: float(readings[-1].value) for name, readings in found.items()}
