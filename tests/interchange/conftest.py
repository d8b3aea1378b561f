"""A small sound study."""

from __future__ import annotations

import polars as pl
import pytest

from upturn.records import Records, validate


@pytest.fixture
def study() -> Records:
    """Two people: three devices of nasal esketamine, an infusion of midazolam, ratings and a pressure."""
    return validate(
        Records(
            participants=pl.DataFrame(
                {
                    "participant": ["z9", "a1", "idle"],
                    "arm": ["esketamine", "midazolam", "midazolam"],
                    "age_y": [41.0, None, 30.0],
                    "sex": ["female", None, "male"],
                    "weight_kg": [70.0, 82.5, None],
                    "height_cm": [168.0, None, None],
                    "cov_baseline_madrs": [33.0, None, 28.0],
                }
            ),
            doses=pl.DataFrame(
                {
                    "participant": ["a1", "z9", "z9", "z9"],
                    "occasion": [1, 1, 1, 2],
                    "drug": ["midazolam", "esketamine", "esketamine", "esketamine"],
                    "route": ["intravenous", "intranasal", "intranasal", "intranasal"],
                    "amount_mg": [3.0, 28.0, 28.0, 0.0],
                    "start_h": [0.0, 0.0, 1 / 12, 72.5],
                    "duration_h": [2 / 3, 0.0, 0.0, 0.0],
                    "planned_h": [0.0, 0.0, None, 72.0],
                }
            ),
            observations=pl.DataFrame(
                {
                    "participant": ["z9", "z9", "a1", "z9"],
                    "time_h": [0.0, -1.0, 24.1, 80.0],
                    "planned_h": [0.0, -1.0, 24.0, None],
                    "instrument": ["SBP", "MADRS", "MADRS", "MADRS"],
                    "item": ["total", "total", "total", "total"],
                    "value": [121.5, 33.0, 20.0, 12.0],
                    "unit": ["mmHg", "points", "points", "points"],
                    "rater": [None, "r2", "r1", "r2"],
                    "recall_h": [None, 168.0, 24.0, 168.0],
                }
            ),
        )
    )
