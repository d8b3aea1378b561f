"""A report on the disk: whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from upturn.errors import OutputError
from upturn.files import reason, whole

__all__ = ["write_page", "write_together"]


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
    write_together({Path(path): text})
    return Path(path)


def write_together(texts: Mapping[Path, str]) -> None:
    """Write files that belong together: all of them, or none and those that were there are left as they were.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    try:
        with whole(*texts) as places:
            for place, text in zip(places, texts.values(), strict=True):
                place.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise OutputError(
            "The report cannot be written.",
            expected="a folder that exists and may be written to",
            came=reason(error),
            where=", ".join(map(str, texts)),
            remedy="name another folder with --out",
        ) from None
