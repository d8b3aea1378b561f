"""The hierarchical Bayesian program of belief updating, and its fit.

Each cell (a group at a visit) has a mean S and A; people differ, with correlated effects that last over their visits,
and so do the visits of a person. What a session says comes as a normal curve
(:mod:`~upturn.inference.beliefs.sessions`), so that people and visits are integrated out exactly and NUTS draws a dozen
numbers instead of a thousand.

What lives here: priors, the marginal likelihood, drawing, contrasts. What does not: answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float, Int

from upturn.beliefs.answers import Answers
from upturn.errors import InputError
from upturn.inference.beliefs.climb import belief_priors
from upturn.inference.beliefs.sessions import Reading, Sessions, summarise
from upturn.inference.fit import Diagnostics, Draws, Settings, diagnose, fit
from upturn.inference.program import prior

__all__ = ["SETTINGS", "BeliefFit", "Contrast", "Mood", "contrast", "fit_answers", "fit_sessions", "program"]

SETTINGS = Settings(chains=4, warmup=500, draws=1000, target_accept=0.9)
# Smallest spread between people or visits that a matrix is inverted with [fraction].
LEAST = 1e-4


class Mood(NamedTuple):
    """Hold the change of mood of people, to be linked with their change of asymmetry.

    Parameters
    ----------
    change
        Change of the mood score of each person [points]; NaN where not known or not to be linked.
    before, after
        The person's sessions between which asymmetry changed; -1 where there is none.
    """

    change: Float[np.ndarray, " person"]
    before: Int[np.ndarray, " person"]
    after: Int[np.ndarray, " person"]


@dataclass(frozen=True)
class BeliefFit:
    """Hold one fit.

    Parameters
    ----------
    sessions
        What was fitted.
    draws
        By name, chains by draws (by cell): ``scaling`` and ``asymmetry`` of cells, ``people`` and ``visits`` (spread of
        S and of A between people and between a person's visits), ``correlation`` of S and A between people; where
        learnt ``carried`` and ``trust``; with mood ``link`` (points per unit of asymmetry), ``mood_change`` and
        ``mood_noise``.
    diagnostics
        Convergence.
    """

    sessions: Sessions
    draws: Draws
    diagnostics: Diagnostics

    def of_cell(self, name: str, group: str, visit: str) -> Float[np.ndarray, " draw"]:
        """Give the draws of a cell's mean.

        Raises
        ------
        InputError
            There is no such group and visit.
        """
        cells = self.sessions.cells
        if (group, visit) not in cells:
            raise InputError(
                "The answers hold no such group and visit.",
                expected="; ".join(f"{g}, {v}" for g, v in cells),
                came=f"{group}, {visit}",
            )
        return self.draws[name][..., cells.index((group, visit))].reshape(-1)


@dataclass(frozen=True)
class Contrast:
    """Hold the difference between two groups in the change of a number between two visits.

    Parameters
    ----------
    draws
        Change in the first group less change in the second.
    """

    draws: Float[np.ndarray, " draw"] = field(repr=False)

    @property
    def mean(self) -> float:
        """Posterior mean."""
        return float(self.draws.mean())

    @property
    def sd(self) -> float:
        """Posterior standard deviation."""
        return float(self.draws.std())

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the 95 % interval."""
        low, high = np.quantile(self.draws, [0.025, 0.975])
        return float(low), float(high)

    @property
    def probability_above_zero(self) -> float:
        """Share of the draws above 0."""
        return float(np.mean(self.draws > 0))

    @property
    def excludes_zero(self) -> bool:
        """Whether the 95 % interval lies on one side of 0."""
        low, high = self.interval
        return low > 0 or high < 0


def contrast(
    found: BeliefFit,
    *,
    groups: tuple[str, str],
    visits: tuple[tuple[str, str], tuple[str, str]],
    name: str = "asymmetry",
) -> Contrast:
    """Compare the change of a number between two visits in two groups.

    Parameters
    ----------
    found
        A fit.
    groups
        The group of interest, and the one it is compared with.
    visits
        For each of them, the visit before and the visit after.
    name
        ``asymmetry`` or ``scaling``.
    """
    one, two = (
        found.of_cell(name, group, after) - found.of_cell(name, group, before)
        for group, (before, after) in zip(groups, visits, strict=True)
    )
    return Contrast(one - two)


def fit_answers(
    answers: Answers,
    *,
    reading: Reading = "noisy",
    carried: float | None = None,
    trust: bool = False,
    settings: Settings = SETTINGS,
) -> BeliefFit:
    """Fit the hierarchical analysis.

    Parameters
    ----------
    answers
        A study.
    reading, carried, trust
        As in :func:`upturn.inference.beliefs.sessions.summarise`.
    settings
        How long to draw.
    """
    return fit_sessions(summarise(answers, reading=reading, carried=carried, trust=trust), settings=settings)


def fit_sessions(sessions: Sessions, *, mood: Mood | None = None, settings: Settings = SETTINGS) -> BeliefFit:
    """Fit the hierarchy to what sessions say.

    Parameters
    ----------
    sessions
        From :func:`upturn.inference.beliefs.sessions.summarise`.
    mood
        Change of mood, to be linked with the change of asymmetry in one posterior.
    settings
        How long to draw.
    """
    draws, divergences = fit(program, _lay(sessions), mood, settings=settings)
    return BeliefFit(sessions, draws, diagnose(draws, divergences))


class _Laid(NamedTuple):
    """Hold people by visits; where a person has no such visit, nothing is said (slope and curvature 0)."""

    cell: Int[np.ndarray, "person visit"]
    session: Int[np.ndarray, "person visit"]
    at: Float[np.ndarray, "person visit 2"]
    slope: Float[np.ndarray, "person visit 4"]
    curvature: Float[np.ndarray, "person visit 4 4"]
    shared_at: Float[np.ndarray, " 2"]
    free: tuple[bool, bool]
    n_cells: int


def _lay(sessions: Sessions) -> _Laid:
    people = len(sessions.participants)
    order = np.zeros(len(sessions.person), dtype=int)
    seen = np.zeros(people, dtype=int)
    for i, person in enumerate(sessions.person):
        order[i], seen[person] = seen[person], seen[person] + 1
    shape = (people, int(seen.max()))

    def by_person(values: np.ndarray, spare: float = 0) -> np.ndarray:
        out = np.full((*shape, *values.shape[1:]), spare, dtype=values.dtype)
        out[sessions.person, order] = values
        return out

    # A curve that opens upwards in S and A says nothing that a normal prior could be joined with.
    values, vectors = np.linalg.eigh(sessions.curvature)
    upright = np.einsum("sij,sj,skj->sik", vectors, np.maximum(values, 0.0), vectors)
    return _Laid(
        cell=by_person(sessions.cell),
        session=by_person(np.arange(len(sessions.cell)), -1),
        at=by_person(sessions.at),
        slope=by_person(sessions.slope),
        curvature=by_person(upright),
        shared_at=sessions.shared_at,
        free=(bool(sessions.free[0]), bool(sessions.free[1])),
        n_cells=len(sessions.cells),
    )


def program(laid: _Laid, mood: Mood | None = None) -> None:
    """State priors and the marginal likelihood."""
    numbers = belief_priors()
    means = jnp.stack(
        [
            numpyro.sample(name, prior(numbers[name]).expand([laid.n_cells]).to_event(1))
            for name in ("scaling", "asymmetry")
        ],
        axis=-1,
    )
    scales = jnp.array([numbers.value("people_scaling"), numbers.value("people_asymmetry")])
    people = numpyro.sample("people", dist.HalfNormal(scales).to_event(1))
    visits = numpyro.sample("visits", dist.HalfNormal(scales).to_event(1))
    # LKJ of two variables is a scaled beta.
    shape = numbers.value("correlation")
    half = numpyro.sample("correlation_half", dist.Beta(shape, shape))
    correlation = numpyro.deterministic("correlation", 2 * half - 1)
    shared = jnp.stack([_carried(laid), _trust(laid)])

    n_people, n_visits = laid.cell.shape
    between = people[:, None] * people * jnp.array([[1.0, 0.0], [0.0, 1.0]])
    between = (
        between.at[0, 1].set(correlation * people[0] * people[1]).at[1, 0].set(correlation * people[0] * people[1])
    )
    covariance = jnp.kron(jnp.ones((n_visits, n_visits)), between)
    covariance += jnp.kron(jnp.eye(n_visits), jnp.diag(visits**2 + LEAST**2))
    root = jnp.linalg.cholesky(covariance)

    step = shared - laid.shared_at
    curvature = jnp.asarray(laid.curvature)
    own, across, deep = curvature[..., :2, :2], curvature[..., :2, 2:], curvature[..., 2:, 2:]
    slope = laid.slope[..., :2] - across @ step
    numpyro.factor("shared", jnp.sum(laid.slope[..., 2:] @ step) - 0.5 * jnp.sum((deep @ step) @ step))
    # One person: S and A of all visits, stacked.
    far = jnp.asarray((means[laid.cell] - laid.at).reshape(n_people, -1))
    firm = _blocks(own)
    level = jnp.asarray(slope.reshape(n_people, -1))
    if mood is not None:
        firm, level, far = _with_mood(laid, mood, firm, level, far)
    numpyro.factor("answers", jnp.sum(_marginal(far, level, firm, root)))


def _marginal(far: Array, slope: Array, firm: Array, root: Array) -> Array:
    """Give log ∫ exp(slope·x − ½ x·firm·x) N(x; far, root rootᵀ) dx for every person."""
    up = slope - jnp.einsum("pij,pj->pi", firm, far)
    inner = jnp.eye(root.shape[0]) + jnp.einsum("ji,pjk,kl->pil", root, firm, root)
    factor = jnp.linalg.cholesky(inner)
    turned = jax.scipy.linalg.solve_triangular(factor, (up @ root)[..., None], lower=True)[..., 0]
    return (
        jnp.einsum("pi,pi->p", slope, far)
        - 0.5 * jnp.einsum("pi,pij,pj->p", far, firm, far)
        + 0.5 * jnp.sum(turned**2, axis=-1)
        - jnp.sum(jnp.log(jnp.einsum("pii->pi", factor)), axis=-1)
    )


def _carried(laid: _Laid) -> Array:
    if not laid.free[0]:
        return jnp.asarray(laid.shared_at[0])
    share = numpyro.sample("carried", dist.Uniform(0, 1))
    return jnp.log(share) - jnp.log1p(-share)


def _trust(laid: _Laid) -> Array:
    if not laid.free[1]:
        return jnp.asarray(laid.shared_at[1])
    return numpyro.sample("trust", prior(belief_priors()["trust_slope"]))


def _blocks(own: Array) -> Array:
    """Lay the sessions of a person along the diagonal."""
    n_people, n_visits = own.shape[:2]
    wide = jnp.einsum("pvij,vw->pviwj", own, jnp.eye(n_visits))
    return wide.reshape(n_people, 2 * n_visits, 2 * n_visits)


def _with_mood(laid: _Laid, mood: Mood, firm: Array, slope: Array, far: Array) -> tuple[Array, Array, Array]:
    """Add what the change of mood says: change = level + link · (change of A − its mean) + noise."""
    numbers = belief_priors()
    known = np.isfinite(mood.change) & (mood.before >= 0) & (mood.after >= 0)
    link = numpyro.sample("link", prior(numbers["mood_link"]))
    level = numpyro.sample("mood_change", prior(numbers["mood_change"]))
    noise = numpyro.sample("mood_noise", prior(numbers["mood_noise"]))
    # Which of the person's stacked numbers is A after, and which A before.
    along = np.zeros((len(known), firm.shape[1]))
    for person in np.flatnonzero(known):
        for session, sign in ((mood.after[person], 1.0), (mood.before[person], -1.0)):
            along[person, 2 * int(np.flatnonzero(laid.session[person] == session)[0]) + 1] = sign
    # Written about ``at``: the numbers are counted from there, their means are ``far``.
    weight = known / noise**2
    rest = jnp.where(known, np.nan_to_num(mood.change) - level, 0.0) + link * jnp.einsum("pi,pi->p", along, far)
    firm += weight[:, None, None] * link**2 * along[:, :, None] * along[:, None, :]
    slope += (weight * link * rest)[:, None] * along
    numpyro.factor("mood", jnp.sum(known * (-0.5 * (rest / noise) ** 2 - jnp.log(noise))))
    return firm, slope, far
