"""What a site decides: everything that the clinic reads from its environment, and nothing else reads.

What lives here: the names of the variables, their meaning and their defaults. What does not: any secret.

=========================== ==========================================================================================
variable                    meaning
=========================== ==========================================================================================
``UPTURN_DATA_DIRECTORY``   folder for the embedded database and the generated key; default ``~/.local/share/upturn``
``UPTURN_SECRET_KEY``       signs sessions and links; without it, the key in the data directory is used
``UPTURN_OLD_SECRET_KEYS``  earlier keys, separated by spaces, that still open what they signed
``UPTURN_DATABASE_URL``     ``postgres://user:password@host:port/name``; without it, SQLite in the data directory
``UPTURN_HOSTS``            names under which the clinic answers, separated by spaces; default this machine only
``UPTURN_HTTPS``            ``on`` (default) behind a TLS proxy; ``off`` only for a machine that serves itself
``UPTURN_PROXY``            ``on`` when a proxy of yours sets ``X-Forwarded-For`` and ``X-Forwarded-Proto``
``UPTURN_MAIL_URL``         ``smtp://user:password@host:port`` or ``smtps://…``; without it, links are shown on screen
``UPTURN_MAIL_FROM``        the sender of letters
``UPTURN_TEXT_PACKS``       file or folder with the site's own licensed texts of rating scales; without it, none
=========================== ==========================================================================================
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from upturn.errors import CannotError, InputError

__all__ = ["Environment", "Mail", "generate_secret_key", "read_environment"]

KEY_FILE = "secret-key"
DATABASE_FILE = "clinic.sqlite3"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
KEY_BYTES = 64
# So long a request waits for another one that writes. Shorter than the patience of a page that sends entries
# (waiting.js): so it hears that the database is busy, and does not take the connection for cut.
BUSY_TIMEOUT_S = 10
SMTP_PORT = 587
HOSTS_OF_THIS_MACHINE = "localhost 127.0.0.1 [::1]"


@dataclass(frozen=True)
class Mail:
    """How letters go out; without a host they do not."""

    backend: str = "django.core.mail.backends.dummy.EmailBackend"
    host: str = ""
    port: int = SMTP_PORT
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False
    sender: str = ""


@dataclass(frozen=True)
class Environment:
    """The site's decisions, checked once at start."""

    data_directory: Path
    secret_key: str
    old_secret_keys: tuple[str, ...]
    database: Mapping[str, Any]
    hosts: tuple[str, ...]
    https: bool
    proxy: bool
    mail: Mail
    text_packs: str = ""


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the site's decisions.

    Parameters
    ----------
    variables
        The environment; that of the process unless given.

    Raises
    ------
    CannotError
        There is no secret key.
    InputError
        A variable is not what it should be.

    Examples
    --------
    >>> found = read_environment({"UPTURN_SECRET_KEY": "k", "UPTURN_DATABASE_URL": "postgres://c@db:5432/clinic"})
    >>> found.database["NAME"], found.database["HOST"], found.https
    ('clinic', 'db', True)
    """
    given = os.environ if variables is None else variables
    home = Path(given.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    directory = Path(given.get("UPTURN_DATA_DIRECTORY") or home / "upturn").expanduser()
    return Environment(
        data_directory=directory,
        secret_key=_secret_key(given, directory),
        old_secret_keys=tuple(given.get("UPTURN_OLD_SECRET_KEYS", "").split()),
        database=_database(given.get("UPTURN_DATABASE_URL", ""), directory),
        hosts=tuple(given.get("UPTURN_HOSTS", HOSTS_OF_THIS_MACHINE).split()),
        https=_switch(given, "UPTURN_HTTPS", default="on"),
        proxy=_switch(given, "UPTURN_PROXY", default="off"),
        mail=_mail(given.get("UPTURN_MAIL_URL", ""), given.get("UPTURN_MAIL_FROM", "")),
        text_packs=given.get("UPTURN_TEXT_PACKS", ""),
    )


def generate_secret_key(directory: Path) -> Path:
    """Put a random key into the data directory, readable by its owner only; an existing key is left as it is."""
    directory.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    file = directory / KEY_FILE
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        return file
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(secrets.token_urlsafe(KEY_BYTES))
    return file


def _secret_key(given: Mapping[str, str], directory: Path) -> str:
    if key := given.get("UPTURN_SECRET_KEY"):
        return key
    file = directory / KEY_FILE
    if not file.is_file():
        raise CannotError(
            "The clinic has no secret key.", expected="UPTURN_SECRET_KEY, or a key in the data directory",
            where=str(file), remedy="set UPTURN_SECRET_KEY, or start once with `upturn serve`, which makes a key",
        )  # fmt: skip
    if file.stat().st_mode & 0o077:
        raise CannotError(
            "The secret key can be read by others on this machine.", expected="a file for its owner only",
            where=str(file), remedy=f"chmod 600 {file}; if others may have read it, replace it",
        )  # fmt: skip
    return file.read_text(encoding="ascii").strip()


def _database(url: str, directory: Path) -> Mapping[str, Any]:
    if not url:
        # WAL: readers do not wait for a writer. FULL: what was answered is on the disk, even if the power fails.
        # IMMEDIATE: a transaction takes the writer's place when it begins, so the audit chain cannot fork and no
        # transaction fails half-way because another one began to write. secure_delete: what is erased leaves no bytes
        # in the file.
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(directory / DATABASE_FILE),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": BUSY_TIMEOUT_S,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
                "PRAGMA secure_delete=ON;",
            },
        }
    parts = _split(url, "UPTURN_DATABASE_URL", ("postgres", "postgresql"), "postgres://user:password@host:5432/name")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"options": f"-c lock_timeout={BUSY_TIMEOUT_S}s"},
    }


def _mail(url: str, sender: str) -> Mail:
    if not url:
        return Mail(sender=sender)
    parts = _split(url, "UPTURN_MAIL_URL", ("smtp", "smtps"), "smtp://user:password@host:587")
    return Mail(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host=parts.hostname or "",
        port=parts.port or SMTP_PORT,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp",
        tls=parts.scheme == "smtps",
        sender=sender or f"clinic@{parts.hostname}",
    )


def _split(url: str, variable: str, schemes: tuple[str, ...], expected: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in schemes or not parts.hostname:
        # The value itself is not repeated: it may hold a password.
        raise InputError(f"{variable} is not an address.", expected=expected, where="the environment")
    return parts


def _switch(given: Mapping[str, str], name: str, *, default: str) -> bool:
    value = given.get(name, default).lower()
    if value not in ("on", "off"):
        raise InputError(f"{name} is neither on nor off.", expected="on or off", came=value, where="the environment")
    return value == "on"
