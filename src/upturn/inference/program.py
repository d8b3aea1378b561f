"""The Bayesian program of the evidence: priors, trial effects, and the likelihood of everything published.

What is joint is treated as joint: mean falls and contrasts of a trial share a covariance (people who are rated
repeatedly, control arms that are compared more than once), and responders in a group whose mean was published are
judged given that mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Bool, Float

from upturn.inference.numbers import evidence_numbers
from upturn.inference.observations import FRACTIONS, Count, Fall, Observations
from upturn.inference.quantities import Expected, Quantities, evaluate
from upturn.mood import mood_numbers
from upturn.parameters import Parameter
from upturn.plasticity import plasticity_numbers
from upturn.population import TRIAL_EFFECTS, trial_effects

__all__ = [
    "calibrated",
    "chance_shares",
    "count_shares",
    "draw_new_trial",
    "expectations",
    "fixed_numbers",
    "group_effects",
    "joint_falls",
    "prior",
    "program",
    "spread_of_spreads",
    "standardised_differences",
]


# Shares are kept this far from none and all.
LEAST = 1e-4


def calibrated() -> tuple[Parameter, ...]:
    """Give every number that has a prior and is learnt from the evidence."""
    files = (plasticity_numbers(), mood_numbers(), evidence_numbers())
    return tuple(p for file in files for p in file if p.prior is not None)


def fixed_numbers() -> dict[str, float]:
    """Give every number of the same files that is not learnt."""
    files = (plasticity_numbers(), mood_numbers(), evidence_numbers())
    return {p.name: p.value for file in files for p in file if p.prior is None}


def prior(parameter: Parameter, *, wider: float = 1.0) -> dist.Distribution:
    """Give the prior of a number; ``wider`` multiplies its spread."""
    spread = parameter.prior
    if spread is None:
        message = f"{parameter.name} has no prior"
        raise ValueError(message)
    sd = spread.sd * wider
    if spread.kind == "lognormal":
        return dist.LogNormal(np.log(parameter.value), sd)
    if spread.kind == "logit-normal":
        at = float(np.log(parameter.value / (1 - parameter.value)))
        return dist.TransformedDistribution(dist.Normal(at, sd), dist.transforms.SigmoidTransform())
    return dist.Normal(parameter.value, sd)


def group_effects(
    p: Mapping[str, Array], draws: Mapping[str, Float[Array, " trials"]]
) -> dict[str, Float[Array, " trials"]]:
    """Turn standard normal draws into what each trial has of its own."""
    own = {name: draws[name] for name in TRIAL_EFFECTS}
    level = p["baseline"] + p["baseline_between_trials"] * draws["baseline"]
    return trial_effects(dict(p), own) | {"baseline": level}


def program(
    seen: Observations,
    heard: Bool[Array, " trials"] | None = None,
    *,
    wider: Mapping[str, float] | None = None,
    likelihood: bool = True,
) -> None:
    """Run the program under NumPyro's handlers.

    Parameters
    ----------
    seen
        What was published.
    heard
        Of each trial, whether what it published counts; all of them unless given.
    wider
        By name: how many times wider a prior is than stated, for sensitivity runs.
    likelihood
        False to draw from the prior alone.
    """
    q = seen.asked
    wide = wider or {}
    sites = {each.name: numpyro.sample(each.name, prior(each, wider=wide.get(each.name, 1.0))) for each in calibrated()}
    standard = dist.Normal(0.0, 1.0)
    for name in (*TRIAL_EFFECTS, "baseline"):
        sites[f"trial_{name}"] = numpyro.sample(f"trial_{name}", standard.expand([len(seen.trials)]))
    for name, size in (("group", len(seen.apart)), ("chance", len(set(q.chance_group)))):
        if size:
            sites[name] = numpyro.sample(name, standard.expand([size]))
    p, _, found = expectations(seen, sites)
    if likelihood:
        _likelihood(seen, found, p, heard)


def expectations(
    seen: Observations, sites: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, Float[Array, " trials"]], Expected]:
    """Give the numbers, the trials' own effects and every expectation, from a draw of everything uncertain.

    Parameters
    ----------
    seen
        What was published.
    sites
        The calibrated numbers; ``trial_effect``, ``trial_acute``, ``trial_slow`` and ``trial_baseline``; and ``group``
        and ``chance``, how far groups lie from the model; all of these standard normal.
    """
    q = seen.asked
    p: dict[str, Array] = {name: jnp.asarray(value) for name, value in fixed_numbers().items()}
    p |= {each.name: sites[each.name] for each in calibrated()}
    effects = group_effects(p, {name: sites[f"trial_{name}"] for name in (*TRIAL_EFFECTS, "baseline")})
    shift = jnp.zeros(q.means)
    if len(seen.apart):
        shift = shift.at[seen.apart].set(p["between_groups"] * sites["group"])
    chance_shift = p["between_groups"] * (sites["chance"] if q.chances else jnp.zeros(0))
    found = evaluate(p, effects, q, shift=shift, chance_shift=chance_shift, fall_known=seen.fall_known)
    return p, effects, found


def _likelihood(seen: Observations, found: Expected, p: Mapping[str, Array], heard: Array | None) -> None:
    q = seen.asked

    def of(readings: np.ndarray | int) -> AbstractContextManager[object]:
        """Count what was published of readings, if their trials are heard."""
        return nullcontext() if heard is None else numpyro.handlers.mask(mask=heard[q.at.trial[readings]])

    for number, group in enumerate(seen.falls):
        mean, covariance = joint_falls(group, found, q, p, seen.people)
        with of(group[0].arm):
            numpyro.sample(
                f"falls_{number}", dist.MultivariateNormal(mean, covariance), obs=jnp.array([f.value for f in group])
            )
    if seen.standardised:
        with of(_arms(seen.standardised)):
            numpyro.sample(
                "standardised", dist.Normal(*standardised_differences(seen, found, p)), obs=_values(seen.standardised)
            )
    if seen.ideation:
        arm, control = _arms(seen.ideation), np.array([d.control for d in seen.ideation])
        mean = p["suicidal_ideation_effect"] * (found.growth[arm] - found.growth[control])
        with of(arm):
            numpyro.sample(
                "ideation", dist.Normal(mean, np.array([d.se for d in seen.ideation])), obs=_values(seen.ideation)
            )
    if seen.spreads:
        with of(np.array([i for i, _, _ in seen.spreads])):
            numpyro.sample(
                "spreads",
                dist.Normal(*spread_of_spreads(seen, found, p)),
                obs=np.log([sd for _, sd, _ in seen.spreads]),
            )
    first = np.array(q.chance_first, dtype=int)
    for name, rows, share, readings in (
        ("counts", seen.counts, count_shares(seen, found), [c.of for c in seen.counts]),
        ("chances", seen.chances, chance_shares(seen, found), [int(first[c.of]) for c in seen.chances]),
    ):
        if rows:
            people = np.array([c.people for c in rows])
            with of(np.array(readings)):
                numpyro.sample(name, dist.Binomial(people, probs=share), obs=np.array([c.happened for c in rows]))


def count_shares(seen: Observations, found: Expected) -> Float[Array, " counts"]:
    """Give the expected share of every count of responders and remitters."""
    by_measure = jnp.stack([found.response, found.remission_10, found.remission_12])
    measure = np.array([FRACTIONS.index(c.measure) for c in seen.counts], dtype=int)
    return _within(by_measure[measure, np.array([c.of for c in seen.counts], dtype=int)], seen.counts)


def chance_shares(seen: Observations, found: Expected) -> Float[Array, " chances"]:
    """Give the expected share of every count over repeated ratings."""
    return _within(found.chance[np.array([c.of for c in seen.chances], dtype=int)], seen.chances)


def _within(share: Float[Array, " rows"], rows: Sequence[Count]) -> Float[Array, " rows"]:
    """Turn shares of everybody into shares of those among whom they were counted."""
    outer = np.array([i if c.within < 0 else c.within for i, c in enumerate(rows)], dtype=int)
    is_part = np.array([c.within >= 0 for c in rows], dtype=bool)
    return jnp.clip(jnp.where(is_part, share / jnp.maximum(share[outer], LEAST), share), LEAST, 1 - LEAST)


def joint_falls(
    group: tuple[Fall, ...],
    found: Expected,
    q: Quantities,
    p: Mapping[str, Array],
    people: np.ndarray,
) -> tuple[Float[Array, " rows"], Float[Array, "rows rows"]]:
    """Give mean and covariance of a trial's mean falls and differences.

    The correlation comes from the people: ratings of one group at two times share everything but the reading noise,
    and two differences share their control group. The size of each error is the published one where there is one.

    Parameters
    ----------
    group
        The rows.
    found
        Expectations.
    q
        What was asked for.
    p
        Numbers.
    people
        People at each reading; 0 where not published.
    """
    readings = sorted({r for f in group for r in (f.arm, f.control) if r is not None})
    place = {r: i for i, r in enumerate(readings)}
    pick = np.zeros((len(group), len(readings)))
    for i, f in enumerate(group):
        pick[i, place[f.arm]] = 1.0
        if f.control is not None:
            pick[i, place[f.control]] = -1.0
    at = np.array(readings)
    course = q.laid.reading_course[at]
    same = course[:, None] == course[None, :]
    sd = found.sd[at]
    between = jnp.sqrt(jnp.maximum(sd**2 - p["reading_noise"] ** 2, 0.0))
    # Groups whose size is not known take part in differences only, whose own error is published.
    size = np.where(people[at] > 0, people[at], evidence_numbers().value("unknown_group_size"))
    shared = between[:, None] * between[None, :] + jnp.diag(jnp.full(len(readings), p["reading_noise"] ** 2))
    sampling = jnp.where(same, shared / np.sqrt(size[:, None] * size[None, :]), 0.0)
    rows = jnp.asarray(pick) @ sampling @ pick.T
    scale = jnp.sqrt(jnp.diag(rows))
    published = np.array([f.se for f in group])
    se = jnp.where(np.isnan(published), scale, jnp.nan_to_num(published))
    rows = rows * (se / scale)[:, None] * (se / scale)[None, :]
    apart = p["between_groups"] ** 2 * (pick @ pick.T)
    return jnp.asarray(pick) @ found.fall[at], rows + apart + 1e-6 * np.eye(len(group))


def standardised_differences(
    seen: Observations, found: Expected, p: Mapping[str, Array]
) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
    """Give mean and standard deviation of the published standardised differences."""
    arm, control = _arms(seen.standardised), np.array([d.control for d in seen.standardised])
    pooled = jnp.sqrt((found.sd[arm] ** 2 + found.sd[control] ** 2) / 2)
    se = np.array([d.se for d in seen.standardised])
    apart = jnp.sqrt(se**2 + 2 * (p["between_groups"] / found.sd[arm]) ** 2)
    return (found.fall[arm] - found.fall[control]) / pooled, apart


def spread_of_spreads(
    seen: Observations, found: Expected, p: Mapping[str, Array]
) -> tuple[Float[Array, " rows"], Float[Array, " rows"]]:
    """Give mean and standard deviation of the logarithms of the published standard deviations."""
    at = np.array([i for i, _, _ in seen.spreads])
    n = np.array([n for _, _, n in seen.spreads], dtype=float)
    return jnp.log(found.sd[at]), jnp.sqrt(1 / (2 * (n - 1)) + p["between_spreads"] ** 2)


def _arms(rows: Any) -> np.ndarray:
    return np.array([d.arm for d in rows])


def _values(rows: Any) -> Float[np.ndarray, " rows"]:
    return np.array([d.value for d in rows])


def draw_new_trial(key: Array, n: int) -> dict[str, Array]:
    """Draw what new trials have of their own; standard normal."""
    keys = jax.random.split(key, len(TRIAL_EFFECTS) + 1)
    return {name: jax.random.normal(k, (n,)) for name, k in zip((*TRIAL_EFFECTS, "baseline"), keys, strict=True)}
