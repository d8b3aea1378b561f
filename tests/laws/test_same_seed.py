"""Same seed, same numbers: however many people at once, however many workers."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import jax
import numpy as np
import pytest

from upturn.protocol import load
from upturn.trials import run
from upturn.trials.run import Group, Setup, run_arms, set_up

PATIENTS, TRIALS = 6, 5
RATINGS_H = [0.0, 24.0, 168.0]


def lay_out(seed: int, workers: int | None = None) -> Setup:
    return set_up(load("single-infusion"), seed=seed, n_trials=TRIALS, ratings_h=RATINGS_H, workers=workers)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return lay_out(1)


@pytest.fixture(scope="module")
def whole(setup: Setup) -> Group:
    return run_arms(setup, patients=PATIENTS, arms=("ketamine",))["ketamine"]


def leaves(group: Any) -> list[Any]:
    return jax.tree.leaves((group.baseline, group.outcome) if isinstance(group, Group) else group)


def same(one: Any, two: Any) -> None:
    for a, b in zip(leaves(one), leaves(two), strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_the_size_of_a_step_does_not_matter(setup: Setup, whole: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "HANDED_AT_ONCE", 7)
    same(run_arms(setup, patients=PATIENTS, arms=("ketamine",))["ketamine"], whole)


def test_people_run_alone_are_the_same_people(setup: Setup, whole: Group) -> None:
    trial = np.arange(11, 14) // PATIENTS
    some = setup.run("ketamine", setup.people("ketamine", 11, 3, trial))
    same(some, jax.tree.map(lambda x: x[11:14], whole.outcome))


@pytest.mark.slow
def test_more_trials_do_not_change_the_first(whole: Group) -> None:
    more = set_up(load("single-infusion"), seed=1, n_trials=TRIALS + 2, ratings_h=RATINGS_H)
    group = run_arms(more, patients=PATIENTS, arms=("ketamine",))["ketamine"]
    same([x[: PATIENTS * TRIALS] for x in leaves(group)], leaves(whole))


TWO_WORKERS = """
import jax
import numpy as np
jax.config.update("jax_num_cpu_devices", 2)
assert len(jax.devices()) == 2
from upturn.numerics import people
from upturn.protocol import load
from upturn.trials.run import run_arms, set_up
people.CPU_BLOCK, people.CPU_ROUNDS = 8, 1  # both have people to carry
outcomes = [
    run_arms(
        set_up(load("single-infusion"), seed=1, n_trials=5, ratings_h=[0.0, 24.0, 168.0], workers=workers),
        patients=6,
        arms=("ketamine",),
    )["ketamine"].outcome
    for workers in (1, 2)
]
for one, two in zip(*map(jax.tree.leaves, outcomes), strict=True):
    np.testing.assert_array_equal(one, two)
"""


def test_the_number_of_workers_does_not_matter() -> None:
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", TWO_WORKERS], env=environment, check=True)


def test_another_seed_gives_other_people(whole: Group) -> None:
    other = run_arms(lay_out(2), patients=PATIENTS, arms=("ketamine",))["ketamine"]
    assert (other.outcome.ratings != whole.outcome.ratings).mean() > 0.5
