"""The tables of the page: the whole answer, milestones, the first session, for whom, and every number with its source.

What lives here: rows and columns in HTML, everything escaped. What does not: where they stand (``page``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from upturn.reports.reading import arm_of, at_time, can_respond, median, parts_apart, parts_present, relapses
from upturn.reports.sentences import arm_name
from upturn.reports.session_figures import ACUTE_NAMES, acute_arms, acute_writer
from upturn.reports.words import (
    Writer,
    between,
    covariate,
    duration,
    percent,
    points,
    ratio,
    remission,
    sentence_case,
    signed,
    with_interval,
)
from upturn.trials import Answer, Interval
from upturn.trials.findings import ArmAnswer, ContrastAnswer

__all__ = ["MILESTONES", "SHORT_PARTS", "acute_table", "arm_table", "contrast_table", "milestone_table", "milestones",
           "number_table", "table", "who_table"]  # fmt: skip

SHORT_PARTS = {
    "drug": "drug",
    "nonspecific": "any treatment, time",
    "comparator": "other treatment",
    "expectancy": "expectation",
}
MILESTONES = (
    "Time to first response",
    "Ever in response",
    "Time to sustained response",
    "Sustained response by named time",
    "In response after last planned dose",
    "From that dose to relapse",
    "Boosters per person",
    "Left before the end",
)
NONE = "–"


@dataclass(frozen=True)
class Cell:
    """A cell that is not a plain figure: words, or the figure of the row."""

    text: str
    kind: str = "text"


def table(id_: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str | Cell]], *,
          text: Sequence[int] = (), status: Sequence[str] | None = None) -> str:  # fmt: skip
    """Write a table in a box that scrolls by itself; the first cell of a row names it.

    Parameters
    ----------
    id_
        Of the table.
    caption
        One or two sentences, also the name of the box.
    head, rows
        Plain text; escaped here.
    text
        Columns that hold words.
    status
        One word per row that a filter can ask for.
    """
    heads = "".join(
        f'<th scope="col"{" class=text" if i in text else ""}>{escape(name)}</th>' for i, name in enumerate(head)
    )
    body = []
    for n, row in enumerate(rows):
        mark = f' data-status="{escape(status[n])}"' if status else ""
        first, *rest = row
        cells = "".join(_cell(cell) for cell in rest)
        body.append(f'<tr{mark}><th scope="row">{escape(_text(first))}</th>{cells}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-labelledby="{escape(id_)}-caption">'
        f'<table id="{escape(id_)}"><caption id="{escape(id_)}-caption"><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _cell(cell: str | Cell) -> str:
    kind = f' class="{cell.kind}"' if isinstance(cell, Cell) else ""
    return f"<td{kind}>{escape(_text(cell))}</td>"


def _maybe(interval: Interval | None, write: Writer) -> str:
    return NONE if interval is None else with_interval(interval, write)


def contrast_table(answer: Answer, contrast: ContrastAnswer) -> str:
    """Write one contrast at every time: both arms, the difference for a new trial and for one person, its parts."""
    one, two = arm_of(answer, contrast.arm), arm_of(answer, contrast.control)
    parts = parts_apart(contrast)
    well = not can_respond(two)
    head = [
        "Time",
        f"{sentence_case(one.id)}: change",
        f"{sentence_case(two.id)}: change",
        "Difference",
        "New trial, 50 %",
        "New trial, 90 %",
        "One person (90 %)",
        *(sentence_case(SHORT_PARTS[p]) for p in parts),
        *([] if well else ["Response, difference (90 %)"]),
    ]
    rows: list[list[str | Cell]] = [
        [
            duration(d.time_h),
            signed(median(at_time(one.at, d.time_h).mean_change)),
            signed(median(at_time(two.at, d.time_h).mean_change)),
            Cell(signed(median(d.new_trial)), "strong"),
            between(d.new_trial, 50, signed),
            between(d.new_trial, 90, signed),
            with_interval(d.one_person, signed),
            *(signed(-median(d.parts[p])) for p in parts),
            *([] if well else [with_interval(d.response, percent)]),
        ]
        for d in contrast.at
    ]
    return table(
        f"contrast-{one.id}-{two.id}",
        f"{one.title}, compared with {two.title}. MADRS points; minus = better, and a minus in the difference favours "
        f"{one.id}. Then the parts of the difference; as middle values they need not add up exactly.",
        head,
        rows,
    )


def arm_table(arm: ArmAnswer) -> str:
    """Write one arm at every time: change, its parts, response, remissions."""
    parts, ill = parts_present([arm]), can_respond(arm)
    names = list(arm.at[0].remission) if ill else []
    ideation = any(row.suicidal_ideation_change is not None for row in arm.at)
    head = [
        "Time",
        "Change, new trial (90 %)",
        "Change, one person (90 %)",
        *(f"Of which {SHORT_PARTS[p]}" for p in parts),
        *(["Response (90 %)", "Response, leavers count as failed"] if ill else []),
        *(remission(name) for name in names),
        *(["Suicidal ideation (SSI), change"] if ideation else []),
    ]
    rows: list[list[str | Cell]] = [
        [
            duration(row.time_h),
            with_interval(row.mean_change, signed),
            with_interval(row.person_change, signed),
            *(signed(-median(row.parts[p])) for p in parts),
            *([with_interval(row.response, percent), percent(median(row.response_leavers_failed))] if ill else []),
            *(with_interval(row.remission[name], percent) for name in names),
            *([_maybe(row.suicidal_ideation_change, signed)] if ideation else []),
        ]
        for row in arm.at
    ]
    return table(f"arm-{arm.id}", f"{arm.title}: change in MADRS (minus = better) and shares of people.", head, rows)


def milestone_table(answer: Answer) -> str:
    """Write when things happen in each arm: response, sustained response, relapse; boosters, leaving."""
    head = ["Milestone", *(sentence_case(arm.id) for arm in answer.arms)]
    rows: list[list[str | Cell]] = [
        [name, *values] for name, *values in zip(MILESTONES, *(milestones(arm) for arm in answer.arms), strict=True)
    ]
    return table(
        "milestones",
        "When things happen: middle of the new trials with the 90 % interval. “Not reached”: fewer than half of the "
        "people get there, so there is no middle time. A dash: does not apply.",
        head,
        rows,
    )


def milestones(arm: ArmAnswer) -> list[str]:
    """Write an arm's milestones in the order of :data:`MILESTONES`."""
    ill, known = can_respond(arm), relapses(arm)
    return [
        _maybe(arm.time_to_response_h if ill else None, duration),
        _maybe(arm.ever_responded if ill else None, percent),
        _maybe(arm.time_to_sustained_response_h if ill else None, duration),
        _maybe(arm.sustained_by if ill else None, percent),
        _maybe(known.in_response if known else None, percent),
        _maybe(known.median_h if known else None, duration),
        _maybe(arm.boosters, points),
        _maybe(arm.left, percent),
    ]


def acute_table(answer: Answer) -> str:
    """Write the first session: how high, when, and when back to baseline."""
    arms = acute_arms(answer)
    rows: list[list[str | Cell]] = [
        [
            f"{sentence_case(arm.id)}: {name}" if len(arms) > 1 else name,
            with_interval(acute.peak[key], acute_writer(key)),
            with_interval(acute.peak_h[key], duration),
            _maybe(acute.back_h.get(key), duration),
        ]
        for arm, acute in arms
        for key, name in ACUTE_NAMES.items()
    ]
    return table(
        "session",
        f"The first session of {' and '.join(arm_name(arm.id) for arm, _ in arms)}: middle person, with the 90 % "
        "interval over people. Times count from the start of the dose.",
        ["What", "Highest", "Time of the highest", "Back to baseline"],
        rows,
    )


def who_table(answer: Answer) -> str:
    """Write what is known of each covariate."""
    rows: list[list[str | Cell]] = [
        [
            covariate(m.covariate),
            ratio(median(m.ratio_per_sd)),
            between(m.ratio_per_sd, 90, ratio),
            Cell(m.evidence),
            Cell(m.verdict),
        ]
        for m in answer.who
    ]
    return table(
        "who",
        "By how much the drug effect may change for one standard deviation more: a ratio, 1 is no change. Before "
        "trials are fitted these are the beliefs that the model starts from.",
        ["Characteristic", "Ratio", "90 % interval", "Evidence", "Verdict"],
        rows,
        text=(3, 4),
    )


def number_table(answer: Answer) -> str:
    """Write every number used, with unit, source, status and spread."""
    rows: list[list[str | Cell]] = [
        [
            n.name.replace("_", " "),
            f"{n.value:.6g}".replace("-", "−"),
            Cell(n.unit),
            Cell(n.status, "text status"),
            Cell(n.source),
            Cell(n.spread or NONE),
            Cell(n.file),
        ]
        for n in answer.numbers
    ]
    return table(
        "numbers-table",
        "Every number that the models used. Assumed numbers are marked.",
        ["Number", "Value", "Unit", "Status", "Source", "Spread", "File"],
        rows,
        text=(2, 3, 4, 5, 6),
        status=[n.status for n in answer.numbers],
    )
