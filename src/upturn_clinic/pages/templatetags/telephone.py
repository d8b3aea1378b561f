"""Telephone numbers that a telephone can call by itself."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

__all__ = ["called"]

register = template.Library()

# Groups of digits with one space between them, or one hyphen before three digits or more ("24-7" is no number); "+" or
# an area code in brackets may stand first.
NUMBER = re.compile(r"(?:\+|\(\d{2,5}\) ?)?\d+(?: \d+|-\d{3,})*")
# The shortest are those of emergencies, the longest those of E.164.
DIGITS = range(3, 16)


@register.filter
def called(line: str) -> SafeString:
    """Write whom to call, with a link on the number: "who: number, hours", where who and hours may be missing.

    A number written in another way, or with other words beside it, stands without a link: a wrong one would call
    somebody else.

    Examples
    --------
    >>> called("Samaritans: 116 123, free")
    'Samaritans: <a href="tel:116123">116 123</a>, free'
    >>> called("+45 55 50 01 00, Mon to Fri 8-16"), called("112")
    ('<a href="tel:+4555500100">+45 55 50 01 00</a>, Mon to Fri 8-16', '<a href="tel:112">112</a>')
    >>> called("(555) 555-0100 & more"), called("555 0100 9 am"), called("Open: 24-7"), called("ask at the desk")
    ('(555) 555-0100 &amp; more', '555 0100 9 am', 'Open: 24-7', 'ask at the desk')
    """
    line = " ".join(line.split())
    who, colon, rest = line.partition(": ") if ": " in line else ("", "", line)
    number, comma, hours = rest.partition(",")
    digits = "".join(each for each in number if each.isdigit() or each == "+")
    if not NUMBER.fullmatch(number) or len(digits.lstrip("+")) not in DIGITS:
        return format_html("{}", line)
    return format_html('{}<a href="tel:{}">{}</a>{}', who + colon, digits, number, comma + hours)
