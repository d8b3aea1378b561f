"""The only place that writes: a record and its row in the ledger, in one transaction.

Actions of the apps call ``insert``, ``change`` and ``note``; nothing else in the clinic saves, updates or deletes (a
test reads the source for it). So no write can be without its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction

from upturn.errors import CannotError
from upturn_clinic.ground.author import Author
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger.chain import canonical, content_of, hash_of
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import conflict_since

__all__ = ["change", "insert", "insert_many", "note"]

AnyRecord = TypeVar("AnyRecord", bound=models.Model)
AnyVersioned = TypeVar("AnyVersioned", bound=Versioned)
# Any constant serves, as long as all processes use the same one.
CHAIN_LOCK = 0x75707475726E


@transaction.atomic
def insert(thing: AnyRecord, *, action: str, by: Author, at: datetime, reason: str = "") -> AnyRecord:
    """Save a new record.

    Parameters
    ----------
    thing
        The record, not yet saved.
    action
        What was done, in the past tense: ``invited``.
    by, at
        Who, and when (with a time zone).
    reason
        Why, where the action asks for it.

    Raises
    ------
    Refused
        A value does not fit its field.
    """
    return insert_many([thing], action=action, by=by, at=at, reason=reason)[0]


@transaction.atomic
def insert_many(
    things: Sequence[AnyRecord], *, action: str, by: Author, at: datetime, reason: str = ""
) -> Sequence[AnyRecord]:
    """Save new records of one kind, each with its own row in the ledger: the visits of a plan, say."""
    for thing in things:
        _check(thing)
    if not things:
        return things
    type(things[0])._default_manager.bulk_create(things)
    _append(
        [_entry(thing, action, by, at, reason, {name: [None, new] for name, new in content_of(thing).items()})
         for thing in things]
    )  # fmt: skip
    return things


@transaction.atomic
def change(
    thing: AnyVersioned,
    *,
    action: str,
    by: Author,
    at: datetime,
    reason: str,
    version: int | None = None,
    **values: Any,
) -> AnyVersioned:
    """Change a saved record, if nobody else did since.

    Parameters
    ----------
    thing
        The record as it was read.
    version
        The version the person had on screen; that of ``thing`` unless given.
    reason
        Why a saved value changes; never empty.
    values
        The fields and their new values.

    Returns
    -------
    The record as it is now saved. When no value differs, nothing is written.

    Raises
    ------
    Conflict
        Somebody saved another version first; nothing was overwritten.
    Refused
        No reason, or a value that does not fit its field.
    """
    if not reason.strip():
        raise Refused("A saved value changes only with a reason.", expected="a reason in a few words")
    expected = thing.version if version is None else version
    manager = type(thing)._default_manager
    saved = manager.get(pk=thing.pk)
    if saved.version != expected:
        raise conflict_since(saved, expected)
    old = content_of(saved)
    for name, value in values.items():
        setattr(saved, name, value)
    saved.version = expected + 1
    _check(saved)
    differing = {name: [old[name], new] for name, new in content_of(saved).items() if old[name] != new}
    if not differing:
        return thing
    # Compare and set: of two transactions that read the same version, the database lets one through.
    if not manager.filter(pk=thing.pk, version=expected).update(**values, version=expected + 1):
        raise conflict_since(saved, expected)
    _append([_entry(saved, action, by, at, reason, differing)])
    return saved


@transaction.atomic
def note(
    *, action: str, by: Author, at: datetime, about: models.Model | None = None, reason: str = "",
    facts: Mapping[str, str | int | bool | None] | None = None,
) -> None:  # fmt: skip
    """Write down something that happened and changed no record of ours: a log-in, an export, a reading in emergency."""
    _append([_entry(about, action, by, at, reason, {name: [None, fact] for name, fact in (facts or {}).items()})])


def _check(thing: models.Model) -> None:
    """Refuse a value that does not fit its field; relations and uniqueness are the database's to refuse."""
    try:
        thing.clean_fields(exclude={field.name for field in thing._meta.fields if field.is_relation})
    except ValidationError as error:
        raise Refused("A value does not fit its field.", came="; ".join(error.messages)) from error


def _entry(
    thing: models.Model | None, action: str, by: Author, at: datetime, reason: str, changes: Mapping[str, Any]
) -> Entry:
    if at.tzinfo is None:
        raise CannotError(
            "A time without a zone cannot be recorded.", came=str(at), remedy="django.utils.timezone.now()"
        )
    return Entry(
        at=at.astimezone(UTC),
        by_id=by.user_id,
        facility_id=by.facility_id,
        action=action,
        object_type="" if thing is None else thing._meta.label,
        object_id="" if thing is None else str(thing.pk),
        object_version=getattr(thing, "version", None),
        changes=canonical(dict(changes)),
        reason=reason.strip(),
    )


def _append(entries: Sequence[Entry]) -> None:
    """Put rows at the end of the chain, one writer at a time, so that the chain has no forks.

    On SQLite the transaction holds the writer's place since it began. On PostgreSQL a lock is taken here and kept until
    the transaction ends: another writer waits, then sees these rows.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])
    last = Entry.objects.order_by("-sequence").only("sequence", "hash").first()
    sequence, previous = (last.sequence, last.hash) if last else (0, "")
    for entry in entries:
        sequence += 1
        entry.sequence, entry.previous_hash = sequence, previous
        entry.hash = previous = hash_of(entry)
    Entry.objects.bulk_create(entries)
