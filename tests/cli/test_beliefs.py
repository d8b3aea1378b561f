"""``upturn beliefs simulate`` as a person meets it: one call from protocol to records; plain refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from upturn.records import read

from .conftest import Upturn


def test_a_whole_study_comes_from_its_protocol_in_one_call(upturn: Upturn, tmp_path: Path) -> None:
    words = ["beliefs", "simulate", "belief-updating-study", "--seed", "3"]
    code, out, _ = upturn(*words, "--out", str(tmp_path / "a"), "--json")
    assert code == 0
    summary = json.loads(out)
    assert summary["people"] == {"patients": 26, "controls": 30}
    assert summary["visits"] == {"patients": ["before", "four-hours", "one-week"], "controls": ["before", "one-week"]}
    assert summary["rows"]["updates"] == (26 * 3 + 30 * 2) * 48
    assert summary["truth"]["report_noise"] == 8.0
    records = read(tmp_path / "a")
    assert records.updates.height == summary["rows"]["updates"]
    assert set(records.observations["instrument"]) >= {"MADRS", "CADSS", "SBP"}

    code, printed, _ = upturn(*words, "--out", str(tmp_path / "b"), "--format", "csv")
    assert code == 0
    assert "assumed, not established" in printed
    assert read(tmp_path / "b").equals(records)


def test_upturn_simulate_gives_the_same_people_and_the_same_answers(upturn: Upturn, tmp_path: Path) -> None:
    words = ["belief-updating-study", "--patients", "4", "--seed", "9"]
    assert upturn("simulate", *words, "--out", str(tmp_path / "a"))[0] == 0
    assert upturn("beliefs", "simulate", *words, "--out", str(tmp_path / "b"))[0] == 0
    assert read(tmp_path / "a").equals(read(tmp_path / "b"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["single-infusion"], "does not say what its belief-updating task asks"),
        (["belief-updating-studie"], "did you mean belief-updating-study"),
        (["belief-updating-study", "--model", "reinforcement-scalling"], "did you mean reinforcement-scaling"),
        (["belief-updating-study", "--patients", "0"], "--patients"),
        (["belief-updating-study", "--report-noise", "-1"], "--report-noise"),
    ],
)
def test_bad_input_is_told_plainly_and_leaves_nothing(
    upturn: Upturn, tmp_path: Path, words: list[str], says: str
) -> None:
    code, out, err = upturn("beliefs", "simulate", *words, "--out", str(tmp_path / "x"))
    assert code == 2
    assert out == ""
    assert says.lower() in " ".join(err.lower().split())
    assert "Traceback" not in err
    assert not (tmp_path / "x").exists()


def test_a_folder_with_something_in_it_is_left_alone(upturn: Upturn, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    words = ["beliefs", "simulate", "belief-updating-study", "--out", str(tmp_path)]
    code, _, err = upturn(*words)
    assert code == 2
    assert "empty" in err
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.txt"]
