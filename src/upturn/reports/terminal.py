"""The answer in a terminal: sentences first, then tables that fit between 80 and 110 columns.

What lives here: what ``rich`` prints. What does not: the page, and how a number is written (``words``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from upturn.reports.observed import observed_rows, observed_sentences
from upturn.reports.reading import arm_of, at_time, can_respond, median, parts_apart, parts_present
from upturn.reports.sentences import arm_name, beyond, findings, fitted
from upturn.reports.session_figures import ACUTE_NAMES, acute_arms, acute_writer
from upturn.reports.tables import MILESTONES, milestones
from upturn.reports.words import (
    NEVER,
    between,
    covariate,
    duration,
    percent,
    prose,
    ratio,
    remission,
    sentence_case,
    signed,
    with_interval,
)
from upturn.trials import Answer
from upturn.trials.findings import ArmAnswer, ContrastAnswer

__all__ = ["terminal"]

WIDEST = 110  # columns; longer lines are hard to follow
ROOM_FOR_PARTS = 92  # columns from which the parts fit beside the difference
PART_COLUMNS = {"drug": "drug", "nonspecific": "any", "comparator": "other", "expectancy": "expect."}


def terminal(answer: Answer) -> RenderableType:
    """Give what ``rich`` prints for an answer.

    Parameters
    ----------
    answer
        What to show.

    Returns
    -------
    RenderableType
        To be printed on a console of 80 columns or more; it uses at most 110.
    """
    return _Report(answer)


@dataclass(frozen=True)
class _Report:
    answer: Answer

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, WIDEST)
        for part in _parts(self.answer, width):
            yield from console.render(part, options.update(width=width))


def _parts(answer: Answer, width: int) -> Iterator[RenderableType]:
    yield Text(answer.protocol["title"], style="bold")
    yield Text(prose("notice"), style="dim")
    if answer.calibration.beyond:
        yield Text(beyond(answer), style="yellow")
    for found in findings(answer):
        yield Text("")
        answered = f" {sentence_case(found.figure)}" + (f" – {found.unit}" if found.unit else "")
        yield Text.assemble((found.question, "bold"), answered)
        yield Padding(Text(found.text), (0, 0, 0, 2))
    yield from _observed(answer)
    for contrast in answer.contrasts:
        yield from _contrast(answer, contrast, width)
    if not answer.contrasts:
        yield from (table for arm in answer.arms for table in (_heading(arm.title), _alone(arm)))
    yield from _responses(answer)
    yield _heading("Milestones (middle of the new trials, 90 % interval)")
    yield _milestones(answer)
    if acute_arms(answer):
        yield _heading("First session (middle person, 90 % of people; times from the start of the dose)")
        yield from _sessions(answer)
    yield _heading("For whom")
    yield _whom(answer)
    yield Text("")
    yield _provenance(answer)


def _observed(answer: Answer) -> Iterator[RenderableType]:
    if answer.observed is None:
        return
    yield _heading(prose("observed", "heading"))
    for each in observed_sentences(answer):
        yield Padding(Text(each), (0, 0, 0, 2))
    for arm in answer.observed.arms:
        head, rows = observed_rows(arm)
        grid = _grid(["Time", "Rated", "Observed", "Expected of such a group", "In response", "Expected"])
        for row in rows:
            _row(grid, [_tight(cell) for cell in row[: len(head)][:6]], strong=2)
        if rows:
            yield _heading(f"Observed: {arm_of(answer, arm.id).title}")
            yield grid
    yield Padding(Text(prose("observed", "few"), style="dim"), (0, 0, 0, 2))


def _heading(words: str) -> RenderableType:
    return Padding(Text(words, style="bold"), (1, 0, 0, 0))


def _grid(head: Sequence[str], *, words: Sequence[int] = ()) -> Table:
    """Begin a plain table; columns are figures (right) unless they hold words."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim", show_edge=False)
    for i, name in enumerate(head):
        grid.add_column(Text(name), justify="left" if i == 0 or i in words else "right", vertical="bottom")
    return grid


def _row(grid: Table, cells: Sequence[str], *, strong: int | None = None) -> None:
    """Add a row of plain text; nothing in it is read as markup."""
    grid.add_row(*(Text(cell, style="bold" if i == strong else "") for i, cell in enumerate(cells)))


def _tight(text: str) -> str:
    """Write an interval in fewer columns."""
    return text.replace(" to ", "…")


def _contrast(answer: Answer, contrast: ContrastAnswer, width: int) -> Iterator[RenderableType]:
    one, two = arm_of(answer, contrast.arm), arm_of(answer, contrast.control)
    parts = parts_apart(contrast)
    beside = width >= ROOM_FOR_PARTS
    yield _heading(f"{sentence_case(arm_name(one.id))} v {arm_name(two.id)} (MADRS points; minus = better)")
    if not can_respond(two):
        yield Text("Nothing changes in the second: this comparison is not an effect of treatment.", style="yellow")
    head = ["time", one.id, two.id, "diff.", "50 % new trial", "90 % new trial"]
    grid = _grid([*head, *(PART_COLUMNS[p] for p in parts if beside), "one person 90 %"])
    for d in contrast.at:
        cells = [
            duration(d.time_h),
            signed(median(at_time(one.at, d.time_h).mean_change)),
            signed(median(at_time(two.at, d.time_h).mean_change)),
            signed(median(d.new_trial)),
            _tight(between(d.new_trial, 50, signed)),
            _tight(between(d.new_trial, 90, signed)),
            *(signed(-median(d.parts[p])) for p in parts if beside),
            _tight(between(d.one_person, 90, signed)),
        ]
        _row(grid, cells, strong=3)
    yield grid
    if parts and not beside:
        yield Text("What the difference is made of:", style="dim")
        split = _grid(["time", *(PART_COLUMNS[p] for p in parts)])
        for d in contrast.at:
            _row(split, [duration(d.time_h), *(signed(-median(d.parts[p])) for p in parts)])
        yield split
    told = {"drug": "the rapid-acting drug (drug)", "nonspecific": "any treatment and time (any)",
            "comparator": "the other treatment begun (other)",
            "expectancy": "expecting to improve (expect.)"}  # fmt: skip
    if parts:
        yield Text(f"Parts of the difference: {', '.join(told[p] for p in parts)}.", style="dim")


def _alone(arm: ArmAnswer) -> Table:
    parts = parts_present([arm])
    grid = _grid(["time", "change", "90 % new trial", *(PART_COLUMNS[p] for p in parts), "one person 90 %"])
    for row in arm.at:
        cells = [
            duration(row.time_h),
            signed(median(row.mean_change)),
            _tight(between(row.mean_change, 90, signed)),
            *(signed(-median(row.parts[p])) for p in parts),
            _tight(between(row.person_change, 90, signed)),
        ]
        _row(grid, cells, strong=1)
    return grid


def _responses(answer: Answer) -> Iterator[RenderableType]:
    arms = [arm for arm in answer.arms if can_respond(arm)]
    if not arms:
        return
    names = list(arms[0].at[0].remission)
    shorter = [remission(name).replace("Remission ", "") for name in names]
    yield _heading(f"In response, and in remission ({', '.join(shorter)}), of all who began")
    kinds = ["response", *shorter]
    grid = _grid(["time", *(f"{arm.id if i == 0 else ''}\n{kind}" for arm in arms for i, kind in enumerate(kinds))])
    for row in arms[0].at:
        cells = [duration(row.time_h)]
        for arm in arms:
            now = at_time(arm.at, row.time_h)
            cells += [percent(median(now.response)), *(percent(median(now.remission[name])) for name in names)]
        _row(grid, cells)
    yield grid


def _milestones(answer: Answer) -> Table:
    grid = _grid(["", *(arm.id for arm in answer.arms)])
    for name, *values in zip(MILESTONES, *(milestones(arm) for arm in answer.arms), strict=True):
        _row(grid, [name, *(_tight(value).replace(f"{NEVER} (", f"{NEVER}\n(") for value in values)])
    return grid


def _sessions(answer: Answer) -> Iterator[RenderableType]:
    grid = _grid(["", "highest", "after", "back to baseline"])
    many = len(acute_arms(answer)) > 1
    for arm, acute in acute_arms(answer):
        for key, name in ACUTE_NAMES.items():
            back = acute.back_h.get(key)
            cells = [
                f"{arm.id}: {name}" if many else name,
                with_interval(acute.peak[key], acute_writer(key)),
                duration(median(acute.peak_h[key])),
                "–" if back is None else with_interval(back, duration),
            ]
            _row(grid, [_tight(cell) for cell in cells])
    yield grid


def _whom(answer: Answer) -> Text:
    told = [f"{covariate(m.covariate)} {_tight(between(m.ratio_per_sd, 90, ratio))} ({m.verdict})" for m in answer.who]
    return Text(f"Ratio of the drug effect per standard deviation, 90 %: {'; '.join(told)}.")


def _provenance(answer: Answer) -> Text:
    return Text(
        f"{answer.protocol['id']} {answer.protocol['version']}, {answer.protocol['digest']}, seed {answer.seed}, "
        f"upturn {answer.version}, {answer.patients} people per arm × {answer.trials} trials, {fitted(answer)}",
        style="dim",
    )
