"""Carry people's state through a course, exactly where it is linear, by quadrature where it is not.

Every linear part (compartments, delays, effect sites) is a set of modes ``z' = −λ z + input``, solved exactly and
carried from dose to dose. Occupancy ``x/(1+x)`` is static in the modes; the surge is linear in occupancy and is
integrated against its exponential kernel at a few Gauss nodes; the bounded state has an exact solution given the
integral of its drive. No time stepping and no loop over people: everything is elementwise in people, who are the
last axis of every array (or none, for one person), so that one instruction serves many.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.chain.plan import Block, Plan, Segment
from upturn.numerics import Exponentials, gauss_legendre

__all__ = ["Body", "Boundary", "Course", "propagate"]

PerPerson = Float[Array, "*people"]
Modes = dict[str, Float[Array, "modes *people"]]

# Nodes for the weak part of the growth step, which is multiplied by the slow loss (dt/τ_off).
GROWTH_RULE = gauss_legendre(4)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Body:
    """The chain of one person, or of many at once, as numbers.

    Parameters
    ----------
    outputs
        Response of each output to a unit amount [1/mg] into each path: output → path → exponentials.
    shares
        Fraction of an amount that takes each inlet.
    surge
        Response of the surge P to occupancy [1/h]; area 1.
    formation, loss
        k_form and 1/τ_off of synaptic growth S [1/h].
    """

    outputs: Mapping[str, Mapping[str, Exponentials]]
    shares: Mapping[str, PerPerson]
    surge: Exponentials
    formation: PerPerson
    loss: PerPerson


class Boundary(NamedTuple):
    """What is known at the start of a block, where a decision may be taken."""

    block: Array
    time_h: Float[Array, ""]
    occasion: Array
    surge: PerPerson
    growth: PerPerson


class Course(NamedTuple):
    """What happened: the readings, and the amount that each dose was.

    Parameters
    ----------
    outputs
        Each wanted output at the reading times.
    surge, growth
        P and S at the reading times.
    given_mg
        Amount given at each occasion [mg].
    notes
        What the decisions noted at the start of each block.
    """

    outputs: dict[str, Float[Array, "readings *people"]]
    surge: Float[Array, "readings *people"]
    growth: Float[Array, "readings *people"]
    given_mg: Float[Array, "occasions *people"]
    notes: Any


Decide = Callable[[Any, Boundary, PerPerson], tuple[PerPerson, Any, Any]]


def propagate(
    body: Body,
    timetable: Plan,
    amounts_mg: Float[Array, "occasions *people"],
    *,
    drive: str = "occupancy_drive",
    wanted: Sequence[str] = (),
    decide: Decide | None = None,
    memory: Any = None,
) -> Course:
    """Carry people through a course of doses.

    Parameters
    ----------
    body
        The people.
    timetable
        The timetable from :func:`upturn.chain.plan`.
    amounts_mg
        Amount of each occasion [mg].
    drive
        The output that occupies receptors; dimensionless, x in x/(1+x).
    wanted
        Outputs to read besides surge and growth.
    decide
        Called at the start of every block with the memory, a :class:`Boundary` and the planned amount [mg]; gives
        the amount to be given, the new memory, and a note that is kept. Left out, every dose is given.
    memory
        Its first memory.

    Returns
    -------
    Course
        The readings in order of ``timetable.reading_h``.
    """
    names = list(dict.fromkeys([drive, *wanted]))
    zero = jnp.zeros_like(body.loss)
    walk = _Walk(body, _modes_used(body, names), timetable.blocks, body.outputs[drive], zero)

    def branch(block: Block) -> Callable[..., Any]:
        def run(modes: Modes, fast: Array, growth: PerPerson, amount: PerPerson) -> Any:
            readings = []
            for segment in block.segments:
                modes, fast, growth = walk.advance(segment, modes, fast, growth, amount)
                values = {name: walk.output(body.outputs[name], modes) for name in wanted}
                readings.append({**values, "_surge": walk.surge(fast), "_growth": growth})
            readings += [readings[-1]] * (timetable.widest - len(readings))
            stacked = {key: jnp.stack([r[key] for r in readings]) for key in readings[0]}
            return (modes, fast, growth), stacked

        return run

    branches = [branch(block) for block in timetable.blocks]

    def step(carry: Any, at: Any) -> Any:
        (modes, fast, growth), kept = carry
        number, kind, time_h, occasion = at
        planned = jnp.where(occasion >= 0, amounts_mg[occasion], zero) if timetable.n_occasions else zero
        amount, note = planned, ()
        if decide is not None:
            here = Boundary(number, time_h, occasion, walk.surge(fast), growth)
            amount, kept, note = decide(kept, here, planned)
        state, readings = jax.lax.switch(kind, branches, modes, fast, growth, amount)
        return (state, kept), (readings, amount, note)

    at = (
        jnp.arange(len(timetable.sequence)),
        jnp.array(timetable.sequence),
        jnp.array(timetable.starts_h),
        jnp.array(timetable.occasions),
    )
    start = (
        {path: jnp.zeros_like(rates) for path, rates in walk.rates.items()},
        jnp.zeros_like(walk.surge_rates),
        zero,
    )
    _, (readings, given, notes) = jax.lax.scan(step, (start, memory), at)
    # The last (fictitious) entry stands for the state before time zero.
    flat = {key: jnp.concatenate([value.reshape(-1, *zero.shape), zero[None]]) for key, value in readings.items()}
    where = [b * timetable.widest + s if b >= 0 else -1 for b, s in timetable.reading_at]
    series = {key: value[np.array(where, dtype=int)] for key, value in flat.items()}
    doses = np.array([i for i, o in enumerate(timetable.occasions) if o >= 0], dtype=int)
    return Course({name: series[name] for name in wanted}, series["_surge"], series["_growth"], given[doses], notes)


def _modes_used(body: Body, names: Sequence[str]) -> dict[str, dict[str, PerPerson]]:
    """Rates of the modes that any of the named outputs needs, by path."""
    used: dict[str, dict[str, PerPerson]] = {}
    for name in names:
        for path, response in body.outputs[name].items():
            used.setdefault(path, {}).update(zip(response.modes, response.rates, strict=True))
    return used


def _sum(terms: Array) -> Array:
    return terms.sum(axis=0)


class _Walk:
    """Steps over segments, with the decay factors of every mode computed once for all blocks."""

    def __init__(
        self,
        body: Body,
        used: Mapping[str, Mapping[str, PerPerson]],
        blocks: Sequence[Block],
        drive: Mapping[str, Exponentials],
        zero: PerPerson,
    ) -> None:
        self.body, self.drive, self.zero = body, drive, zero
        self.modes = {path: tuple(rates) for path, rates in used.items()}
        self.rates = {path: self._many(rates.values()) for path, rates in used.items()}
        self.surge_rates, self.surge_amplitudes = self._many(body.surge.rates), self._many(body.surge.amplitudes)
        rules = dict.fromkeys((s.lasts_h, s.rule) for b in blocks for s in b.segments)
        self.lengths = {length: i for i, length in enumerate(dict.fromkeys(length for length, _ in rules))}
        self.nodes: dict[Any, slice] = {}
        nodes: list[float] = []
        for length, rule in rules:
            self.nodes[length, rule] = slice(len(nodes), len(nodes) + len(rule.nodes))
            nodes += [length * x for x in rule.nodes]
        rest = [length * (1 - x) for length, rule in rules for x in rule.nodes]
        lengths = list(self.lengths)
        # By mode and node for what is summed over modes, by time and mode for what is carried on.
        to_node = {p: jnp.exp(-self._many(r.rates)[:, None] * self._column(nodes)) for p, r in drive.items()}
        to_end = {p: self._decay(rates, lengths) for p, rates in self.rates.items()}
        fade = self._decay(self.surge_rates, rest), self._decay(self.surge_rates, lengths)
        # Without a barrier XLA recomputes the exponentials at every use.
        self.to_node, self.to_end, self.fade = jax.lax.optimization_barrier((to_node, to_end, fade))

    def _many(self, rows: Iterable[PerPerson]) -> Float[Array, "modes *people"]:
        return jnp.stack([jnp.broadcast_to(row, self.zero.shape) for row in rows])

    def _decay(self, rates: Float[Array, "modes *people"], times_h: Sequence[float]) -> Array:
        return jnp.exp(-rates * self._column(times_h)[:, None])

    def _column(self, values: Sequence[float]) -> np.ndarray:
        return np.array(values, dtype=float).reshape((-1, *([1] * self.zero.ndim)))

    def surge(self, fast: Float[Array, "modes *people"]) -> PerPerson:
        """Give P."""
        return _sum(self.surge_amplitudes * fast)

    def output(self, responses: Mapping[str, Exponentials], modes: Modes) -> PerPerson:
        """Give an output from the modes it needs."""
        parts = [self._part(path, response, modes[path]) for path, response in responses.items()]
        return sum((_sum(each) for each in parts), start=self.zero)

    def advance(
        self,
        segment: Segment,
        modes: Modes,
        fast: Float[Array, "modes *people"],
        growth: PerPerson,
        amount: PerPerson,
    ) -> tuple[Modes, Float[Array, "modes *people"], PerPerson]:
        """Carry the state over one segment."""
        body, dt = self.body, segment.lasts_h
        modes = dict(modes)
        for path, share, weight in segment.boluses:
            if path in modes:
                modes[path] = modes[path] + amount * body.shares[share] * weight
        flow: dict[str, PerPerson] = {}
        for path, share, per_hour in segment.rates:
            flow[path] = flow.get(path, self.zero) + amount * body.shares[share] * per_hour

        # Within the segment z(s) = level + (z − level) e^{−λ s}, level = inflow / λ.
        level = {p: flow[p] / self.rates[p] for p in flow if p in modes}
        above = {p: z - level[p] if p in level else z for p, z in modes.items()}
        end = self.lengths[dt]
        faded = {p: z * self.to_end[p][end] for p, z in above.items()}
        ended = {p: z + level[p] if p in level else z for p, z in faded.items()}

        # Occupancy at the nodes and at both ends.
        rule = self.nodes[dt, segment.rule]
        lines = {p: self._part(p, self.drive[p], above[p]) for p in self.drive}
        steady = sum((_sum(self._part(p, self.drive[p], level[p])) for p in self.drive if p in level), start=self.zero)
        x = sum((_sum(lines[p][:, None] * self.to_node[p][:, rule]) for p in self.drive), start=steady)
        occupied = jnp.broadcast_to(x / (1 + x), (rule.stop - rule.start, *self.zero.shape))
        occupied = jax.lax.optimization_barrier(occupied)
        x0 = sum((_sum(each) for each in lines.values()), start=steady)
        x1 = self.output(self.drive, ended)

        # Surge: y' = −ρ y + RO, integrated against its own kernel.
        weighed = self._column(segment.rule.weights) * dt * occupied
        exposure = _sum(weighed)
        rest, whole = self.fade
        later = fast * whole[end] + _sum(weighed[:, None] * rest[rule])
        # ∫P follows from the balance of each mode: ∫y = (∫RO − Δy) / ρ.
        area = _sum(self.surge_amplitudes / self.surge_rates * (exposure - (later - fast)))
        start, stop = self._slopes(fast, x0 / (1 + x0)), self._slopes(later, x1 / (1 + x1))
        return ended, later, self._grow(dt, growth, area, start, stop)

    def _part(self, path: str, response: Exponentials, modes: Array) -> Float[Array, "modes *people"]:
        """Give the part that each mode of a path has in an output."""
        rows = [self.modes[path].index(mode) for mode in response.modes]
        inside = modes if rows == list(range(len(modes))) else modes[np.array(rows)]
        return self._many(response.amplitudes) * inside

    def _slopes(self, fast: Float[Array, "modes *people"], occupied: PerPerson) -> tuple[PerPerson, PerPerson]:
        """P and P' from the modes: y' = −ρ y + RO."""
        return self.surge(fast), _sum(self.surge_amplitudes * (occupied - self.surge_rates * fast))

    def _grow(
        self,
        dt: float,
        growth: PerPerson,
        area: PerPerson,
        start: tuple[PerPerson, PerPerson],
        stop: tuple[PerPerson, PerPerson],
    ) -> PerPerson:
        """Step S' = k_form P (1 − S) − S/τ_off exactly, given ∫P.

        With a = k_form P + 1/τ_off and I = ∫a: S(dt) = S e^{−I} + 1 − e^{−I} − (1/τ_off) ∫ e^{−(I − I(s))} ds; the
        last integral is small (dt/τ_off) and takes I(s) as the quintic Hermite interpolant of its ends, slopes
        and bends.
        """
        form, loss = self.body.formation, self.body.loss
        total = form * area + loss * dt
        slope0, slope1 = [(form * p + loss) * dt for p, _ in (start, stop)]
        bend0, bend1 = [form * change * (dt * dt) for _, change in (start, stop)]
        u = self._column(GROWTH_RULE.nodes)
        u3, u4, u5 = u**3, u**4, u**5
        inner = (
            total * (10 * u3 - 15 * u4 + 6 * u5)
            + slope0 * (u - 6 * u3 + 8 * u4 - 3 * u5)
            + slope1 * (-4 * u3 + 7 * u4 - 3 * u5)
            + bend0 * (0.5 * (u * u - 3 * u3 + 3 * u4 - u5))
            + bend1 * (0.5 * (u3 - 2 * u4 + u5))
        )
        # Far from linear the interpolant may leave [0, I]; the integrand may not leave [0, 1].
        weak = jnp.exp(jnp.minimum(inner - total, 0.0)) * self._column(GROWTH_RULE.weights)
        kept = jnp.exp(-total)
        return growth * kept + (1.0 - kept) - loss * dt * _sum(weak)
