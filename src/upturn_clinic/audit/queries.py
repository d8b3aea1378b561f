"""Reading the trail as a person may see it: a field's values only to those who may see that class of field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from django.apps import apps
from django.db import models

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.words import said_of, short_key, value_of
from upturn_clinic.ground.classification import FieldClass, classification_of
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger.chain import content_hash
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import Change, Opened, history_of, opened

__all__ = ["Line", "ShownChange", "history_at", "is_signed_as_it_stands", "lines", "model_called", "signatures_of"]

HIDDEN, ERASED = "hidden", "erased"
_SILENT = frozenset({"id", "facility"})
# Apps whose records are about one participant each: what points at one of them tells whose record it is.
_OF_PEOPLE = frozenset({"participants", "treatments", "safety", "assessments", "floor"})
# What a record is called that changes point at, and who may know; to others its kind and the beginning of its key.
_CALLED: Mapping[str, tuple[Permission, str]] = {
    "accounts.User": (Permission.SEE_FACILITY, "{name}"),
    "accounts.Facility": (Permission.SEE_FACILITY, "{name}"),
    "programmes.Programme": (Permission.SEE_PROGRAMMES, "{name}"),
    "programmes.ProtocolVersion": (Permission.SEE_PROGRAMMES, "{programme__name}, version {number}"),
    "participants.Participant": (Permission.SEE_PARTICIPANTS, "{pseudonym}"),
}
_NEEDS = {
    FieldClass.IDENTIFYING: Permission.SEE_IDENTITY,
    FieldClass.CLINICAL: Permission.SEE_CLINICAL_RECORD,
    FieldClass.OPERATIONAL: Permission.SEE_AUDIT,
}


@dataclass(frozen=True)
class ShownChange:
    """One field as this reader may see it; of an erased one nobody sees anything."""

    field: str
    old: Any
    new: Any
    hidden: bool = False
    erased: bool = False


@dataclass(frozen=True)
class Line:
    """One entry of the trail as this reader may see it."""

    entry: Entry
    thing: str
    changes: tuple[ShownChange, ...]
    reason: str


def model_called(object_type: str) -> type[models.Model] | None:
    """Find the model that the trail calls by this name."""
    try:
        return apps.get_model(object_type)
    except (LookupError, ValueError):
        return None


def lines(entries: Iterable[Entry], reader: Actor) -> list[Line]:
    """Show entries to a reader.

    Parameters
    ----------
    entries
        From the ledger.
    reader
        Who looks; decides which values are shown. Staff accounts are not participants: an administrator sees names and
        addresses of staff, since the trail would be of no use without them.
    """
    rows = list(entries)
    told = opened(rows)
    names = _names(rows, told, reader)
    return [_line(entry, told[entry.sequence], reader, names) for entry in rows]


def history_at(facility: Facility, object_type: str, object_id: str) -> Sequence[Entry]:
    """The history of one record as far as it happened at a facility."""
    return list(history_of(object_type, object_id).filter(facility=facility))


def signatures_of(object_type: str, object_id: str) -> Sequence[Signature]:
    """All signatures under one record."""
    return list(Signature.objects.filter(object_type=object_type, object_id=object_id))


def is_signed_as_it_stands(thing: Versioned, meaning: str) -> bool:
    """Tell whether somebody signed exactly what the record says now, with this meaning."""
    return Signature.objects.filter(
        object_type=thing._meta.label, object_id=str(thing.pk), meaning=meaning, content_hash=content_hash(thing)
    ).exists()


def _names(rows: Iterable[Entry], told: Mapping[int, Opened], reader: Actor) -> Mapping[str, str]:
    """Find what the records are called that entries are about or point at, as far as a reader may know: by their keys.

    One query for each kind of record, however many entries.
    """
    keys: dict[str, set[str]] = {}
    for entry in rows:
        keys.setdefault(entry.object_type, set()).add(entry.object_id)
        for change in told[entry.sequence].changes:
            found = {str(value) for value in (change.old, change.new) if value and change.field not in _SILENT}
            keys.setdefault(_pointed_at(entry.object_type, change.field), set()).update(found)
    names: dict[str, str] = {}
    for label, (needed, name) in _CALLED.items():
        if keys.get(label) and reader.may(needed):
            columns = [column for _, column, _, _ in Formatter().parse(name) if column]
            rows_of_it = apps.get_model(label)._default_manager.filter(pk__in=keys[label])
            names |= {str(each["pk"]): name.format(**each) for each in rows_of_it.values("pk", *columns)}
    return names


def _pointed_at(object_type: str, field: str) -> str:
    """Name the model whose key a field holds; the facts of an event have no model, and name an account ``user``."""
    model = model_called(object_type) if object_type else None
    if model is None or field not in {each.name for each in model._meta.get_fields()}:
        return User._meta.label if field == "user" else ""
    pointed: Any = model._meta.get_field(field).related_model
    return "" if pointed is None else str(pointed._meta.label)


def _line(entry: Entry, told: Opened, reader: Actor, names: Mapping[str, str]) -> Line:
    model = model_called(entry.object_type) if entry.object_type else None
    about_staff = model is None or model._meta.app_label in ("accounts", "account", "audit")
    # Of a new record, what is empty and its own keys say nothing to a reader; the row itself holds them.
    telling = [change for change in told.changes if change.is_erased or change.old is not None
               or (change.new not in (None, "", [], {}) and change.field not in _SILENT)]  # fmt: skip
    shown = tuple(
        ShownChange(said_of(model, change.field), None, None, erased=True)
        if change.is_erased
        else _shown(change.field, *_named(entry, change, names), model, reader, about_staff)
        for change in telling
    )
    needed = Permission.SEE_AUDIT if _is_operational(model) else Permission.SEE_CLINICAL_RECORD
    reason = told.reason if about_staff or reader.may(needed) else HIDDEN
    if told.reason_is_erased:
        reason = ERASED
    called = names.get(entry.object_id) or short_key(entry.object_id)
    thing = f"{model._meta.verbose_name} {called}" if model else ""
    return Line(entry, thing, shown, reason if told.reason or told.reason_is_erased else "")


def _named(entry: Entry, change: Change, names: Mapping[str, str]) -> tuple[Any, Any]:
    """Give both values of a field, by name where it points at a record; a key that stands there itself stays one."""
    if _pointed_at(entry.object_type, change.field) not in _CALLED:
        return change.old, change.new
    return names.get(change.old, change.old), names.get(change.new, change.new)


def _shown(
    field: str, old: Any, new: Any, model: type[models.Model] | None, reader: Actor, about_staff: bool
) -> ShownChange:
    name = said_of(model, field)
    # What was empty before was nothing.
    before = None if old in ("", [], {}) else value_of(model, field, old)
    told = ShownChange(name, before, value_of(model, field, new))
    if model is None or field not in classification_of(model).names():
        # A fact of an event, such as the page that was read.
        return told
    needed = _NEEDS[classification_of(model).of(field)]
    if needed is Permission.SEE_AUDIT and _tells_whose(model, field):
        needed = Permission.SEE_CLINICAL_RECORD
    if reader.may(needed) or (about_staff and needed is Permission.SEE_IDENTITY):
        return told
    return ShownChange(name, None, None, hidden=True)


def _is_operational(model: type[models.Model] | None) -> bool:
    """Tell whether a record says nothing about anybody: then its reasons do not either."""
    return model is not None and not (classification_of(model).clinical or classification_of(model).identifying)


def _tells_whose(model: type[models.Model], field: str) -> bool:
    """Tell whether a field of a clinical record leads to the person: who worked when is told, not whose illness."""
    if not classification_of(model).clinical:
        return False
    pointed = model._meta.get_field(field).related_model
    return field == "source" or (pointed is not None and _app_of(pointed) in _OF_PEOPLE)


def _app_of(model: Any) -> str:
    return str(model._meta.app_label)
