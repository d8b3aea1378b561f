"""How virtual people answer: beliefs held, reported, limited and rounded; learning by any published model.

What lives here: the answers of one session, of one person over visits, and of a study. What does not: who the people
are (``people``), what is asked (``task``), and records (``upturn.trials``).
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import Layout, StudyDesign
from upturn.beliefs.models import predict
from upturn.beliefs.people import BeliefPopulation, Learner, draw_learners, people_numbers
from upturn.beliefs.task import fillers
from upturn.errors import InputError
from upturn.numerics import person_key

__all__ = [
    "Said",
    "simulate_learners",
    "simulate_people",
    "simulate_session",
    "simulate_study",
    "to_answers",
]

MODEL = "reinforcement-scaling-asymmetry"
TENS, FIVES = 10.0, 5.0


class Said(NamedTuple):
    """Hold what was said, trials last; NaN where an answer is missing or nothing was asked.

    Parameters
    ----------
    first, other, second, trust
        Estimates [percent, whole numbers from 3 to 77] and trust [percent].
    filler_first, filler_second
        The two reports about each filler event [percent].
    held, learnt
        What nobody sees: the belief before the base rate, and the model value after it [percent].
    """

    first: Float[Array, "*session trial"]
    other: Float[Array, "*session trial"]
    second: Float[Array, "*session trial"]
    trust: Float[Array, "*session trial"]
    filler_first: Float[Array, "*session filler"]
    filler_second: Float[Array, "*session filler"]
    held: Float[Array, "*session trial"]
    learnt: Float[Array, "*session trial"]


def simulate_session(
    key: Array,
    learner: Learner,
    belief: Float[Array, " trial"],
    filler_belief: Float[Array, " filler"],
    base_rate: Float[Array, " trial"],
    population: BeliefPopulation,
    *,
    lowest: float | Array,
    highest: float | Array,
    model: str = MODEL,
) -> Said:
    """Simulate the answers of one person at one visit.

    first = report of belief m; learning starts from h = m + carried · (first − m) and gives the model value;
    second = report of that value with answer noise. Filler events are reported twice, with report noise each time.

    Parameters
    ----------
    key
        Random key of the session.
    learner
        The person's numbers at this visit.
    belief, filler_belief
        Beliefs held before the task [percent].
    base_rate
        Base rates shown [percent].
    population
        Its habits: trust, rounding, missing answers.
    lowest, highest
        Limits of estimates [percent].
    model
        Any of ``upturn.beliefs.models.MODELS``.

    Returns
    -------
    Said
        The answers, and the beliefs behind them.
    """
    numbers = people_numbers()
    surely = numbers.value("lowest_belief"), numbers.value("highest_belief")
    trials, n_fillers = base_rate.shape[0], filler_belief.shape[0]
    # Two draws, not ten: each one takes a second to compile.
    for_noise, for_chance = jax.random.split(key)
    draws = 4 * trials + 2 * n_fillers
    noise, noise_filler = _apart(jax.random.normal(for_noise, (draws,)), trials)
    # Trials first, so that more fillers leave the trials as they are.
    chance = jax.random.uniform(for_chance, (draws, 2)).T
    rounding, rounding_filler = _apart(chance[0], trials)
    there, there_filler = (each >= population.missing for each in _apart(chance[1], trials))

    def say(value: Array, chance: Array) -> Array:
        step = jnp.where(
            chance < population.tens, TENS, jnp.where(chance < population.tens + population.fives, FIVES, 1.0)
        )
        return jnp.clip(jnp.round(value / step) * step, lowest, highest)

    held = jnp.clip(belief, *surely)
    first = say(held + learner.report_noise * noise[0], rounding[0])
    held_other = _percent(_log_odds(held) - learner.optimism - population.optimism_spread * noise[1])
    other = say(held_other, rounding[1])
    trust = jnp.clip(learner.trust + population.trust_spread * noise[2], 0.0, 100.0)
    start = held + population.carried * (first - held)
    start_other = jnp.clip(held_other + population.carried * (other - held_other), *surely)
    after = predict(model, learner.scaling, learner.asymmetry, start, base_rate, start_other)
    learnt = start + (1 + population.trust_effect * (trust - population.trust) / 100.0) * (after - start)
    second = say(learnt + learner.answer_noise * noise[3], rounding[2])
    filler_held = jnp.clip(filler_belief, *surely)
    filler_said = [say(filler_held + learner.report_noise * noise_filler[i], rounding_filler[i]) for i in range(2)]
    nothing = jnp.nan
    return Said(
        first=jnp.where(there[0], first, nothing),
        other=jnp.where(there[1], other, nothing),
        second=jnp.where(there[2], second, nothing),
        trust=jnp.where(there[3], jnp.round(trust), nothing),
        filler_first=jnp.where(there_filler[0], filler_said[0], nothing),
        filler_second=jnp.where(there_filler[1], filler_said[1], nothing),
        held=held,
        learnt=learnt,
    )


def simulate_people(
    key: Array, plan: Layout, learners: Learner, population: BeliefPopulation, *, model: str = MODEL
) -> Said:
    """Simulate the answers of people whose numbers are known, at all their visits.

    Events have effects of the study, and every person a belief of their own about each event that lasts over visits;
    what was learnt at a visit stays as far as ``population.retained`` says.

    Parameters
    ----------
    key
        Random key of the study.
    plan
        Who is asked about what.
    learners
        Their numbers, people by visits.
    population
        What is true of all.
    model
        Any of ``upturn.beliefs.models.MODELS``.

    Returns
    -------
    Said
        People by visits by trials; NaN where nothing was asked.
    """
    asked_of: Any = jax.tree.map(jnp.asarray, plan)
    n_events = plan.base_rate.shape[0]
    n_all = n_events + len(fillers())
    for_events, for_people = jax.random.split(key)
    event_effect = population.event_sd * jax.random.normal(for_events, (n_all,))

    def one(number: Array, learner: Learner, event: Array, asked: Array, filler: Array, attends: Array) -> Said:
        for_beliefs, for_visits = jax.random.split(person_key(for_people, number))
        own = event_effect + population.belief_spread * jax.random.normal(for_beliefs, (n_all,))

        def visit(kept: Array, at: Any) -> tuple[Array, Said]:
            place, now, about, shown, fill, there = at
            said = simulate_session(
                jax.random.fold_in(for_visits, place),
                now,
                now.belief_mean + own[about] + kept[about],
                now.belief_mean + own[fill],
                asked_of.base_rate[about],
                population,
                lowest=asked_of.lowest,
                highest=asked_of.highest,
                model=model,
            )
            # Out of range, so that nothing is written: trials that only fill the array up.
            where = jnp.where(shown, about, n_events)
            kept = kept.at[where].add(population.retained * (said.learnt - said.held), mode="drop")
            return kept, _masked(said, shown, there)

        places = jnp.arange(event.shape[0])
        _, said = jax.lax.scan(visit, jnp.zeros(n_events), (places, learner, event, asked, filler, attends))
        return said

    return jax.vmap(one)(asked_of.number, learners, asked_of.event, asked_of.asked, asked_of.filler, asked_of.attends)


def simulate_learners(
    key: Array, plan: Layout, population: BeliefPopulation, *, model: str = MODEL
) -> tuple[Said, Learner]:
    """Draw people and simulate their answers: one study as a pure function, to be mapped over keys or truths.

    Examples
    --------
    A hundred studies at once:

    >>> from upturn.beliefs.design import study_design
    >>> from upturn.beliefs.people import belief_population
    >>> plan = study_design({"healthy": 5}).layout
    >>> keys = jax.random.split(jax.random.key(1), 100)
    >>> many = jax.jit(jax.vmap(lambda key: simulate_learners(key, plan, belief_population())[0]))
    >>> many(keys).first.shape
    (100, 5, 1, 40)
    """
    for_people, for_answers = jax.random.split(key)
    learners = draw_learners(for_people, population, jnp.asarray(plan.group), jnp.asarray(plan.number))
    return simulate_people(for_answers, plan, learners, population, model=model), learners


@partial(jax.jit, static_argnames=("model",))
def _study(key: Array, plan: Layout, population: BeliefPopulation, model: str) -> Said:
    return simulate_learners(key, plan, population, model=model)[0]


def simulate_study(key: Array, design: StudyDesign, truth: BeliefPopulation, *, model: str = MODEL) -> Answers:
    """Simulate a study from what is true of its groups and visits.

    Parameters
    ----------
    key
        Random key: the same key gives the same study.
    design
        From :func:`upturn.beliefs.design.study_design`.
    truth
        From :func:`upturn.beliefs.people.belief_population`, with as many groups and visits as the design.
    model
        Any of ``upturn.beliefs.models.MODELS``.

    Raises
    ------
    InputError
        Groups or visits of truth and design differ, or there is no such model.

    Examples
    --------
    >>> from upturn.beliefs.design import study_design
    >>> from upturn.beliefs.people import belief_population
    >>> design = study_design({"patients": 3, "controls": 2}, ("before", "after"), n_fillers=8)
    >>> answers = simulate_study(jax.random.key(1), design, belief_population(groups=2, visits=2))
    >>> answers.first.shape, answers.filler_first.shape, answers.visit[:2]
    ((10, 40), (10, 8), ('before', 'after'))
    """
    shape = (len(design.group), design.layout.attends.shape[1])
    if truth.scaling.shape != shape:
        raise InputError(
            "The truth does not fit the design.",
            expected=f"{shape[0]} groups and {shape[1]} visits",
            came=f"{truth.scaling.shape[0]} groups and {truth.scaling.shape[1]} visits",
        )
    said: Said = jax.device_get(_study(key, design.layout, truth, model))
    return to_answers(design, said)


def to_answers(design: StudyDesign, said: Said) -> Answers:
    """Lay simulated answers out as one row per session, as every fit reads them."""
    plan = design.layout
    who, when = np.nonzero(plan.attends)
    first, second, other, trust = (np.asarray(x)[who, when] for x in (said.first, said.second, said.other, said.trust))
    event, filler = plan.event[who, when], plan.filler[who, when]
    answered = plan.asked[who, when] & np.isfinite(first) & np.isfinite(second)
    filler_first, filler_second = (np.asarray(x)[who, when] for x in (said.filler_first, said.filler_second))
    group = plan.group[who]

    def seen(values: np.ndarray) -> np.ndarray:
        return np.where(answered, values, np.nan)

    return Answers(
        participant=tuple(design.participant[i] for i in who),
        group=tuple(design.group[i] for i in group),
        visit=tuple(design.visit[g][v] for g, v in zip(group, when, strict=True)),
        events=design.events,
        event=event,
        base_rate=seen(plan.base_rate[event]),
        first=seen(first),
        other=seen(other),
        second=seen(second),
        trust=seen(trust),
        answered=answered,
        filler_event=filler,
        filler_first=filler_first,
        filler_second=filler_second,
        filler_answered=np.isfinite(filler_first) & np.isfinite(filler_second),
    )


def _apart(values: Array, trials: int) -> tuple[Array, Array]:
    """Part what belongs to the four answers of each trial from what belongs to the two of each filler event."""
    return values[: 4 * trials].reshape(4, trials), values[4 * trials :].reshape(2, -1)


def _masked(said: Said, asked: Array, attends: Array) -> Said:
    """Blank what was not asked."""
    kept = {
        name: jnp.where(attends if name.startswith("filler") else asked, values, jnp.nan)
        for name, values in said._asdict().items()
    }
    return Said(**kept)


def _log_odds(percent: Array) -> Array:
    return jnp.log(percent / (100.0 - percent))


def _percent(log_odds: Array) -> Array:
    return 100.0 * jax.nn.sigmoid(log_odds)
