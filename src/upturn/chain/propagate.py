"""Carry people's state through a course, exactly where it is linear, by quadrature where it is not.

Every linear part (compartments, delays, effect sites) is a set of modes ``z' = −λ z + input``, solved exactly and
carried from dose to dose. Occupancy ``x/(1+x)`` is static in the modes; the surge is linear in occupancy and is
integrated against its exponential kernel at a few Gauss nodes; the bounded state has an exact solution given the
integral of its drive. No time stepping and no loop over people: everything is elementwise in people, who are the
last axis of every array (or none, for one person), so that one instruction serves many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
Modes = dict[str, dict[str, PerPerson]]

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
    used = _modes_used(body, names)
    zero = jnp.zeros_like(body.loss)
    walk = _Walk(body, used, timetable.blocks, body.outputs[drive], zero)

    def branch(block: Block) -> Callable[..., Any]:
        def run(modes: Modes, fast: dict[str, PerPerson], growth: PerPerson, amount: PerPerson) -> Any:
            readings = []
            for segment in block.segments:
                modes, fast, growth = walk.advance(segment, modes, fast, growth, amount)
                values = {name: _output(body.outputs[name], modes, zero) for name in wanted}
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
        {path: dict.fromkeys(rates, zero) for path, rates in used.items()},
        dict.fromkeys(body.surge.rates, zero),
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
            used.setdefault(path, {}).update(response.rates)
    return used


def _output(responses: Mapping[str, Exponentials], modes: Modes, zero: PerPerson) -> PerPerson:
    terms = [a * modes[path][mode] for path, r in responses.items() for mode, a in r.amplitudes.items()]
    return _sum(terms) if terms else zero


def _sum(terms: Sequence[Any]) -> Any:
    # Unrolled: XLA does not vectorise reductions over short axes.
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


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
        self.body, self.rates, self.drive, self.zero = body, used, drive, zero
        rules = dict.fromkeys((s.lasts_h, s.rule) for b in blocks for s in b.segments)
        self.lengths = {length: i for i, length in enumerate(dict.fromkeys(length for length, _ in rules))}
        self.nodes: dict[Any, slice] = {}
        nodes: list[float] = []
        for length, rule in rules:
            self.nodes[length, rule] = slice(len(nodes), len(nodes) + len(rule.nodes))
            nodes += [length * x for x in rule.nodes]
        rest = [length * (1 - x) for length, rule in rules for x in rule.nodes]
        lengths = list(self.lengths)
        to_node = {p: {m: self._decay(r, nodes) for m, r in drive[p].rates.items()} for p in drive}
        to_end = {p: {m: self._decay(r, lengths) for m, r in rates.items()} for p, rates in used.items()}
        fade = {m: (self._decay(r, rest), self._decay(r, lengths)) for m, r in body.surge.rates.items()}
        # Without a barrier XLA recomputes the exponentials at every use.
        self.to_node, self.to_end, self.fade = jax.lax.optimization_barrier((to_node, to_end, fade))

    def _decay(self, rate: PerPerson, times_h: Sequence[float]) -> Float[Array, "times *people"]:
        return jnp.exp(-rate * self._column(times_h))

    def _column(self, values: Sequence[float]) -> Array:
        return jnp.array(values, dtype=float).reshape((-1, *([1] * self.zero.ndim)))

    def surge(self, fast: Mapping[str, PerPerson]) -> PerPerson:
        return _sum([a * fast[mode] for mode, a in self.body.surge.amplitudes.items()])

    def advance(
        self,
        segment: Segment,
        modes: Modes,
        fast: dict[str, PerPerson],
        growth: PerPerson,
        amount: PerPerson,
    ) -> tuple[Modes, dict[str, PerPerson], PerPerson]:
        """Carry the state over one segment."""
        body, dt = self.body, segment.lasts_h
        modes = {path: dict(z) for path, z in modes.items()}
        for path, share, weight in segment.boluses:
            for mode in modes.get(path, {}):
                modes[path][mode] = modes[path][mode] + amount * body.shares[share] * weight
        flow: dict[str, PerPerson] = {}
        for path, share, per_hour in segment.rates:
            flow[path] = flow.get(path, self.zero) + amount * body.shares[share] * per_hour

        # Within the segment z(s) = level + (z − level) e^{−λ s}, level = inflow / λ.
        level = {p: {m: flow[p] / self.rates[p][m] for m in modes[p]} for p in flow if p in modes}
        above = {p: {m: z - level[p][m] if p in level else z for m, z in per.items()} for p, per in modes.items()}
        end = self.lengths[dt]
        ended = {
            p: {
                m: z * self.to_end[p][m][end] + level[p][m] if p in level else z * self.to_end[p][m][end]
                for m, z in per.items()
            }
            for p, per in above.items()
        }

        # Occupancy at the nodes and at both ends.
        rule = self.nodes[dt, segment.rule]
        lines = [(p, m, a * above[p][m]) for p, r in self.drive.items() for m, a in r.amplitudes.items()]
        steady = [a * level[p][m] for p, r in self.drive.items() if p in level for m, a in r.amplitudes.items()]
        x = _sum([c * self.to_node[p][m][rule] for p, m, c in lines]) if lines else self.zero
        x = x + _sum(steady) if steady else x
        occupied = jnp.broadcast_to(x / (1 + x), (rule.stop - rule.start, *self.zero.shape))
        occupied = jax.lax.optimization_barrier(occupied)
        x0 = _sum([c for _, _, c in lines] + steady) if lines else self.zero
        x1 = _output(self.drive, ended, self.zero)

        # Surge: y' = −ρ y + RO, integrated against its own kernel.
        weighed = [w * dt * occupied[i] for i, w in enumerate(segment.rule.weights)]
        exposure = _sum(weighed)
        later = {}
        for mode, (to_end, whole) in self.fade.items():
            pushed = [each * to_end[rule.start + i] for i, each in enumerate(weighed)]
            later[mode] = _sum([fast[mode] * whole[end], *pushed])
        # ∫P follows from the balance of each mode: ∫y = (∫RO − Δy) / ρ.
        surge = body.surge
        area = _sum([a / surge.rates[m] * (exposure - (later[m] - fast[m])) for m, a in surge.amplitudes.items()])
        start, stop = self._slopes(fast, x0 / (1 + x0)), self._slopes(later, x1 / (1 + x1))
        return ended, later, self._grow(dt, growth, area, start, stop)

    def _slopes(self, fast: Mapping[str, PerPerson], occupied: PerPerson) -> tuple[PerPerson, PerPerson]:
        """P and P' from the modes: y' = −ρ y + RO."""
        surge = self.body.surge
        change = [a * (occupied - surge.rates[m] * fast[m]) for m, a in surge.amplitudes.items()]
        return self.surge(fast), _sum(change)

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
        weak = []
        for u, w in zip(GROWTH_RULE.nodes, GROWTH_RULE.weights, strict=True):
            u3, u4, u5 = u**3, u**4, u**5
            inner = (
                total * (10 * u3 - 15 * u4 + 6 * u5)
                + slope0 * (u - 6 * u3 + 8 * u4 - 3 * u5)
                + slope1 * (-4 * u3 + 7 * u4 - 3 * u5)
                + bend0 * (0.5 * (u * u - 3 * u3 + 3 * u4 - u5))
                + bend1 * (0.5 * (u3 - 2 * u4 + u5))
            )
            # Far from linear the interpolant may leave [0, I]; the integrand may not leave [0, 1].
            weak.append(w * jnp.exp(jnp.minimum(inner - total, 0.0)))
        kept = jnp.exp(-total)
        return growth * kept + (1.0 - kept) - loss * dt * _sum(weak)
