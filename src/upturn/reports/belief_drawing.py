"""The pen of the belief report: small still pictures in SVG that need no script and follow the page's colours.

What lives here: scales, axes, points with intervals, bands, steps. What does not: which figures there are
(``belief_figures``). A figure is as wide as a phone, so that its letters are never shrunk; a wide page sets two beside
each other. Whoever points at a mark is told its numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

__all__ = ["INKS", "WIDTH", "Frame", "Scale", "band", "interval", "line", "picture", "steps_up", "text"]

WIDTH = 360.0
INKS = ("blue", "vermillion", "green", "purple", "orange", "sky")
# Shapes that tell series apart without colour: path about the origin.
SHAPES = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z", "M-3.5-3.5h7v7h-7z", "M0-5 5 0 0 5-5 0z", "M0-4.5 4.5 4h-9z",
          "M-4-4 4 4M4-4-4 4", "M0-5V5M-5 0H5")  # fmt: skip
DASHES = ("", "6 3", "2 3", "6 3 2 3", "10 4", "10 3 2 3")
# Distances between ticks that people read easily, by power of ten.
EASY = (1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Scale:
    """Turn numbers into places: from ``low`` at ``start`` to ``high`` at ``end`` [pixels]."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Give the place of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 6) -> list[float]:
        """Give round numbers inside, at most so many.

        Examples
        --------
        >>> Scale(-0.1, 0.22, 0.0, 100.0).ticks()
        [-0.1, 0.0, 0.1, 0.2]
        """
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / most))
        step = next(k * power for k in (*EASY, 10 * EASY[0]) if span / (k * power) <= most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(k * step, 10) + 0.0 for k in range(first, last + 1)]


@dataclass(frozen=True)
class Frame:
    """The room inside the axes of a picture [pixels]."""

    left: float
    right: float
    top: float
    bottom: float

    def across(self, values: Sequence[float], *, zero: bool = False) -> Scale:
        """Scale numbers along the width, with some room on both sides."""
        return Scale(*_room(values, zero=zero), self.left, self.right)

    def up(self, values: Sequence[float], *, zero: bool = False) -> Scale:
        """Scale numbers along the height."""
        return Scale(*_room(values, zero=zero), self.bottom, self.top)

    def axis_across(self, scale: Scale, write: Callable[[float], str]) -> str:
        """Draw the horizontal axis."""
        ticks = "".join(
            f'<path class="grid" d="M{_px(scale(t))} {_px(self.top)}V{_px(self.bottom)}"/>'
            + text(scale(t), self.bottom + 15, write(t), anchor="middle")
            for t in scale.ticks()
        )
        return f'{ticks}<path class="axis" d="M{_px(self.left)} {_px(self.bottom)}H{_px(self.right)}"/>'

    def axis_up(self, scale: Scale, write: Callable[[float], str]) -> str:
        """Draw the vertical axis."""
        return "".join(
            f'<path class="grid" d="M{_px(self.left)} {_px(scale(t))}H{_px(self.right)}"/>'
            + text(self.left - 6, scale(t) + 4, write(t), anchor="end")
            for t in scale.ticks()
        )


def _room(values: Sequence[float], *, zero: bool) -> tuple[float, float]:
    known = [v for v in values if math.isfinite(v)] + ([0.0] if zero else [])
    low, high = min(known), max(known)
    spare = 0.06 * (high - low) or 1.0
    return low - spare, high + spare


def _px(value: float) -> str:
    return f"{value:.1f}"


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> str:
    """Write words at a place."""
    look = f' class="{kind}"' if kind else ""
    return f'<text x="{_px(x)}" y="{_px(y)}" text-anchor="{anchor}"{look}>{escape(words)}</text>'


def interval(x: float, y: float, low: float, high: float, series: int, told: str, *, upright: bool = False) -> str:
    """Draw a point with its interval, along the width or upright [pixels]."""
    reach = f"M{_px(x)} {_px(low)}V{_px(high)}" if upright else f"M{_px(low)} {_px(y)}H{_px(high)}"
    shape = SHAPES[series % len(SHAPES)]
    at = f"translate({_px(x)} {_px(y)})"
    return (
        f'<g class="{INKS[series % len(INKS)]}"><title>{escape(told)}</title>'
        f'<path class="stroke" d="{reach}"/><path class="mark" transform="{at}" d="{shape}"/></g>'
    )


def line(points: Sequence[tuple[float, float]], series: int) -> str:
    """Draw a line through points [pixels]."""
    path = "L".join(f"{_px(x)} {_px(y)}" for x, y in points)
    dash = DASHES[series % len(DASHES)]
    return f'<path class="stroke {INKS[series % len(INKS)]}" stroke-dasharray="{dash or "none"}" d="M{path}"/>'


def band(x: float, y: float, width: float, height: float, told: str) -> str:
    """Draw a grey band."""
    return (
        f'<rect class="band" x="{_px(x)}" y="{_px(y)}" width="{_px(max(width, 1.0))}" height="{_px(height)}">'
        f"<title>{escape(told)}</title></rect>"
    )


def steps_up(edges: Sequence[float], heights: Sequence[float], bottom: float, told: str) -> str:
    """Draw a histogram: pixels of the edges and of the tops."""
    path = f"M{_px(edges[0])} {_px(bottom)}"
    for left, right, top in zip(edges, edges[1:], heights, strict=False):
        path += f"L{_px(left)} {_px(top)}L{_px(right)} {_px(top)}"
    path += f"L{_px(edges[-1])} {_px(bottom)}Z"
    return f'<path class="band" d="{path}"><title>{escape(told)}</title></path>'


def picture(height: float, told: str, parts: Sequence[str]) -> str:
    """Put marks into one picture, which says in words what it shows."""
    return (
        f'<svg class="picture" viewBox="0 0 {_px(WIDTH)} {_px(height)}" role="img" aria-label="{escape(told)}">'
        f"{''.join(parts)}</svg>"
    )
