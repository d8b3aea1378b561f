"""A telephone number that a telephone can call by itself."""

from __future__ import annotations

import re

from django import template

__all__ = ["dialled"]

register = template.Library()

# A number stands first; hours may follow it.
NUMBER = re.compile(r"\+?[\d\s()/.-]*\d")


@register.filter
def dialled(phone: str) -> str:
    """Give what is dialled of a telephone number as people write it; nothing where it begins with no number.

    Examples
    --------
    >>> dialled("+45 55 50 (100), Mon to Fri 8 to 16"), dialled("ask at the desk")
    ('+455550100', '')
    """
    found = NUMBER.match(phone.strip())
    return "".join(each for each in found.group() if each.isdigit() or each == "+") if found else ""
