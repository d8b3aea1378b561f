"""Draw from the posterior, and say how far the draws can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from arviz_stats.base.array import array_stats
from jaxtyping import Float
from numpyro.infer import MCMC, NUTS, init_to_median

__all__ = ["Diagnostics", "Draws", "Settings", "diagnose", "fit"]

Draws = dict[str, Float[np.ndarray, "chains draws *shape"]]


@dataclass(frozen=True)
class Settings:
    """How long to draw.

    Parameters
    ----------
    dense
        Whether the steps learn how the numbers hang together (a whole mass matrix) and not only how far each one
        ranges: pays with a dozen numbers that pull on each other, not with hundreds.
    """

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target_accept: float = 0.9
    max_tree_depth: int = 8
    seed: int = 1
    dense: bool = False


@dataclass(frozen=True)
class Diagnostics:
    """Convergence of one fit.

    Parameters
    ----------
    r_hat, ess_bulk, ess_tail
        Rank-normalised R-hat and effective sample sizes by name (Vehtari 2021).
    divergences
        Number of divergent transitions.
    draws
        Number of draws of all chains.
    """

    r_hat: Mapping[str, float]
    ess_bulk: Mapping[str, float]
    ess_tail: Mapping[str, float]
    divergences: int
    draws: int

    @property
    def worst_r_hat(self) -> float:
        """Largest R-hat."""
        return max(self.r_hat.values())

    @property
    def least_ess(self) -> float:
        """Smallest effective sample size."""
        return min([*self.ess_bulk.values(), *self.ess_tail.values()])


def fit(
    program: Callable[..., None], *arguments: Any, settings: Settings, progress: bool = False, **more: Any
) -> tuple[Draws, int]:
    """Draw from the posterior of a program with NUTS, chains side by side on the cores.

    Returns
    -------
    tuple
        The draws of every site, by chain; and the number of divergent transitions.
    """
    kernel = NUTS(
        program,
        target_accept_prob=settings.target_accept,
        max_tree_depth=settings.max_tree_depth,
        init_strategy=init_to_median,
        dense_mass=settings.dense,
    )
    # As many chains at once as there are cores; each has a key of its own, so that their number changes nothing.
    at_once = max(n for n in range(1, settings.chains + 1) if settings.chains % n == 0 and n <= len(jax.devices()))
    keys = jax.random.split(jax.random.key(settings.seed), settings.chains).reshape(-1, at_once)
    mcmc = MCMC(
        kernel,
        num_warmup=settings.warmup,
        num_samples=settings.draws,
        num_chains=at_once,
        chain_method="parallel",
        progress_bar=progress,
    )
    found: list[dict[str, Any]] = []
    divergences = 0
    for batch in keys:
        mcmc.run(batch if at_once > 1 else batch[0], *arguments, extra_fields=("diverging",), **more)
        found.append({name: np.asarray(values) for name, values in mcmc.get_samples(group_by_chain=True).items()})
        divergences += int(np.sum(np.asarray(mcmc.get_extra_fields()["diverging"])))
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}, divergences


def diagnose(draws: Draws, divergences: int) -> Diagnostics:
    """Judge convergence of every number, each element of an array by itself."""
    flat = {
        (name if values.ndim == 2 else f"{name}[{i}]"): values.reshape(*values.shape[:2], -1)[..., i]
        for name, values in draws.items()
        for i in range(int(np.prod(values.shape[2:])))
    }
    axes = {"chain_axis": 0, "draw_axis": 1}
    tails = {"prob": (0.05, 0.95)}
    return Diagnostics(
        r_hat={name: float(array_stats.rhat(x, **axes)) for name, x in flat.items()},
        ess_bulk={name: float(array_stats.ess(x, method="bulk", **axes)) for name, x in flat.items()},
        ess_tail={name: float(array_stats.ess(x, method="tail", **tails, **axes)) for name, x in flat.items()},
        divergences=divergences,
        draws=int(np.prod(next(iter(draws.values())).shape[:2])),
    )
