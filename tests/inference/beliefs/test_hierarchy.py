"""The sound analysis: sessions summarised, people and groups over them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array
from scipy.stats import multivariate_normal

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import BeliefPopulation, Learner, belief_population, changed
from upturn.beliefs.simulation import simulate_learners, to_answers
from upturn.errors import InputError
from upturn.inference.beliefs.climb import foot
from upturn.inference.beliefs.hierarchy import BeliefFit, Mood, _marginal, contrast, fit_sessions
from upturn.inference.beliefs.naive import least_squares
from upturn.inference.beliefs.sessions import Sessions, summarise
from upturn.inference.fit import Settings

DESIGN = study_design(
    {"patients": 14, "controls": 14},
    {"patients": ("before", "hours", "week"), "controls": ("before", "week")},
    n_fillers=8,
)
GROUPS = ("patients", "controls")
VISITS = (("before", "week"), ("before", "week"))
SHORT = Settings(chains=2, warmup=300, draws=500, dense=True)


def world(*, change: float = 0.0, carried: float = 0.0) -> BeliefPopulation:
    """Patients start 12 points more pessimistic; their asymmetry changes by ``change``."""
    truth = belief_population(groups=2, visits=3, carried=carried, missing=0.0, tens=0.0, fives=0.0)
    truth = changed(truth, group=0, visit=0, belief_mean=12.0)
    return changed(truth, group=0, visit=2, asymmetry=change)


def simulate(truth: BeliefPopulation, seed: int) -> tuple[Answers, Learner]:
    said, learners = jax.device_get(simulate_learners(jax.random.key(seed), DESIGN.layout, truth))
    return to_answers(DESIGN, said), learners


@pytest.fixture(scope="module")
def study() -> tuple[Answers, Learner]:
    return simulate(world(change=0.3), 1)


@pytest.fixture(scope="module")
def sessions(study: tuple[Answers, Learner]) -> Sessions:
    return summarise(study[0])


@pytest.fixture(scope="module")
def found(sessions: Sessions) -> BeliefFit:
    return fit_sessions(sessions, settings=SHORT)


def of_sessions(values: Array) -> np.ndarray:
    """Pick people's visits in the order of the answers."""
    return np.asarray(values)[np.nonzero(DESIGN.layout.attends)]


def test_estimates_of_sessions_lie_about_the_truth_as_far_as_they_say(
    study: tuple[Answers, Learner], sessions: Sessions
) -> None:
    for i, truth in enumerate((study[1].scaling, study[1].asymmetry)):
        z = (sessions.at[:, i] - of_sessions(truth)) / sessions.standard_errors[:, i]
        assert abs(z.mean()) < 4 / np.sqrt(len(z))
        assert 0.75 < z.std() < 1.35


def test_noises_and_beliefs_are_told_apart(study: tuple[Answers, Learner], sessions: Sessions) -> None:
    truth = study[1]
    belief, _, report, answer = sessions.numbers[:, :4].T
    assert np.corrcoef(belief, of_sessions(truth.belief_mean))[0, 1] > 0.85
    assert np.exp(report).mean() == pytest.approx(of_sessions(truth.report_noise).mean(), rel=0.15)
    assert np.exp(answer).mean() == pytest.approx(of_sessions(truth.answer_noise).mean(), rel=0.25)


def test_a_first_climb_begins_with_the_types_that_later_climbs_begin_with() -> None:
    # A weak type would have the same program compiled a second time, which takes longer than the climb.
    assert not [leaf for leaf in jax.tree.leaves(foot(2, 3, 0.5)) if leaf.weak_type]


@pytest.mark.parametrize("carried", [0.0, 1.0])
def test_the_share_carried_is_learnt(carried: float) -> None:
    answers, _ = simulate(world(carried=carried), 5)
    share = summarise(answers).carried
    assert abs(share - carried) < 0.35


def test_an_exact_reading_of_answers_between_the_bounds_is_least_squares() -> None:
    truth = belief_population(groups=2, visits=3, belief_mean=40.0, belief_spread=6.0, event_sd=0.0, belief_sd=3.0,
                              report_noise=3.0, answer_noise=4.0, missing=0.0, tens=0.0, fives=0.0)  # fmt: skip
    answers, _ = simulate(truth, 3)
    inside = [(x > 3) & (x < 77) for x in (answers.first, answers.second)]
    assert np.mean(inside) > 0.999
    scaling, asymmetry = least_squares(answers.first, answers.second, answers.base_rate, answers.answered)
    at = summarise(answers, reading="exact").at
    # The summary also takes out what events have in common, and has a weak prior.
    assert np.max(np.abs(at[:, 0] - scaling)) < 0.06
    assert np.corrcoef(at[:, 1], asymmetry)[0, 1] > 0.98


def test_the_marginal_likelihood_is_the_closed_form() -> None:
    rng = np.random.default_rng(4)
    root, firm = np.tril(rng.normal(size=(4, 4))), np.cov(rng.normal(size=(4, 9)))
    far, x = rng.normal(size=4), rng.normal(size=4)
    # exp(slope x − x firm x / 2) is a normal density about firm⁻¹ slope, but for a factor.
    slope = firm @ x
    spread = np.linalg.inv(firm)
    expected = multivariate_normal(x, spread + root @ root.T).logpdf(far) - multivariate_normal(x, spread).logpdf(
        np.zeros(4)
    )
    found = _marginal(jnp.asarray(far)[None], jnp.asarray(slope)[None], jnp.asarray(firm)[None], jnp.asarray(root))
    assert float(found[0]) == pytest.approx(expected, abs=1e-9)


def test_a_change_is_found(found: BeliefFit) -> None:
    assert found.diagnostics.worst_r_hat < 1.05
    assert found.diagnostics.divergences == 0
    change = contrast(found, groups=GROUPS, visits=VISITS)
    assert abs(change.mean - 0.3) < 3 * change.sd
    assert change.excludes_zero
    assert change.probability_above_zero > 0.99
    assert 0 < found.of_cell("scaling", "patients", "hours").mean() < 1


def test_an_unknown_visit_is_named(found: BeliefFit) -> None:
    with pytest.raises(InputError, match="no such group and visit") as told:
        contrast(found, groups=GROUPS, visits=(("before", "month"), ("before", "week")))
    assert "patients, month" in str(told.value)
    assert "patients, hours" in str(told.value)


@pytest.mark.slow
def test_mood_is_linked_with_asymmetry(study: tuple[Answers, Learner], sessions: Sessions) -> None:
    answers, learners = study
    rng = np.random.default_rng(7)
    change = np.asarray(learners.asymmetry)[:, 2] - np.asarray(learners.asymmetry)[:, 0]
    patients = np.arange(28) < 14
    mood = np.where(patients, -10 - 60 * (change - 0.3) + rng.normal(0, 1.5, 28), np.nan)

    def at(person: int, visit: str) -> int:
        who = DESIGN.participant[person]
        pairs = list(zip(answers.participant, answers.visit, strict=True))
        return pairs.index((who, visit)) if (who, visit) in pairs else -1

    before, after = (np.array([at(i, visit) for i in range(28)]) for visit in ("before", "week"))
    found = fit_sessions(sessions, mood=Mood(mood, before, after), settings=SHORT)
    link = found.draws["link"].reshape(-1)
    assert np.mean(link < 0) > 0.9
    assert np.quantile(link, 0.02) < -60 < np.quantile(link, 0.98)
    assert found.draws["mood_change"].mean() == pytest.approx(-10, abs=4)
