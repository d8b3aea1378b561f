"""A table as it lies in its file: header and cells, read strictly.

What lives here: the CSV file, its columns, the numbers in its cells, and the faults of all three. What does not: what
a row means.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from upturn.errors import EvidenceError
from upturn.evidence.columns import KINDS, Column, Kind, kind_of
from upturn.evidence.faults import Fault, refuse

__all__ = ["Row", "Sheet", "read_lines", "read_sheet"]

_BLANK = {"", "na", "n/a", "nan", "nr", "nd", "-", ".", "none", "not reported", "not available"}
_QUALITATIVE = re.compile(r"^(ns|n\.s\.|not significant|ne|not estimable|not reached|significant)\b", re.IGNORECASE)
_LIMITS: Mapping[str, tuple[str, str, Callable[[float], bool]]] = {
    "number": ("A number is not allowed.", "a number", math.isfinite),
    "positive": ("A spread is not positive.", "a number above 0", lambda value: value > 0),
    "count": ("A count is impossible.", "a whole number, 0 or more", lambda value: value >= 0 and value == int(value)),
    "people": (
        "A number of people is impossible.",
        "a whole number of people, 1 or more",
        lambda value: value >= 1 and value == int(value),
    ),
    "percent": ("A percentage is impossible.", "a percentage from 0 to 100", lambda value: 0 <= value <= 100),
    "time": (
        "A time stands before the first dose.",
        "a time after the first dose, 0 or more",
        lambda value: value >= 0,
    ),
}


@dataclass(frozen=True)
class Row:
    """One data row, counted from 1: its text, its numbers, and the fields that were recalled and not read."""

    number: int
    text: Mapping[str, str]
    values: Mapping[str, float | None]
    missing: tuple[str, ...]
    partly_missing: tuple[str, ...]

    def __getitem__(self, column: str) -> str:
        """Give the text of a cell; nothing where it was recalled."""
        return "" if column in self.missing else self.text.get(column, "")

    def value(self, column: str) -> float | None:
        """Give the number of a cell; None where there is none, or where it was recalled."""
        return None if column in self.missing else self.values.get(column)

    @property
    def is_unseen(self) -> bool:
        """Whether the table says that the row was not read in its source."""
        return self.text.get("seen", "").lower() not in {"", "yes"}

    def people(self, column: str) -> int | None:
        """Give a number of people."""
        value = self.value(column)
        return None if value is None else int(value)


@dataclass(frozen=True)
class Sheet:
    """A table in its file."""

    file: str
    kind: Kind
    rows: tuple[Row, ...]


def read_lines(path: str | Path) -> list[list[str]]:
    """Read the cells of a CSV file in UTF-8.

    Raises
    ------
    EvidenceError
        No such file, not text in UTF-8, not CSV, or no rows.
    """
    place = Path(path)
    expected = "a CSV file in UTF-8 with commas and one header line"
    try:
        text = place.read_bytes().decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except FileNotFoundError:
        raise EvidenceError("There is no such table.", expected=expected, came=str(path)) from None
    except UnicodeDecodeError:
        raise EvidenceError("The table is not text in UTF-8.", expected=expected, where=str(path)) from None
    except (OSError, ValueError) as error:
        came = error.strerror if isinstance(error, OSError) else str(error)
        raise EvidenceError("The table cannot be read.", expected=expected, came=came, where=str(path)) from None
    except csv.Error as error:
        raise EvidenceError("The table is not CSV.", expected=expected, came=str(error), where=str(path)) from None
    if len(lines) < 2:
        came = "a header without rows" if lines else "an empty file"
        raise EvidenceError("The table has no rows.", expected=expected, came=came, where=str(path))
    return lines


def read_sheet(path: str | Path) -> Sheet:
    """Read a table of one of the three kinds, strictly: its columns, and a number wherever one belongs.

    Raises
    ------
    EvidenceError
        Every fault of the file; the first few are told in full.
    """
    (written, *lines), file = read_lines(path), Path(path).name
    header = [name.strip() for name in written]
    kind = kind_of(header)
    if kind is None:
        raise EvidenceError(
            "The table is of no known kind.",
            expected="; or ".join(f"{name}: {', '.join(c.name for c in KINDS[name][:6])}, …" for name in KINDS),
            came=", ".join(header[:12]),
            where=file,
            remedy="write the columns as in the tables that docs/evidence.md describes",
        )
    refuse(_faults_of_header(header, kind), file=file)
    columns = {column.name: column for column in KINDS[kind]}
    faults: list[Fault] = []
    rows = []
    for number, cells in enumerate(lines, start=1):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            remedy = "put quotes around text that holds a comma"
            came = f"{len(cells)} cells"
            faults.append(Fault("A row does not fit the header.", f"{len(header)} cells", came, None, number, remedy))
            continue
        row, found = _row(number, dict(zip(header, (cell.strip() for cell in cells), strict=True)), columns)
        rows.append(row)
        faults += found
    refuse(faults, file=file)
    return Sheet(file, kind, tuple(rows))


def _faults_of_header(header: list[str], kind: Kind) -> list[Fault]:
    known = [column.name for column in KINDS[kind]]
    faults = [
        Fault("A column is missing.", f"a column {column.name}", ", ".join(header), column.name)
        for column in KINDS[kind]
        if not column.optional and column.name not in header
    ]
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            faults.append(Fault("A column is there twice.", "each column once", name or "an empty name", name))
        if name not in known:
            near = get_close_matches(name, known, n=1)
            remedy = f"did you mean {near[0]}?" if near else "leave the column out"
            expected = f"the columns of a {kind} table: {', '.join(known)}"
            faults.append(Fault("There is an unknown column.", expected, name or "an empty name", name, None, remedy))
    return faults


def _row(number: int, text: dict[str, str], columns: Mapping[str, Column]) -> tuple[Row, list[Fault]]:
    faults: list[Fault] = []
    values: dict[str, float | None] = {}
    for name, cell in text.items():
        if columns[name].holds != "text":
            values[name], fault = _number(cell, columns[name], number)
            faults += fault
    for name in ("study_id", "arm_id", "contrast"):
        if name in text and not text[name]:
            faults.append(Fault("A row says not whom it is about.", f"the {name} of the row", "nothing", name, number))
    split = text.get("split", "")
    if split not in {"", "calibration", "validation", "duplicate"}:
        expected = "calibration, validation or duplicate"
        faults.append(Fault("The use of a row is not known.", expected, split, "split", number))
    missing, partly = _recalled(text.get("memory_fields", ""))
    for name in (*missing, *partly):
        if name not in columns:
            known = ", ".join(columns)
            faults.append(Fault("A recalled field is no column.", known, name, "memory_fields", number))
    return Row(number, text, values, missing, partly), faults


def _number(cell: str, column: Column, row: int) -> tuple[float | None, list[Fault]]:
    bare = cell.replace("−", "-").strip()
    if bare.lower() in _BLANK:
        return None, []
    if column.holds == "number or words" and _QUALITATIVE.match(bare):
        return None, []
    what, expected, is_allowed = _LIMITS["number" if column.holds == "number or words" else column.holds]
    try:
        value = float(bare)
    except ValueError:
        remedy = "leave the cell empty if the number is not known; words belong in note"
        return None, [Fault("There is text where a number belongs.", expected, cell, column.name, row, remedy)]
    if not math.isfinite(value) or "_" in bare:
        return None, [Fault("There is no usable number.", expected, cell, column.name, row)]
    if not is_allowed(value):
        return None, [Fault(what, expected, cell, column.name, row)]
    return value, []


def _recalled(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a list such as ``n_arm,doi_or_nct(NCT)``: whole fields, and fields of which only a part was recalled."""
    parts = [part.strip() for part in re.split(r"[,;](?![^(]*\))", text) if part.strip()]
    whole = tuple(part for part in parts if "(" not in part)
    return whole, tuple(part.partition("(")[0].strip() for part in parts if "(" in part)
