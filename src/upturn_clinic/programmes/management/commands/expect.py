"""``expect``: simulates a version of a protocol and keeps the answer, so that no page waits for it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from upturn.errors import UpturnError
from upturn_clinic.accounts.actor import system
from upturn_clinic.ground.errors import Refused
from upturn_clinic.programmes import actions, computation
from upturn_clinic.programmes.models import ProtocolVersion


class Command(BaseCommand):
    """Run `upturn answer` on the stored document, in a process of its own."""

    help = "Simulate a protocol version with the calibrated model and keep what it expects."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the version's key, as the address of its page shows it."""
        parser.add_argument("version", help="key of the protocol version, from the address of its page")
        parser.add_argument("--patients", type=int, help="virtual people per arm; the library's default unless given")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Compute and keep; a failure is kept as well."""
        try:
            version = ProtocolVersion.objects.select_related("programme__lead").get(pk=options["version"])
        except (ProtocolVersion.DoesNotExist, ValidationError) as error:
            raise CommandError("There is no protocol version with this key.") from error
        by = system(version.programme.lead)
        try:
            begun = actions.begin_expectation(protocol_version=version, by=by, at=timezone.now())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        try:
            answer = computation.answer(version.document, patients=options["patients"])
            actions.end_expectation(expectation=begun, answer=answer, fault="", by=by, at=timezone.now())
        except UpturnError as error:
            actions.end_expectation(expectation=begun, answer=None, fault=str(error), by=by, at=timezone.now())
            raise CommandError(str(error)) from error
        self.stdout.write(f"Kept what the simulation of {version} expects.")
