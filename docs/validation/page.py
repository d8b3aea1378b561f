"""Predict every shipped finding as of a new trial, and write ``docs/validation.md`` and the scores in the README.

Run from the root of the repository: ``python docs/validation/page.py``. What lives here: tables. What does not: any
number of the model (the shipped posterior) or of a paper (``src/upturn/evidence/tables/``), any word (``page.md``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from upturn import __version__, evidence
from upturn.cli.evidence_tables import measure, published, when
from upturn.inference.acute_predictions import POOLED, PredictedEvent, predict_events, summarise_events
from upturn.inference.claims import Judged, judge
from upturn.inference.predict import Predicted, predict
from upturn.inference.score import Forecast, Row, Score, score_rows, summarise
from upturn.population import shipped_posterior

HERE = Path(__file__).parent
PAGE = HERE.parent / "validation.md"
README = HERE.parents[1] / "README.md"
LEFT_OUT = HERE / "left_out.json"
FIRST, LAST = "<!-- scores -->", "<!-- end of scores -->"
OF_ARMS = ("arms, change in points", "arms, fraction in response or remission")


@cache
def rows() -> tuple[Row, ...]:
    """Predict and score every shipped finding."""
    known = evidence.shipped()
    return score_rows(known, predict(known, shipped_posterior().draws))


@cache
def refits() -> dict[str, Any]:
    """Read what ``left_out.py`` wrote: by trial, how the fit without it converged, and what it expected."""
    told = json.loads(LEFT_OUT.read_text(encoding="utf-8"))
    if told["evidence"] != evidence.shipped().digest:
        message = f"{LEFT_OUT} is of other evidence; run: python docs/validation/left_out.py"
        raise SystemExit(message)
    trials: dict[str, Any] = told["trials"]
    return trials


@cache
def unseen() -> tuple[Row, ...]:
    """Give every fitted row as predicted by the fit that did not see its trial."""
    known = {(f.table, f.row): f for f in evidence.shipped().findings}
    nothing = np.zeros(0)
    return tuple(
        Row(
            Predicted(known[table, row], nothing, nothing, each["reason"], not each["reason"], ()),
            each["family"],
            {by: Forecast(**forecast) for by, forecast in each["forecasts"].items()},
        )
        for told in refits().values()
        for each in told["rows"]
        for table, row in (each["row"],)
    )


@cache
def judged() -> tuple[Judged, ...]:
    """Set every claim beside the model."""
    return judge(shipped_posterior().draws)


@cache
def events() -> tuple[PredictedEvent, ...]:
    """Predict and score the adverse events of the validation rows."""
    return predict_events(shipped_posterior().draws)


def table(head: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """Write a table in Markdown."""
    cells = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "/") for cell in line) + " |" for line in cells)


def provenance() -> str:
    """Say what was predicted with what."""
    found = shipped_posterior()
    how = ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in found.fitted.items())
    return table(
        ["", ""],
        [
            ("posterior", f"`{found.digest}`"),
            ("fitted", how),
            ("fitted to the evidence", f"`{found.evidence}`"),
            ("fitted to the adverse events", f"`{found.adverse_events}`"),
            ("evidence predicted here", f"`{evidence.shipped().digest}`"),
            ("version", f"posterior {found.version}, this page {__version__}"),
        ],
    )


def scores(split: str) -> str:
    """Give the scores of one split."""
    return _scores(each for each in summarise(rows()) if each.split == split)


def left_out_scores() -> str:
    """Give the scores of rows whose trial was left out of the fit."""
    return _scores(summarise(unseen()))


def left_out_trials() -> str:
    """Give, for each trial that was left out, how many of its rows lie inside, and how far off the furthest is."""
    lines = []
    for trial, told in refits().items():
        mine = [row for row in unseen() if row.predicted.finding.trial == trial and row.predicted.scored]
        inside = [f"{sum(bool(getattr(row.forecasts['model'], part)) for row in mine)}" for part in ("in50", "in90")]
        missed = [
            f"{f.arm}{'' if f.versus is None else f' v {f.versus}'} {measure(f)} at {when(f)}"
            for row in mine
            for f in (row.predicted.finding,)
            if not row.forecasts["model"].in90
        ]
        lines.append((trial, len(mine), *inside, "; ".join(missed), f"{told['r_hat']:.2f}", told["divergences"]))
    return table(["trial", "rows", "inside 50 %", "inside 90 %", "outside 90 %", "R-hat", "divergences"], lines)


def _scores(found: Iterable[Score]) -> str:
    head = ["rows", "n", "by", "inside 50 %", "inside 90 %", "absolute error", "CRPS", "log score"]
    return table(head, [_score(each) for each in found])


def _score(each: Score) -> Sequence[object]:
    return (
        each.of, each.rows, f"**{each.by}**" if each.by == "model" else each.by, f"{100 * each.coverage50:.0f} %",
        f"{100 * each.coverage90:.0f} %", f"{each.error:.3g}", f"{each.crps:.3g}",
        "" if each.log_score is None else f"{each.log_score:.2f}",
    )  # fmt: skip


def arms() -> str:
    """Give the validation rows that are of one arm at one time."""
    return _row_by_row(row for row in rows() if row.family in OF_ARMS)


def contrasts() -> str:
    """Give the validation rows that compare two arms."""
    return _row_by_row(row for row in rows() if row.family.startswith("contrasts"))


def durability() -> str:
    """Give the validation rows of relapse and duration."""
    return _row_by_row(row for row in rows() if row.family.startswith("durability"))


def _row_by_row(chosen: Iterable[Row]) -> str:
    head = ["trial", "arm", "quantity", "time", "n", "published", "model", "50 %", "90 %", "", "same kind", "constant"]
    return table(head, [_line(row) for row in chosen if row.predicted.finding.split == "validation"])


def _line(row: Row) -> Sequence[object]:
    f, model = row.predicted.finding, row.forecasts["model"]
    low50, low90 = (published(f, value, unit=False) for value in (model.low50, model.low90))
    others = [row.forecasts.get(by) for by in ("same kind", "constant effect")]
    sizes = [f.n] if f.versus is None else [f.n, f.n_versus]
    return (
        f.trial, f.arm if f.versus is None else f"{f.arm} v {f.versus}", measure(f), when(f),
        " v ".join("?" if n is None else str(n) for n in sizes), published(f, f.value), published(f, model.median),
        f"{low50} to {published(f, model.high50)}", f"{low90} to {published(f, model.high90)}",
        "not scored" if model.in90 is None else "" if model.in90 else "**miss**",
        *("" if other is None else published(f, other.median) for other in others),
    )  # fmt: skip


def not_scored() -> str:
    """Give the validation rows without a score, and why."""
    found = [row for row in rows() if row.predicted.finding.split == "validation" and not row.predicted.scored]
    lines = [
        (f.trial, f.arm if f.versus is None else f"{f.arm} v {f.versus}", measure(f), row.predicted.reason)
        for row in found
        for f in (row.predicted.finding,)
    ]
    return table(["trial", "arm", "quantity", "why"], lines)


def event_scores() -> str:
    """Give the scores of adverse events."""
    head = ["arms", "n", "by", "inside 50 %", "inside 90 %", "absolute error", "CRPS", "log score"]
    lines = [
        (
            each.arms, each.rows, f"**{each.by}**" if each.by == "model" else each.by, f"{100 * each.coverage50:.0f} %",
            f"{100 * each.coverage90:.0f} %", f"{each.error:.3f}", f"{each.crps:.3f}", f"{each.log_score:.2f}",
        )
        for each in summarise_events(events())
    ]  # fmt: skip
    return table(head, lines)


def event_rows() -> str:
    """Give every predicted adverse event beside its published rate."""
    head = ["trial", "arm", "event", "n", "published", "model", "50 %", "90 %", "", POOLED]
    return table(head, [_event_line(each) for each in events() if each.forecasts])


def _event_line(each: PredictedEvent) -> Sequence[object]:
    row, model, pooled = each.row, each.forecasts["model"], each.forecasts[POOLED]
    seen = "none" if each.share is None else f"{'at least ' if row.at_least else ''}{_per_cent(each.share)}"
    return (
        row.trial, row.arm, row.event, row.n, seen, _per_cent(model.median),
        f"{100 * model.low50:.0f} to {_per_cent(model.high50)}",
        f"{100 * model.low90:.0f} to {_per_cent(model.high90)}",
        each.reason or ("" if model.in90 else "**miss**"), _per_cent(pooled.median),
    )  # fmt: skip


def event_not_predicted() -> str:
    """Name the adverse events of the validation rows that the model does not have."""
    return "; ".join(sorted({each.row.event for each in events() if not each.forecasts}))


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def claims() -> str:
    """Give every claim with both verdicts."""
    lines = [
        (
            each.claim.id, each.claim.claim, each.claim.verdict, each.verdict or "",
            "not modelled" if each.estimate is None else f"{each.estimate.in_words()}: {each.estimate.text}",
        )
        for each in judged()
    ]  # fmt: skip
    return table(["", "claim", "published record", "by the model's number alone", "the model's number"], lines)


def differences() -> str:
    """Say where the model's number alone would give another verdict."""
    lines = [
        f"- **{each.claim.id}. {each.claim.claim}** The published record: *{each.claim.verdict}*. {each.claim.reason} "
        f"The model's number alone: *{each.verdict}* ({each.estimate.in_words()}; {each.rules})."
        for each in judged()
        if each.differs and each.estimate is not None
    ]
    return "\n".join(lines) or "Nowhere with this posterior."


TABLES: dict[str, Callable[[], str]] = {
    "provenance": provenance,
    "validation_scores": lambda: scores("validation"),
    "calibration_scores": lambda: scores("calibration"),
    "left_out_scores": left_out_scores,
    "left_out_trials": left_out_trials,
    "arms": arms,
    "contrasts": contrasts,
    "durability": durability,
    "not_scored": not_scored,
    "event_scores": event_scores,
    "event_rows": event_rows,
    "event_not_predicted": event_not_predicted,
    "claims": claims,
    "differences": differences,
}


def one(facts: str) -> Row:
    """Choose the one row that fits: ``TRIAL arm measure``, and ``24h`` or ``27d`` where there are several times."""
    trial, arm, what, *times = facts.split()
    (found,) = [
        row
        for row in rows()
        for f in (row.predicted.finding,)
        if (f.trial, f.arm, f.measure) == (trial, arm, what) and (not times or when(f).replace(" ", "") in times)
    ]
    return found


def beside(facts: str) -> str:
    """Write a prediction beside its published value."""
    row = one(facts)
    f, model = row.predicted.finding, row.forecasts["model"]
    interval = f"{published(f, model.low90, unit=False)} to {published(f, model.high90)}"
    return f"predicted {published(f, model.median)} ({interval}), published {published(f, f.value)}"


def between(facts: str) -> str:
    """Write the difference of two arms of one trial that were published apart."""
    trial, arm, versus, what = facts.split()
    first, second = (one(f"{trial} {each} {what}").predicted for each in (arm, versus))
    draws = first.draws - second.draws
    low, median, high = (published(first.finding, q) for q in np.quantile(draws, [0.05, 0.5, 0.95]))
    seen = (first.finding.value or 0.0) - (second.finding.value or 0.0)
    return f"predicted {median} ({low} to {high}), published {published(first.finding, seen)}"


def page() -> str:
    """Write the whole page: the words of ``page.md``, its ``{{...}}`` filled in."""

    def fill(asked: re.Match[str]) -> str:
        what, _, facts = asked[1].partition(" ")
        return {"beside": beside, "between": between}[what](facts) if facts else TABLES[what]()

    return re.sub(r"\{\{([^}]+)\}\}", fill, (HERE / "page.md").read_text(encoding="utf-8"))


def front(readme: str) -> str:
    """Write the README with both tables of scores between its two marks."""
    before, _, rest = readme.partition(FIRST)
    _, _, after = rest.partition(LAST)
    again = f"Each of the {len(refits())} trials that were fitted, left out in turn and predicted by the others:"
    return (
        f"{before}{FIRST}\nThe trials that were kept back:\n\n{scores('validation')}\n\n"
        f"{again}\n\n{left_out_scores()}\n{LAST}{after}"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(front(README.read_text(encoding="utf-8")), encoding="utf-8")
