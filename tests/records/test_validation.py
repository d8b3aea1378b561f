"""Every rule of the tables, broken once."""

from __future__ import annotations

import timeit
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from upturn.errors import RecordsError
from upturn.records import TABLES, Records, empty, validate


def changed(study: Records, table: str, column: str, value: Any) -> Records:
    """Give the study with one value of the first row changed."""
    frame = study[table].with_row_index("_row")
    new = pl.when(pl.col("_row") == 0).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    return replace(study, **{table: frame.with_columns(new).drop("_row")})


def test_a_sound_study_passes_and_is_unchanged_by_a_second_check(study: Records) -> None:
    assert validate(study).equals(study)


def test_a_missing_item_means_the_total(study: Records) -> None:
    assert study.observations["item"].to_list() == ["total", "sitting"]


NAN, INF = float("nan"), float("inf")


def test_a_trial_may_lack_its_base_rate_or_an_estimate(study: Records) -> None:
    nothing = pl.lit(None, dtype=pl.Float64)
    filler = study.updates.with_columns(base_rate=nothing, trust=nothing)
    late = study.updates.with_columns(first_estimate=nothing)
    rows = pl.concat([study.updates, filler, late])
    seen = validate(Records(participants=study.participants, updates=rows)).updates
    assert seen["base_rate"].null_count() == 1
    assert seen["first_estimate"].null_count() == 1


@pytest.mark.parametrize(
    ("place", "value", "expected", "came"),
    [
        ("participants.participant", None, "a text that is not empty", "nothing"),
        ("participants.participant", " ", "a text that is not empty", "an empty text"),
        ("participants.arm", "", "a text that is not empty", "an empty text"),
        ("participants.age_y", -1.0, "a number, 0 or more", "-1"),
        ("participants.sex", "f", "female, male or other", "f"),
        ("participants.weight_kg", 0.0, "a number above 0", "0"),
        ("participants.height_cm", NAN, "a number above 0", "nan"),
        ("participants.cov_baseline_madrs", INF, "a number", "inf"),
        ("doses.occasion", 0, "a whole number, 1 or more", "0"),
        ("doses.drug", None, "a text that is not empty", "nothing"),
        (
            "doses.route",
            "iv",
            "intravenous, intramuscular, subcutaneous, intranasal, sublingual or oral",
            "iv",
        ),
        ("doses.amount_mg", -35.0, "a number, 0 or more", "-35"),
        ("doses.amount_mg", NAN, "a number, 0 or more", "nan"),
        ("doses.start_h", INF, "a number", "inf"),
        ("doses.duration_h", -0.5, "a number, 0 or more", "-0.5"),
        ("doses.participant", "p9", "a participant of that table", "p9"),
        ("observations.value", NAN, "a number", "nan"),
        ("observations.value", None, "a number", "nothing"),
        ("observations.time_h", None, "a number", "nothing"),
        ("observations.unit", "", "a text that is not empty", "an empty text"),
        ("observations.recall_h", -24.0, "a number, 0 or more", "-24"),
        ("updates.base_rate", 101.0, "a number from 0 to 100", "101"),
        ("updates.first_estimate", -1.0, "a number from 0 to 100", "-1"),
        ("updates.trust", NAN, "a number from 0 to 100", "nan"),
        ("updates.rt_first_ms", -5.0, "a number, 0 or more", "-5"),
        ("adverse_events.severity", "awful", "mild, moderate or severe", "awful"),
        ("adverse_events.severity", None, "mild, moderate or severe", "nothing"),
        ("adverse_events.related", "maybe", "unrelated, possible, probable or unknown", "maybe"),
        ("adverse_events.end_h", 0.25, "start_h or later", "0.25"),
    ],
)
def test_a_broken_value_is_named(study: Records, place: str, value: Any, expected: str, came: str) -> None:
    table, column = place.split(".")
    keep = {name: study[name] for name in ("participants", table)}
    if table == "participants" and column == "participant":
        keep = {"participants": study.participants}
    with pytest.raises(RecordsError) as refused:
        validate(changed(Records(**keep), table, column, value))
    error = refused.value
    assert (error.expected, error.came) == (expected, came)
    assert error.where == f"table {table}, row 1, column {column}"


def test_a_participant_is_there_once(study: Records) -> None:
    with pytest.raises(RecordsError) as refused:
        validate(Records(participants=changed(study, "participants", "participant", "p2").participants))
    assert refused.value.fault == "A participant appears twice."
    assert refused.value.where == "table participants, row 2, column participant"


def test_a_participant_written_before_is_known_and_may_not_come_again(study: Records) -> None:
    known = pl.Series(["p1", "p2"])
    assert validate(Records(doses=study.doses), known=known).doses.height == 2
    with pytest.raises(RecordsError, match="2 faults"):
        validate(Records(participants=study.participants), known=known)


def test_five_faults_are_listed_in_the_order_of_the_rows_and_all_are_counted(study: Records) -> None:
    many = pl.concat([study.observations] * 4).with_columns(value=pl.lit(NAN))
    with pytest.raises(RecordsError) as refused:
        validate(replace(study, observations=many))
    lines = str(refused.value).splitlines()
    assert lines[0] == "The records have 8 faults; the first 5:"
    assert [line.split(",")[1].strip() for line in lines[1:]] == [f"row {row}" for row in range(1, 6)]
    assert lines[1] == (
        "  - table observations, row 1, column value: A value is not allowed. Expected a number; came nan."
    )


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (empty("doses").drop("drug"), "A column is missing."),
        (pl.DataFrame(), "faults"),
        (empty("doses").with_columns(note=pl.lit("x")), "There is an unknown column."),
        (empty("doses").with_columns(cov_x=pl.lit(1.0)), "There is an unknown column."),
        (empty("doses").cast({"drug": pl.Int64}), "A column has the wrong type."),
        (empty("doses").cast({"occasion": pl.Float64}), "A column has the wrong type."),
        (empty("doses").cast({"amount_mg": pl.Boolean}), "A column has the wrong type."),
    ],
)
def test_a_misshapen_table_is_refused(frame: pl.DataFrame, fault: str) -> None:
    with pytest.raises(RecordsError, match=fault):
        validate(Records(doses=frame))


@pytest.mark.parametrize("table", TABLES)
def test_an_unknown_column_of_participants_may_become_a_covariate(table: str) -> None:
    frame = empty(table).with_columns(bmi=pl.lit(1.0))
    with pytest.raises(RecordsError) as refused:
        validate(Records(**{table: frame}))
    assert (refused.value.remedy is not None) == (table == "participants")


def test_a_covariate_is_a_number() -> None:
    with pytest.raises(RecordsError, match="A covariate is not a number"):
        validate(Records(participants=empty("participants").with_columns(cov_site=pl.lit("north"))))


def test_whole_numbers_categories_and_empty_columns_are_welcome_and_columns_are_put_in_order(
    study: Records,
) -> None:
    loose = study.participants.select(reversed(study.participants.columns)).with_columns(
        pl.col("sex").cast(pl.Categorical), age_y=pl.lit(40, dtype=pl.Int32), height_cm=pl.lit(None)
    )
    people = validate(Records(participants=loose)).participants
    assert people.columns == study.participants.columns
    assert people.schema == study.participants.schema
    assert people["age_y"].to_list() == [40.0, 40.0]


@pytest.mark.slow
def test_a_million_rows_are_checked_within_a_second(study: Records) -> None:
    few = pl.concat([study.observations] * 1000)
    many = pl.concat([few] * 500)
    assert many.height == 1_000_000
    # The best of a few: on a busy machine each may have to wait.
    assert min(timeit.repeat(lambda: validate(replace(study, observations=many)), number=1, repeat=5)) < 1
