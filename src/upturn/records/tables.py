"""The five tables held together: nothing but the data, frozen.

What lives here: the container. What does not: any promise about its content, which ``validate`` gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import polars as pl

from upturn.errors import InputError
from upturn.records.schema import TABLES, empty

__all__ = ["Records"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Records:
    """The five tables of a study; a table that is not given has no rows.

    Parameters
    ----------
    participants, doses, observations, updates, adverse_events
        One data frame each, as declared in ``TABLES``.

    Examples
    --------
    >>> people = pl.DataFrame({"participant": ["p1"], "arm": ["ketamine"], "age_y": [41.0], "sex": ["female"],
    ...                        "weight_kg": [70.0], "height_cm": [None]})
    >>> Records(participants=people)
    Records(participants: 1, doses: 0, observations: 0, updates: 0, adverse_events: 0)
    """

    participants: pl.DataFrame = field(default_factory=lambda: empty("participants"))
    doses: pl.DataFrame = field(default_factory=lambda: empty("doses"))
    observations: pl.DataFrame = field(default_factory=lambda: empty("observations"))
    updates: pl.DataFrame = field(default_factory=lambda: empty("updates"))
    adverse_events: pl.DataFrame = field(default_factory=lambda: empty("adverse_events"))

    def __getitem__(self, table: str) -> pl.DataFrame:
        if table not in TABLES:
            raise InputError(f"There is no table called {table}.", expected=", ".join(TABLES), came=table)
        frame: pl.DataFrame = getattr(self, table)
        return frame

    def __iter__(self) -> Iterator[tuple[str, pl.DataFrame]]:
        return ((name, self[name]) for name in TABLES)

    def equals(self, other: Records) -> bool:
        """Say whether both hold the same tables, row by row and in the same order."""
        return all(frame.equals(other[name]) for name, frame in self)

    def __repr__(self) -> str:
        return f"Records({', '.join(f'{name}: {frame.height}' for name, frame in self)})"
