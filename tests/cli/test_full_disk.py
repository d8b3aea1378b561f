"""A disk that is full while a command writes: a plain message, exit code 2, the old as it was and nothing half-written.

Each command runs in a process of its own, whose files the system lets grow up to a size and no further.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIMITED = """
import resource, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
sys.argv[:] = ["upturn", *sys.argv[2:]]
from upturn.cli import run
run()
"""
UNLIMITED = -1  # RLIM_INFINITY


def upturn(*words: str, size: int = UNLIMITED, out: str | None = None) -> tuple[int, str]:
    """Run a command that may write no file beyond a size [bytes]; give exit code and messages."""
    command = [sys.executable, "-B", "-c", LIMITED, str(size), *words]
    with open(out, "w") if out else open("/dev/null", "w") as output:  # noqa: PTH123
        done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stderr


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("kind", "size"), [("parquet", 0), ("parquet", 1000), ("csv", 2000), ("nonmem", 2000)])
def test_records_that_do_not_fit_leave_nothing(tmp_path: Path, kind: str, size: int) -> None:
    words = ("simulate", "single-infusion", "--patients", "2", "--format", kind)
    code, said = upturn(*words, "--out", str(tmp_path / "new"), size=size)
    assert code == 2
    assert "cannot be written" in said
    assert "File too large" in said
    assert "Traceback" not in said
    assert content(tmp_path) == {}


def test_an_answer_that_does_not_fit_leaves_the_last_one_whole(tmp_path: Path) -> None:
    words = ("answer", "single-infusion", "--patients", "2", "--out", str(tmp_path))
    assert upturn(*words, "--seed", "1")[0] == 0
    before = content(tmp_path)
    assert set(before) == {"answer.json", "report.html"}
    small, large = sorted(map(len, before.values()))
    # Nothing; the smaller of the two files and half of the other: report and result are of one run, or stay the old.
    for size in (0, (small + large) // 2):
        code, said = upturn(*words, "--seed", "2", size=size)
        assert code == 2
        assert "cannot be written" in said
        assert "File too large" in said
        assert "Traceback" not in said
        assert content(tmp_path) == before


def test_an_answer_without_a_place_for_its_result_writes_no_report(tmp_path: Path) -> None:
    (tmp_path / "answer.json").mkdir()
    code, said = upturn("answer", "single-infusion", "--patients", "2", "--out", str(tmp_path))
    assert code == 2
    assert "cannot be written" in said
    assert "Traceback" not in said
    assert [place.name for place in tmp_path.iterdir()] == ["answer.json"]


@pytest.mark.parametrize("words", [("protocol", "list", "--json"), ("protocol", "list"), ("evidence", "table")])
def test_output_that_does_not_fit_is_told(words: tuple[str, ...]) -> None:
    code, said = upturn(*words, out="/dev/full")
    assert code == 2
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
