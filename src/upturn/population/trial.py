"""What differs between new trials: uncertain numbers, trial-level effects, and open structural choices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.mood import moderators, mood_numbers
from upturn.parameters import Parameter
from upturn.pharmacology import Simons2022
from upturn.plasticity import plasticity_numbers

__all__ = ["draw_trial", "typical_trial", "uncertain"]

Scalar = Float[Array, ""]


def uncertain() -> tuple[Parameter, ...]:
    """Every number that is drawn anew for each trial, in a fixed order."""
    return tuple(p for file in (plasticity_numbers(), mood_numbers(), moderators()) for p in file)


def typical_trial() -> dict[str, Scalar]:
    """Give the trial in which every number has its central value."""
    return _trial(jnp.zeros(len(uncertain()) + 4), jnp.zeros(()))


def draw_trial(key: Array) -> dict[str, Scalar]:
    """Draw the numbers of one new trial.

    Parameters
    ----------
    key
        Random key.

    Returns
    -------
    dict
        Value by name: the priors' draws of plasticity, mood and moderators; the trial's own drug effect
        (log-normal), acute and slow parts (normal, kept at or above zero); and the bioavailability after injection,
        which is disputed: one of its two published values, with equal probability.
    """
    for_numbers, for_choice = jax.random.split(key)
    return _trial(jax.random.normal(for_numbers, (len(uncertain()) + 4,)), jax.random.uniform(for_choice) - 0.5)


def _trial(draws: Float[Array, " n"], choice: Scalar) -> dict[str, Scalar]:
    out: dict[str, Scalar] = {}
    for i, parameter in enumerate(uncertain()):
        value = jnp.asarray(parameter.value)
        if parameter.prior is not None and parameter.prior.kind == "lognormal":
            value = value * jnp.exp(parameter.prior.sd * draws[i])
        elif parameter.prior is not None:
            value = value + parameter.prior.sd * draws[i]
        out[parameter.name] = value
    effect, acute, slow, started = draws[len(uncertain()) :]
    out["effect"] = out["effect"] * jnp.exp(out["effect_between_trials"] * effect)
    out["acute"] = jnp.maximum(out["acute"] + out["acute_between_trials"] * acute, 0.0)
    out["slow_ongoing"] = jnp.maximum(out["slow_ongoing"] + 0.5 * out["slow_between_trials"] * slow, 0.0)
    for name in ("slow_started", "slow_started_resistant"):
        out[name] = jnp.maximum(out[name] + out["slow_between_trials"] * started, 0.0)
    out["antidepressant"] = jnp.maximum(out["antidepressant"], 0.0)
    published = Simons2022().parameters
    high, low = published.value("f_injection"), published.value("f_injection_low")
    out["f_injection"] = jnp.where(choice >= 0, high, low)
    return out
