"""The key under which somebody stands in exported records: not their pseudonym, which papers and a log-in carry.

It is taken from the record's own random key, which stays in the clinic: the same person has the same key in every
export, so tables and later exports can be joined; from the key nobody outside finds the person. Whoever holds the
clinic's database can (``exported`` at the server's own terminal), as when an analyst asks about a value.
"""

from __future__ import annotations

import hashlib

from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.pseudonyms import ALPHABET

__all__ = ["key_of", "person_with"]

_PURPOSE = b"exported records "
_CHARACTERS = 10


def key_of(person: Participant) -> str:
    """Give the key of somebody in exported records.

    Examples
    --------
    >>> from uuid import UUID
    >>> key_of(Participant(pk=UUID(int=1)))
    'XXWMN-J4999'
    """
    number = int.from_bytes(hashlib.sha256(_PURPOSE + person.pk.bytes).digest())
    drawn = ""
    for _ in range(_CHARACTERS):
        number, place = divmod(number, len(ALPHABET))
        drawn += ALPHABET[place]
    half = _CHARACTERS // 2
    return f"{drawn[:half]}-{drawn[half:]}"


def person_with(key: str) -> Participant | None:
    """Find whose key in exported records this is."""
    wanted = key.strip().upper()
    people = Participant.objects.select_related("facility", "programme")
    return next((each for each in people if key_of(each) == wanted), None)
