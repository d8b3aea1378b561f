"""A trial that is left out is predicted by the others alone."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import pytest
from jaxtyping import Array, Bool
from numpyro.infer.util import log_density

from upturn.evidence import Evidence, shipped
from upturn.inference.fit import Settings
from upturn.inference.left_out import leave_out, trials_to_leave_out
from upturn.inference.observations import Observations
from upturn.inference.program import program
from upturn.inference.score import Row
from upturn.inference.synthetic import draw_prior

SHORT = Settings(chains=1, warmup=20, draws=20, max_tree_depth=4)
LEFT, STAYS = "MURROUGH_2013a", "SINGH_2016b"


@pytest.fixture(scope="module")
def two_trials() -> Evidence:
    return replace(shipped(), findings=tuple(f for f in shipped().findings if f.trial in (LEFT, STAYS)))


def bent(evidence: Evidence, trial: str) -> Evidence:
    """Print three times the change in one trial."""
    return replace(
        evidence,
        findings=tuple(
            replace(f, value=3 * f.value) if f.trial == trial and f.unit == "points" and f.value else f
            for f in evidence.findings
        ),
    )


def expected(evidence: Evidence) -> dict[tuple[str, int, str], tuple[float, ...]]:
    ((rows, judged),) = leave_out(evidence, [LEFT], settings=SHORT).values()
    assert judged.draws == SHORT.draws
    return {_key(row, by): (f.low90, f.median, f.high90) for row in rows for by, f in row.forecasts.items()}


def _key(row: Row, by: str) -> tuple[str, int, str]:
    return row.predicted.finding.table, row.predicted.finding.row, by


def test_what_is_not_heard_does_not_count(few: Observations) -> None:
    """The short form of the next: the likelihood knows nothing of what a trial printed that is not heard."""
    numbers = draw_prior(few, 1)
    unheard = few.trials.index(LEFT)
    heard = jnp.arange(len(few.trials)) != unheard

    def tripled(trial: int) -> Observations:
        mine = [few.asked.at.trial[group[0].arm] == trial for group in few.falls]
        assert any(mine)
        changed = [
            tuple(row._replace(value=3 * row.value) for row in group) if is_mine else group
            for group, is_mine in zip(few.falls, mine, strict=True)
        ]
        return replace(few, falls=tuple(changed))

    def density(seen: Observations, *who: Bool[Array, " trials"]) -> float:
        return float(log_density(program, (seen, *who), {}, numbers)[0])

    assert density(tripled(unheard), heard) == density(few, heard)
    assert density(tripled(unheard)) < density(few) - 1
    assert density(tripled(few.trials.index(STAYS)), heard) < density(few, heard) - 1


@pytest.mark.slow
def test_neither_the_fit_nor_the_baselines_see_the_trial_that_is_left_out(two_trials: Evidence) -> None:
    first = expected(two_trials)
    assert {by for _, _, by in first} >= {"model", "same kind"}
    assert expected(bent(two_trials, LEFT)) == first
    other = expected(bent(two_trials, STAYS))
    assert other.keys() == first.keys()
    for by in ("model", "same kind"):
        assert any(other[key] != first[key] for key in first if key[2] == by)


def test_only_fitted_trials_can_be_left_out() -> None:
    assert LEFT in trials_to_leave_out(shipped())
    with pytest.raises(ValueError, match="no trial TRANSFORM3_2020"):
        leave_out(shipped(), ["TRANSFORM3_2020"])
