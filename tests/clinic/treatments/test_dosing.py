"""Milligrams: units, rounding, the weight they rest on, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn.parameters import read
from upturn.protocol import Dose, load
from upturn_clinic.ground.errors import Refused
from upturn_clinic.treatments.dosing import Weight, compute, rounded

NOW = datetime(2026, 3, 23, 9, tzinfo=UTC)
INFUSIONS, NASAL = load("six-infusions"), load("esketamine-trd")
KETAMINE, MIDAZOLAM = (INFUSIONS.arms[arm].doses[0] for arm in ("ketamine", "midazolam"))


def weight(kg: float, *, days_ago: float = 0) -> Weight:
    return Weight(kg, NOW - timedelta(days=days_ago))


@pytest.mark.parametrize(
    ("dose", "arm", "kg", "mg", "is_rounded"),
    [
        (KETAMINE, "ketamine", 70, 35.0, False),
        (KETAMINE, "ketamine", 70.5, 35.3, True),  # 35.25, halves upward
        (KETAMINE, "ketamine", 81.9, 41.0, True),  # 40.95
        (MIDAZOLAM, "midazolam", 70.1, 3.15, True),  # 3.1545
        (KETAMINE, "ketamine", 40, 20.0, False),
        (KETAMINE, "ketamine", 160, 80.0, False),
    ],
)
def test_amounts_per_kilogram(dose: Dose, arm: str, kg: float, mg: float, is_rounded: bool) -> None:
    found = compute(dose, weight=weight(kg), protocol=INFUSIONS, arm=arm, at=NOW)
    assert found.mg == mg
    assert f"mg/kg × {kg:g} kg = " in found.shown
    assert found.shown.endswith(" mg")
    assert found.is_rounded == is_rounded
    assert ("3 significant figures" in found.rounding) == is_rounded


@given(mg=st.floats(0.01, 2000))
def test_rounding_is_within_half_a_percent_and_settles(mg: float) -> None:
    assert abs(rounded(mg) - mg) <= 0.005 * mg * (1 + 1e-9)
    assert rounded(rounded(mg)) == rounded(mg)


def test_an_amount_in_milligrams_needs_no_weight_and_names_the_devices() -> None:
    dose = NASAL.arms["esketamine"].doses[1]
    found = compute(dose, weight=None, protocol=NASAL, arm="esketamine", at=NOW)
    assert (found.mg, found.shown) == (84.0, "84 mg: 28 + 28 + 28 mg by device")
    assert "not rounded" in found.rounding


def test_a_placebo_holds_nothing() -> None:
    found = compute(NASAL.arms["placebo"].doses[0], weight=None, protocol=NASAL, arm="placebo", at=NOW)
    assert found.mg == 0


def test_without_a_weight_nothing_is_computed() -> None:
    with pytest.raises(Refused, match="no body weight"):
        compute(KETAMINE, weight=None, protocol=INFUSIONS, arm="ketamine", at=NOW)


@pytest.mark.parametrize("kg", [0, 7, 29.9, 300.1, 704])
def test_a_weight_that_no_adult_has_is_refused(kg: float) -> None:
    with pytest.raises(Refused, match="not that of an adult"):
        compute(KETAMINE, weight=weight(kg), protocol=INFUSIONS, arm="ketamine", at=NOW)


@pytest.mark.parametrize("kg", [39.9, 160.1])
def test_a_weight_outside_the_protocol_is_refused_and_says_its_range(kg: float) -> None:
    with pytest.raises(Refused) as refused:
        compute(KETAMINE, weight=weight(kg), protocol=INFUSIONS, arm="ketamine", at=NOW)
    assert refused.value.expected == "40 to 160 kg"


def test_ideal_weight_is_refused_and_not_guessed() -> None:
    dose = KETAMINE.model_copy(update={"weight": "ideal"})
    with pytest.raises(Refused, match="ideal weight"):
        compute(dose, weight=weight(70), protocol=INFUSIONS, arm="ketamine", at=NOW)


def test_an_old_weight_is_pointed_at() -> None:
    limit = read("upturn_clinic", "dosing").value("weight_fresh_d")
    fresh = compute(KETAMINE, weight=weight(70, days_ago=limit), protocol=INFUSIONS, arm="ketamine", at=NOW)
    old = compute(KETAMINE, weight=weight(70, days_ago=limit + 1), protocol=INFUSIONS, arm="ketamine", at=NOW)
    assert fresh.cautions == ()
    assert old.cautions == ("The weight is more than 7 days old: weigh again.",)
