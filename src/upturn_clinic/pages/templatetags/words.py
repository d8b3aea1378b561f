"""How times and changes are written on pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from upturn_clinic.ground import dates, stretches

__all__ = ["moment", "stretch", "value", "whole"]

register = template.Library()

# A whole protocol file is one value, of which its beginning is enough; reasons and notes are shorter than this.
LONGEST, BEGINNING = 2000, 80
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00")
# The name of a scale, a participant or a lot.
NAME = re.compile(r"(\b[A-Z\d]+(?:-[A-Z\d]+)+\b)")
KEY = re.compile(r"(\w+/)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """Write a time by the facility's clock, with the zone where the day alone could mislead.

    Examples
    --------
    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 3, 9, 5, tzinfo=UTC))
    '<time datetime="2026-11-03T09:05:00+00:00">3 Nov 2026, 09:05</time>'
    """
    if at is None:
        return "–"
    return format_html('<time datetime="{}">{}</time>', timezone.localtime(at).isoformat(), dates.moment(at))


@register.filter
def stretch(hours: float | Decimal | None) -> str:
    """Write how far questions look back [h]: in days where people count days.

    Examples
    --------
    >>> stretch(24), stretch(168.0), stretch(None)
    ('24 hours', '7 days', '–')
    """
    return "–" if hours is None else stretches.in_words(hours)


@register.filter
def whole(text: object) -> SafeString:
    """Write a text in which no name with a hyphen breaks over two lines.

    Examples
    --------
    >>> whole("Item 9 of the PHQ-9")
    'Item 9 of the <span class="nobreak">PHQ-9</span>'
    """
    # Names stand at every other place.
    written = ("{}", '<span class="nobreak">{}</span>')
    pieces = enumerate(NAME.split(str(text)))
    return format_html_join("", "{}", ((format_html(written[place % 2], each),) for place, each in pieces))


@register.filter
def value(of_field: Any) -> str:
    """Write a value of the trail: nothing as a dash, a time by the facility's clock, a long text by its beginning.

    Several values stand in a row, with their names where they have names.

    Examples
    --------
    >>> value(""), value(True), value("7be8d705-df0a-40cc-9e44-389e437adb98")
    ('–', 'yes', '7be8d705…')
    >>> value("x" * 12345) == "x" * 80 + "… (12,345 characters)"
    True
    >>> value("session/7be8d705-df0a-40cc-9e44-389e437adb98")
    'session/7be8d705…'
    >>> value({"1": 4, "10": 0, "2": 3}), value([]), value(["chest pain", True])
    ('1: 4, 2: 3, 10: 0', '–', 'chest pain, yes')
    """
    if of_field is None or of_field in ("", [], {}):
        return "–"
    if isinstance(of_field, bool):
        return "yes" if of_field else "no"
    text = str(of_field)
    if isinstance(of_field, (Mapping, list)) and len(text) <= LONGEST:
        return _several(of_field)
    if TIME.fullmatch(text):
        return moment(datetime.fromisoformat(text))
    if len(text) > LONGEST:
        return f"{text[:BEGINNING]}… ({len(text):,} characters)"
    return f"{text.split('-', maxsplit=1)[0]}…" if KEY.fullmatch(text) else text


def _several(values: Mapping[str, Any] | list[Any]) -> SafeString:
    if isinstance(values, list):
        return format_html_join(", ", "{}", ((value(each),) for each in values))
    # The items of a scale by their numbers, although they are kept as words.
    named = sorted(values.items(), key=lambda each: (len(each[0]), each[0]))
    return format_html_join(", ", "{}: {}", ((name, value(each)) for name, each in named))
