"""One virtual person's course in one arm: doses, the chain, ratings, dropout, boosters. Mapped over many people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from upturn.chain import Body, Boundary, propagate
from upturn.mood import Rise, moderators, parts, score
from upturn.numerics import person_key
from upturn.pharmacology import occupancy_drive
from upturn.plasticity import plasticity_numbers, surge
from upturn.population import Person, draw_person
from upturn.protocol import Protocol
from upturn.trials.arm import ArmPlan

__all__ = ["ArmMood", "Outcome", "arm_mood", "kinetic_names", "person_course"]

Scalar = Float[Array, ""]
MADRS_HIGHEST = 60.0
SSI_HIGHEST = 38.0


class Outcome(NamedTuple):
    """One person's course.

    Parameters
    ----------
    ratings
        MADRS at the rating times, whether or not the person was still there.
    present
        Whether the person was still in the study at each rating.
    drug, nonspecific, antidepressant, expectancy
        Parts of the improvement at the reading times [points].
    surge, growth
        P and S at the reading times.
    given_mg
        Amount of each occasion [mg]; 0 where it was not given.
    suicidal_ideation
        SSI at the rating times; not-a-number where the protocol gives no baseline.
    person
        Who.
    """

    ratings: Float[Array, " ratings"]
    present: Bool[Array, " ratings"]
    drug: Float[Array, " readings"]
    nonspecific: Float[Array, " readings"]
    antidepressant: Float[Array, " readings"]
    expectancy: Float[Array, " readings"]
    surge: Float[Array, " readings"]
    growth: Float[Array, " readings"]
    given_mg: Float[Array, " occasions"]
    suicidal_ideation: Float[Array, " ratings"]
    person: Person


@dataclass(frozen=True)
class ArmMood:
    """Which parts of the mood model an arm has.

    Parameters
    ----------
    belief
        Name of the belief parameter: how far people in the arm think that they get the drug.
    acute
        Whether there is a session that people respond to at once.
    slow
        Name of the slow non-specific part.
    antidepressant
        Whether a conventional antidepressant is newly started.
    responds
        False for healthy comparison groups.
    """

    belief: str
    acute: bool
    slow: str
    antidepressant: bool
    responds: bool


def arm_mood(protocol: Protocol, arm: str) -> ArmMood:
    """Read off a protocol which parts of the mood model one of its arms has."""
    spec = protocol.arms[arm]
    population = protocol.population_of(arm)
    drugs = {(d.drug, d.route) for d in spec.doses}
    names = {drug for drug, _ in drugs}
    tablets = all(route == "oral" for _, route in drugs) and not names & {"ketamine", "esketamine"}
    if names & {"ketamine", "esketamine"}:
        belief = "belief_active"
    elif "midazolam" in names:
        belief = "belief_midazolam"
    elif any(route == "intranasal" for _, route in drugs):
        belief = "belief_nasal_placebo"
    elif "saline" in names:
        belief = "belief_saline"
    else:
        belief = "belief_daily_tablets" if tablets else "belief_other_placebo"
    started = spec.background == "new antidepressant" or "escitalopram" in names
    begins = started or (tablets and bool(drugs))
    resistant = population.condition == "treatment-resistant depression"
    slow = ("slow_started_resistant" if resistant else "slow_started") if begins else "slow_ongoing"
    return ArmMood(belief, not tablets and bool(drugs), slow, started, population.condition != "healthy")


def kinetic_names(arms: Mapping[str, ArmPlan]) -> tuple[str, ...]:
    """Name every kinetic parameter that varies, over all arms, so that all arms draw people alike."""
    files = {id(k): k.parameters for plan in arms.values() for _, _, k in plan.givens}
    return tuple(sorted({p.name for file in files.values() for p in file if p.variability}))


def person_course(
    plan: ArmPlan, mood: ArmMood, rule: Mapping[str, Any], kinetic: tuple[str, ...]
) -> Callable[[Mapping[str, Any], Mapping[str, Array]], Outcome]:
    """Build the function that runs one person through an arm.

    Parameters
    ----------
    plan, mood
        The arm.
    rule
        The protocol's response and relapse definitions: ``fall``, ``at_least``, ``consecutive``.
    kinetic
        From :func:`kinetic_names`.

    Returns
    -------
    callable
        ``one(constants, person)``; constants hold ``key``, ``population`` and ``trials`` (arrays by name, one
        entry per trial), person holds ``number`` and ``trial``.
    """
    amount = jnp.array(plan.amount, dtype=float)
    per_kg = jnp.array(plan.per_kg, dtype=bool)
    ideal = jnp.array(plan.ideal, dtype=bool)
    adaptive = jnp.array(plan.adaptive, dtype=bool)
    ratings_h = jnp.array(plan.ratings_h, dtype=float)
    readings_h = jnp.array(plan.readings_h, dtype=float)
    session_h = jnp.array(plan.session_h, dtype=float)
    starts = np.array(plan.timetable.starts_h)
    # Which rating is made at the start of each block (−1: none), and since when the person was last seen.
    rated = jnp.array([_index(t, plan.ratings_h) for t in starts], dtype=int)
    in_reading = jnp.array(plan.rating_in_reading, dtype=int)

    def one(constants: Mapping[str, Any], who: Mapping[str, Array]) -> Outcome:
        trial = {name: values[who["trial"]] for name, values in constants["trials"].items()}
        person = draw_person(person_key(constants["key"], who["number"]), constants["population"], kinetic)
        rise = _rise(mood, person, trial)
        for_noise, for_stay, for_ideation = jax.random.split(person.key, 3)
        noise = trial["reading_noise"] * jax.random.normal(for_noise, ratings_h.shape)
        stay = jax.random.uniform(for_stay, ratings_h.shape)
        weight = jnp.where(ideal, person.ideal_weight_kg, person.body.weight_kg)
        planned = amount * jnp.where(per_kg, weight, 1.0)
        baseline = person.baseline["MADRS"]

        def decide(memory: Any, at: Boundary, dose: Scalar) -> Any:
            here, first = rated[at.index], at.index == 0
            improvement = parts(rise, at.time_h, at.growth, at.time_h - memory["last_h"]).total
            rating = score(baseline, improvement, noise[here], highest=MADRS_HIGHEST)
            seen = (here >= 0) & ~first
            hazard = trial["dropout_rate"] * jnp.exp(
                trial["dropout_slope"] * (rating - baseline + trial["dropout_reference"])
            )
            leaves = seen & (stay[here] < -jnp.expm1(-hazard * (at.time_h - memory["seen_h"])))
            there = memory["there"] & ~leaves
            responded = memory["responded"] | (seen & (rating <= (1 - rule["fall"]) * baseline))
            above = jnp.where(seen, jnp.where(responded & (rating >= rule["at_least"]), memory["above"] + 1, 0), memory["above"])
            relapsed = above >= rule["consecutive"]
            dosed = (at.occasion >= 0) & there & (~adaptive[at.occasion] | relapsed) if len(plan.amount) else jnp.array(False)
            new = {
                "there": there,
                "responded": responded,
                "above": jnp.where(dosed & relapsed, 0, above),
                "last_h": jnp.where(dosed, at.time_h, memory["last_h"]),
                "seen_h": jnp.where(seen, at.time_h, memory["seen_h"]),
            }
            return jnp.where(dosed, dose, 0.0), new, (rating, memory["there"], dosed)

        memory = {
            "there": jnp.array(True),
            "responded": jnp.array(False),
            "above": jnp.array(0),
            "last_h": jnp.zeros(()),
            "seen_h": jnp.zeros(()),
        }
        course = propagate(
            _body(plan, person, trial), plan.timetable, planned, decide=decide, memory=memory
        )
        in_block, there, dosed = course.notes
        was_dosed = jnp.zeros(session_h.shape, bool)
        blocks = [i for i, o in enumerate(plan.timetable.occasions) if o >= 0]
        was_dosed = dosed[jnp.array(blocks, dtype=int)] if blocks else was_dosed
        since = _since_session(readings_h, session_h, was_dosed)
        split = parts(rise, readings_h, course.growth, since)
        improvement = split.total[in_reading]
        ratings = score(baseline, improvement, noise, highest=MADRS_HIGHEST)
        # Ratings on which decisions were based are taken from the course itself.
        block_of = jnp.array([_index(t, starts) for t in plan.ratings_h], dtype=int)
        ratings = jnp.where(block_of > 0, in_block[block_of], ratings)
        present = there[jnp.array([int(np.searchsorted(starts, t + 1e-6)) - 1 for t in plan.ratings_h], dtype=int)]
        ideation = _ideation(person, trial, course.growth[in_reading], ratings_h, for_ideation, mood)
        return Outcome(
            ratings, present, split.drug, split.nonspecific, split.antidepressant, split.expectancy,
            course.surge, course.growth, course.given_mg, ideation, person,
        )  # fmt: skip

    return one


def _index(time_h: float, times: Any) -> int:
    close = np.flatnonzero(np.abs(np.asarray(times) - time_h) < 1e-6)
    return int(close[0]) if close.size else -1


def _since_session(
    time_h: Float[Array, " times"], session_h: Float[Array, " occasions"], given: Bool[Array, " occasions"]
) -> Float[Array, " times"]:
    """Time since the last session that took place before each time; since zero where there was none."""
    last = jnp.zeros_like(time_h)
    for i in range(session_h.shape[0]):
        last = jnp.where(given[i] & (session_h[i] < time_h), session_h[i], last)
    return time_h - last


def _rise(mood: ArmMood, person: Person, trial: Mapping[str, Scalar]) -> Rise:
    z = person.draws
    moved = sum((trial[m.name] * person.standing[m.name] for m in moderators()), start=jnp.zeros(()))
    on = 1.0 if mood.responds else 0.0
    unspecific = on * (1 + trial["nonspecific_between_people"] * z["nonspecific"])
    return Rise(
        effect=on * trial["effect"] * jnp.exp(moved) * (1 + trial["effect_between_people"] * z["effect"]),
        acute=trial["acute"] * unspecific * (1.0 if mood.acute else 0.0),
        acute_time=trial["acute_time"],
        slow=trial[mood.slow] * unspecific,
        slow_time=trial["slow_time"],
        antidepressant=on * trial["antidepressant"] * (1.0 if mood.antidepressant else 0.0),
        antidepressant_time=trial["antidepressant_time"],
        expectancy=on
        * trial["expectancy"]
        * trial[mood.belief]
        * (1 + trial["expectancy_between_people"] * z["expectancy"]),
        expectancy_rise=trial["expectancy_rise"],
        expectancy_fade=trial["expectancy_fade"],
    )


def _body(plan: ArmPlan, person: Person, trial: Mapping[str, Scalar]) -> Body:
    numbers = plasticity_numbers()
    outputs: dict[str, dict[str, Any]] = {"occupancy_drive": {}}
    shares: dict[str, Scalar] = {}
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
    trial: Mapping[str, Scalar],
    growth: Float[Array, " ratings"],
    time_h: Float[Array, " ratings"],
    key: Array,
    mood: ArmMood,
) -> Float[Array, " ratings"]:
    if "SSI" not in person.baseline:
        return jnp.full(time_h.shape, jnp.nan)
    acute = trial["suicidal_ideation_acute"] * (1.0 if mood.acute else 0.0) * -jnp.expm1(-time_h / trial["acute_time"])
    fall = trial["suicidal_ideation_effect"] * growth + acute
    noise = trial["suicidal_ideation_noise"] * jax.random.normal(key, time_h.shape)
    return score(person.baseline["SSI"], fall, noise, highest=SSI_HIGHEST)


