"""What is put in comes out: recovery of known numbers, and simulation-based calibration."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from tests.inference.conftest import log_likelihood

from upturn.inference.fit import Settings, diagnose, fit
from upturn.inference.observations import Observations
from upturn.inference.program import calibrated, program
from upturn.inference.synthetic import draw_prior, ranks, simulate

REPLICATES = 20
WATCHED = ("effect", "acute", "slow_started_resistant", "reading_noise", "tau_off", "nonspecific_between_people")


def test_synthetic_evidence_has_the_design_of_the_real_one(few: Observations) -> None:
    made = simulate(few, draw_prior(few, 1), 1)
    assert [len(g) for g in made.falls] == [len(g) for g in few.falls]
    np.testing.assert_array_equal(np.isnan(made.fall_known), np.isnan(few.fall_known))
    assert all(0 <= c.happened <= c.people for c in (*made.counts, *made.chances))
    other = simulate(few, draw_prior(few, 1), 2)
    assert made.falls != other.falls
    assert made.falls == simulate(few, draw_prior(few, 1), 1).falls


def test_evidence_is_likeliest_under_the_numbers_that_made_it(few: Observations) -> None:
    """The short form of the recovery below: program and simulator mean the same by each number."""
    seeds = (1, 2, 3)
    truths = [draw_prior(few, seed) for seed in seeds]
    for truth, seed in zip(truths, seeds, strict=True):
        made = simulate(few, truth, seed)
        found = [log_likelihood(program, made, each) for each in truths]
        assert np.isfinite(found).all()
        assert seeds[int(np.argmax(found))] == seed, found


@pytest.mark.slow
def test_known_numbers_are_recovered(few: Observations) -> None:
    truth = draw_prior(few, 3)
    draws, divergences = fit(program, simulate(few, truth, 3), settings=Settings(2, 250, 250))
    judged = diagnose(draws, divergences)
    assert divergences <= 5
    assert judged.worst_r_hat < 1.1
    rank = ranks(truth, {p.name: draws[p.name] for p in calibrated()})
    assert all(0.001 < r < 0.999 for r in rank.values()), rank
    inside = np.mean([0.05 <= r <= 0.95 for r in rank.values()])
    assert inside > 0.7
    for name in ("effect", "nonspecific_between_people"):  # what these four trials do inform
        spread = np.std(np.log(draws[name]))
        prior = next(p.prior for p in calibrated() if p.name == name)
        assert prior is not None
        assert spread < 0.8 * prior.sd, name


@pytest.mark.slow
def test_ranks_of_the_truth_are_uniform(few: Observations) -> None:
    """Simulation-based calibration (Talts 2018): fast settings, so only gross faults can be seen."""
    found: dict[str, list[float]] = {name: [] for name in WATCHED}
    for replicate in range(REPLICATES):
        truth = draw_prior(few, 100 + replicate)
        draws, _ = fit(program, simulate(few, truth, 100 + replicate), settings=Settings(2, 200, 150))
        for name, rank in ranks(truth, {name: draws[name] for name in WATCHED}).items():
            found[name].append(rank)
        jax.clear_caches()  # each replicate is a program of its own
    for name, values in found.items():
        counts = np.histogram(values, bins=5, range=(0, 1))[0]
        chi2 = float(np.sum((counts - REPLICATES / 5) ** 2) / (REPLICATES / 5))
        print(f"{name}: ranks in fifths {counts.tolist()}, chi-squared {chi2:.1f} on 4 degrees of freedom")
        assert chi2 < 18.5, (name, counts)  # one in a thousand
