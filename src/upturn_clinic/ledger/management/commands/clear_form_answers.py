"""``python -m upturn_clinic clear_form_answers``: let go of where the answers to old forms led."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from upturn_clinic.ledger.writing import clear_answers

__all__ = ["Command"]


class Command(BaseCommand):
    """Clear what only leads a form that is sent again to its page. No record is touched."""

    help = "let go of where the answers to old forms led (no record is touched)"

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Clear, and say how many."""
        self.stdout.write(f"{clear_answers(at=timezone.now())} cleared")
