"""Map a function written for one person over many, on every device, in blocks that fit the cache.

The block size is fixed by the platform alone, never by the caller, and every person has a random key of their own
from their number: the same seed gives the same numbers whatever the number of people asked for at once or of
workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec
from jaxtyping import Array, Int, PyTree

__all__ = ["block_size", "map_people", "person_key"]

Out = TypeVar("Out")

CPU_BLOCK = 128  # the states and tables of 256 people stay in a megabyte of cache; measured in benchmarks/
GPU_BLOCK = 65_536
# Blocks that one call hands to each device: every call has the same shape, so that one compiled program serves
# any number of people.
CPU_ROUNDS, GPU_ROUNDS = 16, 1


def block_size() -> int:
    """How many people are carried at once by one device."""
    return CPU_BLOCK if jax.default_backend() == "cpu" else GPU_BLOCK


def person_key(seed_key: Array, number: Int[Array, ""]) -> Array:
    """Give the random key of one person, whoever else is simulated."""
    return jax.random.fold_in(seed_key, number)


def map_people(some: Callable[..., Out], *, workers: int | None = None) -> Callable[..., Out]:
    """Compile a function of a block of people into one of any number of people, spread over devices.

    Parameters
    ----------
    some
        ``some(constants, people)``: the people's inputs have people as their first axis; every array of the result
        has people as its last.
    workers
        Number of devices to use; all of them unless given. The result does not depend on it.

    Returns
    -------
    callable
        ``many(constants, people)``, with people as the first axis of both; the result is on the host.
    """
    devices = jax.devices()[: workers or None]
    block = block_size()
    rounds = CPU_ROUNDS if jax.default_backend() == "cpu" else GPU_ROUNDS
    step = block * rounds * len(devices)
    mesh = jax.sharding.Mesh(np.array(devices), ("people",))

    def on_one_device(constants: PyTree, people: PyTree) -> PyTree:
        blocks = jax.tree.map(lambda x: x.reshape((-1, block, *x.shape[1:])), people)

        def one_block(each: PyTree) -> PyTree:
            return jax.tree.map(lambda x: jnp.moveaxis(x, -1, 0), some(constants, each))

        done = jax.lax.map(one_block, blocks)
        return jax.tree.map(lambda x: x.reshape((x.shape[0] * x.shape[1], *x.shape[2:])), done)

    sharded = jax.jit(
        jax.shard_map(
            on_one_device,
            mesh=mesh,
            in_specs=(PartitionSpec(), PartitionSpec("people")),
            out_specs=PartitionSpec("people"),
            check_vma=False,
        )
    )

    def many(constants: PyTree, people: PyTree) -> Out:
        n = jax.tree.leaves(people)[0].shape[0]
        people = jax.device_get(people)
        parts = []
        for first in range(0, n, step):
            some_people = jax.tree.map(lambda x, first=first: x[first : first + step], people)
            short = first + step - n
            if short > 0:
                some_people = jax.tree.map(
                    lambda x, s=short: np.concatenate([x, np.repeat(x[-1:], s, axis=0)]), some_people
                )
            parts.append(sharded(constants, some_people))
        done = [jax.device_get(part) for part in parts]
        out: Out = jax.tree.map(lambda *xs: np.concatenate(xs)[:n] if len(xs) > 1 else xs[0][:n], *done)
        return out

    return many
