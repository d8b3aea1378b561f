"""The sections of the belief report that hold results: pictures with their tables.

What lives here: one function per section, and how its numbers are written. What does not: the page and the words around
the results (``beliefs``), the pictures (``belief_figures``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any

import yaml

from upturn.inference.beliefs.checks import STATISTICS
from upturn.inference.beliefs.clinical import ClinicalChange
from upturn.inference.beliefs.findings import Finding
from upturn.inference.beliefs.link import Link, Summary
from upturn.inference.beliefs.null import Null
from upturn.inference.beliefs.questions import Question
from upturn.reports.belief_figures import (
    ANALYSES,
    analyses_of,
    first_estimates,
    fraction,
    mood_link,
    null_of,
    nulls,
    side_by_side,
)
from upturn.reports.tables import Cell, table
from upturn.reports.words import number, percent, points, sentence_case, signed

__all__ = ["NONE", "analyses", "asset", "belief_prose", "chance", "checks", "groups", "mood", "no_change",
           "sensitivity", "span", "tidy"]  # fmt: skip

NONE = "–"


def asset(name: str) -> str:
    """Read a file that lies beside this one."""
    return files("upturn.reports").joinpath(name).read_text(encoding="utf-8")


@cache
def belief_prose() -> dict[str, Any]:
    """Give what the report says in the same words every time."""
    document: dict[str, Any] = yaml.safe_load(asset("belief_prose.yaml"))
    return document


def tidy(words: str) -> str:
    """Put text of several lines on one."""
    return " ".join(words.split())


def _lead(section: str) -> str:
    return f"<p>{escape(tidy(belief_prose()['sections'][section]))}</p>"


def _figure(picture: str, caption: str) -> str:
    return f"<figure>{picture}<figcaption>{escape(tidy(belief_prose()['captions'][caption]))}</figcaption></figure>"


def _pair(value: float, error: float) -> str:
    if not math.isfinite(value):
        return NONE
    return points(value) if not math.isfinite(error) else f"{points(value)} ± {points(error)}"


def _summary(each: Summary, digits: int = 3) -> str:
    return f"{number(each.mean, digits)} ({number(each.low, digits)} to {number(each.high, digits)})"


def _write(each: Finding, value: float) -> str:
    return signed(value) if each.number == "bias" else fraction(value)


def span(each: Finding) -> str:
    """Write an interval."""
    return f"{_write(each, each.low)} to {_write(each, each.high)}"


def chance(each: Finding) -> str:
    """Write p, or the posterior probability of a difference above 0."""
    if each.p is not None:
        return "p < 0.001" if each.p < 0.001 else f"p = {number(each.p, 3)}"
    above = each.above_zero or 0.0
    return "P(> 0) above 0.999" if above > 0.999 else f"P(> 0) = {number(above, 3)}"


def _share(each: Null) -> str:
    low, high = each.rate_interval
    return f"{percent(each.rate)} ({percent(low)} to {percent(high)})"


def groups(found: ClinicalChange) -> str:
    """Show first estimates and news, before anything is said of learning."""
    rows: list[list[str | Cell]] = [
        [
            f"{c.group}, {c.visit}", str(c.people), _pair(*c.first), points(c.good), points(c.bad), signed(c.error),
            points(c.error_good), points(c.error_bad), _pair(*c.bias),
            points(c.report_noise) if math.isfinite(c.report_noise) else NONE, _summary(c.scaling, 2),
            _summary(c.asymmetry),
        ]
        for c in found.cells
    ]  # fmt: skip
    head = [
        "Group and visit", "People", "First estimate (%)", "Good news (trials)", "Bad news (trials)", "Error (points)",
        "Error, good (points)", "Error, bad (points)", "Model-free bias (points)", "Report noise, fillers (points)",
        "S (95 %)", "A (95 %)",
    ]  # fmt: skip
    legend = "".join(
        f'<li><span class="entry"><b class="{ink}">{mark}</b> {escape(group)}</span></li>'
        for group, ink, mark in zip(found.study.visits, ("blue", "vermillion", "green"), "●■◆", strict=False)
    )
    told = table(
        "cells",
        "Means over people, ± standard error; S and A are posterior means of the recommended analysis, as fractions of "
        "the error.",
        head,
        rows,
    )
    return f'{_lead("first")}<ul class="legend">{legend}</ul>{_figure(first_estimates(found), "first")}{told}'


def analyses(found: ClinicalChange) -> str:
    """Show the analyses side by side."""
    if not found.study.questions:
        changes: list[list[str | Cell]] = [
            [f"{c.group}, {c.after} v {c.before}", _summary(c.asymmetry), _summary(c.scaling)] for c in found.changes
        ]
        told = "Change within a group, recommended analysis; practice and time cannot be told from anything else."
        within = table("changes", told, ["Change", "A (95 %)", "S (95 %)"], changes) if changes else ""
        return f"<p>There is nothing to compare.</p>{within}"
    pictures = "".join(f"<div><h3>{escape(q.words)}</h3>{side_by_side(found, q)}</div>" for q in found.study.questions)
    caption = f"<figcaption>{escape(tidy(belief_prose()['captions']['side']))}</figcaption>"
    tables = "".join(_analysis_table(found, q, i) for i, q in enumerate(found.study.questions))
    return f'{_lead("analyses")}<figure><div class="pair">{pictures}</div>{caption}</figure>{tables}'


def _analysis_table(found: ClinicalChange, asked: Question, place: int) -> str:
    rows: list[list[str | Cell]] = []
    status = []
    for kind in ("bias", "asymmetry", "scaling"):
        for each in analyses_of(found, asked, kind):
            null = null_of(found, asked, each.analysis) if kind != "scaling" else None
            rows.append([
                ANALYSES[each.analysis], Cell(f"{kind} ({each.unit})"), Cell(_write(each, each.mean), "strong"),
                span(each), chance(each),
                NONE if each.people is None else f"{each.people[0]} and {each.people[1]}",
                NONE if null is None else _write(each, null.mean), NONE if null is None else _share(null),
            ])  # fmt: skip
            status.append("recommended" if each.analysis == "noisy" and kind == "asymmetry" else "")
    return table(
        f"analyses-{place}",
        f"{sentence_case(asked.words)}: change in the first group less change in the second.",
        ["Analysis", "Of what (unit)", "Difference", "95 % interval", "Chance", "People", "No change: mean",
         "No change: fires (95 %)"],
        rows, text=(1,), status=status,
    )  # fmt: skip


def no_change(found: ClinicalChange) -> str:
    """Show what no change would have shown."""
    if not found.nulls:
        return "<p>No studies were simulated, or there is nothing to compare.</p>"
    pictures = "".join(
        f"<div><h3>{escape(ANALYSES[name])}: {escape(q.words)}</h3>{nulls(found, q, name)}</div>"
        for q in found.study.questions
        for name in ("two-step", "model-free")
    )
    rows: list[list[str | Cell]] = [
        [
            ANALYSES[n.analysis], Cell(n.question.words), number(n.carried, 2), str(n.studies), _share(n),
            *((signed(n.mean), points(n.mean_error), points(n.sd)) if n.analysis == "model-free"
              else (fraction(n.mean), number(n.mean_error, 3), number(n.sd, 3))),
            "points" if n.analysis == "model-free" else "fraction",
        ]
        for n in sorted(found.nulls, key=lambda n: (n.question.words, n.analysis))
    ]  # fmt: skip
    told = table(
        "nulls",
        "Studies without any change of asymmetry. Share carried: as learnt first, then none and all of the first "
        "estimate's error.",
        ["Analysis", "Comparison", "Share carried", "Studies", "Fires at p < 0.05 (95 %)", "Mean found",
         "Its Monte-Carlo error", "Spread between studies", "Unit"],
        rows, text=(1,),
    )  # fmt: skip
    caption = f"<figcaption>{escape(tidy(belief_prose()['captions']['nulls']))}</figcaption>"
    return f'{_lead("no_change")}<figure><div class="pair">{pictures}</div>{caption}</figure>{told}'


def sensitivity(found: ClinicalChange) -> str:
    """Show the comparison under other assumptions."""
    rows: list[list[str | Cell]] = []
    for share, each in found.sensitivity:
        fixed = f"Recommended, share carried fixed at {number(share, 1)}"
        rows.append([fixed, Cell(each.question.words), _write(each, each.mean), span(each), "fraction", chance(each)])
    for each in (*found.trust_findings, *found.multiverse):
        name = "Recommended, S depends on trust" if each.analysis == "with trust" else sentence_case(each.analysis)
        rows.append([name, Cell(each.question.words), _write(each, each.mean), span(each), each.unit, chance(each)])
    trust = "" if found.trust is None else f"<p>S changes by {_summary(found.trust)} per 100 % of trust.</p>"
    learnt = f"<p>Share carried, as learnt: {_summary(found.carried, 2)}, 95 % interval in brackets.</p>"
    told = table(
        "variants", "The comparison under other assumptions.",
        ["Analysis", "Comparison", "Difference", "95 % interval", "Unit", "Chance"], rows, text=(1,),
    ) if rows else ""  # fmt: skip
    return f"{_lead('sensitivity')}{learnt}{trust}{told}"


def mood(found: ClinicalChange) -> str:
    """Show the link with mood."""
    if not found.links:
        return "<p>No link with mood could be worked out; see what cannot be answered, above.</p>"
    pictures = "".join(
        f"<div><h3>{escape(each.score)}: {escape(each.question.group)}, {escape(each.question.visits[1])} v "
        f"{escape(each.question.visits[0])}</h3>{mood_link(each)}</div>"
        for each in found.links
    )
    rows: list[list[str | Cell]] = [
        [
            f"{each.score}, {each.question.visits[1]}", str(each.people), _summary(each.slope, 2),
            _summary(each.correlation, 2), _summary(each.unattenuated, 2), _summary(each.reliability, 2),
            _summary(each.ceiling, 2),
        ]
        for each in found.links
    ]  # fmt: skip
    assumed = number(found.links[0].mood_reliability, 2)
    told = table(
        "links",
        f"Posterior means with 95 % intervals. The reliability of the mood score, {assumed}, is assumed. The ceiling "
        "is what a correlation of estimates could reach at most.",
        ["Mood score and visit", "People", "Points per 0.1 of asymmetry", "Correlation, latent asymmetry",
         "The same, mood error removed", "Reliability of the change of asymmetry", "Ceiling"],
        rows,
    )  # fmt: skip
    caption = f"<figcaption>{escape(tidy(belief_prose()['captions']['mood']))}</figcaption>"
    return f'{_lead("mood")}<figure><div class="pair">{pictures}</div>{caption}</figure>{told}{_common(found.links)}'


def _common(links: Sequence[Link]) -> str:
    rows: list[list[str | Cell]] = [
        [f"ρ = {number(rho, 1)}", *(_summary(each.common_cause[i][1], 2) for each in links)]
        for i, (rho, _) in enumerate(links[0].common_cause)
    ]
    head = ["Common cause", *(f"{each.score}, {each.question.visits[1]}" for each in links)]
    return table(
        "common-cause",
        "What is left of the correlation if something unmeasured is correlated ρ with both changes, in the direction "
        "of what was found (assumed values of ρ).",
        head,
        rows,
    )


def checks(found: ClinicalChange) -> str:
    """Show the posterior-predictive checks."""
    odd = sum(each.is_odd for each in found.checks)
    rows: list[list[str | Cell]] = []
    for each in found.checks:
        words, unit = STATISTICS[each.statistic]
        digits = 1 if unit in ("%", "points") else 3
        rows.append([
            words, Cell(f"{each.group}, {each.visit}"), number(each.seen, digits), number(each.replicated, digits),
            f"{number(each.low, digits)} to {number(each.high, digits)}", number(each.p, 2), Cell(unit),
        ])  # fmt: skip
    told = table(
        "checks-table",
        f"{found.plan.replicates} replicates. p: share of them above what was seen.",
        ["Statistic", "Group and visit", "Seen", "Replicated, mean", "Middle 95 %", "p", "Unit"],
        rows, text=(1, 6), status=["odd" if each.is_odd else "" for each in found.checks],
    )  # fmt: skip
    return (
        f"{_lead('checks')}<p>{odd} of {len(found.checks)} lie outside.</p>"
        f"<details><summary>Every statistic</summary>{told}</details>"
    )
