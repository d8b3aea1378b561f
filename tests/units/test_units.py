"""Quantities at the door: the laws of their units, and everything that is refused."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.errors import UnitError
from upturn.units import Amount, amount, hours, iso_duration, quantity

plain = st.integers(min_value=0, max_value=10**9).map(lambda thousandths: thousandths / 1000)
whole = st.integers(min_value=0, max_value=1000)

unhurried = settings(deadline=None)  # the first quantity loads the registry of units

HOURS_IN = {"s": 1 / 3600, "min": 1 / 60, "h": 1.0, "hour": 1.0, "day": 24.0, "week": 168.0}


@unhurried
@given(value=plain, unit=st.sampled_from(sorted(HOURS_IN)))
def test_hours_are_linear_under_change_of_unit(value: float, unit: str) -> None:
    assert math.isclose(hours(f"{value!r} {unit}"), value * HOURS_IN[unit], rel_tol=1e-12)


@unhurried
@given(value=plain, unit=st.sampled_from(sorted(HOURS_IN)))
def test_twice_the_number_is_twice_the_time(value: float, unit: str) -> None:
    assert math.isclose(hours(f"{2 * value!r} {unit}"), 2 * hours(f"{value!r} {unit}"), rel_tol=1e-12)


@unhurried
@given(weeks=whole, days=whole, some=whole, minutes=whole, seconds=whole)
def test_an_iso_duration_is_the_sum_of_its_parts(weeks: int, days: int, some: int, minutes: int, seconds: int) -> None:
    written = f"P{weeks}W{days}DT{some}H{minutes}M{seconds}S"
    parts = (f"P{weeks}W", f"P{days}D", f"PT{some}H", f"PT{minutes}M", f"PT{seconds}S")
    assert math.isclose(iso_duration(written), sum(map(iso_duration, parts)), rel_tol=1e-12)
    assert iso_duration(f"-{written}") == -iso_duration(written)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PT40M", 2 / 3),
        ("P2D", 48),
        ("P3W", 504),
        ("P1DT12H", 36),
        ("PT0S", 0),
        ("-P1D", -24),
        ("PT0.5H", 0.5),
        (" P1D ", 24),
        ("40 min", 2 / 3),
        ("40min", 2 / 3),
        ("1.5e1 min", 0.25),
        ("2 weeks", 336),
    ],
)
def test_durations_as_people_write_them(text: str, expected: float) -> None:
    assert math.isclose(hours(text), expected)


@pytest.mark.parametrize(
    "text",
    ["P1M", "P1Y", "P", "PT", "P1", "1D", "PT1D", "P1H", "P1DT", "", "P-1D", "P1D2W", "p1d", "P1,5D"],
)
def test_an_iso_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="could not be read") as refused:
        iso_duration(text, what="window", where="encounters[2]")
    assert refused.value.fault == "The window could not be read."
    assert refused.value.where == "encounters[2]"
    assert "months and years" in (refused.value.remedy or "")


@unhurried
@given(value=plain)
def test_amounts_scale_with_their_unit(value: float) -> None:
    in_mg = amount(f"{value!r} mg").mg(None)
    assert math.isclose(amount(f"{value!r} g").mg(None), 1000 * in_mg, rel_tol=1e-9)
    assert math.isclose(amount(f"{value!r} ug").mg(None), in_mg / 1000, rel_tol=1e-9)
    assert not amount(f"{value!r} mg").per_kg


@unhurried
@given(value=plain, weight=st.floats(min_value=1, max_value=300))
def test_an_amount_per_kilogram_is_linear_in_the_weight(value: float, weight: float) -> None:
    dose = amount(f"{value!r} mg/kg")
    assert dose.per_kg
    assert math.isclose(dose.mg(2 * weight), 2 * dose.mg(weight), rel_tol=1e-12)
    assert Amount(value, per_kg=False).mg(weight) == value


@unhurried
@given(value=plain, per_kg=st.booleans())
def test_an_amount_can_be_read_from_what_it_prints(value: float, per_kg: bool) -> None:
    given_ = Amount(float(f"{value:.6g}"), per_kg)
    assert amount(str(given_)) == given_


def test_an_amount_per_kilogram_needs_a_weight() -> None:
    with pytest.raises(UnitError, match="no body weight") as refused:
        amount("0.5 mg/kg").mg(None)
    assert refused.value.remedy


Door = Callable[[str], object]


@pytest.mark.parametrize(
    ("door", "text", "fault"),
    [
        (hours, "40", "The duration has no unit."),
        (hours, "40 mg", "The duration is not in a unit of time."),
        (hours, "40 blinks", "The duration is not in a unit of time."),
        (hours, "soon", "The duration could not be read."),
        (hours, "", "The duration could not be read."),
        (hours, "1e999 h", "The duration is not a finite number."),
        (hours, "nan h", "The duration could not be read."),
        (hours, "P1M", "The duration could not be read."),
        (amount, "0.5", "The amount has no unit."),
        (amount, "35 min", "The amount is not in a unit of mass."),
        (amount, "0.5 mg/L", "The amount is neither a mass nor a mass per kilogram."),
        (amount, "0.5 mg/", "The amount is neither a mass nor a mass per kilogram."),
        (amount, "0.5/kg", "The amount has no unit."),
        (amount, "-35 mg", "The amount is negative."),
        (amount, "35,5 mg", None),
        (amount, "mg", "The amount could not be read."),
    ],
)
def test_what_is_not_a_quantity_is_refused(door: Door, text: str, fault: str | None) -> None:
    with pytest.raises(UnitError) as refused:
        door(text)
    if fault is not None:
        assert refused.value.fault == fault
    if refused.value.came is not None:
        assert text in refused.value.came or refused.value.came in text


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("70 kg", "kilogram", 70),
        ("154 lb", "kilogram", 69.853224980),
        ("1.68 m", "centimeter", 168),
        ("-1 h", "hour", -1),
    ],
)
def test_other_quantities_come_in_the_unit_asked_for(text: str, unit: str, expected: float) -> None:
    assert math.isclose(quantity(text, unit), expected, rel_tol=1e-9)


def test_the_message_says_what_and_where() -> None:
    with pytest.raises(UnitError) as refused:
        quantity("70", "kilogram", what="weight", where="--weight")
    assert str(refused.value).splitlines() == [
        "The weight has no unit.",
        "  expected:   a number and a unit, such as 70 kg",
        "  came:       70",
        "  where:      --weight",
        "  what to do: write the unit after the number",
    ]
