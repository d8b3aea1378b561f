"""A database that is busy or away: what was asked for is not at fault, and may come again.

What lives here: how this is told from every other error of a database. What does not: what people read (``pages``).
"""

from __future__ import annotations

import sqlite3

from django.db import InterfaceError, OperationalError

__all__ = ["is_busy"]

# SQLite: another connection writes, and did not end while this one waited. The rest of its codes say how it came to it.
WAITED_IN_VAIN = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
KIND_OF_CODE = 0xFF
# PostgreSQL, classes of SQLSTATE: no connection, two that waited for each other, no room for one more, a lock that was
# not to be had in time (and others of that class), shut down or ended by its keeper.
PASSES = ("08", "40", "53", "55", "57")


def is_busy(error: BaseException | None) -> bool:
    """Tell whether a database was busy or away for so long that a request gave up; then nothing of it was written.

    Examples
    --------
    >>> is_busy(OperationalError("no such table")), is_busy(None)
    (False, False)
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & KIND_OF_CODE in WAITED_IN_VAIN
    if cause is None or not hasattr(cause, "sqlstate"):
        return False
    # Without a code there was no answer at all: the server is away.
    return cause.sqlstate is None or cause.sqlstate[:2] in PASSES
