"""Tables that people made: read when they can be, and a bad cell is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from upturn.errors import RecordsError
from upturn.records import Records, read, write

HEADER = "participant,arm,age_y,sex,weight_kg,height_cm"


def test_a_table_from_a_spreadsheet_is_read(tmp_path: Path) -> None:
    text = f'\ufeff{HEADER},cov_site\r\n"p1",ketamine, 41 ,"",70,,3\r\n'
    (tmp_path / "participants.csv").write_bytes(text.encode())
    (tmp_path / "adverse_events.csv").write_text(
        "participant,start_h,end_h,term,severity,serious,related\np1,1,,nausea,mild,FALSE,possible\n"
        "p1,2,,headache,mild,,possible\n"
    )
    records = read(tmp_path)
    assert records.participants.row(0) == ("p1", "ketamine", 41.0, None, 70.0, None, 3.0)
    assert records.adverse_events.row(0) == ("p1", 1.0, None, "nausea", "mild", False, "possible")
    # Whether an event was serious may not have been judged yet.
    assert records.adverse_events.row(1) == ("p1", 2.0, None, "headache", "mild", None, "possible")


@pytest.mark.parametrize(
    ("body", "where", "came"),
    [
        ("p1,a,41,,70,\np2,a,forty,,70,", "row 2, column age_y", "forty"),
        ("p1,a,41,,70 kg,", "row 1, column weight_kg", "70 kg"),
        ("p1,a,41,,70,,x", None, None),
        ("p1,a,nan,,70,", "row 1, column age_y", "nan"),
        ("p1,a,41,woman,70,", "row 1, column sex", "woman"),
        ("p1", "row 1, column arm", "nothing"),
    ],
)
def test_a_bad_cell_is_named(tmp_path: Path, body: str, where: str | None, came: str | None) -> None:
    (tmp_path / "participants.csv").write_text(f"{HEADER}\n{body}\n")
    with pytest.raises(RecordsError) as refused:
        read(tmp_path)
    if where is None:
        assert refused.value.fault == "The table participants cannot be read."
    else:
        assert (refused.value.where, refused.value.came) == (f"table participants, {where}", came)


def test_many_bad_cells_are_counted(tmp_path: Path) -> None:
    rows = "\n".join(f"p{place},a,x,,y," for place in range(9))
    (tmp_path / "participants.csv").write_text(f"{HEADER}\n{rows}\n")
    with pytest.raises(RecordsError, match="18 faults; the first 5"):
        read(tmp_path)


def test_a_bad_truth_and_a_bad_whole_number_are_named(tmp_path: Path) -> None:
    (tmp_path / "participants.csv").write_text(f"{HEADER}\np1,a,,,,\n")
    (tmp_path / "doses.csv").write_text(
        "participant,occasion,drug,route,amount_mg,start_h,duration_h,planned_h\np1,1.5,ketamine,oral,1,0,0,\n"
    )
    with pytest.raises(RecordsError) as refused:
        read(tmp_path)
    assert (refused.value.expected, refused.value.came) == ("a whole number, 1 or more", "1.5")
    (tmp_path / "doses.csv").unlink()
    (tmp_path / "adverse_events.csv").write_text(
        "participant,start_h,end_h,term,severity,serious,related\np1,1,,nausea,mild,maybe,possible\n"
    )
    with pytest.raises(RecordsError) as refused:
        read(tmp_path)
    assert (refused.value.expected, refused.value.came) == ("true or false", "maybe")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("participants.csv", b"", "cannot be read"),
        ("participants.csv", b"participant\n\xff\xfe\n", "cannot be read"),
        ("participants.parquet", b"not parquet", "cannot be read"),
        ("participants.csv", HEADER.replace(",", ";").encode(), "faults"),
        ("participants.csv", b"participant,participant\np1,p1\n", "there twice"),
        ("participant.csv", HEADER.encode(), "named almost like a table"),
        ("notes.txt", b"hello", "none of the tables"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path, name: str, content: bytes, fault: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordsError, match=fault):
        read(tmp_path)


def test_no_folder_and_an_empty_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(RecordsError, match="none of the tables"):
        read(tmp_path)


def test_a_table_that_is_there_twice_is_refused(study: Records, tmp_path: Path) -> None:
    write(study, tmp_path / "study")
    study.doses.write_csv(tmp_path / "study" / "doses.csv")
    with pytest.raises(RecordsError, match="more than once"):
        read(tmp_path / "study")


def test_other_files_are_left_alone(study: Records, tmp_path: Path) -> None:
    write(study, tmp_path / "study")
    (tmp_path / "study" / "events.csv").write_text("ID\n1\n")
    assert read(tmp_path / "study").equals(study)
