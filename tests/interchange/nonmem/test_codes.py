"""The meaning of the codes, and its JSON."""

from __future__ import annotations

import json

import pytest

from upturn.errors import InputError
from upturn.interchange.nonmem.codes import Legend, legend
from upturn.records import Records


def test_codes_count_from_one(study: Records) -> None:
    codes = legend(study)
    assert codes.ID == {1: "z9", 2: "a1", 3: "idle"}
    assert codes.ARM == {1: "esketamine", 2: "midazolam"}
    assert codes.CMT == {1: ("esketamine", "intranasal"), 2: ("midazolam", "intravenous")}
    assert codes.DVID == {1: ("MADRS", "total", "points"), 2: ("SBP", "total", "mmHg")}
    assert codes.RATER == {1: "r1", 2: "r2"}


def test_json_round_trip(study: Records) -> None:
    codes = legend(study)
    assert Legend.from_json(codes.to_json()) == codes


@pytest.mark.parametrize(
    "change",
    [
        {"ID": None},
        {"ID": ["p1"]},
        {"ID": {"one": "p1"}},
        {"ID": {"1": 7}},
        {"CMT": {"1": "ketamine"}},
        {"CMT": {"1": ["ketamine"]}},
        {"DVID": {"1": ["MADRS", "total", 3]}},
    ],
)
def test_what_is_not_a_legend_is_refused(study: Records, change: dict[str, object]) -> None:
    written = json.loads(legend(study).to_json()) | change
    with pytest.raises(InputError, match="legend of the event table cannot be read"):
        Legend.from_json(json.dumps(written))


@pytest.mark.parametrize("text", ["", "[]", "{}", "ID", "null"])
def test_what_is_not_even_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="legend of the event table cannot be read"):
        Legend.from_json(text)
