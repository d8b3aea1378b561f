"""Another connection that writes for a long time, as a backup or a repair does: a really busy database.

Readers do not wait for it; whoever wants to write waits, until they have no patience left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection, connections

IMPATIENT_MS = 200


class OtherWriter:
    """A connection of its own; it stands in everybody's way from ``begin`` to ``end``."""

    def __init__(self) -> None:
        self._is_embedded = connection.vendor == "sqlite"
        self._own: Any
        if self._is_embedded:
            self._own = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
        else:
            where = connection.get_connection_params()
            names = ("dbname", "user", "password", "host", "port")
            self._own = psycopg.connect(**{name: where[name] for name in names if where.get(name)}, autocommit=True)

    def begin(self) -> None:
        if self._is_embedded:
            self._own.execute("BEGIN IMMEDIATE")
        else:
            self._own.execute("BEGIN")
            # Nothing is written without its row in the ledger.
            self._own.execute("LOCK TABLE ledger_entry, ledger_formanswer IN EXCLUSIVE MODE")

    def end(self) -> None:
        self._own.execute("ROLLBACK")

    def sees(self, table: str) -> int:
        """How many rows of a table are there for good."""
        return int(self._own.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608

    def close(self) -> None:
        self._own.close()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()


@pytest.fixture
def other_writer(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[OtherWriter]:
    """Make it; all connections that are made from now on, and this one, have less patience than the product's."""
    patience: dict[str, Any] = (
        {"timeout": IMPATIENT_MS / 1000} if connection.vendor == "sqlite"
        else {"options": f"-c lock_timeout={IMPATIENT_MS}"}
    )  # fmt: skip
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {**connection.settings_dict["OPTIONS"], **patience})
    connections.close_all()
    other = OtherWriter()
    yield other
    other.close()
    connections.close_all()
