"""Belief-updating trials from other laboratories: a CSV with a row per trial becomes records.

What lives here: the translation, strict and row by row. What does not: the mapping file that names the columns
(``belief_mapping``), and which answers can be analysed (``beliefs.reading``). Nothing is guessed: a column that the
mapping does not name, and does not leave out, is refused.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from upturn.errors import InputError, RecordsError
from upturn.interchange.belief_mapping import read_mapping, visit_hours
from upturn.records import TABLES, Column, Records, empty, schema, validate
from upturn.records.faults import Fault, plain, refusal

__all__ = ["read_belief_table"]

_GROUP = TABLES["participants"]["arm"]
_REMEDY = "correct the cell; a word that stands for nothing is listed under missing in the mapping"
# More decimals than any answer has; they take away what 0.57 × 100 leaves behind.
_DECIMALS = 9


def read_belief_table(table: str | Path, *, mapping: str | Path) -> Records:
    r"""Read a table of belief-updating trials as records.

    Parameters
    ----------
    table
        The CSV file, in UTF-8 with commas and one header line; a row is one trial.
    mapping
        The mapping file, as at the head of ``belief_mapping``.

    Returns
    -------
    Records
        ``updates`` and ``participants``, and ``observations`` where the mapping names a table of scores. Groups are
        arms; nothing is said about doses.

    Raises
    ------
    InputError
        A mapping that cannot be used; names the key.
    RecordsError
        A file that cannot be read, a column that is missing or unknown, a cell that is not a number or out of range,
        a visit without a time, a person in two groups, a trial twice. Names file, row (data rows count from 1) and
        column; the first five faults are listed.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = Path(place, "trials.csv").write_text("id,item,BR,E1,E2\np1,burglary,0.39,0.5,0.45\n")
    ...     _ = Path(place, "map.yaml").write_text(
    ...         "columns: {participant: id, event: item, base_rate: BR, first_estimate: E1, second_estimate: E2}\n"
    ...         "constants: {group: all, visit: only, time_h: 0}\n"
    ...         "scale: {base_rate: 100, first_estimate: 100, second_estimate: 100}\n"
    ...     )
    ...     found = read_belief_table(Path(place, "trials.csv"), mapping=Path(place, "map.yaml"))
    >>> found.updates.select("event", "base_rate", "second_estimate").row(0)
    ('burglary', 39.0, 45.0)
    """
    document = read_mapping(Path(mapping))
    here = Path(mapping).parent
    sheet = _Sheet.read(Path(table), document)
    hours = visit_hours(document, Path(mapping))
    rows = _trials(sheet, document, hours=hours)
    sheet.refuse_twice(rows, ("participant", "visit", "event"), "A trial is there twice.")
    groups = _groups(sheet, rows) if "group" in rows.columns else None
    people = _people(document.get("people"), here, groups=groups, known=rows["participant"].unique(maintain_order=True))
    _refuse_strangers(sheet, rows, people)
    seen = _observations(document.get("observations"), here, hours=hours, people=people)
    return validate(Records(participants=people, updates=rows.select(schema("updates").names()), observations=seen))


@dataclass(frozen=True)
class _Sheet:
    """A table in its file, and the part of the mapping that is about it."""

    file: str
    cells: pl.DataFrame
    columns: Mapping[str, str]
    constants: Mapping[str, Any]
    scale: Mapping[str, float]
    words: Mapping[str, Mapping[Any, Any]]
    missing: Sequence[str]

    @classmethod
    def read(cls, file: Path, part: Mapping[str, Any], *, also: Sequence[str] = ()) -> _Sheet:
        """Read the cells as text, and hold the header against the mapping."""
        found, cells = _cells(file)
        columns = {str(ours): str(theirs) for ours, theirs in part["columns"].items()}
        leave_out = part.get("leave_out", [])
        named = [*columns.values(), *also]
        faults = [
            Fault("A column is there twice.", file.name, "each column once", name, name)
            for name in dict.fromkeys(found)
            if found.count(name) > 1
        ]
        for name in [*named, *(leave_out if leave_out != "all" else [])]:
            if name not in found:
                near = get_close_matches(name, found, n=1)
                remedy = f"did you mean {near[0]}?" if near else "correct the mapping"
                faults.append(Fault("A column is missing.", file.name, name, ", ".join(found), name, remedy=remedy))
        for name in found if leave_out != "all" else []:
            if name not in named and name not in leave_out:
                remedy = "name it in the mapping, or list it under leave_out"
                faults.append(
                    Fault("There is an unknown column.", file.name, ", ".join(named), name, name, remedy=remedy)
                )
        if faults:
            raise refusal(faults)
        missing = [str(word) for word in part.get("missing", [])]
        return cls(
            file.name, cells, columns, part.get("constants", {}), part.get("scale", {}), part.get("words", {}), missing
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Our names of what the table, or a constant, tells."""
        return (*self.columns, *(name for name in self.constants if name not in self.columns))

    def frame(self, declared: Mapping[str, Column], *, needed: Iterable[str] = ()) -> pl.DataFrame:
        """Translate into our columns, each cell checked against what its column may hold."""
        unknown = [name for name in (*self.names, *self.scale, *self.words) if name not in declared]
        if unknown:
            near = get_close_matches(unknown[0], declared, n=1)
            raise InputError(
                "The mapping names a column that the records do not have.",
                expected=", ".join(declared),
                came=unknown[0],
                where=f"the mapping of {self.file}",
                remedy=f"did you mean {near[0]}?" if near else None,
            )
        for name in needed:
            if name not in self.names:
                raise InputError(
                    f"The mapping does not say what {name} is.",
                    expected=f"{name} under columns or constants",
                    where=f"the mapping of {self.file}",
                    remedy="give the hours of each visit under visits" if name == "time_h" else None,
                )
        faults: list[Fault] = []
        values = {}
        for name in self.names:
            values[name], found = self._values(name, declared[name])
            faults += found
        if faults:
            raise refusal(sorted(faults, key=lambda fault: fault.row or 0))
        return pl.DataFrame(values)

    def _values(self, name: str, column: Column) -> tuple[pl.Series, list[Fault]]:
        theirs = self.columns.get(name)
        written = (
            self.cells[theirs]
            if theirs
            else pl.Series([_text(self.constants[name])] * self.cells.height, dtype=pl.String)
        )
        bare = written.str.strip_chars()
        given = bare.set(bare.is_in(["", *self.missing]).fill_null(value=False), None)
        words = {str(word): _text(meaning) for word, meaning in self.words.get(name, {}).items()}
        said = given.replace(words) if words else given
        if column.dtype == pl.String:
            values = said
        else:
            values = (said.cast(pl.Float64, strict=False) * float(self.scale.get(name, 1))).round(_DECIMALS)
        wrong = {
            "A cell could not be read.": values.is_null() & said.is_not_null(),
            "A value is not allowed.": ~_is_allowed(values, column),
        }
        if not column.nullable:
            wrong["A value is missing."] = said.is_null()
        place = theirs or f"{name} (a constant of the mapping)"
        expected = _expected(column, self.scale.get(name))
        return values.alias(name), [
            Fault(what, self.file, expected, plain(written[row]), place, row + 1, _REMEDY)
            for what, rows in wrong.items()
            for row in rows.fill_null(value=False).arg_true()
        ]

    def where(self, name: str) -> str:
        """Give the table's own name of one of our columns."""
        return self.columns.get(name, name)

    def refuse(
        self, what: str, rows: pl.Series, name: str, *, expected: str, values: pl.Series, remedy: str | None = None
    ) -> None:
        """Refuse the rows at which the mask is true."""
        faults = [
            Fault(what, self.file, expected, plain(values[row]), self.where(name), row + 1, remedy)
            for row in rows.arg_true()
        ]
        if faults:
            raise refusal(faults)

    def refuse_twice(self, rows: pl.DataFrame, keys: Sequence[str], what: str) -> None:
        """Refuse rows whose keys stood in an earlier row."""
        again = ~rows.select(pl.struct(keys).is_first_distinct()).to_series()
        came = rows.select(pl.concat_str(keys, separator=", ")).to_series()
        self.refuse(what, again, keys[-1], expected=f"each {', '.join(keys)} once", values=came)


def _cells(file: Path) -> tuple[list[str], pl.DataFrame]:
    """Read header and cells as text; a row that is shorter or longer than the header is refused."""
    expected = "a CSV file in UTF-8 with commas and one header line"
    try:
        text = file.read_bytes().decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except FileNotFoundError:
        raise RecordsError("There is no such table.", expected=expected, came=str(file)) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        came = getattr(error, "strerror", None) or str(error)
        raise RecordsError("The table cannot be read.", expected=expected, came=came, where=str(file)) from None
    if len(lines) < 2:
        came = "a header" if lines else "an empty file"
        raise RecordsError("The table has no rows.", expected=expected, came=came, where=str(file))
    header, *rows = lines
    faults = [
        Fault("A row does not fit the header.", file.name, f"{len(header)} cells", f"{len(row)} cells", None, number)
        for number, row in enumerate(rows, start=1)
        if len(row) != len(header)
    ]
    if faults:
        raise refusal(faults)
    # Columns of the same name are refused with the header; until then the last one stands for both.
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    return header, pl.DataFrame({name: pl.Series(cells, dtype=pl.String) for name, cells in columns.items()})


def _text(constant: object) -> str | None:
    return None if constant is None else str(constant)


def _expected(column: Column, factor: float | None) -> str:
    return f"{column.allowed}, after multiplying with {factor:g}" if factor is not None else column.allowed


def _is_allowed(values: pl.Series, column: Column) -> pl.Series:
    if column.dtype == pl.String:
        return values.is_in(column.values) if column.values else values.is_not_null()
    allowed = values.is_finite()
    if column.least is not None:
        allowed &= values >= column.least
    if column.above is not None:
        allowed &= values > column.above
    if column.most is not None:
        allowed &= values <= column.most
    return allowed


def _trials(sheet: _Sheet, document: Mapping[str, Any], *, hours: Mapping[str, float] | None) -> pl.DataFrame:
    declared = {column.name: column for column in TABLES["updates"].columns} | {"group": _GROUP}
    numbered = bool(document.get("one_row_per_person"))
    groups_elsewhere = "group" in ((document.get("people") or {}).get("columns") or {})
    needed = {"participant", "visit", "event", "time_h", "base_rate", "first_estimate", "second_estimate", "group"}
    needed -= {"participant"} if numbered else set()
    needed -= {"time_h"} if hours is not None else set()
    needed -= {"group"} if groups_elsewhere else set()
    rows = sheet.frame(declared, needed=sorted(needed))
    if numbered:
        if "participant" in rows.columns:
            raise InputError(
                "The mapping says twice who answers.",
                expected="either a column for participant, or one_row_per_person",
                where=f"the mapping of {sheet.file}",
            )
        rows = rows.with_columns(participant=pl.int_range(1, pl.len() + 1).cast(pl.String))
    rows = _timed(sheet, rows, hours)
    absent = [column for name, column in declared.items() if name not in rows.columns and name != "group"]
    return rows.with_columns(pl.lit(None, dtype=column.dtype).alias(column.name) for column in absent)


def _timed(sheet: _Sheet, rows: pl.DataFrame, hours: Mapping[str, float] | None) -> pl.DataFrame:
    if hours is None or "time_h" in rows.columns:
        return rows
    is_unknown = ~rows["visit"].is_in(list(hours))
    expected = f"one of {', '.join(hours)}"
    sheet.refuse("A visit has no hours.", is_unknown, "visit", expected=expected, values=rows["visit"])
    return rows.with_columns(time_h=pl.col("visit").replace_strict(hours, return_dtype=pl.Float64))


def _groups(sheet: _Sheet, rows: pl.DataFrame) -> pl.DataFrame:
    first = rows.select(pl.col("group").first().over("participant")).to_series()
    expected = "one group per person"
    sheet.refuse("A person is in two groups.", rows["group"] != first, "group", expected=expected, values=rows["group"])
    return rows.select("participant", "group").unique(maintain_order=True)


def _people(
    part: Mapping[str, Any] | None, here: Path, *, groups: pl.DataFrame | None, known: pl.Series
) -> pl.DataFrame:
    declared = {column.name: column for column in TABLES["participants"].columns if column.name != "arm"}
    people = pl.DataFrame({"participant": known})
    if part is not None:
        covariates = [name for name in part["columns"] if TABLES["participants"].is_covariate(str(name))]
        declared |= {name: Column(name, pl.Float64, "", nullable=True) for name in covariates}
        sheet = _Sheet.read(here / str(part["table"]), part)
        told = sheet.frame(declared | {"group": _GROUP}, needed=["participant"])
        sheet.refuse_twice(told, ("participant",), "A person is there twice.")
        if groups is None:
            # The table of people says who belongs to the study, trials or not.
            return _with_all(told.rename({"group": "arm"}))
        is_stranger = ~told["participant"].is_in(known.to_list())
        sheet.refuse(
            "A person has no trials.", is_stranger, "participant", expected="a person of the table of trials",
            values=told["participant"], remedy="take the row out, or name the group in the table of people",
        )  # fmt: skip
        people = people.join(told.drop("group", strict=False), on="participant", how="left", maintain_order="left")
    if groups is None:
        raise InputError("Nobody has a group.", expected="group under columns or constants of the trials or of people")
    return _with_all(people.join(groups.rename({"group": "arm"}), on="participant", maintain_order="left"))


def _with_all(people: pl.DataFrame) -> pl.DataFrame:
    absent = [column for column in TABLES["participants"].columns if column.name not in people.columns]
    return people.with_columns(pl.lit(None, dtype=column.dtype).alias(column.name) for column in absent)


def _refuse_strangers(sheet: _Sheet, rows: pl.DataFrame, people: pl.DataFrame) -> None:
    is_stranger = ~rows["participant"].is_in(people["participant"].to_list())
    sheet.refuse(
        "A person is not in the table of people.", is_stranger, "participant", expected="a person of that table",
        values=rows["participant"],
    )  # fmt: skip


def _observations(
    part: Mapping[str, Any] | None, here: Path, *, hours: Mapping[str, float] | None, people: pl.DataFrame
) -> pl.DataFrame:
    if part is None:
        return empty("observations")
    declared = {name: TABLES["updates"][name] for name in ("participant", "visit", "time_h")}
    sheet = _Sheet.read(here / str(part["table"]), part, also=[str(name) for name in part["values"]])
    told = sheet.frame(declared, needed=["participant", "visit" if hours is not None else "time_h"])
    told = _timed(sheet, told, hours)
    _refuse_strangers(sheet, told, people)
    scores = []
    for theirs, what in part["values"].items():
        if not isinstance(what, dict) or not {"instrument", "unit"} <= set(what) <= {"instrument", "unit", "item"}:
            raise InputError(
                "The mapping does not say what a score is.",
                expected="{instrument: MADRS, unit: points}, and item where it is not the total",
                came=str(what),
                where=f"observations, values, {theirs}",
            )
        value = Column("value", pl.Float64, "", nullable=True)
        only = _Sheet(sheet.file, sheet.cells, {"value": str(theirs)}, {}, {}, {}, sheet.missing)
        constants = {name: pl.lit(str(what.get(name, "total"))) for name in ("instrument", "item", "unit")}
        scores.append(told.select("participant", "time_h").with_columns(only.frame({"value": value}), **constants))
    blank = {name: pl.lit(None, dtype=dtype) for name, dtype in schema("observations").items()}
    found = pl.concat(scores).filter(pl.col("value").is_not_null())
    return found.with_columns(**{name: each for name, each in blank.items() if name not in found.columns}).select(
        list(blank)
    )
