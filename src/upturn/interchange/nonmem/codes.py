"""What the codes of an event table mean.

What lives here: making the codes, and writing them as JSON. What does not: the table itself (``table``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from upturn.errors import InputError
from upturn.records import TABLES, Records

__all__ = ["Legend", "legend"]


@dataclass(frozen=True, kw_only=True)
class Legend:
    """The meaning of every code, by the column that holds it; codes count from 1.

    On a dose ``CMT`` is the code of drug and route; on an observation it is ``DVID`` plus the number of
    these, so that the two never share a number.

    Parameters
    ----------
    ID
        Identifiers of the participants.
    ARM
        Arms.
    CMT
        Ways in: drug and route.
    DVID
        What was seen: instrument, item and unit.
    SEX, RATER
        As in the records.
    """

    ID: dict[int, str]
    ARM: dict[int, str]
    CMT: dict[int, tuple[str, str]]
    DVID: dict[int, tuple[str, str, str]]
    SEX: dict[int, str]
    RATER: dict[int, str]

    def to_json(self) -> str:
        """Write the legend as JSON.

        Examples
        --------
        >>> seen = {1: ("MADRS", "total", "points")}
        >>> one = Legend(ID={1: "p1"}, ARM={1: "a"}, CMT={}, DVID=seen, SEX={}, RATER={})
        >>> Legend.from_json(one.to_json()) == one
        True
        """
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Legend:
        """Read a legend that ``to_json`` wrote.

        Raises
        ------
        InputError
            Not JSON, or not a legend.
        """
        try:
            parts = json.loads(text)
            return cls(
                **{name: {int(code): _meaning(name, each) for code, each in parts[name].items()} for name in _PARTS}
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise InputError(
                "The legend of the event table cannot be read.",
                expected=f"JSON with {', '.join(_PARTS)}, each from code to meaning",
                came=str(error),
                remedy="use the file that was written beside the table",
            ) from error


_PARTS = {"ID": 1, "ARM": 1, "CMT": 2, "DVID": 3, "SEX": 1, "RATER": 1}


def _meaning(name: str, written: Any) -> Any:
    words = [written] if isinstance(written, str) else list(written)
    if len(words) != _PARTS[name] or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{name}: {written}")
    return words[0] if _PARTS[name] == 1 else tuple(words)


def legend(records: Records) -> Legend:
    """Give each participant, arm, way in and reading its code.

    Participants keep their order; everything else is sorted, so that the codes do not hang on the order of
    rows. ``SEX`` has the same codes in every study.

    Examples
    --------
    >>> legend(Records()).SEX
    {1: 'female', 2: 'male', 3: 'other'}
    """
    return Legend(
        ID=_numbered(records.participants["participant"]),
        ARM=_numbered(records.participants["arm"].unique().sort()),
        CMT=_numbered(_distinct(records.doses, "drug", "route")),
        DVID=_numbered(_distinct(records.observations, "instrument", "item", "unit")),
        SEX=_numbered(TABLES["participants"]["sex"].values),
        RATER=_numbered(records.observations["rater"].drop_nulls().unique().sort()),
    )


def _distinct(frame: pl.DataFrame, *columns: str) -> list[Any]:
    return frame.select(columns).unique().sort(columns).rows()


def _numbered(meanings: Iterable[Any]) -> dict[int, Any]:
    return dict(enumerate(meanings, start=1))
