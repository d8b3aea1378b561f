"""``serve``: the clinic on this machine, ready to use: key, database, static files, first administrator, server.

The server is gunicorn, as in production: what is tried here is what runs there. It listens on this machine only.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from upturn.errors import CannotError, InputError
from upturn_clinic.environment import DATABASE_FILE, generate_secret_key

__all__ = ["command"]

ADDRESS = "127.0.0.1"
PORT = 8000
# One process with threads: with the embedded database, one writer at a time is the rule anyway.
THREADS = 8
PRIVATE = 0o077
DEMO_FOLDER = "upturn-demo"
# Stands in a demo's folder, so that a real clinic's is never taken for one.
DEMO_MARK = "this-is-a-demo"


def command(words: Sequence[str]) -> int:
    """Prepare everything and serve until it is stopped.

    Parameters
    ----------
    words
        What stood after ``serve`` on the command line.

    Raises
    ------
    CannotError
        The port is taken.
    InputError
        A demo was asked for in the folder of a real clinic.
    """
    parser = argparse.ArgumentParser(prog="upturn serve", description="Start the clinic on this machine.")
    parser.add_argument("--port", type=int, default=PORT, help=f"port on {ADDRESS} (default {PORT})")
    parser.add_argument("--data", type=Path, help="folder for database and key (default ~/.local/share/upturn)")
    parser.add_argument("--demo", action="store_true", help="an invented clinic, in a folder of its own")
    options = parser.parse_args(words)
    if options.demo and not options.data:
        options.data = _home() / DEMO_FOLDER
    if options.data:
        os.environ["UPTURN_DATA_DIRECTORY"] = str(options.data.expanduser().resolve())
    # On this machine alone there is no network to encrypt, and browsers refuse secure cookies without a certificate.
    os.environ.setdefault("UPTURN_HTTPS", "off")
    # Database, its journal and key are for this user only, whatever the folder's own rights are.
    os.umask(PRIVATE)
    if options.demo:
        _prepare_demo_folder(Path(os.environ["UPTURN_DATA_DIRECTORY"]))
    _prepare_key()
    _refuse_a_taken_port(options.port)
    _prepare_database()
    if options.demo:
        _demo()
    else:
        _first_administrator()
    _say(f"The clinic is at http://{ADDRESS}:{options.port}/ (stop it with Ctrl+C).")
    return _run(options.port)


def _home() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def _prepare_key() -> None:
    if "UPTURN_SECRET_KEY" not in os.environ:
        generate_secret_key(Path(os.environ.get("UPTURN_DATA_DIRECTORY") or _home() / "upturn"))


def _prepare_demo_folder(folder: Path) -> None:
    """Refuse the folder of a real clinic before anything in it is touched; the site's own database is left aside."""
    if (folder / DATABASE_FILE).exists() and not (folder / DEMO_MARK).exists():
        raise InputError(
            "This folder holds a real clinic; the demo is not made in it.", expected="a new folder, or that of a demo",
            where=str(folder), remedy="choose another with --data, or leave --data out",
        )  # fmt: skip
    os.environ["UPTURN_DATABASE_URL"] = ""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DEMO_MARK).touch()


def _demo() -> None:
    from django.core.management import call_command  # noqa: PLC0415

    call_command("demo")
    # Into a file or a log nothing is written of itself before much has come together; the log-ins are needed now.
    sys.stdout.flush()


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise CannotError(
                f"Port {port} cannot be used: {error.strerror}.", where=ADDRESS, remedy="choose another with --port"
            ) from error


def _prepare_database() -> None:
    import django  # noqa: PLC0415  (the settings read the environment that was just set)
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _first_administrator() -> None:
    from django.core.management import CommandError, call_command  # noqa: PLC0415

    from upturn_clinic.accounts.models import User  # noqa: PLC0415

    if User.objects.exists():
        return
    if not sys.stdin.isatty():
        here = os.environ.get("UPTURN_DATA_DIRECTORY")
        before = f"UPTURN_DATA_DIRECTORY={here} " if here else ""
        _say(
            f"Nobody can log in yet. Make the first administrator: {before}python -m upturn_clinic createadministrator"
        )
        return
    _say("Nobody can log in yet. Who is the first administrator?")
    asked = {
        "email": "Email address",
        "name": "Full name",
        "facility_name": "Name of the facility",
        "time_zone": "Its time zone, such as Europe/Copenhagen",
    }
    while True:
        answers = {key: input(f"{question}: ").strip() for key, question in asked.items()}
        try:
            call_command("createadministrator", facility="main", **answers)
        except CommandError as error:
            _say(str(error))
        else:
            return


def _run(port: int) -> int:
    from gunicorn.app.base import BaseApplication  # noqa: PLC0415

    from upturn_clinic.wsgi import application  # noqa: PLC0415

    class Server(BaseApplication):  # type: ignore[misc]
        """Gunicorn with our options, without its command line."""

        def load_config(self) -> None:
            """Set the options."""
            for name, value in {
                "bind": f"{ADDRESS}:{port}",
                "workers": 1,
                "worker_class": "gthread",
                "threads": THREADS,
                "loglevel": "warning",
                "proc_name": "upturn-clinic",
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            """Give the application."""
            return application

    Server().run()
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
