"""Fit the model to the shipped evidence, and keep what was learnt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import yaml

from upturn import __version__
from upturn.evidence import Evidence, Finding, shipped
from upturn.inference.acute import acute_program, calibrated_events, digest_of_events, fitted_events, lay_out
from upturn.inference.checks import check
from upturn.inference.fit import Diagnostics, Draws, Settings, diagnose, fit
from upturn.inference.observations import Observations, observations
from upturn.inference.program import calibrated, program
from upturn.parameters import Parameter
from upturn.population import Learnt, Posterior

__all__ = [
    "FULL", "KEPT", "QUICK", "SetAside", "all_calibrated", "calibrate", "contraction", "fitted_findings", "learnt",
    "set_aside",
]  # fmt: skip

FULL = Settings(chains=4, warmup=500, draws=500)
QUICK = Settings(chains=2, warmup=200, draws=200)
# Draws that are kept and shipped.
KEPT = 500


@dataclass(frozen=True)
class SetAside:
    """Rows of the calibration split that the fit leaves out: of one arm, and of one measure where that is named."""

    trial: str
    arm: str
    reason: str
    measure: str = ""


@cache
def set_aside() -> tuple[SetAside, ...]:
    """Name the rows of the calibration split that are not fitted, with the reason for each."""
    text = files("upturn.inference").joinpath("set_aside.yaml").read_text(encoding="utf-8")
    return tuple(SetAside(**entry) for entry in yaml.safe_load(text))


def fitted_findings(evidence: Evidence) -> tuple[Finding, ...]:
    """Give the findings that the calibration is fitted to."""
    return tuple(f for f in evidence.findings if f.split == "calibration" and not _is_aside(f))


def _is_aside(f: Finding) -> bool:
    return any((f.trial, f.arm) == (each.trial, each.arm) and each.measure in ("", f.measure) for each in set_aside())


def all_calibrated() -> tuple[Parameter, ...]:
    """Give every number that is learnt: those of the mood program, then those of adverse events."""
    return (*calibrated(), *calibrated_events())


@dataclass(frozen=True)
class Calibration:
    """One fit of both programs: what was learnt, every draw, how it converged, and what the mood program saw."""

    posterior: Posterior
    draws: Draws
    diagnostics: Diagnostics
    seen: Observations


def calibrate(
    settings: Settings = FULL, *, wider: dict[str, float] | None = None, progress: bool = False
) -> Calibration:
    """Fit the model to the calibration rows of the shipped evidence.

    Mood and adverse events share neither numbers nor data, so that their joint posterior is the product of two; each
    program is drawn from by itself.

    Parameters
    ----------
    settings
        How long to draw.
    wider
        By name: how many times wider a prior is than stated, for sensitivity runs.
    progress
        Show the sampler's progress bars.
    """
    evidence = shipped()
    used = fitted_findings(evidence)
    seen = observations(evidence, used)
    events = lay_out(fitted_events())
    mood, of_mood = fit(program, seen, settings=settings, progress=progress, wider=wider)
    acute, of_acute = fit(acute_program, events, settings=settings, progress=progress, wider=wider)
    draws, divergences = mood | acute, of_mood + of_acute
    judged = diagnose(draws, divergences)
    posterior = Posterior(
        draws=thinned(draws, KEPT),
        learnt=learnt(draws, judged),
        evidence=evidence.digest,
        version=__version__,
        seed=settings.seed,
        fitted={
            "findings": len(used),
            "trials": len(seen.trials),
            "adverse_event_counts": len(events.rows),
            "adverse_event_trials": len(events.trials),
            "chains": settings.chains,
            "draws": judged.draws,
            "divergences": divergences,
        },
        adverse_events=digest_of_events(events.rows),
        checks=check(seen, mood, keep=KEPT, seed=settings.seed),
    )
    return Calibration(posterior, draws, judged, seen)


def thinned(draws: Draws, keep: int) -> dict[str, np.ndarray]:
    """Thin the draws of all chains to ``keep`` of each calibrated number."""
    flat = {p.name: draws[p.name].reshape(-1) for p in all_calibrated()}
    total = len(next(iter(flat.values())))
    chosen = np.linspace(0, total - 1, min(keep, total)).astype(int)
    return {name: values[chosen] for name, values in flat.items()}


def learnt(draws: Draws, judged: Diagnostics) -> dict[str, Learnt]:
    """Summarise every calibrated number among the draws."""
    out = {}
    for parameter in (each for each in all_calibrated() if each.name in draws):
        values = draws[parameter.name].reshape(-1)
        low, median, high = np.quantile(values, [0.05, 0.5, 0.95])
        out[parameter.name] = Learnt(
            median=_plain(median),
            low=_plain(low),
            high=_plain(high),
            contraction=_plain(contraction(parameter, values)),
            r_hat=_plain(judged.r_hat[parameter.name]),
            ess=float(round(min(judged.ess_bulk[parameter.name], judged.ess_tail[parameter.name]))),
        )
    return out


def contraction(parameter: Parameter, values: np.ndarray) -> float:
    """Give 1 − posterior variance over prior variance, on the scale on which the prior is normal."""
    spread = parameter.prior
    if spread is None:
        return 0.0
    scaled = values
    if spread.kind == "lognormal":
        scaled = np.log(values)
    elif spread.kind == "logit-normal":
        scaled = np.log(values / (1 - values))
    return float(1 - np.var(scaled) / spread.sd**2)


def _plain(value: float) -> float:
    return float(f"{value:.4g}")
