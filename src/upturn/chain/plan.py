"""The timetable of a course, fixed before compilation: when doses start, when the state is read, where to integrate.

Time is cut at every dose, at every reading and at every discontinuity of an input, and graded where concentrations
change fast. Stretches with the same inner pattern become one *block type*, compiled once; the course is a sequence
of types. What lives here: times. What does not: anything about a person.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from upturn.numerics import Rule, clustered, gauss_legendre
from upturn.pharmacology import Inlet

__all__ = ["Block", "Occasion", "Plan", "Segment", "plan"]

SAME_TIME_H = 1e-9
DAY_H = 24.0


@dataclass(frozen=True)
class Occasion:
    """A dose that is given, or may be given, at ``time_h`` through its inlets."""

    time_h: float
    inlets: tuple[Inlet, ...]


@dataclass(frozen=True)
class Segment:
    """A stretch without discontinuity, from ``starts_h`` after the start of its block.

    ``boluses`` enter at its start: (path, share, fraction of the amount). ``rates`` run through it: (path, share,
    fraction of the amount per hour).
    """

    starts_h: float
    lasts_h: float
    rule: Rule
    boluses: tuple[tuple[str, str, float], ...] = ()
    rates: tuple[tuple[str, str, float], ...] = ()


@dataclass(frozen=True)
class Block:
    """A pattern of segments that is compiled once."""

    segments: tuple[Segment, ...]

    @property
    def lasts_h(self) -> float:
        """Duration [h]."""
        return self.segments[-1].starts_h + self.segments[-1].lasts_h


@dataclass(frozen=True)
class Plan:
    """The timetable: block types, their sequence, and where each reading is found.

    Parameters
    ----------
    blocks
        Block types.
    sequence
        Type of each block in order of time.
    starts_h
        Start of each block [h].
    occasions
        Index of the dose at the start of each block, −1 for none.
    reading_h
        Times of the readings [h], ascending.
    reading_at
        (block, segment) at whose end each reading is taken; block −1 is the state before time zero.
    """

    blocks: tuple[Block, ...]
    sequence: tuple[int, ...]
    starts_h: tuple[float, ...]
    occasions: tuple[int, ...]
    n_occasions: int
    reading_h: tuple[float, ...]
    reading_at: tuple[tuple[int, int], ...] = field(repr=False)

    @property
    def widest(self) -> int:
        """Largest number of segments in a block."""
        return max(len(block.segments) for block in self.blocks)


# Where concentrations change fast: hours after the start or the end of an input at which to cut, and the rules
# between the cuts. Chosen by halving until the yardstick W1 and the shipped chain agree with the tight ODE
# solutions (tests/reference); the first rule is crowded towards the discontinuity.
AFTER_A_CHANGE_H = (1.5, 5.0, 12.0)
NEARBY = 1.5
MOST_NODES = 8
# Quiet time: longest step [h] by time since the last dose [h]. The growth step needs short ones while the surge
# of a person with large k_form or short τ_on still moves; errors against tight ODE solutions for 200 random people
# stay below 5e-3 (tests/reference/test_chain.py).
QUIET_STEP_H = ((48.0, 12.0), (108.0, 30.0), (float("inf"), 60.0))
QUIET_NODES = ((26.0, 5), (float("inf"), 6))
UNDOSED_STEP_H = 168.0
NEARLY = 0.25
LONGEST_BLOCK_H = 168.0


def plan(
    occasions: Sequence[Occasion],
    readings_h: Sequence[float],
    *,
    boundaries_h: Sequence[float] = (),
    until_h: float,
) -> Plan:
    """Lay out the timetable of a course.

    Parameters
    ----------
    occasions
        The doses that are or may be given, ascending in time [h], the first at or after 0.
    readings_h
        Times at which the state is wanted [h], from 0 on.
    boundaries_h
        Times at which a decision may be taken [h]: a block ends there.
    until_h
        End of the course [h].

    Returns
    -------
    Plan
        The timetable; readings are sorted and unique.
    """
    readings = _unique([t for t in readings_h if t <= until_h + SAME_TIME_H])
    if any(b.time_h - a.time_h < SAME_TIME_H for a, b in itertools.pairwise(occasions)):
        raise ValueError("two doses at one time, or not in order of time")
    cuts = _unique([0.0, *(o.time_h for o in occasions), *boundaries_h, until_h])
    cuts = [t for t in cuts if -SAME_TIME_H <= t <= until_h + SAME_TIME_H]
    dosed = {round(o.time_h, 9): i for i, o in enumerate(occasions)}
    stretches = _stretches(cuts, occasions, dosed)
    blocks: list[Block] = []
    sequence, starts, which = [], [], []
    dose_h = [o.time_h for o in occasions if o.inlets]
    for start, stop, occasion in stretches:
        marks = _marks(start, stop, readings)
        before = [t for t in dose_h if t < start + SAME_TIME_H]
        since = start - before[-1] if before else None
        block = _block(stop - start, occasions[occasion].inlets if occasion >= 0 else (), marks, since)
        if block not in blocks:
            blocks.append(block)
        sequence.append(blocks.index(block))
        starts.append(start)
        which.append(occasion)
    found = _locate(readings, blocks, sequence, starts)
    return Plan(tuple(blocks), tuple(sequence), tuple(starts), tuple(which), len(occasions), tuple(readings), found)


def _unique(times: Sequence[float]) -> list[float]:
    out: list[float] = []
    for t in sorted(times):
        if not out or t - out[-1] > SAME_TIME_H:
            out.append(float(t))
    return out


def _stretches(
    cuts: Sequence[float], occasions: Sequence[Occasion], dosed: dict[float, int]
) -> list[tuple[float, float, int]]:
    """Cut the time between two cuts into the part that follows a dose closely and quiet parts."""
    out = []
    for start, stop in itertools.pairwise(cuts):
        at = start
        occasion = dosed.get(round(start, 9), -1)
        if occasion >= 0:
            busy = max((i.starts_h + i.lasts_h for i in occasions[occasion].inlets), default=0.0)
            near = min(stop, start + max(DAY_H, busy))
            if start + busy > stop + SAME_TIME_H:
                raise ValueError("a dose is still going in when the next decision or dose begins")
            out.append((at, near, occasion))
            at = near
        while stop - at > SAME_TIME_H:
            upto = min(stop, at + LONGEST_BLOCK_H)
            out.append((at, upto, -1))
            at = upto
    return out


def _marks(start: float, stop: float, readings: Sequence[float]) -> list[float]:
    """Offsets of the readings inside a block."""
    return _unique([round(t - start, 9) for t in readings if start + SAME_TIME_H < t < stop - SAME_TIME_H])


def _block(length: float, inlets: Sequence[Inlet], marks: Sequence[float], since: float | None) -> Block:
    """Cut one block; ``since`` is the time from the last dose to its start, if there was one."""
    changes = _unique([0.0, *(i.starts_h for i in inlets), *(i.starts_h + i.lasts_h for i in inlets)])
    changes = [t for t in changes if t < length - SAME_TIME_H]
    graded: list[float] = []
    if inlets:
        for change, following in zip(changes, [*changes[1:], length], strict=True):
            given = [t - change for t in (*marks, following) if change < t <= following]
            graded += [
                change + g
                for g in AFTER_A_CHANGE_H
                if not any(g * NEARBY > t > g / NEARBY for t in given) and change + g < following
            ]
    edges = _unique([*changes, *graded, *(_quiet([0.0, *marks, length], since) if not inlets else marks), length])
    segments = []
    for begin, end in itertools.pairwise(edges):
        middle = 0.5 * (begin + end)
        boluses = tuple(
            (i.path, i.share, i.weight) for i in inlets if i.lasts_h == 0 and abs(i.starts_h - begin) < SAME_TIME_H
        )
        rates = tuple(
            (i.path, i.share, i.weight / i.lasts_h)
            for i in inlets
            if i.lasts_h > 0 and i.starts_h < middle < i.starts_h + i.lasts_h
        )
        segments.append(
            Segment(
                round(begin, 9),
                round(end - begin, 9),
                _rule(begin, end, changes if inlets else ()),
                boluses,
                rates,
            )
        )
    return Block(tuple(segments))


def _quiet(marks: Sequence[float], since: float | None) -> list[float]:
    """Cut quiet time between marks into steps that grow with the time since the last dose."""
    out = []
    for begin, end in itertools.pairwise(_unique(marks)):
        at = begin
        while end - at > SAME_TIME_H:
            out.append(at)
            step = UNDOSED_STEP_H
            if since is not None:
                step = next(long for upto, long in QUIET_STEP_H if since + at < upto - SAME_TIME_H)
            # A short rest is not left over.
            at = end if end - at <= step * (1 + NEARLY) else at + step
    return out


def _rule(begin: float, end: float, changes: Sequence[float]) -> Rule:
    if not changes:
        return gauss_legendre(next(n for longest, n in QUIET_NODES if end - begin <= longest))
    since = begin - max(c for c in changes if c <= begin + SAME_TIME_H)
    if since < SAME_TIME_H:
        return clustered(MOST_NODES)
    # Exponentials that started at the change have faded by then: what is left varies with the ratio of the ends.
    ratio = (since + end - begin) / since
    return gauss_legendre(min(3 + round(math.log2(ratio)), MOST_NODES))


def _locate(
    readings: Sequence[float], blocks: Sequence[Block], sequence: Sequence[int], starts: Sequence[float]
) -> tuple[tuple[int, int], ...]:
    found = []
    for t in readings:
        if t <= SAME_TIME_H:
            found.append((-1, -1))
            continue
        b = int(np.searchsorted(starts, t - SAME_TIME_H)) - 1
        ends = [s.starts_h + s.lasts_h for s in blocks[sequence[b]].segments]
        s = int(np.argmin([abs(starts[b] + e - t) for e in ends]))
        if abs(starts[b] + ends[s] - t) > 1e-6:
            raise AssertionError(f"reading at {t} h is not at the end of a segment")
        found.append((b, s))
    return tuple(found)
