"""Reading the audit trail: of one record, of one facility, since one version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from upturn_clinic.ground.errors import Conflict
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger.models import Entry

__all__ = ["Change", "changes_in", "conflict_since", "entries_at", "history_of"]


@dataclass(frozen=True)
class Change:
    """One field, before and after."""

    field: str
    old: Any
    new: Any


def changes_in(entry: Entry) -> tuple[Change, ...]:
    """Unfold what an entry says about each field."""
    changes: Mapping[str, tuple[Any, Any]] = json.loads(entry.changes)
    return tuple(Change(name, old, new) for name, (old, new) in changes.items())


def history_of(object_type: str, object_id: str) -> QuerySet[Entry]:
    """All entries about one record, oldest first."""
    return Entry.objects.filter(object_type=object_type, object_id=object_id).select_related("by", "facility")


def entries_at(facility_id: UUID) -> QuerySet[Entry]:
    """All entries of one facility, newest first."""
    return Entry.objects.filter(facility_id=facility_id).select_related("by").order_by("-sequence")


def conflict_since(thing: Versioned, version: int) -> Conflict:
    """Tell what others changed in a record after a version of it.

    The sentences leave values out: the reader may see the record, but perhaps not each of its fields.
    """
    sentences: list[str] = []
    before: dict[str, Any] = {}
    for entry in history_of(thing._meta.label, str(thing.pk)).filter(object_version__gt=version):
        changes = changes_in(entry)
        who = entry.by.name if entry.by else "The system"
        sentences.append(f"{who} {entry.action} ({', '.join(each.field.replace('_', ' ') for each in changes)})")
        for each in changes:
            before.setdefault(each.field, each.old)
    return Conflict(sentences, before)
