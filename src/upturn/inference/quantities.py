"""What was published, laid out so that one evaluation of the model gives the expectation of every number.

A *reading* is one arm at one time. Everything published is a mean of one reading, a comparison of two, or a chance
over a row of readings of the same people (sustained response, relapse). The likelihood and the predictions use the
same expectations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import norm
from jaxtyping import Array, Float

from upturn.inference.course import (
    Layout,
    Moments,
    Numbers,
    fraction_fallen,
    fraction_remitted,
    layout,
    mean_fall,
    moments,
    sd_fall,
)
from upturn.inference.growth import Courses, courses, growth
from upturn.inference.treatment import Treatment

__all__ = ["Chance", "Expected", "Quantities", "evaluate", "quantities"]

# Draws of effect, non-specific response, own course and baseline for each of the people who share a growth state.
DRAWS = 8
# People in an arm from which on a trial is no longer small.
LARGE = 100
SEED = 20_240_102


@dataclass(frozen=True)
class Chance:
    """A chance over repeated ratings of the same people.

    Parameters
    ----------
    course
        Number of the course.
    entry_h, entry
        When and how people enter: ``response``, ``remission``, or ``""`` for everybody.
    visits_h
        Ratings thereafter [h].
    event
        ``remitted`` (in remission at a visit), ``relapse`` (a score at or above ``at_least``), ``lost`` (no longer
        in response), ``kept`` (in response at the last visit) or ``sustained`` (in response at every visit, one
        smaller excursion allowed).
    at_least, consecutive
        Of a relapse.
    by
        Of a sustained response: among how many of the first ratings, the entry included, its onset may lie.
    median
        Whether the time [h] from entry is asked for by which half of them have had the event, not their fraction.
    """

    course: int
    entry_h: float
    entry: str
    visits_h: tuple[float, ...]
    event: str
    at_least: float = 22.0
    consecutive: int = 1
    by: int = 1
    median: bool = False


@dataclass(frozen=True)
class Quantities:
    """Courses, readings and chances, laid out as arrays.

    Parameters
    ----------
    laid, at
        Readings: growth, and everything else. The first ``means`` of them are those of means and fractions; the
        rest belong to the chances.
    small
        How small each trial is: 0 for a hundred people in an arm or more, 1 for ten; 0 where it is not known.
    means
        How many readings are of means and fractions.
    baseline, baseline_sd
        Baseline of each reading as published; not-a-number where it was not.
    chances
        The chances.
    chance_group
        Which group of people each chance is about; chances of the same people are equally far from the model.
    chance_first
        Number of the first reading of each chance; its readings are the entry and the visits, in order.
    """

    laid: Courses
    at: Layout
    small: Float[np.ndarray, " trials"]
    means: int
    baseline: Float[np.ndarray, " readings"]
    baseline_sd: Float[np.ndarray, " readings"]
    chances: tuple[Chance, ...]
    chance_group: tuple[int, ...]
    chance_first: tuple[int, ...]
    draws: Float[np.ndarray, "4 draws"]


def quantities(
    treatments: Sequence[Treatment],
    trials: Sequence[int],
    sizes: Sequence[int | None],
    baselines: Sequence[tuple[float, float]],
    readings: Sequence[tuple[int, float]],
    chances: Sequence[Chance] = (),
) -> Quantities:
    """Lay out everything that the model is asked for.

    Parameters
    ----------
    treatments, trials
        The courses, and the trial of each.
    sizes
        People in an arm of each trial; None where not known.
    baselines
        Baseline mean and SD of each course (not-a-number where not published).
    readings
        Course and time [h] of each mean or fraction.
    chances
        Chances over repeated ratings.
    """
    every = list(readings)
    first = []
    for chance in chances:
        first.append(len(every))
        every += [(chance.course, t) for t in (chance.entry_h, *chance.visits_h)]
    groups = sorted({each.course for each in chances})
    half = np.random.default_rng(SEED).standard_normal((4, DRAWS // 2))
    return Quantities(
        laid=courses(treatments, every),
        at=layout(treatments, trials, every),
        small=np.array([max(np.log10(LARGE / size), 0.0) if size else 0.0 for size in sizes]),
        means=len(readings),
        baseline=np.array([baselines[c][0] for c, _ in every]),
        baseline_sd=np.array([baselines[c][1] for c, _ in every]),
        chances=tuple(chances),
        chance_group=tuple(groups.index(each.course) for each in chances),
        chance_first=tuple(first),
        draws=np.concatenate([half, -half], axis=1),
    )


class Expected(NamedTuple):
    """Expectations: by reading for means, spread and fractions, by number for chances.

    Parameters
    ----------
    fall, sd
        Mean fall and standard deviation of the change [points].
    response, remission_10, remission_12
        Fractions.
    growth
        Mean growth state, times the trial's own factor of the drug effect.
    chance
        Chances over repeated ratings; a single zero where none were asked for.
    """

    fall: Float[Array, " readings"]
    sd: Float[Array, " readings"]
    response: Float[Array, " readings"]
    remission_10: Float[Array, " readings"]
    remission_12: Float[Array, " readings"]
    growth: Float[Array, " readings"]
    chance: Float[Array, " chances"]


def evaluate(
    p: Numbers,
    effects: Mapping[str, Float[Array, " trials"]],
    q: Quantities,
    *,
    shift: Float[Array, " readings"],
    chance_shift: Float[Array, " groups"],
    fall_known: Float[np.ndarray, " readings"] | None = None,
    chance_level: Float[Array, " chances"] | None = None,
) -> Expected:
    """Give the expectation of everything laid out.

    Parameters
    ----------
    p
        Numbers of the plasticity and mood models.
    effects
        By trial: ``effect``, ``acute``, ``slow`` as factors and ``baseline`` [points].
    q
        From :func:`quantities`.
    shift, chance_shift
        How far each reading, and each group of the chances, lies from the model [points of fall].
    fall_known
        Fall that was observed; there the fractions are those of a group with that mean. Not-a-number elsewhere.
    chance_level
        For medians: the fraction at which the time is read off; half unless given.
    """
    state = growth(q.laid, p["tau_on"], p["tau_off"], p["k_form"])
    effects = {**effects, "effect": effects["effect"] * jnp.exp(p["small_trials"] * q.small)}
    everything = moments(p, effects, q.at, state)
    baseline = jnp.where(np.isnan(q.baseline), effects["baseline"][q.at.trial], jnp.nan_to_num(q.baseline))
    spread = jnp.where(np.isnan(q.baseline_sd), p["baseline_sd"], jnp.nan_to_num(q.baseline_sd))
    m = Moments(*(x if x.ndim == 0 else x[: q.means] for x in everything))
    b, b_sd = baseline[: q.means], spread[: q.means]
    fall = mean_fall(m, b, b_sd)
    if fall_known is not None:
        shift = jnp.where(np.isnan(fall_known), shift, jnp.nan_to_num(fall_known) - fall)
    cut = jnp.full((q.means,), 10.0)
    return Expected(
        fall=fall,
        sd=sd_fall(m),
        response=fraction_fallen(m, b, b_sd, 0.5, shift),
        remission_10=fraction_remitted(m, b, b_sd, cut, shift),
        remission_12=fraction_remitted(m, b, b_sd, cut + 2, shift),
        growth=(jnp.mean(state, axis=1) * effects["effect"][q.at.trial])[: q.means],
        chance=_chances(p, everything, baseline, spread, q, chance_shift, chance_level),
    )


def _chances(
    p: Numbers,
    m: Moments,
    baseline: Float[Array, " readings"],
    baseline_sd: Float[Array, " readings"],
    q: Quantities,
    shift: Float[Array, " groups"],
    level: Float[Array, " chances"] | None,
) -> Float[Array, " chances"]:
    out = []
    effect, other, own, start = (jnp.asarray(z)[None, None, :] for z in q.draws)
    for number, (chance, first) in enumerate(zip(q.chances, q.chance_first, strict=True)):
        rows = slice(first, first + 1 + len(chance.visits_h))
        b = baseline[rows][:, None, None] + baseline_sd[rows][:, None, None] * start
        drug = m.drug[rows][:, :, None] * (1 + p["effect_between_people"] * effect)
        rest = m.rest[rows][:, :, None] * (1 + p["nonspecific_between_people"] * other)
        fall = drug + rest + m.own_sd[rows][:, :, None] * own + shift[q.chance_group[number]]
        responds = norm.cdf((fall - 0.5 * b) / m.noise)
        enters = {
            "response": responds[0],
            "remission": norm.cdf((10.5 - b[0] + fall[0]) / m.noise),
            "": jnp.ones_like(fall[0]),
        }[chance.entry]
        if chance.event == "remitted":
            happens = 1 - jnp.prod(1 - norm.cdf((10.5 - b[1:] + fall[1:]) / m.noise), axis=0)
        elif chance.event == "kept":
            happens = responds[-1]
        elif chance.event == "sustained":
            happens = _sustained(fall, b, m.noise, responds, by=chance.by)
            # Whoever has left is counted as not in response.
            happens = happens * jnp.exp(-p["dropout_rate"] * chance.visits_h[-1])
        else:
            high = (
                1 - responds[1:]
                if chance.event == "lost"
                else norm.cdf((b[1:] - fall[1:] - chance.at_least + 0.5) / m.noise)
            )
            spared = _spared(high, twice=chance.consecutive == 2 and len(chance.visits_h) > 1)
            if chance.median:
                happened = jnp.sum(enters * (1 - spared), axis=(1, 2)) / jnp.sum(enters)
                visits = np.array(chance.visits_h) - chance.entry_h
                out.append(jnp.interp(0.5 if level is None else level[number], happened, visits))
                continue
            happens = 1 - spared[-1]
        out.append(jnp.sum(enters * happens) / jnp.sum(enters))
    return jnp.stack(out) if out else jnp.zeros(1)


def _sustained(
    fall: Float[Array, "visits people draws"],
    baseline: Float[Array, "visits people draws"],
    noise: Float[Array, ""],
    responds: Float[Array, "visits people draws"],
    *,
    by: int,
) -> Float[Array, "people draws"]:
    """Give the chance of being in response from one of the first ``by`` ratings on, one smaller slip allowed.

    Between onset and the last rating one rating may fall short, if a quarter of the baseline stays.
    """
    slips = norm.cdf((fall - 0.25 * baseline) / noise) - responds
    keeps = jnp.maximum(responds, 1e-6)

    def from_rating(first: int) -> Float[Array, "people draws"]:
        between = slice(first + 1, -1)
        every = jnp.prod(keeps[between], axis=0)
        return responds[first] * responds[-1] * every * (1 + jnp.sum(slips[between] / keeps[between], axis=0))

    whole = from_rating(0)
    for later in range(1, by):
        # Onset at this rating and not before: nothing at the earlier ones, or a slip too many.
        before = jnp.prod(1 - responds[:later], axis=0)
        whole = whole + before * from_rating(later)
    return whole


def _spared(high: Float[Array, "visits people draws"], *, twice: bool) -> Float[Array, "visits people draws"]:
    """Give the chance of no event up to each visit; an event is one high rating, or two in a row."""
    if not twice:
        return jnp.cumprod(1 - high, axis=0)
    low, once = jnp.ones_like(high[0]), jnp.zeros_like(high[0])
    out = []
    for each in high:
        low, once = (low + once) * (1 - each), low * each
        out.append(low + once)
    return jnp.stack(out)
