"""Writing the five tables to a folder that is either whole or not there.

What lives here: writing at once, and writing in parts as they come. What does not: any other format
(``interchange``). Everything is written to a sibling folder first, which takes the final name only when it is
complete.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

import polars as pl

from upturn.errors import CannotError, OutputError
from upturn.files import reason
from upturn.records.faults import Fault, refusal
from upturn.records.schema import TABLES, empty
from upturn.records.tables import Records
from upturn.records.validation import validate

__all__ = ["Format", "RecordsWriter", "write"]

Format = Literal["parquet", "csv"]


class _Staging:
    """A folder in the making beside its final place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder.parent / f".{folder.name}.{uuid4().hex}.tmp"
        _refuse_taken(folder)
        # Folders above it that are not there yet, the nearest first: they go again when nothing comes of it.
        self._above = [above for above in self.place.parents if not above.exists()]
        try:
            self.place.mkdir(parents=True)
        except OSError as error:
            self.discard()
            raise _unwritable(folder, error) from error

    def publish(self) -> None:
        try:
            if self.folder.is_dir():
                self.folder.rmdir()  # refuses, too, when someone has put something in meanwhile
            self.place.rename(self.folder)
        except OSError as error:
            self.discard()
            raise _unwritable(self.folder, error) from error

    def discard(self) -> None:
        shutil.rmtree(self.place, ignore_errors=True)
        with suppress(OSError):  # somebody put something in meanwhile
            for above in self._above:
                above.rmdir()


def _refuse_taken(folder: Path) -> None:
    is_taken = folder.is_symlink() or (folder.exists() and not folder.is_dir())
    if is_taken or (folder.is_dir() and any(folder.iterdir())):
        raise OutputError(
            "The place for the records is taken.",
            expected="a new or an empty folder",
            came="something is there already",
            where=str(folder),
            remedy="name another folder, or move the old one away",
        )


def _unwritable(folder: Path, error: OSError) -> OutputError:
    return OutputError(
        "The records cannot be written here.",
        expected="a folder that can be made",
        came=reason(error),
        where=str(folder),
        remedy="name another folder",
    )


def write(records: Records, folder: str | Path, *, format: Format = "parquet") -> Path:
    """Check the five tables and write them, one file each, all or nothing.

    Parameters
    ----------
    records
        What to write.
    folder
        A new or an empty folder; folders above it are made.
    format
        ``parquet`` (exact types, small) or ``csv`` (UTF-8, commas, one header line, missing values empty).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RecordsError
        The tables do not fit their declaration.
    OutputError
        The folder is taken or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     written = write(Records(), Path(place, "study"), format="csv")
    ...     sorted(file.name for file in written.iterdir())
    ['adverse_events.csv', 'doses.csv', 'observations.csv', 'participants.csv', 'updates.csv']
    """
    if format not in ("parquet", "csv"):
        raise OutputError("There is no such format of records.", expected="parquet or csv", came=str(format))
    sound = validate(records)
    staging = _Staging(Path(folder))
    try:
        for name, frame in sound:
            _write_table(frame, staging.place / f"{name}.{format}", format)
    except OSError as error:
        staging.discard()
        raise _unwritable(staging.folder, error) from error
    except BaseException:
        staging.discard()
        raise
    staging.publish()
    return staging.folder


def _write_table(frame: pl.DataFrame, file: Path, format: Format) -> None:
    try:
        if format == "csv":
            frame.write_csv(file)
        else:
            frame.write_parquet(file)
    except pl.exceptions.PolarsError as error:
        # A Parquet file that does not fit on the disk is told as one that is out of its specification.
        said = reason(error)
        if said is None:
            raise
        raise OSError(said) from error


class RecordsWriter:
    """Write records in parts as they come, in bounded memory; the folder appears when the last part is in.

    Each part is checked and becomes one Parquet file per table (``observations/part-00000.parquet``);
    ``read`` takes such a folder like any other. A participant comes in the same part as their rows, or
    earlier. When anything is raised inside the ``with`` block, nothing is left behind. Parts of some ten
    thousand rows are a good size: each becomes a file.

    Parameters
    ----------
    folder
        A new or an empty folder.

    Raises
    ------
    RecordsError
        A part that ``validate`` refuses, or whose covariates differ from those of the first part.
    OutputError
        The folder is taken or cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from upturn.records import read
    >>> def people(*names):
    ...     unknown = {name: [None] * len(names) for name in ("age_y", "sex", "weight_kg", "height_cm")}
    ...     arms = ["ketamine"] * len(names)
    ...     return Records(participants=pl.DataFrame({"participant": names, "arm": arms, **unknown}))
    >>> with TemporaryDirectory() as place:
    ...     with RecordsWriter(Path(place, "study")) as writer:
    ...         writer.append(people("p1", "p2"))
    ...         writer.append(people("p3"))
    ...     read(Path(place, "study")).participants["participant"].to_list()
    ['p1', 'p2', 'p3']
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._staging: _Staging | None = None
        self._parts = dict.fromkeys(TABLES, 0)
        self._people = pl.Series("participant", [], dtype=pl.String)
        self._columns: list[str] | None = None

    def __enter__(self) -> Self:
        self._staging = _Staging(self._folder)
        return self

    def append(self, records: Records) -> None:
        """Check one part and write it."""
        if self._staging is None:
            raise CannotError("The writer of records is closed.", remedy="append inside the with block")
        sound = validate(records, known=self._people)
        self._refuse_other_covariates(sound.participants)
        for name, frame in sound:
            if not frame.is_empty():
                self._write_part(frame, name, self._staging)
        self._people = pl.concat([self._people, sound.participants["participant"]])

    def _refuse_other_covariates(self, people: pl.DataFrame) -> None:
        if people.is_empty():
            return
        if self._columns is None:
            self._columns = people.columns
        elif people.columns != self._columns:
            expected, came = ", ".join(self._columns), ", ".join(people.columns)
            raise refusal(
                [Fault("The covariates differ from those of the first part.", "participants", expected, came)]
            )

    def _write_part(self, frame: pl.DataFrame, name: str, staging: _Staging) -> None:
        place = staging.place / name
        try:
            place.mkdir(exist_ok=True)
            _write_table(frame, place / f"part-{self._parts[name]:05d}.parquet", "parquet")
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        self._parts[name] += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        staging, self._staging = self._staging, None
        if staging is None:
            return
        if error is not None:
            staging.discard()
            return
        try:
            for name, parts in self._parts.items():
                if not parts:
                    self._write_part(empty(name), name, staging)
        except BaseException:
            staging.discard()
            raise
        staging.publish()
