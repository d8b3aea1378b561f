"""The page: one self-contained report.html, the same bytes for the same answer, written whole or not at all.

What lives here: putting sentences, figures and tables in their places. What does not: any of those themselves.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from plotly.offline import get_plotlyjs

from upturn.mood import moderators, mood_numbers
from upturn.pharmacology import acute_numbers, receptor
from upturn.plasticity import plasticity_numbers
from upturn.reports.drawing import Block, Key, Panel
from upturn.reports.figures import course_blocks
from upturn.reports.observed import observed_section
from upturn.reports.reading import arm_of, can_respond, parts_present, split_of, split_time
from upturn.reports.sentences import (
    PART_NAMES,
    beyond,
    findings,
    fitted,
    main_arm,
    main_contrast,
    share_sentence,
)
from upturn.reports.session_figures import acute_arms, session_blocks
from upturn.reports.tables import (
    acute_table,
    arm_table,
    contrast_table,
    milestone_table,
    number_table,
    who_table,
)
from upturn.reports.words import duration, kept_together, points, prose, sentence_case
from upturn.reports.writing import write_together
from upturn.trials import Answer
from upturn.trials.findings import OtherCondition

__all__ = ["page", "write_html"]

DASHES = {"solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 4", "longdashdot": "11 3 2 3"}
POINTS = {
    "circle": '<circle cx="16" cy="6" r="3.2"/>',
    "square": '<rect x="13" y="3" width="6" height="6"/>',
    "diamond": '<path d="M16 1.8 20.2 6 16 10.2 11.8 6z"/>',
    "triangle-up": '<path d="M16 2 20 9.5H12z"/>',
    "x": '<path d="M13 3l6 6m0-6l-6 6" stroke-width="2.2"/>',
    "star": '<path d="M16 1.5l1.3 3 3.2.3-2.4 2.1.7 3.1-2.8-1.7-2.8 1.7.7-3.1-2.4-2.1 3.2-.3z"/>',
    "": "",
}
SWITCHES = {
    "course": (("stretched", "Hours and weeks"), ("day", "First day"), ("whole", "Whole course")),
    "session": (("session", "First 6 hours"), ("session-day", "24 hours")),
}
ROOM_FOR_A_FIGURE = 9.0  # percent of the width of a bar


def write_html(answer: Answer, path: Path, *, beside: Mapping[Path, str] | None = None) -> Path:
    """Write the report as one file that works offline.

    Parameters
    ----------
    answer
        What to report.
    path
        Where; an existing file is replaced in one step, so that nobody ever reads half a report.
    beside
        Files that belong to it, place and text: written together with it or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    write_together({Path(path): page(answer), **(beside or {})})
    return Path(path)


def page(answer: Answer) -> str:
    """Write the page as text."""
    blocks = course_blocks(answer) + session_blocks(answer)
    sections = (
        ("answer", "The answer in short", _answer(answer)),
        *([("observed", prose("observed", "heading"), observed_section(answer))] if answer.observed else []),
        ("figures-section", "Figures", "".join(_block(block) for block in blocks)),
        ("tables", "Tables", _tables(answer)),
        ("whom", "For whom", f"<p>{escape(findings(answer)[3].text)}</p>{who_table(answer)}"),
        ("conditions", "Other conditions and ages", _conditions(answer)),
        ("methods", "How to read this", _methods()),
        ("limits", "What this cannot say", _limits(answer)),
        ("numbers", "The numbers behind it", _numbers(answer)),
        ("provenance", "Where this comes from", _provenance(answer)),
    )
    banner = f'<p class="banner" role="note">{escape(beyond(answer))}</p>' if answer.calibration.beyond else ""
    panels = {_id(panel): _data(panel) for block in blocks for panel in block.panels}
    return Template(_asset("page.html")).substitute(
        title=escape(answer.protocol["title"]),
        summary=escape(" ".join(answer.protocol["summary"].split())),
        notice=escape(prose("notice")),
        banner=banner,
        contents="\n".join(f'<li><a href="#{id_}">{escape(title)}</a></li>' for id_, title, _ in sections),
        main="\n".join(
            f'<section id="{id_}" aria-labelledby="{id_}-h"><h2 id="{id_}-h">{escape(title)}</h2>\n{body}</section>'
            for id_, title, body in sections
        ),
        version=escape(answer.version),
        style=_asset("style.css"),
        plotly=get_plotlyjs(),
        figures=_json(panels),
        script=_asset("report.js"),
    )


def _asset(name: str) -> str:
    return files("upturn.reports").joinpath(name).read_text(encoding="utf-8")


def _json(content: Any) -> str:
    """Write JSON that cannot end the element it stands in."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c")


def _id(panel: Panel) -> str:
    return f"plot-{panel.id}"


def _data(panel: Panel) -> dict[str, Any]:
    drawn: dict[str, Any] = panel.figure.to_plotly_json()
    return {"data": drawn["data"], "layout": drawn["layout"]}


def _answer(answer: Answer) -> str:
    found = "".join(
        f'<div class="finding" id="finding-{f.id}"><h3>{escape(f.question)}</h3>'
        f'<p class="figure">{escape(f.figure)}</p><p class="unit">{escape(f.unit)}</p>'
        f"<p>{escape(kept_together(f.text))}</p></div>"
        for f in findings(answer)
    )
    return f'<div class="findings">{found}</div>{_shares(answer)}'


def _shares(answer: Answer) -> str:
    """Draw what the change is made of as bars of one scale: every arm in which anything changes."""
    arms = [arm for arm in answer.arms if can_respond(arm)]
    if not arms:
        return ""
    contrast = main_contrast(answer)
    if contrast is not None:
        arms = [arm_of(answer, contrast.arm), arm_of(answer, contrast.control)]
    time_h = split_time(main_arm(answer), answer)
    splits = [split_of(arm, time_h) for arm in arms]
    largest = max(split.total for split in splits) or 1.0
    present = parts_present(arms)
    rows = []
    for arm, split in zip(arms, splits, strict=True):
        parts = ""
        for part in present:
            width = 88 * max(split.parts[part], 0.0) / largest
            label = f"<b>{points(split.parts[part])}</b>" if width >= ROOM_FOR_A_FIGURE else ""
            parts += f'<span class="part part-{part}" style="width:{width:.2f}%">{label}</span>'
        rows.append(
            f'<div class="row"><span>{escape(arm.title)}</span><span class="bar">{parts}'
            f'<span class="total">{points(split.total)}</span></span></div>'
        )
    told = " ".join(share_sentence(arm, split) for arm, split in zip(arms, splits, strict=True))
    entries = "".join(
        f'<li><span class="entry"><span class="swatch swatch-{part}"></span>'
        f"{escape(sentence_case(PART_NAMES[part]))}</span></li>"
        for part in present
    )
    return (
        f'<figure class="shares"><h3>What the change is made of at {duration(splits[0].time_h)}</h3>'
        f'<div role="img" aria-label="{escape(told)}">{"".join(rows)}</div><ul class="legend">{entries}</ul>'
        f"<figcaption>{escape(prose('captions', 'shares'))}</figcaption></figure>"
    )


def _block(block: Block) -> str:
    kinds = {panel.axis for panel in block.panels}
    axis = next((kind for kind in SWITCHES if kind in kinds), None)
    buttons = "".join(
        f'<button type="button" data-axis-mode="{mode}" aria-pressed="{"true" if i == 0 else "false"}">{words}</button>'
        for i, (mode, words) in enumerate(SWITCHES.get(axis or "", ()))
    )
    if block.individuals:
        buttons += (
            '<span class="gap"></span><button type="button" data-toggle="individuals" aria-pressed="false">'
            "Single people</button>"
        )
    switches = _switches("View of this figure", buttons) if buttons else ""
    keys = "".join(f"<li>{_key(key)}</li>" for key in block.legend)
    panels = "".join(
        f'<div class="panel"><h4>{escape(panel.title)}</h4><div class="plot" id="{escape(_id(panel))}" role="img" '
        f'data-axis="{panel.axis}" aria-label="{escape(panel.summary)}"></div></div>'
        for panel in block.panels
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in block.notes)
    count = {1: " one", 3: " three"}.get(len(block.panels), "")
    return (
        f'<div class="block" id="figure-{block.id}"><h3>{escape(block.heading)}</h3>'
        f'<p class="takeaway">{escape(kept_together(block.takeaway))}</p>{switches}'
        f'<figure><ul class="legend">{keys}</ul>'
        f'<p class="unscripted">{escape(prose("unscripted"))}</p><div class="panels{count}">{panels}</div>'
        f"<figcaption>{escape(block.caption)}</figcaption></figure>"
        f"{f'<ul class=notes>{notes}</ul>' if notes else ''}</div>"
    )


def _switches(label: str, buttons: str) -> str:
    return f'<div class="switches" role="group" aria-label="{label}">{buttons}</div>'


def _key(key: Key) -> str:
    if key.kind == "bar":
        swatch = f'<span class="swatch swatch-{key.group}"></span>'
    else:
        swatch = (
            f'<svg class="{key.ink.name}" width="32" height="12" aria-hidden="true" fill="currentColor" '
            f'stroke="currentColor"><path d="M0 6H32" stroke-width="2.25" stroke-dasharray="{DASHES[key.ink.dash]}"/>'
            f"{POINTS[key.ink.symbol]}</svg>"
        )
    label = f"{swatch}{escape(key.label)}"
    return f'<button type="button" data-series="{escape(key.group)}" aria-pressed="true">{label}</button>'


def _tables(answer: Answer) -> str:
    told = f"<p>{escape(prose('intervals', 'new_trial'))} {escape(prose('intervals', 'one_person'))}</p>"
    compared = "".join(contrast_table(answer, contrast) for contrast in answer.contrasts)
    if not answer.contrasts:
        compared = "<p>This protocol compares no arms, so there is no table of differences.</p>"
    arms = "".join(
        f"<details><summary>{escape(arm.title)}: every time</summary>{arm_table(arm)}</details>" for arm in answer.arms
    )
    session = f"<h3>The first session</h3>{acute_table(answer)}" if acute_arms(answer) else ""
    return (
        f"{told}<h3>The arms compared</h3>{compared}<h3>Each arm</h3>{arms}"
        f"<h3>Milestones</h3>{milestone_table(answer)}{session}"
    )


def _conditions(answer: Answer) -> str:
    def entry(each: OtherCondition) -> str:
        found = "".join(f"<li>{escape(fact['text'])}</li>" for fact in each.findings)
        state = "partly calibrated" if each.calibrated else "not calibrated"
        return f"<dt>{escape(each.title)} ({state})</dt><dd>{escape(each.scope)}<ul class=notes>{found}</ul></dd>"

    listed = "".join(entry(each) for each in answer.conditions)
    return f'<p>{escape(prose("conditions"))}</p><dl class="defs">{listed}</dl>'


def _methods() -> str:
    entries: Sequence[dict[str, str]] = prose("definitions")
    defined = "".join(f"<dt>{escape(e['term'])}</dt><dd>{escape(' '.join(e['text'].split()))}</dd>" for e in entries)
    return f'<dl class="defs">{defined}</dl>'


def _limits(answer: Answer) -> str:
    used = {number.file for number in answer.numbers}
    known = (mood_numbers(), moderators(), plasticity_numbers(), receptor(), acute_numbers())
    said = [*prose("limits"), *(f"{file.title}: {' '.join(file.limits.split())}" for file in known if file.id in used)]
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in said)}</ul>"


def _numbers(answer: Answer) -> str:
    count = Counter(number.status for number in answer.numbers)
    listed = ", ".join(f"{n} {status}" for status, n in sorted(count.items()))
    buttons = "".join(
        f'<button type="button" data-status-filter="{escape(status)}" '
        f'aria-pressed="{"true" if status == "all" else "false"}">{escape(sentence_case(status))}</button>'
        for status in ("all", *sorted(count))
    )
    return (
        f"<p>{len(answer.numbers)} numbers: {escape(listed)}.</p>"
        "<details><summary>Every number with its source</summary>"
        f"{_switches('Show numbers by status', buttons)}{number_table(answer)}</details>"
    )


def _provenance(answer: Answer) -> str:
    facts = {
        "Protocol": f"{answer.protocol['id']}, version {answer.protocol['version']}",
        "Condition": answer.protocol["condition"],
        "Digest": answer.protocol["digest"],
        "People": f"{answer.patients} per arm in each of {answer.trials} new trials",
        "Seed": str(answer.seed),
        "upturn": answer.version,
        "Calibration": fitted(answer),
        "Evidence": answer.calibration.evidence,
        "Posterior": answer.calibration.posterior,
    }
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts.items())
    if answer.observed:
        facts["Observed"] = f"{answer.observed.people} people, {answer.observed.ratings} MADRS ratings, from records"
    again = "The same protocol, seed and version give this page again, byte for byte."
    return f'<dl class="facts">{listed}</dl><p>{again}</p>'
