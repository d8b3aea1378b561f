"""What a study can be asked: whose change between which visits, beside whose.

The published question compares patients' change with that of untreated controls. Nobody is randomised by asking it.
What lives here: groups, their visits in time, and the comparisons that they allow, with those that they do not. What
does not: any analysis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int

from upturn.beliefs.answers import Answers
from upturn.beliefs.reading import SetAside
from upturn.beliefs.reading import answers as read_answers
from upturn.errors import InputError
from upturn.inference.beliefs.naive import places
from upturn.records import Records

__all__ = ["Question", "Study", "comparator_of", "courses", "open_study", "questions"]


@dataclass(frozen=True)
class Study:
    """Hold a study as it can be analysed.

    Parameters
    ----------
    records, answers, set_aside
        What was read, and what of it is not used.
    visits
        Of each group, in time.
    comparator
        The group that others are compared with; None where there is one group.
    questions, cannot
        The comparisons, and sentences about those that cannot be made.
    """

    records: Records
    answers: Answers
    set_aside: tuple[SetAside, ...]
    visits: Mapping[str, tuple[str, ...]]
    comparator: str | None
    questions: tuple[Question, ...]
    cannot: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """Name one comparison: the change of a group between two visits, beside that of another.

    Parameters
    ----------
    group, comparator
        The group of interest, and the one it is compared with.
    visits, comparator_visits
        The visit before and the visit after, of each.
    """

    group: str
    comparator: str
    visits: tuple[str, str]
    comparator_visits: tuple[str, str]

    @property
    def groups(self) -> tuple[str, str]:
        """Both groups."""
        return self.group, self.comparator

    @property
    def words(self) -> str:
        """The comparison in words."""
        (before, after), (before_too, after_too) = self.visits, self.comparator_visits
        return f"{self.group}, {after} v {before}, against {self.comparator}, {after_too} v {before_too}"

    def sessions(self, answers: Answers) -> tuple[Int[np.ndarray, "person 2"], Int[np.ndarray, "other 2"]]:
        """Find the sessions before and after of the people of both groups."""
        one, two = (
            places(answers.participant, answers.group, answers.visit, who=who, before=before, after=after)
            for who, (before, after) in zip(self.groups, (self.visits, self.comparator_visits), strict=True)
        )
        return one, two


def courses(records: Records, answers: Answers) -> dict[str, tuple[str, ...]]:
    """Give the visits of each group, in the order of their usual time.

    Parameters
    ----------
    records
        What the answers were read from; the times of ``updates`` are used.
    answers
        The answers.
    """
    begun = records.updates.group_by("participant", "visit").agg(pl.col("time_h").min())
    time_h = {(p, v): float(t) for p, v, t in begun.iter_rows()}
    found: dict[str, dict[str, list[float]]] = {}
    for p, g, v in zip(answers.participant, answers.group, answers.visit, strict=True):
        found.setdefault(g, {}).setdefault(v, []).append(time_h[p, v])
    usual = {(g, v): float(np.median(times)) for g, of in found.items() for v, times in of.items()}
    return {g: tuple(sorted(of, key=lambda v, g=g: usual[g, v])) for g, of in found.items()}  # type: ignore[misc]


def comparator_of(records: Records, groups: Sequence[str], asked: str | None = None) -> str | None:
    """Say which group the others are compared with.

    Parameters
    ----------
    records
        The study; a group in which nobody had a dose is a comparator.
    groups
        Groups with answers.
    asked
        The reader's choice, where there is one.

    Returns
    -------
    str or None
        The group; None where there is only one. Where all groups, or none, had doses, the last one.

    Raises
    ------
    InputError
        There is no such group.
    """
    if asked is not None and asked not in groups:
        raise InputError("There is no such group.", expected=", ".join(groups), came=asked)
    if len(groups) < 2:
        return None
    given = records.doses.filter(pl.col("amount_mg") > 0).join(records.participants, on="participant")["arm"]
    untreated = [group for group in groups if group not in set(given)]
    return asked or (untreated or list(groups))[-1]


def questions(
    answers: Answers, visits: Mapping[str, tuple[str, ...]], comparator: str | None
) -> tuple[tuple[Question, ...], tuple[str, ...]]:
    """List the comparisons that can be made, and say which cannot.

    Each later visit of each group is compared with its first; the comparator's change is that between its own first and
    last visit.

    Returns
    -------
    tuple
        The comparisons, and sentences about what cannot be answered.

    Examples
    --------
    >>> from upturn.beliefs.design import study_design
    >>> from upturn.beliefs.people import belief_population
    >>> from upturn.beliefs.simulation import simulate_study
    >>> import jax
    >>> design = study_design({"patients": 2}, ("before", "after"))
    >>> alone = simulate_study(jax.random.key(1), design, belief_population(groups=1, visits=2))
    >>> questions(alone, {"patients": ("before", "after")}, None)[1]
    ('There is one group only (patients): a change in it cannot be told from practice and time.',)
    """
    cannot = []
    if comparator is None:
        cannot.append(
            f"There is one group only ({next(iter(visits))}): a change in it cannot be told from practice and time."
        )
    silent = [group for group, own in visits.items() if len(own) < 2]
    if silent:
        who = ", ".join(f"{group}: {visits[group][0]}" for group in silent)
        cannot.append(f"There is one visit only ({who}): no change can be seen there.")
    if comparator is None or comparator in silent:
        return (), tuple(cannot)
    found = []
    for group, own in visits.items():
        if group == comparator:
            continue
        for after in own[1:]:
            against = visits[comparator]
            asked = Question(group, comparator, (own[0], after), (against[0], against[-1]))
            people = [len(each) for each in asked.sessions(answers)]
            if min(people) < 2:
                cannot.append(f"Too few people have both visits ({asked.words}: {people[0]} and {people[1]}).")
            else:
                found.append(asked)
    return tuple(found), tuple(cannot)


def open_study(records: Records, *, comparator: str | None = None) -> Study:
    """Read the answers of a study, and what can be asked of it.

    Parameters
    ----------
    records
        Sound records.
    comparator
        The group that others are compared with; the one without doses unless given.

    Raises
    ------
    RecordsError
        No session has a complete trial.
    InputError
        There is no such group.
    """
    found, set_aside = read_answers(records)
    visits = courses(records, found)
    against = comparator_of(records, list(visits), comparator)
    asked, cannot = questions(found, visits, against)
    return Study(records, found, set_aside, visits, against, asked, cannot)
