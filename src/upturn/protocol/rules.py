"""Reasons not to go on, and what must hold before going on: gates, criteria, measured limits, and how they are judged.

What lives here: the entries of ``gates``, ``session.arrival`` and ``session.discharge``, and ``judge``, the one place
that says whether a rule is closed. What does not: who decides then, and what was done about it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from pydantic import Field, model_validator

from upturn.protocol.doses import Route
from upturn.protocol.faults import Fault, refuse
from upturn.protocol.values import Duration, Measure, Name, Number, Part, Status, Text, iso_text

__all__ = [
    "Consequence", "Criterion", "Gate", "Readings", "Rule", "StaffRole", "Verdict", "applies", "closing", "judge",
    "missing",
]  # fmt: skip

StaffRole = Literal["clinician", "session nurse", "coordinator", "pharmacist"]
Consequence = Literal["decide", "closer", "pause", "stop", "emergency"]
Verdict = Literal["open", "closed", "unknown"]

_SESSION_ENTRIES = ("when", "then", "every", "signs", "override", "only")


class Rule(Part):
    """A measured limit; exactly one of the four is written."""

    measure: Measure
    """What is measured."""
    of: Literal["value", "rise"] = "value"
    """What is compared: the value, or its rise since the last reading before the dose (a fall is negative)."""
    above: Number | None = None
    """The gate closes above this value."""
    below: Number | None = None
    """The gate closes below this value."""
    at_least: Number | None = None
    """The gate closes at this value and above."""
    at_most: Number | None = None
    """The gate closes at this value and below."""

    @model_validator(mode="after")
    def _is_sound(self) -> Rule:
        limits = self._limits()
        written = [name for name, value in limits.items() if value is not None]
        if len(written) != 1:
            came = " and ".join(written) or "nothing"
            refuse([Fault((), "A rule has one limit.", expected=f"one of: {', '.join(limits)}", came=came)])
        return self

    def _limits(self) -> dict[str, float | None]:
        return {"above": self.above, "below": self.below, "at_least": self.at_least, "at_most": self.at_most}

    @property
    def limit(self) -> float:
        """The value that is written, whichever of the four it is."""
        return next(value for value in self._limits().values() if value is not None)

    def closes_at(self, value: float) -> bool:
        """Whether the gate closes at this value (for ``of: rise``: at this rise).

        Examples
        --------
        >>> Rule(measure="SBP", above=140.0).closes_at(140.0)
        False
        """
        return (
            (self.above is not None and value > self.above)
            or (self.below is not None and value < self.below)
            or (self.at_least is not None and value >= self.at_least)
            or (self.at_most is not None and value <= self.at_most)
        )


class Criterion(Part):
    """A condition for going on (at arrival, at leaving): confirmed by a person, or measured."""

    id: Name
    """A name for the criterion, once in its list."""
    text: Text
    """The condition in words, as it must hold."""
    kind: Literal["hard", "soft"] = "soft"
    """Before the dose: where a hard one does not hold, no dose is given; a soft one asks for a documented decision."""
    rules: tuple[Rule, ...] = ()
    """Measured limits; the criterion does not hold where any of them closes. Without rules a person answers."""
    only: tuple[Route, ...] = ()
    """The routes it is asked for; all where nothing is written."""
    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""


class Gate(Part):
    """A reason not to go on: a measured limit, signs that are looked for, or a criterion that a person answers."""

    id: Name
    """A name for the gate, once per protocol."""
    kind: Literal["hard", "soft"]
    """A hard gate stops; a soft gate asks for a documented decision."""
    at: Literal["screening", "session"]
    """Where the gate stands."""
    when: Literal["before", "during", "leaving"] | None = None
    """In a session: before the dose, from its beginning until leaving, or at leaving. Unless written: before."""
    text: Text
    """The reason in words, as the team reads it."""
    rules: tuple[Rule, ...] = ()
    """Measured limits; the gate closes when any of them does."""
    signs: tuple[Text, ...] = ()
    """Signs to look for; the gate closes when any of them is there."""
    only: tuple[Route, ...] = ()
    """The routes it stands for; all where nothing is written."""
    then: Consequence | None = None
    """What a closed gate asks for. Unless written, a hard gate stops and a soft one asks for a decision."""
    every_h: Duration | None = Field(alias="every", default=None)
    """With ``then: closer``: how often to measure from now on, such as PT5M."""
    override: tuple[StaffRole, ...] = ()
    """Who may go on although a hard gate is closed, with reason and signature; nobody where nothing is written."""
    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""

    @property
    def stands(self) -> Literal["before", "during", "leaving"]:
        """When in a session the gate stands."""
        return self.when or "before"

    @property
    def asks(self) -> Consequence:
        """What a closed gate asks for."""
        return self.then or ("stop" if self.kind == "hard" else "decide")

    @model_validator(mode="after")
    def _is_sound(self) -> Gate:
        refuse(chain(self._faults_of_place(), self._faults_of_consequence()))
        return self

    def _faults_of_place(self) -> Iterator[Fault]:
        if self.at == "screening":
            for name in _SESSION_ENTRIES:
                if getattr(self, "every_h" if name == "every" else name):
                    yield Fault((name,), f"A gate at screening has no {name}.", expected="nothing, or at: session")
            rising = [place for place, rule in enumerate(self.rules) if rule.of == "rise"]
        else:
            rising = [place for place, rule in enumerate(self.rules) if rule.of == "rise" and self.stands == "before"]
        for place in rising:
            yield Fault(
                ("rules", place, "of"), "Before the dose there is no rise yet.", expected="of: value",
                came="of: rise", remedy="write when: during, or a limit for the value itself",
            )  # fmt: skip
        if len(set(self.signs)) != len(self.signs):
            yield Fault(("signs",), "A sign stands twice.", expected="each sign once", came=", ".join(self.signs))

    def _faults_of_consequence(self) -> Iterator[Fault]:
        if self.then == "closer" and not self.every_h:
            yield Fault(
                ("every",), "Closer readings need a time between them.", expected="a duration, such as PT5M",
                came="nothing" if self.every_h is None else iso_text(self.every_h),
            )  # fmt: skip
        if self.every_h is not None and self.then != "closer":
            yield Fault(
                ("every",), "Only a gate that asks for closer readings says how often.", expected="then: closer",
                came=f"then: {self.asks}",
            )  # fmt: skip
        if self.override and self.kind == "soft":
            yield Fault(
                ("override",), "A soft gate is decided, not overridden.", expected="kind: hard, or no override",
                came=", ".join(self.override),
            )  # fmt: skip


@dataclass(frozen=True)
class Readings:
    """What is known when a rule is judged.

    Parameters
    ----------
    now
        The newest value of each measure, by its name in the protocol.
    before
        The last value of each measure before the dose began: what a rise is counted from.
    signs
        The signs that are there; None while nobody has looked.
    """

    now: Mapping[str, float] = field(default_factory=dict)
    before: Mapping[str, float] = field(default_factory=dict)
    signs: frozenset[str] | None = None


def judge(part: Gate | Criterion, readings: Readings) -> Verdict:
    """Say whether a gate or a criterion is open, closed, or cannot be judged yet.

    One closed limit or one sign closes it, whatever else is missing. It is open only when every limit could be judged
    and, where it names signs, somebody looked. Without limits and signs a person answers, so that it is unknown here.

    Examples
    --------
    >>> gate = Gate(id="pressure", kind="soft", at="session", text="High.", status="assumed",
    ...             rules=(Rule(measure="SBP", above=140.0), Rule(measure="DBP", above=90.0)))
    >>> judge(gate, Readings({"SBP": 150.0})), judge(gate, Readings({"SBP": 120.0}))
    ('closed', 'unknown')
    """
    if closing(part, readings):
        return "closed"
    signs = part.signs if isinstance(part, Gate) else ()
    nothing_to_judge = not part.rules and not signs
    if nothing_to_judge or missing(part, readings) or (signs and readings.signs is None):
        return "unknown"
    return "open"


def closing(part: Gate | Criterion, readings: Readings) -> tuple[Rule | str, ...]:
    """Give the limits that are passed, and the signs that are there: why a gate is closed."""
    values = ((rule, _value(rule, readings)) for rule in part.rules)
    passed = tuple(rule for rule, value in values if value is not None and rule.closes_at(value))
    signs = part.signs if isinstance(part, Gate) else ()
    return (*passed, *(sign for sign in signs if sign in (readings.signs or ())))


def missing(part: Gate | Criterion, readings: Readings) -> tuple[str, ...]:
    """Name the measures that are needed to judge and are not there, each once."""
    return tuple(dict.fromkeys(rule.measure for rule in part.rules if _value(rule, readings) is None))


def applies(part: Gate | Criterion, route: str) -> bool:
    """Tell whether a gate or a criterion is meant for a route.

    Examples
    --------
    >>> nasal = Criterion(id="nose", text="No nasal spray.", only=("intranasal",), status="assumed")
    >>> applies(nasal, "intranasal"), applies(nasal, "oral")
    (True, False)
    """
    return not part.only or route in part.only


def _value(rule: Rule, readings: Readings) -> float | None:
    now = _finite(readings.now.get(rule.measure))
    if rule.of == "value" or now is None:
        return now
    before = _finite(readings.before.get(rule.measure))
    return None if before is None else now - before


def _finite(value: float | None) -> float | None:
    # A value that is no number would pass every limit: it counts as missing.
    return value if value is not None and math.isfinite(value) else None
