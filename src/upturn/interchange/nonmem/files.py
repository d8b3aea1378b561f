"""An event table and its legend as two files side by side.

What lives here: writing and reading ``<stem>.csv`` and ``<stem>.legend.json``. What does not: the translation
(``table``).
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from upturn.errors import InputError, OutputError, RecordsError
from upturn.files import reason, whole
from upturn.interchange.nonmem.codes import Legend, legend
from upturn.interchange.nonmem.table import COLUMNS, from_event_table, to_event_table
from upturn.records import Records, validate

__all__ = ["read_event_table", "write_event_table"]


def write_event_table(records: Records, path: str | Path) -> tuple[Path, Path]:
    """Write the event table as CSV and, beside it, ``<stem>.legend.json`` with the meaning of the codes.

    Missing values are empty fields. What is lost is said in ``to_event_table``.

    Parameters
    ----------
    records
        What was done and seen.
    path
        The CSV file; its folder is made. Neither file may be there yet.

    Returns
    -------
    tuple of Path
        The table and its legend.

    Raises
    ------
    RecordsError
        The records do not fit their declaration.
    OutputError
        A file is there already, or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     [file.name for file in write_event_table(Records(), Path(place, "events.csv"))]
    ['events.csv', 'events.legend.json']
    """
    table_file = Path(path)
    legend_file = _legend_beside(table_file)
    for file in (table_file, legend_file):
        if file.exists():
            raise OutputError(
                "The file is there already.",
                expected="a new file",
                where=str(file),
                remedy="name another file, or move the old one away",
            )
    sound = validate(records)
    table = to_event_table(sound)
    try:
        table_file.parent.mkdir(parents=True, exist_ok=True)
        # The legend first: a table without its legend would be numbers without meaning.
        with whole(legend_file, table_file) as (meanings, numbers):
            meanings.write_text(legend(sound).to_json(), encoding="utf-8")
            table.write_csv(numbers)
    except OSError as error:
        raise OutputError(
            "The event table cannot be written here.",
            expected="a folder that can be written",
            came=reason(error),
            where=str(table_file),
            remedy="name another folder",
        ) from error
    return table_file, legend_file


def read_event_table(path: str | Path) -> Records:
    """Read an event table and the legend beside it.

    A single dot is read as a missing value, as in many tables of this kind.

    Raises
    ------
    InputError
        No such file, or no legend beside it.
    RecordsError
        A cell that is not a number, or a table that ``from_event_table`` refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     table, _ = write_event_table(Records(), Path(place, "events.csv"))
    ...     read_event_table(table)
    Records(participants: 0, doses: 0, observations: 0, updates: 0, adverse_events: 0)
    """
    table_file = Path(path)
    legend_file = _legend_beside(table_file)
    for file, what in ((table_file, "event table"), (legend_file, "legend beside the event table")):
        if not file.is_file():
            raise InputError(f"There is no {what}.", expected="a file", came=str(file))
    try:
        meanings = Legend.from_json(legend_file.read_text(encoding="utf-8"))
        written = pl.read_csv(table_file, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise RecordsError(
            "The event table cannot be read.",
            expected="a CSV file in UTF-8 with commas and one header line, and its legend in JSON",
            came=str(error).partition("\n")[0],
            where=str(table_file),
        ) from error
    columns = [_numbers(cells) if _is_wanted(cells.name) else cells for cells in written]
    return from_event_table(pl.DataFrame(columns), meanings)


def _legend_beside(table: Path) -> Path:
    return table.with_name(f"{table.stem}.legend.json")


def _is_wanted(name: str) -> bool:
    return name in (*COLUMNS, "ADDL", "II", "SS") or name.startswith("COV_")


def _numbers(cells: pl.Series) -> pl.Series:
    bare = cells.str.strip_chars()
    is_given = (~bare.is_in(["", "."])).fill_null(value=False)
    values = bare.cast(pl.Float64, strict=False)
    wrong = (values.is_null() & is_given).arg_true()
    if wrong.len():
        raise RecordsError(
            "A cell is not a number.",
            expected="a number, or nothing",
            came=str(cells[wrong[0]]),
            where=f"event table, row {wrong[0] + 1}, column {cells.name}",
        )
    return values
