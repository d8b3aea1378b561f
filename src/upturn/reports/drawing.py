"""The pen: colours, dashes and symbols that also read in grey, and the few kinds of trace that the figures use.

Times are drawn in hours; ``report.js`` stretches the axis so that hours and weeks are both readable. Colours are
Okabe and Ito's; ``report.js`` swaps them for lighter ones on a dark page. What does not live here: which figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from upturn.reports.words import Writer, between, duration
from upturn.trials import Interval

__all__ = [
    "ARM_INKS",
    "PART_INKS",
    "Block",
    "Ink",
    "Key",
    "Panel",
    "area",
    "bars",
    "course",
    "figure",
    "marks",
    "people",
    "steps",
]

MARK = 13  # pixels: larger than any mark of the model, and open
DIGITS = 3  # a screen shows no more


@dataclass(frozen=True)
class Ink:
    """How one series looks: colour, the style sheet's name for it, dash, symbol of a point, pattern of a bar."""

    rgb: str
    name: str
    dash: str = "solid"
    symbol: str = "circle"
    pattern: str = ""

    def at(self, opacity: float) -> str:
        """Give the colour with an opacity."""
        return f"rgba({self.rgb},{opacity:g})"


ARM_INKS = (
    Ink("0,114,178", "blue", "solid", "circle"),
    Ink("213,94,0", "vermillion", "dash", "square"),
    Ink("0,158,115", "green", "dot", "diamond"),
    Ink("204,121,167", "purple", "dashdot", "triangle-up"),
    Ink("230,159,0", "orange", "longdash", "x"),
    Ink("86,180,233", "sky", "longdashdot", "star"),
)
PART_INKS = {
    "drug": Ink("0,114,178", "blue"),
    "comparator": Ink("0,158,115", "green", pattern="x"),
    "nonspecific": Ink("230,159,0", "orange", pattern="/"),
    "expectancy": Ink("204,121,167", "purple", pattern="."),
}


@dataclass(frozen=True)
class Panel:
    """One set of axes.

    Parameters
    ----------
    id
        Of the element on the page; fixed, so that the same answer gives the same bytes.
    title
        What is on the vertical axis, in words.
    summary
        What a reader who cannot see it is told.
    figure
        What Plotly draws.
    axis
        ``course`` (hours to months, may be stretched), ``session`` (hours), ``days`` or ``bars``.
    """

    id: str
    title: str
    summary: str
    figure: go.Figure
    axis: str


@dataclass(frozen=True)
class Key:
    """One entry of a legend: the group of traces it switches, words, looks, and ``line`` or ``bar``."""

    group: str
    label: str
    ink: Ink
    kind: str = "line"


@dataclass(frozen=True)
class Block:
    """A figure of the report: one sentence above, panels, a caption below, and which switches it has."""

    id: str
    heading: str
    takeaway: str
    panels: Sequence[Panel]
    caption: str
    legend: Sequence[Key]
    individuals: bool = False
    notes: Sequence[str] = ()


def figure(traces: Sequence[Any], *, percent: bool = False, bars: bool = False, ceiling: float | None = None,
           lines: Mapping[float, str] | None = None) -> go.Figure:  # fmt: skip
    """Put traces on a pair of axes; ``lines`` marks times [h] with a dotted line and a word."""
    layout: dict[str, Any] = {
        "template": go.layout.Template(),
        "yaxis": {"tickformat": ".0%"} if percent else {},
        "showlegend": False,
        "shapes": [
            {"type": "line", "x0": t, "x1": t, "y0": 0, "y1": 1, "yref": "paper", "layer": "below",
             "line": {"dash": "dot", "width": 1, "color": "rgba(110,110,110,0.8)"}}
            for t in lines or {}
        ],
        "annotations": [
            {"x": t, "y": 1, "yref": "paper", "text": word, "showarrow": False, "xanchor": "right", "yanchor": "top",
             "xshift": -3, "font": {"size": 11}}
            for t, word in (lines or {}).items()
        ],
    }  # fmt: skip
    if percent:
        layout["yaxis"]["range"] = [0, 1.02 if ceiling is None else ceiling]
    elif ceiling is not None:
        layout["yaxis"]["range"] = [0, ceiling]
    if bars:
        layout["barmode"] = "relative"
    # Bands first, so that no line lies under another arm's band.
    ordered = sorted(traces, key=lambda trace: getattr(trace, "fill", None) != "toself")
    return go.Figure(data=ordered, layout=layout)


def area(time_h: Sequence[float], intervals: Sequence[Interval], level: int, ink: Ink, group: str) -> go.Scatter:
    """Draw the band between the ends of the 50 % or 90 % interval; times without an interval are left out."""
    kept = [
        (t, low, high)
        for t, i in zip(time_h, intervals, strict=True)
        for low, high in [(i.low50, i.high50) if level == 50 else (i.low90, i.high90)]
        if low is not None and high is not None
    ]
    return go.Scatter(
        x=[_short(t) for t, _, _ in kept] + [_short(t) for t, _, _ in reversed(kept)],
        y=[_short(low) for _, low, _ in kept] + [_short(high) for _, _, high in reversed(kept)],
        fill="toself",
        fillcolor=ink.at(0.1 if level == 90 else 0.18),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        legendgroup=group,
    )


def course(name: str, time_h: Sequence[float], intervals: Sequence[Interval], ink: Ink, write: Writer, *,
           markers: bool = True, bands: bool = True, group: str | None = None) -> list[go.Scatter]:  # fmt: skip
    """Draw a median with its two bands over time."""
    group = group or name
    kept = [(t, i) for t, i in zip(time_h, intervals, strict=True) if i.median is not None]
    line = go.Scatter(
        x=[_short(t) for t, _ in kept],
        y=[_short(i.median or 0.0) for _, i in kept],
        customdata=[
            [duration(t), write(i.median or 0.0), between(i, 50, write), between(i, 90, write)] for t, i in kept
        ],
        hovertemplate=(
            "%{fullData.name}<br>%{customdata[0]}: <b>%{customdata[1]}</b><br>50 %: %{customdata[2]}"
            "<br>90 %: %{customdata[3]}<extra></extra>"
        ),
        mode="lines+markers" if markers else "lines",
        line={"color": ink.at(1), "width": 2.25, "dash": ink.dash},
        marker={"symbol": ink.symbol, "size": 6, "color": ink.at(1)} if markers else None,
        name=escape(name),
        legendgroup=group,
    )
    return [area(time_h, intervals, 90, ink, group), area(time_h, intervals, 50, ink, group), line] if bands else [line]


def steps(name: str, time_h: Sequence[float], intervals: Sequence[Interval], ink: Ink, write: Writer, *,
          group: str) -> list[go.Scatter]:  # fmt: skip
    """Draw a curve that changes only at its times, with its bands (a survival curve)."""
    times, levels = [time_h[0]], [intervals[0]]
    for t, before, now in zip(time_h[1:], intervals, intervals[1:], strict=False):
        times += [t, t]
        levels += [before, now]
    return course(name, times, levels, ink, write, markers=False, group=group)


def people(name: str, time_h: Sequence[float], courses: Sequence[Sequence[float]], ink: Ink, group: str) -> go.Scatter:
    """Draw single people as thin lines, hidden until asked for."""
    x: list[float | None] = []
    y: list[float | None] = []
    for one in courses:
        x += [*(_short(t) for t in time_h), None]
        y += [*(_short(v) for v in one), None]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        line={"color": ink.at(0.28), "width": 0.9},
        hoverinfo="skip",
        visible=False,
        showlegend=False,
        name=escape(name),
        legendgroup=group,
        meta="individuals",
        connectgaps=False,
    )


def marks(
    name: str, rows: Sequence[tuple[float, float, str]], ink: Ink, write: Writer, group: str
) -> go.Scatter:  # fmt: skip
    """Draw what was observed as open marks: time [h], value, and of how many."""
    return go.Scatter(
        x=[_short(t) for t, _, _ in rows],
        y=[_short(value) for _, value, _ in rows],
        customdata=[[duration(t), write(value), words] for t, value, words in rows],
        hovertemplate=(
            "%{fullData.name}<br>%{customdata[0]}: <b>%{customdata[1]}</b>, %{customdata[2]}<extra></extra>"
        ),
        mode="markers",
        marker={"symbol": f"{ink.symbol}-open", "size": MARK, "color": ink.at(1), "line": {"width": 2}},
        name=escape(name),
        legendgroup=group,
        showlegend=False,
    )


def bars(part: str, name: str, labels: Sequence[str], values: Sequence[Interval], write: Writer) -> go.Bar:
    """Draw one part as a stack of bars, patterned so that it reads in grey."""
    ink = PART_INKS[part]
    return go.Bar(
        x=list(labels),
        y=[_short(i.median or 0.0) for i in values],
        customdata=[[write(i.median or 0.0), between(i, 90, write)] for i in values],
        hovertemplate="%{fullData.name}<br>%{x}: <b>%{customdata[0]}</b><br>90 %: %{customdata[1]}<extra></extra>",
        name=escape(name),
        legendgroup=part,
        marker={
            "color": ink.at(0.85),
            "line": {"width": 0},
            "pattern": {
                "shape": ink.pattern,
                "bgcolor": ink.at(0.85),
                "fgcolor": "rgba(255,255,255,0.8)",
                "size": 6,
                "solidity": 0.22,
            },
        },
    )


def _short(value: float) -> float:
    return round(value, DIGITS) + 0.0
