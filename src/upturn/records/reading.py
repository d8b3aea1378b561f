"""Reading the five tables from a folder: Parquet, CSV, or Parquet in numbered parts.

What lives here: finding the files and parsing them by the schema. What does not: the rules (``validation``).
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import polars as pl

from upturn.errors import RecordsError
from upturn.records.faults import LISTED, Fault, plain, refusal
from upturn.records.schema import TABLES, Column, Table, empty
from upturn.records.tables import Records
from upturn.records.validation import validate

__all__ = ["read"]


def read(folder: str | Path) -> Records:
    r"""Read and check the five tables of a folder.

    A table is ``<table>.parquet``, ``<table>.csv`` or a folder ``<table>/`` of ``part-00000.parquet``,
    ``part-00001.parquet`` and so on. A table without a file has no rows; other files are left alone.

    Raises
    ------
    RecordsError
        No folder, no table in it, a table that is there twice, a file that cannot be read, a cell that is not
        what its column holds (row, column and value are named), or a table that ``validate`` refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     _ = Path(place, "participants.csv").write_text(
    ...         "participant,arm,age_y,sex,weight_kg,height_cm\np1,ketamine,41,female,70,\n"
    ...     )
    ...     read(place)
    Records(participants: 1, doses: 0, observations: 0, updates: 0, adverse_events: 0)
    """
    place = Path(folder)
    if not place.is_dir():
        raise RecordsError("There is no such folder of records.", expected="a folder", came=str(place))
    found = {name: file for name in TABLES if (file := _file_of(name, place)) is not None}
    _refuse_misnamed(place, missing=[name for name in TABLES if name not in found])
    if not found:
        raise RecordsError(
            "The folder holds none of the tables.",
            expected=", ".join(f"{name}.parquet or {name}.csv" for name in TABLES),
            came=", ".join(sorted(file.name for file in place.iterdir())[:LISTED]) or "an empty folder",
            where=str(place),
        )
    return validate(Records(**{name: _table(file, TABLES[name]) for name, file in found.items()}))


def _file_of(name: str, place: Path) -> Path | None:
    candidates = (place / f"{name}.parquet", place / f"{name}.csv", place / name)
    present = [file for file in candidates if file.exists()]
    if len(present) > 1:
        raise RecordsError(
            f"The table {name} is there more than once.",
            expected="one of them",
            came=", ".join(file.name for file in present),
            where=str(place),
            remedy="keep the one that is meant and move the others away",
        )
    return present[0] if present else None


def _refuse_misnamed(place: Path, *, missing: list[str]) -> None:
    # A file called dose.csv would otherwise be passed over in silence, and the study would have no doses.
    for file in sorted(place.iterdir()):
        close = get_close_matches(file.stem.lower(), missing, n=1, cutoff=0.8)
        if close and file.suffix.lower() in {".csv", ".parquet"}:
            raise RecordsError(
                "A file is named almost like a table.",
                expected=f"{close[0]}{file.suffix.lower()}",
                came=file.name,
                where=str(place),
                remedy="rename it, or move it away",
            )


def _table(file: Path, table: Table) -> pl.DataFrame:
    try:
        if file.is_dir():
            parts = sorted(file.glob("part-*.parquet"))
            return pl.concat([_parquet(part) for part in parts]) if parts else empty(table.name)
        return _parquet(file) if file.suffix == ".parquet" else _csv(file, table)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise RecordsError(
            f"The table {table.name} cannot be read.",
            expected="a Parquet file, or a CSV file in UTF-8 with commas and one header line",
            came=str(error).partition("\n")[0],
            where=str(file),
        ) from error


def _parquet(file: Path) -> pl.DataFrame:
    # A folder name such as arm=ketamine above the file must not become a column.
    return pl.read_parquet(file, hive_partitioning=False)


def _csv(file: Path, table: Table) -> pl.DataFrame:
    header = pl.read_csv(file, has_header=False, n_rows=1, infer_schema=False).row(0)
    twice = sorted({name for name in header if name is not None and header.count(name) > 1})
    if twice:
        raise refusal([Fault("A column is there twice.", table.name, "each column once", twice[0], twice[0])])
    written = pl.read_csv(file, infer_schema=False)
    parsed: dict[str, pl.Series] = {}
    faults: list[Fault] = []
    count = 0
    for cells in written:
        column = _column(cells.name, table)
        values = _parsed(cells, column)
        bad = values.is_null() & cells.str.strip_chars().ne("").fill_null(value=False)
        parsed[cells.name] = values
        count += int(bad.sum())
        for place in bad.arg_true().head(LISTED):
            faults.append(
                Fault(
                    "A cell could not be read.",
                    table.name,
                    column.allowed,
                    plain(cells[place]),
                    cells.name,
                    place + 1,
                )
            )
    if count:
        raise refusal(sorted(faults, key=lambda fault: fault.row or 0), count=count)
    return pl.DataFrame(parsed)


def _column(name: str, table: Table) -> Column:
    for column in table.columns:
        if column.name == name:
            return column
    # An unknown column stays text: validate refuses it with a better message than a cell could give.
    return Column(name, pl.Float64 if table.is_covariate(name) else pl.String, "", nullable=True)


def _parsed(cells: pl.Series, column: Column) -> pl.Series:
    if column.dtype == pl.String:
        return cells.to_frame().select(pl.when(pl.first().str.strip_chars() != "").then(pl.first())).to_series()
    bare = cells.str.strip_chars()
    if column.dtype == pl.Boolean:
        words = bare.str.to_lowercase()
        return words.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)
    return bare.cast(column.dtype, strict=False)
