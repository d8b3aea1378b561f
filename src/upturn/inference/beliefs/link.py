"""Whether people whose asymmetry rose more are those whose mood improved more: one joint posterior, with its limits.

An association in people whom nobody randomised. It says nothing about what a drug does, nor by which way: mood may have
moved before learning was measured, and whatever moves both makes an association by itself. What lives here: the change
of mood beside the change of asymmetry, and what the posterior says of their link. What does not: the joint likelihood
(``hierarchy``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from jaxtyping import Float

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.hierarchy import BeliefFit, Mood, fit_sessions
from upturn.inference.beliefs.naive import places
from upturn.inference.beliefs.questions import Question
from upturn.inference.beliefs.sessions import Sessions
from upturn.inference.fit import Diagnostics, Settings
from upturn.parameters import ParameterFile, read
from upturn.records import Records

__all__ = ["Link", "MoodChange", "Summary", "common_cause", "link", "link_numbers", "mood_change", "summary_of"]

MADRS, TOTAL = "MADRS", "total"
# Correlations of a common cause with both that are tried.
COMMON = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)


def link_numbers() -> ParameterFile:
    """Give the numbers of the link with mood, with their sources."""
    return read("upturn.inference", "belief_link")


@dataclass(frozen=True)
class Summary:
    """Hold the mean of some draws, and the bounds of the middle 95 % of them."""

    mean: float
    low: float
    high: float


def summary_of(draws: Float[np.ndarray, " draw"]) -> Summary:
    """Summarise draws.

    Examples
    --------
    >>> summary_of(np.arange(201.0))
    Summary(mean=100.0, low=5.0, high=195.0)
    """
    low, high = np.quantile(draws, [0.025, 0.975])
    return Summary(float(draws.mean()), float(low), float(high))


@dataclass(frozen=True)
class MoodChange:
    """Hold the change of a mood score between two visits.

    Parameters
    ----------
    score
        ``total``, or the total without the item on pessimistic thoughts.
    before, after
        The visits.
    change
        Of each person, in the order of the sessions' participants [points, minus is better]; NaN where not known.
    """

    score: str
    before: str
    after: str
    change: Float[np.ndarray, " person"] = field(repr=False)


@dataclass(frozen=True)
class Link:
    """Hold what the joint posterior says of a change of mood and a change of asymmetry.

    Parameters
    ----------
    question
        The people and visits.
    score
        Which mood score.
    people
        How many have both changes.
    slope
        Points of mood that go with 0.1 of asymmetry (minus: those whose asymmetry rose more improved more).
    correlation
        Of the true change of asymmetry with the change of the mood score as rated [−1 to 1].
    unattenuated
        The same with the mood score freed of its assumed error.
    reliability
        Of a person's estimated change of asymmetry: its true variance over that and its error [0 to 1].
    ceiling
        Largest correlation that estimates could show if the true one were 1: root of both reliabilities' product.
    mood_reliability
        The assumed reliability of the mood score.
    common_cause
        Correlation ρ of an unmeasured common cause with both, and what correlation it would leave.
    estimates, errors, changes
        Of each person: estimated change of asymmetry, its standard error [fraction], change of mood [points].
    diagnostics
        Convergence of the joint fit.
    """

    question: Question
    score: str
    people: int
    slope: Summary
    correlation: Summary
    unattenuated: Summary
    reliability: Summary
    ceiling: Summary
    mood_reliability: float
    common_cause: tuple[tuple[float, Summary], ...]
    estimates: Float[np.ndarray, " known"] = field(repr=False)
    errors: Float[np.ndarray, " known"] = field(repr=False)
    changes: Float[np.ndarray, " known"] = field(repr=False)
    diagnostics: Diagnostics


def common_cause(correlation: Float[np.ndarray, " draw"], rho: float) -> Float[np.ndarray, " draw"]:
    """Give the correlation that is left when a cause of both, correlated rho with each, is held.

    Partial correlation (r − s ρ²)/(1 − ρ²), where s = ±1 is the sign of r: the cause works in the direction of what is
    seen, so that it explains as much as it can. It explains all where ρ² = |r|.

    Parameters
    ----------
    correlation
        r [−1 to 1].
    rho
        ρ [0 to below 1].

    Examples
    --------
    >>> common_cause(np.array([-0.36]), 0.6).round(6).tolist()
    [0.0]
    """
    sign = np.sign(np.mean(correlation))
    return np.clip((correlation - sign * rho**2) / (1 - rho**2), -1.0, 1.0)


def mood_change(
    records: Records, answers: Answers, participants: Sequence[str], asked: Question
) -> tuple[tuple[MoodChange, ...], tuple[str, ...]]:
    """Find the change of mood of the group of interest between two visits.

    The rating nearest to a session counts, if it is near enough (``parameters/belief_link.yaml``) and on the same side
    of the first dose.

    Parameters
    ----------
    records, answers
        The study.
    participants
        Names in the order of the sessions.
    asked
        Whose change between which visits.

    Returns
    -------
    tuple
        Change of the total and, where items were recorded, without that on pessimistic thoughts; and sentences about
        what cannot be said.
    """
    numbers = link_numbers()
    reach, item = numbers.value("nearest_rating"), f"{numbers.value('pessimism_item'):g}"
    rated = records.observations.filter(pl.col("instrument") == MADRS)
    key = pl.col("item").fill_null(TOTAL).str.to_lowercase()
    totals = rated.filter(key == TOTAL)
    digits = key.str.extract(r"(\d+)$", 1).str.strip_chars_start("0")
    items = rated.filter((digits == item) | key.str.contains("pessimis"))
    begun = records.updates.group_by("participant", "visit").agg(time_h=pl.col("time_h").min())
    whole = _at_sessions(totals, begun, reach)
    pessimism = _at_sessions(items, begun, reach)
    if not whole:
        return (), (
            f"There is no {MADRS} total within {reach:g} h of the sessions, so that no link with mood is given.",
        )
    rest = {at: value - pessimism[at] for at, value in whole.items() if at in pessimism}
    before, after = asked.visits
    who = {p for p, g in zip(answers.participant, answers.group, strict=True) if g == asked.group}

    def change(values: dict[tuple[str, str], float], score: str) -> MoodChange | None:
        found = np.array(
            [
                values[p, after] - values[p, before]
                if p in who and (p, before) in values and (p, after) in values
                else np.nan
                for p in participants
            ]
        )
        return MoodChange(score, before, after, found) if np.isfinite(found).sum() > 2 else None

    cannot = []
    with_all, without = change(whole, f"{MADRS} total"), change(rest, f"{MADRS} without pessimistic thoughts")
    if with_all is None:
        cannot.append(
            f"Fewer than three people have a {MADRS} total at {before} and {after}: no link with mood is given."
        )
    elif without is None:
        cannot.append(
            f"The records hold no items of the {MADRS} at these visits: whether the link rests on its item on "
            "pessimistic thoughts, which asks about the same thing as the task, cannot be said."
        )
    return tuple(each for each in (with_all, without) if each is not None), tuple(dict.fromkeys(cannot))


def _at_sessions(rated: pl.DataFrame, begun: pl.DataFrame, reach: float) -> dict[tuple[str, str], float]:
    near = (
        rated.select("participant", "value", rated_h="time_h")
        .join(begun, on="participant")
        .with_columns(apart=(pl.col("rated_h") - pl.col("time_h")).abs())
        # A rating before the first dose never stands for a session after it, however near.
        .filter((pl.col("apart") <= reach) & ((pl.col("rated_h") <= 0) == (pl.col("time_h") <= 0)))
        .sort("apart", "rated_h")
        .unique(["participant", "visit"], keep="first", maintain_order=True)
    )
    return {(p, v): float(x) for p, v, x in near.select("participant", "visit", "value").iter_rows()}


def link(sessions: Sessions, answers: Answers, asked: Question, mood: MoodChange, *, settings: Settings) -> Link | None:
    """Fit the joint posterior of one question and one mood score.

    Parameters
    ----------
    sessions
        With errors in the first estimate.
    answers
        What they summarise.
    asked, mood
        Whose change between which visits.
    settings
        How long to draw.

    Returns
    -------
    Link or None
        None where fewer than three people have both changes.
    """
    at = np.full((len(sessions.participants), 2), -1)
    own = places(
        answers.participant, answers.group, answers.visit, who=asked.group, before=mood.before, after=mood.after
    )
    at[sessions.person[own[:, 0]]] = own
    known = np.isfinite(mood.change) & (at[:, 0] >= 0)
    if known.sum() < 3:
        return None
    joint = fit_sessions(sessions, mood=Mood(mood.change, at[:, 0], at[:, 1]), settings=settings)
    return _read(joint, sessions, asked, mood, at[known], known)


def _read(
    joint: BeliefFit, sessions: Sessions, asked: Question, mood: MoodChange, at: np.ndarray, known: np.ndarray
) -> Link:
    draws = {
        name: joint.draws[name].reshape(-1, *joint.draws[name].shape[2:]) for name in ("link", "mood_noise", "visits")
    }
    # A change is the difference of two visits; what lasts over visits falls out.
    variance = 2 * draws["visits"][:, 1] ** 2
    errors = np.sqrt(np.sum(sessions.standard_errors[at, 1] ** 2, axis=1))
    reliability = variance / (variance + np.mean(errors**2))
    steep = draws["link"]
    correlation = steep * np.sqrt(variance) / np.sqrt(steep**2 * variance + draws["mood_noise"] ** 2)
    mood_reliability = link_numbers().value("madrs_reliability")
    return Link(
        question=asked,
        score=mood.score,
        people=int(known.sum()),
        slope=summary_of(steep / 10),
        correlation=summary_of(correlation),
        unattenuated=summary_of(np.clip(correlation / np.sqrt(mood_reliability), -1.0, 1.0)),
        reliability=summary_of(reliability),
        ceiling=summary_of(np.sqrt(reliability * mood_reliability)),
        mood_reliability=mood_reliability,
        common_cause=tuple((rho, summary_of(common_cause(correlation, rho))) for rho in COMMON),
        estimates=sessions.at[at[:, 1], 1] - sessions.at[at[:, 0], 1],
        errors=errors,
        changes=mood.change[known],
        diagnostics=joint.diagnostics,
    )
