"""How shares, and the sources that a protocol names, are written on pages for staff."""

from __future__ import annotations

from django import template

from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of

__all__ = ["percent", "points", "source_words"]

register = template.Library()


@register.filter
def percent(share: float | None) -> str:
    """Write a share as a whole percentage.

    Examples
    --------
    >>> percent(0.455), percent(None)
    ('46 %', '–')
    """
    return "–" if share is None else f"{share * 100:.0f} %"


@register.filter
def points(change: float | None) -> str:
    """Write a change in points of a scale.

    Examples
    --------
    >>> points(-13.04), points(-0.04), points(None)
    ('−13.0', '0.0', '–')
    """
    return "–" if change is None else f"{change:z.1f}".replace("-", "−")


@register.filter
def source_words(citation: str | None, version: ProtocolVersion) -> str:
    """Write a source as people read it, not by the protocol's short word for it."""
    if not citation:
        return "none named"
    named = (each for each in protocol_of(version).sources if each.id == citation)
    return next((" ".join(each.text.split()) for each in named), citation)
