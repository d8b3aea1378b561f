"""What an instrument is, and what can be asked of it.

What lives here: the shape of an instrument and the check of a value. What does not: any number (``scales/``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from upturn.errors import InputError
from upturn.instruments.evidence import Evidence
from upturn.instruments.items import Alerts, Codes, Item, Scoring, Wording

__all__ = ["Band", "Bands", "Instrument", "Items", "Kind", "Licence", "Mode", "Range", "Recall"]

Kind = Literal["scale", "category", "measure"]
Mode = Literal["interview", "self"]


@dataclass(frozen=True)
class Items:
    """The items of a scale: how many, and the widest range of one; ``note`` says where items differ.

    ``members`` are the items themselves, with where their order, names and words come from (``named``).
    """

    count: int
    least: float
    most: float
    evidence: Evidence
    members: tuple[Item, ...]
    named: Evidence


@dataclass(frozen=True)
class Range:
    """What the total or the measured value can be; without ``most`` there is no upper bound."""

    least: float
    most: float | None
    evidence: Evidence


@dataclass(frozen=True)
class Band:
    """A named part of the range, both ends included."""

    name: str
    least: float
    most: float


@dataclass(frozen=True)
class Bands:
    """The named parts of the range, from low to high."""

    members: tuple[Band, ...]
    evidence: Evidence


@dataclass(frozen=True)
class Recall:
    """How far a rating looks back [h]."""

    hours: float
    evidence: Evidence


@dataclass(frozen=True)
class Licence:
    """On which terms the instrument may be used, and whether a site may load its own licensed text of it."""

    terms: str
    evidence: Evidence
    takes_text_pack: bool = False


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """A rating scale, a set of ordered categories, or a physical measure.

    Parameters
    ----------
    id, name
        The short name used in records and protocols, and the full one.
    kind
        ``scale`` (a total of items), ``category`` (ordered categories, coded) or ``measure`` (a physical
        quantity).
    unit
        Unit of the value, as in the records: ``points``, ``category``, ``mmHg``, ``1/min``, ``%``.
    higher_is
        Whether a higher value is ``worse``, ``better`` or ``neither``.
    whole_numbers
        Whether a value must be a whole number.
    total
        Range of the value.
    items, bands, recall
        What is known of them; none where nothing was established or there is no such thing.
    licence
        Terms of use of the instrument's text.
    ships_item_text
        Whether the text of the items is part of this package.
    version
        Counts how this package describes and scores it; kept with every rating.
    modes
        Who may answer: a rater in an ``interview``, the person (``self``), or both; the usual one first.
    wording, scoring, alerts, codes
        The words beside the items, how answers are scored, which answers ask for help at once, and codes; none where
        there is no such thing.
    sources
        What was read.

    Examples
    --------
    >>> from upturn.instruments import get
    >>> get("PHQ-9").band(15)
    'moderately severe'
    """

    id: str
    name: str
    kind: Kind
    unit: str
    higher_is: Literal["worse", "better", "neither"]
    whole_numbers: bool
    total: Range
    items: Items | None
    bands: Bands | None
    recall: Recall | None
    licence: Licence
    ships_item_text: bool
    sources: tuple[str, ...]
    version: str = "1"
    modes: tuple[Mode, ...] = ()
    wording: Wording | None = None
    scoring: Scoring | None = None
    alerts: Alerts | None = None
    codes: Codes | None = None

    def item(self, id: str) -> Item:
        """Give one item.

        Raises
        ------
        InputError
            There is none of this number.
        """
        members = self.items.members if self.items else ()
        for each in members:
            if each.id == id:
                return each
        raise InputError(
            f"{self.id} has no such item.", expected=", ".join(each.id for each in members) or "no items", came=id
        )

    @property
    def allowed(self) -> str:
        """What a value must be, in a reader's words."""
        noun = "a whole number" if self.whole_numbers else "a number"
        if self.total.most is None:
            return f"{noun}, {self.total.least:g} {self.unit} or more"
        # A category is a number of its own, of nothing.
        unit = "" if self.kind == "category" else f" {self.unit}"
        return f"{noun} from {self.total.least:g} to {self.total.most:g}{unit}"

    def check(self, value: float) -> None:
        """Refuse a value that the instrument cannot give.

        Parameters
        ----------
        value
            The total or the measured value [the instrument's unit].

        Raises
        ------
        InputError
            Not finite, outside the range, or not a whole number where one is needed.

        Examples
        --------
        >>> from upturn.instruments import get
        >>> try:
        ...     get("MADRS").check(61)
        ... except InputError as error:
        ...     print(error)
        MADRS cannot have this value.
          expected:   a whole number from 0 to 60 points
          came:       61
        """
        most = math.inf if self.total.most is None else self.total.most
        is_in_range = math.isfinite(value) and self.total.least <= value <= most
        if not is_in_range or (self.whole_numbers and value != math.floor(value)):
            raise InputError(f"{self.id} cannot have this value.", expected=self.allowed, came=f"{value:.12g}")

    def band(self, value: float) -> str | None:
        """Name the band of a value, or none where the instrument has no bands.

        Parameters
        ----------
        value
            The total or the measured value [the instrument's unit].

        Raises
        ------
        InputError
            As ``check``.

        Examples
        --------
        >>> from upturn.instruments import get
        >>> get("CADSS").band(12) is None
        True
        """
        self.check(value)
        for band in self.bands.members if self.bands else ():
            if band.least <= value <= band.most:
                return band.name
        return None
