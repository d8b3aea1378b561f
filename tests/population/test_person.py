"""Virtual people: within the protocol's bounds, with its means, and the same person for the same key."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.numerics import person_key
from upturn.population import TRAITS, Person, draw_person, numbers
from upturn.protocol import Protocol, load

MANY = 20_000
KINETIC = ("clearance", "central_volume")


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return load("single-infusion")


@pytest.fixture(scope="module")
def people(protocol: Protocol) -> Person:
    population = numbers(protocol.population)
    key = jax.random.key(11)
    draw = jax.jit(jax.vmap(lambda i: draw_person(person_key(key, i), population, KINETIC)))
    return draw(jnp.arange(MANY))


def test_everybody_lies_within_the_bounds(people: Person, protocol: Protocol) -> None:
    population = protocol.population
    seen = {"age_y": people.body.age_y, "weight_kg": people.body.weight_kg, "height_cm": people.height_cm}
    for name, values in seen.items():
        spread = getattr(population, name)
        assert np.min(values) >= spread.min
        assert np.max(values) <= spread.max
    madrs = np.asarray(people.baseline["MADRS"])
    assert madrs.min() >= population.baseline["MADRS"].min
    assert madrs.max() <= population.baseline["MADRS"].max
    np.testing.assert_array_equal(madrs, np.round(madrs))


def test_means_are_those_of_the_truncated_normal(people: Person, protocol: Protocol) -> None:
    truncnorm = pytest.importorskip("scipy.stats").truncnorm
    seen = {"age_y": people.body.age_y, "weight_kg": people.body.weight_kg, "height_cm": people.height_cm}
    for name, values in seen.items():
        d = getattr(protocol.population, name)
        exact = truncnorm((d.min - d.mean) / d.sd, (d.max - d.mean) / d.sd, loc=d.mean, scale=d.sd)
        assert np.mean(values) == pytest.approx(exact.mean(), abs=4 * exact.std() / MANY**0.5)
        assert np.std(values) == pytest.approx(exact.std(), rel=0.03)
    assert np.mean(people.female) == pytest.approx(protocol.population.female, abs=4 * 0.5 / MANY**0.5)


def test_draws_are_standard_normal_and_independent(people: Person) -> None:
    names = [*KINETIC, *TRAITS]
    assert set(people.draws) == set(names)
    z = np.array([people.draws[name] for name in names])
    np.testing.assert_allclose(z.mean(axis=1), 0.0, atol=0.035)
    np.testing.assert_allclose(np.cov(z), np.eye(len(names)), atol=0.05)


def test_standing_is_standardised(people: Person) -> None:
    for name, values in people.standing.items():
        assert abs(float(np.mean(values))) < 0.1, name
        assert 0.8 < float(np.std(values)) < 1.2, name


def test_ideal_weight_is_that_of_devine(people: Person) -> None:
    """50 kg for a man and 45.5 kg for a woman of 60 inches, and 2.3 kg for each inch above."""
    inches_over = np.maximum(np.asarray(people.height_cm) / 2.54 - 60, 0)
    wanted = np.where(np.asarray(people.female) > 0, 45.5, 50.0) + 2.3 * inches_over
    np.testing.assert_allclose(people.ideal_weight_kg, wanted, rtol=1e-4)


def test_the_same_key_is_the_same_person(protocol: Protocol) -> None:
    population = numbers(protocol.population)
    draw = jax.jit(lambda key: draw_person(key, population, KINETIC))
    one, two, other = (jax.tree.leaves(draw(jax.random.key(seed))) for seed in (5, 5, 6))
    assert all(str(a) == str(b) for a, b in zip(one, two, strict=True))
    assert any(str(a) != str(b) for a, b in zip(one, other, strict=True))


def test_a_baseline_near_its_floor_still_gives_people(protocol: Protocol) -> None:
    population = numbers(protocol.population) | {"baseline.MADRS": jnp.array([20.0, 0.01, 20.0, 60.0])}
    found = draw_person(jax.random.key(0), population, ())
    assert float(found.baseline["MADRS"]) == 20.0
