"""Studies without a change: what was seen is carried over, what the prior shift fakes is found, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import stats

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population, changed
from upturn.beliefs.scores import score
from upturn.beliefs.simulation import simulate_study
from upturn.inference.beliefs.hierarchy import BeliefFit
from upturn.inference.beliefs.null import Null, heaping, null, null_population, study_layout
from upturn.inference.beliefs.questions import Question
from upturn.inference.beliefs.sessions import summarise
from upturn.inference.fit import Diagnostics

VISITS = {"patients": ("before", "after"), "controls": ("before", "after")}
ASKED = Question("patients", "controls", ("before", "after"), ("before", "after"))
SHIFT = 14.0


@pytest.fixture(scope="module")
def study() -> Answers:
    """Patients start more pessimistic and end level; nobody's asymmetry changes."""
    design = study_design({"patients": 12, "controls": 12}, ("before", "after"), n_fillers=8)
    truth = changed(belief_population(groups=2, visits=2, report_noise=8.0), group=0, visit=0, belief_mean=SHIFT)
    return simulate_study(jax.random.key(4), design, truth)


@pytest.fixture(scope="module")
def found(study: Answers) -> BeliefFit:
    """The real summary of the sessions, with draws that say what is true here."""
    sessions = summarise(study)
    few, cells = (1, 4), len(sessions.cells)
    draws = {
        "scaling": np.full((*few, cells), 0.39), "asymmetry": np.full((*few, cells), 0.07),
        "people": np.broadcast_to([0.2, 0.09], (*few, 2)), "visits": np.broadcast_to([0.09, 0.062], (*few, 2)),
        "correlation": np.zeros(few), "carried": np.full(few, 0.25),
    }  # fmt: skip
    return BeliefFit(sessions, draws, Diagnostics({}, {}, {}, 0, 4))


def test_the_population_carries_over_what_was_seen_and_an_asymmetry_that_stays(
    study: Answers, found: BeliefFit
) -> None:
    population = null_population(found, study, VISITS)
    assert np.ptp(np.asarray(population.asymmetry), axis=1) == pytest.approx([0, 0])
    assert float(population.carried) == 0.25
    beliefs = np.asarray(population.belief_mean)
    assert beliefs[0, 0] - beliefs[0, 1] == pytest.approx(SHIFT, abs=4)
    assert beliefs[1, 0] - beliefs[1, 1] == pytest.approx(0, abs=4)
    assert np.asarray(population.report_noise) == pytest.approx(np.full((2, 2), 8.0), abs=2)


def test_simulated_studies_have_the_first_estimates_that_were_seen(study: Answers, found: BeliefFit) -> None:
    plan, (person, place) = study_layout(study, VISITS)
    assert plan.asked[person, place].tolist() == study.answered.tolist()
    names = list(dict.fromkeys(study.participant))
    design = replace(
        study_design({"patients": 12, "controls": 12}, ("before", "after"), n_fillers=8),
        participant=tuple(names), events=study.events, layout=plan,
    )  # fmt: skip
    again = simulate_study(jax.random.key(9), design, null_population(found, study, VISITS))
    for group in VISITS:
        for visit in ("before", "after"):
            own = [g == group and v == visit for g, v in zip(study.group, study.visit, strict=True)]
            new = [g == group and v == visit for g, v in zip(again.group, again.visit, strict=True)]
            assert np.mean(score(again).first[new]) == pytest.approx(np.mean(score(study).first[own]), abs=5)


def test_a_shift_of_beliefs_fakes_a_change_where_errors_are_forgotten_and_not_where_they_are_carried(
    study: Answers, found: BeliefFit
) -> None:
    results = {(n.analysis, n.carried): n for n in null(found, study, VISITS, [ASKED], studies=150, seed=2)}
    assert len(results) == 6
    forgotten, carried = results["two-step", 0.0], results["two-step", 1.0]
    assert forgotten.mean > 3 * forgotten.mean_error
    assert forgotten.mean > carried.mean + 3 * np.hypot(forgotten.mean_error, carried.mean_error)
    assert abs(carried.mean) < 4 * carried.mean_error + 0.01
    # Where the analysis is right, its test fires as often as it promises.
    low, high = carried.rate_interval
    assert low <= 0.05 <= high


def test_the_same_seed_gives_the_same_studies(study: Answers, found: BeliefFit) -> None:
    one, two, other = (null(found, study, VISITS, [ASKED], studies=3, seed=seed)[1] for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.differences, two.differences)
    assert not np.array_equal(one.differences, other.differences)


@pytest.mark.slow
def test_the_careful_reading_is_worked_out_for_some_of_the_studies(study: Answers, found: BeliefFit) -> None:
    told: list[int] = []
    one = null(found, study, VISITS, [ASKED], studies=3, careful=2, seed=5, progress=told.append)
    assert [n.analysis for n in one[:3]] == ["model-free", "two-step", "careful"]
    assert one[2].studies == 2
    assert sum(told) == 3 + 3 * 2


def test_the_monte_carlo_interval_is_wilsons() -> None:
    seen = Null(ASKED, "two-step", 0.0, np.arange(200.0), 24)
    expected = stats.binomtest(24, 200).proportion_ci(method="wilson")
    assert seen.rate_interval == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("tens", "fives"), [(0.31, 0.25), (0.0, 0.0), (0.1, 0.6)])
def test_heaping_is_recovered(tens: float, fives: float) -> None:
    design = study_design({"healthy": 60})
    said = simulate_study(jax.random.key(2), design, belief_population(tens=tens, fives=fives))
    assert heaping(said) == pytest.approx((tens, fives), abs=0.06)
