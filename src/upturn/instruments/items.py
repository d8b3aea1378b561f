"""What an instrument asks and how its answers become a score, as data.

What lives here: the shapes of items, wording, scoring rules and alerts. What does not: computing a score
(``scoring``), and any number or word (``scales/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from upturn.instruments.evidence import Evidence

__all__ = ["Alerts", "Codes", "Item", "Level", "Missing", "Part", "Pattern", "Scoring", "Wording"]

Taking = Literal["sum", "highest"]
Total = Literal["sum", "sum of parts", "highest", "level"]
Policy = Literal["no total", "level if certain"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question.

    Parameters
    ----------
    id
        Its number on the form: ``"9"``, ``"6a"``.
    name
        A short neutral name, in our words.
    text
        The question word for word; empty where its text does not ship.
    least, most
        Range of the answer [points].
    weight
        Points of one step: 2 where a form prints 0, 2, 4, 6, 8.
    answers
        What each answer is called; may be empty.
    asked_if
        Asked only when the answers to other items are these: item and value.
    or_item
        Another item that stands for the other direction (less, more): one of the two is answered; empty for most.
    scored
        Whether it counts, and is missed when it is not answered.
    loinc
        Its code, where it was read in a source.

    Examples
    --------
    >>> from upturn.instruments import get
    >>> get("YMRS").item("5").values
    (0, 2, 4, 6, 8)
    """

    id: str
    name: str
    text: str = ""
    least: int
    most: int
    weight: int = 1
    answers: Mapping[int, str] = field(default_factory=dict)
    asked_if: Mapping[str, int] = field(default_factory=dict)
    or_item: str = ""
    scored: bool = True
    loinc: str = ""

    @property
    def values(self) -> tuple[int, ...]:
        """All answers there can be, from low to high."""
        return tuple(range(self.least, self.most + 1, self.weight))

    def is_asked(self, answers: Mapping[str, float]) -> bool:
        """Tell whether the item is asked, given the answers to the others."""
        return all(answers.get(other) == value for other, value in self.asked_if.items())

    def is_missing(self, answers: Mapping[str, float]) -> bool:
        """Tell whether its answer is wanted and not there: neither its own nor that of the item that it excludes.

        Examples
        --------
        >>> from upturn.instruments import get
        >>> get("QIDS-SR16").item("6").is_missing({"7": 2}), get("QIDS-SR16").item("6").is_missing({"8": 2})
        (False, True)
        """
        return self.id not in answers and self.or_item not in answers and self.is_asked(answers)


@dataclass(frozen=True)
class Wording:
    """In which words the items are asked, and the notice that must stand beside them."""

    language: str
    instruction: str
    notice: str
    evidence: Evidence


@dataclass(frozen=True)
class Part:
    """A part of a scale, such as a cluster of symptoms or a domain: its items, and what is taken of them."""

    id: str
    name: str
    items: tuple[str, ...]
    take: Taking = "sum"


@dataclass(frozen=True)
class Pattern:
    """Something that the answers show beside the total, such as a provisional diagnosis.

    Parameters
    ----------
    needs
        For each part, how many of its items must count.
    counting
        An item counts from this answer on [points]; None where ``share`` is used.
    share
        A part counts from this share of its range on; None where ``counting`` is used.
    """

    id: str
    text: str
    needs: Mapping[str, int]
    counting: int | None = None
    share: float | None = None


@dataclass(frozen=True)
class Level:
    """A level that is reached when any of its items is answered with yes."""

    level: int
    any_of: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """What happens when an item is not answered.

    ``no total``: then there is none. ``level if certain``: a level is given when no missing answer could raise it.
    """

    policy: Policy
    evidence: Evidence


@dataclass(frozen=True)
class Scoring:
    """How answers become a total."""

    total: Total
    parts: tuple[Part, ...]
    patterns: tuple[Pattern, ...]
    levels: tuple[Level, ...]
    missing: Missing
    evidence: Evidence


@dataclass(frozen=True)
class Alerts:
    """Answers after which help is offered at once, whatever a protocol says.

    Parameters
    ----------
    items
        Item, and the lowest such answer.
    total
        The lowest such total of a scale that is about nothing else; None for other scales.
    """

    items: Mapping[str, int]
    text: str
    evidence: Evidence
    total: float | None = None


@dataclass(frozen=True)
class Codes:
    """Codes of LOINC for the form as a whole and for its total, where they were read in a source."""

    panel: str
    total: str
    evidence: Evidence
