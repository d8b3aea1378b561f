"""What is written can be read again, and is whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import full_after

from upturn.errors import CannotError, OutputError, RecordsError
from upturn.records import TABLES, Records, RecordsWriter, empty, read, validate, write

number = st.floats(allow_nan=False, allow_infinity=False)
word = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip())
)


@st.composite
def any_records(draw: st.DrawFn) -> Records:
    """Draw participants and observations with any text and any finite number."""
    people = draw(st.lists(word, min_size=1, max_size=4, unique=True))
    seen = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "participant": st.sampled_from(people),
                    "time_h": number,
                    "planned_h": st.none() | number,
                    "instrument": word,
                    "item": word,
                    "value": number,
                    "unit": word,
                    "rater": st.none() | word,
                    "recall_h": st.none() | number.map(abs),
                }
            ),
            max_size=5,
        )
    )
    unknown = dict.fromkeys(("age_y", "sex", "weight_kg", "height_cm"))
    rows = [
        {"participant": person, "arm": draw(word), **unknown, "cov_x": draw(st.none() | number)} for person in people
    ]
    return validate(
        Records(
            participants=pl.DataFrame(rows, schema_overrides={"cov_x": pl.Float64}),
            observations=pl.DataFrame(seen, schema=empty("observations").schema),
        )
    )


def hidden(place: Path) -> list[Path]:
    return list(place.glob(".*"))


@settings(deadline=None, max_examples=40)
@given(records=any_records(), format=st.sampled_from(["parquet", "csv"]))
def test_round_trip_of_anything(records: Records, format: Literal["parquet", "csv"]) -> None:
    with TemporaryDirectory() as place:
        assert read(write(records, Path(place, "study"), format=format)).equals(records)


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_round_trip_of_all_tables(study: Records, tmp_path: Path, format: Literal["parquet", "csv"]) -> None:
    folder = write(study, tmp_path / "deep" / "study", format=format)
    assert sorted(file.name for file in folder.iterdir()) == sorted(f"{table}.{format}" for table in TABLES)
    assert read(folder).equals(study)
    assert hidden(tmp_path / "deep") == []


def test_an_empty_folder_may_be_written_to(study: Records, tmp_path: Path) -> None:
    assert read(write(study, tmp_path)).equals(study)


@pytest.mark.parametrize("kind", ["full folder", "file", "broken link", "under a file"])
def test_a_taken_place_is_refused_and_left_alone(study: Records, tmp_path: Path, kind: str) -> None:
    place = tmp_path / "study"
    if kind == "full folder":
        write(study, place)
    elif kind == "file":
        place.write_text("mine")
    elif kind == "broken link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.write_text("mine")
        place = place / "study"
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as refused:
        write(study, place)
    assert refused.value.remedy
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_is_left_of_records_that_are_refused(study: Records, tmp_path: Path) -> None:
    with pytest.raises(RecordsError):
        write(replace(study, participants=empty("participants")), tmp_path / "study")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["parquet", "csv"])
@pytest.mark.parametrize("until", ["nothing", "the middle of a file", "between two files"])
def test_a_full_disk_leaves_nothing_of_the_new_and_all_of_the_old(
    study: Records, tmp_path: Path, format: Literal["parquet", "csv"], until: str
) -> None:
    old = write(study, tmp_path / "old", format=format)
    first, *later = ((old / f"{table}.{format}").stat().st_size for table in TABLES)
    assert max(later) > first
    size = {"nothing": 0, "the middle of a file": first // 2, "between two files": first}[until]
    with full_after(size), pytest.raises(OutputError, match="cannot be written") as refused:
        write(study, tmp_path / "deep" / "new", format=format)
    assert refused.value.came == "File too large"
    assert refused.value.exit_code == 2
    assert [place.name for place in tmp_path.iterdir()] == ["old"]
    assert read(old).equals(study)


def test_an_unknown_format_is_refused(study: Records, tmp_path: Path) -> None:
    with pytest.raises(OutputError) as refused:
        write(study, tmp_path / "study", format="xlsx")  # type: ignore[arg-type]
    assert refused.value.expected == "parquet or csv"


def parts(study: Records) -> Iterator[Records]:
    for row in range(study.participants.height):
        person = study.participants[row, "participant"]
        yield Records(**{name: frame.filter(pl.col("participant") == person) for name, frame in study})


def test_parts_read_as_one(study: Records, tmp_path: Path) -> None:
    with RecordsWriter(tmp_path / "study") as writer:
        for part in parts(study):
            writer.append(part)
        assert not (tmp_path / "study").exists()
    assert (tmp_path / "study" / "observations" / "part-00001.parquet").is_file()
    assert read(tmp_path / "study").equals(study)
    assert hidden(tmp_path) == []


def test_a_writer_without_parts_writes_empty_tables(tmp_path: Path) -> None:
    with RecordsWriter(tmp_path / "study"):
        pass
    assert read(tmp_path / "study").equals(Records())


def test_rows_may_come_later_than_their_participant_but_not_earlier(study: Records, tmp_path: Path) -> None:
    with RecordsWriter(tmp_path / "study") as writer:
        writer.append(Records(participants=study.participants))
        writer.append(Records(observations=study.observations))
    assert read(tmp_path / "study").observations.equals(study.observations)
    with pytest.raises(RecordsError, match="2 faults"), RecordsWriter(tmp_path / "other") as writer:
        writer.append(Records(observations=study.observations))
    assert not (tmp_path / "other").exists()


def test_a_participant_may_not_come_in_two_parts(study: Records, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="appears twice"), RecordsWriter(tmp_path / "study") as writer:
        writer.append(Records(participants=study.participants.head(1)))
        writer.append(Records(participants=study.participants.head(1)))
    assert list(tmp_path.iterdir()) == []


def test_parts_have_the_same_covariates(study: Records, tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="covariates differ"), RecordsWriter(tmp_path / "study") as writer:
        writer.append(Records(participants=study.participants.head(1)))
        writer.append(Records(participants=study.participants.tail(1).drop("cov_baseline_madrs")))


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_when_the_block_is_left_by_an_exception(
    study: Records, tmp_path: Path, interruption: type[BaseException]
) -> None:
    with pytest.raises(interruption), RecordsWriter(tmp_path / "study") as writer:
        writer.append(study)
        raise interruption
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("part", [0, 1])
def test_a_disk_that_is_full_for_one_part_leaves_none(study: Records, tmp_path: Path, part: int) -> None:
    with pytest.raises(OutputError) as refused, RecordsWriter(tmp_path / "study") as writer:
        for number, each in enumerate(parts(study)):
            if number < part:
                writer.append(each)
                continue
            with full_after(100):
                writer.append(each)
    assert refused.value.came == "File too large"
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_at_the_end_leaves_nothing(tmp_path: Path) -> None:
    with full_after(0), pytest.raises(OutputError, match="cannot be written"), RecordsWriter(tmp_path / "study"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_taken_in_the_meantime_is_not_overwritten(study: Records, tmp_path: Path) -> None:
    with pytest.raises(OutputError), RecordsWriter(tmp_path / "study") as writer:
        writer.append(study)
        (tmp_path / "study").mkdir()
        (tmp_path / "study" / "mine.txt").write_text("mine")
    assert [file.name for file in tmp_path.rglob("*")] == ["study", "mine.txt"]


def test_a_closed_writer_is_refused(study: Records, tmp_path: Path) -> None:
    with pytest.raises(CannotError, match="closed"):
        RecordsWriter(tmp_path / "study").append(study)


@settings(deadline=None, max_examples=25)
@given(values=st.lists(number, min_size=1, max_size=100))
def test_a_number_survives_csv_to_the_last_bit(values: list[float]) -> None:
    people = (
        empty("participants")
        .clear(len(values))
        .with_columns(arm=pl.lit("a"), participant=pl.int_range(pl.len()).cast(pl.String), cov_x=pl.Series(values))
    )
    with TemporaryDirectory() as place:
        back = read(write(Records(participants=people), Path(place, "study"), format="csv"))
    assert [value.hex() for value in back.participants["cov_x"]] == [value.hex() for value in values]
