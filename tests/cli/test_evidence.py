"""``upturn evidence``: every trial, every claim and every row of a foreign table turns up, with its reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from upturn import evidence
from upturn.evidence.columns import KINDS
from upturn.inference.calibrate import all_calibrated, set_aside
from upturn.population import read_posterior

Upturn = Callable[..., tuple[int, str, str]]
SHARED = Path(__file__).parents[3] / "shared" / "evidence"
SOUND = {
    "study_id": "NEW_2026", "arm_id": "ket", "population": "TRD", "drug": "racemic ketamine", "route": "IV",
    "dose": "0.5", "dose_unit": "mg/kg", "regimen": "single 40-min infusion", "n_arm": "30",
    "time_hours_from_first_dose": "24", "outcome": "MADRS", "baseline_mean": "34", "baseline_sd": "5",
    "change_mean": "-15", "change_se_or_sd": "10", "change_err_type": "SD", "seen": "yes", "split": "validation",
}  # fmt: skip
ROWS = (
    SOUND,
    SOUND | {"arm_id": "mid", "drug": "midazolam", "dose": "0.045", "change_mean": "-8"},
    SOUND | {"arm_id": "psi", "drug": "psilocybin", "dose": "25", "dose_unit": "mg", "route": "oral"},
    SOUND | {"arm_id": "fear", "population": "PTSD"},
    SOUND | {"arm_id": "few", "n_arm": "", "split": ""},
    SOUND | {"arm_id": "brackets [x]", "change_mean": "", "change_se_or_sd": "", "responders_pct": "50"},
)


def write(path: Path, *rows: Mapping[str, str], header: list[str] | None = None) -> str:
    names = header or [column.name for column in KINDS["timecourse"]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_the_table_has_every_trial_and_every_finding(upturn: Upturn) -> None:
    code, out, err = upturn("evidence", "table", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [each["trial"] for each in found["trials"]] == list(evidence.trials())
    counted = sum(number for each in found["trials"] for number in each["findings"].values())
    assert counted == len(evidence.shipped().findings)
    aside = [entry["reason"] for each in found["trials"] for entry in each["set_aside"]]
    assert sorted(aside) == sorted(each.reason for each in set_aside())
    assert len(found["not_used"]) == len(evidence.not_used())
    assert found["evidence"] == evidence.shipped().digest


def test_the_table_is_readable(upturn: Upturn) -> None:
    code, out, _ = upturn("evidence", "table")
    assert code == 0
    assert all(trial in out for trial in evidence.trials())
    assert all(each.arm in out for each in set_aside())


def test_claims_come_with_verdict_sources_and_the_number_of_the_model(upturn: Upturn) -> None:
    code, out, err = upturn("evidence", "claims", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [each["id"] for each in found["claims"]] == [each.id for each in evidence.claims()]
    for each in found["claims"]:
        assert all(fact["source"] for fact in each["facts"])
        assert (each["model"] is None) == (not each["quantity"])
        assert each["model"] is None or each["model"]["low"] <= each["model"]["median"] <= each["model"]["high"]
        assert each["differs"] == (each["verdict_by_model_alone"] not in {None, each["verdict"]})


def test_claims_are_readable(upturn: Upturn) -> None:
    code, out, _ = upturn("evidence", "claims")
    assert code == 0
    assert out.count("not modelled") == sum(not each.quantity for each in evidence.claims())
    assert out.count("90 % interval") >= sum(bool(each.quantity) for each in evidence.claims())
    assert "https://pmc.ncbi.nlm.nih.gov/articles/PMC5418088/table/T3" in out


def test_every_row_of_a_foreign_table_turns_up(upturn: Upturn, tmp_path: Path) -> None:
    code, out, err = upturn("evidence", "predict", write(tmp_path / "new.csv", *ROWS), "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert {each["row"] for each in found["rows"] + found["refused"]} == set(range(1, len(ROWS) + 1))
    assert "as new" in found["as_new"]
    by_arm: dict[str, Any] = {each["arm"]: each for each in found["rows"]}
    for arm in ("ket", "mid", "brackets [x]"):
        assert by_arm[arm]["scored"], arm
        assert set(by_arm[arm]["forecasts"]) == {"model", "same kind", "constant effect"}
    assert "psilocybin" in found["refused"][0]["reason"]
    assert "post-traumatic" in by_arm["fear"]["reason"]
    assert by_arm["fear"]["forecasts"] == {}
    assert "number of people" in by_arm["few"]["reason"]
    assert by_arm["few"]["forecasts"]["model"]["in90"] is None
    for each in (by_arm[arm]["forecasts"]["model"] for arm in ("ket", "mid", "few")):
        assert list(each["quantiles"].values()) == sorted(each["quantiles"].values())
    scored = {(each["split"], each["family"]): each["rows"] for each in found["scores"] if each["by"] == "model"}
    assert scored["validation", "arms, change in points"] == 2


def test_predictions_are_readable(upturn: Upturn, tmp_path: Path) -> None:
    table = write(tmp_path / "new.csv", *ROWS, SOUND | {"arm_id": "old", "split": "calibration"})
    code, out, _ = upturn("evidence", "predict", table)
    assert code == 0
    assert all(arm in out for arm in ("psi", "fear", "few", "brackets [x]"))
    assert "predicted as new" in out
    scores = out[out.index("Scores:") :]
    assert scores.index("validation") < scores.index("calibration")


def test_ages_that_the_model_was_not_fitted_to_are_noted_beside_the_row(upturn: Upturn, tmp_path: Path) -> None:
    old = SOUND | {"arm_id": "old", "population": "TRD (>=65 y)"}
    code, out, _ = upturn("evidence", "predict", write(tmp_path / "old.csv", SOUND, old), "--json")
    assert code == 0
    young, aged = sorted(json.loads(out)["rows"], key=lambda each: str(each["arm"]))
    assert young["beyond"] == ""
    assert "65 years and more" in aged["beyond"]


def test_a_table_of_which_nothing_can_be_predicted_is_told_row_by_row(upturn: Upturn, tmp_path: Path) -> None:
    code, out, _ = upturn("evidence", "predict", write(tmp_path / "new.csv", ROWS[2], ROWS[3]))
    assert code == 0
    assert "psilocybin" in out
    assert "post-traumatic" in out
    assert "Scores:" not in out


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/evidence is not beside the repository")
@pytest.mark.parametrize("name", ["timecourse", "contrasts", "durability"])
def test_every_row_of_the_tables_that_the_facts_came_in_turns_up(upturn: Upturn, name: str) -> None:
    path = SHARED / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = len(list(csv.DictReader(file)))
    code, out, _ = upturn("evidence", "predict", str(path), "--json")
    assert code == 0
    found = json.loads(out)
    assert {each["row"] for each in found["rows"] + found["refused"]} == set(range(1, rows + 1))


BAD = [
    ([SOUND | {"change_se_or_sd": "0"}], "change_se_or_sd"),
    ([SOUND | {"change_se_or_sd": "-1"}], "change_se_or_sd"),
    ([SOUND | {"responders_pct": "130"}], "responders_pct"),
    ([SOUND, SOUND], "duplicated"),
    ([SOUND | {"n_arm": "thirty"}], "n_arm"),
]


@pytest.mark.parametrize(("rows", "says"), BAD)
def test_bad_tables_are_told_plainly(upturn: Upturn, tmp_path: Path, rows: list[dict[str, str]], says: str) -> None:
    code, out, err = upturn("evidence", "predict", write(tmp_path / "bad.csv", *rows))
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_a_missing_file_and_wrong_columns_are_told_plainly(upturn: Upturn, tmp_path: Path) -> None:
    strange = write(tmp_path / "strange.csv", {"a": "1"}, header=["a", "b"])
    for file in (str(tmp_path / "none.csv"), strange, str(tmp_path)):
        code, out, err = upturn("evidence", "predict", file)
        assert (code, out) == (2, "")
        assert Path(file).name in err
        assert "Traceback" not in err


def test_calibrate_refuses_a_place_that_cannot_be_written_before_the_work(upturn: Upturn, tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("mine", encoding="utf-8")
    code, out, err = upturn("evidence", "calibrate", "--quick", "--out", str(occupied))
    assert (code, out) == (2, "")
    assert str(occupied) in err


@pytest.mark.slow
def test_a_quick_calibration_says_what_was_learnt_and_writes_it(upturn: Upturn, tmp_path: Path) -> None:
    code, out, _ = upturn("evidence", "calibrate", "--quick", "--out", str(tmp_path), "--json")
    assert code == 0
    found = json.loads(out)
    names = [each["name"] for each in found["learnt"]]
    assert names == [each.name for each in all_calibrated()]
    for each in found["learnt"]:
        assert each["informed"] == (each["contraction"] >= 0.3)
        for which in ("prior", "posterior"):
            assert each[which]["low"] < each[which]["median"] < each[which]["high"]
    assert found["evidence"] == evidence.shipped().digest
    assert found["fitted"]["trials"] > 10
    kept = read_posterior(tmp_path)
    assert kept.digest == found["posterior"]
    assert list(kept.learnt) == names
