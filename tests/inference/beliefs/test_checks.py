"""Posterior-predictive checks: quiet where the model is true, loud where it is not; statistics that are right."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.inference.beliefs.checks import STATISTICS, check, replicate, statistics
from upturn.inference.beliefs.hierarchy import BeliefFit
from upturn.inference.beliefs.sessions import summarise
from upturn.inference.fit import Diagnostics


@pytest.fixture(scope="module")
def study() -> Answers:
    design = study_design({"patients": 12, "controls": 12}, ("before", "after"), n_fillers=8)
    return simulate_study(jax.random.key(7), design, belief_population(groups=2, visits=2))


def fitted(answers: Answers) -> BeliefFit:
    """Summarise for real; the draws say what is true of the simulation."""
    sessions = summarise(answers)
    few, cells = (1, 2), len(sessions.cells)
    draws = {
        "scaling": np.full((*few, cells), 0.39), "asymmetry": np.full((*few, cells), 0.07),
        "people": np.broadcast_to([0.2, 0.09], (*few, 2)), "visits": np.broadcast_to([0.09, 0.062], (*few, 2)),
        "correlation": np.zeros(few), "carried": np.full(few, 0.02),
    }  # fmt: skip
    return BeliefFit(sessions, draws, Diagnostics({}, {}, {}, 0, 2))


@pytest.fixture(scope="module")
def fit(study: Answers) -> BeliefFit:
    """Summarise the study once for all."""
    return fitted(study)


def test_a_true_model_is_rarely_odd_and_every_statistic_is_there(study: Answers, fit: BeliefFit) -> None:
    found = check(fit, study, replicates=60)
    assert {(c.group, c.visit, c.statistic) for c in found} == {
        (g, v, name) for g in ("patients", "controls") for v in ("before", "after") for name in STATISTICS
    }
    # One in twenty by chance; correlated, so that a few more come together.
    assert np.mean([c.is_odd for c in found]) < 0.2
    assert all(0 <= c.p <= 1 for c in found)


def test_people_who_copy_the_base_rate_are_noticed(study: Answers) -> None:
    rng = np.random.default_rng(1)
    copies = rng.random(study.second.shape) < 0.3
    odd = replace(study, second=np.where(study.answered & copies, study.base_rate, study.second))
    found = {(c.group, c.visit): c for c in check(fitted(odd), odd, replicates=40) if c.statistic == "copied"}
    assert all(c.is_odd and c.p < 0.05 for c in found.values())


def test_the_same_seed_gives_the_same_replicates(study: Answers, fit: BeliefFit) -> None:
    assert check(fit, study, replicates=5, seed=3) == check(fit, study, replicates=5, seed=3)
    assert check(fit, study, replicates=5, seed=3) != check(fit, study, replicates=5, seed=4)


def test_a_replicate_answers_what_was_asked_within_the_limits(study: Answers, fit: BeliefFit) -> None:
    draw = {name: values[0, 0] for name, values in fit.draws.items()}
    again = replicate(np.random.default_rng(1), fit, study, draw)
    for name in ("first", "second"):
        said = getattr(again, name)
        assert np.isnan(said).tolist() == (~study.answered).tolist()
        inside = said[study.answered]
        assert inside.min() >= 3
        assert inside.max() <= 77
        assert np.all(inside == np.round(inside))


def test_slopes_are_those_of_a_regression(study: Answers) -> None:
    found = statistics(study)
    for i in (0, 11):
        there = study.answered[i]
        first, second, rate = (each[i][there] for each in (study.first, study.second, study.base_rate))
        design = np.stack([np.ones(len(first)), first, rate], axis=1)
        _, on_first, on_rate = np.linalg.lstsq(design, second, rcond=None)[0]
        assert found["weight first"][i] == pytest.approx(on_first)
        assert found["weight base rate"][i] == pytest.approx(on_rate)
        error = first - rate
        some = error != 0
        slope = np.polyfit(np.abs(error[some]), (np.sign(error) * (first - second))[some], 1)[0]
        assert found["slope"][i] == pytest.approx(slope)
