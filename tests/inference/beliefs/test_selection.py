"""Random-effects model selection: against another program and closed forms, and in its limits."""

from __future__ import annotations

import numpy as np
import pytest
from groupBMC.groupBMC import GroupBMC  # type: ignore[import-untyped]
from scipy import stats

from upturn.errors import InputError
from upturn.inference.beliefs.persons import PersonFits
from upturn.inference.beliefs.selection import evidence_by_person, select


def evidence(people: int, models: int, seed: int, favour: float = 2.0) -> np.ndarray:
    """Give evidence in which the first models are somewhat better."""
    random = np.random.default_rng(seed)
    return random.normal(0, 2, (people, models)) + favour * np.linspace(1, 0, models)


def names(models: int) -> tuple[str, ...]:
    return tuple(f"model {i + 1}" for i in range(models))


@pytest.mark.parametrize(("people", "models", "seed"), [(20, 2, 1), (56, 12, 2), (8, 5, 3), (150, 12, 4), (3, 3, 5)])
def test_it_agrees_with_group_bmc(people: int, models: int, seed: int) -> None:
    given = evidence(people, models, seed)
    peer = GroupBMC(given.T, max_iter=10_000, tolerance=1e-14).get_result()
    # The other program's prior adds up to one person.
    found = select(given, names(models), prior_count=1 / models)
    np.testing.assert_allclose(found.frequency, peer.frequency_mean, atol=1e-5)
    np.testing.assert_allclose(found.frequency_sd**2, peer.frequency_var, atol=1e-6)
    np.testing.assert_allclose(found.attribution.T, peer.attribution, atol=1e-4)
    np.testing.assert_allclose(found.exceedance, peer.exceedance_probability, atol=1e-4)
    np.testing.assert_allclose(found.protected, peer.protected_exceedance_probability, atol=1e-4)


@pytest.mark.parametrize(("people", "models", "seed"), [(20, 2, 1), (56, 12, 2), (8, 5, 3)])
def test_it_agrees_with_group_bmc_from_a_uniform_prior(people: int, models: int, seed: int) -> None:
    given = evidence(people, models, seed)
    peer = GroupBMC(given.T, α_0=np.ones(models), max_iter=10_000, tolerance=1e-14)
    found, result = select(given, names(models)), peer.get_result()
    np.testing.assert_allclose(found.count, peer.α.flatten(), atol=1e-4)
    np.testing.assert_allclose(found.exceedance, result.exceedance_probability, atol=1e-4)
    # Its evidence for equal frequencies takes the prior counts for frequencies, which holds only where they add up to
    # one; put right by the number of models, the omnibus risk is the same.
    risk = 1 / (1 + np.exp(peer.F1() - (peer.F0() - people * np.log(models))))
    assert found.omnibus_risk == pytest.approx(risk, abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_of_two_models_the_exceedance_is_a_beta_tail(seed: int) -> None:
    found = select(evidence(15, 2, seed, favour=0.5), names(2))
    assert found.exceedance[0] == pytest.approx(stats.beta.sf(0.5, *found.count), abs=1e-9)


def test_exceedance_agrees_with_draws_from_the_dirichlet() -> None:
    found = select(evidence(12, 4, 9, favour=0.5), names(4))
    draws = np.random.default_rng(1).dirichlet(found.count, 200_000)
    shares = np.bincount(draws.argmax(axis=1), minlength=4) / len(draws)
    np.testing.assert_allclose(found.exceedance, shares, atol=0.005)


def test_models_that_predict_alike_are_alike() -> None:
    found = select(np.full((30, 4), -120.0), names(4))
    np.testing.assert_allclose(found.frequency, 0.25, atol=1e-9)
    np.testing.assert_allclose(found.protected, 0.25, atol=1e-9)
    assert found.omnibus_risk > 0.9


def test_overwhelming_evidence_counts_people() -> None:
    given = np.where(np.arange(3) == np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2])[:, None], 0.0, -1e4)
    found = select(given, names(3))
    np.testing.assert_allclose(found.count, [7, 3, 3], atol=1e-9)
    assert np.isfinite(found.protected).all()


def test_order_of_models_and_a_common_shift_of_a_person_do_not_matter() -> None:
    given = evidence(20, 5, 6)
    turned = select(given[:, ::-1] + np.linspace(-500, 500, 20)[:, None], names(5)[::-1])
    plain = select(given, names(5))
    np.testing.assert_allclose(turned.protected[::-1], plain.protected, atol=1e-8)
    np.testing.assert_allclose(turned.frequency[::-1], plain.frequency, atol=1e-8)


def test_sessions_of_a_person_count_together() -> None:
    log_evidence = np.arange(6.0).reshape(2, 3)
    blank = np.zeros((2, 3))
    fits = PersonFits(
        models=("a", "b"), participant=("p2", "p1", "p2"), group=("g",) * 3, visit=("v", "v", "w"), trials=np.ones(3),
        scaling=blank, asymmetry=blank, scaling_error=blank, asymmetry_error=blank, noise=blank,
        log_evidence=log_evidence,
    )  # fmt: skip
    people, found = evidence_by_person(fits)
    assert people == ("p2", "p1")
    np.testing.assert_array_equal(found, [[0 + 2, 3 + 5], [1, 4]])


@pytest.mark.parametrize(
    ("given", "prior", "says"),
    [
        (np.zeros((3, 3)), None, "does not fit"),
        (np.zeros((0, 2)), None, "at least one person"),
        (np.array([[0.0, np.nan]]), None, "person 1, model model 2"),
        (np.zeros((3, 2)), 0.0, "above 0"),
    ],
)
def test_what_cannot_be_compared_is_refused(given: np.ndarray, prior: float | None, says: str) -> None:
    with pytest.raises(InputError) as caught:
        select(given, names(2), prior_count=prior)
    assert says in str(caught.value)
