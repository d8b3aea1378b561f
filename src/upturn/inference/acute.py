"""Adverse events: the Bayesian program of their published counts, fitted beside the mood program.

The two programs share no number and no row of data: the joint posterior is the product of the two, so each is fitted
by itself, and a row of the draws of one goes with any row of the other. What lives here: the rows that are fitted and
the program. What does not: predictions of other trials (``acute_predictions``), and what is measured in a session:
CADSS and blood pressure stay as their published models say.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import jax
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float

from upturn.evidence import AdverseEvent, adverse_events
from upturn.inference.program import prior
from upturn.inference.treatment import RAPID
from upturn.parameters import Parameter
from upturn.population import (
    ADVERSE_EVENTS,
    adverse_event_chance,
    adverse_event_numbers,
    with_own_adverse_events,
)

__all__ = [
    "Events",
    "acute_program",
    "calibrated_events",
    "digest_of_events",
    "fitted_events",
    "is_active",
    "is_nasal",
    "lay_out",
    "nasal_dose_mg",
    "simulate_events",
]

# A dose may be a range, 56-84 mg, or those of two arms in one row, 56+84 mg.
AMOUNT = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Events:
    """Counts of adverse events, laid out.

    Parameters
    ----------
    trials
        Names of the trials.
    rows
        What was published; a control arm stands once, whatever the number of arms beside it.
    trial
        Number of the trial of each row.
    happened
        How many of ``rows[i].n`` people had the event.
    """

    trials: tuple[str, ...]
    rows: tuple[AdverseEvent, ...]
    trial: np.ndarray
    happened: np.ndarray


def calibrated_events() -> tuple[Parameter, ...]:
    """Give every number of adverse events that has a prior."""
    return tuple(p for p in adverse_event_numbers() if p.prior is not None)


def fitted_events() -> tuple[AdverseEvent, ...]:
    """Give the rows that are fitted: calibration rows of the simulated events with a count.

    Examples
    --------
    >>> sorted({row.trial for row in fitted_events()})
    ['TRANSFORM1_2019']
    """
    return tuple(
        row
        for row in adverse_events()
        if row.split == "calibration" and row.event in ADVERSE_EVENTS and row.events is not None and not row.at_least
    )


def digest_of_events(rows: Sequence[AdverseEvent]) -> str:
    """Give the SHA-256 of rows, whatever else stands in their table."""
    content = json.dumps([asdict(row) for row in rows], sort_keys=True, ensure_ascii=False)
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def lay_out(rows: Sequence[AdverseEvent]) -> Events:
    """Lay out rows with a count."""
    trials = tuple(dict.fromkeys(row.trial for row in rows))
    return Events(
        trials=trials,
        rows=tuple(rows),
        trial=np.array([trials.index(row.trial) for row in rows], dtype=int),
        happened=np.array([row.events or 0 for row in rows], dtype=int),
    )


def is_active(row: AdverseEvent) -> bool:
    """Say whether a row is of an arm with ketamine or esketamine."""
    return row.drug in RAPID


def is_nasal(row: AdverseEvent) -> bool:
    """Say whether a row is of nasal esketamine."""
    return (row.drug, row.route) == ("esketamine", "intranasal")


def nasal_dose_mg(row: AdverseEvent) -> float | None:
    """Give the nasal dose of esketamine [mg], of a range its middle; None by other routes and where it is not clear.

    Examples
    --------
    >>> [nasal_dose_mg(row) for row in fitted_events() if row.event == "nausea"]
    [56.0, 84.0, None]
    """
    if not is_nasal(row):
        return None
    amounts = [float(each) for each in AMOUNT.findall(row.dose)]
    return float(np.mean(amounts)) if amounts and row.dose.endswith(" mg") else None


def chances(numbers: Mapping[str, Array], own: Mapping[str, Array], seen: Events) -> list[Float[Array, ""]]:
    """Give the chance behind every row; ``own`` is what each trial has of its own."""
    out = []
    for row, trial in zip(seen.rows, seen.trial, strict=True):
        mine = {**numbers, **{name: values[trial] for name, values in own.items()}}
        out.append(adverse_event_chance(mine, row.event, active=is_active(row), dose_mg=nasal_dose_mg(row)))
    return out


def acute_program(seen: Events, *, wider: Mapping[str, float] | None = None, likelihood: bool = True) -> None:
    """Run the program under NumPyro's handlers.

    Of each event: the logit of the control rate differs between trials, and so does the drug's rise of it; both are
    partly pooled. A slope on the logarithm of the nasal dose is shrunk towards zero. Every arm has a binomial count.

    Parameters
    ----------
    seen
        What was published.
    wider
        By name: how many times wider a prior is than stated, for sensitivity runs.
    likelihood
        False to draw from the prior alone.
    """
    wide = wider or {}
    numbers = {
        each.name: numpyro.sample(each.name, prior(each, wider=wide.get(each.name, 1.0)))
        for each in calibrated_events()
    }
    size = [2, len(ADVERSE_EVENTS), len(seen.trials)]
    normal = numpyro.sample("trial_events", dist.Normal(0.0, 1.0).expand(size))
    share = jax.numpy.stack(chances(numbers, with_own_adverse_events(numbers, normal), seen))
    if likelihood:
        people = np.array([row.n for row in seen.rows])
        numpyro.sample("events", dist.Binomial(people, probs=share), obs=seen.happened)


def simulate_events(seen: Events, truth: Mapping[str, Array], seed: int) -> Events:
    """Simulate what trials of the same design would print if ``truth`` held.

    Parameters
    ----------
    seen
        Whose design is taken.
    truth
        A draw of everything from the prior: the numbers, and ``trial_events``.
    seed
        Random seed.
    """
    rng = np.random.default_rng(seed)
    share = chances(truth, with_own_adverse_events(truth, truth["trial_events"]), seen)
    happened = [rng.binomial(row.n, float(p)) for row, p in zip(seen.rows, share, strict=True)]
    return Events(seen.trials, seen.rows, seen.trial, np.array(happened, dtype=int))
