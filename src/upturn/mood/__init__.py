"""Change of mood: what the drug does, what any treatment does, and what believing in it does.

MADRS(t) = baseline − non-specific(t) − expectancy(t) − E·S(t) + noise, on the integers 0–60; what people do by
themselves and what another treatment does belong to the same sum. Written for one person and any number of times; the
growth state S comes from ``upturn.chain``.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.mood.arm import COMPARATORS, ArmMood, arm_mood
from upturn.parameters import ParameterFile, read

__all__ = ["COMPARATORS", "ArmMood", "Parts", "Rise", "arm_mood", "moderators", "mood_numbers", "parts", "score"]

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
    acute
        Non-specific response to a session.
    expectancy
        Expectancy, already times the arm's belief.
    session_rise, session_fade
        Rise after the first session, and fade since the last, of both.
    slow, slow_time
        Non-specific fall over weeks.
    comparator, comparator_time
        A treatment with a curve of its own, where one is begun: conventional antidepressant, ECT and the like.
    spontaneous
        What the person does by themselves, up or down; lasting.
    """

    effect: Scalar
    acute: Scalar
    expectancy: Scalar
    session_rise: Scalar
    session_fade: Scalar
    slow: Scalar
    slow_time: Scalar
    comparator: Scalar
    comparator_time: Scalar
    spontaneous: Scalar


class Parts(NamedTuple):
    """The parts of the improvement [points]; their sum is the whole."""

    drug: Series
    nonspecific: Series
    comparator: Series
    expectancy: Series

    @property
    def total(self) -> Series:
        """The whole improvement."""
        return self.drug + self.nonspecific + self.comparator + self.expectancy


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
        drug = E·S; session parts = size (1 − e^{−t/τ_rise}) e^{−(time since the last session)/τ_fade}; non-specific =
        session part + A' (1 − e^{−t/τ'}) + own course (1 − e^{−t/τ_rise}); comparator = C (1 − e^{−t/τ_C});
        expectancy = session part.
    """
    t = jnp.maximum(time_h, 0.0)
    after = jnp.maximum(since_session_h, 0.0)
    risen = -jnp.expm1(-t / rise.session_rise)
    session = risen * jnp.exp(-after / rise.session_fade)
    return Parts(
        drug=rise.effect * growth,
        nonspecific=rise.acute * session + rise.slow * -jnp.expm1(-t / rise.slow_time) + rise.spontaneous * risen,
        comparator=rise.comparator * -jnp.expm1(-t / rise.comparator_time),
        expectancy=rise.expectancy * session,
    )


def score(baseline: Scalar, improvement: Series, noise: Series, *, highest: float) -> Series:
    """Give the rating on the scale's integers, from 0 to ``highest``."""
    return jnp.clip(jnp.round(baseline - improvement + noise), 0.0, highest)
