"""The declared shape of the five tables: every column with its type, unit, allowed values and meaning.

What lives here: the declaration, said once. What does not: the checking (``validation``). Times are hours
from the participant's first dose; the actual time stands in ``time_h`` or ``start_h``, the nominal one in
``planned_h``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

import polars as pl

from upturn.errors import InputError

__all__ = ["COVARIATE_PREFIX", "TABLES", "Column", "Table", "empty", "schema"]

COVARIATE_PREFIX = "cov_"
"""Columns of ``participants`` with this prefix hold further numbers about a person, missing allowed."""

_UNIT_OF_SUFFIX = {"h": "h", "mg": "mg", "kg": "kg", "cm": "cm", "y": "years", "ms": "ms"}
_WORD_FOR = {pl.String: "text", pl.Float64: "number", pl.Int64: "whole number", pl.Boolean: "true or false"}

_ROUTES = ("intravenous", "intramuscular", "subcutaneous", "intranasal", "sublingual", "oral")


@dataclass(frozen=True)
class Column:
    """One column: what it is called, what it may hold, and what it means.

    Parameters
    ----------
    name
        The column's name; its suffix is its unit (``_h``, ``_mg``, ``_kg``, ``_cm``, ``_y``, ``_ms``).
    dtype
        ``polars.String``, ``polars.Float64``, ``polars.Int64`` or ``polars.Boolean``.
    meaning
        One line for a reader.
    nullable
        Whether a value may be missing.
    least, above, most
        The allowed range: ``least`` and ``most`` belong to it, ``above`` does not.
    values
        The allowed words; none given means any text that is not empty.
    default
        What a missing value means; it is filled in by ``validate``.
    is_percent
        Whether the column is a percentage, from 0 to 100.

    Examples
    --------
    >>> TABLES["doses"]["amount_mg"].unit, TABLES["doses"]["amount_mg"].allowed
    ('mg', 'a number, 0 or more')
    """

    name: str
    dtype: type[pl.DataType]
    meaning: str
    nullable: bool = False
    least: float | None = None
    above: float | None = None
    most: float | None = None
    values: tuple[str, ...] = ()
    default: str | None = None
    is_percent: bool = False

    @property
    def unit(self) -> str | None:
        """The unit in the column's name, ``%`` for a percentage, or none."""
        if self.is_percent:
            return "%"
        return _UNIT_OF_SUFFIX.get(self.name.rpartition("_")[2]) if self.dtype == pl.Float64 else None

    @property
    def kind(self) -> str:
        """The column's type in a reader's words."""
        return _WORD_FOR[self.dtype]

    @property
    def allowed(self) -> str:
        """What a value must be, in a reader's words."""
        if self.values:
            return " or ".join(filter(None, (", ".join(self.values[:-1]), self.values[-1])))
        if self.dtype in (pl.String, pl.Boolean):
            return "a text that is not empty" if self.dtype == pl.String else self.kind
        noun = f"a {self.kind}"
        if self.least is not None and self.most is not None:
            return f"{noun} from {self.least:g} to {self.most:g}"
        if self.least is not None:
            return f"{noun}, {self.least:g} or more"
        if self.above is not None:
            return f"{noun} above {self.above:g}"
        return noun


@dataclass(frozen=True)
class Table:
    """One table: what a row is, and its columns in order.

    Parameters
    ----------
    name
        The table's name, and that of its file.
    row_is
        What one row stands for.
    columns
        The declared columns in order.
    has_covariates
        Whether further columns with the prefix ``cov_`` are welcome.
    """

    name: str
    row_is: str
    columns: tuple[Column, ...]
    has_covariates: bool = False

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise InputError(
            f"The table {self.name} has no column called {name}.",
            expected=", ".join(each.name for each in self.columns),
            came=name,
        )

    def is_covariate(self, name: str) -> bool:
        """Say whether a column of this name is a welcome covariate."""
        return self.has_covariates and name.startswith(COVARIATE_PREFIX) and len(name) > len(COVARIATE_PREFIX)

    def markdown(self) -> str:
        """Give the declaration as a Markdown table, for ``docs/records.md``.

        Examples
        --------
        >>> print(TABLES["doses"].markdown().splitlines()[2])
        | `participant` | text |  | a text that is not empty | the person, as in participants |
        """
        lines = ["| column | type | unit | allowed | meaning |", "|---|---|---|---|---|"]
        for each in self.columns:
            missing = f"; missing means {each.default}" if each.default else "; may be missing" if each.nullable else ""
            row = (f"`{each.name}`", each.kind, each.unit or "", each.allowed + missing, each.meaning)
            lines.append("| " + " | ".join(row) + " |")
        return "\n".join(lines)


def _text(
    name: str,
    meaning: str,
    *,
    nullable: bool = False,
    values: tuple[str, ...] = (),
    default: str | None = None,
) -> Column:
    return Column(name, pl.String, meaning, nullable, values=values, default=default)


def _number(
    name: str, meaning: str, *, nullable: bool = False, least: float | None = None, above: float | None = None
) -> Column:
    return Column(name, pl.Float64, meaning, nullable, least=least, above=above)


def _percent(name: str, meaning: str, *, nullable: bool = False) -> Column:
    return Column(name, pl.Float64, meaning, nullable, least=0, most=100, is_percent=True)


_PERSON = _text("participant", "the person, as in participants")

_ALL = (
    Table(
        "participants",
        "a person",
        (
            _text("participant", "the person's identifier, once in this table; never a name"),
            _text("arm", "the arm of the protocol"),
            _number("age_y", "age at the first dose", nullable=True, least=0),
            _text("sex", "sex as recorded", nullable=True, values=("female", "male", "other")),
            _number("weight_kg", "body weight at the first dose", nullable=True, above=0),
            _number("height_cm", "body height", nullable=True, above=0),
        ),
        has_covariates=True,
    ),
    Table(
        "doses",
        "a dose given",
        (
            _PERSON,
            Column(
                "occasion",
                pl.Int64,
                "number of the dosing occasion; the devices of one session share it",
                least=1,
            ),
            _text("drug", "what was given, in the protocol's word"),
            _text("route", "the way in", values=_ROUTES),
            _number("amount_mg", "amount given; 0 for a placebo", least=0),
            _number("start_h", "actual start, from the first dose"),
            _number("duration_h", "how long it took; 0 for an instantaneous dose", least=0),
            _number("planned_h", "nominal start, from the first dose", nullable=True),
        ),
    ),
    Table(
        "observations",
        "a value seen",
        (
            _PERSON,
            _number("time_h", "actual time, from the first dose"),
            _number("planned_h", "nominal time, from the first dose", nullable=True),
            _text("instrument", "rating scale or measure, such as MADRS or SBP"),
            _text("item", "item or part of the instrument", default="total"),
            _number("value", "the value, in the unit beside it"),
            _text("unit", "unit of the value, such as points or mmHg"),
            _text("rater", "who rated; never a name", nullable=True),
            _number("recall_h", "length of time the value looks back on", nullable=True, least=0),
        ),
    ),
    Table(
        "updates",
        "a trial of the belief-updating task",
        (
            _PERSON,
            _text("visit", "the visit, in the protocol's word"),
            _number("time_h", "actual time, from the first dose"),
            _text("event", "identifier of the life event asked about"),
            _percent("base_rate", "how often the event happens, as shown; missing: none was shown", nullable=True),
            _percent("first_estimate", "own likelihood, before the base rate is shown", nullable=True),
            _percent("other_estimate", "likelihood for another person", nullable=True),
            _percent("second_estimate", "own likelihood, asked again afterwards", nullable=True),
            _percent("trust", "trust in the base rate", nullable=True),
            _number("rt_first_ms", "response time of the first estimate", nullable=True, least=0),
            _number("rt_other_ms", "response time of the estimate for another", nullable=True, least=0),
            _number("rt_second_ms", "response time of the second estimate", nullable=True, least=0),
        ),
    ),
    Table(
        "adverse_events",
        "an adverse event",
        (
            _PERSON,
            _number("start_h", "start, from the first dose"),
            _number("end_h", "end, from the first dose; missing while it lasts", nullable=True),
            _text("term", "the event, in the reporter's or a dictionary's word"),
            _text("severity", "intensity", values=("mild", "moderate", "severe")),
            Column(
                "serious",
                pl.Boolean,
                "whether it met a regulatory criterion of seriousness; missing: not judged yet",
                nullable=True,
            ),
            _text("related", "relation to the drug", values=("unrelated", "possible", "probable", "unknown")),
        ),
    ),
)

TABLES: Mapping[str, Table] = MappingProxyType({table.name: table for table in _ALL})
"""The five tables by name, in order."""


def schema(table: str) -> pl.Schema:
    """Give the names and types of a table's declared columns.

    Raises
    ------
    InputError
        There is no table of this name.

    Examples
    --------
    >>> schema("adverse_events")["serious"]
    Boolean
    """
    if table not in TABLES:
        close = get_close_matches(table, TABLES, n=1)
        raise InputError(
            f"There is no table called {table}.",
            expected=", ".join(TABLES),
            came=table,
            remedy=f"did you mean {close[0]}?" if close else None,
        )
    return pl.Schema({column.name: column.dtype() for column in TABLES[table].columns})


def empty(table: str) -> pl.DataFrame:
    """Give a table without rows.

    Examples
    --------
    >>> empty("doses").shape
    (0, 8)
    """
    return pl.DataFrame(schema=schema(table))
