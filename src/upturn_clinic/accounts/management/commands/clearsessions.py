"""``clearsessions``: let go of sessions that have ended by the clock."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from upturn_clinic.accounts.sessions import SessionStore


class Command(BaseCommand):
    """Clear up; no record goes."""

    help = "Remove sessions that have ended. Run it once a day."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it."""
        SessionStore.clear_expired()
