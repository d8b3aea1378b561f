"""The figures of the belief report: first estimates, the analyses side by side, what no change would show, mood.

What lives here: which pictures there are, and what they say to somebody who cannot see them. What does not: the pen
(``belief_drawing``), tables and their place (``beliefs``).
"""

from __future__ import annotations

import numpy as np

from upturn.inference.beliefs.clinical import ClinicalChange
from upturn.inference.beliefs.findings import Finding
from upturn.inference.beliefs.link import Link
from upturn.inference.beliefs.null import Null
from upturn.inference.beliefs.questions import Question
from upturn.reports.belief_drawing import WIDTH, Frame, band, interval, line, picture, steps_up, text
from upturn.reports.words import number, percent, points, shortened

__all__ = ["ANALYSES", "analyses_of", "first_estimates", "fraction", "mood_link", "null_of", "nulls", "side_by_side"]

ANALYSES = {
    "model-free": "Model-free bias (published)",
    "two-step": "Two-step least squares (published)",
    "exact": "Hierarchical, first estimate taken as the belief",
    "noisy": "Hierarchical, errors in the first estimate (recommended)",
    "careful": "Sessions read with errors in the first estimate, t test",
}
BINS = 24
ROW = 46.0


def fraction(value: float) -> str:
    """Write a difference of asymmetry: two decimals are what such studies can tell, the third rounds fairly.

    Examples
    --------
    >>> fraction(0.0712), fraction(-0.02)
    ('+0.071', '−0.020')
    """
    words = number(value, 3)
    return f"+{words}" if value > 0 and float(words) > 0 else words


def _tick(value: float) -> str:
    return number(value, 2).rstrip("0").rstrip(".") if value else "0"


def first_estimates(found: ClinicalChange) -> str:
    """Draw mean first estimates by group and visit with 95 % intervals (mean ± 2 standard errors)."""
    visits = list(dict.fromkeys(v for own in found.study.visits.values() for v in own))
    frame = Frame(40.0, WIDTH - 14, 12.0, 200.0)
    spans = [(c.first[0] - 2 * _known(c.first[1]), c.first[0] + 2 * _known(c.first[1])) for c in found.cells]
    up = frame.up([end for span in spans for end in span])
    wide = (frame.right - frame.left) / len(visits)
    parts = [frame.axis_up(up, _tick)]
    told = []
    for series, group in enumerate(found.study.visits):
        own = [(c, s) for c, s in zip(found.cells, spans, strict=True) if c.group == group]
        places = [frame.left + (visits.index(c.visit) + 0.5) * wide + 7 * series for c, _ in own]
        parts.append(line([(x, up(c.first[0])) for x, (c, _) in zip(places, own, strict=True)], series))
        for x, (cell, (low, high)) in zip(places, own, strict=True):
            words = f"{group}, {cell.visit}: {points(cell.first[0])} %"
            parts.append(interval(x, up(cell.first[0]), up(low), up(high), series, words, upright=True))
            told.append(words)
    parts += [
        text(frame.left + (i + 0.5) * wide, frame.bottom + 18, shortened(v, 16), anchor="middle")
        for i, v in enumerate(visits)
    ]
    return picture(frame.bottom + 28, f"Mean first estimates. {'; '.join(told)}.", parts)


def _known(value: float) -> float:
    return value if np.isfinite(value) else 0.0


def analyses_of(found: ClinicalChange, asked: Question, number_: str) -> list[Finding]:
    """Give what the analyses say of one number of one question, in their usual order."""
    own = [each for each in found.findings if each.question == asked and each.number == number_]
    return sorted(own, key=lambda each: list(ANALYSES).index(each.analysis))


def null_of(found: ClinicalChange, asked: Question, analysis: str, carried: float | None = None) -> Null | None:
    """Give the null of an analysis; with the share carried as it was learnt unless it is given."""
    own = [each for each in found.nulls if each.question == asked and each.analysis == analysis]
    if carried is None:
        return own[0] if own else None
    return next((each for each in own if each.carried == carried), None)


def side_by_side(found: ClinicalChange, asked: Question) -> str:
    """Draw the analyses of asymmetry with their intervals, and behind the published one what no change would show."""
    rows = analyses_of(found, asked, "asymmetry")
    rows += [each for share, each in found.sensitivity if each.question == asked]
    rows += [each for each in found.trust_findings if each.question == asked]
    behind = {each.analysis: null_of(found, asked, "two-step") for each in rows if each.analysis == "two-step"}
    ends = [end for each in rows for end in (each.low, each.high)]
    ends += [end for each in behind.values() if each for end in each.interval]
    frame = Frame(10.0, WIDTH - 10, 8.0, 8.0 + ROW * len(rows))
    across = frame.across(ends, zero=True)
    parts = [frame.axis_across(across, _tick)]
    parts.append(f'<path class="zero" d="M{across(0.0):.1f} {frame.top:.1f}V{frame.bottom:.1f}"/>')
    told = []
    for i, each in enumerate(rows):
        y = frame.top + ROW * i
        name = ANALYSES.get(each.analysis, f"Recommended, {each.analysis.replace('carried', 'share carried')}")
        null = behind.get(each.analysis)
        if null is not None:
            low, high = null.interval
            words = f"no change: {fraction(low)} to {fraction(high)}, mean {fraction(null.mean)}"
            parts.append(band(across(low), y + 20, across(high) - across(low), 20, words))
            parts.append(f'<path class="mean" d="M{across(null.mean):.1f} {y + 20:.1f}v20"/>')
        words = f"{name}: {fraction(each.mean)} ({fraction(each.low)} to {fraction(each.high)})"
        main = ("two-step", "exact", "noisy")
        series = main.index(each.analysis) if each.analysis in main else len(main)
        parts.append(interval(across(each.mean), y + 30, across(each.low), across(each.high), series, words))
        parts.append(text(frame.left, y + 14, name, kind="label"))
        told.append(words)
    return picture(frame.bottom + 22, f"Change of asymmetry, {asked.words}. {'; '.join(told)}.", parts)


def nulls(found: ClinicalChange, asked: Question, analysis: str) -> str:
    """Draw what one published analysis found in studies without a change, and what it found here."""
    own = [each for each in found.nulls if each.question == asked and each.analysis == analysis]
    is_bias = analysis == "model-free"
    write = points if is_bias else fraction
    seen = next(
        (e for e in found.findings if e.question == asked and e.analysis == analysis and e.number != "scaling"), None
    )
    values = [v for each in own for v in each.differences] + ([seen.mean] if seen else [])
    tall = 84.0
    frame = Frame(10.0, WIDTH - 10, 8.0, 8.0 + tall * len(own))
    across = frame.across(values, zero=True)
    edges = np.linspace(across.low, across.high, BINS + 1)
    parts = [frame.axis_across(across, _tick)]
    told, labels = [], []
    for i, each in enumerate(own):
        bottom = frame.top + tall * (i + 1)
        counts = np.histogram(each.differences, edges)[0]
        tops = bottom - (tall - 32) * counts / max(counts.max(), 1)
        share = f"{number(each.carried, 2)}{' (as learnt)' if i == 0 else ''}"
        words = f"Share carried {share}: fires in {percent(each.rate)}, mean {write(each.mean)}"
        parts.append(steps_up([across(e) for e in edges], list(tops), bottom, words))
        parts.append(f'<path class="axis" d="M{frame.left} {bottom:.1f}H{frame.right}"/>')
        labels.append(text(frame.left, bottom - tall + 22, words, kind="label"))
        told.append(words)
    parts.append(f'<path class="zero" d="M{across(0.0):.1f} {frame.top:.1f}V{frame.bottom:.1f}"/>')
    if seen:
        told.append(f"found in this study: {write(seen.mean)}")
        parts.append(
            f'<path class="seen vermillion" d="M{across(seen.mean):.1f} {frame.top + 26:.1f}V{frame.bottom:.1f}">'
            f"<title>found in this study: {write(seen.mean)}</title></path>"
        )
    return picture(frame.bottom + 22, f"{ANALYSES[analysis]} without any change. {'; '.join(told)}.", parts + labels)


def mood_link(link: Link) -> str:
    """Draw each person's change of mood over their estimated change of asymmetry, with its standard error."""
    frame = Frame(44.0, WIDTH - 12, 10.0, 236.0)
    across = frame.across([*(link.estimates - link.errors), *(link.estimates + link.errors)], zero=True)
    up = frame.up(list(link.changes), zero=True)
    parts = [frame.axis_up(up, _tick), frame.axis_across(across, _tick)]
    for x, error, y in zip(link.estimates, link.errors, link.changes, strict=True):
        words = f"asymmetry {fraction(x)} ± {number(error, 3)}, mood {number(y, 0)} points"
        parts.append(interval(across(x), up(y), across(x - error), across(x + error), 0, words))
    told = (
        f"{link.people} people: change of {link.score} over estimated change of asymmetry; "
        f"{points(link.slope.mean)} points per 0.1 ({points(link.slope.low)} to {points(link.slope.high)})."
    )
    parts.append(
        text(
            (frame.left + frame.right) / 2,
            frame.bottom + 32,
            "Change of asymmetry ± its standard error",
            anchor="middle",
        )
    )
    return picture(frame.bottom + 42, told, parts)
