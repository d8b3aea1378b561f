"""The course of a block of virtual people in one arm: doses, the chain, ratings, dropout, boosters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from upturn import instruments
from upturn.chain import Body, Boundary, propagate
from upturn.mood import ArmMood, Rise, arm_mood, moderators, parts, score
from upturn.numerics import person_key
from upturn.pharmacology import occupancy_drive
from upturn.plasticity import plasticity_numbers, surge
from upturn.population import Person, draw_person
from upturn.protocol import Protocol
from upturn.trials.arm import ArmPlan, is_daily

__all__ = ["Drawn", "Outcome", "draw_people", "kinetic_names", "mood_of", "person_course"]

PerPerson = Float[Array, " people"]
SAME_TIME_H = 1e-6


class Outcome(NamedTuple):
    """The courses of people in one arm; people are the last axis (the first after mapping).

    Parameters
    ----------
    ratings
        MADRS at the rating times, whether or not the person was still there.
    present
        Whether the person was still in the study at each rating.
    drug, nonspecific, comparator, expectancy
        Parts of the improvement at the reading times [points].
    surge, growth
        P and S at the reading times.
    given_mg
        Amount of each occasion [mg]; 0 where it was not given.
    took_place
        Whether each occasion took place, inert ones too.
    suicidal_ideation
        SSI at the rating times; not-a-number where the protocol gives no baseline.
    """

    ratings: Float[Array, "ratings people"]
    present: Bool[Array, "ratings people"]
    drug: Float[Array, "readings people"]
    nonspecific: Float[Array, "readings people"]
    comparator: Float[Array, "readings people"]
    expectancy: Float[Array, "readings people"]
    surge: Float[Array, "readings people"]
    growth: Float[Array, "readings people"]
    given_mg: Float[Array, "occasions people"]
    took_place: Bool[Array, "occasions people"]
    suicidal_ideation: Float[Array, "ratings people"]


def mood_of(protocol: Protocol, arm: str) -> ArmMood:
    """Read off a protocol which parts of the mood model one of its arms has."""
    spec = protocol.arms[arm]
    return arm_mood(
        {(dose.drug, dose.route) for dose in spec.doses},
        tablets=all(is_daily(dose) for dose in spec.doses),
        background=spec.background,
        condition=protocol.population_of(arm).condition,
    )


def kinetic_names(arms: Mapping[str, ArmPlan]) -> tuple[str, ...]:
    """Name every kinetic parameter that varies, over all arms, so that all arms draw people alike."""
    files = {id(k): k.parameters for plan in arms.values() for _, _, k in plan.givens}
    return tuple(sorted({p.name for file in files.values() for p in file if p.variability}))


def person_course(
    plan: ArmPlan, mood: ArmMood, rule: Mapping[str, Any]
) -> Callable[[Mapping[str, Array], Drawn], Outcome]:
    """Build the function that runs a block of people through an arm.

    Parameters
    ----------
    plan, mood
        The arm.
    rule
        The protocol's response and relapse definitions: ``fall``, ``at_least``, ``consecutive``.

    Returns
    -------
    callable
        ``some(trials, people)``: the trials' numbers (arrays by name, one entry per trial) and :class:`Drawn` people.
    """
    starts = np.array(plan.timetable.starts_h)
    blocks = np.array([i for i, o in enumerate(plan.timetable.occasions) if o >= 0], dtype=int)
    # Which rating is made at the start of each block, and at which block each rating was made (−1: none).
    rated = np.array([_index(t, plan.ratings_h) for t in starts])
    block_of = np.array([_index(t, starts) for t in plan.ratings_h])
    last_block = np.array([int(np.searchsorted(starts, t + SAME_TIME_H)) - 1 for t in plan.ratings_h])
    highest = _highest("MADRS")

    def some(trials: Mapping[str, Array], who: Drawn) -> Outcome:
        per_kg = jnp.array(plan.per_kg, dtype=bool)[:, None]
        ideal = jnp.array(plan.ideal, dtype=bool)[:, None]
        amount = jnp.array(plan.amount, dtype=float)[:, None]
        adaptive = jnp.array([*plan.adaptive, False])
        ratings_h = jnp.array(plan.ratings_h, dtype=float)[:, None]
        readings_h = jnp.array(plan.readings_h, dtype=float)[:, None]
        rated_now = jnp.array(rated)
        trial = {name: values[who.trial] for name, values in trials.items()}
        person = who.person
        rise = _rise(mood, person, trial)
        stay = who.stay.T
        noise = trial["reading_noise"] * who.noise.T
        weight = jnp.where(ideal, person.ideal_weight_kg, person.body.weight_kg)
        planned = amount * jnp.where(per_kg, weight, 1.0)
        baseline = person.baseline["MADRS"]

        def decide(memory: Any, at: Boundary, dose: PerPerson) -> Any:
            here = rated_now[at.block]
            improvement = parts(rise, at.time_h, at.growth, at.time_h - memory["last_h"]).total
            rating = score(baseline, improvement, noise[here], highest=highest)
            seen = (here >= 0) & (at.block > 0)
            hazard = trial["dropout_rate"] * jnp.exp(
                trial["dropout_slope"] * (rating - baseline + trial["dropout_reference"])
            )
            leaves = seen & (stay[here] < -jnp.expm1(-hazard * (at.time_h - memory["seen_h"])))
            there = memory["there"] & ~leaves
            responded = memory["responded"] | (seen & (rating <= (1 - rule["fall"]) * baseline))
            high = responded & (rating >= rule["at_least"])
            above = jnp.where(seen, jnp.where(high, memory["above"] + 1, 0), memory["above"])
            relapsed = above >= rule["consecutive"]
            dosed = (at.occasion >= 0) & there & (~adaptive[at.occasion] | relapsed)
            new = {
                "there": there,
                "responded": responded,
                # After a booster the count starts anew.
                "above": jnp.where(dosed & relapsed, 0, above),
                "last_h": jnp.where(dosed, at.time_h, memory["last_h"]),
                "seen_h": jnp.where(seen, at.time_h, memory["seen_h"]),
            }
            return (
                jnp.where(dosed, dose, 0.0),
                new,
                {"rating": rating, "there": memory["there"], "stays": there, "dosed": dosed},
            )

        zero = jnp.zeros_like(baseline)
        memory = {
            "there": zero == 0,
            "responded": zero > 0,
            "above": zero.astype(int),
            "last_h": zero,
            "seen_h": jnp.zeros(()),
        }
        course = propagate(_body(plan, person, trial), plan.timetable, planned, decide=decide, memory=memory)
        took_place = course.notes["dosed"][blocks]
        since = _since_session(readings_h, plan.session_h, took_place)
        split = parts(rise, readings_h, course.growth, since)
        in_reading = np.array(plan.rating_in_reading)
        ratings = score(baseline, split.total[in_reading], noise, highest=highest)
        # Ratings on which decisions were based are taken from the course itself.
        ratings = jnp.where(block_of[:, None] > 0, course.notes["rating"][block_of], ratings)
        ideation = _ideation(person, trial, course.growth[in_reading], ratings_h, who.noise_ideation.T, mood)
        return Outcome(
            ratings=ratings.astype(jnp.float32),
            # At a visit people are seen before they may leave; later in the block they have left.
            present=jnp.where(
                block_of[:, None] >= 0, course.notes["there"][block_of], course.notes["stays"][last_block]
            ),
            drug=split.drug.astype(jnp.float32),
            nonspecific=split.nonspecific.astype(jnp.float32),
            comparator=jnp.broadcast_to(split.comparator, course.growth.shape).astype(jnp.float32),
            expectancy=split.expectancy.astype(jnp.float32),
            surge=course.surge.astype(jnp.float32),
            growth=course.growth.astype(jnp.float32),
            given_mg=course.given_mg.astype(jnp.float32),
            took_place=took_place,
            suicidal_ideation=ideation.astype(jnp.float32),
        )

    return some


class Drawn(NamedTuple):
    """People and what chance holds for them, drawn once for all arms; people are the first axis.

    Parameters
    ----------
    person
        Who.
    trial
        Which trial each is in.
    noise, stay, noise_ideation
        For each rating: standard normal noise, chance of staying, noise of suicidal-ideation ratings.
    """

    person: Person
    trial: Int[Array, " people"]
    noise: Float[Array, "people ratings"]
    stay: Float[Array, "people ratings"]
    noise_ideation: Float[Array, "people ratings"]


def draw_people(n_ratings: int, kinetic: tuple[str, ...]) -> Callable[[Mapping[str, Any], Mapping[str, Array]], Drawn]:
    """Build the function that draws a block of people, each from a key of their own.

    Returns
    -------
    callable
        ``some(constants, people)``; constants hold ``key`` and ``population``, people hold ``number`` and ``trial``.
    """

    def one(constants: Mapping[str, Any], number: Array, trial: Array) -> Drawn:
        for_person, for_noise, for_stay, for_ideation = jax.random.split(person_key(constants["key"], number), 4)
        return Drawn(
            draw_person(for_person, constants["population"], kinetic),
            trial,
            jax.random.normal(for_noise, (n_ratings,)),
            jax.random.uniform(for_stay, (n_ratings,)),
            jax.random.normal(for_ideation, (n_ratings,)),
        )

    def some(constants: Mapping[str, Any], who: Mapping[str, Array]) -> Drawn:
        return jax.vmap(lambda n, t: one(constants, n, t), out_axes=-1)(who["number"], who["trial"])

    return some


def _index(time_h: float, times: Any) -> int:
    close = np.flatnonzero(np.abs(np.asarray(times) - time_h) < 1e-6)
    return int(close[0]) if close.size else -1


def _highest(instrument: str) -> float:
    most = instruments.get(instrument).total.most
    return math.inf if most is None else most


def _since_session(
    time_h: Float[Array, "times 1"], session_h: Sequence[float], given: Bool[Array, "occasions people"]
) -> Float[Array, "times people"]:
    """Time since the last session that took place before each time; since zero where there was none."""
    last = jnp.zeros_like(time_h)
    for i, session in enumerate(session_h):
        last = jnp.where(given[i] & (session < time_h), session, last)
    return time_h - last


def _rise(mood: ArmMood, person: Person, trial: Mapping[str, PerPerson]) -> Rise:
    z = person.draws
    moved = sum((trial[m.name] * person.standing[m.name] for m in moderators()), start=jnp.zeros(()))
    on = 1.0 if mood.responds else 0.0
    unspecific = on * (1 + trial["nonspecific_between_people"] * z["nonspecific"])
    comparator = mood.comparator
    return Rise(
        effect=on * trial["effect"] * jnp.exp(moved) * (1 + trial["effect_between_people"] * z["effect"]),
        acute=trial["acute"] * unspecific * (1.0 if mood.session else 0.0),
        expectancy=trial["expectancy"] * trial[mood.belief] * unspecific,
        session_rise=trial["session_rise"],
        session_fade=trial["session_fade"],
        slow=trial[mood.slow] * unspecific,
        slow_time=trial["slow_time"],
        comparator=trial[comparator] * unspecific if comparator else jnp.zeros_like(unspecific),
        comparator_time=trial[f"{comparator}_time"] if comparator else jnp.ones_like(unspecific),
        spontaneous=on * trial["spontaneous_between_people"] * z["spontaneous"],
    )


def _body(plan: ArmPlan, person: Person, trial: Mapping[str, PerPerson]) -> Body:
    numbers = plasticity_numbers()
    outputs: dict[str, dict[str, Any]] = {"occupancy_drive": {}}
    shares: dict[str, PerPerson] = {}
    for given, prefix, model in plan.givens:
        values = model.values(person.draws)
        if "f_injection" in values:
            values["f_injection"] = trial["f_injection"]
        response = model.responses(values, person.body, given)
        shares |= {prefix + name: share for name, share in response.shares.items()}
        for path, each in occupancy_drive(response.outputs).items():
            outputs["occupancy_drive"][prefix + path] = each
    off = numbers["tau_off"].variability[0].sd
    form = numbers["k_form"].variability[0].sd
    return Body(
        outputs=outputs,
        shares=shares,
        surge=surge(trial["tau_on"]),
        formation=trial["k_form"] * jnp.exp(form * person.draws["k_form"]),
        loss=jnp.exp(-off * person.draws["tau_off"]) / trial["tau_off"],
    )


def _ideation(
    person: Person,
    trial: Mapping[str, PerPerson],
    growth: Float[Array, "ratings people"],
    time_h: Float[Array, "ratings 1"],
    noise: Float[Array, "ratings people"],
    mood: ArmMood,
) -> Float[Array, "ratings people"]:
    if "SSI" not in person.baseline:
        return jnp.full_like(growth, jnp.nan)
    acute = trial["suicidal_ideation_acute"] * (1.0 if mood.session else 0.0)
    fall = trial["suicidal_ideation_effect"] * growth + acute * -jnp.expm1(-time_h / trial["session_rise"])
    return score(person.baseline["SSI"], fall, trial["suicidal_ideation_noise"] * noise, highest=_highest("SSI"))
