"""How shares are written on pages for staff."""

from __future__ import annotations

from django import template

__all__ = ["percent"]

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
