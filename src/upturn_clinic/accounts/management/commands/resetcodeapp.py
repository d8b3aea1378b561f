"""``resetcodeapp``: a lost code app where no other administrator can reset it, at the server's own terminal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from upturn_clinic.accounts import queries
from upturn_clinic.accounts.actions import note_event
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.keys import actions
from upturn_clinic.accounts.letters import Sent, send_reset_notice
from upturn_clinic.ground.errors import Refused


class Command(BaseCommand):
    """Take a code app away; whoever keeps the server answers for who asked."""

    help = "Take code app and recovery codes from somebody who lost both. At the next log-in they set up a new one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whose it is, how that was made sure, and why."""
        parser.add_argument("--email", required=True, help="the address with which the person logs in")
        parser.add_argument("--made-sure", required=True, help="how it was made sure who asks; kept in the audit trail")
        parser.add_argument("--reason", required=True, help="why it is needed; kept in the audit trail")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Reset it, and tell the person by letter."""
        now, person = timezone.now(), queries.user_with_email(options["email"])
        if person is None:
            raise CommandError("Nobody logs in with this address.")
        try:
            actions.reset_code_app(
                user=person, made_sure=options["made_sure"], reason=options["reason"], by=system(), at=now
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        sent = send_reset_notice(person, by=None)
        if sent is Sent.FAILED:
            facts = {"letter": "code app reset"}
            note_event(action="could not send a letter", by=system(), at=now, about=person, facts=facts)
        self.stdout.write(f"The code app of {person.name} is reset. At the next log-in they set up a new one.")
        self.stdout.write(f"A letter about it: {sent}.")
