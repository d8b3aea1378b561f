"""Drawing a pseudonym. It is random: nothing about the person, the day or the place can be read from it."""

from __future__ import annotations

import secrets

from upturn_clinic.participants.limits import PSEUDONYM_CHARACTERS

__all__ = ["draw"]

# Without vowels, so that no word appears, and without what looks alike: 0 O, 1 I L, 5 S, 2 Z, 8 B.
ALPHABET = "CDFGHJKMNPQRTVWX34679"


def draw() -> str:
    """Draw one, in two groups that are easily read aloud.

    Examples
    --------
    >>> len(draw()), draw()[3]
    (7, '-')
    """
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(PSEUDONYM_CHARACTERS))
    half = PSEUDONYM_CHARACTERS // 2
    return f"{drawn[:half]}-{drawn[half:]}"
