"""What the same study would have shown had nobody's asymmetry changed.

The study is simulated again and again with the beliefs, the noise and the scaling that were seen in each group at each
visit, and with an asymmetry that stays. Whatever the published analyses then find is made by the shift of beliefs and
by noise: the share of studies in which they fire, and the effect that a reader should subtract in mind. What lives
here: those studies. What does not: the analyses (``naive``, ``beliefs.scores``, ``sessions``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import Layout
from upturn.beliefs.people import BeliefPopulation, belief_population
from upturn.beliefs.scores import score
from upturn.beliefs.simulation import simulate_learners
from upturn.inference.beliefs.hierarchy import BeliefFit
from upturn.inference.beliefs.likelihood import bounds
from upturn.inference.beliefs.naive import ALPHA, changes, least_squares, t_test, two_sided_p
from upturn.inference.beliefs.questions import Question
from upturn.inference.beliefs.sessions import Sessions, summarise

__all__ = ["Analysis", "Null", "carried_share", "heaping", "null", "null_population", "study_layout"]

Analysis = Literal["model-free", "two-step", "careful"]
"""Mean update after good less after bad news; least squares; sessions read with errors in the first estimate."""

# Studies simulated side by side: what fits into memory without being slow.
AT_ONCE = 25


@dataclass(frozen=True)
class Null:
    """Hold what one analysis found in studies in which asymmetry did not change.

    Parameters
    ----------
    question
        The comparison.
    analysis
        Which one.
    carried
        Share of the first estimate's error that learning started from [0 to 1].
    differences
        What it found in each study [fraction; points for ``model-free``].
    fired
        Number of studies with p < 0.05.
    """

    question: Question
    analysis: Analysis
    carried: float
    differences: Float[np.ndarray, " study"] = field(repr=False)
    fired: int

    @property
    def studies(self) -> int:
        """Number of studies."""
        return len(self.differences)

    @property
    def rate(self) -> float:
        """Share of the studies that fired: the false-positive rate."""
        return self.fired / self.studies

    @property
    def rate_interval(self) -> tuple[float, float]:
        """Bounds of its 95 % Monte-Carlo interval (Wilson 1927)."""
        z, n = NormalDist().inv_cdf(1 - ALPHA / 2), self.studies
        middle = (self.rate + z**2 / (2 * n)) / (1 + z**2 / n)
        reach = z / (1 + z**2 / n) * np.sqrt(self.rate * (1 - self.rate) / n + z**2 / (4 * n**2))
        return max(float(middle - reach), 0.0), min(float(middle + reach), 1.0)

    @property
    def mean(self) -> float:
        """Spurious effect: mean of the differences."""
        return float(np.mean(self.differences))

    @property
    def mean_error(self) -> float:
        """Monte-Carlo standard error of that mean."""
        return self.sd / float(np.sqrt(self.studies))

    @property
    def sd(self) -> float:
        """Spread of the differences between studies."""
        return float(np.std(self.differences, ddof=1))

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds between which 95 % of the studies lie."""
        low, high = np.quantile(self.differences, [ALPHA / 2, 1 - ALPHA / 2])
        return float(low), float(high)


def carried_share(found: BeliefFit) -> float:
    """Give the share of the first estimate's error that learning starts from: posterior mean, or as it was fixed."""
    if "carried" in found.draws:
        return float(found.draws["carried"].mean())
    return found.sessions.carried


def heaping(answers: Answers) -> tuple[float, float]:
    """Estimate the shares of answers that are rounded to multiples of 10 and of 5.

    Of multiples of 10, 5 and 1, an odd multiple of 5 is expected in no, every second and every tenth answer, and so is
    an even one in every, every second and every tenth: two equations for two shares.

    Examples
    --------
    Answers that are all multiples of 10:

    >>> from upturn.beliefs.design import study_design
    >>> from upturn.beliefs.simulation import simulate_study
    >>> people = belief_population(tens=1.0, fives=0.0)
    >>> tens, fives = heaping(simulate_study(jax.random.key(1), study_design({"healthy": 4}), people))
    >>> round(tens, 2), round(fives, 2)
    (1.0, 0.0)
    """
    lowest, highest = bounds()
    said = answers.first[answers.answered]
    inside = said[(said > lowest) & (said < highest)]
    if not len(inside):
        return 0.0, 0.0
    ten, odd_five = float(np.mean(inside % 10 == 0)), float(np.mean(inside % 10 == 5))
    tens = min(max(ten - odd_five, 0.0), 1.0)
    fives = min(max((odd_five - (1 - tens) / 10) / (0.5 - 1 / 10), 0.0), 1.0 - tens)
    return tens, fives


def study_layout(
    answers: Answers, visits: Mapping[str, tuple[str, ...]]
) -> tuple[Layout, Int[np.ndarray, "2 session"]]:
    """Lay out who was asked about what, as it was in the study.

    Parameters
    ----------
    answers
        The study; trials that were not answered are not asked again.
    visits
        Visits of each group in time.

    Returns
    -------
    tuple
        The layout, and for each session of the answers its person and place.
    """
    names = tuple(dict.fromkeys(answers.participant))
    number = {name: i for i, name in enumerate(names)}
    person = np.array([number[p] for p in answers.participant])
    place = np.array([visits[g].index(v) for g, v in zip(answers.group, answers.visit, strict=True)])
    groups = list(visits)
    group = np.zeros(len(names), dtype=int)
    group[person] = [groups.index(g) for g in answers.group]
    shape = (len(names), max(len(each) for each in visits.values()))

    def by_person(values: np.ndarray) -> np.ndarray:
        grid = np.zeros((*shape, *values.shape[1:]), dtype=values.dtype)
        grid[person, place] = values
        return grid

    rate = np.zeros(len(answers.events))
    rate[answers.event[answers.answered]] = answers.base_rate[answers.answered]
    lowest, highest = bounds()
    plan = Layout(
        group=group,
        number=np.arange(len(names)),
        event=by_person(answers.event),
        asked=by_person(answers.answered),
        filler=by_person(answers.filler_event),
        attends=by_person(np.ones(len(person), dtype=bool)),
        base_rate=rate,
        lowest=np.asarray(lowest),
        highest=np.asarray(highest),
    )
    return plan, np.stack([person, place])


def null_population(found: BeliefFit, answers: Answers, visits: Mapping[str, tuple[str, ...]]) -> BeliefPopulation:
    """Give the population of the null: everything as it was seen, but for a change of asymmetry.

    Beliefs, their spread and both kinds of noise are those of the fit's sessions, averaged by group and visit; S and
    the spread between people are posterior means; each group's asymmetry is its posterior mean over its visits.

    Parameters
    ----------
    found
        The fit with errors in the first estimate.
    answers
        What was fitted.
    visits
        Visits of each group in time.
    """
    sessions, draws = found.sessions, found.draws
    groups = list(visits)
    shape = (len(groups), max(len(each) for each in visits.values()))
    cells = {name: np.zeros(shape) for name in ("belief_mean", "report_noise", "answer_noise", "scaling", "asymmetry")}
    for cell, (group, visit) in enumerate(sessions.cells):
        own = sessions.numbers[sessions.cell == cell].mean(axis=0)
        at = groups.index(group), visits[group].index(visit)
        cells["belief_mean"][at] = own[0]
        cells["report_noise"][at], cells["answer_noise"][at] = np.exp(own[2]), np.exp(own[3])
        cells["scaling"][at] = draws["scaling"][..., cell].mean()
    for i, group in enumerate(groups):
        of_group = [cell for cell, (name, _) in enumerate(sessions.cells) if name == group]
        cells["asymmetry"][i] = draws["asymmetry"][..., of_group].mean()
    people, passing = draws["people"].mean(axis=(0, 1)), draws["visits"].mean(axis=(0, 1))
    lasting, within = _belief_spread(sessions)
    tens, fives = heaping(answers)
    numbers = {
        "scaling_sd": people[0], "asymmetry_sd": people[1], "belief_sd": lasting,
        "scaling_visit_sd": passing[0], "asymmetry_visit_sd": passing[1], "belief_visit_sd": within,
        "event_sd": float(np.std(sessions.event_belief)), "belief_spread": float(np.exp(sessions.numbers[:, 1]).mean()),
        "noise_spread": float(np.std([each - _of_cells(sessions, each) for each in sessions.numbers.T[2:4]])),
        "tens": tens, "fives": fives, "missing": 0.0, "carried": carried_share(found), "retained": 0.0,
    }  # fmt: skip
    between = float(draws["correlation"].mean())
    both = jnp.eye(3).at[0, 1].set(between).at[1, 0].set(between)
    population = belief_population(groups=shape[0], visits=shape[1], **numbers)
    return replace(population, correlation=both, **{name: jnp.asarray(values) for name, values in cells.items()})


def _of_cells(sessions: Sessions, values: Float[np.ndarray, " session"]) -> Float[np.ndarray, " session"]:
    means = np.bincount(sessions.cell, values) / np.bincount(sessions.cell)
    return means[sessions.cell]


def _belief_spread(sessions: Sessions) -> tuple[float, float]:
    """Part the spread of sessions' mean beliefs about their cell into that between people and that between visits."""
    rest = sessions.numbers[:, 0] - _of_cells(sessions, sessions.numbers[:, 0])
    count = np.bincount(sessions.person)
    means = np.bincount(sessions.person, rest) / count
    free = max(len(rest) - len(count), 1)
    within = float(np.sum((rest - means[sessions.person]) ** 2) / free)
    between = max(float(np.var(means)) - within / float(count.mean()), 0.0)
    return float(np.sqrt(between)), float(np.sqrt(within))


class _Studies(NamedTuple):
    """Hold the answers of many simulated studies."""

    first: Float[np.ndarray, "study session trial"]
    second: Float[np.ndarray, "study session trial"]
    filler_first: Float[np.ndarray, "study session filler"]
    filler_second: Float[np.ndarray, "study session filler"]


@jax.jit
def _simulated(keys: Array, plan: Layout, population: BeliefPopulation) -> tuple[Array, ...]:
    def one(key: Array) -> tuple[Array, ...]:
        said, _ = simulate_learners(key, plan, population)
        return said.first, said.second, said.filler_first, said.filler_second

    return jax.lax.map(one, keys, batch_size=AT_ONCE)


def null(
    found: BeliefFit,
    answers: Answers,
    visits: Mapping[str, tuple[str, ...]],
    asked: Sequence[Question],
    *,
    studies: int,
    careful: int = 0,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Null, ...]:
    """Analyse simulated studies in which nobody's asymmetry changed.

    Parameters
    ----------
    found
        The fit with errors in the first estimate.
    answers, visits, asked
        The study, the visits of its groups, and what is asked of it.
    studies
        How many studies, for the two published analyses.
    careful
        For how many of them the sessions are also read with errors in the first estimate, and their changes compared by
        the same t test; each takes a second or two.
    seed
        Of the random key: the same seed gives the same studies.
    progress
        Told after each step.

    Returns
    -------
    tuple of Null
        For every question and analysis: with the share carried as it was learnt, with none, and with all.
    """
    plan, (person, place) = study_layout(answers, visits)
    population = null_population(found, answers, visits)
    keys = jax.random.split(jax.random.key(seed), studies)
    results = []
    for carried in dict.fromkeys((float(population.carried), 0.0, 1.0)):
        told = _simulated(keys, plan, replace(population, carried=jnp.asarray(carried)))
        drawn = _Studies(*(np.asarray(each)[:, person, place] for each in told))
        values = {"model-free": _bias(answers, drawn), "two-step": _asymmetry(answers, drawn)}
        progress(1)
        if careful:
            values["careful"] = _carefully(answers, drawn, careful, progress)
        results += [
            _judged(each, name, carried, values[name], answers)  # type: ignore[arg-type]
            for each in asked
            for name in values
        ]
    return tuple(results)


def _judged(
    asked: Question, name: Analysis, carried: float, values: Float[np.ndarray, "study session"], answers: Answers
) -> Null:
    one, two = asked.sessions(answers)
    difference, se, freedom = t_test(changes(values, one), changes(values, two))
    known = np.isfinite(difference) & (se > 0)
    p = two_sided_p(difference[known] / se[known], freedom[known])
    return Null(asked, name, carried, difference[known], int(np.sum(p < ALPHA)))


def _asymmetry(answers: Answers, drawn: _Studies) -> Float[np.ndarray, "study session"]:
    there = answers.answered & np.isfinite(drawn.first) & np.isfinite(drawn.second)
    return least_squares(drawn.first, drawn.second, answers.base_rate, there)[1]


def _bias(answers: Answers, drawn: _Studies) -> Float[np.ndarray, "study session"]:
    """Score all studies as if they were one large one: a session is scored by itself."""
    n, sessions, _ = drawn.first.shape

    def tiled(values: np.ndarray) -> np.ndarray:
        return np.tile(values, (n, 1))

    fillers = drawn.filler_first.shape[2]
    large = Answers(
        participant=answers.participant * n, group=answers.group * n, visit=answers.visit * n, events=answers.events,
        event=tiled(answers.event), base_rate=tiled(answers.base_rate),
        first=drawn.first.reshape(n * sessions, -1), other=tiled(np.full(answers.other.shape, np.nan)),
        second=drawn.second.reshape(n * sessions, -1), trust=tiled(np.full(answers.trust.shape, np.nan)),
        answered=tiled(answers.answered), filler_event=tiled(answers.filler_event),
        filler_first=drawn.filler_first.reshape(n * sessions, fillers),
        filler_second=drawn.filler_second.reshape(n * sessions, fillers),
        filler_answered=tiled(answers.filler_answered),
    )  # fmt: skip
    return score(large).bias.reshape(n, sessions)


def _carefully(
    answers: Answers, drawn: _Studies, studies: int, progress: Callable[[int], None]
) -> Float[np.ndarray, "study session"]:
    found = []
    for i in range(min(studies, len(drawn.first))):
        one = replace(
            answers,
            first=np.where(answers.answered, drawn.first[i], np.nan),
            second=np.where(answers.answered, drawn.second[i], np.nan),
            filler_first=drawn.filler_first[i],
            filler_second=drawn.filler_second[i],
        )
        found.append(summarise(one).at[:, 1])
        progress(1)
    return np.array(found)
