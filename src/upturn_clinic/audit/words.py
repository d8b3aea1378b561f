"""How a row of the trail names a field and writes its value. What does not live here: who may see which."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

__all__ = ["said_of", "value_of"]

# Units that field names end with, where a field has no name in words.
_UNITS = {"h": "h", "min": "min", "mg": "mg", "ml": "ml", "kg": "kg", "y": "years", "s": "s"}
_NAMED = {"recall_h": "looks back [h]", "because": "reason", "at": "time", "is_expected": "expected"}
_KEY = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# A document or a computed answer is one value: its page shows it, the trail only says how it begins.
LONGEST, SHOWN = 400, 80


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
    """Write a value as its page would: choices by their words, numbers and days as people do, long documents cut."""
    found = _field(model, field)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(found, (models.DecimalField, models.FloatField)):
        return f"{float(value):g}"
    if isinstance(found, models.DateField) and not isinstance(found, models.DateTimeField):
        day = date.fromisoformat(str(value))
        return f"{day.day} {day:%b %Y}"
    if found is not None and found.choices and isinstance(value, str):
        return str(dict(found.flatchoices).get(value, value))
    is_document = isinstance(found, models.JSONField) or (isinstance(found, models.TextField) and not found.max_length)
    text = str(value)
    if is_document and len(text) > LONGEST:
        return f"{text[:SHOWN]}… ({len(text):,} characters)"
    return _KEY.sub(r"\1…", text) if field == "source" else value


def _field(model: type[models.Model] | None, field: str) -> models.Field[Any, Any] | None:
    if model is None:
        return None
    try:
        found = model._meta.get_field(field)
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, models.Field) else None
