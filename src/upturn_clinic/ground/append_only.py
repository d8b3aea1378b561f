"""Rows that stay as they were written: the database itself refuses to change or remove them.

A migration names the table; SQLite and PostgreSQL get their own triggers. A later migration that lets Django rebuild a
table on SQLite (most alterations do) loses its triggers and must name it again; a test finds a table without.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.apps.registry import Apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import RunPython

from upturn.errors import CannotError

__all__ = ["append_only", "keep_rows", "let_rows_go"]

_ACTS = ("UPDATE", "DELETE")


def append_only(table: str, *, columns: Sequence[str] = ()) -> RunPython:
    """Make the operation of a migration that lets a table only grow.

    Parameters
    ----------
    table
        The name of the table in the database.
    columns
        The columns that never change, where others may; all of them unless given. No row is ever removed.
    """

    def keep(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        keep_rows(editor.connection, table, columns=columns)

    def let_go(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
        let_rows_go(editor.connection, table)

    return RunPython(keep, let_go)


def keep_rows(connection: BaseDatabaseWrapper, table: str, *, columns: Sequence[str] = ()) -> None:
    """Set the triggers."""
    of = f" OF {', '.join(columns)}" if columns else ""
    if connection.vendor == "sqlite":
        for act in _ACTS:
            _execute(
                connection,
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act}{of if act == 'UPDATE' else ''} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} only grows'); END",
            )
    elif connection.vendor == "postgresql":
        _execute(
            connection,
            f"CREATE FUNCTION {table}_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} only grows' USING ERRCODE = 'integrity_constraint_violation'; END $$",
        )
        for act in (*_ACTS, "TRUNCATE"):
            each = "STATEMENT" if act == "TRUNCATE" else "ROW"
            _execute(
                connection,
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act}{of if act == 'UPDATE' else ''} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION {table}_only_grows()",
            )
    else:
        raise CannotError(
            "The audit trail cannot be guarded here.", expected="SQLite or PostgreSQL", came=connection.vendor
        )


def let_rows_go(connection: BaseDatabaseWrapper, table: str) -> None:
    """Take the triggers away again: for a migration that is undone."""
    if connection.vendor == "sqlite":
        for act in _ACTS:
            _execute(connection, f"DROP TRIGGER {table}_no_{act.lower()}")
    else:
        _execute(connection, f"DROP FUNCTION {table}_only_grows() CASCADE")


def _execute(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
