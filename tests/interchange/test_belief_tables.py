"""Foreign tables of trials: what is sound arrives exactly, and each fault is named with file, row and column."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from upturn.beliefs.reading import answers
from upturn.errors import InputError, RecordsError
from upturn.interchange.belief_tables import read_belief_table
from upturn.records import Records, read, write

HEADER = ["id", "cohort", "when", "item", "BR", "E1", "eBR", "E2", "rt"]
ROWS = [
    ["7", "1", "T1", "burglary", "0.39", "0.57", "0.4", "0.45", "2.5"],
    ["7", "1", "T1", "migraine", "0.26", "0.1", "", "0.2", "1"],
    ["7", "1", "T2", "burglary", "0.39", "0.41", "NA", "", "1"],
    ["8", "0", "T1", "burglary", "0.39", "0.30", "0.3", "0.3", "1"],
    ["8", "0", "T1", "filler", "", "0.5", "", "0.51", "1"],
]
COLUMNS = {
    "participant": "id", "group": "cohort", "visit": "when", "event": "item", "base_rate": "BR",
    "first_estimate": "E1", "other_estimate": "eBR", "second_estimate": "E2", "rt_first_ms": "rt",
}  # fmt: skip
MAPPING: dict[str, Any] = {
    "columns": COLUMNS,
    "visits": {"T1": -24, "T2": 4},
    "scale": dict.fromkeys(("base_rate", "first_estimate", "other_estimate", "second_estimate"), 100)
    | {"rt_first_ms": 1000},
    "words": {"group": {"0": "control", 1: "patients"}},
    "missing": ["NA"],
}  # fmt: skip
SHARED = Path(__file__).parents[3] / "shared" / "beliefs" / "data"
Read = Callable[..., Records]


def text(rows: list[list[str]], header: list[str] | None = None) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([header or HEADER, *rows])
    return out.getvalue()


@pytest.fixture
def foreign(tmp_path: Path) -> Read:
    """Write a table, its mapping and what lies beside it; then read them."""

    def call(mapping: Any = MAPPING, table: str | bytes = text(ROWS), **beside: str) -> Records:
        (tmp_path / "trials.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
        (tmp_path / "map.yaml").write_text(mapping if isinstance(mapping, str) else yaml.safe_dump(mapping))
        for name, content in beside.items():
            (tmp_path / f"{name}.csv").write_text(content)
        return read_belief_table(tmp_path / "trials.csv", mapping=tmp_path / "map.yaml")

    return call


def test_a_sound_table_arrives_exactly(foreign: Read, tmp_path: Path) -> None:
    found = foreign()
    names = ["participant", "visit", "time_h", "event", "base_rate", "first_estimate", "other_estimate",
             "second_estimate", "trust", "rt_first_ms"]  # fmt: skip
    assert found.updates.select(names).rows() == [
        ("7", "T1", -24.0, "burglary", 39.0, 57.0, 40.0, 45.0, None, 2500.0),
        ("7", "T1", -24.0, "migraine", 26.0, 10.0, None, 20.0, None, 1000.0),
        ("7", "T2", 4.0, "burglary", 39.0, 41.0, None, None, None, 1000.0),
        ("8", "T1", -24.0, "burglary", 39.0, 30.0, 30.0, 30.0, None, 1000.0),
        ("8", "T1", -24.0, "filler", None, 50.0, None, 51.0, None, 1000.0),
    ]
    assert found.participants.select("participant", "arm").rows() == [("7", "patients"), ("8", "control")]
    assert found.observations.is_empty()
    write(found, tmp_path / "records", format="csv")
    assert read(tmp_path / "records").equals(found)


def test_the_fillers_are_fillers(foreign: Read) -> None:
    found, _ = answers(foreign())
    assert found.filler_answered.sum() == 1
    assert found.answered.sum() == 3


def cell(row: int, column: str, value: str) -> list[list[str]]:
    rows = [list(each) for each in ROWS]
    rows[row - 1][HEADER.index(column)] = value
    return rows


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (text(cell(2, "E1", "often")), ("could not be read", "often", "trials.csv, row 2, column E1")),
        (text(cell(4, "BR", "1.2")), ("not allowed", "1.2", "after multiplying with 100", "row 4, column BR")),
        (text(cell(4, "E2", "-0.1")), ("not allowed", "-0.1", "row 4, column E2")),
        (text(cell(4, "E2", "nan")), ("not allowed", "nan", "row 4, column E2")),
        (text(cell(1, "id", " ")), ("missing", "row 1, column id")),
        (text(cell(3, "item", "")), ("missing", "row 3, column item")),
        (text(cell(3, "when", "T9")), ("no hours", "T9", "T1, T2", "row 3, column when")),
        (text(cell(3, "cohort", "0")), ("two groups", "control", "row 3, column cohort")),
        (text([*ROWS, ROWS[1]]), ("twice", "7, T1, migraine", "row 6, column item")),
        (text([[*row, "x"] for row in ROWS], [*HEADER, "note"]), ("unknown column", "note", "leave_out")),
        (text(ROWS, ["ID", *HEADER[1:]]), ("2 faults", "column id: A column is missing", "column ID: There is")),
        (text(ROWS, ["E1", *HEADER[1:]]), ("A column is there twice", "column E1")),
        (text([]), ("no rows", "trials.csv")),
        ("", ("no rows", "an empty file", "trials.csv")),
        (text(ROWS) + "7,1,T1,flood,0.2,0.2,0.2,0.2,1,9\n", ("does not fit", "10 cells", "trials.csv, row 6")),
        (text(ROWS) + "7,1,T1,flood,0.2,0.2\n", ("does not fit", "6 cells", "trials.csv, row 6")),
        (text(ROWS) + '7,1,"T1', ("cannot be read", "trials.csv")),
        (b"id,\xff\xfe\n1,2\n", ("cannot be read", "trials.csv")),
    ],
)  # fmt: skip
def test_each_fault_of_the_table_is_named(foreign: Read, table: str, words: tuple[str, ...]) -> None:
    with pytest.raises(RecordsError) as caught:
        foreign(table=table)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_faults_are_told_in_the_order_of_rows(foreign: Read) -> None:
    rows = cell(4, "BR", "x")
    rows[0][HEADER.index("E2")] = "y"
    with pytest.raises(RecordsError) as caught:
        foreign(table=text(rows))
    said = str(caught.value)
    assert "2 faults" in said
    assert said.index("row 1, column E2") < said.index("row 4, column BR")


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in MAPPING.items() if name != key}


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({**MAPPING, "colums": {}}, ("unknown key", "colums", "did you mean columns?", "map.yaml")),
        ({**MAPPING, "scale": {"base_rate": "x"}}, ("misshapen", "map.yaml, scale, base_rate")),
        ({**MAPPING, "words": {"group": "x"}}, ("misshapen", "map.yaml, words, group")),
        ({**MAPPING, "missing": "NA"}, ("misshapen", "a list", "map.yaml, missing")),
        ({**MAPPING, "leave_out": "some"}, ("misshapen", "map.yaml, leave_out")),
        ({**MAPPING, "one_row_per_person": "yes"}, ("misshapen", "one_row_per_person")),
        ({**MAPPING, "one_row_per_person": True}, ("twice who answers",)),
        ({**MAPPING, "visits": "T1"}, ("no hours", "map.yaml, visits")),
        ({**MAPPING, "visits": {"T1": "noon"}}, ("no hours", "map.yaml, visits")),
        ({**MAPPING, "columns": COLUMNS | {"frist_estimate": "E1"}}, ("do not have", "did you mean first_estimate?")),
        ({**MAPPING, "constants": {"mood": 1}}, ("do not have", "mood")),
        (without("visits"), ("does not say what time_h is", "under visits")),
        (without("columns"), ("names no columns", "map.yaml")),
        ({**MAPPING, "people": {"columns": {"participant": "id"}}}, ("names no table", "people")),
        ({**MAPPING, "observations": {"table": "t", "columns": {"participant": "id"}}}, ("names no values",)),
        ("- a list", ("names no columns",)),
        ("columns: {a: [", ("cannot be read", "map.yaml")),
    ],
)  # fmt: skip
def test_each_fault_of_the_mapping_is_named(foreign: Read, mapping: Any, words: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        foreign(mapping=mapping)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["participant", "event", "base_rate", "first_estimate", "second_estimate", "group"])
def test_what_is_needed_must_be_mapped(foreign: Read, name: str) -> None:
    mapping = {
        **MAPPING,
        "columns": {ours: theirs for ours, theirs in COLUMNS.items() if ours != name},
        "leave_out": "all",
    }
    with pytest.raises(InputError, match=f"does not say what {name} is"):
        foreign(
            mapping={
                **mapping,
                **{key: {k: v for k, v in mapping[key].items() if k != name} for key in ("scale", "words")},
            }
        )


def test_files_that_are_not_there(tmp_path: Path, foreign: Read) -> None:
    with pytest.raises(InputError, match="mapping file cannot be read"):
        read_belief_table(tmp_path / "trials.csv", mapping=tmp_path / "none.yaml")
    foreign()
    with pytest.raises(RecordsError, match="no such table"):
        read_belief_table(tmp_path / "none.csv", mapping=tmp_path / "map.yaml")


def test_a_range_of_an_order_a_constant_and_a_row_per_person(foreign: Read) -> None:
    mapping = {
        "columns": {"base_rate": "b", "first_estimate": "x", "second_estimate": "y", "visit": "v"},
        "constants": {"group": "all", "event": "warming"},
        "one_row_per_person": True,
        "visits": ["T1", "T2"],
        "leave_out": ["z"],
    }
    found = foreign(mapping=mapping, table="b,x,y,v,z\n30,40,35,T2,?\n30,20,25,T1,?\n")
    assert found.updates.select("participant", "event", "visit", "time_h", "first_estimate").rows() == [
        ("1", "warming", "T2", 1.0, 40.0),
        ("2", "warming", "T1", 0.0, 20.0),
    ]


PEOPLE = {"table": "people.csv", "columns": {"participant": "id", "age_y": "age", "sex": "s", "cov_score": "q"},
          "words": {"sex": {"f": "female", "-": None}}}  # fmt: skip
SCORES = {
    "table": "scores.csv",
    "columns": {"participant": "id", "visit": "when"},
    "values": {
        "m": {"instrument": "MADRS", "unit": "points"},
        "p": {"instrument": "MADRS", "item": "9", "unit": "points"},
    },
}


def test_people_and_scores_come_along(foreign: Read) -> None:
    found = foreign(
        mapping={**MAPPING, "people": PEOPLE, "observations": SCORES},
        people="id,age,s,q\n8,30,-,1.5\n7,,f,\n",
        scores="id,when,m,p\n7,T1,33,4\n7,T2,20,\n8,T1,2,0\n",
    )
    assert found.participants.select("participant", "arm", "age_y", "sex", "cov_score").rows() == [
        ("7", "patients", None, "female", None),
        ("8", "control", 30.0, None, 1.5),
    ]
    seen = found.observations.select("participant", "time_h", "instrument", "item", "value", "unit")
    assert set(seen.rows()) == {
        ("7", -24.0, "MADRS", "total", 33.0, "points"), ("7", 4.0, "MADRS", "total", 20.0, "points"),
        ("8", -24.0, "MADRS", "total", 2.0, "points"), ("7", -24.0, "MADRS", "9", 4.0, "points"),
        ("8", -24.0, "MADRS", "9", 0.0, "points"),
    }  # fmt: skip


def test_the_group_may_stand_in_the_table_of_people(foreign: Read) -> None:
    mapping = {
        **MAPPING,
        "columns": {ours: theirs for ours, theirs in COLUMNS.items() if ours != "group"},
        "words": {},
        "leave_out": ["cohort"],
        "people": {"table": "people.csv", "columns": {"participant": "id", "group": "g"}},
    }
    found = foreign(mapping=mapping, people="id,g\n8,b\n7,a\n9,a\n")
    assert found.participants.select("participant", "arm").rows() == [("8", "b"), ("7", "a"), ("9", "a")]
    with pytest.raises(RecordsError, match="not in the table of people") as caught:
        foreign(mapping=mapping, people="id,g\n7,a\n")
    assert "row 4, column id" in str(caught.value)


@pytest.mark.parametrize(
    ("people", "scores", "words"),
    [
        ("id,age,s,q\n7,x,f,1\n", None, ("could not be read", "people.csv, row 1, column age")),
        ("id,age,s,q\n7,30,m,1\n", None, ("not allowed", "female, male or other", "people.csv, row 1, column s")),
        ("id,age,s,q\n7,30,f,1\n7,30,f,1\n", None, ("twice", "people.csv, row 2, column id")),
        ("id,age,s,q\n9,30,f,1\n", None, ("no trials", "9", "people.csv, row 1, column id")),
        ("id,age,s\n7,30,f\n", None, ("A column is missing", "column q")),
        (None, "id,when,m,p\n7,T3,1,1\n", ("no hours", "scores.csv, row 1, column when")),
        (None, "id,when,m,p\n9,T1,1,1\n", ("not in the table of people", "scores.csv, row 1, column id")),
        (None, "id,when,m,p\n7,T1,high,1\n", ("could not be read", "scores.csv, row 1, column m")),
        (None, "id,when,m\n7,T1,1\n", ("A column is missing", "column p")),
    ],
)
def test_each_fault_beside_the_trials_is_named(
    foreign: Read, people: str | None, scores: str | None, words: tuple[str, ...]
) -> None:
    parts = {"people": PEOPLE} if people is not None else {"observations": SCORES}
    with pytest.raises(RecordsError) as caught:
        foreign(mapping={**MAPPING, **parts}, people=people or "", scores=scores or "")
    for word in words:
        assert word in str(caught.value)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder shared/beliefs is not beside the repository")
def test_a_real_table_arrives_whole(tmp_path: Path) -> None:
    """302 people with one update each, on a scale of 0 to 12 degrees Fahrenheit."""
    source = SHARED / "sunstein_climate_2017" / "data.csv"
    (tmp_path / "map.yaml").write_text(
        "columns: {group: condition, base_rate: evidence_max, first_estimate: first_estimate,"
        " second_estimate: second_estimate}\n"
        "constants: {visit: only, time_h: 0, event: warming}\n"
        "one_row_per_person: true\nwords: {group: {0: lower, 1: higher}}\nleave_out: all\n"
    )
    found = read_belief_table(source, mapping=tmp_path / "map.yaml")
    raw = pl.read_csv(source, quote_char="'")
    assert found.updates["first_estimate"].to_list() == raw["first_estimate"].to_list()
    assert found.participants["arm"].value_counts(sort=True).rows() == [("lower", 152), ("higher", 150)]
    laid_out, _ = answers(found, bounds=(0, 12))
    assert laid_out.answered.sum() == 302
