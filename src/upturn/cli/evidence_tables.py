"""How the tables of ``upturn evidence`` look in a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upturn.evidence import Finding, Refusal
from upturn.parameters import Parameter

if TYPE_CHECKING:
    from upturn.inference.claims import Judged
    from upturn.inference.score import Row, Score
    from upturn.inference.sensitivity import Run

__all__ = [
    "assumed", "claim", "fitted", "in_order", "learnt", "measure", "not_used", "predicted", "prior_range", "published",
    "scores", "sensitivity", "set_aside", "trials", "unscored", "when",
]  # fmt: skip

SPLITS = ("validation", "calibration", "", "duplicate")
NO_SPLIT = "no split"
# Up to here times are written in hours, later in days.
DAYS_FROM_H = 72.0
TAIL = 0.05


def trials(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out the trials."""
    table = _table("Trials", "trial", "condition", "arms", *SPLITS[:2], SPLITS[3])
    for each in entries:
        counts = (str(each["findings"].get(split, 0)) for split in (*SPLITS[:2], SPLITS[3]))
        _add(table, each["trial"], "; ".join(each["conditions"]), ", ".join(each["arms"]), *counts)
    return table


def set_aside(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out the rows of the calibration split that are not fitted."""
    table = _table("Set aside: in the calibration split, but not fitted", "trial", "arm", "measure", "reason")
    for each in (aside for entry in entries for aside in entry["set_aside"]):
        _add(table, each["trial"], each["arm"], each["measure"] or "all", each["reason"])
    return table


def not_used(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out what is not among the findings."""
    table = _table("Not used", "trial", "arm", "what", "why")
    for each in entries:
        _add(table, each["trial"], each["arm"], each["what"], each["why"])
    return table


def claim(judged: Judged) -> RenderableType:
    """Lay out one claim."""
    found, estimate = judged.claim, judged.estimate
    lines = [(0, f"{found.id}  {found.claim}", "bold"), (3, f"{found.verdict}: {found.reason}", "")]
    if estimate is None:
        lines.append((3, "Model: not modelled", ""))
    else:
        lines.append((3, f"Model: {estimate.in_words()}: {estimate.text}", ""))
        lines += [(10, f"{each.in_words()}: {each.text}", "") for each in estimate.beside]
    if judged.verdict:
        agrees = "differs from" if judged.differs else "agrees with"
        lines.append((3, f"By this number alone: {judged.verdict}, which {agrees} the verdict ({judged.rules})", ""))
    lines += [(5, f"{fact.text}\n{fact.source}", "dim") for fact in found.facts]
    return Group(
        *(Padding(Text(text, style=style), (0, 0, 0, left), expand=False) for left, text, style in lines), Text("")
    )


def learnt(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Lay out what was learnt about every number."""
    table = _table(
        "Learnt; ranges are 90 % intervals", "number", "unit", "prior", "posterior", "contraction", "R-hat", "ESS"
    )
    for each in entries:
        informed = "" if each["informed"] else ", not informed by the data"
        _add(
            table, each["name"], each["unit"], _range(each["prior"]), _range(each["posterior"]),
            f"{100 * each['contraction']:.1f} %{informed}", f"{each['r_hat']:.3f}", f"{each['ess']:.0f}",
        )  # fmt: skip
    return table


def sensitivity(runs: Sequence[Run]) -> Table:
    """Lay out what quick fits with other priors learnt."""
    names = list(runs[0].learnt)
    table = _table("Quick fits with other priors; medians and 90 % intervals", "number", *(run.name for run in runs))
    for name in names:
        found = [run.learnt[name] for run in runs]
        _add(table, name, *(f"{each.median:.3g} ({each.low:.3g} to {each.high:.3g})" for each in found))
    return table


def fitted(content: Mapping[str, Any]) -> str:
    """Say what was fitted, and how."""
    how = content["fitted"]
    overall = next(each["p"] for each in content["checks"] if each["of"] == "everything")
    lines = [
        f"{how['findings']} findings ({how['trials']} trials), {how['adverse_event_counts']} counts of adverse events "
        f"({how['adverse_event_trials']} trial); {how['chains']} chains, {how['draws']} draws in all; "
        f"{how['divergences']} divergences",
        f"Posterior-predictive check of everything but adverse events: p = {overall:.2f}, near 0 or 1 is a misfit",
        f"Worst R-hat {content['worst_r_hat']:.3f}, least effective sample size {content['least_ess']:.0f}",
        f"Evidence: {content['evidence']}",
        f"Posterior: {content['posterior']}",
        f"upturn {content['version']}, seed {content['seed']}, {content['seconds']:.0f} s",
        *(["A quick fit: to look at, not to use."] if content["quick"] else []),
        *([f"Written to {content['folder']}"] if content["folder"] else []),
    ]
    return "\n".join(lines)


def predicted(rows: Iterable[Row]) -> Table:
    """Lay out every prediction beside its published value."""
    table = _table(
        "Predictions",
        "row", "trial", "arm", "measure", "time", "n", "published", "predicted", "50 %", "90 %", "inside",
    )  # fmt: skip
    for row in rows:
        model = row.forecasts.get("model")
        if model is None:
            continue
        f = row.predicted.finding
        inside = "-" if model.in90 is None else "50 %" if model.in50 else "90 %" if model.in90 else "NO"
        low50, low90 = (published(f, value, unit=False) for value in (model.low50, model.low90))
        _add(
            table, str(f.row), f.trial, _arms(f), measure(f), when(f),
            _people(f), published(f, f.value), published(f, model.median), f"{low50} to {published(f, model.high50)}",
            f"{low90} to {published(f, model.high90)}", inside,
        )  # fmt: skip
    return table


def assumed(rows: Iterable[Row]) -> Table:
    """Lay out what had to be assumed, and for which rows."""
    found: dict[str, list[int]] = {}
    for row in rows:
        for note in row.predicted.notes:
            found.setdefault(note, []).append(row.predicted.finding.row)
    table = _table("Assumed", "rows", "what")
    for note, of in found.items():
        _add(table, ", ".join(str(number) for number in dict.fromkeys(of)), note)
    return table


def unscored(rows: Iterable[Row], refusals: Iterable[Refusal]) -> Table:
    """Lay out the rows that could not be predicted, not be scored, or not be read, each with its reason."""
    table = _table("Not predicted or not scored", "row", "trial", "arm", "measure", "what", "reason")
    entries = [
        (f.row, f.trial, _arms(f), measure(f), "not scored" if row.forecasts else "not predicted", why)
        for row in rows
        if (why := row.predicted.reason)
        for f in (row.predicted.finding,)
    ]
    entries += [(each.row, each.trial, each.arm, "", "not read", each.reason) for each in refusals]
    for entry in sorted(entries):
        _add(table, *map(str, entry))
    return table


def in_order(found: Iterable[Score]) -> list[Score]:
    """Put the scores in order: validation before calibration, rows without a split next, duplicates last."""
    return sorted(found, key=lambda each: SPLITS.index(each.split))


def scores(found: Iterable[Score]) -> Table:
    """Lay out the scores."""
    table = _table(
        "Scores: error and CRPS in the rows' own unit (points, SD, fractions, hours), smaller is better; log score of "
        "fractions, larger is better",
        "split", "rows", "n", "by", "50 % inside", "90 % inside", "absolute error", "CRPS", "log score",
    )  # fmt: skip
    for each in found:
        _add(
            table, each.split or NO_SPLIT, each.of, str(each.rows), each.by, f"{100 * each.coverage50:.0f} %",
            f"{100 * each.coverage90:.0f} %", f"{each.error:.3g}", f"{each.crps:.3g}",
            "" if each.log_score is None else f"{each.log_score:.2f}",
        )  # fmt: skip
    return table


def published(f: Finding, value: float | None, *, unit: bool = True) -> str:
    """Write a value of a finding in its unit: fractions in per cent, durations in days."""
    if value is None:
        return "none"
    scale, digits, name = {
        "fraction": (100.0, 0, " %"), "h": (1 / 24, 0, " d"), "SD": (1.0, 2, " SD"), "points": (1.0, 1, ""),
    }.get(f.unit, (1.0, 2, f" {f.unit}"))  # fmt: skip
    return f"{value * scale:.{digits}f}{name if unit else ''}"


def measure(f: Finding) -> str:
    """Write what a finding measures.

    Examples
    --------
    >>> from upturn.evidence import shipped
    >>> sorted({measure(each) for each in shipped().findings if each.measure == "median_relapse_h"})
    ['CAPS-5 median time to relapse', 'MADRS median time to relapse']
    """
    words = {"median_relapse_h": "median time to relapse"}.get(f.measure, f.measure.replace("_", " "))
    return f"{f.instrument} {words}".strip()


def when(f: Finding) -> str:
    """Write the time of a finding.

    Examples
    --------
    >>> from upturn.evidence import shipped
    >>> {when(each) for each in shipped().findings if each.time_h == 648.0}
    {'27 d'}
    """
    if f.time_h is None:
        return "none"
    time = f"{f.time_h:g} h" if f.time_h < DAYS_FROM_H else f"{f.time_h / 24:g} d"
    return time if f.since == "first dose" else f"{time} after the {f.since}"


def prior_range(parameter: Parameter) -> tuple[float, float, float]:
    """Give the lower end, the median and the upper end of the 90 % interval of a prior."""
    value, spread = parameter.value, parameter.prior
    if spread is None:
        return value, value, value
    away = NormalDist().inv_cdf(1 - TAIL) * spread.sd
    if spread.kind == "lognormal":
        return value * math.exp(-away), value, value * math.exp(away)
    if spread.kind == "logit-normal":
        at = math.log(value / (1 - value))
        return 1 / (1 + math.exp(away - at)), value, 1 / (1 + math.exp(-away - at))
    return value - away, value, value + away


def _range(of: Mapping[str, float]) -> str:
    return f"{of['median']:.3g} ({of['low']:.3g} to {of['high']:.3g})"


def _arms(f: Finding) -> str:
    return f.arm if f.versus is None else f"{f.arm} v {f.versus}"


def _people(f: Finding) -> str:
    sizes = [f.n] if f.versus is None else [f.n, f.n_versus]
    return " v ".join("?" if n is None else str(n) for n in sizes)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    """Add a row; names of trials may hold brackets, which are no markup."""
    table.add_row(*(Text(cell) for cell in cells))
