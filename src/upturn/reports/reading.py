"""What a report looks up in an answer: who is compared with whom, at which times, and what can be said of an arm.

What lives here: look-ups that words, figures and tables share. What does not: any text or drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from upturn.trials import Answer, Interval
from upturn.trials.answer import PARTS, STANDARD_H
from upturn.trials.findings import ArmAnswer, AtTime, ContrastAnswer, Relapse

__all__ = ["Rise", "Split", "arm_of", "at_time", "can_respond", "curve_at", "half_gone_after", "median", "parts_apart",
           "parts_present", "relapses", "rise_of", "split_of", "split_time", "standard_times"]  # fmt: skip

DAY_H = 24.0
NOTHING = 0.05  # points: a part that rounds to 0.0 for a reader
FEW = 0.005  # share in response below which a relapse curve describes nobody


@dataclass(frozen=True)
class Split:
    """The parts of an arm's improvement at one time [points].

    Examples
    --------
    >>> Split(24.0, {"drug": 2.0, "nonspecific": 2.0, "expectancy": 2.0}).percents()
    {'drug': 34, 'nonspecific': 33, 'expectancy': 33}
    """

    time_h: float
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """The improvement that the parts add up to [points]."""
        return sum(self.parts.values())

    def percents(self) -> dict[str, int]:
        """Give the shares in whole percent that add up to 100 (largest remainder); all 0 where nothing improved."""
        if self.total <= NOTHING:
            return dict.fromkeys(self.parts, 0)
        exact = {part: 100 * value / self.total for part, value in self.parts.items()}
        whole = {part: int(value // 1) for part, value in exact.items()}
        by_remainder = sorted(exact, key=lambda part: whole[part] - exact[part])
        for part in by_remainder[: 100 - sum(whole.values())]:
            whole[part] += 1
        return whole


def median(interval: Interval) -> float:
    """Give the median where it is reached, else 0 (parts of improvement are always reached)."""
    return 0.0 if interval.median is None else interval.median


def arm_of(answer: Answer, name: str) -> ArmAnswer:
    """Find an arm by its name."""
    return next(arm for arm in answer.arms if arm.id == name)


def at_time(rows: Sequence[AtTime], time_h: float) -> AtTime:
    """Find the row nearest to a time."""
    return min(rows, key=lambda row: abs(row.time_h - time_h))


def standard_times(times_h: Sequence[float]) -> list[float]:
    """Keep the times at which trials usually report, from those that there are."""
    kept = [t for t in times_h if any(abs(t - s) < 1e-6 for s in STANDARD_H)]
    return kept or list(times_h)


def can_respond(arm: ArmAnswer) -> bool:
    """Say whether anything is modelled to change in the arm; False for healthy people who get nothing."""
    return any(median(part) > NOTHING for row in arm.at for part in row.parts.values())


def relapses(arm: ArmAnswer) -> Relapse | None:
    """Give the relapse curve where it means something: a last dose, and people in response then."""
    known = arm.relapse
    if known is None or arm.last_planned_dose_h is None or not can_respond(arm):
        return None
    return known if median(known.in_response) >= FEW else None


def parts_present(arms: Sequence[ArmAnswer]) -> list[str]:
    """Name the parts that move at all in any of the arms."""
    return [p for p in PARTS if any(median(row.parts[p]) > NOTHING for arm in arms for row in arm.at)]


def parts_apart(contrast: ContrastAnswer) -> list[str]:
    """Name the parts by which two arms differ at any time."""
    return [p for p in PARTS if any(abs(median(d.parts[p])) > NOTHING for d in contrast.at)]


def split_time(arm: ArmAnswer, answer: Answer) -> float:
    """Choose the time at which to split the change: one day where the arm is fast, else four weeks."""
    day = at_time(arm.at, DAY_H)
    if median(day.parts["drug"]) > NOTHING:
        return day.time_h
    return standard_times(answer.times_h)[-1]


def split_of(arm: ArmAnswer, time_h: float) -> Split:
    """Split an arm's improvement at a time."""
    row = at_time(arm.at, time_h)
    return Split(row.time_h, {name: median(row.parts[name]) for name in PARTS})


@dataclass(frozen=True)
class Rise:
    """How a difference comes up: when half of the largest is there [h], when it is largest [h], how large [points]."""

    half_h: float | None
    largest_h: float
    largest: float


def rise_of(contrast: ContrastAnswer) -> Rise:
    """Describe the rise of a difference; a negative difference favours the arm."""
    values = [-median(x) for x in contrast.curve]
    top = max(range(len(values)), key=values.__getitem__)
    half = _crossing(contrast.curve_time_h, values, values[top] / 2) if values[top] > 2 * NOTHING else None
    return Rise(half, contrast.curve_time_h[top], -values[top])


def _crossing(time_h: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """Give the first time at which a curve rises through a level, on the straight line between its points."""
    for (t0, v0), (t1, v1) in zip(
        zip(time_h, values, strict=True), zip(time_h[1:], values[1:], strict=True), strict=False
    ):
        if v0 < level <= v1:
            return t0 + (t1 - t0) * (level - v0) / (v1 - v0)
    return None


def curve_at(contrast: ContrastAnswer, time_h: float) -> tuple[float, Interval]:
    """Find the point of the difference curve nearest to a time."""
    i = min(range(len(contrast.curve)), key=lambda k: abs(contrast.curve_time_h[k] - time_h))
    return contrast.curve_time_h[i], contrast.curve[i]


def half_gone_after(contrast: ContrastAnswer, last_dose_h: float) -> tuple[float, float] | None:
    """Give the difference one day after the last dose, and how long after that dose half of it has gone [h].

    ``None`` where there was no difference to lose, or half is never lost while anybody looks.
    """
    start_h, start = curve_at(contrast, last_dose_h + DAY_H)
    size = -median(start)
    if size <= 2 * NOTHING:
        return None
    later = [(t, -median(x)) for t, x in zip(contrast.curve_time_h, contrast.curve, strict=True) if t >= start_h]
    times, lost = [t for t, _ in later], [size - v for _, v in later]
    crossing = _crossing(times, lost, size / 2)
    return None if crossing is None else (-size, crossing - last_dose_h)
