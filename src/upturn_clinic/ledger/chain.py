"""The arithmetic of the chain: canonical text, its hash, the proof. No writing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model

from upturn_clinic.ground.classification import FieldClass, classification_of
from upturn_clinic.ledger.models import Entry

__all__ = ["Verdict", "canonical", "content_hash", "content_of", "hash_of", "plain", "verify"]


@dataclass(frozen=True)
class Verdict:
    """What a proof of the chain found.

    Parameters
    ----------
    entries
        How many rows hold, from the first one on.
    last_hash
        The hash of the last row that holds; noted elsewhere, it later proves that nothing before it was cut off.
    fault
        The first row that does not hold and why, or nothing.
    """

    entries: int
    last_hash: str
    fault: str = ""


def canonical(content: Any) -> str:
    """Write JSON in the one way that is hashed.

    Examples
    --------
    >>> canonical({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(entry: Entry) -> str:
    """Hash a row: SHA-256 over its canonical content, in which the hash of the row before it stands."""
    return hashlib.sha256(canonical(entry.content()).encode()).hexdigest()


def verify(entries: Iterable[Entry], check: Callable[[Entry], str] | None = None) -> Verdict:
    """Prove the chain, or name its first broken row.

    Parameters
    ----------
    entries
        All rows in their order.
    check
        A further proof of each row: gives its fault, or nothing.
    """
    previous, count = "", 0
    for expected, entry in enumerate(entries, start=1):
        entry.at = entry.at.astimezone(UTC)
        if entry.sequence != expected:
            return Verdict(count, previous, f"row {expected} is missing; row {entry.sequence} stands in its place")
        if entry.previous_hash != previous:
            return Verdict(count, previous, f"row {entry.sequence} does not continue row {expected - 1}")
        if entry.hash != hash_of(entry):
            return Verdict(count, previous, f"row {entry.sequence} is not what was written")
        if check is not None and (fault := check(entry)):
            return Verdict(count, previous, fault)
        previous, count = entry.hash, expected
    return Verdict(count, previous)


def content_of(thing: Model) -> dict[str, Any]:
    """Give what a record says in plain JSON: every field but its secrets and the counter of its saves."""
    classes = classification_of(thing._meta.model)
    return {
        field.name: plain(getattr(thing, field.attname))
        for field in thing._meta.concrete_fields
        if field.name != "version" and classes.of(field.name) is not FieldClass.SECRET
    }


def content_hash(thing: Model) -> str:
    """Hash what a record says, for a signature under it."""
    return hashlib.sha256(canonical({"type": thing._meta.label, "content": content_of(thing)}).encode()).hexdigest()


def plain(value: Any) -> Any:
    """Put a field's value into JSON, so that reading and writing it again changes nothing.

    Examples
    --------
    >>> from decimal import Decimal
    >>> plain(Decimal("0.50"))
    '0.50'
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    # Decimals and floats become text: a number that is read back and written again may differ in its last place.
    return value if value is None or type(value) in (bool, int, str, dict, list) else str(value)
