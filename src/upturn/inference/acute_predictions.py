"""What the posterior expects of adverse events in trials that were not fitted, and how well it did.

What lives here: predictions of single rows, their scores, and the pooled rate beside them. What does not: the program
that learns from the calibration rows (``acute``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.evidence import AdverseEvent, adverse_events
from upturn.inference.acute import fitted_events, is_active, is_nasal, nasal_dose_mg
from upturn.inference.score import Forecast, crps, log_score
from upturn.population import ADVERSE_EVENTS, adverse_event_chance, with_own_adverse_events

__all__ = ["POOLED", "EventScore", "PredictedEvent", "predict_events", "summarise_events"]

POOLED = "pooled rate"


@dataclass(frozen=True)
class PredictedEvent:
    """One row and what was expected of it.

    Parameters
    ----------
    row
        The row.
    share
        Published fraction of people; None where none was printed.
    forecasts
        By ``model`` and ``pooled rate``: fractions of people. Empty where the row could not be predicted.
    reason
        Why it could not be predicted or not be scored; empty if it was.
    """

    row: AdverseEvent
    share: float | None
    forecasts: Mapping[str, Forecast]
    reason: str


@dataclass(frozen=True)
class EventScore:
    """Mean scores of one kind of arm by one way of predicting; ``error`` and ``crps`` are fractions of people."""

    arms: str
    by: str
    rows: int
    coverage50: float
    coverage90: float
    error: float
    crps: float
    log_score: float


def predict_events(
    posterior: Mapping[str, Float[np.ndarray, " draws"]],
    rows: Sequence[AdverseEvent] | None = None,
    *,
    seed: int = 1,
) -> tuple[PredictedEvent, ...]:
    """Predict how many people of an arm had an event, every arm as that of a new trial.

    Parameters
    ----------
    posterior
        Draws of the calibrated numbers.
    rows
        What to predict; the validation rows of the shipped table unless given.
    seed
        Random seed.

    Returns
    -------
    tuple
        One entry per row, in their order. Arms of one trial share its own control rates and rises.
    """
    asked = [row for row in adverse_events() if row.split == "validation"] if rows is None else list(rows)
    rng = np.random.default_rng(seed)
    numbers = {name: jnp.asarray(values) for name, values in posterior.items()}
    many = len(next(iter(posterior.values())))
    own: dict[str, Mapping[str, Array]] = {}
    out = []
    for row in asked:
        reason = _refused(row)
        if reason:
            out.append(PredictedEvent(row, row.share, {}, reason))
            continue
        if row.trial not in own:
            normal = jnp.asarray(rng.standard_normal((2, len(ADVERSE_EVENTS), many)))
            own[row.trial] = with_own_adverse_events(numbers, normal)
        expected = np.asarray(
            adverse_event_chance(
                {**numbers, **own[row.trial]}, row.event, active=is_active(row), dose_mg=nasal_dose_mg(row)
            )
        )
        ways = {"model": expected, POOLED: _pooled(row, many, rng)}
        happened = _happened(row)
        unscored = (
            "" if happened is not None else "no fraction to compare, only a bound" if row.at_least else "no value"
        )
        forecasts = {by: _forecast(row.n, each, happened, rng) for by, each in ways.items()}
        out.append(PredictedEvent(row, row.share, forecasts, unscored))
    return tuple(out)


def summarise_events(predicted: Iterable[PredictedEvent]) -> tuple[EventScore, ...]:
    """Average the scores by kind of arm and way of predicting."""
    scored = [each for each in predicted if each.forecasts and not each.reason]
    out = []
    for arms, active in (("with the drug", True), ("controls", False)):
        mine = [each for each in scored if is_active(each.row) == active]
        for by in ("model", POOLED) if mine else ():
            found = [each.forecasts[by] for each in mine]
            means = {
                name: float(np.mean([float(getattr(each, name)) for each in found]))
                for name in ("in50", "in90", "error", "crps", "log_score")
            }
            out.append(EventScore(arms, by, len(found), *means.values()))
    return tuple(out)


def _refused(row: AdverseEvent) -> str:
    """Say why a row is no quantity of the model; nothing if it is one."""
    if row.event not in ADVERSE_EVENTS:
        return "not among the simulated events"
    if is_nasal(row) and nasal_dose_mg(row) is None:
        return "the dose is not understood"
    return ""


def _happened(row: AdverseEvent) -> int | None:
    """Give the count; from the printed fraction where no count was printed."""
    if row.at_least:
        return None
    if row.events is not None:
        return row.events
    return None if row.share is None else round(row.share * row.n)


def _pooled(row: AdverseEvent, many: int, rng: np.random.Generator) -> Float[np.ndarray, " draws"]:
    """Draw the pooled rate of the same event in the same kind of arm, with the uncertainty of its counts (Jeffreys)."""
    same = [each for each in fitted_events() if each.event == row.event and is_active(each) == is_active(row)]
    happened, people = sum(each.events or 0 for each in same), sum(each.n for each in same)
    return rng.beta(happened + 0.5, people - happened + 0.5, size=many)


def _forecast(
    people: int, expected: Float[np.ndarray, " draws"], happened: int | None, rng: np.random.Generator
) -> Forecast:
    shown = rng.binomial(people, expected) / people
    low90, low50, median, high50, high90 = (float(q) for q in np.quantile(shown, [0.05, 0.25, 0.5, 0.75, 0.95]))
    if happened is None:
        return Forecast(low90, low50, median, high50, high90)
    value, half = happened / people, 0.5 / people
    return Forecast(
        low90, low50, median, high50, high90,
        # A count on the edge of an interval of counts is inside it.
        in50=low50 - half <= value <= high50 + half,
        in90=low90 - half <= value <= high90 + half,
        error=abs(median - value),
        crps=crps(shown, value),
        log_score=log_score(expected, happened, people),
    )  # fmt: skip
