"""What differs between new trials: uncertain numbers, trial-level effects, and open structural choices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.mood import moderators, mood_numbers
from upturn.parameters import Parameter
from upturn.pharmacology import Simons2022
from upturn.plasticity import plasticity_numbers
from upturn.population.adverse_events import ADVERSE_EVENTS, with_own_adverse_events
from upturn.population.posterior import shipped_posterior

__all__ = ["TRIAL_EFFECTS", "draw_trial", "trial_effects", "typical_trial"]

Scalar = Float[Array, ""]

# What a trial multiplies: its own factor is log-normal with the SD ``<name>_between_trials``.
TRIAL_EFFECTS = ("effect", "acute", "slow")
SCALED = {
    "effect": ("effect", "suicidal_ideation_effect"),
    "acute": ("acute",),
    "slow": ("slow_ongoing", "slow_started", "slow_started_resistant"),
}


def trial_effects(numbers: dict[str, Scalar], draws: dict[str, Scalar]) -> dict[str, Scalar]:
    """Turn standard normal draws into a trial's own factors.

    Parameters
    ----------
    numbers
        The numbers of the mood model.
    draws
        By name of :data:`TRIAL_EFFECTS`.
    """
    return {name: jnp.exp(numbers[f"{name}_between_trials"] * draws[name]) for name in TRIAL_EFFECTS}


def typical_trial() -> dict[str, Scalar]:
    """Give the trial in which every number has its central value."""
    learnt = {name: jnp.asarray(each.median) for name, each in shipped_posterior().learnt.items()}
    zero = jnp.zeros(())
    events = jnp.zeros((2, len(ADVERSE_EVENTS)))
    return _trial(learnt, jnp.zeros(len(_moderators())), dict.fromkeys(TRIAL_EFFECTS, zero), zero, events)


def draw_trial(key: Array) -> dict[str, Scalar]:
    """Draw the numbers of one new trial.

    Parameters
    ----------
    key
        Random key.

    Returns
    -------
    dict
        Value by name: one draw of the posterior, all its numbers together; the priors' draws of the moderators,
        which no trial has informed; the trial's own drug effect, acute and slow parts (log-normal factors); its own
        rates of adverse events; and the bioavailability after injection, which is disputed: one of its two published
        values, with equal probability.
    """
    for_draw, for_moderators, for_effects, for_choice, for_events = jax.random.split(key, 5)
    draws = {name: jnp.asarray(values) for name, values in shipped_posterior().draws.items()}
    row = jax.random.randint(for_draw, (), 0, len(next(iter(draws.values()))))
    own = jax.random.normal(for_effects, (len(TRIAL_EFFECTS),))
    events = jax.random.normal(for_events, (2, len(ADVERSE_EVENTS)))
    return _trial(
        {name: values[row] for name, values in draws.items()},
        jax.random.normal(for_moderators, (len(_moderators()),)),
        {name: own[i] for i, name in enumerate(TRIAL_EFFECTS)},
        jax.random.uniform(for_choice) - 0.5,
        events,
    )


def _moderators() -> tuple[Parameter, ...]:
    return tuple(moderators())


def _trial(
    learnt: dict[str, Scalar],
    moderated: Float[Array, " moderators"],
    own: dict[str, Scalar],
    choice: Scalar,
    events: Float[Array, "2 events"],
) -> dict[str, Scalar]:
    out = {p.name: jnp.asarray(p.value) for file in (plasticity_numbers(), mood_numbers()) for p in file}
    out |= learnt
    for i, moderator in enumerate(_moderators()):
        spread = moderator.prior.sd if moderator.prior else 0.0
        out[moderator.name] = moderator.value + spread * moderated[i]
    for name, factor in trial_effects(out, own).items():
        for each in SCALED[name]:
            out[each] = out[each] * factor
    out |= with_own_adverse_events(out, events)
    published = Simons2022().parameters
    high, low = published.value("f_injection"), published.value("f_injection_low")
    out["f_injection"] = jnp.where(choice >= 0, high, low)
    return out
