"""A report on the disk: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from upturn.errors import OutputError

__all__ = ["write_page"]


def write_page(text: str, path: Path) -> Path:
    """Write a page; an existing file is replaced in one step, so that nobody ever reads half a report.

    Parameters
    ----------
    text
        The page.
    path
        Where.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    path = Path(path)
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8"))
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise OutputError(
            "The report cannot be written.",
            expected="a folder that exists and may be written to",
            came=error.strerror or type(error).__name__,
            where=str(path),
            remedy="name another folder with --out",
        ) from None
    return path
