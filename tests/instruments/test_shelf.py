"""The shelf: what is on it, that every fact has a source, and whose words ship."""

from __future__ import annotations

from importlib.resources import files
from typing import get_args

import pytest
import yaml

from upturn.errors import InputError
from upturn.instruments import Evidence, Instrument, Status, all_ids, get

ASKED_FOR = {
    "MADRS", "HAM-D17", "QIDS-SR16", "PHQ-9", "GAD-7", "PCL-5", "SSI", "CADSS", "MOAA/S", "C-SSRS", "YMRS",
    "SBP", "DBP", "HR", "SpO2", "CADSS-6", "BPRS+", "KSET", "SDS", "MEQ30",
}  # fmt: skip
# Whose terms allow it; KSET is a list in our own words.
TEXT_SHIPS = {"PHQ-9", "GAD-7", "PCL-5", "C-SSRS", "KSET"}
SCALES = [id for id in all_ids() if get(id).items]


def facts(instrument: Instrument) -> list[Evidence]:
    parts = (
        instrument.items, instrument.total, instrument.bands, instrument.recall, instrument.licence,
        instrument.wording, instrument.scoring, instrument.alerts, instrument.codes,
    )  # fmt: skip
    found = [part.evidence for part in parts if part is not None]
    named = [instrument.items.named] if instrument.items else []
    return found + named + ([instrument.scoring.missing.evidence] if instrument.scoring else [])


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
def test_text_ships_only_where_its_terms_allow_it(id: str) -> None:
    instrument = get(id)
    members = instrument.items.members if instrument.items else ()
    assert instrument.ships_item_text == (id in TEXT_SHIPS)
    assert all(bool(item.text) == instrument.ships_item_text for item in members)
    if instrument.ships_item_text:
        assert instrument.wording is not None
        assert instrument.wording.notice
        assert all(set(item.answers) == set(item.values) for item in members)
    elif id != "MOAA/S":  # its levels are in our words
        assert instrument.wording is None
        assert not any(item.answers for item in members)


def test_a_name_of_ours_is_short() -> None:
    for id in SCALES:
        items = get(id).items
        assert items is not None
        assert all(len(item.name.split()) <= 6 for item in items.members), id


def test_a_file_holds_known_parts_only() -> None:
    allowed = {
        "id", "name", "version", "kind", "unit", "higher_is", "whole_numbers", "modes", "items", "item_list", "answers",
        "wording", "scoring", "alerts", "loinc", "total", "bands", "recall", "licence", "ships_item_text", "sources",
    }  # fmt: skip
    for file in files("upturn.instruments").joinpath("scales").iterdir():
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert set(document) <= allowed, file.name
        assert set(document.get("items", {})) <= {"count", "least", "most", "source", "status", "note"}, file.name


@pytest.mark.parametrize("id", SCALES)
def test_items_agree_with_what_is_said_of_them(id: str) -> None:
    instrument = get(id)
    items, scoring = instrument.items, instrument.scoring
    assert items is not None
    assert scoring is not None
    scored = [item for item in items.members if item.scored]
    assert len(scored) == items.count
    assert len({item.id for item in items.members}) == len(items.members)
    assert min(item.least for item in scored) == items.least
    assert max(item.most for item in scored) == items.most
    known = {item.id for item in items.members}
    assert all(set(part.items) <= known for part in scoring.parts)
    assert all(set(level.any_of) <= known for level in scoring.levels)
    assert all(set(item.asked_if) <= known for item in items.members)
    assert set(instrument.alerts.items if instrument.alerts else ()) <= known
    # Of two items that exclude each other, each names the other.
    assert all(instrument.item(item.or_item).or_item == item.id for item in items.members if item.or_item)


@pytest.mark.parametrize("id", ["PCL-5", "QIDS-SR16", "MEQ30"])
def test_parts_hold_every_item_once(id: str) -> None:
    instrument = get(id)
    assert instrument.items is not None
    assert instrument.scoring is not None
    held = [item for part in instrument.scoring.parts for item in part.items]
    assert sorted(held) == sorted(item.id for item in instrument.items.members)


@pytest.mark.parametrize(
    ("asked", "offered"),
    [("madrs", "MADRS"), ("PHQ9", "PHQ-9"), ("HAMD17", "HAM-D17"), ("spo2", "SpO2"), ("xyz", None)],
)
def test_an_unknown_name_is_refused_with_the_nearest(asked: str, offered: str | None) -> None:
    with pytest.raises(InputError, match="no instrument called") as refused:
        get(asked)
    assert refused.value.remedy == (f"did you mean {offered}?" if offered else None)
    assert "MADRS" in (refused.value.expected or "")
