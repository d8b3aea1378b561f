"""Passwords that a stranger would try first here: the words of the house."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.operation import PASSWORD_LENGTH

__all__ = ["WordsOfTheHouse"]

# Documented in docs/security.md, with the names of roles and facilities beside them.
WORDS = ("upturn", "clinic", "ketamine", "esketamine", "infusion", "depression", "password", "welcome", "hospital")
SHORTEST_WORD = 3


class WordsOfTheHouse:
    """Refuse a password that is too short once the words of the house are taken out of it."""

    def validate(self, password: str, user: User | None = None) -> None:  # noqa: ARG002  (Django hands it over)
        """Check one password.

        Raises
        ------
        ValidationError
            What is left of it is too short.
        """
        named = " ".join([*Facility.objects.values_list("name", flat=True), *Role]).lower()
        words = {*WORDS, *re.findall(r"\w+", named)}
        left = password.lower()
        for word in sorted((word for word in words if len(word) > SHORTEST_WORD), key=len, reverse=True):
            left = left.replace(word, "")
        if left != password.lower() and len(left) < PASSWORD_LENGTH:
            raise ValidationError("Words of this clinic are easily guessed. Make it longer without them.")

    def get_help_text(self) -> str:
        """Say it beside the field."""
        return "Words of this clinic, such as its name, do not count towards the length."
