"""``upturn beliefs read``: records from a foreign table, or a plain refusal and nothing left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from upturn.records import read

Upturn = Callable[..., tuple[int, str, str]]
MAP = """
columns: {participant: id, visit: v, event: item, base_rate: b, first_estimate: x, second_estimate: y}
constants: {group: patients}
visits: {T1: -24, T2: 4}
"""
ROWS = ["id,v,item,b,x,y", "p1,T1,e1,30,50,45", "p1,T1,e2,30,90,45", "p1,T2,e1,30,20,22", "p2,T1,e1,30,20,"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "trials.csv").write_text("\n".join(ROWS) + "\n")
    (tmp_path / "map.yaml").write_text(MAP)
    return (str(tmp_path / "trials.csv"), "--mapping", str(tmp_path / "map.yaml"), "--out", str(tmp_path / "study"))


def test_the_records_are_written_and_what_is_set_aside_is_named(
    upturn: Upturn, files: tuple[str, ...], tmp_path: Path
) -> None:
    code, out, err = upturn("beliefs", "read", *files)
    assert (code, err) == (0, "")
    assert "people: 1, sessions: 2, complete trials: 2, filler events: 0" in out
    assert "p1, T1: an own estimate out of range (1 row); used for: nothing" in out
    assert "p2, T1: no second estimate (1 row)" in out
    assert read(tmp_path / "study").updates.height == 4


def test_the_summary_for_a_machine_says_the_same(upturn: Upturn, files: tuple[str, ...]) -> None:
    code, out, _ = upturn("beliefs", "read", *files, "--json", "--format", "csv")
    told = json.loads(out)
    assert code == 0
    assert (told["people"], told["sessions"], told["trials"], told["fillers"]) == (1, 2, 2, 0)
    assert {"participant": "p1", "visit": "T1", "what": "an own estimate out of range", "rows": 1,
            "used_for": "nothing"} in told["set_aside"]  # fmt: skip


def test_another_range_is_another_judgement(upturn: Upturn, files: tuple[str, ...]) -> None:
    code, out, _ = upturn("beliefs", "read", *files, "--json", "--lowest", "0", "--highest", "100")
    assert code == 0
    assert json.loads(out)["trials"] == 3


def test_half_a_range_is_refused(upturn: Upturn, files: tuple[str, ...]) -> None:
    code, _, err = upturn("beliefs", "read", *files, "--lowest", "0")
    assert code == 2
    assert "both --lowest and --highest" in err


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("p1,T1,e3,30,fifty,45", "row 5, column x"),
        ("p1,T1,e1,30,50,45", "A trial is there twice."),
        ("p1,T3,e1,30,50,45", "A visit has no hours."),
    ],
)
def test_a_fault_leaves_nothing_behind(
    upturn: Upturn, files: tuple[str, ...], tmp_path: Path, row: str, said: str
) -> None:
    (tmp_path / "trials.csv").write_text("\n".join([*ROWS, row]) + "\n")
    code, out, err = upturn("beliefs", "read", *files)
    assert (code, out) == (2, "")
    assert said in err
    assert sorted(each.name for each in tmp_path.iterdir()) == ["map.yaml", "trials.csv"]


def test_a_table_without_one_complete_trial_is_refused(upturn: Upturn, files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "trials.csv").write_text(f"{ROWS[0]}\n{ROWS[4]}\n")
    code, _, err = upturn("beliefs", "read", *files)
    assert code == 2
    assert "no complete trial" in err
    assert not (tmp_path / "study").exists()


def test_a_taken_folder_is_left_alone(upturn: Upturn, files: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine.txt").write_text("kept")
    code, _, err = upturn("beliefs", "read", *files)
    assert code == 2
    assert "already holds something" in err
    assert [each.name for each in (tmp_path / "study").iterdir()] == ["mine.txt"]
