"""Prediction of left-out people: against an independent program, and where the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import jax
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import logsumexp

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.errors import InputError
from upturn.inference.beliefs.comparison import only
from upturn.inference.beliefs.leave_one_out import loo_by_person
from upturn.inference.beliefs.recovery import CONDITIONS

FREE = "reinforcement-scaling-asymmetry"


def modelled() -> dict[str, float]:
    return dict(CONDITIONS["as modelled"])


def independent(answers: Answers, left_out: str) -> float:
    """Predict one person by full refits without that person, in SciPy, for the model with S and A free."""
    nodes = np.linspace(-6, 6, 121)
    node_weight = stats.norm.logpdf(nodes) - logsumexp(stats.norm.logpdf(nodes))
    cells = sorted(set(zip(answers.group, answers.visit, strict=True)))
    rows = []
    for i, who in enumerate(answers.participant):
        used = answers.answered[i] & np.isfinite(answers.other[i])
        error = (answers.first[i] - answers.base_rate[i])[used]
        update = (answers.first[i] - answers.second[i])[used]
        rows.append(
            (who, cells.index((answers.group[i], answers.visit[i])), np.stack([error, np.abs(error)], 1), update)
        )

    def density(numbers: np.ndarray, cell: int, design: np.ndarray, update: np.ndarray) -> float:
        log_s, log_a, z, mean, log_spread = numbers[2 * len(cells) :]
        s, a, r = np.exp(log_s), np.exp(log_a), np.tanh(z)
        values, vectors = np.linalg.eigh(design @ np.array([[s * s, r * s * a], [r * s * a, a * a]]) @ design.T)
        rest = vectors.T @ (update - design @ numbers[[cell, len(cells) + cell]])
        spread = np.maximum(values, 0) + np.exp(2 * (mean + np.exp(log_spread) * nodes))[:, None]
        given = -0.5 * (np.log(2 * np.pi * spread) + rest**2 / spread).sum(axis=1)
        return float(logsumexp(given + node_weight))

    def minus(numbers: np.ndarray) -> float:
        log_s, log_a, z, mean, log_spread = numbers[2 * len(cells) :]
        prior = (
            stats.norm.logpdf(numbers[: len(cells)], 0.4, 0.4).sum()
            + stats.norm.logpdf(numbers[len(cells) : 2 * len(cells)], 0, 0.2).sum()
            + sum(stats.halfnorm.logpdf(np.exp(x), scale=0.2) + x for x in (log_s, log_a))
            + stats.halfnorm.logpdf(np.exp(log_spread), scale=0.5) + log_spread
            + 2 * np.log(1 - np.tanh(z) ** 2)
            + stats.norm.logpdf(mean, 2.3, 0.7)
        )  # fmt: skip
        return -prior - sum(density(numbers, *row[1:]) for row in rows if row[0] != left_out)

    start = np.array([0.4] * len(cells) + [0.0] * len(cells) + [-1.6, -1.6, 0.0, 2.0, -0.7])
    best = optimize.minimize(minus, start, method="L-BFGS-B", options={"maxiter": 500}).x
    return sum(density(best, *row[1:]) for row in rows if row[0] == left_out)


def test_one_step_agrees_with_a_full_refit_without_the_person() -> None:
    design = study_design({"patients": 8, "controls": 8})
    truth = belief_population(groups=2, visits=1, **modelled())
    answers = simulate_study(jax.random.key(1), design, truth)
    few = replace(answers, answered=answers.answered & (np.arange(40) % 3 == 0))
    found = loo_by_person(few, models=(FREE,))
    for who in (0, 11):
        assert found.log_density[0, who] == pytest.approx(independent(few, found.people[who]), abs=0.01)


def test_the_true_kind_of_model_predicts_best() -> None:
    design = study_design({"people": 30})
    truth = belief_population(groups=1, visits=1, **modelled())
    for model in (FREE, "relevance-scaling", "bayesian-scaling-asymmetry"):
        answers = simulate_study(jax.random.key(4), design, truth, model=model)
        found = loo_by_person(answers)
        # Models that differ only by a number that is free but not needed predict almost alike.
        kinds = [name.split("-")[0] for name in found.models]
        best = kinds[int(found.total.argmax())]
        assert best == model.split("-")[0]
        others = [i for i, kind in enumerate(kinds) if kind != best]
        assert (found.behind[others] + 2 * found.behind_error[others] < 0).all()


def test_sessions_of_a_person_are_left_out_together(study: Callable[..., Answers]) -> None:
    answers = study(people=5)
    found = loo_by_person(answers, models=[FREE])
    assert found.people == tuple(dict.fromkeys(answers.participant))
    assert found.log_density.shape == (1, 10)
    assert found.behind.tolist() == [0.0]
    assert found.behind_error.tolist() == [0.0]


def test_one_person_cannot_be_predicted_from_others(study: Callable[..., Answers]) -> None:
    answers = study()
    alone = only(answers, np.array([who == answers.participant[0] for who in answers.participant]))
    with pytest.raises(InputError) as caught:
        loo_by_person(alone)
    assert "two people" in str(caught.value)
