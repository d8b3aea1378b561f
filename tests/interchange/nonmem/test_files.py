"""Table and legend as files: side by side, whole, never over something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.conftest import full_after

from upturn.errors import InputError, OutputError, RecordsError
from upturn.interchange.nonmem.codes import legend
from upturn.interchange.nonmem.files import read_event_table, write_event_table
from upturn.interchange.nonmem.table import from_event_table, to_event_table
from upturn.records import Records


def test_the_files_hold_what_the_table_holds(study: Records, tmp_path: Path) -> None:
    table, codes = write_event_table(study, tmp_path / "deep" / "events.csv")
    assert [table.name, codes.name] == ["events.csv", "events.legend.json"]
    assert sorted(file.name for file in table.parent.iterdir()) == ["events.csv", "events.legend.json"]
    assert read_event_table(table).equals(from_event_table(to_event_table(study), legend(study)))


def test_missing_values_are_empty_and_everything_is_a_number(study: Records, tmp_path: Path) -> None:
    table, _ = write_event_table(study, tmp_path / "events.csv")
    for line in table.read_text().splitlines()[1:]:
        for cell in line.split(","):
            assert cell == "" or isinstance(float(cell), float)


def test_a_dot_is_read_as_missing(study: Records, tmp_path: Path) -> None:
    table, _ = write_event_table(study, tmp_path / "events.csv")
    expected = read_event_table(table)
    table.write_text("\n".join(",".join(c or "." for c in line.split(",")) for line in table.read_text().splitlines()))
    assert read_event_table(table).equals(expected)


@pytest.mark.parametrize("taken", ["events.csv", "events.legend.json"])
def test_a_file_that_is_there_is_not_overwritten(study: Records, tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(OutputError, match="there already"):
        write_event_table(study, tmp_path / "events.csv")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"]


def test_a_place_that_cannot_be_made_is_refused(study: Records, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="cannot be written"):
        write_event_table(study, tmp_path / "file" / "events.csv")


@pytest.mark.parametrize("until", ["nothing", "the middle of a file", "between the two files"])
def test_a_full_disk_leaves_nothing(study: Records, tmp_path: Path, until: str) -> None:
    small, large = sorted(file.stat().st_size for file in write_event_table(study, tmp_path / "old.csv"))
    before = sorted(tmp_path.iterdir())
    size = {"nothing": 0, "the middle of a file": small // 2, "between the two files": small}[until]
    assert small < large
    with full_after(size), pytest.raises(OutputError, match="cannot be written") as refused:
        write_event_table(study, tmp_path / "events.csv")
    assert refused.value.came == "File too large"
    assert sorted(tmp_path.iterdir()) == before
    assert read_event_table(tmp_path / "old.csv").doses.height


def test_a_table_needs_its_legend(study: Records, tmp_path: Path) -> None:
    table, codes = write_event_table(study, tmp_path / "events.csv")
    codes.unlink()
    with pytest.raises(InputError, match="no legend beside"):
        read_event_table(table)
    with pytest.raises(InputError, match="no event table"):
        read_event_table(tmp_path / "other.csv")


def test_a_cell_that_is_no_number_is_named(study: Records, tmp_path: Path) -> None:
    table, _ = write_event_table(study, tmp_path / "events.csv")
    lines = table.read_text().splitlines()
    lines[2] = lines[2].replace("28.0", "28 mg", 1)
    table.write_text("\n".join(lines))
    with pytest.raises(RecordsError) as refused:
        read_event_table(table)
    assert (refused.value.where, refused.value.came) == ("event table, row 2, column AMT", "28 mg")


@pytest.mark.parametrize("content", [b"", b"ID,TIME\n1,2,3\n", b"ID\n\xff\xfe\n"])
def test_a_file_that_is_no_table_is_refused(study: Records, tmp_path: Path, content: bytes) -> None:
    table, _ = write_event_table(study, tmp_path / "events.csv")
    table.write_bytes(content)
    with pytest.raises(RecordsError):
        read_event_table(table)
