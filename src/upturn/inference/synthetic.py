"""Evidence that was never published: numbers drawn from the prior, and what trials of the same design would print.

With these the program is judged: what it learns must cover what was put in (Talts 2018).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import jax
import numpy as np
import numpyro
from jaxtyping import Array, Float

from upturn.inference.observations import Count, Observations
from upturn.inference.program import chance_shares, count_shares, expectations, joint_falls, program

__all__ = ["draw_prior", "ranks", "simulate"]


def draw_prior(seen: Observations, seed: int) -> dict[str, Array]:
    """Draw every number, trial effect and group effect once from the prior."""
    with numpyro.handlers.seed(rng_seed=jax.random.key(seed)), numpyro.handlers.trace() as trace:
        program(seen, likelihood=False)
    return {name: site["value"] for name, site in trace.items() if site["type"] == "sample"}


def simulate(seen: Observations, truth: Mapping[str, Array], seed: int) -> Observations:
    """Simulate what trials of the same design would print if ``truth`` held.

    Parameters
    ----------
    seen
        Whose design is taken: arms, times, numbers of people, which numbers are printed.
    truth
        From :func:`draw_prior`.
    seed
        Random seed.
    """
    rng = np.random.default_rng(seed)
    blank = replace(seen, fall_known=np.full_like(seen.fall_known, np.nan))
    p, _, found = expectations(blank, truth)
    known = np.full_like(seen.fall_known, np.nan)
    falls = []
    for group in seen.falls:
        mean, covariance = joint_falls(group, found, seen.asked, p, seen.people)
        values = rng.multivariate_normal(np.asarray(mean), np.asarray(covariance))
        falls.append(tuple(row._replace(value=float(v)) for row, v in zip(group, values, strict=True)))
        for row in falls[-1]:
            if row.control is None:
                known[row.arm] = row.value
        for row in falls[-1]:
            if row.control is not None:
                known[row.arm] = known[row.control] + row.value
    known = np.where(np.isnan(seen.fall_known), np.nan, known)
    told = replace(seen, falls=tuple(falls), fall_known=known)
    p, _, found = expectations(told, truth)
    sd = np.asarray(found.sd)
    growth = np.asarray(found.growth) * float(p["suicidal_ideation_effect"])
    fall = np.asarray(found.fall)
    between = float(p["between_spreads"])
    apart = np.sqrt(2) * float(p["between_groups"])
    return replace(
        told,
        standardised=tuple(
            d._replace(value=float(rng.normal((fall[d.arm] - fall[d.control]) / _pooled(sd, d.arm, d.control),
                                              np.hypot(d.se, apart / sd[d.arm]))))
            for d in seen.standardised
        ),
        ideation=tuple(
            d._replace(value=float(rng.normal(growth[d.arm] - growth[d.control], d.se)))
            for d in seen.ideation
        ),
        spreads=tuple(
            (i, float(sd[i] * np.exp(rng.normal(0, np.hypot(1 / np.sqrt(2 * (n - 1)), between)))), n)
            for i, _, n in seen.spreads
        ),
        counts=_counted(seen.counts, np.asarray(count_shares(told, found)), rng),
        chances=_counted(seen.chances, np.asarray(chance_shares(told, found)), rng),
    )  # fmt: skip


def ranks(truth: Mapping[str, Array], draws: Mapping[str, Float[np.ndarray, "chains draws"]]) -> dict[str, float]:
    """Give the rank of the truth among the draws, from 0 to 1; uniform if the program is sound."""
    return {name: float(np.mean(values < float(truth[name]))) for name, values in draws.items() if values.ndim == 2}


def _pooled(sd: Float[np.ndarray, " readings"], arm: int, control: int) -> float:
    return float(np.sqrt((sd[arm] ** 2 + sd[control] ** 2) / 2))


def _counted(
    counts: Sequence[Count], share: Float[np.ndarray, " counts"], rng: np.random.Generator
) -> tuple[Count, ...]:
    """Draw the counts, those of everybody first."""
    out = list(counts)
    for i in sorted(range(len(counts)), key=lambda i: counts[i].within >= 0):
        people = counts[i].people if counts[i].within < 0 else out[counts[i].within].happened
        out[i] = counts[i]._replace(happened=int(rng.binomial(people, share[i])), people=people)
    return tuple(out)
