"""Verdicts from numbers, and the model's numbers for trials that nobody has run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from upturn.errors import EvidenceError
from upturn.evidence import claims
from upturn.inference.claims import Judged, judge, verdict
from upturn.inference.hypothetical import Estimate, days_until_lost, estimates
from upturn.inference.session import hours_until_dissociation_is_gone
from upturn.pharmacology import Given
from upturn.population import shipped_posterior
from upturn.protocol import load

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"


@pytest.fixture(scope="module")
def judged() -> tuple[Judged, ...]:
    return judge(shipped_posterior().draws)


@pytest.fixture(scope="module")
def inert() -> Mapping[str, Estimate]:
    """The same, if neither the drug nor believing in it did anything."""
    silent = ("effect", "expectancy", "between_groups")
    draws = {name: values * (name not in silent) for name, values in shipped_posterior().draws.items()}
    return estimates(draws)


RULES = {"supported_when_high_below": 0.0, "contradicted_when_low_above": 1.0, "overstated_when_median_above": 0.5}


@pytest.mark.parametrize(
    ("low", "median", "high", "says"),
    [
        (-3, -2, -1, "supported"),
        (1.5, 2, 3, "contradicted"),
        (-1, 0.7, 3, "overstated"),
        (-1, 0.2, 3, "not established"),
        (-1, -0.5, 0, "not established"),
    ],
)
def test_the_first_rule_that_holds_decides(low: float, median: float, high: float, says: str) -> None:
    assert verdict(Estimate("x", "", "points", median, low, high), RULES) == says


def test_a_rule_that_is_not_understood_is_refused() -> None:
    with pytest.raises(EvidenceError, match="supported_if_big"):
        verdict(Estimate("x", "", "points", 0, 0, 0), {"supported_if_big": 1.0})


def test_every_quantity_that_a_claim_names_is_given_and_decides(judged: tuple[Judged, ...]) -> None:
    assert [each.claim.id for each in judged] == [claim.id for claim in claims()]
    for each in judged:
        assert (each.estimate is None) == (not each.claim.quantity), each.claim.id
        assert bool(each.verdict) == bool(each.claim.quantity)
        if each.estimate is not None:
            assert each.estimate.name == each.claim.quantity
            assert each.estimate.text
            for number in (each.estimate, *each.estimate.beside):
                assert np.isfinite([number.low, number.median, number.high]).all()
                assert number.low <= number.median <= number.high
                assert number.unit != "fraction" or 0 <= number.median <= 1


def test_the_page_says_where_the_two_verdicts_differ(judged: tuple[Judged, ...]) -> None:
    """The verdicts agree, or the page has both."""
    text = PAGE.read_text(encoding="utf-8")
    section = text[text.index("### Where the two differ") :]
    for each in judged:
        said = f"**{each.claim.id}. {each.claim.claim}** The published record: *{each.claim.verdict}*." in section
        assert said == each.differs, each.claim.id


def test_without_an_effect_there_is_no_difference_and_no_support(inert: Mapping[str, Estimate]) -> None:
    for name in ("difference_at_4h", "difference_at_24h", "difference_at_4h_by_route"):
        for end in ("low", "median", "high"):
            assert getattr(inert[name], end) == pytest.approx(0.0, abs=1e-3), name
    responders = inert["response_share_at_24h"]
    assert responders.median == pytest.approx(responders.beside[0].median, abs=1e-4)


def test_relapse_only_grows_with_the_weeks(judged: tuple[Judged, ...]) -> None:
    found = {each.claim.quantity: each.estimate for each in judged if each.estimate}
    three = found["relapsed_share_between_boosters"]
    assert three.median < three.beside[0].median < found["relapsed_share_three_months_after_a_course"].median


def test_the_same_seed_gives_the_same_numbers(judged: tuple[Judged, ...]) -> None:
    again = estimates(shipped_posterior().draws)
    assert again == {each.estimate.name: each.estimate for each in judged if each.estimate}


def test_an_exponential_is_lost_after_its_time_constant_times_the_logarithm_of_three() -> None:
    days = np.arange(1, 91)
    constants = np.array([3.0, 8.0, 20.0])
    found = days_until_lost(5.0 * np.exp(-(days - 1) / constants[:, None]), days)
    assert found == pytest.approx(1 + constants * np.log(3), rel=0.01)


def test_a_difference_that_is_never_lost_is_followed_to_the_end() -> None:
    days = np.arange(1, 91)
    assert days_until_lost(np.full((1, 90), 4.0), days) == pytest.approx(90.0)


def test_dissociation_lasts_longer_after_more_and_not_at_all_after_next_to_nothing() -> None:
    given, population = Given("ketamine", "intravenous", 40 / 60), load("six-infusions").population

    def hours(mg_per_kg: float) -> np.ndarray:
        return hours_until_dissociation_is_gone(given, mg_per_kg, population, people=60, seed=3)

    half, whole = hours(0.5), hours(1.0)
    assert np.all(whole >= half)
    assert np.median(whole) > np.median(half) > 0
    assert np.all(hours(0.001) == 0)
