"""Django's sessions in the database, with the person beside them: named in the settings as the engine of sessions."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as InTheDatabase

from upturn_clinic.accounts.models import OpenSession

__all__ = ["SessionStore"]


class SessionStore(InTheDatabase):
    """One session."""

    @classmethod
    def get_model_class(cls) -> type[OpenSession]:
        """Where it is kept."""
        return OpenSession

    def create_model_instance(self, data: dict[str, Any]) -> OpenSession:
        """Give the row, with who is logged in; nobody before log-in."""
        row = cast("OpenSession", super().create_model_instance(data))
        person = data.get(SESSION_KEY)
        row.person = UUID(person) if person else None
        return row
