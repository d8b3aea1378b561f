"""People as a picture: rows of dots, filled for those of whom something is true. Drawn by a template as SVG."""

from __future__ import annotations

from dataclasses import dataclass

from upturn_clinic.programmes.sizes import PEOPLE, PEOPLE_IN_A_ROW

__all__ = ["Dot", "People", "people"]

# Lengths of the drawing's own grid: one person is a square of ten.
SQUARE = 10
MIDDLE = 5
RADIUS = 4


@dataclass(frozen=True)
class Dot:
    """One person's place in the picture."""

    x: int
    y: int
    filled: bool


@dataclass(frozen=True)
class People:
    """A picture of people, and the sentence it stands for.

    Parameters
    ----------
    told
        What the picture shows, in words; it is also what a screen reader says.
    count, out_of
        Of how many people it is true.
    dots
        Each person's place.
    """

    told: str
    count: int
    out_of: int
    dots: tuple[Dot, ...]

    @property
    def width(self) -> int:
        """Width of the drawing."""
        return PEOPLE_IN_A_ROW * SQUARE

    @property
    def height(self) -> int:
        """Height of the drawing."""
        return -(-self.out_of // PEOPLE_IN_A_ROW) * SQUARE

    @property
    def radius(self) -> int:
        """Radius of one dot."""
        return RADIUS


def people(share: float, told: str) -> People:
    """Draw a share of people out of the sheet's round number.

    Parameters
    ----------
    share
        0 to 1.
    told
        The sentence for it, with ``{count}`` and ``{out_of}``.

    Examples
    --------
    >>> picture = people(0.45, "{count} of {out_of} people feel much better.")
    >>> picture.told, sum(dot.filled for dot in picture.dots)
    ('45 of 100 people feel much better.', 45)
    """
    count = round(share * PEOPLE)
    dots = tuple(
        Dot(place % PEOPLE_IN_A_ROW * SQUARE + MIDDLE, place // PEOPLE_IN_A_ROW * SQUARE + MIDDLE, place < count)
        for place in range(PEOPLE)
    )
    return People(told.format(count=count, out_of=PEOPLE), count, PEOPLE, dots)
