"""What happens when: encounters and their windows, ratings, the treatment session.

What lives here: the entries of ``encounters``, ``assessments`` and ``session``. What does not: gates and criteria
(``rules``), and scoring a scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field, model_validator

from upturn.protocol.faults import Fault, Path, refuse
from upturn.protocol.rules import Criterion, Gate, Rule
from upturn.protocol.values import (
    Duration,
    Instrument,
    Measure,
    Moment,
    Name,
    Part,
    Sourced,
    Status,
    Text,
    Times,
    faults_in_times,
    times_h,
)

__all__ = [
    "Assessment", "BeforeDose", "BeliefTask", "Encounter", "Session", "Timepoint", "Window", "faults_of_readings",
]  # fmt: skip

BELIEF_UPDATING = "belief-updating task"


class Window(Part):
    """How much earlier or later than planned an encounter may be."""

    before_h: Duration = Field(alias="before", default=0.0)
    """How much earlier."""
    after_h: Duration = Field(alias="after", default=0.0)
    """How much later."""


class Encounter(Part):
    """A visit, planned from an anchor."""

    id: Name
    """A name for the visit, once per protocol."""
    title: Text | None = None
    """The visit in words."""
    at_h: Moment = Field(alias="at")
    """When, after the anchor; negative is before it."""
    window: Window = Window()
    """How much earlier or later it may be."""
    anchor: Literal["first dose", "last dose"] = "first dose"
    """What the time is counted from: the first dose, or the last dose actually given."""

    @property
    def opens_h(self) -> float:
        """Earliest time from the anchor [h]."""
        return self.at_h - self.window.before_h

    @property
    def closes_h(self) -> float:
        """Latest time from the anchor [h]."""
        return self.at_h + self.window.after_h


class BeliefTask(Part):
    """What a belief-updating task asks: the event lists, filler events, and what comes after the estimates."""

    lists: tuple[Literal["a", "b", "c", "d", "e", "f"], ...] = Field(min_length=1)
    """The event list of each visit, in order; one list serves all visits."""
    visits: tuple[Name, ...] = ()
    """What each visit is called in the records, so that arms with other times share a word; else its time."""
    rotate: bool = Field(default=False, strict=True)
    """Whether each person starts one list further than the person before."""
    fillers: int = Field(default=0, ge=0, le=8, strict=True)
    """How many filler events are asked about twice without a base rate, at each visit."""
    runs: Literal[1, 2] = 2
    """1: the second estimate follows the base rate at once; 2: it comes in a second run."""
    ratings: bool = Field(default=False, strict=True)
    """Whether familiarity, experience, vividness, arousal and negativity of each event are rated at the end."""
    memory_test: bool = Field(default=False, strict=True)
    """Whether the base rates are asked for at the end."""


class Assessment(Sourced):
    """A rating scale or task, with its times after the first dose."""

    instrument: Instrument
    """The scale or task."""
    at: Times
    """Times after the first dose: a list, or {every: P14D, from: P28D, until: P180D}."""
    recall_h: Duration | None = Field(alias="recall", default=None)
    """The stretch of time the questions are about, such as PT24H or P7D."""
    rater: Literal["blinded", "treating", "self"]
    """Who rates."""
    arms: tuple[Name, ...] = ()
    """The arms it is done in; all arms where nothing is written."""
    events: int | None = Field(default=None, ge=1, strict=True)
    """How many life events a belief-updating task asks about."""
    task: BeliefTask | None = None
    """What a belief-updating task asks."""

    @property
    def at_h(self) -> tuple[float, ...]:
        """Times after the first dose [h]."""
        return times_h(self.at)

    @model_validator(mode="after")
    def _is_sound(self) -> Assessment:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        yield from faults_in_times(self.at, at=("at",))
        if not self.at_h:
            yield Fault(("at",), "The assessment has no times.", expected="such as [PT2H, P1D]", came="an empty list")
        if self.events is not None and self.instrument != BELIEF_UPDATING:
            yield Fault(
                ("events",),
                "Only a belief-updating task has life events.",
                expected="nothing",
                came=str(self.events),
            )
        if self.task is not None:
            yield from self._faults_of_task(self.task)

    def _faults_of_task(self, task: BeliefTask) -> Iterator[Fault]:
        if self.instrument != BELIEF_UPDATING:
            yield Fault(
                ("task",),
                "Only a belief-updating task has event lists.",
                expected=f"instrument: {BELIEF_UPDATING}",
                came=f"instrument: {self.instrument}",
            )
        if len(task.lists) not in (1, len(self.at_h)):
            yield Fault(
                ("task", "lists"),
                "The event lists do not fit the visits.",
                expected=f"one list, or one for each of the {len(self.at_h)} times",
                came=", ".join(task.lists),
            )
        if task.visits and (len(task.visits) != len(self.at_h) or len(set(task.visits)) != len(task.visits)):
            yield Fault(
                ("task", "visits"),
                "The names of the visits do not fit their times.",
                expected=f"{len(self.at_h)} names, each once",
                came=", ".join(task.visits),
            )
        if task.rotate and len(task.lists) == 1:
            yield Fault(
                ("task", "rotate"),
                "One list cannot rotate.",
                expected="one list for each time",
                came=f"lists: [{task.lists[0]}]",
            )


class Timepoint(Part):
    """A moment of the session and what is measured then."""

    at_h: Moment = Field(alias="at")
    """When, after the start of the dose; negative is before it."""
    measures: tuple[Measure, ...] = Field(min_length=1)
    """What is measured."""


class BeforeDose(Part):
    """How long what is done before a dose still counts when the dose begins; after that it is done again."""

    readings_h: Duration = Field(alias="readings")
    """How old a reading may be on which a gate or a line of the arrival list rests."""
    check_h: Duration = Field(alias="check")
    """How old the second person's check of what was drawn may be."""
    time_out_h: Duration = Field(alias="time_out")
    """How old the time-out may be."""
    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""

    @model_validator(mode="after")
    def _is_sound(self) -> BeforeDose:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        for name in ("readings", "check", "time_out"):
            if not getattr(self, f"{name}_h"):
                yield Fault((name,), "Nothing can be done in no time.", expected="more than zero", came="PT0S")


class Session(Part):
    """What is done around each dose given under observation."""

    timepoints: tuple[Timepoint, ...] = Field(min_length=1)
    """When what is measured."""
    minimum_stay_h: Duration = Field(alias="minimum_stay")
    """Shortest stay after the start of the dose."""
    before_dose: BeforeDose | None = None
    """How old readings, check and time-out may be when the dose begins; the clinic's own limits unless written."""
    arrival: tuple[Criterion, ...] = ()
    """What must hold before the dose; all of it."""
    discharge: tuple[Criterion, ...] = ()
    """What must hold before a person leaves; all of it."""
    citation: Name | None = None
    """The id of the source the times rest on."""
    status: Status | None = None
    """How far the times can be trusted."""

    @model_validator(mode="after")
    def _is_sound(self) -> Session:
        refuse(faults_in_times(tuple(each.at_h for each in self.timepoints), at=("timepoints",)))
        return self


def faults_of_readings(session: Session | None, gates: Sequence[Gate]) -> Iterator[Fault]:
    """Yield a fault for each rule of a session that rests on what nobody measures in time for it."""
    for place, gate in enumerate(gates):
        # A gate without ``when`` may come from a file that is older than this check; it stays valid.
        if gate.when is not None:
            yield from _unmeasured(session, gate, before=gate.when == "before", path=("gates", place))
    if session is None:
        return
    for place, criterion in enumerate(session.arrival):
        yield from _unmeasured(session, criterion, before=True, path=("session", "arrival", place))
    for place, criterion in enumerate(session.discharge):
        yield from _unmeasured(session, criterion, before=False, path=("session", "discharge", place))


def _unmeasured(session: Session | None, part: Gate | Criterion, *, before: bool, path: Path) -> Iterator[Fault]:
    points = session.timepoints if session else ()
    early = {measure for each in points if each.at_h <= 0 for measure in each.measures}
    late = {measure for each in points if each.at_h > 0 for measure in each.measures}
    for place, rule in enumerate(part.rules):
        here: Path = (*path, "rules", place)
        if rule.measure == "age":
            continue
        if before and rule.of == "rise":
            # A gate of this kind is refused by itself already.
            if isinstance(part, Criterion):
                yield Fault(
                    (*here, "of"), "Before the dose there is no rise yet.", expected="of: value", came="of: rise"
                )
        elif rule.measure not in (early if before else late):
            yield _absent(rule, early if before else late, here, "before the dose" if before else "after the dose")
        elif rule.of == "rise" and rule.measure not in early:
            yield _absent(rule, early, here, "before the dose, to count a rise from")


def _absent(rule: Rule, measured: set[Measure], path: Path, where: str) -> Fault:
    return Fault(
        (*path, "measure"),
        f"The {rule.measure} is not measured {where}.",
        expected=f"one of: {', '.join(sorted(measured))}" if measured else "a time point of the session there",
        came=rule.measure,
        remedy="measure it at a time point of the session, or let a person answer",
    )
