"""The twelve models: worked examples, what must hold for any answers, and refusals."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn.beliefs.models import (
    MODELS,
    bayesian_belief,
    driving_error,
    model_called,
    news_sign,
    personal_relevance,
    predict,
)
from upturn.errors import InputError

FREE = "reinforcement-scaling-asymmetry"
answer = st.integers(3, 77).map(float)
base = st.integers(10, 70).map(float)
number = st.floats(-1.5, 1.5)


def test_there_are_twelve_models_in_three_kinds_with_four_each() -> None:
    assert len(MODELS) == 12
    kinds = [(model.family, model.uses_relevance) for model in MODELS.values()]
    assert sorted(kinds.count(kind) for kind in set(kinds)) == [4, 4, 4]
    assert {model.free for model in MODELS.values()} == {
        ("scaling", "asymmetry"), ("scaling",), ("asymmetry",), (),
    }  # fmt: skip
    assert all(name == model.name for name, model in MODELS.items())


@pytest.mark.parametrize(
    ("model", "first", "base_rate", "other", "second"),
    [
        # Worked by hand with S = 0.4 and A = 0.1.
        (FREE, 60.0, 40.0, 50.0, 50.0),
        (FREE, 20.0, 40.0, 50.0, 26.0),
        ("reinforcement-scaling", 20.0, 40.0, 50.0, 28.0),
        ("reinforcement-asymmetry", 60.0, 40.0, 50.0, 38.0),
        ("reinforcement", 60.0, 40.0, 50.0, 40.0),
        # Others stand 20 points higher and 37 above the lowest answer: relevance 20/40, half the error counts.
        ("relevance-scaling-asymmetry", 23.0, 13.0, 43.0, 20.5),
        ("relevance-scaling-asymmetry", 57.0, 37.0, 37.0, 52.0),
        # Own odds 1, others' odds 1: the base rate is taken over.
        ("bayesian", 50.0, 30.0, 50.0, 30.0),
        # Own odds 1/3 of others' odds; base rate of even odds becomes 25 %.
        ("bayesian", 25.0, 50.0, 50.0, 25.0),
        ("bayesian-scaling-asymmetry", 50.0, 20.0, 20.0, 50.0),
    ],
)
def test_worked_examples(model: str, first: float, base_rate: float, other: float, second: float) -> None:
    assert float(predict(model, 0.4, 0.1, first, base_rate, other)) == pytest.approx(second, abs=1e-12)


def test_corrected_relevance_is_a_fraction_and_the_printed_one_is_never_positive() -> None:
    first, other = np.meshgrid(np.arange(3.0, 78.0), np.arange(3.0, 78.0))
    corrected, printed = personal_relevance(first, other), personal_relevance(first, other, relevance="printed")
    assert float(corrected.min()) == 0.0
    assert float(corrected.max()) == 1.0
    assert bool((corrected[first != other] > 0).all())
    assert bool((printed[first != other] < 0).all())
    assert bool((printed[first == other] == 0).all())
    # As printed, an event on which one stands far from others is learnt from many times over.
    assert float(printed.min()) < -30


@given(first=answer, base_rate=base, other=answer, scaling=number, asymmetry=number)
def test_mirrored_news_with_opposite_asymmetry_moves_as_far_the_other_way(
    first: float, base_rate: float, other: float, scaling: float, asymmetry: float
) -> None:
    mirrored = 2 * base_rate - first
    moved = first - float(predict(FREE, scaling, asymmetry, first, base_rate))
    back = mirrored - float(predict(FREE, scaling, -asymmetry, mirrored, base_rate))
    assert moved == pytest.approx(-back, abs=1e-9)


@given(first=answer, base_rate=base, scaling=number, asymmetry=number, factor=st.floats(0.1, 10))
def test_the_update_grows_in_proportion_to_the_error(
    first: float, base_rate: float, scaling: float, asymmetry: float, factor: float
) -> None:
    further = base_rate + factor * (first - base_rate)
    near = first - float(predict(FREE, scaling, asymmetry, first, base_rate))
    far = further - float(predict(FREE, scaling, asymmetry, further, base_rate))
    assert far == pytest.approx(factor * near, rel=1e-9, abs=1e-9)


@given(first=answer, base_rate=base, other=answer)
def test_bayes_rule_keeps_its_order_and_its_limits(first: float, base_rate: float, other: float) -> None:
    belief = float(bayesian_belief(first, base_rate, other))
    assert 0 < belief < 100
    assert float(bayesian_belief(first, base_rate + 1, other)) > belief
    assert float(bayesian_belief(first, base_rate, first)) == pytest.approx(base_rate)
    assert float(bayesian_belief(first, other, other)) == pytest.approx(first)
    # What is good news by the posterior is a base rate below the estimate for someone else.
    sign = float(news_sign(MODELS["bayesian"], first, base_rate, other, sign="posterior"))
    if other != base_rate:
        assert sign == np.sign(other - base_rate)


@pytest.mark.parametrize("name", MODELS)
@given(first=answer, base_rate=base, other=answer, scaling=number, asymmetry=number)
def test_predictions_are_linear_in_what_is_free_and_blind_to_what_is_fixed(
    name: str, first: float, base_rate: float, other: float, scaling: float, asymmetry: float
) -> None:
    model = MODELS[name]
    found = float(predict(model, scaling, asymmetry, first, base_rate, other))
    error = float(driving_error(model, first, base_rate, other))
    sign = float(news_sign(model, first, base_rate, other))
    s = scaling if model.frees_scaling else 1.0
    a = asymmetry if model.frees_asymmetry else 0.0
    assert found == pytest.approx(first - (s + a * sign) * error, abs=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_slopes_are_finite_everywhere_that_people_answer(name: str) -> None:
    # A hierarchical fit differentiates through the belief held, also where two answers are equal.
    def second(first: jax.Array, other: jax.Array) -> jax.Array:
        return predict(name, 0.4, 0.1, first, 40.0, other)

    for relevance_case in ((40.0, 40.0), (3.0, 3.0), (77.0, 3.0), (3.0, 77.0), (77.0, 77.0), (1.0, 3.0), (99.0, 77.0)):
        slopes = jax.grad(second, argnums=(0, 1))(*(jnp.asarray(x) for x in relevance_case))
        assert all(bool(jnp.isfinite(slope)) for slope in slopes)


def test_the_two_sign_rules_disagree_on_about_a_fifth_of_trials() -> None:
    # Published simulation: 18 to 28 %; people who think themselves somewhat safer than others.
    random = np.random.default_rng(1)
    first = np.clip(random.normal(35, 20, (400, 40)).round(), 3, 77)
    odds = first / (100 - first) * np.exp(random.normal(0.45, 0.67, first.shape))
    other = np.clip((100 * odds / (1 + odds)).round(), 3, 77)
    base_rate = np.broadcast_to(np.linspace(10, 70, 40).round(), first.shape)
    model = MODELS["bayesian"]
    by_error, by_posterior = (news_sign(model, first, base_rate, other, sign=s) for s in ("base rate", "posterior"))
    assert 0.1 < float((by_error * by_posterior < 0).mean()) < 0.3


def test_an_unknown_model_is_named_with_the_nearest_one() -> None:
    with pytest.raises(InputError) as caught:
        model_called("reinforcment")
    assert "did you mean reinforcement?" in str(caught.value)


def test_a_model_that_needs_the_estimate_for_someone_else_says_so() -> None:
    with pytest.raises(InputError) as caught:
        predict("bayesian-scaling", 0.4, 0.0, 40.0, 30.0)
    assert "someone else" in str(caught.value)
