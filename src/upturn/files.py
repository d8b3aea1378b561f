"""Files that are whole or not there, and what the system said when one could not be written.

What lives here: how a file takes its name. What does not: any format, and folders of tables (``records.writing``).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

__all__ = ["FULL", "reason", "whole"]

# What the system says where there is no more room: on the disk, in one file, in somebody's share of the disk.
FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
# Libraries that are not written in Python hide what the system said in words of their own.
HIDDEN = re.compile(r"\(os error (\d+)\)")


@contextmanager
def whole(*files: Path) -> Iterator[tuple[Path, ...]]:
    """Give a place beside each file to write to; the files take their names together, at the end, or none is left.

    A file that was there is replaced in one step, and only when all new ones are complete, so that nobody reads half
    of one or files that do not belong together.

    Raises
    ------
    OSError
        A place is taken by a folder, or cannot be written; and whatever is raised inside the block.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole(Path(folder, "a.txt"), Path(folder, "b.txt")) as (first, second):
    ...         _ = first.write_text("a"), second.write_text("b")
    ...         seen = [file.name for file in Path(folder).glob("*.txt")]
    ...     seen, sorted(file.name for file in Path(folder).iterdir())
    ([], ['a.txt', 'b.txt'])
    """
    for file in files:
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    places = tuple(file.with_name(f".{file.name}.{uuid4().hex}.tmp") for file in files)
    try:
        yield places
        for place, file in zip(places, files, strict=True):
            place.replace(file)
    finally:
        for place in places:
            place.unlink(missing_ok=True)


def reason(error: Exception) -> str | None:
    """Say in the system's words why something could not be written; None where it was not the system that refused.

    Examples
    --------
    >>> reason(OSError(28, "No space left on device"))
    'No space left on device'
    >>> reason(ValueError("parquet: underlying IO error: File too large (os error 27)"))
    'File too large'
    >>> reason(ValueError("no such column")) is None
    True
    """
    hidden = HIDDEN.search(str(error))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if hidden:
        return os.strerror(int(hidden[1]))
    return str(error) if isinstance(error, OSError) else None
