"""The published comparison of the twelve models on one study, with what the published one leaves open beside it.

What lives here: which sessions and models take part, and the results put side by side: the two sets of priors,
prediction of left-out people, and estimates by group and visit. What does not: the arithmetic of each
(``persons``, ``selection``, ``leave_one_out``), and reading records (``upturn.beliefs.reading``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool

from upturn.beliefs.answers import Answers
from upturn.beliefs.models import MODELS, Relevance, SignRule
from upturn.inference.beliefs.leave_one_out import LeaveOneOut, loo_by_person
from upturn.inference.beliefs.persons import PRIORS, PersonFits, fit_persons
from upturn.inference.beliefs.selection import Selection, evidence_by_person, select
from upturn.inference.beliefs.sums import trials_used

__all__ = ["Cell", "Comparison", "Estimate", "LeftOut", "compare", "only"]

NOT_SEEN = ("participant", "group", "visit", "events")


@dataclass(frozen=True)
class LeftOut:
    """Name a session that the comparison cannot use, and why."""

    participant: str
    visit: str
    why: str


@dataclass(frozen=True)
class Estimate:
    """Hold one model's numbers in one group at one visit: mean over people and its standard error.

    Parameters
    ----------
    model
        Its name.
    scaling, scaling_sem, asymmetry, asymmetry_sem
        S and A [fraction]; the standard error is not a number for a single person.
    noise
        Mean residual spread [points].
    """

    model: str
    scaling: float
    scaling_sem: float
    asymmetry: float
    asymmetry_sem: float
    noise: float


@dataclass(frozen=True)
class Cell:
    """Hold what one group shows at one visit.

    Parameters
    ----------
    group, visit
        Which.
    people
        How many.
    selection
        Frequency of the models among them, by name of the priors.
    estimates
        The numbers of every model, with the published priors.
    """

    group: str
    visit: str
    people: int
    selection: Mapping[str, Selection]
    estimates: tuple[Estimate, ...]


@dataclass(frozen=True)
class Comparison:
    """Hold the comparison of models on one study.

    Parameters
    ----------
    models
        Names of the models compared: all twelve, or the four that need no estimate for someone else.
    people, sessions, trials
        How many took part.
    left_out
        Sessions that could not.
    selection
        Frequency of the models among people, all visits together, by name of the priors.
    leave_one_out
        Prediction of left-out people; none where there is only one.
    cells
        By group and visit, in order of appearance.
    """

    models: tuple[str, ...]
    people: int
    sessions: int
    trials: int
    left_out: tuple[LeftOut, ...]
    selection: Mapping[str, Selection]
    leave_one_out: LeaveOneOut | None
    cells: tuple[Cell, ...]


def only(answers: Answers, keep: Bool[np.ndarray, " session"]) -> Answers:
    """Give the answers of some of the sessions."""
    rows = np.flatnonzero(keep)
    arrays = {field.name: getattr(answers, field.name)[rows] for field in fields(answers) if field.name not in NOT_SEEN}
    return replace(
        answers,
        participant=tuple(answers.participant[i] for i in rows),
        group=tuple(answers.group[i] for i in rows),
        visit=tuple(answers.visit[i] for i in rows),
        **arrays,
    )


def compare(answers: Answers, *, relevance: Relevance = "corrected", sign: SignRule = "base rate") -> Comparison:
    """Compare the models on one study.

    Where nobody was asked about someone else, the four models that do not need it are compared. Where some sessions
    have no such answer, they are left out by name, so that all models see the same trials.

    Parameters
    ----------
    answers
        All sessions of the study.
    relevance, sign
        See :func:`upturn.beliefs.models.personal_relevance` and :func:`upturn.beliefs.models.news_sign`.

    Raises
    ------
    InputError
        No session has a trial.

    Notes
    -----
    The published comparison is the evidence with the published priors. It is only as good as its premises: learning
    starts from the reported first estimate, and asymmetry is of the order of 1. ``recovery`` shows what comes of both.
    """
    asked = bool((answers.answered & np.isfinite(answers.other)).any())
    models = tuple(name for name, model in MODELS.items() if asked or not model.needs_other)
    used = trials_used(answers, models)
    can = np.asarray(used.any(axis=1))
    why = "no trial with an estimate for someone else" if asked else "no complete trial"
    left_out = tuple(LeftOut(answers.participant[i], answers.visit[i], why) for i in np.flatnonzero(~can))
    answers = only(answers, can)
    fits = {
        name: fit_persons(answers, models=models, priors=priors(), relevance=relevance, sign=sign)
        for name, priors in PRIORS.items()
    }
    people = set(answers.participant)
    return Comparison(
        models=models,
        people=len(people),
        sessions=len(answers.participant),
        trials=int(used.sum()),
        left_out=left_out,
        selection={name: select(evidence_by_person(each)[1], models) for name, each in fits.items()},
        leave_one_out=(
            loo_by_person(answers, models=models, relevance=relevance, sign=sign) if len(people) > 1 else None
        ),
        cells=tuple(
            _cell(*place, fits) for place in dict.fromkeys(zip(answers.group, answers.visit, strict=True))
        ),
    )  # fmt: skip


def _cell(group: str, visit: str, fits: Mapping[str, PersonFits]) -> Cell:
    published = fits["published"]
    here = np.array(
        [place == (group, visit) for place in zip(published.group, published.visit, strict=True)], dtype=bool
    )
    return Cell(
        group=group,
        visit=visit,
        people=int(here.sum()),
        selection={name: select(each.log_evidence[:, here].T, each.models) for name, each in fits.items()},
        estimates=tuple(
            Estimate(
                name,
                *_mean(published.scaling[i, here]),
                *_mean(published.asymmetry[i, here]),
                float(published.noise[i, here].mean()),
            )
            for i, name in enumerate(published.models)
        ),
    )


def _mean(values: np.ndarray) -> tuple[float, float]:
    """Give mean and standard error."""
    if len(values) == 1:
        return float(values[0]), float("nan")
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
