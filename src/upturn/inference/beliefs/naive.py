"""The published two-step analysis: least squares in each session, the change of each person, a t test between groups.

It takes the first estimate for the belief itself and the estimates of sessions for the numbers of people, which is why
it stands here: to be shown beside the others, and to be tried on simulated studies in which nothing changed. What lives
here: both steps, on arrays of any number of studies. What does not: the scores without a model (``beliefs.scores``),
the analysis that this project stands for (``hierarchy``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jax.scipy.special import betainc
from jaxtyping import Bool, Float, Int

from upturn.errors import InputError

__all__ = ["ALPHA", "TwoStep", "changes", "least_squares", "places", "t_test", "two_sided_p", "two_step"]

# Halvings of the search for a quantile of t; wider than any t of an analysis.
HALVINGS, WIDEST = 60, 1e6
# A 95 % interval, and the test that goes with it.
ALPHA = 0.05


@dataclass(frozen=True)
class TwoStep:
    """Hold the difference of a change between two groups.

    Parameters
    ----------
    difference, se
        Mean change in the first group less that in the second, and its standard error (unit of the change).
    freedom
        Degrees of freedom (Welch 1947; Satterthwaite 1946).
    p
        Two-sided, of no difference [0 to 1].
    people
        How many of each group have a change.
    """

    difference: float
    se: float
    freedom: float
    p: float
    people: tuple[int, int]

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the 95 % confidence interval."""
        reach = _quantile(self.freedom) * self.se
        return self.difference - reach, self.difference + reach


def least_squares(
    first: Float[np.ndarray, "*session trial"],
    second: Float[np.ndarray, "*session trial"],
    base_rate: Float[np.ndarray, "*session trial"],
    answered: Bool[np.ndarray, "*session trial"],
    *,
    sign: Float[np.ndarray, "*session trial"] | None = None,
) -> tuple[Float[np.ndarray, "*session"], Float[np.ndarray, "*session"]]:
    """Fit E1 − E2 = S·EE + A·sign·EE to every session, with EE = E1 − base rate.

    Parameters
    ----------
    first, second, base_rate
        Answers and base rates [percent].
    answered
        Which trials count.
    sign
        +1 for good and −1 for bad news; that of EE unless given.

    Returns
    -------
    tuple
        S and A [fractions]; NaN for a session without both kinds of news.

    Notes
    -----
    Source: Khalid 2025 (eLife 101157), reinforcement model with S and A, without its priors.

    Examples
    --------
    >>> first, rate = np.array([60.0, 50.0, 20.0, 10.0]), np.array([40.0, 40.0, 40.0, 40.0])
    >>> scaling, asymmetry = least_squares(first, first - 0.5 * (first - rate), rate, np.ones(4, dtype=bool))
    >>> float(scaling), float(asymmetry)
    (0.5, 0.0)
    """
    error = np.where(answered, first - base_rate, 0.0)
    fall = np.where(answered, first - second, 0.0)
    way = np.sign(error) if sign is None else np.where(answered, sign, 0.0)

    def rate(side: Bool[np.ndarray, "*session trial"]) -> Float[np.ndarray, "*session"]:
        # The two kinds of news share no trial, so that the plane falls apart into two slopes through the origin.
        size = np.sum(np.where(side, error**2, 0.0), axis=-1)
        moved = np.sum(np.where(side, error * fall, 0.0), axis=-1)
        return np.divide(moved, size, out=np.full(size.shape, np.nan), where=size > 0)

    good, bad = rate(way > 0), rate(way < 0)
    return (good + bad) / 2, (good - bad) / 2


def places(
    participant: Sequence[str], group: Sequence[str], visit: Sequence[str], *, who: str, before: str, after: str
) -> Int[np.ndarray, "person 2"]:
    """Find the sessions of the people of one group who have both visits.

    Examples
    --------
    >>> places(["p1", "p1", "p2"], ["g", "g", "g"], ["b", "a", "b"], who="g", before="b", after="a").tolist()
    [[0, 1]]
    """
    at = {(p, v): i for i, (p, g, v) in enumerate(zip(participant, group, visit, strict=True)) if g == who}
    people = dict.fromkeys(p for p, v in at if v == before)
    return np.array([(at[p, before], at[p, after]) for p in people if (p, after) in at], dtype=int).reshape(-1, 2)


def changes(
    values: Float[np.ndarray, "*study session"], at: Int[np.ndarray, "person 2"]
) -> Float[np.ndarray, "*study person"]:
    """Give the change of each person between two sessions.

    Examples
    --------
    >>> changes(np.array([0.1, 0.4]), np.array([[0, 1]])).round(3).tolist()
    [0.3]
    """
    return values[..., at[:, 1]] - values[..., at[:, 0]]


def t_test(
    one: Float[np.ndarray, "*study person"], two: Float[np.ndarray, "*study other"]
) -> tuple[Float[np.ndarray, "*study"], Float[np.ndarray, "*study"], Float[np.ndarray, "*study"]]:
    """Compare the changes of two groups that may differ in their spread (Welch 1947); NaN is left out.

    Returns
    -------
    tuple
        Difference of the means, its standard error, degrees of freedom; NaN with fewer than two people on a side.

    Examples
    --------
    >>> [round(float(each), 3) for each in t_test(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))]
    [1.0, 0.816, 4.0]
    """
    sides = []
    for values in (one, two):
        known = np.isfinite(values)
        n = known.sum(axis=-1)
        fewest = np.where(n > 1, n, np.nan)
        mean = np.where(known, values, 0.0).sum(axis=-1) / fewest
        spread = np.where(known, values - mean[..., None], 0.0) ** 2
        sides.append((mean, spread.sum(axis=-1) / (fewest - 1) / fewest, fewest - 1))
    (mean_1, error_1, free_1), (mean_2, error_2, free_2) = sides
    error = error_1 + error_2
    # Nobody varies: the standard error is 0, and how many degrees of freedom it has does not matter.
    parts = error_1**2 / free_1 + error_2**2 / free_2
    freedom = np.divide(error**2, parts, out=np.asarray(free_1 + free_2, dtype=float), where=parts > 0)
    return mean_1 - mean_2, np.sqrt(error), freedom


def two_sided_p(t: Float[np.ndarray, "..."], freedom: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Give the chance of a t at least as far from 0, P = I_x(ν/2, ½) with x = ν/(ν + t²).

    Notes
    -----
    Source: Abramowitz & Stegun 26.7.1 with 26.5.27.

    Examples
    --------
    >>> round(float(two_sided_p(np.array(2.0), np.array(10.0))), 4)
    0.0734
    """
    t, freedom = np.asarray(t, dtype=float), np.asarray(freedom, dtype=float)
    return np.asarray(betainc(freedom / 2, np.full(freedom.shape, 0.5), freedom / (freedom + t**2)))


def two_step(
    values: Float[np.ndarray, " session"], one: Int[np.ndarray, "person 2"], two: Int[np.ndarray, "other 2"]
) -> TwoStep:
    """Compare the change of a session's number in two groups.

    Parameters
    ----------
    values
        One number per session; NaN where it has none.
    one, two
        Sessions before and after of the people of the two groups, from :func:`places`.

    Raises
    ------
    InputError
        A group has fewer than two people with a change.
    """
    of_one, of_two = changes(values, one), changes(values, two)
    people = int(np.isfinite(of_one).sum()), int(np.isfinite(of_two).sum())
    if min(people) < 2:
        raise InputError(
            "Too few people have a change between these visits.",
            expected="two or more in each group",
            came=f"{people[0]} and {people[1]}",
        )
    difference, se, freedom = (float(each) for each in t_test(of_one, of_two))
    p = float(two_sided_p(np.array(difference / se), np.array(freedom))) if se > 0 else float(difference == 0)
    return TwoStep(difference, se, freedom, p, people)


def _quantile(freedom: float) -> float:
    """Give the t that 95 % of the distribution lies within, by halving."""
    low, high = 0.0, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(np.array(middle), np.array(freedom)) > ALPHA else (low, middle)
    return (low + high) / 2
