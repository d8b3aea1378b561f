"""``export PROGRAMME --out DIR``: the five records of a programme, de-identified, for the library and for analysts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from upturn.errors import UpturnError
from upturn_clinic.accounts.actor import system
from upturn_clinic.exports.actions import export_records
from upturn_clinic.exports.files import PROTOCOL, write_folder
from upturn_clinic.programmes.models import Programme

__all__ = ["Command"]


class Command(BaseCommand):
    """Write the records of a programme into a folder; the trail says that the server's own terminal took them."""

    help = "Write the de-identified records of a programme into a new folder."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the programme, the folder, and the kind of file."""
        parser.add_argument("programme", help="the programme's name, or its key")
        parser.add_argument("--out", required=True, type=Path, help="a new or empty folder")
        parser.add_argument("--format", choices=["csv", "parquet"], default="parquet")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write them, or say what is wrong."""
        programme = _programme(options["programme"])
        try:
            export = export_records(programme=programme, kind=options["format"], by=system(), at=timezone.now())
            folder = write_folder(export, options["out"], kind=options["format"])
        except UpturnError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{export.records} in {folder}")
        has_people = not export.records.participants.is_empty()
        if export.version is not None and has_people and export.about["arms"] == "as in the protocol":
            self.stdout.write(f"Draw the report: upturn answer {folder / PROTOCOL} --records {folder}")


def _programme(word: str) -> Programme:
    found = [each for each in Programme.objects.all() if word in (str(each.pk), each.name)]
    if len(found) != 1:
        names = ", ".join(f"{each.name} ({each.pk})" for each in Programme.objects.all()) or "none"
        raise CommandError(f"There is {'no' if not found else 'more than one'} programme called {word}. There: {names}")
    return found[0]
