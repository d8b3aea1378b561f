"""Reading the audit trail: of one record, of one facility, since one version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet

from upturn_clinic.ground.errors import Conflict, Saved
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger.chain import canonical
from upturn_clinic.ledger.models import Entry, FormAnswer, PersonKey
from upturn_clinic.ledger.sealing import SEALED, unseal

__all__ = [
    "Change", "Opened", "answer_to", "changes_in", "conflict_since", "entries_at", "has_note", "history_of", "opened",
    "sent_before",
]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One field, before and after; ``is_erased`` where its key was destroyed, and nobody knows any more."""

    field: str
    old: Any
    new: Any
    is_erased: bool = False


@dataclass(frozen=True)
class Opened:
    """What an entry says, with what is sealed in it: each field, and the reason."""

    changes: tuple[Change, ...]
    reason: str
    reason_is_erased: bool = False


def opened(entries: Iterable[Entry]) -> Mapping[int, Opened]:
    """Open entries, by their numbers; one query for the keys of all of them."""
    rows = list(entries)
    people = {entry.person for entry in rows if entry.person}
    keys = {each.person: each.key for each in PersonKey.objects.filter(pk__in=people)} if people else {}
    return {entry.sequence: _opened(entry, keys.get(entry.person, "") if entry.person else "") for entry in rows}


def changes_in(entry: Entry) -> tuple[Change, ...]:
    """Unfold what one entry says about each field; of many, ``opened`` does it with one query."""
    return opened([entry])[entry.sequence].changes


def _opened(entry: Entry, key: str) -> Opened:
    told: Mapping[str, Any] = json.loads(entry.changes)
    inside: Mapping[str, Any] = json.loads(unseal(entry.sealed, key=key)) if entry.sealed and key else {}
    hidden: Mapping[str, Any] = inside.get("changes", {})
    is_erased = entry.person is not None and not inside
    changes = []
    for name, pair in told.items():
        old, new = hidden.get(name, (None, None)) if pair == SEALED else pair
        changes.append(Change(name, old, new, is_erased=is_erased and pair == SEALED))
    return Opened(tuple(changes), inside.get("reason", "") or entry.reason, is_erased)


def history_of(object_type: str, object_id: str) -> QuerySet[Entry]:
    """All entries about one record, oldest first."""
    return Entry.objects.filter(object_type=object_type, object_id=object_id).select_related("by", "facility")


def entries_at(facility_id: UUID) -> QuerySet[Entry]:
    """All entries of one facility, newest first."""
    return Entry.objects.filter(facility_id=facility_id).select_related("by").order_by("-sequence")


def has_note(action: str, *, about: Model, facts: Mapping[str, Any], since: datetime) -> bool:
    """Tell whether the same thing was noted about a record since a time."""
    told = canonical({name: [None, fact] for name, fact in facts.items()})
    rows = history_of(about._meta.label, str(about.pk))
    return rows.filter(action=action, changes=told, at__gte=since).exists()


def conflict_since(thing: Versioned, version: int) -> Conflict:
    """Tell what others changed in a record after a version of it.

    What was saved is told without values: the reader may see the record, but perhaps not each of its fields.
    """
    saves: list[Saved] = []
    before: dict[str, Any] = {}
    since = list(history_of(thing._meta.label, str(thing.pk)).filter(object_version__gt=version))
    known = opened(since)
    for entry in since:
        changes = known[entry.sequence].changes
        who = entry.by.name if entry.by else "The system"
        fields = {each.field: _in_words(thing, each.field) for each in changes}
        saves.append(Saved(who, entry.action, entry.at, fields))
        for each in changes:
            before.setdefault(each.field, each.old)
    return Conflict(saves, before)


def _in_words(thing: Model, field: str) -> str:
    named = {each.name: str(each.verbose_name) for each in thing._meta.concrete_fields}
    return named.get(field, field.replace("_", " "))


def sent_before(form_key: str) -> Entry | None:
    """Find the first row that was written with a form, if it was sent before."""
    return Entry.objects.filter(form_key=form_key).order_by("sequence").first()


def answer_to(form_key: str) -> str:
    """Find where the answer to a form led; empty while it is still on its way, or where it led nowhere."""
    return FormAnswer.objects.filter(pk=form_key).values_list("to", flat=True).first() or ""
