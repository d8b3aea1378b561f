"""How a row of the trail names a field and writes its value. What does not live here: who may see which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from upturn_clinic.ground.dates import day
from upturn_clinic.ground.stretches import in_words
from upturn_clinic.ledger.sealing import DESTROYED
from upturn_clinic.operation import LONGEST_REASON

__all__ = ["said_of", "short_key", "value_of"]

# Units that field names end with, where a field has no name in words.
_UNITS = {"h": "h", "min": "min", "mg": "mg", "ml": "ml", "kg": "kg", "y": "years", "s": "s"}
_NAMED = {"recall_h": "looks back", "because": "reason", "at": "time", "is_expected": "expected"}
_KEY = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A protocol is one value: its page shows it, the trail says how long it is; of answers and what is computed also how it
# begins, so that what was righted can be told.
LONGEST_DATA = 400


def said_of(model: type[models.Model] | None, field: str) -> str:
    """Name a field in words: as its model calls it, else by its own name, with its unit.

    Examples
    --------
    >>> said_of(None, "nominal_min"), said_of(None, "rate_ml_h"), said_of(None, "is_present"), said_of(None, "left_out")
    ('nominal [min]', 'rate [ml/h]', 'present', 'left out')
    """
    plain = field.replace("_", " ")
    found = _field(model, field)
    if found is not None and str(found.verbose_name) != plain:
        return str(found.verbose_name)
    if field in _NAMED:
        return _NAMED[field]
    words, units = field.removeprefix("is_").split("_"), list[str]()
    while len(words) > 1 and words[-1] in _UNITS:
        units.insert(0, _UNITS[words.pop()])
    return " ".join(words) + (f" [{'/'.join(units)}]" if units else "")


def value_of(model: type[models.Model] | None, field: str, value: Any) -> Any:
    """Write a value as its page would: choices by their words, numbers and days as people do, no long documents."""
    found = _field(model, field)
    text = str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(found, (models.DecimalField, models.FloatField)):
        return in_words(float(value)) if field == "recall_h" else f"{Decimal(str(value)).normalize():f}"
    if isinstance(found, models.DateField) and not isinstance(found, models.DateTimeField):
        return day(date.fromisoformat(str(value)))
    if found is not None and found.choices and isinstance(value, str):
        return str(dict(found.flatchoices).get(value, value))
    is_parts = isinstance(value, (dict, list))
    is_data = is_parts or isinstance(found, models.JSONField) or text.startswith("{")
    if len(text) > (LONGEST_DATA if is_data else LONGEST_REASON):
        begins = f"{text[:LONGEST_DATA]}…" if is_parts else "a document"
        return f"{begins} ({len(text):,} characters)"
    if isinstance(found, models.ForeignKey) and _KEY.fullmatch(text):
        value = _with_kind(found, text, said_of(model, field))
    return _IN_WORDS[field](text) if field in _IN_WORDS else value


def short_key(text: str) -> str:
    """Write keys by their beginning: enough to tell one record from another.

    Examples
    --------
    >>> short_key("session/7be8d705-df0a-40cc-9e44-389e437adb98"), short_key("1")
    ('session/7be8d705…', '1')
    """
    return _KEY.sub(r"\1…", text)


def _with_kind(field: models.ForeignKey[Any, Any], key: str, name: str) -> str:
    """Write the key of another record, with what kind of record it is, where the name of the field does not say so."""
    pointed: Any = field.related_model
    kind = str(pointed._meta.verbose_name)
    return short_key(key) if kind == name else f"{kind} {short_key(key)}"


def _kind_called(label: str) -> str:
    try:
        return str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label


_IN_WORDS: Mapping[str, Callable[[str], str]] = {
    "source": short_key, "object_type": _kind_called, DESTROYED: lambda keys: ", ".join(map(short_key, keys.split())),
}  # fmt: skip


def _field(model: type[models.Model] | None, field: str) -> models.Field[Any, Any] | None:
    if model is None:
        return None
    try:
        found = model._meta.get_field(field)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, models.Field) else None
