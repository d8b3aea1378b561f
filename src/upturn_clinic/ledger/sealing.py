"""Sealing what says who somebody is: the trail holds it under a key of that person, and the key can be destroyed.

The chain of hashes runs over the sealed text, so it is proven before and after an erasure alike. What lives here: the
arithmetic. What does not: writing and destroying keys (``writing.py``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken

from upturn.errors import CannotError
from upturn_clinic.ledger.models import Entry, PersonKey

__all__ = ["DESTROYED", "SEALED", "SealCheck", "new_key", "seal", "unseal"]

# What stands in the plain part of a row in place of a sealed value.
SEALED = "sealed"
# The fact by which a row says whose keys it destroyed.
DESTROYED = "keys destroyed"


def new_key() -> str:
    """Draw a key."""
    return Fernet.generate_key().decode()


def seal(text: str, *, key: str) -> str:
    """Encrypt with a person's key (AES-128-CBC with HMAC-SHA256, as the specification of Fernet says).

    Examples
    --------
    >>> key = new_key()
    >>> unseal(seal("Ada Byron", key=key), key=key)
    'Ada Byron'
    """
    return Fernet(key).encrypt(text.encode()).decode()


def unseal(text: str, *, key: str) -> str:
    """Decrypt.

    Raises
    ------
    CannotError
        The key is not the one that it was sealed with.
    """
    try:
        return Fernet(key).decrypt(text.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise CannotError(
            "A sealed value of the audit trail does not open.", expected="the key that it was sealed with",
            remedy="run verify_audit; compare the table of keys with the last backup",
        ) from error  # fmt: skip


class SealCheck:
    """Proves that whatever is sealed opens with its person's key, or was erased by a row of the trail that says so."""

    def __init__(self, keys: Mapping[UUID, PersonKey]) -> None:
        self.keys = keys
        self.erased: dict[UUID, int] = {}

    def fault_of(self, entry: Entry) -> str:
        """Check one row, in its turn; nothing is wrong when the answer is empty."""
        for person in _destroyed_by(entry):
            self.erased.pop(person, None)
        if not entry.sealed or entry.person is None:
            return ""
        found = self.keys.get(entry.person)
        if found is None:
            return f"row {entry.sequence} is sealed with a key that is missing"
        if found.destroyed_at is not None or not found.key:
            self.erased.setdefault(entry.person, entry.sequence)
            return ""
        try:
            unseal(entry.sealed, key=found.key)
        except CannotError:
            return f"row {entry.sequence} is sealed with another key than the one that is kept"
        return ""

    def fault_at_the_end(self) -> str:
        """Name a key that was destroyed although no row of the trail says so."""
        if not self.erased:
            return ""
        row = min(self.erased.values())
        return f"the key of row {row} was destroyed, and no later row of the trail says so"


def _destroyed_by(entry: Entry) -> tuple[UUID, ...]:
    if DESTROYED not in entry.changes:
        return ()
    changes: Mapping[str, Any] = json.loads(entry.changes)
    pair = changes.get(DESTROYED)
    # A field of a record could bear that name; the fact is a pair whose second part is text.
    return tuple(UUID(each) for each in pair[1].split()) if isinstance(pair, list) and pair[0] is None else ()
