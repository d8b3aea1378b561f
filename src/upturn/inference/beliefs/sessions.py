"""Each session by itself, under the likelihood of both answers, with what all sessions share worked out in turns.

The numbers of a session are its mean belief, the logarithms of belief spread, report noise and answer noise, S and A. What
sessions share are the events' effects, the means of noises within a cell (a group at a visit), the share of the first
answer's error that is carried into learning, and the effect of trust. A session's likelihood is then summarised as a normal
curve in S, A and the shared numbers (Laplace's method, with the other numbers integrated out), which is what the hierarchical
program reads.

What lives here: laying answers out, the climb, and the summary. What does not: people and groups (``hierarchy``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.likelihood import (
    Numbers,
    bounds,
    given_first,
    with_first_at_bound,
    with_first_inside,
)
from upturn.parameters import ParameterFile, read

__all__ = ["Reading", "Sessions", "belief_priors", "summarise"]

Reading = Literal["exact", "noisy"]
"""``exact``: the first answer is the belief, as in every published analysis; ``noisy``: it is a noisy report of it."""

# Newton steps of one round; rounds, after which what is common to all sessions is worked out again.
STEPS, ROUNDS = 3, 6
# No step is longer than this, in the units of each number: belief, the logarithms of spread and noises, S, A.
LONGEST = (10.0, 0.5, 0.5, 0.5, 0.3, 0.3)
# How many of them are nothing but a nuisance to the hierarchy: all before S and A.
NUISANCES = 4
# Share of the longest step over which differences are taken; the same for what is shared: the logit of the share carried
# and the effect of trust.
NEAR, WIDE = 1e-4, 0.02
# How much the damping changes after a step; how near the share carried comes to 0 and 1 on the scale of logits.
EASE, FAR = 4.0, 4.6


def belief_priors() -> ParameterFile:
    """Give the priors, with their sources."""
    return read("upturn.inference", "beliefs")


class _Rows(NamedTuple):
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


@dataclass(frozen=True)
class Sessions:
    """Hold what the answers of each session say about S, A and the shared numbers.

    Parameters
    ----------
    reading
        How the first answer was read.
    cells
        Group and visit of each cell.
    participants
        Names, in the order that ``person`` counts in.
    cell, person
        Of each session.
    at
        Where the curve is expanded: S and A [fractions].
    shared_at, free
        The same for what is shared (logit of ``carried``, trust), and which of the two is learnt.
    slope, curvature
        Of the log likelihood there, in S, A and the shared numbers.
    numbers
        Best values of a session: mean belief, log spread, log report noise, log answer noise, S, A.
    event_belief, event_answer
        Effects of events on beliefs and on second answers [points].
    """

    reading: Reading
    cells: tuple[tuple[str, str], ...]
    participants: tuple[str, ...]
    cell: Int[np.ndarray, " session"]
    person: Int[np.ndarray, " session"]
    at: Float[np.ndarray, "session 2"]
    shared_at: Float[np.ndarray, " 2"]
    free: Bool[np.ndarray, " 2"]
    slope: Float[np.ndarray, "session 4"]
    curvature: Float[np.ndarray, "session 4 4"]
    numbers: Float[np.ndarray, "session 6"]
    event_belief: Float[np.ndarray, " event"]
    event_answer: Float[np.ndarray, " event"]

    @property
    def standard_errors(self) -> Float[np.ndarray, "session 2"]:
        """Standard errors of S and A, the shared numbers held [fractions]."""
        return np.sqrt(np.einsum("sii->si", np.linalg.inv(self.curvature[:, :2, :2])))


def summarise(
    answers: Answers, *, reading: Reading = "noisy", carried: float | None = None, trust: bool = False
) -> Sessions:
    """Summarise what each session says.

    Parameters
    ----------
    answers
        A study; without filler events report noise rests on its prior and on how first and second answers scatter.
    reading
        Whether the first answer is the belief or a noisy report of it.
    carried
        With ``noisy``: the share of the first answer's error that learning starts from [0 to 1]; learnt unless given.
    trust
        Whether S depends on the trust in the base rate.
    """
    own = list(zip(answers.group, answers.visit, strict=True))
    cells, participants = tuple(dict.fromkeys(own)), tuple(dict.fromkeys(answers.participant))
    cell = np.array([cells.index(each) for each in own])
    far = 1 / (1 + np.exp(-FAR))
    share = 0.5 if carried is None else min(max(carried, 1 - far), far)
    free = np.array([reading == "noisy" and carried is None, trust])
    kinds = _lay(answers, reading)
    found = _climb(kinds, jnp.asarray(cell), jnp.log(share / (1 - share)), tuple(free), len(cells), len(answers.events))
    state, slope, curvature = jax.tree.map(np.asarray, found)
    return Sessions(
        reading=reading,
        cells=cells,
        participants=participants,
        cell=cell,
        person=np.array([participants.index(each) for each in answers.participant]),
        at=state.theta[:, NUISANCES:],
        shared_at=np.array([state.shared.carried, state.shared.trust]),
        free=free,
        slope=slope,
        curvature=curvature,
        numbers=state.theta,
        event_belief=state.about,
        event_answer=state.beside,
    )


def _lay(answers: Answers, reading: Reading) -> tuple[_Rows, ...]:
    """Part trials by the kind of integral that each needs."""
    at, column = np.nonzero(answers.answered)
    at_filler, column_filler = np.nonzero(answers.filler_answered)
    n, m = len(at), len(at_filler)
    lowest, highest = bounds()
    trust = answers.trust[at, column]
    usual = float(np.nanmean(trust)) if np.isfinite(trust).any() else 0.0
    rows = _Rows(
        session=np.concatenate([at, at_filler]),
        event=np.concatenate([answers.event[at, column], answers.filler_event[at_filler, column_filler]]),
        base_rate=np.concatenate([answers.base_rate[at, column], np.full(m, (lowest + highest) / 2)]),
        first=np.concatenate([answers.first[at, column], answers.filler_first[at_filler, column_filler]]),
        second=np.concatenate([answers.second[at, column], answers.filler_second[at_filler, column_filler]]),
        trust=np.concatenate([np.nan_to_num(trust - usual) / 100, np.zeros(m)]),
        learns=np.concatenate([np.ones(n), np.zeros(m)]),
        weight=np.ones(n + m),
    )
    if reading == "exact":
        return (_filled(rows, rows.learns > 0),)
    first_in = (rows.first > lowest) & (rows.first < highest)
    second_in = (rows.second > lowest) & (rows.second < highest)
    return tuple(_filled(rows, which) for which in (first_in & second_in, first_in & ~second_in, ~first_in))


def _filled(rows: _Rows, which: np.ndarray) -> _Rows:
    """Fill rows up with copies of weight 0 to one of few sizes, so that studies alike share a compiled program."""
    own = np.flatnonzero(which)
    n = len(own)
    size = next(size for k in range(5, 40) for size in (2**k, 3 * 2 ** (k - 1)) if size >= n)
    at = own[np.arange(size) % n] if n else np.zeros(size, dtype=int)
    return _Rows(*(v[at] for v in rows))._replace(weight=(np.arange(size) < n).astype(float))


class _State(NamedTuple):
    theta: Array
    centre: Array
    about: Array
    beside: Array
    shared: Shared
    damping: Array


@partial(jax.jit, static_argnames=("free", "n_cells", "n_events"))
def _climb(
    kinds: tuple[_Rows, ...], cell: Array, carried: Array, free: tuple[bool, bool], n_cells: int, n_events: int
) -> tuple[_State, Array, Array]:
    """Alternate between the sessions and what they share; give the summary at the top."""
    priors = belief_priors()
    n_sessions = cell.shape[0]
    logs = [np.log(priors.value(name)) for name in ("belief_spread", "report_noise", "answer_noise")]
    start = jnp.array([priors.value("belief"), *logs, priors.value("scaling"), priors.value("asymmetry")])
    n = len(start)
    own = priors.value("people_noise")
    # Prior SD of a session about its cell; S and A are left to the hierarchy, so weak here.
    wide = jnp.array([2 * priors.value("people_belief"), own, own, own, 0.5, 0.5])
    longest = jnp.array(LONGEST)
    densities = (given_first,) if len(kinds) == 1 else (_inside, _second_at_bound, with_first_at_bound)
    belongs = [rows.weight * (rows.session == jnp.arange(n_sessions)[:, None]) for rows in kinds]

    def of_rows(at: _State, what: Callable[[Callable[[Array], Array]], Callable[[Array], Array]]) -> Array:
        """Sum what every row gives over the rows of a session: a product, which is faster here than scattering."""
        total = jnp.zeros(())
        for rows, mine, density in zip(kinds, belongs, densities, strict=True):
            total += mine @ what(partial(_density, rows=rows, at=at, density=density))(at.theta[rows.session])
        return total

    def likelihood(at: _State) -> Array:
        return of_rows(at, lambda f: f)

    def likelihood_slope(at: _State) -> Array:
        return of_rows(at, lambda f: jax.grad(lambda theta: jnp.sum(f(theta))))

    def value(at: _State) -> Array:
        return likelihood(at) - 0.5 * jnp.sum(((at.theta - at.centre) / wide) ** 2, axis=1)

    def slope(at: _State) -> Array:
        return likelihood_slope(at) - (at.theta - at.centre) / wide**2

    def curvature(at: _State) -> Array:
        """Give the negative second derivatives of the likelihood of every session, by central differences."""

        def along(unit: Array) -> Array:
            step = NEAR * unit * longest
            ahead, behind = at._replace(theta=at.theta + step), at._replace(theta=at.theta - step)
            return (likelihood_slope(behind) - likelihood_slope(ahead)) / (2 * jnp.sum(step))

        found = jnp.moveaxis(jax.lax.map(along, jnp.eye(n)), 0, -1)
        return 0.5 * (found + jnp.swapaxes(found, 1, 2))

    def newton(_: int, at: _State) -> _State:
        """Step every session, damped (Levenberg 1944): a step that does not climb is not taken."""
        bend = curvature(at) + jnp.diag(1 / wide**2)
        values, vectors = jnp.linalg.eigh(bend * longest[:, None] * longest)
        along = jnp.einsum("sij,si->sj", vectors, slope(at) * longest) / (jnp.abs(values) + at.damping[:, None])
        step = longest * jnp.clip(jnp.einsum("sij,sj->si", vectors, along), -1.0, 1.0)
        ahead = at._replace(theta=at.theta + step)
        climbs = value(ahead) > value(at)
        damping = jnp.where(climbs, at.damping / EASE, at.damping * EASE)
        return at._replace(theta=jnp.where(climbs[:, None], ahead.theta, at.theta), damping=damping)

    def beside_shared(at: _State) -> tuple[Array, Array, Array]:
        """Give slope (session 2), mixed (session 6 2) and own negative second derivatives in what is shared."""

        def moved(step: Array) -> tuple[Array, Array]:
            shared = Shared(at.shared.carried + step[0], at.shared.trust + step[1])
            there = at._replace(shared=shared)
            return likelihood(there), likelihood_slope(there)

        units = WIDE * jnp.array([[1.0, 0.0], [0.0, 1.0]])
        high, up = jax.lax.map(moved, units)
        low, down = jax.lax.map(moved, -units)
        middle = likelihood(at)
        corner = jax.lax.map(moved, jnp.array([[WIDE, WIDE], [-WIDE, -WIDE]]))[0]
        twice = -(high - 2 * middle + low) / WIDE**2
        both = -(corner[0] + corner[1] - high[0] - high[1] - low[0] - low[1] + 2 * middle) / (2 * WIDE**2)
        own = jnp.stack([jnp.stack([twice[0], both], -1), jnp.stack([both, twice[1]], -1)], -1)
        return jnp.moveaxis((high - low) / (2 * WIDE), 0, -1), jnp.moveaxis((down - up) / (2 * WIDE), 0, -1), own

    def step_shared(at: _State) -> Shared:
        """Move what is shared, with the sessions following."""
        along, mixed, own = beside_shared(at)
        bend = _upright(curvature(at)) + jnp.diag(1 / wide**2)
        total = jnp.sum(own - jnp.einsum("sik,sil->skl", mixed, jnp.linalg.solve(bend, mixed)), axis=0)
        learnt = jnp.array(free, dtype=float)
        # Uniform in the share: its density on the scale of logits. Trust has its prior.
        share = jax.nn.sigmoid(at.shared.carried)
        slope_prior = priors["trust_slope"].prior
        sd = slope_prior.sd if slope_prior else 1.0
        top = jnp.sum(along, axis=0) + jnp.array([1 - 2 * share, -at.shared.trust / sd**2])
        firm = jnp.maximum(jnp.diag(total) + jnp.array([2 * share * (1 - share), 1 / sd**2]), 1.0)
        step = learnt * jnp.clip(top / firm, -1.0, 1.0)
        return Shared(jnp.clip(at.shared.carried + step[0], -FAR, FAR), at.shared.trust + step[1])

    def one_round(_: int, at: _State) -> _State:
        at = jax.lax.fori_loop(0, STEPS, newton, at)
        if any(free):
            at = at._replace(shared=step_shared(at))
        people = jax.ops.segment_sum(jnp.ones(n_sessions), cell, n_cells)[:, None]
        centre = (jax.ops.segment_sum(at.theta, cell, n_cells) / people)[cell].at[:, NUISANCES:].set(start[NUISANCES:])
        about, beside = _events(kinds, densities, at, n_events, priors)
        return at._replace(centre=centre, about=about, beside=beside)

    theta = jnp.broadcast_to(start, (n_sessions, n))
    nothing = jnp.zeros(n_events)
    at = _State(theta, theta, nothing, nothing, Shared(carried, jnp.zeros(())), jnp.ones(n_sessions))
    at = jax.lax.fori_loop(0, ROUNDS, one_round, at)
    at = jax.lax.fori_loop(0, STEPS, newton, at)
    return (at, *_reduced(at, likelihood_slope(at), curvature(at), beside_shared(at), wide))


def _reduced(
    at: _State, slope: Array, curvature: Array, shared: tuple[Array, Array, Array], wide: Array
) -> tuple[Array, Array]:
    """Integrate the nuisances out of the normal curve: what is left is about S, A and what is shared."""
    along, mixed, own = shared
    top = jnp.concatenate([slope, along], axis=1)
    bend = jnp.concatenate(
        [jnp.concatenate([curvature, mixed], axis=2), jnp.concatenate([jnp.swapaxes(mixed, 1, 2), own], axis=2)], axis=1
    )
    prior = 1 / wide[:NUISANCES] ** 2
    inner = _upright(bend[:, :NUISANCES, :NUISANCES]) + jnp.diag(prior)
    inner_slope = top[:, :NUISANCES] - (at.theta - at.centre)[:, :NUISANCES] * prior
    across = bend[:, NUISANCES:, :NUISANCES]
    left = jnp.einsum("sij,sjk->sik", across, jnp.linalg.inv(inner))
    reduced = bend[:, NUISANCES:, NUISANCES:] - jnp.einsum("sij,skj->sik", left, across)
    return top[:, NUISANCES:] - jnp.einsum("sij,sj->si", left, inner_slope), reduced


def _upright(matrices: Array) -> Array:
    """Lift curvatures that point the wrong way to none."""
    values, vectors = jnp.linalg.eigh(matrices)
    return jnp.einsum("sij,sj,skj->sik", vectors, jnp.maximum(values, 0.0), vectors)


def _events(
    kinds: tuple[_Rows, ...], densities: tuple[Callable[..., Array], ...], at: _State, n_events: int, priors: ParameterFile
) -> tuple[Array, Array]:
    """Work out what events have of their own: one Newton step each, with the curvature of a plain mean."""
    found = []
    for name, now, noise in (("events_belief", at.about, 1), ("events_answer", at.beside, 3)):
        top, bottom = -now / priors.value(name) ** 2, jnp.full(n_events, 1 / priors.value(name) ** 2)
        for rows, density in zip(kinds, densities, strict=True):
            moved = "about" if name == "events_belief" else "beside"

            def total(effect: Array, rows: _Rows = rows, density: Any = density, moved: str = moved) -> Array:
                there = at._replace(**{moved: effect})
                return jnp.sum(rows.weight * _density(at.theta[rows.session], rows=rows, at=there, density=density))

            top += jax.grad(total)(now)
            firm = rows.weight * jnp.exp(-2 * at.theta[rows.session, noise])
            bottom += jax.ops.segment_sum(firm * (1.0 if noise == 1 else rows.learns), rows.event, n_events)
        found.append(now + top / bottom)
    about, beside = found
    return about - jnp.mean(about), beside - jnp.mean(beside)


def _density(theta: Array, *, rows: _Rows, at: _State, density: Callable[..., Array]) -> Array:
    belief, spread, report, answer, scaling, asymmetry = jnp.moveaxis(theta, -1, 0)
    learns = rows.learns
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


_inside: Callable[..., Array] = partial(with_first_inside, second_inside=True)
_second_at_bound: Callable[..., Array] = partial(with_first_inside, second_inside=False)
