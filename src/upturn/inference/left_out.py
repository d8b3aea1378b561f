"""Leave each trial of the calibration out in turn, fit to the others, and predict it: are the intervals wide enough?

What lives here: the refits. What does not: scores (``score``) and the split that the evidence itself names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.infer import MCMC, NUTS, init_to_median

from upturn.evidence import Evidence
from upturn.inference.calibrate import QUICK, fitted_findings
from upturn.inference.fit import Diagnostics, Draws, Settings, diagnose
from upturn.inference.observations import Observations, observations
from upturn.inference.predict import predict
from upturn.inference.program import calibrated, program
from upturn.inference.score import Row, score_rows

__all__ = ["leave_out", "trials_to_leave_out"]


def trials_to_leave_out(evidence: Evidence) -> tuple[str, ...]:
    """Name the trials that the calibration is fitted to, in their order."""
    return tuple(dict.fromkeys(f.trial for f in fitted_findings(evidence)))


def leave_out(
    evidence: Evidence, trials: Sequence[str] | None = None, *, settings: Settings = QUICK
) -> dict[str, tuple[tuple[Row, ...], Diagnostics]]:
    """Fit to every fitted row but those of one trial, and predict those as of a trial that was never seen.

    Parameters
    ----------
    evidence
        Rows with their split; only fitted ones are used, and only the left-out trial's own fitted ones predicted.
    trials
        The trials that are left out, one at a time; all of them unless given.
    settings
        How long to draw.

    Returns
    -------
    dict
        By trial: its rows beside what was expected of them, the baselines' included (who have not seen the trial
        either); and how the fit converged.

    Raises
    ------
    ValueError
        If the calibration has no such trial.

    References
    ----------
    Vehtari, Gelman, Gabry 2017 (leave-one-group-out, here by refitting).
    """
    used = fitted_findings(evidence)
    chosen = trials_to_leave_out(evidence) if trials is None else tuple(trials)
    unknown = set(chosen) - {f.trial for f in used}
    if unknown:
        message = f"the calibration has no trial {', '.join(sorted(unknown))}"
        raise ValueError(message)
    seen = observations(evidence, used)
    fits = {trial: (draws, diagnose(draws, bad)) for trial, draws, bad in _refit(seen, chosen, settings)}
    # One call for all of them, since most of its time goes into compiling.
    together = {
        each.name: np.concatenate([draws[each.name].reshape(-1) for draws, _ in fits.values()]) for each in calibrated()
    }
    mine = replace(evidence, findings=tuple(f for f in used if f.trial in fits))
    expected = predict(mine, together, seed=settings.seed)
    out = {}
    for i, (trial, (_, judged)) in enumerate(fits.items()):
        own = slice(i * judged.draws, (i + 1) * judged.draws)
        rows = [
            replace(each, draws=each.draws[own], expected=each.expected[own])
            for each in expected
            if each.finding.trial == trial
        ]
        known = replace(evidence, findings=tuple(f for f in used if f.trial != trial))
        out[trial] = (score_rows(evidence, rows, known=known, seed=settings.seed), judged)
    return out


def _refit(seen: Observations, trials: Sequence[str], settings: Settings) -> Iterator[tuple[str, Draws, int]]:
    """Draw without each trial: one program, told which trials count."""
    kernel = NUTS(
        partial(program, seen),
        target_accept_prob=settings.target_accept,
        max_tree_depth=settings.max_tree_depth,
        init_strategy=init_to_median,
    )
    sampler = MCMC(
        kernel,
        num_warmup=settings.warmup,
        num_samples=settings.draws,
        num_chains=settings.chains,
        chain_method="sequential",
        progress_bar=False,
        jit_model_args=True,
    )
    for trial in trials:
        heard = jnp.array([each != trial for each in seen.trials])
        sampler.run(jax.random.key(settings.seed), heard, extra_fields=("diverging",))
        draws = {name: np.asarray(values) for name, values in sampler.get_samples(group_by_chain=True).items()}
        yield trial, draws, int(np.sum(np.asarray(sampler.get_extra_fields()["diverging"])))
