"""An arm of a protocol as the engine needs it: times and ways in, known before compilation; amounts as arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from upturn.chain import Occasion, Plan, plan
from upturn.errors import InputError
from upturn.mood import COMPARATORS
from upturn.pharmacology import Given, Inlet, Kinetics, kinetics
from upturn.protocol import Arm, Dose, Protocol

__all__ = ["ArmPlan", "arm_plan", "is_daily"]

KINETIC_DRUGS = frozenset({"ketamine", "esketamine"})
TABLETS = frozenset(COMPARATORS) - {"ECT"}
SAME_TIME_H = 1e-6
NOTHING: tuple[Inlet, ...] = ()


@dataclass(frozen=True)
class ArmPlan:
    """One arm, laid out.

    Parameters
    ----------
    id
        The arm's name.
    givens
        Each distinct kind of dose with kinetics, and its model.
    timetable
        Doses, readings and decisions in time.
    session_h
        Time of each occasion on which something is given in a session (drug or control) [h].
    amount, per_kg, ideal, adaptive, kind
        Of each occasion: amount [mg or mg/kg], its basis, whether a rule decides, and which of ``givens`` (−1: none).
    ratings_h, readings_h
        Times at which mood is rated and the state is read [h].
    """

    id: str
    givens: tuple[tuple[Given, str, Kinetics], ...]
    timetable: Plan
    session_h: tuple[float, ...]
    doses: tuple[Dose, ...]
    amount: tuple[float, ...]
    per_kg: tuple[bool, ...]
    ideal: tuple[bool, ...]
    adaptive: tuple[bool, ...]
    kind: tuple[int, ...]
    ratings_h: tuple[float, ...]
    readings_h: tuple[float, ...]

    @property
    def has_kinetics(self) -> bool:
        """Whether any dose has kinetics to follow."""
        return bool(self.givens)

    @property
    def rating_in_reading(self) -> tuple[int, ...]:
        """Index of each rating among the readings."""
        grid = np.array(self.timetable.reading_h)
        return tuple(int(np.argmin(np.abs(grid - t))) for t in self.ratings_h)


def arm_plan(
    protocol: Protocol,
    arm: str,
    *,
    ratings_h: Sequence[float],
    readings_h: Sequence[float] = (),
    until_h: float,
) -> ArmPlan:
    """Lay out one arm of a protocol.

    Parameters
    ----------
    protocol, arm
        The document and the arm's name.
    ratings_h
        Times at which mood is rated [h]; from 0 on.
    readings_h
        Further times at which the state is read [h].
    until_h
        End [h].

    Returns
    -------
    ArmPlan
        The arm; daily tablets are left out of the sessions (their effect is part of the mood model).

    Raises
    ------
    InputError
        An unknown arm.
    """
    if arm not in protocol.arms:
        raise InputError("The protocol has no such arm.", expected=", ".join(protocol.arms), came=arm)
    sessions = sorted(_sessions(protocol.arms[arm], until_h), key=lambda each: each[0])
    _refuse_overlap(sessions, protocol, arm)
    givens: list[tuple[Given, str, Kinetics]] = []
    occasions, kinds = [], []
    for time_h, dose in sessions:
        kind, inlets = -1, NOTHING
        if dose.drug in KINETIC_DRUGS:
            kind, inlets = _kind(dose, givens, protocol.simulation.kinetics)
        kinds.append(kind)
        occasions.append(Occasion(time_h, inlets))
    times = [t for t, _ in sessions]
    ratings = sorted({round(float(t), 9) for t in ratings_h if 0 <= t <= until_h})
    decisions = [t for t in ratings if _may_decide(t, times)]
    timetable = plan(occasions, [*ratings, *readings_h], boundaries_h=decisions, until_h=until_h)
    doses = [dose for _, dose in sessions]
    return ArmPlan(
        id=arm,
        givens=tuple(givens),
        timetable=timetable,
        session_h=tuple(times),
        doses=tuple(doses),
        amount=tuple(d.amount.value for d in doses),
        per_kg=tuple(d.amount.per_kg for d in doses),
        ideal=tuple(d.weight == "ideal" for d in doses),
        adaptive=tuple(d.is_adaptive for d in doses),
        kind=tuple(kinds),
        ratings_h=tuple(ratings),
        readings_h=timetable.reading_h,
    )


def _sessions(arm: Arm, until_h: float) -> list[tuple[float, Dose]]:
    return [
        (round(float(t), 9), dose)
        for dose in arm.doses
        if dose.drug not in TABLETS and not is_daily(dose)
        for t in (*dose.on_h, *dose.candidate_times_h)
        if 0 <= t < until_h
    ]


def is_daily(dose: Dose) -> bool:
    """Tablets taken every day at home are not sessions, whatever they hold."""
    times = dose.on_h
    return dose.route == "oral" and len(times) > 7 and max(np.diff(times)) <= 24.0 and dose.drug not in KINETIC_DRUGS


def _kind(dose: Dose, givens: list[tuple[Given, str, Kinetics]], model: str) -> tuple[int, tuple[Inlet, ...]]:
    given = Given(dose.drug, dose.route, dose.over_h or 0.0, dose.device_times_h or (0.0,))
    known = [each for each, _, _ in givens]
    chosen = kinetics(model, drug=dose.drug, route=dose.route)
    if given not in known:
        givens.append((given, f"{len(givens)}:", chosen))
        known.append(given)
    kind = known.index(given)
    prefix = givens[kind][1]
    inlets = tuple(
        Inlet(prefix + i.path, prefix + i.share, i.starts_h, i.lasts_h, i.weight) for i in chosen.inlets(given)
    )
    return kind, inlets


def _refuse_overlap(sessions: Sequence[tuple[float, Dose]], protocol: Protocol, arm: str) -> None:
    for (first, one), (second, two) in itertools.pairwise(sessions):
        lasts = max(one.over_h or 0.0, 1.0 if one.drug in KINETIC_DRUGS else 0.0)
        if second - first < lasts - SAME_TIME_H or second - first < SAME_TIME_H:
            raise InputError(
                "Two doses of one arm overlap.",
                expected="a dose that starts after the one before has gone in",
                came=f"{one.id} at {first:g} h and {two.id} at {second:g} h",
                where=f"{protocol.id}: arms.{arm}.doses",
                remedy="move one of them",
            )


def _may_decide(time_h: float, sessions: Sequence[float]) -> bool:
    """A decision may be taken at a rating that is not within a day after a session (or is at a session)."""
    before = [t for t in sessions if t < time_h - SAME_TIME_H]
    return time_h > 0 and (not before or time_h - before[-1] >= 24.0 - SAME_TIME_H)
