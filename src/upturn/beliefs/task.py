"""The belief-updating task: which events are asked about, on which scale, and what is asked besides.

What lives here: the design as data, read from ``events/``. What does not: who takes part and when (``protocol``), how
people answer (``simulation``). This file loads without JAX, so that a clinic can show the task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import yaml

from upturn.errors import InputError
from upturn.parameters import Status, read

__all__ = [
    "Event",
    "Filler",
    "Rating",
    "Task",
    "event_lists",
    "events",
    "fillers",
    "lists_of_visits",
    "ratings",
    "task",
]

Caution = Literal["", "death", "depression", "drug abuse", "serious illness", "sexual dysfunction", "violence"]


@dataclass(frozen=True)
class Event:
    """A life event with the base rate that the task shows.

    Parameters
    ----------
    id, text
        Its name in the records, and its wording.
    base_rate
        How often it happens [percent, 0 to 100].
    source, status
        Where the base rate comes from, and how far it can be trusted.
    lists
        The lists that hold it.
    caution
        Why a clinician looks at it before patients see it; empty where nothing was found. Every event can be skipped.
    """

    id: str
    text: str
    base_rate: float
    source: str
    status: Status
    lists: tuple[str, ...]
    caution: Caution = ""


@dataclass(frozen=True)
class Filler:
    """An event that is asked about twice with nothing shown in between: it measures how much a report varies."""

    id: str
    text: str


@dataclass(frozen=True)
class Rating:
    """A control rating, asked once per event when all estimates are given."""

    id: str
    question: str
    lowest: float
    highest: float
    lowest_means: str
    highest_means: str


@dataclass(frozen=True)
class Task:
    """What one person is asked at one visit.

    Parameters
    ----------
    events
        The events, in the order of their list; whoever shows them shuffles.
    fillers
        The filler events.
    lowest, highest
        Smallest and largest estimate that can be given [percent].
    runs
        1: the second estimate follows the base rate in the same trial; 2: all second estimates come in a second run.
    ratings
        Control ratings; none where they are left out.
    memory_test
        Whether the base rates are asked for at the end.
    """

    events: tuple[Event, ...]
    fillers: tuple[Filler, ...]
    lowest: float
    highest: float
    runs: Literal[1, 2] = 2
    ratings: tuple[Rating, ...] = ()
    memory_test: bool = False


@cache
def events() -> tuple[Event, ...]:
    """Give every event that the project has, in the order of its file.

    Examples
    --------
    >>> events()[0].id, events()[0].base_rate
    ('internet-fraud', 70.0)
    """
    document = _document("events")
    return tuple(
        Event(
            id=entry["id"],
            text=entry["text"],
            base_rate=float(entry["base_rate"]),
            source=document["sources"][entry["source"]],
            status=document["status"],
            lists=tuple(entry["lists"]),
            caution=entry.get("caution", ""),
        )
        for entry in document["events"]
    )


@cache
def event_lists() -> Mapping[str, tuple[Event, ...]]:
    """Give the event lists by name.

    ``a`` is the published list of 40. ``b`` and ``c`` (30 each) are for people who are seen twice, ``d``, ``e`` and
    ``f`` (20 each) for people who are seen three times: within each set no event stands twice and base rates are
    matched in mean, spread and range (the rule stands in ``events/events.yaml``). ``a`` shares events with all others.

    Examples
    --------
    >>> {name: len(held) for name, held in event_lists().items()}
    {'a': 40, 'b': 30, 'c': 30, 'd': 20, 'e': 20, 'f': 20}
    """
    names = sorted({name for event in events() for name in event.lists})
    return {name: tuple(event for event in events() if name in event.lists) for name in names}


@cache
def fillers() -> tuple[Filler, ...]:
    """Give the filler events.

    Examples
    --------
    >>> len(fillers())
    8
    """
    return tuple(Filler(entry["id"], entry["text"]) for entry in _document("fillers")["events"])


@cache
def ratings() -> tuple[Rating, ...]:
    """Give the control ratings, on the six steps of Ossola 2020.

    Examples
    --------
    >>> [rating.id for rating in ratings()]
    ['familiarity', 'experience', 'vividness', 'arousal', 'negativity']
    """
    scale = read("upturn.beliefs", "task").value
    return tuple(
        Rating(
            id=entry["id"],
            question=entry["question"],
            lowest=scale("lowest_rating"),
            highest=scale("highest_rating"),
            lowest_means=entry["lowest"],
            highest_means=entry["highest"],
        )
        for entry in _document("questions")["ratings"]["scales"]
    )


def task(
    name: str = "a",
    *,
    n_fillers: int = 0,
    runs: Literal[1, 2] = 2,
    has_ratings: bool = False,
    memory_test: bool = False,
) -> Task:
    """Put a task together from an event list.

    Parameters
    ----------
    name
        The event list, as in :func:`event_lists`.
    n_fillers
        How many filler events are asked as well, from 0 to all of them.
    runs, has_ratings, memory_test
        As in :class:`Task`.

    Raises
    ------
    InputError
        An unknown list, or more fillers than there are.

    Examples
    --------
    >>> design = task("b", n_fillers=8)
    >>> len(design.events), len(design.fillers), design.lowest, design.highest
    (30, 8, 3.0, 77.0)
    """
    lists = event_lists()
    if name not in lists:
        raise InputError("There is no such event list.", expected=", ".join(lists), came=name)
    if not 0 <= n_fillers <= len(fillers()):
        raise InputError(
            "There are not so many filler events.", expected=f"a number from 0 to {len(fillers())}", came=str(n_fillers)
        )
    limits = read("upturn.beliefs", "task").value
    return Task(
        events=lists[name],
        fillers=fillers()[:n_fillers],
        lowest=limits("lowest_estimate"),
        highest=limits("highest_estimate"),
        runs=runs,
        ratings=ratings() if has_ratings else (),
        memory_test=memory_test,
    )


def lists_of_visits(names: tuple[str, ...], *, visits: int, person: int, rotate: bool) -> tuple[str, ...]:
    """Say which list a person sees at each visit.

    Parameters
    ----------
    names
        One list for all visits, or one per visit.
    visits
        Number of visits.
    person
        Number of the person in the study, from 0; decides the starting list where lists rotate.
    rotate
        Whether each person starts one list further than the one before, so that list and visit are not confounded.

    Raises
    ------
    InputError
        Neither one list nor one per visit.

    Examples
    --------
    >>> lists_of_visits(("d", "e", "f"), visits=3, person=1, rotate=True)
    ('e', 'f', 'd')
    >>> lists_of_visits(("a",), visits=2, person=1, rotate=True)
    ('a', 'a')
    """
    if len(names) not in (1, visits):
        raise InputError(
            "The event lists do not fit the visits.",
            expected=f"one list, or one for each of the {visits} visits",
            came=", ".join(names) or "none",
        )
    start = person if rotate else 0
    return tuple(names[(start + visit) % len(names)] for visit in range(visits))


@cache
def _document(name: str) -> dict[str, Any]:
    text = files("upturn.beliefs").joinpath("events", f"{name}.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document
