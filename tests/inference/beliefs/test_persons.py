"""Fits of single sessions: against brute force, in their limits, and under changes that must not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import gammaln

from upturn.beliefs.answers import Answers
from upturn.beliefs.models import MODELS, driving_error, news_sign
from upturn.errors import InputError
from upturn.inference.beliefs.comparison import only
from upturn.inference.beliefs.persons import Priors, fit_persons, published_priors, weak_priors

FREE = "reinforcement-scaling-asymmetry"
OF_TRIALS = ("event", "base_rate", "first", "other", "second", "trust", "answered")
PRIORS = {"published": published_priors(), "weak": weak_priors()}


def first_session(answers: Answers) -> Answers:
    return only(answers, np.arange(len(answers.participant)) == 0)


def rearranged(answers: Answers, change: Callable[[np.ndarray], np.ndarray]) -> Answers:
    """Change every array of trials in the same way."""
    changed: dict[str, Any] = {name: change(getattr(answers, name)) for name in OF_TRIALS}
    return replace(answers, **changed)


def regression(answers: Answers, name: str, priors: Priors) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give update less what is fixed, free regressors, and prior mean and covariance, of the first session."""
    model = MODELS[name]
    used = answers.answered[0] & np.isfinite(answers.other[0])
    first, base_rate, other, second = (
        a[0][used] for a in (answers.first, answers.base_rate, answers.other, answers.second)
    )
    error = np.asarray(driving_error(model, first, base_rate, other))
    signed = error * np.asarray(news_sign(model, first, base_rate, other))
    update = first - second
    columns: list[np.ndarray] = []
    mean: list[float] = []
    sd: list[float] = []
    if model.frees_scaling:
        columns, mean, sd = [*columns, error], [*mean, priors.scaling], [*sd, priors.scaling_sd]
    else:
        update = update - error
    if model.frees_asymmetry:
        columns, mean, sd = [*columns, signed], [*mean, priors.asymmetry], [*sd, priors.asymmetry_sd]
    design = np.stack(columns, axis=1) if columns else np.zeros((len(update), 0))
    return update, design, np.array(mean), np.diag(np.square(sd)) if sd else np.zeros((0, 0))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", PRIORS)
def test_the_evidence_is_the_integral_of_a_multivariate_normal(
    study: Callable[..., Answers], name: str, kind: str
) -> None:
    answers, priors = first_session(study()), PRIORS[kind]
    update, design, mean, covariance = regression(answers, name, priors)

    def log_given(u: float) -> float:
        spread = np.exp(-u) * np.eye(len(update)) + design @ covariance @ design.T
        prior = stats.gamma.logpdf(np.exp(u), priors.shape, scale=1 / priors.rate) + u
        return float(stats.multivariate_normal.logpdf(update, design @ mean, spread) + prior)

    nodes = np.linspace(-9, 1, 201)
    peak, at = max((log_given(u), u) for u in nodes)
    area, _ = integrate.quad(lambda u: np.exp(log_given(u) - peak), at - 3, at + 3, epsabs=0, epsrel=1e-9)
    found = fit_persons(answers, models=tuple(MODELS), priors=priors).log_evidence[list(MODELS).index(name), 0]
    assert found == pytest.approx(peak + np.log(area), abs=1e-7)


def test_estimates_and_evidence_agree_with_brute_force_over_all_three_numbers(study: Callable[..., Answers]) -> None:
    answers, priors = first_session(study()), published_priors()
    fit = fit_persons(answers, models=(FREE,))
    update, design, _, _ = regression(answers, FREE, priors)
    wide = np.linspace(-9, 9, 91)
    grid = [
        fit.scaling[0, 0] + fit.scaling_error[0, 0] * wide,
        fit.asymmetry[0, 0] + fit.asymmetry_error[0, 0] * wide,
        -2 * np.log(fit.noise[0, 0]) + np.linspace(-2.5, 2.0, 91),
    ]
    s, a, u = np.meshgrid(*grid, indexing="ij")
    squares = sum((y - s * x - a * z) ** 2 for y, (x, z) in zip(update, design, strict=True))
    log_joint = (
        0.5 * len(update) * (u - np.log(2 * np.pi))
        - 0.5 * np.exp(u) * squares
        + stats.norm.logpdf(s, priors.scaling, priors.scaling_sd)
        + stats.norm.logpdf(a, priors.asymmetry, priors.asymmetry_sd)
        + stats.gamma.logpdf(np.exp(u), priors.shape, scale=1 / priors.rate)
        + u
    )
    volume = np.prod([axis[1] - axis[0] for axis in grid])
    weight = np.exp(log_joint - log_joint.max())
    assert fit.log_evidence[0, 0] == pytest.approx(log_joint.max() + np.log(weight.sum() * volume), abs=1e-5)
    weight /= weight.sum()
    mean_s, mean_a = (weight * s).sum(), (weight * a).sum()
    assert fit.scaling[0, 0] == pytest.approx(mean_s, abs=1e-6)
    assert fit.asymmetry[0, 0] == pytest.approx(mean_a, abs=1e-6)
    assert fit.scaling_error[0, 0] == pytest.approx(np.sqrt((weight * (s - mean_s) ** 2).sum()), rel=1e-4)
    assert fit.asymmetry_error[0, 0] == pytest.approx(np.sqrt((weight * (a - mean_a) ** 2).sum()), rel=1e-4)
    assert fit.noise[0, 0] == pytest.approx((weight * np.exp(-u / 2)).sum(), rel=1e-4)


def test_with_nothing_free_the_evidence_is_in_closed_form(study: Callable[..., Answers]) -> None:
    answers, priors = study(), published_priors()
    for name in ("reinforcement", "relevance", "bayesian"):
        update, _, _, _ = regression(answers, name, priors)
        n, shape, rate = len(update), priors.shape, priors.rate
        exact = (
            shape * np.log(rate) - gammaln(shape) + gammaln(shape + n / 2) - n / 2 * np.log(2 * np.pi)
            - (shape + n / 2) * np.log(rate + np.sum(update**2) / 2)
        )  # fmt: skip
        fit = fit_persons(answers)
        i = fit.models.index(name)
        assert fit.log_evidence[i, 0] == pytest.approx(exact, abs=1e-9)
        assert (fit.scaling[i, 0], fit.asymmetry[i, 0]) == (1.0, 0.0)
        assert (fit.scaling_error[i, 0], fit.asymmetry_error[i, 0]) == (0.0, 0.0)


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.free])
def test_without_priors_it_is_least_squares(study: Callable[..., Answers], name: str) -> None:
    answers = study()
    flat = Priors(scaling=0.0, asymmetry=0.0, scaling_sd=1e4, asymmetry_sd=1e4, shape=1e-6, rate=1e-6)
    fit = fit_persons(answers, priors=flat)
    update, design, _, _ = regression(answers, name, flat)
    exact, squares, _, _ = np.linalg.lstsq(design, update, rcond=None)
    free = len(exact)
    # Without priors, S and A follow a t distribution about least squares.
    degrees = len(update) - free
    spread = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * squares[0] / (degrees - 2))
    i = fit.models.index(name)
    found = [getattr(fit, number)[i, 0] for number in MODELS[name].free]
    errors = [getattr(fit, f"{number}_error")[i, 0] for number in MODELS[name].free]
    assert found == pytest.approx(exact, abs=1e-6)
    assert errors == pytest.approx(spread, rel=1e-4)


def test_the_estimate_is_the_slope_of_the_log_evidence(study: Callable[..., Answers]) -> None:
    # Posterior mean − prior mean = prior variance · d log evidence / d prior mean, for any normal prior.
    answers, priors, h = study(), weak_priors(), 1e-4
    fit = fit_persons(answers, priors=priors)
    for number in ("scaling", "asymmetry"):
        centre, sd = getattr(priors, number), getattr(priors, f"{number}_sd")
        up, down = (
            fit_persons(answers, priors=replace(priors, **{number: centre + step})).log_evidence for step in (h, -h)
        )
        free = [number in MODELS[name].free for name in fit.models]
        slope = (up - down) / (2 * h)
        assert getattr(fit, number)[free] == pytest.approx((centre + sd**2 * slope)[free], abs=1e-6)


def test_padding_and_order_of_trials_do_not_matter(study: Callable[..., Answers]) -> None:
    answers = study()
    turned = rearranged(answers, lambda trials: trials[:, ::-1])

    def pad(trials: np.ndarray) -> np.ndarray:
        filler = np.nan if trials.dtype == float else 0
        return np.pad(trials, ((0, 0), (0, 25)), constant_values=filler)

    padded = rearranged(answers, pad)
    plain = fit_persons(answers)
    for other in (fit_persons(turned), fit_persons(padded)):
        np.testing.assert_allclose(other.log_evidence, plain.log_evidence, rtol=0, atol=1e-8)
        np.testing.assert_allclose(other.asymmetry, plain.asymmetry, rtol=0, atol=1e-10)
        np.testing.assert_array_equal(other.trials, plain.trials)


def test_errors_and_updates_twice_as_large_leave_learning_as_it_is(study: Callable[..., Answers]) -> None:
    answers, priors = study(), published_priors()
    models = [name for name, model in MODELS.items() if not model.needs_other]
    larger = replace(
        answers,
        first=answers.base_rate + 2 * (answers.first - answers.base_rate),
        second=answers.base_rate + 2 * (answers.second - answers.base_rate),
    )
    one = fit_persons(answers, models=models, priors=priors)
    two = fit_persons(larger, models=models, priors=replace(priors, rate=4 * priors.rate))
    np.testing.assert_allclose(two.scaling, one.scaling, atol=1e-9)
    np.testing.assert_allclose(two.asymmetry, one.asymmetry, atol=1e-9)
    np.testing.assert_allclose(two.noise, 2 * one.noise, rtol=1e-9)
    np.testing.assert_allclose(two.log_evidence, one.log_evidence - one.trials * np.log(2), atol=1e-8)


def test_good_news_turned_into_bad_turns_asymmetry_round(study: Callable[..., Answers]) -> None:
    answers = study()
    models = [name for name, model in MODELS.items() if not model.needs_other]
    mirrored = replace(
        answers, first=2 * answers.base_rate - answers.first, second=2 * answers.base_rate - answers.second
    )
    one, two = fit_persons(answers, models=models), fit_persons(mirrored, models=models)
    np.testing.assert_allclose(two.scaling, one.scaling, atol=1e-10)
    np.testing.assert_allclose(two.asymmetry, -one.asymmetry, atol=1e-10)
    np.testing.assert_allclose(two.log_evidence, one.log_evidence, atol=1e-9)


def test_one_trial_a_perfect_fit_and_a_very_long_session_stay_exact(study: Callable[..., Answers]) -> None:
    answers = first_session(study())
    single = replace(answers, answered=answers.answered & (np.arange(40) == 3))
    exact_second = answers.first - 0.5 * (answers.first - answers.base_rate)
    perfect = replace(answers, second=exact_second)
    long = rearranged(answers, lambda trials: np.tile(trials, (1, 50)))
    for case in (single, perfect, long):
        update, design, mean, covariance = regression(case, FREE, published_priors())
        fit = fit_persons(case)
        nodes = np.linspace(-12, 8, 40_001)
        # In the two directions of the regressors the spread is larger than noise; in all others it is noise alone.
        left, singular, _ = np.linalg.svd(design @ np.sqrt(covariance), full_matrices=False)
        rest = update - design @ mean
        along = left.T @ rest
        spread = np.exp(-nodes)[:, None] + singular**2
        log_given = (
            -0.5 * (np.log(spread) + along**2 / spread).sum(axis=1)
            + 0.5 * (len(update) - len(along)) * nodes
            - 0.5 * np.exp(nodes) * max(rest @ rest - along @ along, 0.0)
        )
        log_joint = log_given - 0.5 * len(update) * np.log(2 * np.pi) + nodes - np.exp(nodes)
        exact = log_joint.max() + np.log(np.exp(log_joint - log_joint.max()).sum() * (nodes[1] - nodes[0]))
        assert fit.log_evidence[0, 0] == pytest.approx(exact, abs=1e-6)


def test_a_session_without_trials_is_named(study: Callable[..., Answers]) -> None:
    answers = study()
    other = answers.other.copy()
    other[2] = np.nan
    with pytest.raises(InputError) as caught:
        fit_persons(replace(answers, other=other))
    assert f"{answers.participant[2]} ({answers.visit[2]})" in str(caught.value)
    assert "bayesian" in str(caught.value)
    assert fit_persons(replace(answers, other=other), models=[FREE]).scaling.shape == (1, len(answers.participant))
