"""``demo``: makes an invented clinic in an empty database and says how to log in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from upturn.errors import CannotError
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo.cast import Keys, address_of, new_keys, participants_address
from upturn_clinic.demo.course import Stage
from upturn_clinic.demo.making import STAGES, is_there, make
from upturn_clinic.environment import read_environment

FILE = "demo-log-ins.txt"
PRIVATE = 0o600
PERIOD_S = 30


class Command(BaseCommand):
    """Make the demo once; later only say again how to log in."""

    help = "Make an invented clinic with virtual people in an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what the demo may leave out, and the question for a code."""
        parser.add_argument("--code", action="store_true", help="print the code that a code app would show now")
        parser.add_argument("--people", type=int, default=len(STAGES), help="how many virtual people take part")
        parser.add_argument("--patients", type=int, help="virtual people per arm in the expectation")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make it, unless it is there."""
        file = read_environment().data_directory / FILE
        if options["code"]:
            self.stdout.write(_code(_secret_in(file)))
            return
        if not is_there():
            keys = new_keys()
            version = make(keys, now=timezone.now(), say=self.stderr.write, stages=_spread(options["people"]))
            _keep(file, _log_ins(keys, file.parent))
            self.stderr.write("Simulating what the protocol is expected to do …")
            try:
                more = ["--patients", str(options["patients"])] if options["patients"] else []
                call_command("expect", str(version.pk), *more, stdout=self.stderr)
            except CommandError as error:
                # The demo is whole without it; its page says that it could not be computed, and how to try again.
                self.stderr.write(str(error))
        self.stdout.write(file.read_text(encoding="utf-8"))


def _spread(people: int) -> Sequence[Stage]:
    """Choose as many stages, from the first to the last."""
    if not 1 <= people <= len(STAGES):
        raise CommandError(f"Between 1 and {len(STAGES)} people take part in the demo.")
    return [STAGES[place * len(STAGES) // people] for place in range(people)]


def _log_ins(keys: Keys, folder: Path) -> str:
    names = {role: participants_address() if role is Role.PARTICIPANT else address_of(role) for role in Role}
    rows = "\n".join(f"  {name:<32}{role.description}" for role, name in names.items())
    return (
        "The demo is invented: no facility, no programme, no person in it is real.\n\n"
        f"{rows}\n\n"
        f"Password for all of them: {keys.password}\n"
        f"Key for a code app, the same for all staff: {keys.secret}\n"
        f"Without a code app: UPTURN_DATA_DIRECTORY={folder} python -m upturn_clinic demo --code\n"
    )


def _keep(file: Path, text: str) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "w", encoding="utf-8") as opened:
        opened.write(text)


def _secret_in(file: Path) -> str:
    if not file.is_file():
        raise CannotError("There is no demo here.", where=str(file), remedy="make it with `upturn serve --demo`")
    line = next(each for each in file.read_text(encoding="utf-8").splitlines() if each.startswith("Key for"))
    return line.rpartition(" ")[2]


def _code(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(timezone.now().timestamp()) // PERIOD_S)))
