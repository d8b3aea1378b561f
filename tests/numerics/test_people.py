"""People in blocks: the same numbers whoever else is there, however many devices."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.numerics import block_size, map_people, person_key


def some(scale: jax.Array, who: jax.Array) -> dict[str, jax.Array]:
    key = jax.random.key(3)
    draw = jax.vmap(lambda i: jax.random.normal(person_key(key, i), (3,)), out_axes=-1)(who)
    return {"draws": draw * scale, "number": who}


@pytest.mark.parametrize("people", [1, 5, 257])
def test_every_person_comes_back_in_order(people: int) -> None:
    found = map_people(some)(jnp.asarray(2.0), jnp.arange(people))
    assert found["draws"].shape == (people, 3)
    np.testing.assert_array_equal(found["number"], np.arange(people))


def test_numbers_do_not_depend_on_who_else_is_asked_for_or_on_workers() -> None:
    many = map_people(some)(jnp.asarray(2.0), jnp.arange(300))["draws"]
    one = map_people(some, workers=1)(jnp.asarray(2.0), jnp.arange(300))["draws"]
    few = map_people(some)(jnp.asarray(2.0), jnp.arange(100, 103))["draws"]
    np.testing.assert_array_equal(many, one)
    np.testing.assert_array_equal(many[100:103], few)


def test_two_people_do_not_share_a_key() -> None:
    keys = jax.vmap(lambda i: jax.random.key_data(person_key(jax.random.key(0), i)))(jnp.arange(1000))
    assert len({tuple(row) for row in np.asarray(keys).tolist()}) == 1000


def test_a_block_is_fixed_by_the_platform() -> None:
    assert block_size() == (128 if jax.default_backend() == "cpu" else 65_536)


def test_arithmetic_is_in_double_precision() -> None:
    assert jnp.ones(()).dtype == jnp.float64
