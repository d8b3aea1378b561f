"""How the commands speak: plain errors, JSON, a progress bar when the work takes more than two seconds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from upturn.errors import OutputError, UpturnError

__all__ = ["complain", "print_json", "progress", "wide_console", "writable_folder"]

QUIET_FOR_S = 2.0
# Columns of a wide table where there is no terminal to fit into.
WIDE = 200


def complain(error: UpturnError) -> None:
    """Print an error for a person."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"upturn: {error}", markup=False)


def print_json(content: Any) -> None:
    """Print a result for a machine; there is no infinity or not-a-number in it."""
    typer.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))


def wide_console() -> Console:
    """Give a console for wide tables: as wide as the terminal, or wide where the output goes to a file."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


@contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on standard error once the work has taken two seconds.

    Parameters
    ----------
    total
        Number of steps.
    what
        What is being done, for the line before the bar.
    """
    started = time.monotonic()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task(what, total=total)
    showing = False

    def advance(n: int) -> None:
        nonlocal showing
        bar.advance(task, n)
        if not showing and time.monotonic() - started > QUIET_FOR_S:
            showing = True
            bar.start()

    try:
        yield advance
    finally:
        if showing:
            bar.stop()


def writable_folder(folder: Path) -> Path:
    """Make sure, before any long work, that a folder exists and can be written.

    Raises
    ------
    OutputError
        It cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".upturn-write-test"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            "The folder cannot be written.",
            expected="a folder that you may write to",
            came=error.strerror or str(error),
            where=str(folder),
            remedy="choose another folder with --out",
        ) from None
    return folder
