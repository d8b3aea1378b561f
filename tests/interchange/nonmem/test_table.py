"""The event table: its convention, its round trip, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.errors import RecordsError
from upturn.interchange.nonmem.codes import Legend, legend
from upturn.interchange.nonmem.table import COLUMNS, from_event_table, to_event_table
from upturn.records import Records, empty, validate

number = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)
positive = st.floats(min_value=0, max_value=1e6, allow_nan=False)
word = st.sampled_from(["MADRS", "SBP", "a word", "ä,b", "ketamine", "1"])
routes = st.sampled_from(["intravenous", "oral", "intranasal"])


@st.composite
def any_records(draw: st.DrawFn) -> Records:
    """Draw people, doses and observations."""
    people = draw(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1, max_size=4, unique=True))
    person = st.sampled_from(people)
    dose = st.fixed_dictionaries(
        {
            "participant": person,
            "occasion": st.integers(1, 9),
            "drug": word,
            "route": routes,
            "amount_mg": positive,
            "start_h": number,
            "duration_h": positive,
            "planned_h": st.none() | number,
        }
    )
    seen = st.fixed_dictionaries(
        {
            "participant": person,
            "time_h": number,
            "planned_h": st.none() | number,
            "instrument": word,
            "item": word,
            "value": number,
            "unit": word,
            "rater": st.none() | word,
            "recall_h": st.none() | positive,
        }
    )
    persons = [
        {
            "participant": each,
            "arm": draw(word),
            "age_y": draw(st.none() | positive),
            "sex": draw(st.sampled_from([None, "female", "male", "other"])),
            "weight_kg": draw(st.none() | st.floats(1, 300)),
            "height_cm": None,
            "cov_x": draw(st.none() | number),
        }
        for each in people
    ]
    return validate(
        Records(
            participants=pl.DataFrame(persons, schema={**empty("participants").schema, "cov_x": pl.Float64}),
            doses=pl.DataFrame(draw(st.lists(dose, max_size=5)), schema=empty("doses").schema),
            observations=pl.DataFrame(draw(st.lists(seen, max_size=5)), schema=empty("observations").schema),
        )
    )


def in_any_order(frame: pl.DataFrame) -> list[str]:
    return sorted(map(repr, frame.rows()))


@settings(deadline=None, max_examples=60)
@given(records=any_records())
def test_round_trip_keeps_doses_observations_and_whoever_has_any(records: Records) -> None:
    back = from_event_table(to_event_table(records), legend(records))
    assert in_any_order(back.doses) == in_any_order(records.doses)
    assert in_any_order(back.observations) == in_any_order(records.observations)
    present = {*records.doses["participant"], *records.observations["participant"]}
    kept = records.participants.filter(pl.col("participant").is_in(list(present)))
    assert in_any_order(back.participants) == in_any_order(kept)


@settings(deadline=None, max_examples=60)
@given(records=any_records())
def test_the_table_keeps_the_convention(records: Records) -> None:
    table = to_event_table(records)
    assert [name for name in table.columns if not name.startswith("COV_")] == list(COLUMNS)
    assert all(dtype.is_numeric() for dtype in table.dtypes)
    assert table.height == records.doses.height + records.observations.height
    order = table.select("ID", "TIME", EVID=-pl.col("EVID")).rows()
    assert order == sorted(order)
    doses, seen = table.filter(pl.col("EVID") == 1), table.filter(pl.col("EVID") == 0)
    assert doses["MDV"].to_list() == [1] * doses.height
    assert seen["MDV"].to_list() == [0] * seen.height
    assert doses["DV"].null_count() == doses["DVID"].null_count() == doses.height
    assert seen["AMT"].null_count() == seen["RATE"].null_count() == seen["DUR"].null_count() == seen.height
    assert set(doses["CMT"]).isdisjoint(seen["CMT"])


def test_one_person_row_by_row(study: Records) -> None:
    table = to_event_table(study)
    person = table.filter(pl.col("ID") == 1)
    assert person.select("TIME", "EVID", "AMT", "RATE", "DUR", "CMT", "DV", "DVID", "OCC").rows() == [
        (-1.0, 0, None, None, None, 3, 33.0, 1, None),
        (0.0, 1, 28.0, 0.0, 0.0, 1, None, None, 1),
        (0.0, 0, None, None, None, 4, 121.5, 2, 1),
        (1 / 12, 1, 28.0, 0.0, 0.0, 1, None, None, 1),
        (72.5, 1, 0.0, 0.0, 0.0, 1, None, None, 2),
        (80.0, 0, None, None, None, 3, 12.0, 1, 2),
    ]
    assert person.select("ARM", "AGE", "SEX", "WT", "HT", "COV_baseline_madrs").row(0) == (
        1,
        41.0,
        1,
        70.0,
        168.0,
        33.0,
    )
    infusion = table.filter((pl.col("ID") == 2) & (pl.col("EVID") == 1))
    assert infusion.select("AMT", "RATE", "DUR").row(0) == (3.0, 3.0 / (2 / 3), 2 / 3)


def test_codes_do_not_hang_on_the_order_of_rows(study: Records) -> None:
    turned = replace(study, doses=study.doses.reverse(), observations=study.observations.reverse())
    assert legend(turned) == legend(study)


def test_nobody_did_anything() -> None:
    table = to_event_table(Records())
    assert table.columns == list(COLUMNS)
    assert from_event_table(table, legend(Records())).equals(Records())


def test_records_that_do_not_fit_are_refused(study: Records) -> None:
    with pytest.raises(RecordsError):
        to_event_table(replace(study, participants=empty("participants")))


def test_a_table_from_elsewhere_may_be_sparse(study: Records) -> None:
    table = to_event_table(study).drop("DUR", "OCC", "NTIME", "RATER", "RECALL", "AGE", "SEX", "WT", "HT")
    back = from_event_table(table, legend(study))
    duration = dict(back.doses.select("start_h", "duration_h").filter(pl.col("duration_h") > 0).rows())
    assert duration == {0.0: pytest.approx(2 / 3)}
    assert back.doses.filter(participant="z9")["occasion"].to_list() == [1, 2, 3]
    assert back.observations["rater"].null_count() == 4
    assert back.participants["age_y"].null_count() == 2


def test_an_observation_without_a_value_is_left_out(study: Records) -> None:
    seen = pl.col("EVID") == 0
    table = to_event_table(study).with_columns(
        MDV=pl.when(seen).then(1).otherwise(1), DV=pl.lit(None, dtype=pl.Float64)
    )
    back = from_event_table(table, legend(study))
    assert back.observations.is_empty()
    assert back.doses.height == 4


@pytest.mark.parametrize(
    ("column", "value", "fault", "came"),
    [
        ("EVID", 2, "neither a dose nor an observation", "2"),
        ("EVID", None, "neither a dose nor an observation", "nothing"),
        ("RATE", -2.0, "left to be estimated", "-2"),
        ("ADDL", 3, "not written out", "3"),
        ("SS", 1, "not written out", "1"),
        ("ID", 9, "not in the legend", "9"),
        ("ID", None, "not in the legend", "nothing"),
        ("ARM", 0, "not in the legend", "0"),
        ("SEX", 4, "not in the legend", "4"),
        ("RATER", 7, "not in the legend", "7"),
        ("CMT", 8, "not in the legend", "8"),
        ("DVID", 8, "not in the legend", "8"),
        ("ID", 1.5, "not a whole number", "1.5"),
        ("AMT", float("nan"), "A value is not allowed", "nan"),
    ],
)
def test_what_cannot_be_understood_is_refused(study: Records, column: str, value: Any, fault: str, came: str) -> None:
    table = to_event_table(study).with_columns(ADDL=pl.lit(0), SS=pl.lit(0), II=pl.lit(0.0)).with_row_index("_row")
    row = 0 if column in {"DVID", "RATER"} else 1
    new = pl.when(pl.col("_row") == row).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    with pytest.raises(RecordsError, match=fault) as refused:
        from_event_table(table.with_columns(new), legend(study))
    assert refused.value.came == came
    if fault != "A value is not allowed":
        assert refused.value.where == f"event table, row {row + 1}, column {column}"


@pytest.mark.parametrize("column", ["ID", "TIME", "AMT", "RATE", "EVID", "CMT", "DV", "MDV", "DVID", "ARM"])
def test_a_missing_or_wordy_column_is_refused(study: Records, column: str) -> None:
    table = to_event_table(study)
    with pytest.raises(RecordsError, match=f"has no column {column}"):
        from_event_table(table.drop(column), legend(study))
    with pytest.raises(RecordsError, match=f"column {column} of the event table does not hold numbers"):
        from_event_table(table.with_columns(pl.lit(".").alias(column)), legend(study))


def test_a_legend_without_meanings_refuses_every_code(study: Records) -> None:
    nothing = Legend(ID={}, ARM={}, CMT={}, DVID={}, SEX={}, RATER={})
    with pytest.raises(RecordsError, match="not in the legend") as refused:
        from_event_table(to_event_table(study), nothing)
    assert refused.value.expected == "no code at all: the legend has none"
