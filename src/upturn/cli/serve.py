"""``upturn serve``: starts the clinic, in a process of its own: the library never imports it."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from upturn.errors import CannotError

__all__ = ["command"]

NEEDED = ("upturn_clinic", "django", "allauth", "gunicorn", "whitenoise", "django_htmx", "argon2")


def command(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 8000,
    data: Annotated[
        Path | None, typer.Option(help="Folder for database and key; ~/.local/share/upturn unless given.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="An invented clinic with virtual people, in a folder of its own.")
    ] = False,
) -> None:
    """Start the clinic on this machine: the same protocol file, run with real people."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise CannotError(
            "The clinic is not installed.", expected="the extra 'clinic'", came=f"no {', no '.join(missing)}",
            remedy="pip install 'upturn[clinic]'",
        )  # fmt: skip
    words = [sys.executable, "-m", "upturn_clinic", "serve", "--port", str(port)]
    if data is not None:
        words += ["--data", str(data)]
    if demo:
        words.append("--demo")
    # This process becomes the server's: the engine's memory is given back, and signals reach the server itself.
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606  (no shell, our own words)
