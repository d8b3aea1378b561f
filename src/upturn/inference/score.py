"""How well predictions did: coverage, absolute error, CRPS, and the log score of fractions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from upturn.evidence import Evidence, shipped
from upturn.inference.baselines import BASELINES
from upturn.inference.predict import Predicted

__all__ = ["Forecast", "Row", "Score", "crps", "log_score", "score_rows", "summarise"]

ALL, FITTED_AGES = "all", "fitted ages"
FAMILIES = {
    "change": "arms, change in points",
    "difference": "contrasts",
    "standardised_difference": "contrasts, standardised",
    "response": "arms, fraction in response or remission",
    "remission": "arms, fraction in response or remission",
    "remission_10": "arms, fraction in response or remission",
    "remission_12": "arms, fraction in response or remission",
    "median_relapse_h": "durability, median time",
}


@dataclass(frozen=True)
class Forecast:
    """One prediction of one row: quantiles, and its scores where there is a published value.

    Parameters
    ----------
    low90, low50, median, high50, high90
        Predictive quantiles.
    in50, in90
        Whether the published value lies inside; None without one.
    error
        Absolute error of the median.
    crps
        Continuous ranked probability score; smaller is better.
    log_score
        Log probability of the published count; fractions only.
    """

    low90: float
    low50: float
    median: float
    high50: float
    high90: float
    in50: bool | None = None
    in90: bool | None = None
    error: float | None = None
    crps: float | None = None
    log_score: float | None = None


@dataclass(frozen=True)
class Row:
    """A row, the model's forecast of it, and those of the baselines."""

    predicted: Predicted
    family: str
    forecasts: dict[str, Forecast]


@dataclass(frozen=True)
class Score:
    """How one way of predicting did on one family of rows of one split.

    ``people`` is ``all``, or ``fitted ages``: without the rows of people of whose ages none were fitted.
    """

    split: str
    family: str
    people: str
    by: str
    rows: int
    coverage50: float
    coverage90: float
    error: float
    crps: float
    log_score: float | None

    @property
    def of(self) -> str:
        """What was scored, in words."""
        return self.family if self.people == ALL else f"{self.family}: without the old and the young"


def score_rows(
    evidence: Evidence, predicted: Sequence[Predicted], *, known: Evidence | None = None, seed: int = 1
) -> tuple[Row, ...]:
    """Score every prediction beside the baselines.

    Parameters
    ----------
    evidence
        The table that was predicted.
    predicted
        Its predictions.
    known
        What the baselines learn from; the shipped evidence if not given.
    seed
        Random seed of the baselines.
    """
    rng = np.random.default_rng(seed)
    baselines = {name: build(known or shipped()) for name, build in BASELINES.items()}
    out = []
    for each in predicted:
        if not len(each.draws):
            out.append(Row(each, "", {}))
            continue
        forecasts = {"model": _forecast(each, each.draws, each.expected)}
        if each.scored:
            for name, baseline in baselines.items():
                draws, expected = baseline.draws(evidence, each.finding, rng)
                if len(draws):
                    forecasts[name] = _forecast(each, draws, expected)
        out.append(Row(each, FAMILIES.get(each.finding.measure, "durability, fraction"), forecasts))
    return tuple(out)


def summarise(rows: Iterable[Row]) -> tuple[Score, ...]:
    """Average the scores by split, family and way of predicting; only rows that every way could predict count.

    Where some of a family's rows are of people of whose ages none were fitted, the others are scored once more apart.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if row.predicted.scored:
            groups.setdefault((row.predicted.finding.split, row.family, ALL), []).append(row)
    for (split, family, _), mine in list(groups.items()):
        alike = [row for row in mine if not row.predicted.beyond]
        if 0 < len(alike) < len(mine):
            groups[split, family, FITTED_AGES] = alike
    out = []
    for (split, family, people), mine in sorted(groups.items()):
        ways = [by for by in ("model", *BASELINES) if any(by in row.forecasts for row in mine)]
        together = [row for row in mine if all(by in row.forecasts for by in ways)]
        for by in ways:
            each = [row.forecasts[by] for row in together]
            logs = [f.log_score for f in each if f.log_score is not None]
            out.append(
                Score(
                    split, family, people, by, len(each),
                    float(np.mean([bool(f.in50) for f in each])),
                    float(np.mean([bool(f.in90) for f in each])),
                    float(np.mean([f.error for f in each if f.error is not None])),
                    float(np.mean([f.crps for f in each if f.crps is not None])),
                    float(np.mean(logs)) if logs else None,
                )
            )  # fmt: skip
    return tuple(out)


def crps(draws: Float[np.ndarray, " draws"], value: float) -> float:
    """Give the continuous ranked probability score of draws (Gneiting and Raftery 2007, eq. 20).

    Examples
    --------
    >>> crps(np.array([1.0]), 3.0)
    2.0
    """
    x = np.sort(draws)
    n = len(x)
    between = 2 * float(np.sum(x * (2 * np.arange(1, n + 1) - n - 1))) / n**2
    return float(np.mean(np.abs(x - value)) - between / 2)


def _forecast(each: Predicted, draws: Float[np.ndarray, " draws"], expected: Float[np.ndarray, " draws"]) -> Forecast:
    low90, low50, median, high50, high90 = (float(q) for q in np.quantile(draws, [0.05, 0.25, 0.5, 0.75, 0.95]))
    f = each.finding
    if not each.scored or f.value is None:
        return Forecast(low90, low50, median, high50, high90)
    value = float(f.value)
    # A count that lies on the edge of an interval of counts is inside it; published fractions are rounded.
    slack = 0.5 / f.n if f.unit == "fraction" and f.n else 0.0
    return Forecast(
        low90, low50, median, high50, high90,
        in50=low50 - slack <= value <= high50 + slack,
        in90=low90 - slack <= value <= high90 + slack,
        error=abs(median - value),
        crps=crps(draws, value),
        log_score=log_score(expected, round(value * f.n), f.n) if f.unit == "fraction" and f.n else None,
    )  # fmt: skip


def log_score(share: Float[np.ndarray, " draws"], happened: int, people: int) -> float:
    """Give the log probability of a count under draws of its chance.

    Examples
    --------
    >>> round(log_score(np.array([0.5]), 1, 2), 4)
    -0.6931
    """
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    ways = math.lgamma(people + 1) - math.lgamma(happened + 1) - math.lgamma(people - happened + 1)
    logs = ways + happened * np.log(inside) + (people - happened) * np.log1p(-inside)
    top = float(logs.max())
    return top + float(np.log(np.mean(np.exp(logs - top))))
