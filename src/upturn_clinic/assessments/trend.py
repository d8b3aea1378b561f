"""A course of ratings, read by the protocol's own definitions: response, remission (each definition apart), relapse.

No database. What lives here: the reading. What does not: the drawing (``drawing``), and who may see what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from upturn.protocol import Endpoints

__all__ = ["Line", "Mark", "Point", "Row", "Trend", "change_in_words", "trend_of"]


@dataclass(frozen=True)
class Point:
    """A value at a time; ``key`` is that of its rating, where the answers were entered."""

    at: datetime
    value: float
    recall_h: float | None = None
    key: UUID | None = None


@dataclass(frozen=True)
class Line:
    """A level of the scale that a definition speaks of."""

    name: str
    value: float
    words: str


@dataclass(frozen=True)
class Mark:
    """Where a definition was first met: what, and at which point."""

    name: str
    point: Point
    words: str


@dataclass(frozen=True)
class Row:
    """A point with what it means beside the baseline."""

    point: Point
    is_baseline: bool
    change: float | None
    percent: float | None
    states: tuple[str, ...]
    marks: tuple[str, ...]

    @property
    def change_words(self) -> str:
        """The change, as people read it."""
        return "" if self.change is None else change_in_words(self.change, self.percent)

    @property
    def states_words(self) -> tuple[str, ...]:
        """The definitions that are met, as people read them."""
        return tuple(_named(each) for each in self.states)


@dataclass(frozen=True)
class Trend:
    """One instrument over time.

    Parameters
    ----------
    baseline
        The last value before the first dose; None when there is none, or no dose yet.
    lines, marks
        Levels to draw, and where definitions were first met; empty for scales that the protocol defines nothing on.
    """

    instrument: str
    rows: tuple[Row, ...]
    baseline: Point | None
    lines: tuple[Line, ...] = field(default=())
    marks: tuple[Mark, ...] = field(default=())


def trend_of(instrument: str, points: Sequence[Point], *, first: datetime | None, endpoints: Endpoints) -> Trend:
    """Read a course.

    Parameters
    ----------
    points
        All values that count, in any order.
    first
        When the first dose was given; None before.
    endpoints
        The protocol's definitions.
    """
    ordered = sorted(points, key=lambda each: each.at)
    before = [each for each in ordered if first is not None and each.at < first]
    baseline = before[-1] if before else None
    lines = tuple(_lines(instrument, baseline, endpoints))
    since = [each for each in ordered if first is not None and each.at >= first]
    marks = tuple(_marks(instrument, since, baseline, endpoints))
    rows = tuple(
        _row(each, baseline, instrument, endpoints, marks, is_since=first is not None and each.at >= first)
        for each in ordered
    )
    return Trend(instrument, rows, baseline, lines, marks)


def change_in_words(change: float, percent: float | None) -> str:
    """Write a change with its sign, and as a share of the baseline where there is one.

    Examples
    --------
    >>> change_in_words(-12.0, -40.0), change_in_words(2.0, None)
    ('−12 (−40 %)', '+2')
    """
    sign = "+" if change > 0 else "−" if change < 0 else ""
    share = "" if percent is None or not change else f" ({sign}{abs(percent):.0f} %)"
    return f"{sign}{abs(change):g}{share}"


def _named(definition: str) -> str:
    """Write the protocol's key of a definition as words: ``remission-10`` is "remission 10", as beside the picture."""
    return definition.replace("-", " ")


def _response_at(instrument: str, baseline: Point | None, endpoints: Endpoints) -> float | None:
    """Give the highest value that is a response."""
    if baseline is None or endpoints.response.instrument != instrument:
        return None
    return (1 - endpoints.response.fall) * baseline.value


def _lines(instrument: str, baseline: Point | None, endpoints: Endpoints) -> Iterator[Line]:
    response = _response_at(instrument, baseline, endpoints)
    if response is not None:
        fall = f"{100 * endpoints.response.fall:.0f} %"
        yield Line("response", response, f"response: {response:g} or less, {fall} below baseline")
    for each in endpoints.remission:
        if each.instrument == instrument:
            name = _named(each.id).removesuffix(f" {each.at_most:g}")
            yield Line(each.id, each.at_most, f"{name}: {each.at_most:g} or less")
    relapse = endpoints.relapse
    if relapse is not None and relapse.instrument == instrument:
        times = "once" if relapse.consecutive == 1 else f"{relapse.consecutive} ratings in a row"
        words = f"relapse: {relapse.at_least:g} or more, {times}, after {relapse.after}"
        yield Line("relapse", relapse.at_least, words)


def _marks(instrument: str, since: Sequence[Point], baseline: Point | None, endpoints: Endpoints) -> Iterator[Mark]:
    response = _response_at(instrument, baseline, endpoints)
    limits = {each.id: each.at_most for each in endpoints.remission if each.instrument == instrument}
    if response is not None and (met := next((each for each in since if each.value <= response), None)):
        yield Mark("response", met, "first response")
    for name, limit in limits.items():
        if met := next((each for each in since if each.value <= limit), None):
            yield Mark(name, met, f"first {_named(name)}")
    relapse = endpoints.relapse
    if relapse is None or relapse.instrument != instrument:
        return
    # What a relapse must follow: a response, or any definition of remission.
    well = response if relapse.after == "response" else max(limits.values(), default=None)
    yield from _relapses(since, well, relapse.at_least, relapse.consecutive)


def _relapses(since: Sequence[Point], well: float | None, at_least: float, consecutive: int) -> Iterator[Mark]:
    """Yield each relapse at the rating that completes it; after one, somebody must be well again before another."""
    is_well, row = False, 0
    for each in since:
        if well is not None and each.value <= well:
            is_well = True
        row = row + 1 if is_well and each.value >= at_least else 0
        if row == consecutive:
            yield Mark("relapse", each, "relapse")
            is_well, row = False, 0


def _row(
    point: Point, baseline: Point | None, instrument: str, endpoints: Endpoints, marks: Sequence[Mark], *,
    is_since: bool,
) -> Row:  # fmt: skip
    change = percent = None
    states: list[str] = []
    if is_since and baseline is not None:
        change = point.value - baseline.value
        percent = 100 * change / baseline.value if baseline.value else None
        response = _response_at(instrument, baseline, endpoints)
        if response is not None and point.value <= response:
            states.append("response")
    if is_since:
        mine = [each for each in endpoints.remission if each.instrument == instrument]
        states += [each.id for each in mine if point.value <= each.at_most]
    here = tuple(each.words for each in marks if each.point is point)
    return Row(point, point is baseline, change, percent, tuple(states), here)
