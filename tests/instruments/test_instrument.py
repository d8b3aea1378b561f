"""What can be asked of an instrument: is the value possible, and which band is it in."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn.errors import InputError
from upturn.instruments import all_ids, get

WITH_BANDS = [id for id in all_ids() if get(id).bands]
SCALES = [id for id in all_ids() if get(id).whole_numbers]


@pytest.mark.parametrize("id", all_ids())
def test_both_ends_of_the_range_are_possible(id: str) -> None:
    instrument = get(id)
    instrument.check(instrument.total.least)
    instrument.check(instrument.total.most if instrument.total.most is not None else 1e6)


@pytest.mark.parametrize("id", all_ids())
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1.0])
def test_an_impossible_value_is_refused(id: str, value: float) -> None:
    with pytest.raises(InputError) as refused:
        get(id).check(value)
    assert refused.value.expected == get(id).allowed
    assert id in refused.value.fault


@pytest.mark.parametrize("id", SCALES)
def test_half_a_point_is_refused(id: str) -> None:
    with pytest.raises(InputError, match="cannot have this value"):
        get(id).check(get(id).total.least + 0.5)


@given(pressure=st.floats(min_value=0, max_value=400))
def test_a_measure_may_have_decimals(pressure: float) -> None:
    get("SBP").check(pressure)
    assert get("SBP").band(pressure) is None


def test_saturation_is_a_share() -> None:
    with pytest.raises(InputError) as refused:
        get("SpO2").check(101)
    assert refused.value.expected == "a number from 0 to 100 %"


@pytest.mark.parametrize("id", WITH_BANDS)
def test_the_bands_cover_the_range_without_gap_or_overlap(id: str) -> None:
    instrument = get(id)
    assert instrument.bands is not None
    assert instrument.total.most is not None
    members = instrument.bands.members
    assert members[0].least == instrument.total.least
    assert members[-1].most == instrument.total.most
    assert all(after.least - before.most == 1 for before, after in pairwise(members))
    assert len({band.name for band in members}) == len(members)


@pytest.mark.parametrize(
    ("id", "value", "band"),
    [
        ("MADRS", 6, "none"),
        ("MADRS", 7, "mild"),
        ("MADRS", 19, "mild"),
        ("MADRS", 34, "moderate"),
        ("MADRS", 35, "severe"),
        ("PHQ-9", 4, "minimal"),
        ("PHQ-9", 20, "severe"),
        ("QIDS-SR16", 21, "very severe"),
        ("MOAA/S", 0, "loss of consciousness"),
        ("MOAA/S", 5, "alert"),
        ("C-SSRS", 3, "high"),
        ("HAM-D17", 20, None),
    ],
)
def test_a_value_is_in_its_band(id: str, value: float, band: str | None) -> None:
    assert get(id).band(value) == band


def test_an_impossible_value_has_no_band() -> None:
    with pytest.raises(InputError):
        get("MADRS").band(61)


def test_alertness_is_better_when_higher_and_depression_worse() -> None:
    assert get("MOAA/S").higher_is == "better"
    assert get("MADRS").higher_is == "worse"
