"""The declaration itself: five tables, units in the names, and a page that cannot drift from it."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from upturn.errors import InputError
from upturn.records import TABLES, Records, empty, schema

PAGE = Path(__file__).parents[2] / "docs" / "records.md"


def test_there_are_five_tables_in_order() -> None:
    assert list(TABLES) == ["participants", "doses", "observations", "updates", "adverse_events"]


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_table_has_the_declared_columns_and_types(table: str) -> None:
    frame = empty(table)
    assert frame.height == 0
    assert frame.schema == schema(table)
    assert frame.columns[0] == "participant"


@pytest.mark.parametrize("table", TABLES)
def test_every_column_says_what_it_means_and_what_it_may_hold(table: str) -> None:
    for column in TABLES[table].columns:
        assert column.meaning
        assert column.allowed
        assert len(column.meaning.splitlines()) == 1


@pytest.mark.parametrize("table", TABLES)
def test_a_number_carries_its_unit_in_its_name_or_is_a_percentage(table: str) -> None:
    for column in TABLES[table].columns:
        if column.dtype == pl.Float64 and column.name != "value":
            assert column.unit, f"{table}.{column.name} has no unit"


def test_the_container_knows_its_tables_and_no_others() -> None:
    records = Records()
    assert [name for name, _ in records] == list(TABLES)
    assert records.equals(Records())
    with pytest.raises(InputError, match="no table called scans"):
        records["scans"]


def test_an_unknown_table_or_column_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError) as refused:
        schema("dose")
    assert refused.value.remedy == "did you mean doses?"
    with pytest.raises(InputError, match="no column called amount"):
        TABLES["doses"]["amount"]


@pytest.mark.parametrize("table", TABLES)
def test_the_page_shows_the_tables_as_they_are(table: str) -> None:
    shown = re.search(rf"<!-- table {table} -->\n(.*?)\n<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown, f"docs/records.md has no table {table}"
    assert shown[1] == TABLES[table].markdown(), f"paste TABLES['{table}'].markdown() into docs/records.md"
