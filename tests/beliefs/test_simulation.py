"""Virtual people answer as their numbers say: limits, rounding, noise, learning; the same key, the same answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import StudyDesign, study_design
from upturn.beliefs.models import predict
from upturn.beliefs.people import BeliefPopulation, belief_population, changed, draw_learners
from upturn.beliefs.simulation import Said, simulate_learners, simulate_study
from upturn.errors import InputError

KEY = jax.random.key(20)
EXACT: Any = {"report_noise": 0.0, "answer_noise": 0.0, "tens": 0.0, "fives": 0.0, "missing": 0.0}
PEOPLE = 1000


def many(**others: Any) -> Answers:
    # One size for all, so that one compiled program serves every test.
    return simulate_study(KEY, study_design({"all": PEOPLE}, n_fillers=8), belief_population(**others))


@partial(jax.jit, static_argnames="model")
def simulated(plan: Any, truth: BeliefPopulation, model: str) -> Any:
    return simulate_learners(KEY, plan, truth, model=model)


def said_by(design: StudyDesign, truth: BeliefPopulation, model: str = "reinforcement-scaling-asymmetry") -> Any:
    return jax.device_get(simulated(design.layout, truth, model))


def test_answers_are_whole_numbers_within_the_limits() -> None:
    found = many()
    for values in (found.first, found.other, found.second, found.filler_first, found.filler_second):
        seen = values[np.isfinite(values)]
        assert seen.size > 1000
        assert ((seen >= 3) & (seen <= 77) & (seen == np.round(seen))).all()
    assert np.isfinite(found.base_rate[found.answered]).all()
    assert np.isnan(found.first[~found.answered]).all()


def test_first_estimates_are_spread_as_published() -> None:
    found = many()
    first = found.first[found.answered]
    # 528 people, 40 events: 8.6 % at 3, 3.2 % at 77, 44 % multiples of 10; mean about 35.
    assert first.mean() == pytest.approx(35.0, abs=3.0)
    assert (first == 3).mean() == pytest.approx(0.086, abs=0.03)
    assert (first == 77).mean() == pytest.approx(0.032, abs=0.01)
    assert (first % 10 == 0).mean() == pytest.approx(0.44, abs=0.03)


def test_two_reports_of_one_belief_differ_by_the_report_noise() -> None:
    found = many(tens=0.0, fives=0.0, noise_spread=0.0, belief_mean=40.0, belief_spread=5.0, report_noise=5.0)
    apart = (found.filler_first - found.filler_second)[found.filler_answered]
    # Rounding to whole numbers adds a variance of 1/12 to each report.
    assert apart.std() / np.sqrt(2) == pytest.approx(np.sqrt(25 + 1 / 12), rel=0.04)


@pytest.mark.parametrize("model", ["reinforcement-scaling-asymmetry", "relevance-scaling-asymmetry", "bayesian"])
def test_without_noise_the_second_estimate_is_the_models(model: str) -> None:
    # Without spread between events, what is thought of others follows from the own belief.
    design, truth = study_design({"all": 30}), belief_population(**EXACT, optimism_spread=0.0)
    said, learners = said_by(design, truth, model)
    person = jax.tree.map(lambda x: x[:, :, None], learners)
    shown = design.layout.base_rate[design.layout.event]
    log_odds = np.log(said.held / (100 - said.held)) - person.optimism
    others = np.clip(100 / (1 + np.exp(-log_odds)), 1, 99)
    expected = np.asarray(predict(model, person.scaling, person.asymmetry, said.held, shown, others))
    np.testing.assert_allclose(said.learnt, expected, atol=1e-9)
    np.testing.assert_array_equal(said.second, np.clip(np.round(said.learnt), 3, 77))


@pytest.mark.parametrize("carried", [0.0, 1.0])
def test_learning_starts_from_the_belief_or_from_its_report(carried: float) -> None:
    design = study_design({"all": 30})
    truth = belief_population(**{**EXACT, "report_noise": 9.0}, carried=carried)
    said, learners = said_by(design, truth)
    start = said.first if carried else said.held
    person = jax.tree.map(lambda x: x[:, :, None], learners)
    shown = design.layout.base_rate[design.layout.event]
    expected = predict("reinforcement-scaling-asymmetry", person.scaling, person.asymmetry, start, shown)
    np.testing.assert_allclose(said.learnt, np.asarray(expected), atol=1e-9)


def test_what_is_retained_is_there_when_the_event_comes_again() -> None:
    again = study_design({"all": 30}, ("one", "two"))
    quiet: Any = {
        **EXACT, "scaling_visit_sd": 0.0, "asymmetry_visit_sd": 0.0, "belief_visit_sd": 0.0, "noise_spread": 0.0,
    }  # fmt: skip
    for retained in (0.0, 1.0):
        said, _ = said_by(again, belief_population(visits=2, retained=retained, **quiet))
        before = said.learnt[:, 0] if retained else said.held[:, 0]
        inside = (before > 1.001) & (before < 98.999) & (said.held[:, 0] > 1.001) & (said.held[:, 0] < 98.999)
        np.testing.assert_allclose(said.held[:, 1][inside], before[inside], atol=1e-9)
    other = study_design({"all": 30}, ("one", "two"), lists=("b", "c"))
    kept, _ = said_by(other, belief_population(visits=2, retained=1.0, **quiet))
    new, _ = said_by(other, belief_population(visits=2, retained=0.0, **quiet))
    np.testing.assert_array_equal(kept.held, new.held)


def test_trust_makes_people_learn_more() -> None:
    trusting = many(trust_effect=1.0)
    follows = [(f - s) / (f - b) for f, s, b in _big_errors(trusting)]
    trust = trusting.trust[_is_big(trusting)]
    seen = np.isfinite(trust)
    assert np.corrcoef(trust[seen], np.array(follows)[seen])[0, 1] > 0.05
    indifferent = many()
    none = np.array([(f - s) / (f - b) for f, s, b in _big_errors(indifferent)])
    trust = indifferent.trust[_is_big(indifferent)]
    seen = np.isfinite(trust)
    assert abs(np.corrcoef(trust[seen], none[seen])[0, 1]) < 0.02


def _is_big(found: Answers) -> Any:
    return found.answered & (np.abs(found.first - found.base_rate) > 20)


def _big_errors(found: Answers) -> Any:
    big = _is_big(found)
    return zip(found.first[big], found.second[big], found.base_rate[big], strict=True)


def test_optimists_think_others_more_at_risk() -> None:
    log_odds = []
    for optimism in (-0.6, 0.0):
        found = many(optimism=optimism)
        seen = found.answered & np.isfinite(found.other)
        log_odds.append(np.mean(found.other[seen] - found.first[seen]))
    assert log_odds[0] > 5
    assert abs(log_odds[1]) < 2


def test_missing_answers_come_as_often_as_said() -> None:
    found = many(missing=0.1)
    # Both own estimates must be there.
    assert found.answered.mean() == pytest.approx(0.81, abs=0.01)
    assert found.filler_answered.mean() == pytest.approx(0.81, abs=0.02)


def test_people_differ_as_the_population_says() -> None:
    truth = belief_population(visits=2)
    who = jnp.arange(40_000)
    drawn = draw_learners(KEY, truth, jnp.zeros_like(who), who)
    for name in ("scaling", "asymmetry", "belief"):
        values = np.asarray(getattr(drawn, "belief_mean" if name == "belief" else name))
        lasting, passing = float(getattr(truth, f"{name}_sd")), float(getattr(truth, f"{name}_visit_sd"))
        assert values.std() == pytest.approx(np.hypot(lasting, passing), rel=0.02)
        assert np.cov(values.T)[0, 1] == pytest.approx(lasting**2, rel=0.06)
    between = np.corrcoef(np.asarray(drawn.asymmetry).mean(1), np.asarray(drawn.belief_mean).mean(1))[0, 1]
    shrunk = 0.09 / np.hypot(0.09, 0.062 / np.sqrt(2)) * 7.5 / np.hypot(7.5, 3 / np.sqrt(2))
    assert between == pytest.approx(-0.2 * shrunk, abs=0.015)


def test_a_group_at_a_visit_can_be_changed_alone() -> None:
    before = belief_population(groups=2, visits=3)
    after = changed(before, group=0, visit=slice(1, 3), belief_mean=-4.0, asymmetry=0.1, noise=2.0)
    assert after.asymmetry.tolist() == pytest.approx(np.array([[0.07, 0.17, 0.17], [0.07] * 3]))
    assert after.report_noise[0].tolist() == [8.0, 16.0, 16.0]
    assert after.report_noise[1].tolist() == [8.0] * 3
    assert after.scaling.tolist() == before.scaling.tolist()


def test_the_same_key_gives_the_same_study_and_another_key_another() -> None:
    design, truth = study_design({"a": 3, "b": 4}, ("one", "two"), n_fillers=4), belief_population(groups=2, visits=2)
    one, same = simulate_study(KEY, design, truth), simulate_study(KEY, design, truth)
    other = simulate_study(jax.random.key(21), design, truth)
    np.testing.assert_array_equal(one.first, same.first)
    assert (one.first != other.first).mean() > 0.5


def test_more_people_or_fillers_do_not_change_the_first() -> None:
    few = simulate_study(KEY, study_design({"a": 3}, n_fillers=2), belief_population())
    more = simulate_study(KEY, study_design({"a": 9}, n_fillers=8), belief_population())
    np.testing.assert_array_equal(few.first, more.first[:3])
    np.testing.assert_array_equal(few.second, more.second[:3])


def test_studies_can_be_mapped_over_keys_and_truths() -> None:
    plan = study_design({"a": 3, "b": 2}, ("one", "two")).layout
    truth = belief_population(groups=2, visits=2)
    shifts = jnp.array([0.0, 12.0])

    def one(key: Any, shift: Any) -> Any:
        return simulate_learners(key, plan, changed(truth, group=0, visit=0, belief_mean=shift))[0]

    said: Said = jax.jit(jax.vmap(one))(jax.random.split(KEY, 2), shifts)
    assert said.first.shape == (2, 5, 2, 40)


def test_answers_hold_one_row_per_session_that_takes_place() -> None:
    design = study_design(
        {"patients": 2, "controls": 1}, {"patients": ("x", "y", "z"), "controls": ("x", "z")}, lists=("d", "e", "f")
    )
    found = simulate_study(KEY, design, belief_population(groups=2, visits=3))
    assert found.visit == ("x", "y", "z", "x", "y", "z", "x", "z")
    assert found.group == ("patients",) * 6 + ("controls",) * 2
    assert found.first.shape == (8, 20)
    assert found.filler_first.shape == (8, 0)


def test_lists_of_unequal_length_are_padded_and_masked() -> None:
    design = study_design({"a": 40}, ("one", "two"), lists=("a", "b"))
    found = simulate_study(KEY, design, belief_population(visits=2, missing=0.0))
    assert found.answered.sum(axis=1).tolist() == [40, 30] * 40


def test_pessimism_that_lifts_and_noisy_reports_look_like_optimism() -> None:
    """The artefact: nobody's asymmetry is other than 0, and a naive comparison finds one (published shape 26 v 30)."""
    design = study_design({"patients": 26, "controls": 30}, ("before", "after"))
    truth = belief_population(groups=2, visits=2, asymmetry=0.0, asymmetry_sd=0.0, asymmetry_visit_sd=0.0)
    plan = design.layout
    shown = jnp.asarray(plan.base_rate[plan.event])

    def naive(key: Any, truth: BeliefPopulation) -> Any:
        said = simulate_learners(key, plan, truth)[0]
        error, update = said.first - shown, said.first - said.second
        seen = jnp.isfinite(update)
        error, update = jnp.where(seen, error, 0.0), jnp.where(seen, update, 0.0)
        # Least squares of update on error and |error|, per session.
        design = jnp.stack([error, jnp.abs(error)], axis=-1)
        square = jnp.einsum("pvti,pvtj->pvij", design, design) + 1e-6 * jnp.eye(2)
        found = jnp.linalg.solve(square, jnp.einsum("pvti,pvt->pvi", design, update)[..., None])[..., 1, 0]
        gain = found[:, 1] - found[:, 0]
        return gain[:26].mean() - gain[26:].mean()

    studies = jax.jit(jax.vmap(naive, in_axes=(0, None)))
    keys = jax.random.split(KEY, 200)
    noisy = changed(truth, group=0, visit=0, belief_mean=12.0)
    level, silent = truth, replace(noisy, report_noise=0.01 * noisy.report_noise)
    spurious, none, without = (np.asarray(studies(keys, each)) for each in (noisy, level, silent))
    error = spurious.std() / np.sqrt(len(keys))
    assert spurious.mean() > 0.02 + 3 * error
    assert abs(none.mean()) < 4 * error
    assert without.mean() < spurious.mean() / 2


@pytest.mark.parametrize("wrong", [{"groups": 3}, {"visits": 1}])
def test_a_truth_that_does_not_fit_the_design_is_refused(wrong: dict[str, int]) -> None:
    design = study_design({"a": 1, "b": 1}, ("one", "two"))
    with pytest.raises(InputError, match="does not fit the design"):
        simulate_study(KEY, design, belief_population(**{"groups": 2, "visits": 2, **wrong}))


def test_an_unknown_number_model_or_empty_group_is_refused() -> None:
    with pytest.raises(InputError, match="no such number"):
        belief_population(sharpness=3.0)
    with pytest.raises(InputError, match="no model called"):
        simulate_study(KEY, study_design({"a": 1}), belief_population(), model="rescorla")
    with pytest.raises(InputError, match="needs people"):
        study_design({"a": 0})
