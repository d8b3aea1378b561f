"""A small sound study, and the same with one thing changed."""

from __future__ import annotations

import polars as pl
import pytest

from upturn.records import Records, validate


@pytest.fixture
def study() -> Records:
    """Two people, two doses, two observations, one trial of the task and one adverse event."""
    return validate(
        Records(
            participants=pl.DataFrame(
                {
                    "participant": ["p1", "p2"],
                    "arm": ["ketamine", "midazolam"],
                    "age_y": [41.0, None],
                    "sex": ["female", None],
                    "weight_kg": [70.0, 82.5],
                    "height_cm": [168.0, None],
                    "cov_baseline_madrs": [33.0, None],
                }
            ),
            doses=pl.DataFrame(
                {
                    "participant": ["p1", "p2"],
                    "occasion": [1, 1],
                    "drug": ["ketamine", "midazolam"],
                    "route": ["intravenous", "intravenous"],
                    "amount_mg": [35.0, 3.7],
                    "start_h": [0.0, 0.0],
                    "duration_h": [0.7, 2 / 3],
                    "planned_h": [0.0, None],
                }
            ),
            observations=pl.DataFrame(
                {
                    "participant": ["p1", "p2"],
                    "time_h": [-0.5, 24.1],
                    "planned_h": [-1.0, 24.0],
                    "instrument": ["MADRS", "SBP"],
                    "item": [None, "sitting"],
                    "value": [33.0, 121.5],
                    "unit": ["points", "mmHg"],
                    "rater": ["r1", None],
                    "recall_h": [168.0, None],
                }
            ),
            updates=pl.DataFrame(
                {
                    "participant": ["p1"],
                    "visit": ["baseline"],
                    "time_h": [-24.0],
                    "event": ["burglary"],
                    "base_rate": [30.0],
                    "first_estimate": [50.0],
                    "other_estimate": [None],
                    "second_estimate": [40.0],
                    "trust": [80.0],
                    "rt_first_ms": [2100.0],
                    "rt_other_ms": [None],
                    "rt_second_ms": [1800.0],
                }
            ),
            adverse_events=pl.DataFrame(
                {
                    "participant": ["p1"],
                    "start_h": [0.5],
                    "end_h": [2.0],
                    "term": ["dizziness, mild\nand brief"],
                    "severity": ["mild"],
                    "serious": [False],
                    "related": ["probable"],
                }
            ),
        )
    )
