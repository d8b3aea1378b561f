"""``encryptcodeapps``: after the site's key was changed, encrypt the secrets of code apps with the present one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from upturn.errors import CannotError
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.keys import actions


class Command(BaseCommand):
    """Encrypt all of them anew, or none."""

    help = "Encrypt the secrets of all code apps and recovery codes with the present UPTURN_SECRET_KEY."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Do it, and say how many."""
        try:
            count = actions.encrypt_code_apps_anew(by=system(), at=timezone.now())
        except CannotError as fault:
            raise CommandError(str(fault)) from fault
        self.stdout.write(f"Encrypted anew with the present key: {count}.")
