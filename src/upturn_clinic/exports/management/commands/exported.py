"""``exported KEY``: whose records an export holds under a key, for the clinic, when an analyst asks about a value."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from upturn_clinic.accounts.actor import system
from upturn_clinic.exports.actions import look_up
from upturn_clinic.ground.errors import Refused

__all__ = ["Command"]


class Command(BaseCommand):
    """Name the participant by their pseudonym; the trail says that it was looked up."""

    help = "Say which participant stands in exported records under a key."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the key, as a table of the export has it."""
        parser.add_argument("key", help="the key in the column participant")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Say who it is, or that nobody has this key."""
        try:
            found = look_up(key=options["key"], by=system(), at=timezone.now())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{found.pseudonym}, {found.programme.name}, {found.facility.name}")
