"""What a sceptic would predict without a model: two baselines, from the same calibration rows.

*Same kind*: the pooled mean of calibration rows of the same kind of arm (or control) at about the same time.
*Constant effect*: one drug-control difference, whatever the drug, route, dose, time and control, on top of the pooled
control arms of that time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from upturn.evidence import Evidence, Finding
from upturn.inference.observations import DEPRESSION_SCALES
from upturn.inference.treatment import treatment
from upturn.parameters import ParameterFile, read

__all__ = ["BASELINES", "Baseline"]

FRACTIONS = frozenset({"response", "remission_10", "remission_12", "remission", "sustained_response", "relapsed"})
ENDS = ("end_of_first_hours", "end_of_first_days", "end_of_first_weeks")
LEAST_SPREAD = {"points": "least_spread_points", "SD": "least_spread_sd", "fraction": "least_spread_fraction"}
DRAWS = 2000
Kind = tuple[object, ...]


@dataclass(frozen=True)
class Row:
    """One calibration number, on the scale on which it is pooled."""

    kinds: tuple[Kind, ...]
    value: float
    weight: float


class Baseline:
    """A baseline: learns from calibration rows, and gives draws of what it expects of a row.

    Parameters
    ----------
    evidence
        Where the calibration rows are.
    constant
        Whether drugs have one constant effect over the pooled controls.
    """

    def __init__(self, evidence: Evidence, *, constant: bool) -> None:
        self._constant = constant
        usable = [f for f in evidence.findings if f.split == "calibration" and _usable(f)]
        self._rows: dict[str, list[Row]] = {}
        for f in usable:
            row = Row(_kinds(evidence, f), _scaled(f), _people(f))
            self._rows.setdefault(_measure(f), []).append(row)
        self._effects = {
            measure: _effect(evidence, [f for f in usable if _measure(f) == measure]) for measure in self._rows
        }

    def draws(
        self, evidence: Evidence, f: Finding, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"]]:
        """Give draws of what a group like this would show, and of its expectation; empty where nothing is known."""
        rows = self._rows.get(_measure(f), [])
        if not rows:
            return np.zeros(0), np.zeros(0)
        least = _numbers().value(LEAST_SPREAD.get(f.unit, "least_spread_points"))
        if self._constant and f.versus is None and _is_active(evidence, f):
            effect = self._effects.get(_measure(f))
            control = [r for r in rows if r.kinds[-1] == ("control",)]
            if effect is None or not control:
                return np.zeros(0), np.zeros(0)
            bucket = ("control", _bucket(f.time_h))
            same = [r for r in control if bucket in r.kinds] or control
            mean, spread = _pool(same, least)
            centre, sd = mean + effect[0], float(np.hypot(spread, effect[1]))
        elif self._constant and f.versus is not None:
            centre, sd = _pool(rows, least)
        else:
            chosen = rows
            for kind in _kinds(evidence, f):
                same = [r for r in rows if kind in r.kinds]
                if same:
                    chosen = same
                    break
            centre, sd = _pool(chosen, least)
        draws = centre + sd * rng.standard_normal(DRAWS)
        expected = 1 / (1 + np.exp(-draws)) if f.unit == "fraction" else draws
        return _seen(f, expected, rng), expected


def _numbers() -> ParameterFile:
    return read("upturn.inference", "baselines")


def _people(f: Finding) -> float:
    return float(f.n or _numbers().value("people_where_unknown"))


def _seen(f: Finding, draws: Float[np.ndarray, " draws"], rng: np.random.Generator) -> Float[np.ndarray, " draws"]:
    """Add the chance of the group's size."""
    if f.unit == "fraction":
        return rng.binomial(f.n, draws) / f.n if f.n else draws
    if f.error and f.error_type in {"SE", "SD"}:
        se = f.error / np.sqrt(f.n) if f.error_type == "SD" and f.n else f.error
        return draws + se * rng.standard_normal(len(draws))
    return draws


def _usable(f: Finding) -> bool:
    return f.value is not None and f.time_h is not None and f.instrument in DEPRESSION_SCALES and _measure(f) != ""


def _measure(f: Finding) -> str:
    if f.measure in FRACTIONS:
        return "remission" if f.measure.startswith("remission") else f.measure
    return f.measure if f.measure in {"change", "difference", "standardised_difference"} else ""


def _scaled(f: Finding) -> float:
    value = float(f.value or 0.0)
    if f.unit != "fraction":
        return value
    n = _people(f)
    return float(np.log((value * n + 0.5) / ((1 - value) * n + 0.5)))


def _bucket(time_h: float | None) -> int:
    return int(np.searchsorted([_numbers().value(end) for end in ENDS], time_h or 0.0))


def _is_active(evidence: Evidence, f: Finding) -> bool:
    return treatment(evidence.arms[f.trial, f.arm]).mood.belief == "belief_active"


def _kinds(evidence: Evidence, f: Finding) -> tuple[Kind, ...]:
    """Name the kinds that a row belongs to, the narrowest first; the last says whether it is a control."""
    compared = f.versus if f.versus is not None else f.arm
    mood = treatment(evidence.arms[f.trial, compared]).mood
    role: Kind = ("contrast",) if f.versus is not None else (("active",) if _is_active(evidence, f) else ("control",))
    at = _bucket(f.time_h)
    same = (mood.belief, mood.slow, mood.comparator)
    return ((*role, *same, at), (*role, *same), (*role, at), role)


def _pool(rows: Sequence[Row], least: float) -> tuple[float, float]:
    weights = np.array([r.weight for r in rows])
    values = np.array([r.value for r in rows])
    mean = float(np.average(values, weights=weights))
    spread = max(float(np.std(values, ddof=1)) if len(rows) > 1 else 0.0, least)
    return mean, spread * float(np.sqrt(1 + 1 / len(rows)))


def _effect(evidence: Evidence, findings: Sequence[Finding]) -> tuple[float, float] | None:
    """Pool active less control of the same trial and time, on the pooling scale."""
    differences = []
    for f in findings:
        if f.versus is not None or not _is_active(evidence, f):
            continue
        controls = [
            g for g in findings
            if g.trial == f.trial and g.time_h == f.time_h and g.versus is None and not _is_active(evidence, g)
            and g.instrument == f.instrument and g.measure == f.measure
        ]  # fmt: skip
        differences += [_scaled(f) - _scaled(g) for g in controls]
    if not differences:
        return None
    return float(np.mean(differences)), float(np.std(differences)) if len(differences) > 1 else 1.0


BASELINES: dict[str, Callable[[Evidence], Baseline]] = {
    "same kind": lambda evidence: Baseline(evidence, constant=False),
    "constant effect": lambda evidence: Baseline(evidence, constant=True),
}
