"""Tables as somebody else would hand them in."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from upturn.evidence.columns import KINDS, Kind

ROWS: Mapping[Kind, Mapping[str, str]] = {
    "timecourse": {
        "study_id": "NEW_2026", "arm_id": "ket", "population": "TRD", "drug": "racemic ketamine", "route": "IV",
        "dose": "0.5", "dose_unit": "mg/kg", "regimen": "single 40-min infusion", "n_arm": "30",
        "time_hours_from_first_dose": "24", "outcome": "MADRS", "baseline_mean": "34", "baseline_sd": "5",
        "change_mean": "-15", "change_se_or_sd": "10", "change_err_type": "SD", "seen": "yes", "split": "validation",
    },
    "contrasts": {
        "study_id": "NEW_2026", "contrast": "ket0.5 v midazolam", "population": "TRD", "route": "IV",
        "dose": "0.5 mg/kg", "control_type": "midazolam", "time_hours": "24", "outcome": "MADRS",
        "effect_measure": "LS mean diff", "estimate": "-7", "se": "2", "seen": "yes",
    },
    "durability": {
        "study_id": "NEW_2026", "arm_id": "ket6", "population": "TRD", "drug": "racemic ketamine 0.5 mg/kg",
        "route": "IV", "regimen": "six infusions over 12 days then stop", "at_risk_definition": "responders at end",
        "relapse_definition": "MADRS>=22 at two consecutive visits", "n_at_risk": "20",
        "metric": "% relapsed 4 wk after last infusion", "value": "60", "unit": "%", "time_days": "28", "seen": "yes",
    },
}  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a table of one kind; each further argument is a row, as changes to a sound one."""

    def write(
        kind: Kind,
        *changes: Mapping[str, str],
        without: Sequence[str] = (),
        besides: Sequence[str] = (),
    ) -> Path:
        header = [column.name for column in KINDS[kind] if column.name not in without] + list(besides)
        path = tmp_path / "table.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, restval="", extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**ROWS[kind], **each} for each in changes)
        return path

    return write
