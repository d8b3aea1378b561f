"""The shape of an entry as a page sends it: read strictly, refused in words. No table.

Each has ``id`` (a UUID that the browser made), ``kind``, ``at`` (when it was so, corrected by the server's clock) and
``device_at`` (what the device's own clock said).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.limits import LARGEST_FILLING_ML, LARGEST_RATE_ML_H
from upturn_clinic.floor.models import Administration, Answer, EmergencyStep, GateDecision, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["ACTS", "KINDS", "Entry", "read_entry", "stamp_of"]

ACTS = frozenset(Administration.Kind.values)
ALL_PERCENT = 100
LONGEST_NAME = 160
LONGEST_KEY = 120
MOST_SIGNS = 40
# What the column of a reading holds.
LARGEST, PLACES = Decimal(10) ** 6, 3
# Longer than anybody types; beyond it a number would fill the memory when it is written out.
LONGEST_NUMBER, MOST_DIGITS = 40, 20


@dataclass(frozen=True)
class Entry:
    """An entry that was read: its key, kind and times, and the values of its kind."""

    id: UUID
    kind: str
    at: datetime
    device_at: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


def read_entry(sent: object) -> Entry:
    """Read one entry.

    Raises
    ------
    Refused
        Something is missing, has the wrong form, or lies outside what is possible.

    Examples
    --------
    >>> entry = read_entry({"id": "8b0bdb5a-3f0e-4f3c-9a55-0d9e6a1b7c01", "kind": "rate", "rate_ml_h": "75",
    ...                     "at": "2026-03-03T10:00:00Z"})
    >>> entry.values["rate_ml_h"]
    Decimal('75')
    """
    if not isinstance(sent, Mapping):
        raise Refused("This entry could not be read.", expected="an object")
    kind = sent.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise Refused("There is no entry of this kind.", expected=", ".join(sorted(KINDS)), came=str(kind)[:40])
    values = {name: read(name, sent.get(name)) for name, read in KINDS[kind].items()}
    device_at = None if sent.get("device_at") is None else _instant("device_at", sent["device_at"])
    return Entry(_key("id", sent.get("id")), kind, _instant("at", sent.get("at")), device_at, values)


def _instant(name: str, value: object) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        if found is not None and found.tzinfo is not None:
            found = found.astimezone(UTC)
            # A day from the ends of the calendar: in every zone it is still a time.
            _ = found - timedelta(days=1), found + timedelta(days=1)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.tzinfo is None:
        raise Refused(f"The time ({name}) could not be read.", expected="a time with its zone", came=str(value)[:40])
    return found


def _key(name: str, value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError as error:
        raise Refused(f"The key ({name}) could not be read.", came=str(value)[:40]) from error


def _number(value: object, name: str) -> Decimal:
    try:
        text = str(value).strip()
        if len(text) > LONGEST_NUMBER:
            raise Refused(f"This number is too long ({name}).", expected=f"at most {LONGEST_NUMBER} characters")
        # People type a comma as well as a point.
        found = Decimal(text.replace(",", "."))
    except (InvalidOperation, ValueError):
        found = Decimal("NaN")
    if found.is_finite() and max(abs(found.adjusted()), abs(int(found.as_tuple().exponent))) > MOST_DIGITS:
        raise Refused("This number cannot be kept.", expected=f"at most {MOST_DIGITS} digits ({name})", came=text)
    if not found.is_finite():
        raise Refused("This is not a number.", expected=f"a number ({name})", came=str(value)[:40])
    return found


def _within(least: int, most: int, *, is_open: bool = False) -> Callable[[str, object], Decimal]:
    def read(name: str, value: object) -> Decimal:
        found = _number(value, name)
        if not (least < found if is_open else least <= found) or found > most:
            words = f"more than {least} and at most {most}" if is_open else f"{least} to {most}"
            raise Refused("This number is not possible here.", expected=words, came=f"{found:f}")
        return found

    return read


def _value(name: str, value: object) -> Decimal:
    found = _number(value, name)
    places = found.normalize().as_tuple().exponent
    if abs(found) >= LARGEST or (isinstance(places, int) and places < -PLACES):
        raise Refused("This number cannot be kept.", expected=f"at most {PLACES} decimal places", came=f"{found:f}")
    return found


def _text(most: int, *, needed: bool = False) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        found = "" if value is None else str(value).strip()
        if needed and not found:
            raise Refused(f"The {name} is missing.", remedy="write it in a few words")
        if len(found) > most:
            raise Refused(f"The {name} is too long.", expected=f"at most {most} characters")
        return found

    return read


def _one_of(choices: Sequence[str]) -> Callable[[str, object], str]:
    def read(name: str, value: object) -> str:
        if value not in choices:
            raise Refused(f"This {name} is not known.", expected=", ".join(choices), came=str(value)[:40])
        return str(value)

    return read


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Refused(f"Yes or no was expected ({name}).", came=str(value)[:40])
    return value


def _minute(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"A whole number of minutes was expected ({name}).", came=str(value)[:40])
    return value


def _list_of(read: Callable[[str, object], Any]) -> Callable[[str, object], list[Any]]:
    def read_all(name: str, value: object) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MOST_SIGNS:
            raise Refused(f"A short list was expected ({name}).")
        return [read(name, each) for each in value]

    return read_all


def _or_none(read: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    return lambda name, value: None if value is None else read(name, value)


_REASON = _text(LONGEST_REASON)
_NAME = _text(LONGEST_NAME)
# What is put in the place of something wrong says what that is, and why.
_REPLACES: Mapping[str, Callable[[str, object], Any]] = {"replaces": _or_none(_key), "reason": _REASON}
_BECAUSE: Mapping[str, Callable[[str, object], Any]] = {"because": _REASON, **_REPLACES}
_RATE = _within(0, LARGEST_RATE_ML_H, is_open=True)
_SHARE = _within(0, ALL_PERCENT)

KINDS: Mapping[str, Mapping[str, Callable[[str, object], Any]]] = {
    "reading": {
        "instrument": _text(40, needed=True), "value": _value, "nominal_min": _or_none(_minute), "row": _or_none(_key),
        "replaces": _or_none(_key), "reason": _REASON, "is_sure": _or_none(_flag),
    },
    "answer": {
        "list": _one_of([Answer.List.ARRIVAL, Answer.List.TIME_OUT]), "criterion": _text(LONGEST_KEY, needed=True),
        "answer": _one_of(Answer.Said.values), "note": _REASON, "replaces": _or_none(_key), "reason": _REASON,
    },
    "sign": {"gate": _text(LONGEST_KEY, needed=True), "sign": _text(200), "is_present": _flag},
    "decision": {
        "gate": _text(LONGEST_KEY, needed=True),
        "decision": _one_of([each for each in GateDecision.Decision.values if each != "override"]),
        "reason": _text(LONGEST_REASON, needed=True), "because_of": _list_of(_key),
    },
    "filling": {"ml": _within(0, LARGEST_FILLING_ML, is_open=True), **_REPLACES},
    "start": {"rate_ml_h": _RATE, **_BECAUSE},
    "pause": _BECAUSE,
    "resume": {"rate_ml_h": _or_none(_RATE), **_BECAUSE},
    "rate": {"rate_ml_h": _RATE, **_BECAUSE},
    "device": {"percent": _or_none(_SHARE), **_BECAUSE},
    "given": {"percent": _or_none(_SHARE), **_BECAUSE},
    "stop": {"why": _text(LONGEST_KEY), **_BECAUSE},
    "on_plan": {"because": _REASON},
    "effect": {
        "term": _text(120, needed=True), "severity": _one_of(["mild", "moderate", "severe"]), "detail": _REASON,
    },
    "effect_change": {
        "event": _key, "change": _one_of(["peak", "ended", "severity"]),
        "severity": _or_none(_one_of(["mild", "moderate", "severe"])), "reason": _REASON,
    },
    "emergency": {
        "step": _one_of(EmergencyStep.Step.values), "gate": _text(LONGEST_KEY), "signs": _list_of(_text(200)),
        "who": _NAME, "note": _REASON,
    },
    "strike": {"of": _key, "reason": _text(LONGEST_REASON, needed=True)},
}  # fmt: skip


def stamp_of(session: Session, entry: Entry, by: Actor, at: datetime) -> dict[str, Any]:
    """Give what every entry is written with."""
    return {"pk": entry.id, "session": session, "at": entry.at, "device_at": entry.device_at, "noted_at": at,
            "by": by.user}  # fmt: skip
