"""The climb to the best numbers of every session at once, and the normal curve at the top.

Sessions do not touch each other but through what they share, so that all are stepped side by side; what they share is
worked out again after every few steps.

What lives here: the arithmetic. What does not: whose answers they are (``sessions``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from upturn.inference.beliefs.likelihood import Numbers, given_first, with_first_at_bound, with_first_inside
from upturn.parameters import ParameterFile, read

__all__ = ["FAR", "FURTHER", "NUISANCES", "ROUNDS", "Rows", "Shared", "State", "View", "belief_priors", "climb", "foot"]

# Newton steps of one round; rounds, after which what sessions share is worked out again; rounds with a share given.
STEPS, ROUNDS, FURTHER = 3, 7, 3
# No step is longer than this, in the units of each number: belief, the logarithms of spread and noises, S, A.
LONGEST = (10.0, 0.5, 0.5, 0.5, 0.3, 0.3)
# How many of them are nothing but a nuisance to the hierarchy: all before S and A.
NUISANCES = 4
# Share of the longest step over which differences are taken; the same for what is shared: the logit of the share
# carried and the effect of trust.
NEAR, WIDE = 1e-4, 0.02
# How much the damping changes after a step; how near the share carried comes to 0 and 1 on the scale of logits.
EASE, FAR = 4.0, 4.6

Density = Callable[..., Array]


def belief_priors() -> ParameterFile:
    """Give the priors, with their sources."""
    return read("upturn.inference", "beliefs")


class Rows(NamedTuple):
    """Hold trials of one kind, flat; ``learns`` is 0 for filler events, where both answers report one belief."""

    session: Int[np.ndarray, " row"]
    event: Int[np.ndarray, " row"]
    base_rate: Float[np.ndarray, " row"]
    first: Float[np.ndarray, " row"]
    second: Float[np.ndarray, " row"]
    trust: Float[np.ndarray, " row"]
    learns: Float[np.ndarray, " row"]
    weight: Float[np.ndarray, " row"]


class Shared(NamedTuple):
    """Hold the numbers that all sessions share and that the hierarchy learns.

    Parameters
    ----------
    carried
        Logit of the share of the first answer's error that learning starts from.
    trust
        Change of S per whole unit of trust above its mean [fraction].
    """

    carried: Array
    trust: Array


class State(NamedTuple):
    """Hold where the climb stands.

    Parameters
    ----------
    theta
        Of every session: mean belief, logarithms of belief spread, report noise and answer noise, S, A.
    centre
        What they are drawn towards.
    about, beside
        Effects of events on beliefs and on second answers [points].
    shared
        What all sessions share.
    damping
        Of every session's steps.
    """

    theta: Float[Array, "session 6"]
    centre: Float[Array, "session 6"]
    about: Array
    beside: Array
    shared: Shared
    damping: Float[Array, " session"]


class View(NamedTuple):
    """Hold what sessions say where one share is carried: a normal curve in S, A and the effect of trust.

    Parameters
    ----------
    at, trust
        Where the curves are expanded: S and A of sessions, and the effect of trust [fractions].
    height
        Log likelihood of all sessions there, the nuisances integrated out, with the events' prior.
    slope, curvature
        In S, A and the effect of trust.
    """

    at: Float[Array, "*share session 2"]
    trust: Float[Array, "*share"]
    height: Float[Array, "*share"]
    slope: Float[Array, "*share session 3"]
    curvature: Float[Array, "*share session 3 3"]


class _Shape(NamedTuple):
    """Hold log likelihood, slope and negative second derivatives of every session, in its own numbers."""

    value: Float[Array, " session"]
    slope: Float[Array, "session 6"]
    bend: Float[Array, "session 6 6"]


class _InShared(NamedTuple):
    """Hold slope, mixed and own negative second derivatives of every session, in what is shared."""

    slope: Float[Array, "session 2"]
    mixed: Float[Array, "session 6 2"]
    bend: Float[Array, "session 2 2"]


class _Hill(NamedTuple):
    """Hold what does not change on the way up: rows by kind, which session each belongs to, and prior widths."""

    kinds: tuple[Rows, ...]
    belongs: tuple[Array, ...]
    wide: Array

    @property
    def densities(self) -> tuple[Density, ...]:
        """The density of each kind: trials with both answers inside, the second, or the first at a bound."""
        return (given_first,) if len(self.kinds) == 1 else (_inside, _second_at_bound, with_first_at_bound)

    def likelihood(self, at: State) -> Float[Array, " session"]:
        """Give the log likelihood of every session: rows summed by a product, which is faster here than scattering."""
        total = jnp.zeros(self.belongs[0].shape[0])
        for rows, mine, density in zip(self.kinds, self.belongs, self.densities, strict=True):
            total += mine @ _density(at.theta[rows.session], rows=rows, at=at, density=density)
        return total

    def with_slope(self, at: State) -> tuple[Float[Array, " session"], Float[Array, "session 6"]]:
        """Give the log likelihood of every session and its slope."""
        value, slope = jnp.zeros(self.belongs[0].shape[0]), jnp.zeros_like(at.theta)
        for rows, mine, density in zip(self.kinds, self.belongs, self.densities, strict=True):
            of_rows = partial(_density, rows=rows, at=at, density=density)
            found, back = jax.vjp(of_rows, at.theta[rows.session])
            value, slope = value + mine @ found, slope + mine @ back(jnp.ones_like(found))[0]
        return value, slope

    def around(self, at: State, steps: np.ndarray) -> tuple[Array, Array]:
        """Give log likelihoods and slopes at places nearby: steps in a session's numbers and in what is shared.

        One map over all places, so that the density is compiled once.
        """

        def moved(step: Array) -> tuple[Array, Array]:
            own, shared = step[: len(LONGEST)], step[len(LONGEST) :]
            there = Shared(at.shared.carried + shared[0], at.shared.trust + shared[1])
            return self.with_slope(at._replace(theta=at.theta + own, shared=there))

        found: tuple[Array, Array] = jax.lax.map(moved, steps)
        return found

    def shape(self, at: State) -> _Shape:
        """Give log likelihood, slope and negative second derivatives, these by central differences (cheaper here)."""
        return _shape(*self.around(at, _STEPS))

    def shape_with_shared(self, at: State) -> tuple[_Shape, _InShared]:
        """Give the shape, and beside it slope, mixed and own negative second derivatives in what is shared."""
        values, slopes = self.around(at, np.concatenate([_STEPS, _STEPS_IN_SHARED]))
        middle = len(_STEPS) - 1
        shape = _shape(values[: middle + 1], slopes[: middle + 1])
        return shape, _in_shared(values[middle + 1 :], slopes[middle + 1 :], values[middle])

    def prior(self, at: State) -> Float[Array, " session"]:
        return -0.5 * jnp.sum(((at.theta - at.centre) / self.wide) ** 2, axis=1)


def _steps() -> tuple[np.ndarray, np.ndarray]:
    """Give the steps over which differences are taken: in a session's numbers (the last is none), and in shared."""
    alone = NEAR * np.diag(LONGEST)
    own = np.concatenate([alone, -alone, np.zeros((1, len(LONGEST)))])
    one, two = WIDE * np.eye(2)
    shared = np.stack([one, two, -one, -two, one + two, -one - two])
    return np.pad(own, ((0, 0), (0, 2))), np.pad(shared, ((0, 0), (len(LONGEST), 0)))


_STEPS, _STEPS_IN_SHARED = _steps()


def _shape(values: Array, slopes: Array) -> _Shape:
    n = len(LONGEST)
    width = 2 * NEAR * jnp.array(LONGEST)
    found = jnp.moveaxis((slopes[n : 2 * n] - slopes[:n]) / width[:, None, None], 0, -1)
    return _Shape(values[-1], slopes[-1], 0.5 * (found + jnp.swapaxes(found, 1, 2)))


def _in_shared(values: Array, slopes: Array, middle: Array) -> _InShared:
    high, low, corners = values[:2], values[2:4], values[4:6]
    alone = (2 * middle - high - low) / WIDE**2
    both = (jnp.sum(high, axis=0) + jnp.sum(low, axis=0) - jnp.sum(corners, axis=0) - 2 * middle) / (2 * WIDE**2)
    own = jnp.stack([jnp.stack([alone[0], both], -1), jnp.stack([both, alone[1]], -1)], -1)
    mixed = (slopes[2:4] - slopes[:2]) / (2 * WIDE)
    return _InShared(jnp.moveaxis((high - low) / (2 * WIDE), 0, -1), jnp.moveaxis(mixed, 0, -1), own)


def foot(n_sessions: int, n_events: int, carried: float) -> State:
    """Give where a first climb begins: all sessions alike, at the middle of the priors.

    Parameters
    ----------
    n_sessions, n_events
        How many of each.
    carried
        Logit of the share carried.
    """
    theta = jnp.broadcast_to(_start(), (n_sessions, len(LONGEST)))
    nothing = jnp.zeros(n_events)
    shared = Shared(jnp.asarray(carried, dtype=float), jnp.asarray(0.0, dtype=float))
    return State(theta, theta, nothing, nothing, shared, jnp.ones(n_sessions))


@partial(jax.jit, static_argnames=("n_cells",))
def climb(
    kinds: tuple[Rows, ...], cell: Array, begin: State, free: Bool[Array, " 2"], rounds: Int[Array, ""], *, n_cells: int
) -> tuple[State, View]:
    """Climb to the best numbers.

    Parameters
    ----------
    kinds
        Rows of one kind, with the first answer taken as the belief; or of three, with it taken as a report: both
        answers inside the bounds, only the second at a bound, the first at a bound.
    cell
        Of each session.
    begin
        Where to begin: at the foot, or where an earlier climb came to.
    free
        Whether the share carried and the effect of trust are learnt, or stay as they are.
    rounds
        How many; ``ROUNDS`` from the foot.
    n_cells
        How many cells.

    Returns
    -------
    tuple
        The top, and the view from there.
    """
    priors = belief_priors()
    own = priors.value("people_noise")
    # S and A are left to the hierarchy: next to no prior here.
    wide = jnp.array([2 * priors.value("people_belief"), own, own, own, 0.5, 0.5])
    belongs = tuple(rows.weight * (rows.session == jnp.arange(cell.shape[0])[:, None]) for rows in kinds)
    hill = _Hill(kinds, belongs, wide)
    one_round = partial(_round, hill=hill, cell=cell, n_cells=n_cells, free=free)
    at = jax.lax.fori_loop(0, rounds, one_round, begin)
    return at, View(at.theta[:, NUISANCES:], at.shared.trust, *_reduced(hill, at))


def _start() -> Float[np.ndarray, " 6"]:
    priors = belief_priors()
    logs = [np.log(priors.value(name)) for name in ("belief_spread", "report_noise", "answer_noise")]
    return np.array([priors.value("belief"), *logs, priors.value("scaling"), priors.value("asymmetry")])


def _round(k: Array, at: State, *, hill: _Hill, cell: Array, n_cells: int, free: Array) -> State:
    """Work out what sessions share, then step each of them."""
    people = jax.ops.segment_sum(jnp.ones(cell.shape[0]), cell, n_cells)[:, None]
    of_cell = jax.ops.segment_sum(at.theta, cell, n_cells) / people
    centre = of_cell[cell].at[:, NUISANCES:].set(_start()[NUISANCES:])
    about, beside = _events(hill, at)
    at = at._replace(centre=centre, about=about, beside=beside)
    # Not before the sessions were fitted at all.
    at = jax.lax.cond(
        jnp.any(free) & (k > 0), lambda at: at._replace(shared=_step_shared(hill, at, free)), lambda at: at, at
    )
    return jax.lax.fori_loop(0, STEPS, partial(_newton, hill), at)


def _newton(hill: _Hill, _: int, at: State) -> State:
    """Step every session, damped (Levenberg 1944): a step that does not climb is not taken."""
    longest = jnp.array(LONGEST)
    value, slope, bend = hill.shape(at)
    slope -= (at.theta - at.centre) / hill.wide**2
    bend += jnp.diag(1 / hill.wide**2)
    values, vectors = jnp.linalg.eigh(bend * longest[:, None] * longest)
    along = jnp.einsum("sij,si->sj", vectors, slope * longest) / (jnp.abs(values) + at.damping[:, None])
    step = longest * jnp.clip(jnp.einsum("sij,sj->si", vectors, along), -1.0, 1.0)
    ahead = at._replace(theta=at.theta + step)
    climbs = hill.likelihood(ahead) + hill.prior(ahead) > value + hill.prior(at)
    damping = jnp.where(climbs, at.damping / EASE, at.damping * EASE)
    return at._replace(theta=jnp.where(climbs[:, None], ahead.theta, at.theta), damping=damping)


def _step_shared(hill: _Hill, at: State, free: Array) -> Shared:
    """Move what is shared, with the sessions following."""
    shape, (along, mixed, own) = hill.shape_with_shared(at)
    bend = _upright(shape.bend) + jnp.diag(1 / hill.wide**2)
    total = jnp.sum(own - jnp.einsum("sik,sil->skl", mixed, jnp.linalg.solve(bend, mixed)), axis=0)
    # Uniform in the share: its density on the scale of logits. Trust has its prior.
    share = jax.nn.sigmoid(at.shared.carried)
    trust = belief_priors()["trust_slope"].prior
    firmness = 1 / trust.sd**2 if trust else 0.0
    top = jnp.sum(along, axis=0) + jnp.array([1 - 2 * share, -at.shared.trust * firmness])
    firm = jnp.maximum(jnp.diag(total) + jnp.array([2 * share * (1 - share), firmness]), 1.0)
    step = free * jnp.clip(top / firm, -1.0, 1.0)
    return Shared(jnp.clip(at.shared.carried + step[0], -FAR, FAR), at.shared.trust + step[1])


def _events(hill: _Hill, at: State) -> tuple[Array, Array]:
    """Work out what events have of their own: one Newton step each, with the curvature of a plain mean.

    In the second answers a trend over base rates, straight or bent, is not an event's own: where people believe much
    the same, it is S and A.
    """

    def total(effects: tuple[Array, Array]) -> Array:
        there = at._replace(about=effects[0], beside=effects[1])
        each = (
            jnp.sum(rows.weight * _density(at.theta[rows.session], rows=rows, at=there, density=density))
            for rows, density in zip(hill.kinds, hill.densities, strict=True)
        )
        return jnp.asarray(sum(each))

    def step(now: Array, slope: Array, prior: str, noise: int, weights: Sequence[np.ndarray]) -> Array:
        firm = jnp.full_like(now, 1 / belief_priors().value(prior) ** 2)
        top = slope - now * firm
        for rows, weight in zip(hill.kinds, weights, strict=True):
            firm += jax.ops.segment_sum(weight * jnp.exp(-2 * at.theta[rows.session, noise]), rows.event, len(now))
        return now + top / firm

    learns = [rows.weight * rows.learns for rows in hill.kinds]
    of_about, of_beside = jax.grad(total)((at.about, at.beside))
    about = step(at.about, of_about, "events_belief", 1, [rows.weight for rows in hill.kinds])
    beside = step(at.beside, of_beside, "events_answer", 3, learns)
    return about - jnp.mean(about), _without_trend(hill, beside, learns)


def _without_trend(hill: _Hill, found: Array, weights: Sequence[np.ndarray]) -> Array:
    """Take a straight or bent trend over base rates out of what events have of their own."""
    count, total_rate = jnp.zeros_like(found), jnp.zeros_like(found)
    for rows, weight in zip(hill.kinds, weights, strict=True):
        count += jax.ops.segment_sum(weight, rows.event, len(found))
        total_rate += jax.ops.segment_sum(weight * rows.base_rate, rows.event, len(found))
    shown = count > 0
    rate = jnp.where(shown, total_rate / jnp.maximum(count, 1.0) / 100, 0.0)
    trend = shown[:, None] * jnp.stack([jnp.ones_like(rate), rate, rate**2], axis=-1)
    return shown * (found - trend @ jnp.linalg.lstsq(trend, shown * found)[0])


def _reduced(hill: _Hill, at: State) -> tuple[Array, Array, Array]:
    """Integrate the nuisances out of the normal curve: what is left is about S, A and trust (height, slope, bend)."""
    (value, slope, curvature), in_shared = hill.shape_with_shared(at)
    along, mixed, own = (part[..., 1:] for part in in_shared)  # of trust alone: the share carried is given
    top = jnp.concatenate([slope, along], axis=1)
    upper = jnp.concatenate([curvature, mixed], axis=2)
    bend = jnp.concatenate([upper, jnp.concatenate([jnp.swapaxes(mixed, 1, 2), own[:, 1:]], axis=2)], axis=1)
    prior = 1 / hill.wide[:NUISANCES] ** 2
    inner = _upright(bend[:, :NUISANCES, :NUISANCES]) + jnp.diag(prior)
    off = (at.theta - at.centre)[:, :NUISANCES]
    inner_slope = top[:, :NUISANCES] - off * prior
    across = bend[:, NUISANCES:, :NUISANCES]
    left = jnp.einsum("sij,sjk->sik", across, jnp.linalg.inv(inner))
    reduced = bend[:, NUISANCES:, NUISANCES:] - jnp.einsum("sij,skj->sik", left, across)
    rise = 0.5 * jnp.einsum("si,si->s", inner_slope, jnp.linalg.solve(inner, inner_slope[..., None])[..., 0])
    height = value - 0.5 * jnp.sum(prior * off**2, axis=1) + rise - 0.5 * jnp.linalg.slogdet(inner)[1]
    numbers = belief_priors()
    rare = [(at.about, numbers.value("events_belief")), (at.beside, numbers.value("events_answer"))]
    events = sum(-0.5 * jnp.sum((effect / spread) ** 2) for effect, spread in rare)
    return jnp.sum(height) + events, top[:, NUISANCES:] - jnp.einsum("sij,sj->si", left, inner_slope), reduced


def _upright(matrices: Array) -> Array:
    """Lift curvatures that point the wrong way to none."""
    values, vectors = jnp.linalg.eigh(matrices)
    return jnp.einsum("sij,sj,skj->sik", vectors, jnp.maximum(values, 0.0), vectors)


def _density(theta: Array, *, rows: Rows, at: State, density: Density) -> Array:
    belief, spread, report, answer, scaling, asymmetry = jnp.moveaxis(theta, -1, 0)
    learns = jnp.asarray(rows.learns)
    n = Numbers(
        mean=belief + at.about[rows.event],
        spread=jnp.exp(spread),
        report=jnp.exp(report),
        answer=jnp.exp(jnp.where(learns > 0, answer, report)),
        scaling=learns * (scaling + at.shared.trust * rows.trust),
        asymmetry=learns * asymmetry,
        carried=learns * jax.nn.sigmoid(at.shared.carried),
        beside=learns * at.beside[rows.event],
    )
    return density(rows.first, rows.second, rows.base_rate, n)


_inside: Density = partial(with_first_inside, second_inside=True)
_second_at_bound: Density = partial(with_first_inside, second_inside=False)
