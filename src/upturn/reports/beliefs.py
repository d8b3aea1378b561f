"""The clinical-change report of belief updating: one page, complete in itself, without a script.

What lives here: sections and tables in their places, and writing the file whole or not at all. What does not: pictures
(``belief_figures``), the words that never change (``belief_prose.yaml``), and any arithmetic.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from string import Template

import numpy as np

import upturn
from upturn.inference.beliefs.clinical import ClinicalChange
from upturn.inference.beliefs.questions import Question
from upturn.parameters import read
from upturn.reports.belief_figures import analyses_of, fraction, null_of
from upturn.reports.belief_sections import (
    NONE,
    analyses,
    asset,
    belief_prose,
    chance,
    checks,
    groups,
    mood,
    no_change,
    sensitivity,
    span,
    tidy,
)
from upturn.reports.tables import Cell, table
from upturn.reports.words import number, percent, prose, sentence_case, signed
from upturn.reports.writing import write_page

__all__ = ["belief_page", "write_belief_report"]

# Rows of what is set aside that are shown.
SHOWN = 60
FILES = (
    ("upturn.inference", "beliefs"), ("upturn.inference", "belief_link"), ("upturn.beliefs", "scoring"),
    ("upturn.beliefs", "task"),
)  # fmt: skip


def write_belief_report(found: ClinicalChange, path: Path) -> Path:
    """Write the report as one file that works offline.

    Parameters
    ----------
    found
        What to report.
    path
        Where; an existing file is replaced in one step.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    return write_page(belief_page(found), path)


def belief_page(found: ClinicalChange) -> str:
    """Write the page as text."""
    sections = [
        ("short", "In short", _short(found)),
        ("groups", "First estimates and news", groups(found)),
        ("analyses", "The analyses side by side", analyses(found)),
        ("null", "What no change would have shown", no_change(found)),
        ("sensitivity", "Sensitivity", sensitivity(found)),
        ("mood", "The link with mood", mood(found)),
        ("checks", "Does the model answer as people did?", checks(found)),
        ("methods", "How to read this", _methods()),
        ("limits", "What this cannot say", _limits(found)),
        ("numbers", "The numbers behind it", _numbers()),
        ("provenance", "Where this comes from", _provenance(found)),
    ]
    return Template(asset("belief_page.html")).substitute(
        title=escape(belief_prose()["title"]),
        summary=escape(tidy(belief_prose()["summary"])),
        notice=escape(prose("notice")),
        contents="\n".join(f'<li><a href="#{id_}">{escape(title)}</a></li>' for id_, title, _ in sections),
        main="\n".join(
            f'<section id="{id_}" aria-labelledby="{id_}-h"><h2 id="{id_}-h">{escape(title)}</h2>\n{body}</section>'
            for id_, title, body in sections
        ),
        version=escape(upturn.__version__),
        style=asset("style.css"),
    )


def _main(found: ClinicalChange) -> Question | None:
    """Give the question that stands on top: the last visit of the first group."""
    asked = found.study.questions
    return [each for each in asked if each.group == asked[0].group][-1] if asked else None


def _card(question: str, figure: str, unit: str, words: str) -> str:
    return (
        f'<div class="finding"><h3>{escape(question)}</h3><p class="figure">{escape(figure)}</p>'
        f'<p class="unit">{escape(unit)}</p><p>{escape(words)}</p></div>'
    )


def _short(found: ClinicalChange) -> str:
    cannot = "".join(f"<li>{escape(each)}</li>" for each in found.cannot)
    silent = f'<h3>What cannot be answered</h3><ul class="cannot">{cannot}</ul>' if cannot else ""
    asked = _main(found)
    if asked is None:
        return f"<p>No comparison of groups can be made with these records.</p>{silent}"
    noisy, two_step = (
        next(e for e in analyses_of(found, asked, "asymmetry") if e.analysis == name) for name in ("noisy", "two-step")
    )
    cards = [
        _card(
            "Did asymmetry change, beside the other group?",
            fraction(noisy.mean),
            f"of the error; 95 % interval {span(noisy)}",
            f"Recommended analysis of {asked.words}. {chance(noisy)}. "
            + ("The interval excludes zero." if noisy.excludes_zero else "Not established: the interval holds zero."),
        )
    ]
    null = null_of(found, asked, "two-step")
    if null is not None:
        cards.append(
            _card(
                "What would no change have shown?",
                percent(null.rate),
                f"false positives of the published two-step analysis (95 % Monte-Carlo interval "
                f"{' to '.join(percent(v) for v in null.rate_interval)}; nominal 5 %)",
                f"Without any change it would have found {fraction(null.mean)} on average; here it found "
                f"{fraction(two_step.mean)} ({chance(two_step)}). Less the spurious effect, "
                f"{fraction(two_step.mean - null.mean)} is left.",
            )
        )
    cards.append(_shift_card(found, asked))
    linked = next((each for each in found.links if each.question == asked), None)
    if linked is not None:
        cards.append(
            _card(
                "Does it go with mood?",
                signed(linked.slope.mean),
                f"{linked.score} points per 0.1 of asymmetry; 95 % interval {signed(linked.slope.low)} to "
                f"{signed(linked.slope.high)}",
                f"An association in {linked.people} people; minus means that those whose asymmetry rose more improved "
                f"more. Estimated changes of asymmetry have a reliability of {number(linked.reliability.mean, 2)}.",
            )
        )
    return f'<div class="findings">{"".join(cards)}</div>{silent}'


def _shift_card(found: ClinicalChange, asked: Question) -> str:
    first = {(c.group, c.visit): c.first[0] for c in found.cells}
    one, two = (
        first[who, after] - first[who, before]
        for who, (before, after) in zip(asked.groups, (asked.visits, asked.comparator_visits), strict=True)
    )
    return _card(
        "How far did first estimates move?",
        signed(one - two),
        f"points in {asked.group} beyond {asked.comparator}",
        f"{sentence_case(asked.group)} {signed(one)}, {asked.comparator} {signed(two)} points. A shift of beliefs "
        "alone moves the published scores.",
    )


def _methods() -> str:
    defined = "".join(
        f"<dt>{escape(e['term'])}</dt><dd>{escape(tidy(e['text']))}</dd>" for e in belief_prose()["definitions"]
    )
    return f'<dl class="defs">{defined}</dl>'


def _limits(found: ClinicalChange) -> str:
    seen = found.study.answers
    shown: dict[tuple[str, int], int] = {}
    for who, events, there in zip(seen.participant, seen.event, seen.answered, strict=True):
        for event in events[there]:
            shown[who, int(event)] = shown.get((who, int(event)), 0) + 1
    said = [belief_prose()["reused" if max(shown.values()) > 1 else "not_reused"]]
    if not seen.filler_answered.any():
        said.append(belief_prose()["no_fillers"])
    if not np.isfinite(seen.other[seen.answered]).any():
        said.append(belief_prose()["no_other"])
    listed = "".join(f"<li>{escape(tidy(each))}</li>" for each in (*said, *belief_prose()["limits"]))
    return f"<ul>{listed}</ul>"


def _numbers() -> str:
    known = [(name, each) for package, name in FILES for each in read(package, name)]
    rows: list[list[str | Cell]] = [
        [
            each.name.replace("_", " "), f"{each.value:g}".replace("-", "\N{MINUS SIGN}"), Cell(each.unit),
            Cell(each.status, "text status"), Cell(each.source),
            Cell(f"{each.prior.kind}, SD {each.prior.sd:g}" if each.prior else NONE), Cell(name),
        ]
        for name, each in known
    ]  # fmt: skip
    assumed = sum(each.status == "assumed" for _, each in known)
    told = table(
        "numbers-table", "Priors and rules. Assumed numbers are marked.",
        ["Number", "Value", "Unit", "Status", "Source", "Prior", "File"], rows, text=(2, 3, 4, 5, 6),
        status=[each.status for _, each in known],
    )  # fmt: skip
    return (
        f"<p>{len(known)} numbers, {assumed} of them assumed.</p>"
        f"<details><summary>Every number with its source</summary>{told}</details>"
    )


def _provenance(found: ClinicalChange) -> str:
    seen, plan = found.study.answers, found.plan
    worst = max(each.worst_r_hat for each in found.diagnostics.values())
    least = min(each.least_ess for each in found.diagnostics.values())
    divergent = sum(each.divergences for each in found.diagnostics.values())
    facts = {
        "People": ", ".join(
            f"{len({p for p, g in zip(seen.participant, seen.group, strict=True) if g == group})} {group}"
            for group in found.study.visits
        ),
        "Sessions": f"{len(seen.participant)}, {int(seen.answered.sum()):,} complete trials, "
        f"{int(seen.filler_answered.sum()):,} filler events",
        "Draws": f"{plan.settings.chains} chains of {plan.settings.draws:,}, seed {plan.seed}",
        "Convergence": f"{len(found.diagnostics)} fits: R-hat at most {number(worst, 3)}, effective draws at least "
        f"{number(least, 0)}, {divergent} divergent",
        "upturn": upturn.__version__,
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in facts.items())
    aside = "".join(f"<li>{escape(str(each))}</li>" for each in found.study.set_aside[:SHOWN])
    more = len(found.study.set_aside) - SHOWN
    rest = f"<li>and {more} more (--json names all)</li>" if more > 0 else ""
    told = (
        f"<details><summary>Not used, or not for everything: {len(found.study.set_aside)}</summary>"
        f'<ul class="notes">{aside}{rest}</ul></details>'
        if aside
        else "<p>Nothing was set aside.</p>"
    )
    return f'<dl class="facts">{listed}</dl>{told}'
