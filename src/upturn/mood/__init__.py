"""Change of mood: what the drug does, what any treatment does, and what believing in it does.

MADRS(t) = baseline − non-specific(t) − expectancy(t) − E·S(t) + noise, on the integers 0–60. Written for one person
and any number of times; the growth state S comes from ``upturn.chain``.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.parameters import ParameterFile, read

__all__ = ["Parts", "Rise", "moderators", "mood_numbers", "parts", "score"]

Scalar = Float[Array, ""]
Series = Float[Array, "*times"]


def mood_numbers() -> ParameterFile:
    """Give the numbers of the mood model."""
    return read("upturn.mood", "mood")


def moderators() -> ParameterFile:
    """Give the covariates that may move the drug effect: zero-centred priors with the evidence for each."""
    return read("upturn.mood", "moderators")


class Rise(NamedTuple):
    """One person's amplitudes [points] and time constants [h].

    Parameters
    ----------
    effect
        Points at full growth.
    acute, acute_time
        Non-specific fall with the first session.
    slow, slow_time
        Non-specific fall over weeks.
    antidepressant, antidepressant_time
        Conventional antidepressant, where one is started.
    expectancy, expectancy_rise, expectancy_fade
        Expectancy at full belief, already times the arm's belief.
    """

    effect: Scalar
    acute: Scalar
    acute_time: Scalar
    slow: Scalar
    slow_time: Scalar
    antidepressant: Scalar
    antidepressant_time: Scalar
    expectancy: Scalar
    expectancy_rise: Scalar
    expectancy_fade: Scalar


class Parts(NamedTuple):
    """The parts of the improvement [points]; their sum is the whole."""

    drug: Series
    nonspecific: Series
    antidepressant: Series
    expectancy: Series

    @property
    def total(self) -> Series:
        """The whole improvement."""
        return self.drug + self.nonspecific + self.antidepressant + self.expectancy


def parts(rise: Rise, time_h: Series, growth: Series, since_session_h: Series) -> Parts:
    """Split the improvement at each time.

    Parameters
    ----------
    rise
        The person.
    time_h
        Time since the first dose [h]; before it nothing has changed.
    growth
        S at those times.
    since_session_h
        Time since the last session [h].

    Returns
    -------
    Parts
        drug = E·S; non-specific = A (1 − e^{−t/τ}) + A' (1 − e^{−t/τ'}); antidepressant likewise;
        expectancy = X (1 − e^{−t/τ_rise}) e^{−(time since the last session)/τ_fade}.
    """
    t = jnp.maximum(time_h, 0.0)
    after = jnp.maximum(since_session_h, 0.0)

    def saturating(size: Scalar, tau: Scalar) -> Series:
        return size * -jnp.expm1(-t / tau)

    return Parts(
        drug=rise.effect * growth,
        nonspecific=saturating(rise.acute, rise.acute_time) + saturating(rise.slow, rise.slow_time),
        antidepressant=saturating(rise.antidepressant, rise.antidepressant_time),
        expectancy=saturating(rise.expectancy, rise.expectancy_rise) * jnp.exp(-after / rise.expectancy_fade),
    )


def score(baseline: Scalar, improvement: Series, noise: Series, *, highest: float) -> Series:
    """Give the rating on the scale's integers, from 0 to ``highest``."""
    return jnp.clip(jnp.round(baseline - improvement + noise), 0.0, highest)
