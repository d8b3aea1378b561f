"""The only place that writes: a record and its row in the ledger, in one transaction.

Actions of the apps call ``insert``, ``change``, ``note`` and, to erase, ``forget``; for what opens the house (code
apps) ``take_away`` and ``renew_secrets``. Nothing else in the clinic saves, updates or deletes (a test reads the source
for it). So no write can be without its row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction

from upturn.errors import CannotError
from upturn_clinic.ground.author import Author
from upturn_clinic.ground.classification import FieldClass, classification_of, person_behind
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.ledger.chain import canonical, content_of, hash_of
from upturn_clinic.ledger.forms_sent import Repeated, now_sending
from upturn_clinic.ledger.models import Entry, FormAnswer, PersonKey
from upturn_clinic.ledger.queries import conflict_since
from upturn_clinic.ledger.sealing import DESTROYED, SEALED, new_key, seal
from upturn_clinic.operation import FORM_ANSWERS_KEPT

__all__ = [
    "change", "clear_answers", "forget", "insert", "insert_many", "keep_answer", "note", "renew_secrets", "take_away",
]  # fmt: skip

AnyRecord = TypeVar("AnyRecord", bound=models.Model)
AnyVersioned = TypeVar("AnyVersioned", bound=Versioned)
# Any constant serves, as long as all processes use the same one.
CHAIN_LOCK = 0x75707475726E


@dataclass
class _Row:
    """A row of the ledger before it has its place: what is still to be sealed stands beside it.

    Parameters
    ----------
    entry
        The row.
    hidden
        Fields that say who somebody is: old and new value.
    reason
        Why, where it stands beside such a field and so may name somebody as well.
    is_record
        Whether it goes with a saved record; a note does not.
    """

    entry: Entry
    hidden: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    is_record: bool = True


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
    old, old_secrets = content_of(saved), _secrets(saved, values)
    for name, value in values.items():
        setattr(saved, name, value)
    saved.version = expected + 1
    _check(saved)
    differing = {name: [old[name], new] for name, new in content_of(saved).items() if old[name] != new}
    # A secret that changes is saved and has its row, which tells neither its values nor its name.
    if not differing and old_secrets == _secrets(saved, values):
        return thing
    # Compare and set: of two transactions that read the same version, the database lets one through.
    if not manager.filter(pk=thing.pk, version=expected).update(**values, version=expected + 1):
        raise conflict_since(saved, expected)
    _append([_entry(saved, action, by, at, reason, differing)])
    return saved


@transaction.atomic
def note(
    *, action: str, by: Author, at: datetime, about: models.Model | None = None, reason: str = "",
    facts: Mapping[str, str | int | bool | None] | None = None, identifying: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write down something that happened and changed no record of ours: a log-in, an export, a reading in emergency.

    Parameters
    ----------
    facts
        What is worth knowing about it.
    identifying
        Facts that say who somebody is, such as the address of their computer: sealed with the key of whom it is about,
        and only known together with ``about``.
    """
    told = {name: [None, fact] for name, fact in (facts or {}).items()}
    hidden = {name: [None, fact] for name, fact in (identifying or {}).items()}
    row = _entry(about, action, by, at, reason, told, hidden)
    row.is_record = False
    _append([row])


@transaction.atomic
def forget(people: Sequence[UUID], *, action: str, by: Author, at: datetime, about: models.Model, reason: str) -> None:
    """Destroy the keys of people, for good: whatever the trail holds about who they are can be read by nobody any more.

    The rows stay as they are, and the chain over them holds. The row that this writes says whose keys went, and why.

    Parameters
    ----------
    people
        Whose keys: the persons that ``ground.classification.person_behind`` names.
    about
        The record that stands for them in the trail.
    reason
        Why; never empty, and it stays readable.
    """
    if not reason.strip():
        raise Refused("Nothing is erased without a reason.", expected="a reason in a few words")
    _hold_the_end()
    known = PersonKey.objects.filter(pk__in=people, destroyed_at=None)
    gone = sorted(str(each) for each in known.values_list("pk", flat=True))
    known.update(key="", destroyed_at=at)
    _append([_entry(about, action, by, at, reason, {DESTROYED: [None, " ".join(gone)]})])


@transaction.atomic
def take_away(
    keys: Sequence[models.Model], *, action: str, by: Author, at: datetime, about: models.Model, reason: str,
    identifying: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Remove what opens the house: rows that hold a secret and are no record.

    Parameters
    ----------
    about
        Whose keys they were.
    reason
        Why; never empty.
    identifying
        Facts that may say who somebody is, sealed as those of a note.
    """
    if not reason.strip():
        raise Refused("Nothing is taken away without a reason.", expected="a reason in a few words")
    _only_secrets(keys)
    for key in keys:
        key.delete()
    note(action=action, by=by, at=at, about=about, reason=reason, identifying=identifying)


@transaction.atomic
def renew_secrets(things: Sequence[models.Model], *, field: str, action: str, by: Author, at: datetime) -> None:
    """Save secrets that mean the same in another form: encrypted with another key, say."""
    _only_secrets(things)
    if any(classification_of(thing._meta.model).of(field) is not FieldClass.SECRET for thing in things):
        raise CannotError("Only a secret is renewed without its row.", came=field)
    if things:
        type(things[0])._default_manager.bulk_update(things, [field])
    note(action=action, by=by, at=at, facts={"how many": len(things)})


def _only_secrets(things: Sequence[models.Model]) -> None:
    """Refuse whatever holds no secret, or says anything about anybody: that is a record."""
    for kind in {type(thing) for thing in things}:
        classes = classification_of(kind)
        if not classes.secret or classes.identifying or classes.clinical:
            raise CannotError(f"{kind._meta.label} is a record.", remedy="records stay; they end by a change")


def keep_answer(*, form_key: str, to: str, at: datetime) -> None:
    """Keep where the answer to a form led. What the form wrote has its rows already; this is none of them."""
    FormAnswer.objects.bulk_create([FormAnswer(form_key=form_key, to=to, at=at)], ignore_conflicts=True)


def clear_answers(*, at: datetime) -> int:
    """Let go of answers to forms that nobody asks for any more; give how many.

    The ledger's rows are what keeps a form from being written twice, and they stay: an answer that is gone costs the
    way to its page, and nothing else.
    """
    gone, _ = FormAnswer.objects.filter(at__lt=at - FORM_ANSWERS_KEPT).delete()
    return gone


def _secrets(thing: models.Model, values: Mapping[str, Any]) -> Mapping[str, Any]:
    classes = classification_of(thing._meta.model)
    fields = {field.name: field.attname for field in thing._meta.concrete_fields}
    return {name: getattr(thing, attribute) for name, attribute in fields.items()
            if classes.of(name) is FieldClass.SECRET and (name in values or attribute in values)}  # fmt: skip


def _check(thing: models.Model) -> None:
    """Refuse a value that does not fit its field; relations and uniqueness are the database's to refuse."""
    try:
        thing.clean_fields(exclude={field.name for field in thing._meta.fields if field.is_relation})
    except ValidationError as error:
        raise Refused("A value does not fit its field.", came="; ".join(error.messages)) from error


def _entry(
    thing: models.Model | None, action: str, by: Author, at: datetime, reason: str, changes: Mapping[str, Any],
    hidden: Mapping[str, Any] | None = None,
) -> _Row:  # fmt: skip
    if at.tzinfo is None:
        raise CannotError(
            "A time without a zone cannot be recorded.", came=str(at), remedy="django.utils.timezone.now()"
        )
    identifying = set() if thing is None else set(classification_of(thing._meta.model).identifying)
    hidden = {name: pair for name, pair in changes.items() if name in identifying} | dict(hidden or {})
    if hidden and thing is None:
        raise CannotError("Who somebody is cannot be sealed without saying about whom.", remedy="note(about=…)")
    entry = Entry(
        at=at.astimezone(UTC),
        by_id=by.user_id,
        facility_id=by.facility_id,
        action=action,
        object_type="" if thing is None else thing._meta.label,
        object_id="" if thing is None else str(thing.pk),
        object_version=getattr(thing, "version", None),
        changes=canonical({**changes, **dict.fromkeys(hidden, SEALED)}),
        reason="" if hidden else reason.strip(),
        person=person_behind(thing) if hidden and thing is not None else None,
    )
    return _Row(entry, hidden, reason.strip() if hidden else "")


def _append(rows: Sequence[_Row]) -> None:
    """Put rows at the end of the chain, one writer at a time, so that the chain has no forks."""
    _hold_the_end()
    sent = now_sending() if any(row.is_record for row in rows) else None
    # Whoever sends the same form at the same time has either written it before we came here, or waits until we have.
    if sent and Entry.objects.filter(form_key=sent.key).exclude(hash__in=sent.hashes).exists():
        raise Repeated
    keys = _keys({row.entry.person for row in rows if row.entry.person})
    last = Entry.objects.order_by("-sequence").only("sequence", "hash").first()
    sequence, previous = (last.sequence, last.hash) if last else (0, "")
    for row in rows:
        entry = row.entry
        if entry.person and keys[entry.person]:
            entry.sealed = seal(canonical({"changes": row.hidden, "reason": row.reason}), key=keys[entry.person])
        elif entry.person and row.is_record:
            raise Refused("Who this is has been erased: nothing that tells it is written any more.")
        if sent and row.is_record:
            entry.form_key = sent.key
        sequence += 1
        entry.sequence, entry.previous_hash = sequence, previous
        entry.hash = previous = hash_of(entry)
    Entry.objects.bulk_create([row.entry for row in rows])
    if sent:
        sent.hashes += [row.entry.hash for row in rows]


def _hold_the_end() -> None:
    """Wait until nobody else writes.

    On SQLite the transaction holds the writer's place since it began. On PostgreSQL a lock is taken here and kept until
    the transaction ends: another writer waits, then sees these rows.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CHAIN_LOCK])


def _keys(people: set[UUID]) -> Mapping[UUID, str]:
    """Find the keys of people, and draw one for whom the trail meets for the first time; a destroyed one is empty."""
    if not people:
        return {}
    known = {each.person: each.key for each in PersonKey.objects.filter(pk__in=people)}
    drawn = [PersonKey(person=person, key=new_key()) for person in sorted(people - set(known))]
    PersonKey.objects.bulk_create(drawn)
    return known | {each.person: each.key for each in drawn}
