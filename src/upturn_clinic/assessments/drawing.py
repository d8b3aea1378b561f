"""A trend as a picture: where dots, lines and words stand. Drawn by a template as SVG, without styles in the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from upturn_clinic.assessments.trend import Trend
from upturn_clinic.ground import dates

__all__ = ["NARROW", "WIDE", "Label", "Level", "Picture", "Shape", "Spot", "draw"]

# Lengths of the drawing's own grid.
HEIGHT = 300
LEFT, RIGHT, TOP, BOTTOM = 44, 108, 22, 44
STEPS_UP = 4
DOT, DOSE_HIGH = 4, 8
# Names of levels stand right of the picture, this far from it, and no closer to each other than this.
BESIDE, APART = 14, 15
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Shape:
    """How wide a picture is, and how many days are named below it."""

    width: int
    labels: int


# One for a screen or paper, one for a telephone: the letters keep their size.
WIDE, NARROW = Shape(720, 6), Shape(360, 3)


@dataclass(frozen=True)
class Spot:
    """One value: where it stands, what it says, and whether a definition was first met there."""

    x: float
    y: float
    words: str
    is_marked: bool


@dataclass(frozen=True)
class Level:
    """A level across the picture, with its name at the end of its line; ``kind`` chooses the pattern of the line."""

    name: str
    kind: str
    path: str
    name_y: float


@dataclass(frozen=True)
class Label:
    """A short word at the edge of the picture."""

    at: float
    words: str


@dataclass(frozen=True)
class Picture:
    """All that the template draws, and the sentence that stands for it."""

    told: str
    spots: tuple[Spot, ...]
    path: str
    levels: tuple[Level, ...]
    up: tuple[Label, ...]
    across: tuple[Label, ...]
    doses: tuple[float, ...]

    # Edges, for the template.
    width: int
    right: int
    names_x: int
    height: int = HEIGHT
    left: int = LEFT
    floor: int = HEIGHT - BOTTOM
    radius: int = DOT
    dose_top: int = HEIGHT - BOTTOM - DOSE_HIGH
    across_y: int = HEIGHT - BOTTOM + 18
    dose_y: int = HEIGHT - BOTTOM + 38


def draw(
    trend: Trend, *, least: float, most: float | None, doses: Sequence[datetime], zone: ZoneInfo, shape: Shape = WIDE
) -> Picture:
    """Place a trend in the picture.

    Parameters
    ----------
    least, most
        The range of the scale; without ``most`` the highest value is the top.
    doses
        When doses were given; none for a reader who must not know.
    zone
        The facility's clock, for the days below the picture.
    """
    right = shape.width - RIGHT
    points = [row.point for row in trend.rows]
    times = [*(each.at for each in points), *doses]
    begin, end = min(times), max(times)
    if end - begin < DAY:
        begin, end = begin - DAY / 2, end + DAY / 2
    top = most if most is not None else max(each.value for each in points) or 1.0

    def x(at: datetime) -> float:
        return round(LEFT + (at - begin) / (end - begin) * (right - LEFT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (value - least) / (top - least) * (HEIGHT - TOP - BOTTOM), 1)

    marked = {id(mark.point) for mark in trend.marks}
    spots = tuple(
        Spot(x(row.point.at), y(row.point.value), _words(row.point.at, row.point.value, row.marks, zone),
             id(row.point) in marked)
        for row in trend.rows
    )  # fmt: skip
    return Picture(
        told=_told(trend, zone),
        spots=spots,
        path=" ".join(f"{each.x},{each.y}" for each in spots),
        levels=_levels([(line.name, line.value, y(line.value)) for line in trend.lines], right),
        up=tuple(Label(y(value), f"{value:g}") for value in _scale(least, top)),
        across=tuple(_days(begin, end, x, zone, shape.labels)),
        doses=tuple(x(each) for each in doses),
        width=shape.width,
        right=right,
        names_x=right + BESIDE,
    )


def _levels(found: Sequence[tuple[str, float, float]], right: int) -> tuple[Level, ...]:
    """Place the names of levels beside the picture from the highest down, each clear of the next and none below it."""
    ordered = sorted(found, key=lambda each: each[2])
    places: list[float] = []
    for _, _, at in ordered:
        places.append(max(at, places[-1] + APART) if places else at)
    lowest = float(HEIGHT - BOTTOM)
    for place in reversed(range(len(places))):
        places[place] = min(places[place], lowest)
        lowest = places[place] - APART
    return tuple(
        Level(f"{kind} {value:g}", kind, f"{LEFT},{at} {right},{at} {right + BESIDE - 2},{name_y}", name_y)
        for (name, value, at), name_y in zip(ordered, places, strict=True)
        for kind in (name.split("-")[0],)
    )


def _scale(least: float, most: float) -> list[float]:
    """Choose whole numbers up the side, the top among them."""
    step = max(1, round((most - least) / STEPS_UP))
    below = [least + step * each for each in range(STEPS_UP + 2) if least + step * (each + 0.5) <= most]
    return [*below, most]


def _days(begin: datetime, end: datetime, x: Callable[[datetime], float], zone: ZoneInfo, labels: int) -> list[Label]:
    """Name some days below the picture, each once."""
    found: dict[str, float] = {}
    for step in range(labels):
        at = begin + (end - begin) * step / (labels - 1)
        local = at.astimezone(zone)
        found.setdefault(f"{local.day} {local:%b}", x(at))
    return [Label(at, words) for words, at in found.items()]


def _words(at: datetime, value: float, marks: Sequence[str], zone: ZoneInfo) -> str:
    return ": ".join([f"{_day(at, zone)}, {value:g}", *([", ".join(marks)] if marks else [])])


def _day(at: datetime, zone: ZoneInfo) -> str:
    return dates.day(at.astimezone(zone))


def _told(trend: Trend, zone: ZoneInfo) -> str:
    values = [row.point.value for row in trend.rows]
    shown = ", ".join(f"{mark.words} {_day(mark.point.at, zone)}" for mark in trend.marks)
    first = f"{trend.instrument} over time: {len(values)} values, from {values[0]:g} to {values[-1]:g}."
    return f"{first} {shown[:1].upper()}{shown[1:]}." if shown else first
