"""``upturn evidence table|claims|calibrate|predict``: published numbers, what was learnt from them, and the score.

What lives here: the commands and their JSON. What does not: how a table looks (``evidence_tables``).
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from upturn import __version__, evidence
from upturn.cli import evidence_tables as tables
from upturn.cli.output import print_json, wide_console, writable_folder

if TYPE_CHECKING:
    from upturn.inference.calibrate import Calibration, SetAside
    from upturn.inference.hypothetical import Estimate
    from upturn.inference.score import Row

__all__ = ["app"]

app = typer.Typer(
    help="Show the published numbers, set claims beside them, fit the model to them, and predict other tables.",
    no_args_is_help=True,
)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
AS_NEW = (
    "Every trial is predicted as new: also rows that were fitted are predicted as if their trial had not been seen, so "
    "that only the shared numbers know of it."
)
CAUTION = "For research and education; decisions belong to the treating clinician."


@app.command("table")
def table(as_json: AsJson = False) -> None:
    """Show every trial of the shipped evidence, what it is used for, and what is left out with the reason."""
    from upturn.inference.calibrate import set_aside  # noqa: PLC0415

    known = evidence.shipped()
    entries = [_trial(known, trial, set_aside()) for trial in evidence.trials()]
    left_out = [asdict(each) for each in evidence.not_used()]
    if as_json:
        print_json({"evidence": known.digest, "trials": entries, "not_used": left_out})
        return
    console = wide_console()
    console.print(tables.trials(entries))
    console.print(tables.set_aside(entries))
    console.print(tables.not_used(left_out))
    console.print(f"Evidence: {known.digest}", markup=False)


def _trial(known: evidence.Evidence, trial: str, aside: tuple[SetAside, ...]) -> dict[str, Any]:
    arms = [arm for arm in known.arms.values() if arm.trial == trial]
    return {
        "trial": trial,
        "conditions": list(dict.fromkeys(arm.condition for arm in arms)),
        "arms": [arm.arm for arm in arms],
        "findings": dict(Counter(each.split for each in known.findings if each.trial == trial)),
        "set_aside": [asdict(each) for each in aside if each.trial == trial],
        "not_used": [each.what for each in evidence.not_used() if each.trial == trial],
    }


@app.command("claims")
def claims(as_json: AsJson = False) -> None:
    """Show popular claims: the verdict of the published numbers, and the model's own number beside it."""
    with _working("Asking the model for its numbers"):
        from upturn.inference.claims import judge  # noqa: PLC0415
        from upturn.population import shipped_posterior  # noqa: PLC0415

        posterior = shipped_posterior()
        found = judge(posterior.draws)
    if as_json:
        print_json(
            {
                "version": __version__,
                "posterior": posterior.digest,
                "claims": [
                    asdict(each.claim)
                    | {
                        "model": _estimate(each.estimate),
                        "verdict_by_model_alone": each.verdict or None,
                        "differs": each.differs,
                        "rules": each.rules or None,
                    }
                    for each in found
                ],
            }
        )
        return
    console = Console(highlight=False)
    for each in found:
        console.print(tables.claim(each))
    console.print(f"Posterior: {posterior.digest}\n{CAUTION}", style="dim", markup=False, soft_wrap=True)


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    return None if estimate is None else asdict(estimate) | {"in_words": estimate.in_words()}


@app.command("calibrate")
def calibrate(
    quick: Annotated[bool, typer.Option("--quick", help="Few draws, to look; not for use.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the posterior.")] = None,
    other_priors: Annotated[
        bool, typer.Option("--sensitivity", help="Instead: quick fits with other priors, side by side.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fit the model to the shipped evidence and say what was learnt; the full fit takes long."""
    folder = writable_folder(out) if out else None
    if other_priors:
        _sensitivity(as_json=as_json)
        return
    from upturn.inference.calibrate import FULL, QUICK  # noqa: PLC0415
    from upturn.inference.calibrate import calibrate as fit_all  # noqa: PLC0415
    from upturn.population import write_posterior  # noqa: PLC0415

    started = time.perf_counter()
    found = fit_all(QUICK if quick else FULL, progress=sys.stderr.isatty())
    seconds = time.perf_counter() - started
    if folder:
        write_posterior(found.posterior, folder)
    content = _calibration(found, quick=quick, seconds=seconds, folder=folder)
    if as_json:
        print_json(content)
        return
    console = wide_console()
    console.print(tables.learnt(content["learnt"]))
    console.print(tables.fitted(content), markup=False)


def _sensitivity(*, as_json: bool) -> None:
    from upturn.inference.sensitivity import sensitivity  # noqa: PLC0415

    runs = sensitivity()
    if as_json:
        print_json(
            {"evidence": evidence.shipped().digest, "version": __version__, "runs": [asdict(run) for run in runs]}
        )
        return
    wide_console().print(tables.sensitivity(runs))


def _calibration(found: Calibration, *, quick: bool, seconds: float, folder: Path | None) -> dict[str, Any]:
    from upturn.inference.calibrate import all_calibrated  # noqa: PLC0415
    from upturn.population import INFORMED  # noqa: PLC0415

    learnt = []
    for parameter in all_calibrated():
        each = found.posterior.learnt[parameter.name]
        low, median, high = tables.prior_range(parameter)
        learnt.append(
            {
                "name": parameter.name,
                "unit": parameter.unit,
                "prior": {"median": median, "low": low, "high": high},
                "posterior": {"median": each.median, "low": each.low, "high": each.high},
                "contraction": each.contraction,
                "informed": each.contraction >= INFORMED,
                "r_hat": each.r_hat,
                "ess": each.ess,
            }
        )
    return {
        "version": found.posterior.version,
        "evidence": found.posterior.evidence,
        "adverse_events": found.posterior.adverse_events,
        "posterior": found.posterior.digest,
        "seed": found.posterior.seed,
        "quick": quick,
        "seconds": round(seconds, 1),
        "fitted": dict(found.posterior.fitted),
        "worst_r_hat": found.diagnostics.worst_r_hat,
        "least_ess": found.diagnostics.least_ess,
        "checks": [asdict(each) for each in found.posterior.checks],
        "folder": str(folder.resolve()) if folder else None,
        "learnt": learnt,
    }


@app.command("predict")
def predict(
    file: Annotated[
        Path, typer.Argument(metavar="TABLE.csv", help="A table of published numbers; docs/evidence.md names columns.")
    ],
    as_json: AsJson = False,
) -> None:
    """Predict every row of a table of published numbers, each trial as new, and score what can be scored."""
    given = evidence.read_table(file)
    with _working(f"Predicting {len(given.findings)} numbers"):
        from upturn.inference.predict import predict as predict_rows  # noqa: PLC0415
        from upturn.inference.score import score_rows, summarise  # noqa: PLC0415
        from upturn.population import shipped_posterior  # noqa: PLC0415

        posterior = shipped_posterior()
        rows = score_rows(given, predict_rows(given, posterior.draws))
        scores = tables.in_order(summarise(rows))
    if as_json:
        print_json(
            {
                "version": __version__,
                "posterior": posterior.digest,
                "fitted_to": posterior.evidence,
                "table": given.digest,
                "as_new": AS_NEW,
                "rows": [_row(each) for each in rows],
                "refused": [asdict(each) for each in given.refusals],
                "scores": [asdict(each) for each in scores],
            }
        )
        return
    console = wide_console()
    for each in (
        tables.predicted(rows), tables.unscored(rows, given.refusals), tables.assumed(rows), tables.scores(scores),
    ):  # fmt: skip
        if each.row_count:
            console.print(each)
    console.print(f"{AS_NEW}\nPosterior: {posterior.digest}\nTable: {given.digest}\n{CAUTION}", markup=False)


def _row(row: Row) -> dict[str, Any]:
    f = row.predicted.finding
    return {
        "row": f.row, "trial": f.trial, "arm": f.arm, "versus": f.versus, "measure": f.measure,
        "instrument": f.instrument, "time_h": f.time_h, "since": f.since, "n": f.n, "n_versus": f.n_versus,
        "split": f.split, "published": f.value, "unit": f.unit, "error": f.error, "error_type": f.error_type,
        "source": f.source, "family": row.family, "scored": row.predicted.scored, "reason": row.predicted.reason,
        "notes": list(row.predicted.notes), "beyond": row.predicted.beyond, "missing": list(f.missing),
        "forecasts": {by: _forecast(asdict(each)) for by, each in row.forecasts.items()},
    }  # fmt: skip


def _forecast(found: dict[str, Any]) -> dict[str, Any]:
    names = {"low90": "0.05", "low50": "0.25", "median": "0.5", "high50": "0.75", "high90": "0.95"}
    quantiles = {names[name]: found.pop(name) for name in tuple(names)}
    return {"quantiles": quantiles, **found}


def _working(what: str) -> Status:
    """Say on a terminal that work is going on; nothing where standard error is none."""
    return Console(stderr=True).status(what)
