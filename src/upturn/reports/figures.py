"""The figures of the course: change by arm, what it is made of, the difference, response and remission, relapse.

What lives here: which figures there are, each with its sentence and caption. What does not: the pen (``drawing``) and
the first session (``session_figures``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from upturn.reports.drawing import (
    ARM_INKS,
    PART_INKS,
    Block,
    Ink,
    Key,
    Panel,
    bars,
    course,
    figure,
    marks,
    people,
    steps,
)
from upturn.reports.reading import (
    arm_of,
    at_time,
    can_respond,
    curve_at,
    median,
    parts_apart,
    parts_present,
    relapses,
    split_of,
    split_time,
    standard_times,
)
from upturn.reports.sentences import PART_NAMES, arm_name, main_arm, main_contrast, share_sentence
from upturn.reports.words import (
    duration,
    percent,
    points,
    prose,
    remission,
    sentence_case,
    shortened,
    signed,
    with_interval,
)
from upturn.trials import Answer, Interval
from upturn.trials.findings import ArmAnswer, ContrastAnswer

__all__ = ["arm_keys", "course_blocks", "inks", "legend_name", "part_keys"]

DAY_H = 24.0
LEGEND = 38  # characters that fit beside a phone's plot


def inks(answer: Answer) -> dict[str, Ink]:
    """Give each arm its colour, dash and symbol; active arms first."""
    ordered = sorted(answer.arms, key=lambda arm: arm.role != "active")
    return {arm.id: ARM_INKS[i % len(ARM_INKS)] for i, arm in enumerate(ordered)}


def legend_name(arm: ArmAnswer) -> str:
    """Write an arm beside its line."""
    return shortened(arm.title, LEGEND)


def arm_keys(answer: Answer, arms: Sequence[ArmAnswer]) -> list[Key]:
    """List arms for a legend."""
    ink = inks(answer)
    return [Key(arm.id, arm.title, ink[arm.id]) for arm in arms]


def part_keys(parts: Sequence[str]) -> list[Key]:
    """List parts of the change for a legend."""
    return [Key(part, sentence_case(PART_NAMES[part]), PART_INKS[part], "bar") for part in parts]


def course_blocks(answer: Answer) -> list[Block]:
    """Draw everything that is followed over the whole course."""
    return [
        block
        for block in (
            _change(answer),
            _made_of(answer),
            _differences(answer),
            _responses(answer),
            _relapse(answer),
        )
        if block is not None
    ]


def _last_doses(answer: Answer) -> Mapping[float, str]:
    """Mark the last planned dose where it is not also the first."""
    return {arm.last_planned_dose_h: "last planned dose" for arm in answer.arms if arm.last_planned_dose_h}


def _change(answer: Answer) -> Block:
    ink = inks(answer)
    traces = []
    for arm in answer.arms:
        name, own = legend_name(arm), ink[arm.id]
        traces += course(name, arm.curves["time_h"], arm.curves["change"], own, signed, group=arm.id)
        rated = arm.curves["individuals"]
        traces += _observed(answer, arm, own)
        traces.append(people(name, arm.curves["rating_h"], [[v - row[0] for v in row] for row in rated], own, arm.id))
    day = [f"{arm_name(arm.id)} {_moved(at_time(arm.at, DAY_H).mean_change)}" for arm in answer.arms]
    takeaway = f"By {duration(at_time(answer.arms[0].at, DAY_H).time_h)} {'; '.join(day)}."
    if main_contrast(answer) is not None:
        takeaway += " Compare the lines: a fall alone says nothing about a treatment."
    panel = Panel(
        "change",
        "Change in MADRS (points; minus = better)",
        _told(answer),
        figure(traces, lines=_last_doses(answer)),
        "course",
    )
    return Block(
        "change",
        "Change of mood",
        takeaway,
        [panel],
        f"{prose('captions', 'change')} {prose('bands', 'new_trial')}"
        + (f" {prose('observed', 'marks')}" if answer.observed else ""),
        arm_keys(answer, answer.arms),
        individuals=True,
    )


def _observed(answer: Answer, arm: ArmAnswer, ink: Ink) -> list[Any]:
    """Mark the means of the people observed, where there are any."""
    found = next((each for each in answer.observed.arms if each.id == arm.id), None) if answer.observed else None
    if found is None or not found.at:
        return []
    rows = [(row.time_h, row.mean_change, f"{row.people} rated") for row in found.at]
    return [marks(f"{legend_name(arm)}: observed", rows, ink, signed, arm.id)]


def _moved(change: Interval) -> str:
    value = median(change)
    return f"has {'fallen' if value <= 0 else 'risen'} by {points(abs(value))} points"


def _told(answer: Answer) -> str:
    times = standard_times(answer.times_h)
    told = [
        f"{arm.title}: "
        + ", ".join(f"{signed(median(at_time(arm.at, t).mean_change))} at {duration(t)}" for t in times)
        for arm in answer.arms
    ]
    return f"Line chart of the mean change in MADRS over time. {'. '.join(told)}."


def _made_of(answer: Answer) -> Block | None:
    arms = [arm for arm in answer.arms if can_respond(arm)]
    if not arms:
        return None
    times, present = standard_times(answer.times_h), parts_present(arms)
    ceiling = 1.05 * max(split_of(arm, t).total for arm in arms for t in times)
    panels = []
    for arm in arms:
        rows = [at_time(arm.at, t) for t in times]
        traces = [
            bars(p, sentence_case(PART_NAMES[p]), [duration(t) for t in times], [row.parts[p] for row in rows], points)
            for p in present
        ]
        told = ". ".join(share_sentence(arm, split_of(arm, t)) for t in (times[0], times[-1]))
        panels.append(
            Panel(
                f"parts-{arm.id}",
                arm.title,
                f"Stacked bars. {told}",
                figure(traces, bars=True, ceiling=ceiling),
                "bars",
            )
        )
    main = main_arm(answer)
    return Block(
        "parts",
        "What the change is made of",
        share_sentence(main, split_of(main, split_time(main, answer))),
        panels,
        prose("captions", "parts"),
        part_keys(present),
    )


def _differences(answer: Answer) -> Block | None:
    if not answer.contrasts:
        return None
    ink, panels = inks(answer), []
    present = [p for p in PART_NAMES if any(p in parts_apart(contrast) for contrast in answer.contrasts)]
    for contrast in answer.contrasts:
        one, two = arm_of(answer, contrast.arm), arm_of(answer, contrast.control)
        name = f"{one.id} − {two.id}"
        own = ink[one.id]
        lines = _last_doses(answer)
        panels.append(
            Panel(
                f"difference-{one.id}-{two.id}",
                f"{sentence_case(one.id)} less {two.id} (MADRS points; minus = better)",
                _told_difference(contrast),
                figure(course(name, contrast.curve_time_h, contrast.curve, own, signed), lines=lines),
                "course",
            )
        )
        panels.append(_difference_parts(answer, contrast, present))
    unfair = [c for c in answer.contrasts if not can_respond(arm_of(answer, c.control))]
    note = [
        f"{sentence_case(arm_name(c.control))} cannot change: comparing with it shows no effect of treatment."
        for c in unfair
    ]
    fair = main_contrast(answer)
    contrast = fair or answer.contrasts[0]
    at = [t for t in standard_times(answer.times_h) if t >= DAY_H]
    some = (at[0], at[len(at) // 2], at[-1])
    lead = ", ".join(f"{signed(median(curve_at(contrast, t)[1]))} at {duration(t)}" for t in some)
    first, second = arm_name(contrast.arm), arm_name(contrast.control)
    meaning = f"minus favours {first}" if fair else "not an effect of treatment"
    return Block(
        "difference",
        "The difference between the arms",
        f"{sentence_case(first)} less {second}: {lead} ({meaning}).",
        panels,
        f"{prose('bands', 'new_trial')} {prose('captions', 'difference')}",
        [*part_keys(present)],
        notes=note,
    )


def _difference_parts(answer: Answer, contrast: ContrastAnswer, present: Sequence[str]) -> Panel:
    times = standard_times(answer.times_h)
    rows = [min(contrast.at, key=lambda d, t=t: abs(d.time_h - t)) for t in times]  # type: ignore[misc]
    labels = [duration(t) for t in times]
    traces = [bars(p, sentence_case(PART_NAMES[p]), labels, [row.parts[p] for row in rows], signed) for p in present]
    told = "; ".join(
        f"{duration(row.time_h)}: " + ", ".join(f"{PART_NAMES[p]} {signed(median(row.parts[p]))}" for p in present)
        for row in (rows[0], rows[-1])
    )
    return Panel(
        f"difference-parts-{contrast.arm}-{contrast.control}",
        "What the difference is made of (points ahead; plus = better)",
        f"Stacked bars of the parts of the difference. {told}.",
        figure(traces, bars=True),
        "bars",
    )


def _told_difference(contrast: ContrastAnswer) -> str:
    told = ", ".join(
        f"{signed(median(d.new_trial))} at {duration(d.time_h)}"
        for d in contrast.at
        if d.time_h in standard_times([d.time_h])
    )
    return f"Line chart of the difference in MADRS, {contrast.arm} less {contrast.control}: {told}."


def _responses(answer: Answer) -> Block | None:
    arms = [arm for arm in answer.arms if can_respond(arm)]
    if not arms:
        return None
    ink = inks(answer)
    names = list(arms[0].at[0].remission)

    def panel(key: str, title: str, picked: Mapping[str, Sequence[Interval]]) -> Panel:
        traces, told = [], []
        for arm in arms:
            time_h = [0.0, *(row.time_h for row in arm.at)]
            values = [Interval(0.0, 0.0, 0.0, 0.0, 0.0), *picked[arm.id]]
            traces += course(legend_name(arm), time_h, values, ink[arm.id], percent, group=arm.id)
            best = max(range(len(values)), key=lambda i, v=values: median(v[i]))  # type: ignore[misc]
            told.append(f"{arm.title}: at most {percent(median(values[best]))}, at {duration(time_h[best])}")
        return Panel(key, title, f"Line chart over time. {'; '.join(told)}.", figure(traces, percent=True), "course")

    panels = [panel("response", "Response (share of people)", {a.id: [r.response for r in a.at] for a in arms})]
    panels += [
        panel(
            f"remission-{name}", f"{remission(name)} (share)", {a.id: [r.remission[name] for r in a.at] for a in arms}
        )
        for name in names
    ]
    times = standard_times(answer.times_h)
    day, end = min(times, key=lambda t: abs(t - DAY_H)), times[-1]
    told = "; ".join(
        f"{arm_name(arm.id)} {percent(median(at_time(arm.at, day).response))} at {duration(day)} and "
        f"{percent(median(at_time(arm.at, end).response))} at {duration(end)}"
        for arm in arms
    )
    left_out = [arm for arm in answer.arms if not can_respond(arm)]
    return Block(
        "response",
        "Response and remission",
        f"In response: {told}.",
        panels,
        f"{prose('captions', 'response')} {prose('bands', 'new_trial')}",
        arm_keys(answer, arms),
        notes=[
            f"{sentence_case(arm_name(arm.id))} is left out: nobody there is ill, so response has no meaning."
            for arm in left_out
        ],
    )


def _relapse(answer: Answer) -> Block | None:
    ink = inks(answer)
    shown = [(arm, known) for arm in answer.arms if (known := relapses(arm)) is not None]
    if not shown:
        return None
    traces, told = [], []
    for arm, known in shown:
        drawn = steps(legend_name(arm), known.time_h, known.still_well, ink[arm.id], percent, group=arm.id)
        for trace in drawn:
            trace.x = [t / DAY_H for t in trace.x]
        traces += drawn
        told.append(
            f"in {arm_name(arm.id)} half have relapsed after {with_interval(known.median_h, duration)}"
            if known.median_h.median is not None
            else f"in {arm_name(arm.id)} fewer than half have relapsed after {duration(known.time_h[-1])}"
        )
    takeaway = f"Of those in response after the last planned dose, {'; '.join(told)}."
    few = [arm for arm, known in shown if median(known.in_response) < 0.1]
    return Block(
        "relapse",
        "Still well after the last planned dose",
        takeaway,
        [
            Panel(
                "relapse",
                "Still without relapse (share; days since the last planned dose)",
                f"Step chart. {takeaway}",
                figure(traces, percent=True),
                "days",
            )
        ],
        f"{prose('captions', 'relapse')} {prose('bands', 'new_trial')}",
        arm_keys(answer, [arm for arm, _ in shown]),
        notes=[f"Few people are in response in {arm_name(arm.id)}; its curve is rough." for arm in few],
    )
