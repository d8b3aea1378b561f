"""Carry one person's state through a course, exactly where it is linear, by quadrature where it is not.

Every linear part (compartments, delays, effect sites) is a set of modes ``z' = −λ z + input``, solved exactly and
carried from dose to dose. Occupancy ``x/(1+x)`` is static in the modes; the surge is linear in occupancy and is
integrated against its exponential kernel at a few Gauss nodes; the bounded state has an exact solution given the
integral of its drive. No time stepping, no Python loop over people: written for one person, mapped over many.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from upturn.chain.plan import Block, Plan
from upturn.numerics import Exponentials, gauss_legendre

__all__ = ["Boundary", "Body", "Course", "propagate"]

Scalar = Float[Array, ""]
Modes = dict[str, dict[str, Scalar]]

# Nodes for the weak part of the growth step, which is multiplied by the slow loss (dt/τ_off).
GROWTH_RULE = gauss_legendre(4)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Body:
    """One person's chain, as numbers.

    Parameters
    ----------
    outputs
        Response of each output to a unit amount [1/mg] into each path: output → path → exponentials.
    drive
        Name of the output that occupies receptors; it is dimensionless: x in x/(1+x).
    shares
        Fraction of an amount that takes each inlet.
    surge
        Response of the surge P to occupancy [1/h]; area 1.
    formation, loss
        k_form and 1/τ_off of synaptic growth S [1/h].
    """

    outputs: Mapping[str, Mapping[str, Exponentials]]
    shares: Mapping[str, Scalar]
    surge: Exponentials
    formation: Scalar
    loss: Scalar


class Boundary(NamedTuple):
    """What is known at the start of a block, where a decision may be taken."""

    index: Array
    time_h: Scalar
    occasion: Array
    surge: Scalar
    growth: Scalar


class Course(NamedTuple):
    """What happened: the readings, and the amount that each dose was.

    Parameters
    ----------
    outputs
        Each wanted output at the reading times.
    surge, growth
        P and S at the reading times; occupancy too, when it was asked for.
    given_mg
        Amount given at each occasion [mg].
    notes
        What the decisions noted at the start of each block.
    """

    outputs: dict[str, Float[Array, " readings"]]
    surge: Float[Array, " readings"]
    growth: Float[Array, " readings"]
    given_mg: Float[Array, " occasions"]
    notes: Any


Decide = Callable[[Any, Boundary, Scalar], tuple[Scalar, Any, Any]]


def propagate(
    body: Body,
    timetable: Plan,
    amounts_mg: Float[Array, " occasions"],
    *,
    drive: str = "occupancy_drive",
    wanted: Sequence[str] = (),
    decide: Decide | None = None,
    memory: Any = None,
) -> Course:
    """Carry one person through a course of doses.

    Parameters
    ----------
    body
        The person.
    timetable
        The timetable from :func:`upturn.chain.plan`.
    amounts_mg
        Amount of each occasion [mg].
    drive
        The output that occupies receptors.
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
    used = _modes_used(body, [drive, *wanted])
    tables = _Tables.of(body, used, timetable.blocks)
    names = list(dict.fromkeys([drive, *wanted]))
    widest = timetable.widest

    def read(modes: Modes, growth: Scalar, fast: dict[str, Scalar]) -> dict[str, Scalar]:
        values = {name: _output(body.outputs[name], modes) for name in names}
        return {**values, "_surge": _surge(body.surge, fast), "_growth": growth}

    def branch(block: Block) -> Callable[..., Any]:
        def run(modes: Modes, fast: dict[str, Scalar], growth: Scalar, amount: Scalar) -> Any:
            readings = []
            for segment in block.segments:
                modes, fast, growth = _advance(body, drive, tables, segment, modes, fast, growth, amount)
                readings.append(read(modes, growth, fast))
            readings += [readings[-1]] * (widest - len(readings))
            stacked = {key: jnp.stack([r[key] for r in readings]) for key in readings[0]}
            return (modes, fast, growth), stacked

        return run

    branches = [branch(block) for block in timetable.blocks]
    zero = jnp.zeros_like(body.loss)
    modes0: Modes = {path: {mode: zero for mode in rates} for path, rates in used.items()}
    fast0 = {mode: zero for mode in body.surge.rates}

    def step(carry: Any, at: Any) -> Any:
        (modes, fast, growth), kept = carry
        index, kind, time_h, occasion = at
        planned = jnp.where(occasion >= 0, amounts_mg[occasion], 0.0) if timetable.n_occasions else zero
        amount, note = planned, ()
        if decide is not None:
            here = Boundary(index, time_h, occasion, _surge(body.surge, fast), growth)
            amount, kept, note = decide(kept, here, planned)
        state, readings = jax.lax.switch(kind, branches, modes, fast, growth, amount)
        return (state, kept), (readings, amount, note)

    at = (
        jnp.arange(len(timetable.sequence)),
        jnp.array(timetable.sequence),
        jnp.array(timetable.starts_h),
        jnp.array(timetable.occasions),
    )
    _, (readings, given, notes) = jax.lax.scan(step, ((modes0, fast0, zero), memory), at)
    block = jnp.array([max(b, 0) for b, _ in timetable.reading_at], dtype=int)
    segment = jnp.array([max(s, 0) for _, s in timetable.reading_at], dtype=int)
    before = jnp.array([b < 0 for b, _ in timetable.reading_at])
    series = {key: jnp.where(before, 0.0, value[block, segment]) for key, value in readings.items()}
    doses = jnp.array([i for i, o in enumerate(timetable.occasions) if o >= 0], dtype=int)
    return Course(
        {name: series[name] for name in wanted}, series["_surge"], series["_growth"], given[doses], notes
    )


def _modes_used(body: Body, names: Sequence[str]) -> dict[str, dict[str, Scalar]]:
    """Rates of the modes that any of the named outputs needs, by path."""
    used: dict[str, dict[str, Scalar]] = {}
    for name in names:
        for path, response in body.outputs[name].items():
            used.setdefault(path, {}).update(response.rates)
    return used


def _output(responses: Mapping[str, Exponentials], modes: Modes) -> Scalar:
    terms = [a * modes[path][mode] for path, r in responses.items() for mode, a in r.amplitudes.items()]
    return _sum(terms) if terms else jnp.zeros(())


def _surge(surge: Exponentials, fast: Mapping[str, Scalar]) -> Scalar:
    return _sum([a * fast[mode] for mode, a in surge.amplitudes.items()])


def _sum(terms: Sequence[Scalar]) -> Scalar:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


class _Tables(NamedTuple):
    """Decay factors of every mode over every distinct length and to every node, computed once per person."""

    decay: dict[tuple[str, str, float], Scalar]
    fade: dict[tuple[str, float], Scalar]

    @classmethod
    def of(cls, body: Body, used: Mapping[str, Mapping[str, Scalar]], blocks: Sequence[Block]) -> _Tables:
        segments = [s for b in blocks for s in b.segments]
        lengths = {s.lasts_h for s in segments}
        nodes = {_node(s.lasts_h, x) for s in segments for x in s.rule.nodes}
        rest = {_node(s.lasts_h, 1 - x) for s in segments for x in s.rule.nodes}
        decay: dict[tuple[str, str, float], Scalar] = {}
        same: dict[tuple[int, float], Scalar] = {}
        for path, rates in used.items():
            for mode, rate in rates.items():
                for t in lengths | nodes:
                    key = (id(rate), t)
                    if key not in same:
                        same[key] = jnp.exp(-rate * t)
                    decay[path, mode, t] = same[key]
        fade = {(mode, t): jnp.exp(-rate * t) for mode, rate in body.surge.rates.items() for t in lengths | rest}
        decay, fade = jax.lax.optimization_barrier((decay, fade))
        return cls(decay, fade)


def _node(length: float, x: float) -> float:
    return float(f"{length * x:.15g}")


def _advance(
    body: Body,
    drive: str,
    tables: _Tables,
    segment: Any,
    modes: Modes,
    fast: dict[str, Scalar],
    growth: Scalar,
    amount: Scalar,
) -> tuple[Modes, dict[str, Scalar], Scalar]:
    dt = segment.lasts_h
    modes = {path: dict(z) for path, z in modes.items()}
    for path, share, weight in segment.boluses:
        for mode in modes.get(path, {}):
            modes[path][mode] = modes[path][mode] + amount * body.shares[share] * weight
    flow: dict[str, Scalar] = {}
    for path, share, per_hour in segment.rates:
        flow[path] = flow.get(path, 0.0) + amount * body.shares[share] * per_hour  # type: ignore[operator]

    # Within the segment z(s) = level + (z − level) e^{−λ s}, level = inflow / λ.
    responses = body.outputs[drive]
    rates = {path: {m: r for name in body.outputs for m, r in _rates(body, name, path).items()} for path in modes}
    level = {path: {m: flow[path] / rates[path][m] for m in modes[path]} for path in flow if path in modes}
    above = {
        path: {m: z - level[path][m] if path in level else z for m, z in per.items()} for path, per in modes.items()
    }
    constant = [
        a * level[path][m] for path, r in responses.items() if path in level for m, a in r.amplitudes.items()
    ]
    lines = [(path, m, a * above[path][m]) for path, r in responses.items() for m, a in r.amplitudes.items()]
    still = jnp.zeros_like(body.loss)
    occupied = []
    for x in segment.rule.nodes:
        node = _node(dt, x)
        drive_here = _sum([*constant, *(c * tables.decay[path, m, node] for path, m, c in lines)]) if lines else still
        occupied.append(drive_here / (1.0 + drive_here))
    occupied = list(jax.lax.optimization_barrier(tuple(occupied)))
    weights = [w * dt for w in segment.rule.weights]
    exposure = _sum([w * ro for w, ro in zip(weights, occupied, strict=True)])

    # Surge: y' = −ρ y + RO, integrated against its own kernel.
    later = {}
    for mode in fast:
        pushed = [
            (w * ro) * tables.fade[mode, _node(dt, 1 - x)]
            for w, ro, x in zip(weights, occupied, segment.rule.nodes, strict=True)
        ]
        later[mode] = _sum([fast[mode] * tables.fade[mode, dt], *pushed])
    first = _sum([*constant, *(c for _, _, c in lines)]) if lines else still
    last = _sum([*constant, *(c * tables.decay[path, m, dt] for path, m, c in lines)]) if lines else still
    start = _slopes(body, fast, first / (1.0 + first))
    stop = _slopes(body, later, last / (1.0 + last))
    # ∫P follows from the balance of each mode: ∫y = (∫RO − Δy) / ρ.
    area = _sum(
        [
            a / body.surge.rates[m] * (exposure - (later[m] - fast[m]))
            for m, a in body.surge.amplitudes.items()
        ]
    )
    growth = _grow(body, dt, growth, area, start, stop)
    ended = {
        path: {
            m: (level[path][m] + z * tables.decay[path, m, dt]) if path in level else z * tables.decay[path, m, dt]
            for m, z in per.items()
        }
        for path, per in above.items()
    }
    return ended, later, growth


def _rates(body: Body, name: str, path: str) -> Mapping[str, Scalar]:
    response = body.outputs[name].get(path)
    return response.rates if response is not None else {}


def _slopes(body: Body, fast: Mapping[str, Scalar], occupied: Scalar) -> tuple[Scalar, Scalar]:
    """P and P' from the modes: y' = −ρ y + RO."""
    change = [a * (occupied - body.surge.rates[m] * fast[m]) for m, a in body.surge.amplitudes.items()]
    return _surge(body.surge, fast), _sum(change)


def _grow(
    body: Body, dt: float, growth: Scalar, area: Scalar, start: tuple[Scalar, Scalar], stop: tuple[Scalar, Scalar]
) -> Scalar:
    """Step S' = k_form P (1 − S) − S/τ_off exactly, given ∫P.

    With a = k_form P + 1/τ_off and I = ∫a: S(dt) = S e^{−I} + 1 − e^{−I} − (1/τ_off) ∫ e^{−(I − I(s))} ds; the last
    integral is small (dt/τ_off) and takes I(s) as the quintic Hermite interpolant of its ends, slopes and bends.
    """
    total = body.formation * area + body.loss * dt
    slope0, slope1 = [(body.formation * p + body.loss) * dt for p, _ in (start, stop)]
    bend0, bend1 = [body.formation * change * (dt * dt) for _, change in (start, stop)]
    weak = []
    for u, w in zip(GROWTH_RULE.nodes, GROWTH_RULE.weights, strict=True):
        u3, u4, u5 = u**3, u**4, u**5
        inner = (
            total * (10 * u3 - 15 * u4 + 6 * u5)
            + slope0 * (u - 6 * u3 + 8 * u4 - 3 * u5)
            + slope1 * (-4 * u3 + 7 * u4 - 3 * u5)
            + bend0 * 0.5 * (u * u - 3 * u3 + 3 * u4 - u5)
            + bend1 * 0.5 * (u3 - 2 * u4 + u5)
        )
        weak.append(w * jnp.exp(inner - total))
    kept = jnp.exp(-total)
    return growth * kept + (1.0 - kept) - body.loss * dt * _sum(weak)
