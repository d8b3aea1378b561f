"""Posterior-predictive checks: how far the published numbers lie from the fitted model, beside what it would publish.

The distance is a realised discrepancy (Gelman, Meng and Stern 1996): for every draw of everything uncertain, the
trials' own effects included, the squared Mahalanobis distance of what is jointly normal, and the deviance of counts;
the same for numbers that the model draws anew with that draw. What lives here: distances and their p-values. What does
not: predictions of new trials (``predict``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.inference.observations import Count, Observations
from upturn.inference.program import (
    chance_shares,
    count_shares,
    expectations,
    joint_falls,
    spread_of_spreads,
    standardised_differences,
)
from upturn.population import Checked

__all__ = ["KINDS", "check"]

# "means" are those of control arms, and of arms without a published contrast.
KINDS = (
    "means", "contrasts", "standardised contrasts", "suicidal ideation", "spreads", "fractions", "durability",
)  # fmt: skip
PER_CALL = 50
Draws = Mapping[str, Float[np.ndarray, "chains draws *shape"]]


@dataclass(frozen=True)
class Distance:
    """Distance of some numbers from the model, draw by draw: as published, and as drawn anew."""

    kind: str
    trial: str
    numbers: int
    published: Float[np.ndarray, " draws"]
    anew: Float[np.ndarray, " draws"]


def check(seen: Observations, draws: Draws, *, keep: int, seed: int) -> tuple[Checked, ...]:
    """Check the fit of the mood program: of everything, by kind and by trial.

    Parameters
    ----------
    seen
        What was fitted.
    draws
        Draws of every site of the program, by chain.
    keep
        How many of the draws to use, evenly spread.
    seed
        Random seed of the replicates.

    Returns
    -------
    tuple
        Everything first, then the kinds in the order of :data:`KINDS`, then the trials. Kinds are judged by their own
        numbers alone; everything and the trials by whole blocks, with the covariance between means and contrasts.
    """
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.items()}
    total = len(next(iter(flat.values())))
    chosen = np.linspace(0, total - 1, min(keep, total)).astype(int)
    found = _expected(seen, {name: jnp.asarray(values[chosen]) for name, values in flat.items()})
    rng = np.random.default_rng(seed)
    blocks = list(_blocks(seen, found, rng))
    whole = [each for each in blocks if each.kind in KINDS[2:] or each.kind == "falls"]
    out = [_checked("everything", "everything", whole)]
    out += [_checked("kind", kind, mine) for kind in KINDS if (mine := [b for b in blocks if b.kind == kind])]
    out += [_checked("trial", trial, [b for b in whole if b.trial == trial]) for trial in sorted(seen.trials)]
    return tuple(out)


def _checked(of: str, name: str, distances: list[Distance]) -> Checked:
    published = sum((each.published for each in distances), start=np.zeros(1))
    anew = sum((each.anew for each in distances), start=np.zeros(1))
    return Checked(of, name, sum(each.numbers for each in distances), round(float(np.mean(anew >= published)), 3))


def _expected(seen: Observations, sites: Mapping[str, Array]) -> dict[str, Any]:
    """Give mean and covariance, or chance, of everything published, for every draw."""

    def one(at: Mapping[str, Array]) -> dict[str, Any]:
        p, _, found = expectations(seen, at)
        out: dict[str, Any] = {"falls": tuple(joint_falls(g, found, seen.asked, p, seen.people) for g in seen.falls)}
        if seen.standardised:
            out["standardised"] = standardised_differences(seen, found, p)
        if seen.ideation:
            arm, control = (np.array([getattr(d, side) for d in seen.ideation]) for side in ("arm", "control"))
            out["ideation"] = p["suicidal_ideation_effect"] * (found.growth[arm] - found.growth[control])
        if seen.spreads:
            out["spreads"] = spread_of_spreads(seen, found, p)
        return out | {"counts": count_shares(seen, found), "chances": chance_shares(seen, found)}

    expected: dict[str, Any] = jax.device_get(jax.lax.map(one, dict(sites), batch_size=PER_CALL))
    return expected


def _blocks(seen: Observations, found: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Distance]:
    trial_of = [seen.trials[number] for number in seen.asked.at.trial]
    for group, (mean, covariance) in zip(seen.falls, found["falls"], strict=True):
        trial = trial_of[group[0].arm]
        value = np.array([f.value for f in group])
        anew = mean + np.einsum("dij,dj->di", np.linalg.cholesky(covariance), rng.standard_normal(mean.shape))
        versus = np.array([f.control is not None for f in group])
        for kind, rows in (("falls", versus | ~versus), ("means", ~versus), ("contrasts", versus)):
            if rows.any():
                part = covariance[:, rows][:, :, rows]
                distances = [_mahalanobis(each[..., rows] - mean[:, rows], part) for each in (value, anew)]
                yield Distance(kind, trial, int(rows.sum()), distances[0], distances[1])
    if seen.standardised:
        mean, sd = found["standardised"]
        value = np.array([d.value for d in seen.standardised])
        yield from _singly("standardised contrasts", [trial_of[d.arm] for d in seen.standardised], value, mean, sd, rng)
    if seen.ideation:
        value, sd = (np.array([getattr(d, name) for d in seen.ideation]) for name in ("value", "se"))
        trials = [trial_of[d.arm] for d in seen.ideation]
        yield from _singly("suicidal ideation", trials, value, found["ideation"], sd, rng)
    if seen.spreads:
        mean, sd = found["spreads"]
        value = np.log([each for _, each, _ in seen.spreads])
        yield from _singly("spreads", [trial_of[at] for at, _, _ in seen.spreads], value, mean, sd, rng)
    first = seen.asked.chance_first
    yield from _counted("fractions", [trial_of[c.of] for c in seen.counts], seen.counts, found["counts"], rng)
    trials = [trial_of[first[c.of]] for c in seen.chances]
    yield from _counted("durability", trials, seen.chances, found["chances"], rng)


def _mahalanobis(
    away: Float[np.ndarray, "draws rows"], covariance: Float[np.ndarray, "draws rows rows"]
) -> Float[np.ndarray, " draws"]:
    """Give the squared Mahalanobis distance.

    Examples
    --------
    >>> float(_mahalanobis(np.array([[3.0, 0.0]]), np.array([[[9.0, 0.0], [0.0, 1.0]]]))[0])
    1.0
    """
    return np.einsum("di,di->d", away, np.linalg.solve(covariance, away[..., None])[..., 0])


def _singly(
    kind: str,
    trials: list[str],
    value: Float[np.ndarray, " rows"],
    mean: Float[np.ndarray, "draws rows"],
    sd: Float[np.ndarray, "draws rows"] | Float[np.ndarray, " rows"],
    rng: np.random.Generator,
) -> Iterator[Distance]:
    """Give the distances of numbers that are normal, each by itself."""
    published = ((value - mean) / sd) ** 2
    anew = rng.standard_normal(mean.shape) ** 2
    for i, trial in enumerate(trials):
        yield Distance(kind, trial, 1, published[:, i], anew[:, i])


def _counted(
    kind: str,
    trials: list[str],
    counts: tuple[Count, ...],
    share: Float[np.ndarray, "draws rows"],
    rng: np.random.Generator,
) -> Iterator[Distance]:
    """Give the deviances of counts; part of another count is judged among those whom that one counted."""
    for i, (count, trial) in enumerate(zip(counts, trials, strict=True)):
        anew = rng.binomial(count.people, share[:, i])
        yield Distance(
            kind, trial, 1, deviance(np.full(len(anew), count.happened), count.people, share[:, i]),
            deviance(anew, count.people, share[:, i]),
        )  # fmt: skip


def deviance(happened: np.ndarray, people: int, share: Float[np.ndarray, " draws"]) -> Float[np.ndarray, " draws"]:
    """Give the deviance of counts: 2 Σ observed · ln(observed / expected), over those who had the event and the rest.

    Examples
    --------
    >>> deviance(np.array([5, 0]), 10, np.array([0.5, 0.5])).round(3).tolist()
    [0.0, 13.863]
    """
    out = np.zeros(len(share))
    for observed, expected in ((happened, people * share), (people - happened, people * (1 - share))):
        some = observed > 0
        out += 2 * np.where(some, observed * np.log(np.where(some, observed, 1) / expected), 0.0)
    return out
