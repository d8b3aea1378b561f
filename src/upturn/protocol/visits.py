"""What happens when: encounters and their windows, ratings, the treatment session, gates, discharge.

What lives here: the entries of ``encounters``, ``assessments``, ``session`` and ``gates``. What does not:
scoring a scale, and deciding a gate for a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, model_validator

from upturn.protocol.faults import Fault, refuse
from upturn.protocol.values import (
    Duration,
    Instrument,
    Measure,
    Moment,
    Name,
    Number,
    Part,
    Sourced,
    Status,
    Text,
    Times,
    faults_in_times,
    times_h,
)

__all__ = ["Assessment", "BeliefTask", "Criterion", "Encounter", "Gate", "Rule", "Session", "Timepoint", "Window"]

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


class Criterion(Part):
    """A condition for leaving, to be confirmed by a person."""

    id: Name
    """A name for the criterion, once per protocol."""
    text: Text
    """The condition in words."""
    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""


class Session(Part):
    """What is done around each dose given under observation."""

    timepoints: tuple[Timepoint, ...] = Field(min_length=1)
    """When what is measured."""
    minimum_stay_h: Duration = Field(alias="minimum_stay")
    """Shortest stay after the start of the dose."""
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


class Rule(Part):
    """A measured limit; exactly one of the four is written."""

    measure: Measure
    """What is measured."""
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
        limits = {
            "above": self.above,
            "below": self.below,
            "at_least": self.at_least,
            "at_most": self.at_most,
        }
        written = [name for name, value in limits.items() if value is not None]
        if len(written) != 1:
            came = " and ".join(written) or "nothing"
            refuse([Fault((), "A rule has one limit.", expected=f"one of: {', '.join(limits)}", came=came)])
        return self

    def closes_at(self, value: float) -> bool:
        """Whether the gate closes at this value.

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


class Gate(Part):
    """A reason not to go on: a measured limit, or a criterion that a person answers."""

    id: Name
    """A name for the gate, once per protocol."""
    kind: Literal["hard", "soft"]
    """A hard gate stops; a soft gate asks for a documented decision."""
    at: Literal["screening", "session"]
    """Where the gate stands."""
    text: Text
    """The reason in words, as the team reads it."""
    rules: tuple[Rule, ...] = ()
    """Measured limits; the gate closes when any of them does. Without rules a person answers."""
    citation: Name | None = None
    """The id of the source it rests on."""
    status: Status
    """How far it can be trusted."""
