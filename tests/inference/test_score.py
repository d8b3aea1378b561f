"""Scores against closed forms, counts by hand, and baselines on a record small enough to pool on paper."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm

from upturn.evidence import Arm, Evidence, Finding, shipped
from upturn.inference.baselines import Baseline
from upturn.inference.predict import Predicted
from upturn.inference.score import Row, crps, score_rows, summarise

SAID = next(f for f in shipped().findings if (f.trial, f.arm, f.measure) == ("MURROUGH_2013a", "ket", "response"))
KETAMINE = shipped().arms["MURROUGH_2013a", "ket"]
MIDAZOLAM = shipped().arms["MURROUGH_2013a", "mid"]


def predicted(finding: Finding, draws: np.ndarray, expected: np.ndarray | None = None) -> Predicted:
    return Predicted(finding, draws, draws if expected is None else expected, "", True, ())


def scored(*entries: Predicted) -> tuple[Row, ...]:
    return score_rows(shipped(), entries)


@pytest.mark.parametrize("value", [-3.0, 0.0, 0.4, 2.5])
def test_crps_of_many_draws_is_that_of_the_normal_they_came_from(value: float) -> None:
    mean, sd, n = 0.5, 1.5, 20_000
    draws = norm.ppf((np.arange(n) + 0.5) / n, mean, sd)
    z = (value - mean) / sd
    closed = sd * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(draws, value) == pytest.approx(closed, abs=1e-3)


def test_crps_does_not_depend_on_the_order_and_is_least_at_the_median() -> None:
    draws = np.random.default_rng(1).normal(size=501)
    assert crps(draws[::-1], 0.3) == pytest.approx(crps(draws, 0.3))
    assert crps(draws, float(np.median(draws))) < min(crps(draws, -1.0), crps(draws, 1.0))


def test_coverage_counts_what_lies_inside_each_interval() -> None:
    points = replace(SAID, measure="change", unit="points", error=None, error_type="none")
    draws = np.linspace(0.0, 100.0, 1001)  # 50 %: 25 to 75; 90 %: 5 to 95
    values = (50.0, 25.0, 80.0, 4.0, 96.0)
    rows = scored(*(predicted(replace(points, value=value), draws) for value in values))
    inside = [(row.forecasts["model"].in50, row.forecasts["model"].in90) for row in rows]
    assert inside == [(True, True), (True, True), (False, True), (False, False), (False, False)]
    model = next(each for each in summarise(rows) if each.by == "model")
    assert (model.rows, model.coverage50, model.coverage90) == (5, 0.4, 0.6)
    assert model.error == pytest.approx(np.mean([0, 25, 30, 46, 46]))
    assert model.log_score is None


def test_people_of_ages_that_were_not_fitted_count_in_all_and_not_apart() -> None:
    points = replace(SAID, measure="change", unit="points", error=None, error_type="none", value=50.0)
    draws = np.linspace(0.0, 100.0, 1001)
    old = replace(predicted(replace(points, value=99.0), draws), beyond="Depression at 65 years and more")
    model = [each for each in summarise(scored(predicted(points, draws), old)) if each.by == "model"]
    assert [(each.people, each.rows, each.coverage90) for each in model] == [("all", 2, 0.5), ("fitted ages", 1, 1.0)]
    assert model[1].of == "arms, change in points: without the old and the young"
    for rows in ([predicted(points, draws)], [old]):  # nothing to set apart
        assert {each.people for each in summarise(scored(*rows))} == {"all"}


def test_a_row_that_is_not_scored_does_not_count() -> None:
    draws = np.linspace(0.0, 1.0, 101)
    aside = Predicted(SAID, draws, draws, "no value to compare", False, ())
    (row,) = scored(aside)
    assert row.forecasts["model"].in90 is None
    assert set(row.forecasts) == {"model"}
    assert summarise([row]) == ()


def test_a_published_fraction_is_inside_when_its_count_is() -> None:
    # 2 of 3 is printed as 0.67; the interval of counts ends at 2/3.
    finding = replace(SAID, value=0.67, n=3)
    (row,) = scored(predicted(finding, np.full(100, 2 / 3)))
    assert row.forecasts["model"].in50
    (row,) = scored(predicted(replace(finding, value=1.0), np.full(100, 2 / 3)))
    assert not row.forecasts["model"].in90


def test_log_score_of_a_certain_coin_and_of_a_fair_one() -> None:
    def log_score(value: float, n: int, share: np.ndarray) -> float:
        (row,) = scored(predicted(replace(SAID, value=value, n=n), np.round(share * n) / n, share))
        found = row.forecasts["model"].log_score
        assert found is not None
        return found

    assert log_score(1.0, 5, np.ones(10)) == pytest.approx(0.0, abs=1e-4)
    assert log_score(0.0, 5, np.ones(10)) < -50  # certain, and wrong
    assert log_score(0.5, 4, np.full(10, 0.5)) == pytest.approx(np.log(6 / 16))
    mixed = np.array([0.2, 0.7])
    assert log_score(0.75, 4, mixed) == pytest.approx(np.log(np.mean(binom.pmf(3, 4, mixed))))


def arm(trial: str, name: str, like: Arm) -> Arm:
    return replace(like, trial=trial, arm=name)


def change(trial: str, name: str, value: float, n: int, split: str = "calibration") -> Finding:
    return replace(
        SAID, trial=trial, arm=name, measure="change", instrument="MADRS", time_h=24.0, value=value, unit="points",
        error=None, error_type="none", n=n, split=split,
    )  # fmt: skip


@pytest.fixture
def tiny() -> Evidence:
    """Two trials, each of ketamine and midazolam; a third to be predicted, and its number must not be used."""
    arms = [arm(trial, name, like) for trial in "ABC" for name, like in (("ket", KETAMINE), ("mid", MIDAZOLAM))]
    nasal = replace(KETAMINE, trial="C", arm="nasal", drug="esketamine", route="intranasal", unit="mg", amount=84.0)
    findings = (
        change("A", "ket", -16.0, 10), change("A", "mid", -8.0, 10),
        change("B", "ket", -10.0, 30), change("B", "mid", -6.0, 30),
        change("C", "ket", -40.0, 1000, split="validation"),
    )  # fmt: skip
    return Evidence({(each.trial, each.arm): each for each in (*arms, nasal)}, findings, (), "")


def centre(baseline: Baseline, evidence: Evidence, finding: Finding) -> float:
    draws, _ = baseline.draws(evidence, finding, np.random.default_rng(1))
    return float(np.median(draws))


def test_the_pooled_mean_of_the_same_kind_weighs_by_people(tiny: Evidence) -> None:
    same_kind = Baseline(tiny, constant=False)
    assert centre(same_kind, tiny, change("C", "ket", 0.0, 20)) == pytest.approx(-11.5, abs=0.4)
    assert centre(same_kind, tiny, change("C", "mid", 0.0, 20)) == pytest.approx(-6.5, abs=0.2)


def test_the_constant_effect_is_the_mean_difference_on_top_of_the_pooled_controls(tiny: Evidence) -> None:
    constant = Baseline(tiny, constant=True)
    assert centre(constant, tiny, change("C", "mid", 0.0, 20)) == pytest.approx(-6.5, abs=0.2)
    for name in ("ket", "nasal"):  # whatever the drug and route
        assert centre(constant, tiny, change("C", name, 0.0, 20)) == pytest.approx(-6.5 - 6.0, abs=0.4)


def test_a_baseline_knows_nothing_of_what_was_never_published(tiny: Evidence) -> None:
    response = replace(change("C", "ket", 0.0, 20), measure="response", unit="fraction")
    draws, _ = Baseline(tiny, constant=False).draws(tiny, response, np.random.default_rng(1))
    assert len(draws) == 0
