"""The mark of a picture: with it a page that asks again is told "nothing new" for a few questions to the database.

A picture rests on three things. On records: every write has a row in the trail, and rows come into sight in their
order, so the last row that was read *before* the picture was drawn names what it was drawn from. On who reads. And on
the clock: whoever draws says until when the clock alone changes nothing. What cannot be told apart counts as news:
then the picture is drawn anew, which is dear and never wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor.limits import MOST_ENTRIES
from upturn_clinic.floor.models import Session
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Participant

__all__ = ["Mark", "is_news", "last_row", "read_mark", "until", "whose"]

MINUTE = timedelta(minutes=1)
# The ways from a record to the one participant whom it is about.
WAYS = {
    "participant": "participant", "session": "session__participant", "plan": "plan__participant",
    "dose": "dose__plan__participant",
}  # fmt: skip


@dataclass(frozen=True)
class Mark:
    """What a picture was drawn from.

    Parameters
    ----------
    sequence
        The last row of the trail when it was drawn.
    until
        From when on the clock alone may change it.
    whose
        What it shows, and to whom (``whose``).
    """

    sequence: int
    until: datetime
    whose: str

    def __str__(self) -> str:
        return f'"{self.sequence}|{self.until.isoformat()}|{self.whose}"'

    def serves(self, whose: str, *, now: datetime) -> bool:
        """Whether it is of this picture and reader, and the clock has changed nothing yet."""
        return self.whose == whose and now < self.until


def read_mark(text: str) -> Mark | None:
    """Read what a page brings along; None for anything that is no mark.

    Examples
    --------
    >>> read_mark('W/"7|2026-03-23T09:01:00+01:00|ab"').sequence
    7
    >>> read_mark("seven") is None
    True
    """
    # A proxy that compresses an answer says so with W/.
    words = text.removeprefix("W/").strip('"').split("|")
    try:
        sequence, at, reader = words
        found = Mark(int(sequence), datetime.fromisoformat(at), reader)
    except ValueError:
        return None
    return found if found.until.tzinfo else None


def whose(reader: Actor, *shown: object) -> str:
    """Name what is shown and to whom: another reader, or the same one in another role, has another name."""
    parts = (*shown, reader.facility_id, reader.user_id, *sorted(reader.roles), *sorted(reader.permissions))
    return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def until(now: datetime, turns: Iterable[datetime]) -> datetime:
    """Say until when the clock alone changes nothing: the end of the minute, or sooner when something turns.

    Parameters
    ----------
    turns
        When something turns, such as a line that gets late; what lies behind does not matter.
    """
    minute = now.replace(second=0, microsecond=0) + MINUTE
    return min((minute, *(each for each in turns if each >= now)))


def last_row(facility: Facility | None = None) -> int:
    """Give the number of the last row of the trail: of all, or of what was written at a facility."""
    rows = Entry.objects.all() if facility is None else Entry.objects.filter(facility=facility)
    return rows.order_by("-sequence").values_list("sequence", flat=True).first() or 0


def is_news(session: UUID, *, since: int) -> bool:
    """Tell whether anything was written after a row that may change what the page of a session shows.

    What is known to be about other people is none, nor is a note that is about no record.
    """
    written = Entry.objects.filter(sequence__gt=since).exclude(object_type="").order_by("sequence")
    rows = list(written.values_list("object_type", "object_id")[: MOST_ENTRIES + 1])
    if not rows:
        return False
    if len(rows) > MOST_ENTRIES:
        return True
    person = Session.objects.filter(pk=session).values_list("participant", flat=True).first()
    if person is None:
        return True
    keys: dict[str, set[str]] = {}
    for label, key in rows:
        keys.setdefault(label, set()).add(key)
    return any(_is_about(person, apps.get_model(label), found) for label, found in keys.items())


def _is_about(person: UUID, model: type[Model], keys: set[str]) -> bool:
    """Tell whether any of some records may be about a person; so may those of which it is not known."""
    way = _way(model)
    if way is None:
        return True
    others = model._default_manager.filter(pk__in=keys).exclude(**{way: None}).exclude(**{way: person})
    return others.count() < len(keys)


def _way(model: type[Model]) -> str | None:
    if model is Participant:
        return "pk"
    fields: Mapping[str, object] = {each.name: each for each in model._meta.concrete_fields}
    return next((way for name, way in WAYS.items() if name in fields), None)
