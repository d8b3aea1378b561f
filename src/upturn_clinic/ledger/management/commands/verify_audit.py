"""``verify_audit``: prove the audit trail, or name the first broken row."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry, PersonKey
from upturn_clinic.ledger.sealing import SealCheck

ROWS_AT_ONCE = 2000


class Command(BaseCommand):
    """Read every row of the audit trail in its order; exit code 1 when it does not hold."""

    help = "Prove that the audit trail is whole, or name its first broken row."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take an anchor that was noted earlier."""
        parser.add_argument(
            "--anchor",
            metavar="ROW:HASH",
            help="a row and its hash, noted outside after an earlier proof: it must still stand",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Prove and tell."""
        sealed = SealCheck({each.person: each for each in PersonKey.objects.all()})
        rows = Entry.objects.order_by("sequence").iterator(chunk_size=ROWS_AT_ONCE)
        verdict = verify(rows, sealed.fault_of)
        if fault := verdict.fault or sealed.fault_at_the_end():
            raise CommandError(
                f"The audit trail is broken: {fault}.\nThe {verdict.entries} rows before it hold.\n"
                "What to do: stop writing, keep this database as it is, compare it with the last backup."
            )
        if options["anchor"]:
            row, _, noted = options["anchor"].partition(":")
            if not row.isdigit() or not Entry.objects.filter(sequence=int(row), hash=noted).exists():
                raise CommandError(f"The noted row {row} is not in the trail: rows were cut off or written anew.")
        self.stdout.write(f"The audit trail is whole: {verdict.entries} rows.")
        if verdict.entries:
            self.stdout.write(f"Note this outside the database: {verdict.entries}:{verdict.last_hash}")
