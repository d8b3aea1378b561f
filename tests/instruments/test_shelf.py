"""The shelf: what is on it, that every fact has a source, and that no item text ships."""

from __future__ import annotations

from importlib.resources import files
from typing import get_args

import pytest
import yaml

from upturn.errors import InputError
from upturn.instruments import Evidence, Instrument, Status, all_ids, get

ASKED_FOR = {
    "MADRS", "HAM-D17", "QIDS-SR16", "PHQ-9", "GAD-7", "PCL-5", "SSI", "CADSS", "MOAA/S", "C-SSRS", "YMRS",
    "SBP", "DBP", "HR", "SpO2",
}  # fmt: skip


def facts(instrument: Instrument) -> list[Evidence]:
    parts = (instrument.items, instrument.total, instrument.bands, instrument.recall, instrument.licence)
    return [part.evidence for part in parts if part is not None]


def test_the_instruments_of_the_field_are_there_in_order() -> None:
    assert set(all_ids()) >= ASKED_FOR
    assert list(all_ids()) == sorted(all_ids())


@pytest.mark.parametrize("id", all_ids())
def test_every_fact_has_a_source_and_a_status(id: str) -> None:
    for evidence in facts(get(id)):
        assert evidence.source
        assert evidence.status in get_args(Status)


@pytest.mark.parametrize("id", all_ids())
def test_what_was_recalled_is_called_assumed(id: str) -> None:
    for evidence in facts(get(id)):
        if "recalled and not read" in evidence.source.lower():
            assert evidence.status == "assumed"


@pytest.mark.parametrize("id", all_ids())
def test_no_item_text_ships(id: str) -> None:
    assert get(id).ships_item_text is False


def test_a_file_holds_numbers_and_names_only() -> None:
    allowed = {
        "id", "name", "kind", "unit", "higher_is", "whole_numbers", "items", "total", "bands", "recall",
        "licence", "ships_item_text", "sources",
    }  # fmt: skip
    for file in files("upturn.instruments").joinpath("scales").iterdir():
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(document) <= allowed, file.name
        assert set(document.get("items", {})) <= {"count", "least", "most", "source", "status", "note"}, file.name


@pytest.mark.parametrize("id", all_ids())
def test_items_and_total_agree(id: str) -> None:
    instrument = get(id)
    # QIDS-SR16 counts nine domains; HAM-D17 and YMRS give the widest range of items that differ.
    if instrument.items and instrument.total.most is not None:
        items = instrument.items
        assert instrument.total.least == items.count * items.least
        if id in {"QIDS-SR16", "HAM-D17", "YMRS"}:
            assert instrument.total.most < items.count * items.most
        else:
            assert instrument.total.most == items.count * items.most


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("madrs", "MADRS"), ("PHQ9", "PHQ-9"), ("HAMD17", "HAM-D17"), ("spo2", "SpO2"), ("xyz", None)],
)
def test_an_unknown_name_is_refused_with_the_nearest(asked: str, offered: str | None) -> None:
    with pytest.raises(InputError, match="no instrument called") as refused:
        get(asked)
    assert refused.value.remedy == (f"did you mean {offered}?" if offered else None)
    assert "MADRS" in (refused.value.expected or "")
