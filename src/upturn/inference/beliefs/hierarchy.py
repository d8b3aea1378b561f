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
from upturn.inference.beliefs.climb import View, belief_priors
from upturn.inference.beliefs.sessions import Reading, Sessions, summarise
from upturn.inference.fit import Diagnostics, Draws, Settings, diagnose, fit
from upturn.inference.program import prior
from upturn.numerics.interpolation import interpolated

__all__ = ["SETTINGS", "BeliefFit", "Contrast", "Mood", "contrast", "fit_answers", "fit_sessions", "program"]

# Without a whole mass matrix the spread of A between people, which is small beside that between visits, mixes worst:
# 360 effective draws of 4,000 instead of 1,000 (56 people, up to three visits, trust on).
SETTINGS = Settings(chains=4, warmup=500, draws=1000, target_accept=0.9, dense=True)
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
    """Hold people by visits, and what is said at each share carried; where a person has no such visit, nothing."""

    cell: Int[np.ndarray, "person visit"]
    session: Int[np.ndarray, "person visit"]
    views: View
    shares: Float[np.ndarray, " share"]
    free: tuple[bool, bool]
    n_cells: int


class _Heard(NamedTuple):
    """Hold what one draw puts together with a view: means, a root of people's covariance, trust, and mood."""

    mean: Array
    root: Array
    trust: Array
    along: Array
    link: Array
    rest: Array
    noise: Array


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

    def of_views(values: Array | np.ndarray) -> Array:
        return jnp.stack([by_person(each) for each in np.asarray(values)])

    # A curve that opens upwards in S and A says nothing that a normal prior could be joined with.
    views = sessions.views
    values, vectors = np.linalg.eigh(views.curvature)
    upright = np.einsum("ksij,ksj,kslj->ksil", vectors, np.maximum(values, 0.0), vectors)
    return _Laid(
        cell=by_person(sessions.cell),
        session=by_person(np.arange(len(sessions.cell)), -1),
        views=views._replace(at=of_views(views.at), slope=of_views(views.slope), curvature=of_views(upright)),
        shares=sessions.shares,
        free=sessions.free,
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

    n_visits = laid.cell.shape[1]
    between = people[:, None] * people * jnp.array([[1.0, 0.0], [0.0, 1.0]])
    between = (
        between.at[0, 1].set(correlation * people[0] * people[1]).at[1, 0].set(correlation * people[0] * people[1])
    )
    covariance = jnp.kron(jnp.ones((n_visits, n_visits)), between)
    covariance += jnp.kron(jnp.eye(n_visits), jnp.diag(visits**2 + LEAST**2))
    trust = numpyro.sample("trust", prior(numbers["trust_slope"])) if laid.free[1] else jnp.asarray(0.0)
    heard = _Heard(means[laid.cell], jnp.linalg.cholesky(covariance), trust, *_mood(laid, mood))
    said = jax.vmap(lambda view: _said(view, heard, learns_trust=laid.free[1]))(jax.tree.map(jnp.asarray, laid.views))
    if laid.free[0]:
        numpyro.factor("answers", interpolated(said, numpyro.sample("carried", dist.Uniform(0, 1))))
    else:
        numpyro.factor("answers", said[0])


def _said(view: View, heard: _Heard, *, learns_trust: bool) -> Array:
    """Give the log likelihood of all answers at one share carried, people and visits integrated out."""
    step = heard.trust - view.trust if learns_trust else jnp.asarray(0.0)
    own, across, deep = view.curvature[..., :2, :2], view.curvature[..., :2, 2], view.curvature[..., 2, 2]
    level = view.slope[..., :2] - across * step
    alone = jnp.sum(view.slope[..., 2] * step - 0.5 * deep * step**2)
    # One person: S and A of all visits, stacked, counted from where the view was taken.
    n_people = view.at.shape[0]
    far = (heard.mean - view.at).reshape(n_people, -1)
    firm, slope = _blocks(own), level.reshape(n_people, -1)
    # Mood: change = level + link · (change of A − its mean) + noise.
    weight = 1 / heard.noise**2
    rest = heard.rest + heard.link * jnp.einsum("pi,pi->p", heard.along, far)
    firm += weight * heard.link**2 * heard.along[:, :, None] * heard.along[:, None, :]
    known = jnp.any(heard.along != 0, axis=1)
    slope += (known * weight * heard.link * rest)[:, None] * heard.along
    felt = jnp.sum(known * (-0.5 * (rest / heard.noise) ** 2 - jnp.log(heard.noise)))
    return view.height + alone + felt + jnp.sum(_marginal(far, slope, firm, heard.root))


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


def _blocks(own: Array) -> Array:
    """Lay the sessions of a person along the diagonal."""
    n_people, n_visits = own.shape[:2]
    wide = jnp.einsum("pvij,vw->pviwj", own, jnp.eye(n_visits))
    return wide.reshape(n_people, 2 * n_visits, 2 * n_visits)


def _mood(laid: _Laid, mood: Mood | None) -> tuple[Array, Array, Array, Array]:
    """Draw how the change of mood goes with the change of asymmetry: which numbers it reads, link, rest, noise."""
    n_people, n_visits = laid.cell.shape
    along = np.zeros((n_people, 2 * n_visits))
    nothing = jnp.asarray(0.0)
    if mood is None:
        return jnp.asarray(along), nothing, jnp.zeros(n_people), nothing + 1.0
    numbers = belief_priors()
    known = np.isfinite(mood.change) & (mood.before >= 0) & (mood.after >= 0)
    link = numpyro.sample("link", prior(numbers["mood_link"]))
    level = numpyro.sample("mood_change", prior(numbers["mood_change"]))
    noise = numpyro.sample("mood_noise", prior(numbers["mood_noise"]))
    # Which of the person's stacked numbers is A after, and which A before.
    for person in np.flatnonzero(known):
        for session, sign in ((mood.after[person], 1.0), (mood.before[person], -1.0)):
            along[person, 2 * int(np.flatnonzero(laid.session[person] == session)[0]) + 1] = sign
    return jnp.asarray(along), link, jnp.where(known, np.nan_to_num(mood.change) - level, 0.0), noise
