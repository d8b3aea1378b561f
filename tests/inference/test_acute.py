"""Adverse events: what is fitted, that known numbers come back, and how predictions of other trials are made."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import numpyro
import pytest
from tests.inference.conftest import log_likelihood

from upturn.evidence import AdverseEvent, adverse_events
from upturn.inference.acute import (
    Events,
    acute_program,
    calibrated_events,
    digest_of_events,
    fitted_events,
    is_active,
    lay_out,
    simulate_events,
)
from upturn.inference.acute_predictions import POOLED, predict_events, summarise_events
from upturn.inference.calibrate import contraction
from upturn.inference.fit import Draws, Settings, diagnose, fit
from upturn.inference.program import calibrated
from upturn.inference.synthetic import ranks
from upturn.population import ADVERSE_EVENTS, shipped_posterior

FAST = Settings(chains=2, warmup=250, draws=250)
MANY_TRIALS = 12
BETWEEN = ("adverse_event_rate_between_trials", "adverse_event_log_odds_between_trials")


def draw_truth(seen: Events, seed: int) -> dict[str, jax.Array]:
    with numpyro.handlers.seed(rng_seed=jax.random.key(seed)), numpyro.handlers.trace() as trace:
        acute_program(seen, likelihood=False)
    return {name: site["value"] for name, site in trace.items() if site["type"] == "sample"}


@pytest.fixture(scope="module")
def many() -> tuple[dict[str, jax.Array], Draws]:
    """A dozen trials of the design of the fitted one, simulated from the prior and fitted."""
    seen = lay_out([replace(row, trial=f"{row.trial} {i}") for i in range(MANY_TRIALS) for row in fitted_events()])
    truth = draw_truth(seen, 4)
    draws, divergences = fit(acute_program, simulate_events(seen, truth, 4), settings=FAST)
    assert divergences <= 5
    assert diagnose({p.name: draws[p.name] for p in calibrated_events()}, divergences).worst_r_hat < 1.1
    return truth, draws


def test_only_calibration_rows_with_a_count_are_fitted() -> None:
    rows = fitted_events()
    assert {row.split for row in rows} == {"calibration"}
    assert {row.event for row in rows} == set(ADVERSE_EVENTS)
    left = [row for row in adverse_events() if row.split == "calibration" and row.event in ADVERSE_EVENTS]
    assert [row for row in left if row not in rows] == [], "a calibration row of a simulated event is left out"
    controls = [(row.trial, row.event) for row in rows if not is_active(row)]
    assert len(controls) == len(set(controls)), "a control arm stands more than once"


def test_the_two_programs_share_no_number() -> None:
    assert not {p.name for p in calibrated()} & {p.name for p in calibrated_events()}


def test_the_shipped_posterior_says_which_rows_it_was_fitted_to() -> None:
    posterior = shipped_posterior()
    assert posterior.adverse_events == digest_of_events(fitted_events())
    assert posterior.fitted["adverse_event_counts"] == len(fitted_events())
    assert {p.name for p in (*calibrated(), *calibrated_events())} == set(posterior.draws)
    changed = [replace(fitted_events()[0], events=0), *fitted_events()[1:]]
    assert digest_of_events(changed) != posterior.adverse_events


def test_counts_are_likeliest_under_the_numbers_that_made_them() -> None:
    """The short form of the recovery below: program and simulator mean the same by each number."""
    seen, seeds = lay_out(fitted_events()), (1, 2, 3)
    truths = [draw_truth(seen, seed) for seed in seeds]
    for truth, seed in zip(truths, seeds, strict=True):
        made = simulate_events(seen, truth, seed)
        found = [log_likelihood(acute_program, made, each) for each in truths]
        assert np.isfinite(found).all()
        assert seeds[int(np.argmax(found))] == seed, found


@pytest.mark.slow
def test_known_numbers_are_recovered(many: tuple[dict[str, jax.Array], Draws]) -> None:
    truth, draws = many
    rank = ranks(truth, {p.name: draws[p.name] for p in calibrated_events()})
    assert all(0.001 < r < 0.999 for r in rank.values()), rank
    assert np.mean([0.05 <= r <= 0.95 for r in rank.values()]) > 0.7


@pytest.mark.slow
def test_how_far_trials_differ_is_learnt_from_many_trials_and_not_from_one(
    many: tuple[dict[str, jax.Array], Draws],
) -> None:
    _, draws = many
    for parameter in calibrated_events():
        if parameter.name in BETWEEN:
            assert contraction(parameter, draws[parameter.name]) > 0.3, parameter.name
            assert shipped_posterior().learnt[parameter.name].contraction < 0.3, parameter.name


def test_predictions_hold_chance_and_differences_between_trials() -> None:
    draws = shipped_posterior().draws
    row = next(each for each in fitted_events() if each.event == "nausea" and is_active(each))
    (small,), (large,) = (predict_events(draws, [replace(row, n=n, events=n // 4)]) for n in (10, 10_000))
    for each in (small, large):
        assert each.forecasts["model"].median == pytest.approx((row.events or 0) / row.n, abs=0.11)
    widths = [
        (each.forecasts[by].high90 - each.forecasts[by].low90) for each in (small, large) for by in ("model", POOLED)
    ]
    assert widths[0] > widths[2] > 2 * widths[3], "trials differ, so many people do not make the prediction sharp"


def test_rows_that_cannot_be_predicted_or_scored_say_why() -> None:
    found = predict_events(shipped_posterior().draws)
    assert [each.row for each in found] == [row for row in adverse_events() if row.split == "validation"]
    for each in found:
        assert bool(each.forecasts) == (each.row.event in ADVERSE_EVENTS)
        assert each.reason or each.forecasts["model"].in90 is not None
        assert not (each.row.at_least and not each.reason)
    scores = summarise_events(found)
    assert {each.by for each in scores} == {"model", POOLED}
    assert sum(each.rows for each in scores if each.by == "model") == sum(not each.reason for each in found)


def test_a_nasal_dose_that_is_not_clear_is_refused_and_another_route_has_none() -> None:
    row: AdverseEvent = next(each for each in fitted_events() if is_active(each))
    unclear, other = predict_events(
        shipped_posterior().draws, [replace(row, dose="as tolerated"), replace(row, route="oral", dose="as tolerated")]
    )
    assert (unclear.reason, dict(unclear.forecasts)) == ("the dose is not understood", {})
    assert other.reason == ""
    assert 0 < other.forecasts["model"].median < 1


@pytest.mark.slow
def test_ranks_of_the_truth_are_uniform() -> None:
    """Simulation-based calibration (Talts 2018) of all numbers together; only gross faults can be seen."""
    seen = lay_out(fitted_events())
    names = [p.name for p in calibrated_events()]
    found: list[float] = []
    replicates = 12
    for replicate in range(replicates):
        truth = draw_truth(seen, 200 + replicate)
        draws, _ = fit(acute_program, simulate_events(seen, truth, 200 + replicate), settings=FAST)
        found += ranks(truth, {name: draws[name] for name in names}).values()
        jax.clear_caches()  # each replicate is a program of its own
    counts = np.histogram(found, bins=5, range=(0, 1))[0]
    expected = len(found) / 5
    chi2 = float(np.sum((counts - expected) ** 2) / expected)
    print(f"ranks in fifths {counts.tolist()}, chi-squared {chi2:.1f} on 4 degrees of freedom")
    assert chi2 < 18.5, counts  # one in a thousand
