"""Checking the tables against their declaration and against each other, a column at a time.

What lives here: every rule a table must keep. What does not: the range of a rating scale (``instruments``
knows it) and the reading of files. A rule is one polars expression that is true where it is broken, so a
million rows are checked at the speed of a column scan; only broken rows are ever looked at one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from upturn.records.faults import LISTED, Fault, plain, refusal
from upturn.records.schema import TABLES, Column, Table
from upturn.records.tables import Records

__all__ = ["validate"]


def validate(records: Records, *, known: pl.Series | None = None) -> Records:
    """Check all five tables and give them back in the declared order and types.

    Whole numbers are welcome where numbers are declared. A missing ``item`` becomes ``total``.

    Parameters
    ----------
    records
        The tables as they came.
    known
        Identifiers of participants that were written before, when the records come in parts.

    Returns
    -------
    Records
        The same rows, columns in the declared order (covariates last, as they came).

    Raises
    ------
    RecordsError
        A missing or unknown column, a wrong type, a missing value, a value outside its range, an unknown
        word, a participant twice or not in ``participants``, an end before its start. Names table, row (data
        rows count from 1), column and value; lists the first five faults.

    Examples
    --------
    >>> from upturn.errors import RecordsError
    >>> dose = pl.DataFrame({"participant": ["p1"], "occasion": [1], "drug": ["ketamine"], "route": ["oral"],
    ...                      "amount_mg": [-35.0], "start_h": [0.0], "duration_h": [0.0], "planned_h": [0.0]})
    >>> try:
    ...     validate(Records(doses=dose), known=pl.Series(["p1"]))
    ... except RecordsError as error:
    ...     print(error)
    A value is not allowed.
      expected:   a number, 0 or more
      came:       -35
      where:      table doses, row 1, column amount_mg
    """
    misshapen = [fault for name, frame in records for fault in _misshapen(frame, TABLES[name])]
    if misshapen:
        raise refusal(misshapen)
    shaped = Records(**{name: _shaped(frame, TABLES[name]) for name, frame in records})
    earlier = pl.Series([], dtype=pl.String) if known is None else known.cast(pl.String)
    people = pl.concat([earlier, shaped.participants["participant"]]).drop_nulls().unique()

    faults: list[Fault] = []
    count = 0
    for name, frame in shaped:
        found, broken = _broken(frame, TABLES[name], [*_rules(TABLES[name], frame, people=people, earlier=earlier)])
        count += broken
        faults += found
    if count:
        raise refusal(faults, count=count)
    return shaped


def _misshapen(frame: pl.DataFrame, table: Table) -> Iterator[Fault]:
    declared = {column.name: column for column in table.columns}
    for name in declared:
        if name not in frame.columns:
            here = ", ".join(frame.columns) or "no columns"
            yield Fault("A column is missing.", table.name, f"a column {name}", here, column=name)
    for name, dtype in frame.schema.items():
        if name in declared:
            if not _fits(dtype, declared[name].dtype):
                kind = declared[name].kind
                yield Fault("A column has the wrong type.", table.name, kind, f"the type {dtype}", column=name)
        elif table.is_covariate(name):
            if not _fits(dtype, pl.Float64):
                yield Fault("A covariate is not a number.", table.name, "number", f"the type {dtype}", column=name)
        else:
            remedy = "give a covariate the prefix cov_, or leave the column out" if table.has_covariates else None
            yield Fault(
                "There is an unknown column.",
                table.name,
                ", ".join(declared),
                name,
                column=name,
                remedy=remedy,
            )


def _fits(dtype: pl.DataType, wanted: type[pl.DataType]) -> bool:
    if dtype in (wanted, pl.Null):
        return True
    if wanted == pl.Float64:
        return dtype.is_numeric()
    if wanted == pl.Int64:
        return dtype.is_integer()
    return wanted == pl.String and dtype in (pl.Categorical, pl.Enum)


def _shaped(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    declared = [
        pl.col(column.name).cast(column.dtype).fill_null(column.default)
        if column.default is not None
        else pl.col(column.name).cast(column.dtype)
        for column in table.columns
    ]
    covariates = [pl.col(name).cast(pl.Float64) for name in frame.columns if table.is_covariate(name)]
    # Tables read in many parts are put together first: every rule then runs over one piece of memory.
    return frame.rechunk().select(*declared, *covariates)


@dataclass(frozen=True)
class _Rule:
    """A rule about one column; ``is_broken`` is true on the rows that break it."""

    column: str
    is_broken: pl.Expr
    what: str
    expected: str
    remedy: str | None = None


def _rules(table: Table, frame: pl.DataFrame, *, people: pl.Series, earlier: pl.Series) -> Iterator[_Rule]:
    for column in table.columns:
        if not column.nullable:
            yield _Rule(column.name, pl.col(column.name).is_null(), "A value is missing.", column.allowed)
        if column.dtype != pl.Boolean:
            yield _Rule(column.name, ~_is_allowed(column), "A value is not allowed.", column.allowed)
    for name in frame.columns:
        if table.is_covariate(name):
            yield _Rule(name, ~pl.col(name).is_finite(), "A value is not allowed.", "a number")
    person = pl.col("participant")
    if table.name == "participants":
        is_second = ~person.is_first_distinct() | person.is_in(earlier.implode())
        yield _Rule(
            "participant",
            person.is_not_null() & is_second,
            "A participant appears twice.",
            "each participant once",
        )
    else:
        yield _Rule(
            "participant",
            ~person.is_in(people.implode()),
            "A participant is not in the table participants.",
            "a participant of that table",
            remedy="add the person to participants, or correct the identifier",
        )
    if table.name == "adverse_events":
        yield _Rule("end_h", pl.col("end_h") < pl.col("start_h"), "The end is before the start.", "start_h or later")


def _is_allowed(column: Column) -> pl.Expr:
    value = pl.col(column.name)
    if column.values:
        return value.is_in(column.values)
    if column.dtype == pl.String:
        return value.str.strip_chars().str.len_bytes() > 0
    # NaN counts as the largest number in polars: without this it would pass as "0 or more".
    allowed = value.is_finite() if column.dtype == pl.Float64 else pl.lit(value=True)
    if column.least is not None:
        allowed &= value >= column.least
    if column.above is not None:
        allowed &= value > column.above
    if column.most is not None:
        allowed &= value <= column.most
    return allowed


def _broken(frame: pl.DataFrame, table: Table, rules: list[_Rule]) -> tuple[list[Fault], int]:
    """Find the first few broken rows in the order of the file, and count all."""
    if frame.is_empty():
        return [], 0
    broken = [rule.is_broken.fill_null(value=False) for rule in rules]
    counts = frame.select(each.sum().alias(str(place)) for place, each in enumerate(broken)).row(0)
    faults: list[Fault] = []
    for rule, each, count in zip(rules, broken, counts, strict=True):
        if not count:
            continue
        places = frame.select(pl.arg_where(each).head(LISTED)).to_series().to_list()
        for place in places:
            came = plain(frame.item(place, rule.column))
            faults.append(Fault(rule.what, table.name, rule.expected, came, rule.column, place + 1, rule.remedy))
    return sorted(faults, key=lambda fault: fault.row or 0), sum(counts)
