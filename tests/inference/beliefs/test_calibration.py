"""Simulation-based calibration (Talts 2018) of the hierarchical analysis: truths from its priors, ranks of the truth.

The simulator here is a second one, written from the equations alone, so that it shares nothing with the product's.
"""

from __future__ import annotations

import jax
import numpy as np
import pytest

from upturn.beliefs.answers import Answers
from upturn.beliefs.task import event_lists
from upturn.inference.beliefs.climb import belief_priors
from upturn.inference.beliefs.hierarchy import BeliefFit, fit_sessions
from upturn.inference.beliefs.sessions import summarise
from upturn.inference.fit import Settings

RATES = np.array([event.base_rate for event in event_lists()["a"]])
PEOPLE, VISITS, FILLERS = (12, 12), 2, 8
# Cells in the order of the answers: group a before and after, group b before and after.
CHANGE = np.array([-1.0, 1.0, 1.0, -1.0])
REPLICATES = 60
Truth = dict[str, np.ndarray]


def draw(seed: int) -> tuple[Truth, Answers]:
    """Draw a truth from the priors and a study from the truth; noises and beliefs about usual values."""
    rng = np.random.default_rng(seed)
    numbers = belief_priors()
    value = numbers.value
    people, cells = sum(PEOPLE), len(PEOPLE) * VISITS
    group = np.repeat([0, 1], PEOPLE)
    cell = group[:, None] * VISITS + np.arange(VISITS)

    def mean(name: str) -> np.ndarray:
        prior = numbers[name].prior
        assert prior is not None
        return rng.normal(value(name), prior.sd, cells)

    scales = [value("people_scaling"), value("people_asymmetry")]
    truth = {
        "scaling": mean("scaling"),
        "asymmetry": mean("asymmetry"),
        "people": np.abs(rng.normal(0, scales)),
        "visits": np.abs(rng.normal(0, scales)),
        "correlation": np.array(2 * rng.beta(2, 2) - 1),
        "carried": np.array(rng.uniform()),
    }
    own = rng.normal(size=(people, 2))
    r = truth["correlation"]
    own[:, 1] = r * own[:, 0] + np.sqrt(1 - r**2) * own[:, 1]
    own *= truth["people"]
    learnt = [
        truth[name][cell] + own[:, [i]] + truth["visits"][i] * rng.normal(size=cell.shape)
        for i, name in enumerate(("scaling", "asymmetry"))
    ]

    def noise(middle: float) -> np.ndarray:
        logs = np.log(middle) + 0.3 * rng.normal(size=cells)[cell] + 0.2 * rng.normal(size=(people, 1))
        return np.exp(logs)[..., None]

    report, answer = noise(7.0), noise(9.0)
    spread = np.exp(np.log(18.0) + 0.1 * rng.normal(size=cell.shape))[..., None]
    middle = (rng.normal(38, 6, cells)[cell] + rng.normal(0, 7, (people, 1)))[..., None]
    asked = len(RATES) + FILLERS
    held = np.clip(middle + rng.normal(0, 8, asked) + spread * rng.normal(size=(people, VISITS, asked)), 1, 99)

    def say(x: np.ndarray) -> np.ndarray:
        return np.clip(np.round(x), 3, 77)

    first = say(held + report * rng.normal(size=held.shape))
    again = say(held + report * rng.normal(size=held.shape))
    n = len(RATES)
    start = held[..., :n] + truth["carried"] * (first[..., :n] - held[..., :n])
    error = start - RATES
    rule = start - (learnt[0][..., None] + learnt[1][..., None] * np.sign(error)) * error
    second = say(rule + rng.normal(0, 2, n) + answer * rng.normal(size=error.shape))
    sessions = people * VISITS

    def flat(x: np.ndarray) -> np.ndarray:
        return x.reshape(sessions, -1)

    return truth, Answers(
        participant=tuple(f"p{i}" for i in range(people) for _ in range(VISITS)),
        group=tuple("ab"[g] for g in group for _ in range(VISITS)),
        visit=tuple("12"[v] for _ in range(people) for v in range(VISITS)),
        events=tuple(f"e{i}" for i in range(asked)),
        event=np.tile(np.arange(n), (sessions, 1)),
        base_rate=np.tile(RATES, (sessions, 1)),
        first=flat(first[..., :n]),
        other=np.full((sessions, n), np.nan),
        second=flat(second),
        trust=np.full((sessions, n), np.nan),
        answered=np.ones((sessions, n), dtype=bool),
        filler_event=np.tile(n + np.arange(FILLERS), (sessions, 1)),
        filler_first=flat(first[..., n:]),
        filler_second=flat(again[..., n:]),
        filler_answered=np.ones((sessions, FILLERS), dtype=bool),
    )


def ranks(truth: Truth, found: BeliefFit) -> dict[str, float]:
    """Give the share of draws below the truth, for every number and the two group by visit contrasts."""
    out = {}
    for name, true in truth.items():
        draws = found.draws[name].reshape(found.diagnostics.draws, -1)
        for i, each in enumerate(np.atleast_1d(true)):
            out[f"{name}[{i}]"] = float(np.mean(draws[:, i] < each))
        if name in ("scaling", "asymmetry"):
            out[f"change of {name}"] = float(np.mean(draws @ CHANGE < true @ CHANGE))
    return out


@pytest.mark.slow
def test_ranks_of_the_truth_are_uniform() -> None:
    found: dict[str, list[float]] = {}
    for replicate in range(REPLICATES):
        truth, answers = draw(1000 + replicate)
        settings = Settings(chains=1, warmup=300, draws=400, target_accept=0.9, seed=replicate + 1, dense=True)
        for name, rank in ranks(truth, fit_sessions(summarise(answers), settings=settings)).items():
            found.setdefault(name, []).append(rank)
        jax.clear_caches()
    for name, values in found.items():
        counts = np.histogram(values, bins=5, range=(0, 1))[0]
        chi2 = float(np.sum((counts - REPLICATES / 5) ** 2) / (REPLICATES / 5))
        print(f"{name}: ranks in fifths {counts.tolist()}, chi-squared {chi2:.1f} on 4 degrees of freedom")
        # One in ten thousand: 16 numbers are looked at.
        assert chi2 < 23.5, (name, counts)
