"""``createadministrator``: the first facility and its first administrator, at the server's own terminal."""

from __future__ import annotations

from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.models import Facility, User, real_time_zone
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused


class Command(BaseCommand):
    """Make an administrator; everybody else is invited by one."""

    help = "Make a facility's administrator. The password is asked for, or read from standard input."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what the account and the facility need."""
        parser.add_argument("--email", required=True, help="the administrator's address, with which they log in")
        parser.add_argument("--name", required=True, help="full name, printed under signatures")
        parser.add_argument("--facility", required=True, help="short name in addresses, such as main")
        parser.add_argument("--facility-name", default="", help="name of the facility; needed when it is new")
        parser.add_argument("--time-zone", default="", help="such as Europe/Copenhagen; needed when it is new")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        """Make both, or neither."""
        now, by = timezone.now(), system()
        here = Facility.objects.filter(slug=options["facility"]).first()
        password = self._password(options)
        try:
            validate_email(options["email"])
            validate_password(password, User(email=options["email"], name=options["name"]))
            if here is None:
                if not options["facility_name"]:
                    raise CommandError("A new facility needs --facility-name and --time-zone.")
                real_time_zone(options["time_zone"])
                here = actions.create_facility(
                    slug=options["facility"],
                    name=options["facility_name"],
                    time_zone=options["time_zone"],
                    by=by,
                    at=now,
                )
            user = actions.create_person(
                email=options["email"], name=options["name"], password=password, by=system(here), at=now
            )
            actions.give_role(user=user, role=Role.ADMINISTRATOR, facility=here, by=system(here), at=now)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.name} is administrator of {here.name}. At first log-in a code app is set up.")

    def _password(self, options: dict[str, Any]) -> str:
        if options["password_stdin"]:
            return input()
        first, second = getpass("Password: "), getpass("Once more: ")
        if first != second:
            raise CommandError("The two passwords differ.")
        return first
