"""``upturn beliefs fit|report``: the sound analysis of a study, and the clinical-change report.

What lives here: these two commands, their tables and their JSON. What does not: any arithmetic (``inference.beliefs``)
and any drawing (``reports``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from upturn.cli.output import print_json, progress, wide_console, writable_folder
from upturn.errors import InputError

if TYPE_CHECKING:
    from upturn.beliefs.reading import SetAside
    from upturn.inference.beliefs.clinical import ClinicalChange
    from upturn.inference.beliefs.findings import Cell, Change, Finding
    from upturn.inference.beliefs.hierarchy import BeliefFit
    from upturn.inference.beliefs.link import Link, Summary
    from upturn.inference.beliefs.null import Null
    from upturn.inference.beliefs.questions import Question, Study

__all__ = ["fit", "report"]

CAUTION = (
    "A difference between groups that were not randomised is an association. For research and education; decisions "
    "belong to the treating clinician."
)
# So many lines about what is set aside are printed; the others are in the JSON.
NAMED = 20


class ReadingChoice(StrEnum):
    """How the first estimate is read."""

    NOISY = "noisy"
    EXACT = "exact"


RecordsFolder = Annotated[Path, typer.Argument(help="Folder of records with answers to the task.")]
Trust = Annotated[bool, typer.Option("--trust", help="Let S depend on the trust in base rates.")]
Comparator = Annotated[
    str | None, typer.Option(help="The group that others are compared with; the one without doses unless given.")
]
Draws = Annotated[int, typer.Option(min=100, max=100_000, help="Draws of each of the four chains.")]
Seed = Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same draws.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def fit(
    records: RecordsFolder,
    reading: Annotated[
        ReadingChoice, typer.Option(help="The first estimate as a noisy report of a belief, or as the belief itself.")
    ] = ReadingChoice.NOISY,
    trust: Trust = False,
    comparator: Comparator = None,
    draws: Draws = 1000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Fit the hierarchical analysis: scaling and asymmetry by group and visit, and how their changes differ."""
    study = _opened(records, comparator)
    with Status("Fitting", console=Console(stderr=True)):
        from upturn.inference.beliefs.findings import cells_of, changes_of, findings_of  # noqa: PLC0415
        from upturn.inference.beliefs.hierarchy import SETTINGS, fit_answers  # noqa: PLC0415

        _need_trust(study, trust)
        settings = replace(SETTINGS, draws=draws, warmup=min(SETTINGS.warmup, draws), seed=seed)
        found = fit_answers(study.answers, reading=reading.value, trust=trust, settings=settings)
        cells, changes = cells_of(study.answers, found), changes_of(study, found)
        findings = findings_of(study, **{reading.value: found})
    shared = _shared(found)
    if as_json:
        print_json({
            "reading": reading.value, "people": len(found.sessions.participants),
            "sessions": len(study.answers.participant), "trials": int(study.answers.answered.sum()),
            "fillers": int(study.answers.filler_answered.sum()), "comparator": study.comparator,
            "cells": [_clean(asdict(each)) for each in cells],
            "changes": [_clean(asdict(each)) for each in changes],
            "findings": [_clean(asdict(each)) for each in findings],
            "shared": {name: asdict(each) for name, each in shared.items()},
            "diagnostics": _diagnostics(found), "cannot": study.cannot, "set_aside": _set_aside_json(study.set_aside),
        })  # fmt: skip
        return
    console = wide_console()
    _show_cells(console, cells)
    _show_changes(console, changes)
    _show_findings(console, findings)
    for name, each in shared.items():
        _note(console, f"{name}: {_span(each, 2)}")
    told = _diagnostics(found)
    _note(
        console,
        f"R-hat at most {told['r_hat']:.3f}, effective draws at least {told['ess']:.0f}, divergent draws "
        f"{told['divergences']}",
    )
    _close(console, study)


def report(
    records: RecordsFolder,
    out: Annotated[Path, typer.Option(help="Folder for belief-report.html; made if it is not there.")],
    studies: Annotated[
        int, typer.Option(min=0, max=100_000, help="Simulated studies without a change; 0 leaves them out.")
    ] = 200,
    careful: Annotated[
        int, typer.Option(min=0, max=10_000, help="For how many of them the recommended reading is worked out too.")
    ] = 0,
    trust: Trust = False,
    comparator: Comparator = None,
    draws: Draws = 1000,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Write the clinical-change report: the analyses side by side, and what no change would have shown."""
    study = _opened(records, comparator)
    if 0 < studies < 2:
        raise InputError("One simulated study has no spread.", expected="--studies 0, or 2 or more", came="1")
    folder = writable_folder(out)
    from upturn.inference.beliefs.clinical import Plan, clinical_change, steps  # noqa: PLC0415
    from upturn.inference.beliefs.hierarchy import SETTINGS  # noqa: PLC0415
    from upturn.reports.beliefs import write_belief_report  # noqa: PLC0415

    _need_trust(study, trust)
    settings = replace(SETTINGS, draws=draws, warmup=min(SETTINGS.warmup, draws), seed=seed)
    plan = Plan(studies=studies, careful=careful, trust=trust, seed=seed, settings=settings)
    with progress(steps(study, plan), "Fitting and simulating") as advance:
        found = clinical_change(study, plan, progress=advance)
    page = write_belief_report(found, folder / "belief-report.html")
    if as_json:
        print_json({"report": str(page.resolve()), **_report_json(found)})
        return
    console = wide_console()
    _show_cells(console, found.cells)
    _show_findings(console, found.findings)
    _show_nulls(console, found.nulls)
    for each in found.links:
        _note(
            console,
            f"{each.score}, {each.question.words}: {_span(each.slope, 1)} points per 0.1 of asymmetry; correlation "
            f"{_span(each.correlation, 2)}, ceiling {_span(each.ceiling, 2)} ({each.people} people)",
        )
    _close(console, study, also=found.cannot)
    typer.echo(f"Report: {page.resolve()}")


def _opened(records: Path, comparator: str | None) -> Study:
    from upturn.records import read  # noqa: PLC0415

    sound = read(records)
    from upturn.inference.beliefs.questions import open_study  # noqa: PLC0415

    return open_study(sound, comparator=comparator)


def _need_trust(study: Study, trust: bool) -> None:
    if trust and not any(math.isfinite(each) for each in study.answers.trust[study.answers.answered]):
        raise InputError(
            "Nobody was asked how far they trust the base rates.", expected="trust in the table updates", came="none",
            remedy="leave --trust out",
        )  # fmt: skip


def _shared(found: BeliefFit) -> dict[str, Summary]:
    from upturn.inference.beliefs.link import summary_of  # noqa: PLC0415

    names = {"carried": "share of the first estimate's error carried", "trust": "change of S per 100 % of trust"}
    return {words: summary_of(found.draws[name].reshape(-1)) for name, words in names.items() if name in found.draws}


def _diagnostics(found: BeliefFit) -> dict[str, Any]:
    told = found.diagnostics
    return {"r_hat": told.worst_r_hat, "ess": told.least_ess, "divergences": told.divergences, "draws": told.draws}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    return table


def _title(console: Console, words: str) -> None:
    console.print(f"\n{words}", style="bold", markup=False, soft_wrap=True)


def _note(console: Console, words: str) -> None:
    console.print(words, style="dim", markup=False, soft_wrap=True)


def _span(each: Summary | Finding, digits: int) -> str:
    return f"{each.mean:.{digits}f} ({each.low:.{digits}f} to {each.high:.{digits}f})"


def _show_cells(console: Console, cells: Iterable[Cell]) -> None:
    table = _table("group, visit", "people", "first (%)", "good", "bad", "error (points)", "bias (points)", "S", "A")
    for c in cells:
        table.add_row(
            f"{c.group}, {c.visit}", str(c.people), f"{c.first[0]:.1f}", f"{c.good:.1f}", f"{c.bad:.1f}",
            f"{c.error:+.1f}", f"{c.bias[0]:.1f}" if math.isfinite(c.bias[0]) else "–", _span(c.scaling, 2),
            _span(c.asymmetry, 3),
        )  # fmt: skip
    _title(console, "Groups and visits: means, good and bad news in trials, S and A with 95 % intervals")
    console.print(table)


def _show_changes(console: Console, changes: Iterable[Change]) -> None:
    table = _table("change within a group", "A", "S")
    for c in changes:
        table.add_row(f"{c.group}, {c.after} v {c.before}", _span(c.asymmetry, 3), _span(c.scaling, 3))
    if table.row_count:
        _title(console, "Change within groups (95 % intervals)")
        console.print(table)


def _show_findings(console: Console, findings: Iterable[Finding]) -> None:
    by_question: dict[Question, list[Finding]] = {}
    for each in findings:
        by_question.setdefault(each.question, []).append(each)
    for asked, own in by_question.items():
        table = _table("analysis", "of what", "difference (95 %)", "unit", "chance")
        for each in own:
            chance = f"p {each.p:.3f}" if each.p is not None else f"P(>0) {each.above_zero or 0.0:.3f}"
            table.add_row(each.analysis, each.number, _span(each, 3), each.unit, chance)
        _title(console, asked.words)
        console.print(table)


def _show_nulls(console: Console, nulls: tuple[Null, ...]) -> None:
    table = _table("comparison", "analysis", "share carried", "fires (95 %)", "mean found", "spread")
    for n in nulls:
        low, high = n.rate_interval
        table.add_row(
            n.question.words, n.analysis, f"{n.carried:.2f}", f"{n.rate:.0%} ({low:.0%} to {high:.0%})",
            f"{n.mean:+.3f}", f"{n.sd:.3f}",
        )  # fmt: skip
    if nulls:
        _title(console, f"Without any change of asymmetry: {nulls[0].studies} simulated studies")
        console.print(table)


def _close(console: Console, study: Study, also: tuple[str, ...] | None = None) -> None:
    for each in study.cannot if also is None else also:
        console.print(f"Cannot be answered: {each}", style="yellow", markup=False, soft_wrap=True)
    for aside in study.set_aside[:NAMED]:
        _note(console, str(aside))
    if len(study.set_aside) > NAMED:
        _note(console, f"and {len(study.set_aside) - NAMED} more (--json names all)")
    _note(console, f"\n{CAUTION}")


def _set_aside_json(aside: Iterable[SetAside]) -> list[dict[str, Any]]:
    return [
        {"participant": each.participant, "visit": each.visit, "what": each.what.value, "rows": each.count,
         "used_for": each.used_for}
        for each in aside
    ]  # fmt: skip


def _report_json(found: ClinicalChange) -> dict[str, Any]:
    return {
        "comparator": found.study.comparator,
        "cells": [_clean(asdict(each)) for each in found.cells],
        "changes": [_clean(asdict(each)) for each in found.changes],
        "findings": [_clean(asdict(each)) for each in found.findings],
        "multiverse": [_clean(asdict(each)) for each in found.multiverse],
        "carried": asdict(found.carried),
        "sensitivity": [{"carried": share, **_clean(asdict(each))} for share, each in found.sensitivity],
        "trust": None if found.trust is None else asdict(found.trust),
        "trust_findings": [_clean(asdict(each)) for each in found.trust_findings],
        "nulls": [_null_json(each) for each in found.nulls],
        "links": [_link_json(each) for each in found.links],
        "checks": [_clean(asdict(each)) for each in found.checks],
        "diagnostics": {
            name: {"r_hat": each.worst_r_hat, "ess": each.least_ess, "divergences": each.divergences}
            for name, each in found.diagnostics.items()
        },
        "cannot": found.cannot,
        "set_aside": _set_aside_json(found.study.set_aside),
    }


def _null_json(each: Null) -> dict[str, Any]:
    return {
        "question": asdict(each.question), "analysis": each.analysis, "carried": each.carried, "studies": each.studies,
        "rate": each.rate, "rate_interval": each.rate_interval, "mean": each.mean, "mean_error": each.mean_error,
        "sd": each.sd,
    }  # fmt: skip


def _link_json(each: Link) -> dict[str, Any]:
    told = asdict(each)
    # It stands with those of all fits.
    del told["diagnostics"]
    for name in ("estimates", "errors", "changes"):
        told[name] = told[name].tolist()
    told["common_cause"] = [{"rho": rho, **asdict(left)} for rho, left in each.common_cause]
    cleaned: dict[str, Any] = _clean(told)
    return cleaned


def _clean(value: Any) -> Any:
    """Put nothing in the place of what is not a number."""
    if isinstance(value, dict):
        return {name: _clean(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
