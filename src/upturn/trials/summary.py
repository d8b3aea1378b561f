"""Medians with 50 % and 90 % intervals, over new trials and over people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Interval", "interval"]

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Interval:
    """A median with its 50 % and 90 % intervals; ``None`` where more than that share never gets there."""

    median: float | None
    low50: float | None
    high50: float | None
    low90: float | None
    high90: float | None


def interval(values: Any) -> Interval:
    """Summarise a sample; infinite entries stand for "never" and not-a-number for "not measured".

    Examples
    --------
    >>> interval([1.0, 2.0, 3.0]).median
    2.0
    >>> interval([1.0, float("inf"), float("inf")]).median is None
    True
    """
    sample = np.asarray(values, dtype=float).ravel()
    sample = sample[~np.isnan(sample)]
    if sample.size == 0:
        return Interval(None, None, None, None, None)
    # The nearest rank, so that no value is made up between a time and never.
    q = np.quantile(sample, LEVELS, method="inverted_cdf" if np.isinf(sample).any() else "linear")
    low90, low50, median, high50, high90 = (None if np.isinf(x) else round(float(x), 6) + 0.0 for x in q)
    return Interval(median, low50, high50, low90, high90)
