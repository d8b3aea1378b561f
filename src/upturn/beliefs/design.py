"""Who is asked about what at which visit: a study of the belief-updating task, laid out as arrays.

What lives here: groups, visits, event lists and fillers as a frozen layout. What does not: what the task asks
(``task``), and what is answered (``simulation``). This file loads without JAX.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from upturn.beliefs.task import events, fillers, lists_of_visits, task
from upturn.errors import InputError

__all__ = ["Layout", "StudyDesign", "event_names", "layout", "study_design"]


class Layout(NamedTuple):
    """Hold who is asked about what, as arrays that a program may use.

    Parameters
    ----------
    group, number
        Each person's group and number; the number decides the person's random key.
    event, asked
        Which event each trial asks about, and whether there is such a trial (people differ in lists and visits).
    filler
        Which filler events.
    attends
        Whether the person has the visit.
    base_rate
        Of every event that ``event`` counts [percent].
    lowest, highest
        Limits of estimates [percent].
    """

    group: Int[np.ndarray, " person"]
    number: Int[np.ndarray, " person"]
    event: Int[np.ndarray, "person visit trial"]
    asked: Bool[np.ndarray, "person visit trial"]
    filler: Int[np.ndarray, "person visit filler"]
    attends: Bool[np.ndarray, "person visit"]
    base_rate: Float[np.ndarray, " events"]
    lowest: Float[np.ndarray, ""]
    highest: Float[np.ndarray, ""]


@dataclass(frozen=True)
class StudyDesign:
    """Lay out a study: names beside the arrays of :class:`Layout`.

    Parameters
    ----------
    participant
        Name of each person.
    group
        Names of the groups.
    visit
        Names of the visits, for each group.
    events
        Names of all events and, after them, of all fillers.
    layout
        The arrays.
    """

    participant: tuple[str, ...]
    group: tuple[str, ...]
    visit: tuple[tuple[str, ...], ...]
    events: tuple[str, ...]
    layout: Layout


def study_design(
    groups: Mapping[str, int],
    visits: Mapping[str, Sequence[str]] | Sequence[str] = ("first",),
    *,
    lists: Sequence[str] = ("a",),
    n_fillers: int = 0,
    rotate: bool = False,
) -> StudyDesign:
    """Lay out a study by its groups and visits.

    Parameters
    ----------
    groups
        Number of people in each group.
    visits
        Names of the visits, of all groups or by group.
    lists
        One event list for all visits, or one per visit, as in :func:`upturn.beliefs.task.event_lists`.
    n_fillers
        Filler events at each visit.
    rotate
        Whether people start with different lists.

    Raises
    ------
    InputError
        An unknown list; lists that do not fit the visits; too many fillers; no people.

    Examples
    --------
    >>> design = study_design({"patients": 26, "controls": 30}, ("before", "after"), n_fillers=8)
    >>> design.layout.event.shape, design.layout.filler.shape
    ((56, 2, 40), (56, 2, 8))
    """
    if not groups or min(groups.values()) < 1:
        raise InputError("A study needs people.", expected="one person or more in each group", came=str(dict(groups)))
    named = {group: tuple(visits[group] if isinstance(visits, Mapping) else visits) for group in groups}
    attended = [(i, len(named[name])) for i, name in enumerate(groups) for _ in range(groups[name])]
    names = [f"{name}-{k + 1}" for name in groups for k in range(groups[name])]
    seen = [
        lists_of_visits(_fit(lists, n), visits=n, person=k, rotate=rotate)
        for name, n in ((name, len(named[name])) for name in groups)
        for k in range(groups[name])
    ]
    arrays = layout(seen, n_fillers=n_fillers, group=[g for g, _ in attended])
    return StudyDesign(tuple(names), tuple(groups), tuple(named.values()), event_names(), arrays)


def _fit(lists: Sequence[str], visits: int) -> tuple[str, ...]:
    # A group with fewer visits than lists uses the first ones.
    return tuple(lists[:visits]) if len(lists) > 1 else tuple(lists)


def event_names() -> tuple[str, ...]:
    """Name all events and, after them, all fillers."""
    return (*(event.id for event in events()), *(filler.id for filler in fillers()))


def layout(
    lists: Sequence[Sequence[str]],
    *,
    n_fillers: int,
    group: Sequence[int],
    number: Sequence[int] | Int[np.ndarray, " person"] | None = None,
    visits: int | None = None,
) -> Layout:
    """Turn the event lists of each person's visits into arrays.

    Parameters
    ----------
    lists
        For each person, the list of each visit; people may have different numbers of visits.
    n_fillers
        Filler events at each visit.
    group, number
        Each person's group and number (from 0 on unless given).
    visits
        Number of visits of the longest course (that of these people unless given).

    Raises
    ------
    InputError
        An unknown list or too many fillers.
    """
    tasks = {name: task(name, n_fillers=n_fillers) for name in sorted({name for each in lists for name in each})}
    place = {event.id: i for i, event in enumerate(events())}
    of_list = {name: [place[event.id] for event in one.events] for name, one in tasks.items()}
    most_visits = visits or max(len(each) for each in lists)
    most_trials = max(len(held) for held in of_list.values())
    event = np.zeros((len(lists), most_visits, most_trials), dtype=int)
    asked = np.zeros(event.shape, dtype=bool)
    attends = np.zeros(event.shape[:2], dtype=bool)
    for person, each in enumerate(lists):
        for visit, name in enumerate(each):
            held = of_list[name]
            event[person, visit, : len(held)], asked[person, visit, : len(held)] = held, True
            attends[person, visit] = True
    any_task = next(iter(tasks.values()))
    filler = len(events()) + np.broadcast_to(np.arange(n_fillers), (*event.shape[:2], n_fillers))
    return Layout(
        group=np.asarray(group, dtype=int),
        number=np.arange(len(lists)) if number is None else np.asarray(number, dtype=int),
        event=event,
        asked=asked,
        filler=filler,
        attends=attends,
        base_rate=np.array([each.base_rate for each in events()]),
        lowest=np.asarray(any_task.lowest),
        highest=np.asarray(any_task.highest),
    )
