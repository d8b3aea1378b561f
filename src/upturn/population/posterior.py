"""What was learnt from the evidence: draws of the calibrated numbers, and where they come from.

What lives here: reading and writing draws. What does not: the fit (``upturn.inference``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float

from upturn.errors import OutputError, ParameterError
from upturn.files import reason, whole

__all__ = ["INFORMED", "Checked", "Learnt", "Posterior", "read_posterior", "shipped_posterior", "write_posterior"]

# A number whose variance contracted by less than this was not informed by the data.
INFORMED = 0.3
DRAWS, ABOUT = "posterior.npy", "posterior.yaml"


@dataclass(frozen=True)
class Learnt:
    """One calibrated number.

    Parameters
    ----------
    median, low, high
        Middle and 90 % interval of the posterior.
    contraction
        1 − posterior variance over prior variance, on the scale on which the prior is normal.
    r_hat, ess
        Convergence: rank-normalised R-hat, and the smaller of bulk and tail effective sample size.
    """

    median: float
    low: float
    high: float
    contraction: float
    r_hat: float
    ess: float


@dataclass(frozen=True)
class Checked:
    """One posterior-predictive check: how the published numbers look among those that the fitted model would give.

    Parameters
    ----------
    of
        ``everything``, ``kind`` or ``trial``.
    name
        Which kind or trial.
    numbers
        How many published numbers are in it.
    p
        Chance that a replicate lies farther from the model than the published numbers do; near 0 they lie too far,
        near 1 too close.
    """

    of: str
    name: str
    numbers: int
    p: float


@dataclass(frozen=True)
class Posterior:
    """Draws of the calibrated numbers.

    Parameters
    ----------
    draws
        Draws by name; the same row of every array belongs together.
    learnt
        Summary by name.
    evidence, version, seed
        Digest of the evidence, version of the code and random seed of the fit.
    fitted
        How many findings, adverse events and trials were fitted, and how: chains, draws, divergences.
    adverse_events
        Digest of the adverse events that were fitted; they are no part of the evidence's.
    checks
        Posterior-predictive checks of what the mood program was fitted to.
    """

    draws: Mapping[str, Float[np.ndarray, " draws"]]
    learnt: Mapping[str, Learnt]
    evidence: str
    version: str
    seed: int
    fitted: Mapping[str, int]
    adverse_events: str
    checks: tuple[Checked, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the draws."""
        content = np.ascontiguousarray(_table(self.draws)).tobytes() + "\n".join(self.draws).encode()
        return f"sha256:{hashlib.sha256(content).hexdigest()}"


@cache
def shipped_posterior() -> Posterior:
    """Give the posterior that comes with upturn."""
    with as_file(files("upturn.population").joinpath("posterior")) as folder:
        return read_posterior(folder)


def read_posterior(folder: Path) -> Posterior:
    """Read a posterior from a folder.

    Raises
    ------
    ParameterError
        A folder without a posterior, or draws that are not the ones described.
    """
    try:
        about: dict[str, Any] = yaml.safe_load((folder / ABOUT).read_text(encoding="utf-8"))
        table = np.load(folder / DRAWS, allow_pickle=False)
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise ParameterError(
            "There is no posterior to read.",
            expected=f"a folder with {ABOUT} and {DRAWS}",
            came=type(problem).__name__,
            where=folder.name,
            remedy="upturn evidence calibrate --out FOLDER writes one",
        ) from problem
    names = list(about["learnt"])
    found = Posterior(
        draws={name: table[i].astype(float) for i, name in enumerate(names)},
        learnt={name: Learnt(**entry) for name, entry in about["learnt"].items()},
        evidence=about["evidence"],
        version=about["version"],
        seed=about["seed"],
        fitted=about["fitted"],
        adverse_events=about["adverse_events"],
        checks=tuple(Checked(**entry) for entry in about["checks"]),
    )
    if found.digest != about["draws"]:
        raise ParameterError(
            "The draws are not the ones described beside them.",
            expected=about["draws"],
            came=found.digest,
            where=folder.name,
            remedy="rebuild the posterior with upturn evidence calibrate",
        )
    return found


def write_posterior(posterior: Posterior, folder: Path) -> None:
    """Write a posterior into a folder, which is made if it is not there.

    Raises
    ------
    OutputError
        The folder cannot be written; a posterior that was there is left as it was.
    """
    about = {
        "evidence": posterior.evidence,
        "adverse_events": posterior.adverse_events,
        "version": posterior.version,
        "seed": posterior.seed,
        "draws": posterior.digest,
        "fitted": dict(posterior.fitted),
        "learnt": {name: asdict(each) for name, each in posterior.learnt.items()},
        "checks": [asdict(each) for each in posterior.checks],
    }
    table = BytesIO()
    np.save(table, _table(posterior.draws))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / DRAWS, folder / ABOUT) as (draws, description):
            draws.write_bytes(table.getvalue())
            description.write_text(yaml.safe_dump(about, sort_keys=False, allow_unicode=True), encoding="utf-8")
    except OSError as error:
        raise OutputError(
            "The posterior cannot be written.",
            expected="a folder that can be made and written",
            came=reason(error),
            where=str(folder),
            remedy="name another folder",
        ) from error


def _table(draws: Mapping[str, Float[np.ndarray, " draws"]]) -> Float[np.ndarray, "names draws"]:
    return np.stack([np.asarray(values, dtype=np.float32) for values in draws.values()])
