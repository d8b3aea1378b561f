"""The answer in plain sentences: how fast, how much of it is the drug, how long, for whom.

What lives here: sentences with numbers computed from the answer, for the page and the terminal alike. What does
not: how a number is written (``words``) and where the sentences stand (``page``, ``terminal``).
"""

from __future__ import annotations

from dataclasses import dataclass

from upturn.reports.reading import (
    Split,
    arm_of,
    can_respond,
    half_gone_after,
    median,
    relapses,
    rise_of,
    split_of,
    split_time,
)
from upturn.reports.words import between, duration, percent, points, prose, ratio, sentence_case
from upturn.trials import Answer
from upturn.trials.findings import ArmAnswer, ContrastAnswer

__all__ = [
    "PART_NAMES",
    "Finding",
    "arm_name",
    "beyond",
    "findings",
    "fitted",
    "main_arm",
    "main_contrast",
    "share_sentence",
]

PART_NAMES = {
    "drug": "the rapid-acting drug",
    "nonspecific": "what any treatment and time do",
    "comparator": "the other treatment begun",
    "expectancy": "expecting to improve",
}
SEEN = 0.5  # points: ratings are whole numbers, so a smaller difference rounds to none


@dataclass(frozen=True)
class Finding:
    """One of the four questions: a short figure with what it is, and one or two sentences.

    Parameters
    ----------
    id
        A name for anchors.
    question
        As a reader would ask.
    figure, unit
        The number to remember, and what it is.
    text
        The sentences.
    """

    id: str
    question: str
    figure: str
    unit: str
    text: str


def arm_name(arm: str) -> str:
    """Write an arm inside a sentence.

    Examples
    --------
    >>> arm_name("nasal-placebo")
    'the nasal placebo arm'
    """
    return f"the {arm.replace('-', ' ').replace('_', ' ')} arm"


def main_contrast(answer: Answer) -> ContrastAnswer | None:
    """Choose the contrast that the sentences tell: the first with a control group that can change at all."""
    fair = [c for c in answer.contrasts if can_respond(arm_of(answer, c.control))]
    return next(iter(fair), None)


def main_arm(answer: Answer) -> ArmAnswer:
    """Choose the arm that the sentences tell: that of the main contrast, else the first active one."""
    contrast = main_contrast(answer) or next(iter(answer.contrasts), None)
    if contrast is not None:
        return arm_of(answer, contrast.arm)
    return next((arm for arm in answer.arms if arm.role == "active"), answer.arms[0])


def findings(answer: Answer) -> tuple[Finding, ...]:
    """Say how fast, how much of it is the drug, how long it lasts, and for whom."""
    return (_how_fast(answer), _how_much(answer), _how_long(answer), _for_whom(answer))


def _how_fast(answer: Answer) -> Finding:
    question = "How fast?"
    contrast = main_contrast(answer)
    if contrast is None:
        arm = main_arm(answer)
        first = arm.at[0]
        text = (
            f"After {duration(first.time_h)} {arm_name(arm.id)} is {points(abs(median(first.mean_change)))} MADRS "
            f"points {'lower' if median(first.mean_change) <= 0 else 'higher'} than before. No other group that "
            "could improve is compared with it, so nothing here tests how much of that is the drug."
        )
        return Finding("fast", question, "no fair control", "speed of the drug not shown", text)
    rise = rise_of(contrast)
    one, two = arm_name(contrast.arm), arm_name(contrast.control)
    if rise.half_h is None or -rise.largest < SEEN:
        text = f"{sentence_case(one)} is never ahead of {two} by as much as half a MADRS point."
        return Finding("fast", question, "no difference", "at any time", text)
    seen = next((d for d in contrast.at if (d.new_trial.high90 or 0) < 0 and -median(d.new_trial) >= SEEN), None)
    if seen is None:
        start = f"At no rating do nineteen of twenty trials favour {one} over {two}."
    else:
        at_once = ", the first rating," if seen.time_h == contrast.at[0].time_h else ""
        start = (
            f"At {duration(seen.time_h)}{at_once} {one} is {points(-median(seen.new_trial))} MADRS points ahead of "
            f"{two} (90 % of new trials: {_ahead(seen.new_trial.high90, seen.new_trial.low90)})."
        )
    text = (
        f"{start} The difference is largest at {duration(rise.largest_h)}, {points(-rise.largest)} points; half of "
        f"that is there after about {duration(rise.half_h)}."
    )
    return Finding("fast", question, f"about {duration(rise.half_h)}", "until half of the difference is there", text)


def _ahead(low: float | None, high: float | None) -> str:
    return f"{points(-(low or 0.0))} to {points(-(high or 0.0))}"


def _how_much(answer: Answer) -> Finding:
    arm, contrast = main_arm(answer), main_contrast(answer)
    split = split_of(arm, split_time(arm, answer))
    own = "drug" if split.parts["drug"] >= split.parts["comparator"] else "comparator"
    text = share_sentence(arm, split)
    if contrast is not None:
        other = split_of(arm_of(answer, contrast.control), split.time_h)
        without = "" if other.parts[own] > SEEN else f", without {PART_NAMES[own]}"
        text += f" {sentence_case(arm_name(contrast.control))} improves by {points(other.total)} points{without}."
        unlike = split.total - other.total - (split.parts[own] - other.parts[own])
        if unlike >= SEEN:
            text += f" So {points(unlike)} points of the difference between the arms are not the drug either."
    share = split.percents()[own]
    unit = f"of the change at {duration(split.time_h)} is {PART_NAMES[own]}; {100 - share} % is not"
    return Finding("much", "How much of it is the drug?", f"{share} %", unit, text)


def share_sentence(arm: ArmAnswer, split: Split) -> str:
    """Say what an arm's improvement is made of."""
    named = [
        f"{split.percents()[part]} % as {PART_NAMES[part]}"
        for part in ("drug", "comparator", "nonspecific", "expectancy")
        if split.percents()[part] > 0
    ]
    if not named:
        return f"{sentence_case(arm_name(arm.id))} does not change."
    listed = f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]
    return (
        f"Of the {points(split.total)} points by which {arm_name(arm.id)} improves by {duration(split.time_h)}, the "
        f"model counts {listed}."
    )


def _how_long(answer: Answer) -> Finding:
    arm, contrast = main_arm(answer), main_contrast(answer)
    question, last_h = "How long does it last?", arm.last_planned_dose_h
    if last_h is None:
        text = "Doses go on to the end of this protocol, so it does not show what happens after the last one."
        return Finding("long", question, "not shown", "no last dose before the end", text)
    after = ""
    half = None if contrast is None else half_gone_after(contrast, last_h)
    if contrast is not None and half is not None:
        after = (
            f"The lead over {arm_name(contrast.control)}, {points(-half[0])} points one day after the last planned "
            f"dose, has halved {duration(half[1])} after that dose. "
        )
    known = relapses(arm)
    if known is None:
        text = f"{after}People are not followed long enough after the last planned dose to count relapses."
        if half is not None:
            return Finding("long", question, duration(half[1]), "until half of the lead has gone", text)
        return Finding("long", question, "not shown", "too short a follow-up", text)
    who = f"Of those in response after the last planned dose ({percent(median(known.in_response))} of everybody), "
    if known.median_h.median is None:
        text = f"{after}{who}fewer than half relapse within {duration(known.time_h[-1])}."
        figure = f"more than {duration(known.time_h[-1])}"
    else:
        figure = duration(known.median_h.median)
        trials = between(known.median_h, 90, duration)
        text = f"{after}{who}half have relapsed after {figure} (90 % of new trials: {trials})."
    if median(arm.boosters) > 0:
        text += (
            f" From then on boosters on relapse are part of the picture ({points(median(arm.boosters))} per person)."
        )
    if half is not None:  # what is the drug's: relapse also counts what anything else keeps up
        return Finding(
            "long", question, duration(half[1]), "after the last planned dose half of the lead has gone", text
        )
    return Finding("long", question, figure, "until half of those in response relapse", text)


def _for_whom(answer: Answer) -> Finding:
    found = [m for m in answer.who if m.verdict == "established"]
    if not answer.who:
        return Finding("whom", "For whom?", "not studied", "", "The model has no covariates.")
    lows = [m.ratio_per_sd.low90 for m in answer.who if m.ratio_per_sd.low90 is not None]
    highs = [m.ratio_per_sd.high90 for m in answer.who if m.ratio_per_sd.high90 is not None]
    if found:
        names = ", ".join(m.covariate.replace("_", " ") for m in found)
        return Finding("whom", "For whom?", "partly known", "", f"The effect is known to change with {names}.")
    text = f"None of {len(answer.who)} characteristics looked at is known to change the effect."
    if lows and highs:
        span = f"{ratio(min(lows))} to {ratio(max(highs))}"
        text += f" A standard deviation more of one could make it {span} times as large; nobody knows which way."
    return Finding("whom", "For whom?", "not established", "nobody can yet be singled out", text)


def beyond(answer: Answer) -> str:
    """Say that the protocol's people are not those that the model was fitted to, and what is known of them."""
    return f"{prose('beyond')} {answer.calibration.beyond}"


def fitted(answer: Answer) -> str:
    """Say what the model was fitted to."""
    known = answer.calibration
    by = f"upturn {known.version}, seed {known.seed}"
    return f"fitted to {known.findings} published numbers of {known.trials} trials ({by})"
