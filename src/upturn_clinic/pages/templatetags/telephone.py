"""Telephone numbers that a telephone can call by itself."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

__all__ = ["called", "dialled"]

register = template.Library()

_GROUP = r"(?:\d+|\(\d+\))"
# Digits with what may stand between them. A stretch is one number or none: what is cut short calls somebody else.
STRETCH = re.compile(rf"(?:\+ ?)?{_GROUP}(?:[ /.\u2010-\u2015-]*{_GROUP})*")
# Which stretches are numbers. One sign divides a number; or spaces do, and one hyphen after three digits or more. After
# an area code stands a stroke or a dash. No number: a day, two times of the clock, a zero in brackets after "+".
NUMBER = re.compile(
    rf"""
    (?! \d{{4}}-\d\d-\d\d$ | \d\d?([.-])\d\d?\1(?:19|20)\d\d$ )
    (?! .*\b[012]\d[0134][05][ ]?-[ ]?[012]\d[0134][05]\b | \+.*\(0 )
    (?= (?:\D*\d){{3,13}}\D*$ | \+(?:\D*\d){{3,15}}\D*$ )
    (?: (?=(?:\D*\d){{7}}) (?:\+[ ]?(?:\d{{1,3}}[ ])?)? \d+([.-])\d+(?:\2\d+)*
      | (?: (?:\+[ ]?\d{{1,3}}[ ][1-9]\d{{1,4}} | 0\d{{1,5}} | \(0\d{{1,5}}\)) (?:[ ]?/[ ]?|[ ][\u2013-][ ])(?=[1-9])
          | \+[ ]? )?
        {_GROUP} (?: (?:[ ]|(?<=\))|(?=\()) (?:\d{{3,}}-\d+|{_GROUP}) )* )
    """,
    re.VERBOSE,
)
# So much is a whole number, and no area code.
WHOLE = re.compile(r"(?:\D*\d){7}")
# After a number stands no unit and no hour. A word may follow a group of three digits: "24 h" is a stretch of time.
NO_END = re.compile(
    r"\S?\w| ?[%€£$]|\)? \(?\d|(?<!\d{3}) [^\W\d]| (?:to|until|till|h|am|pm|a\.m|p\.m|days?|hours?|minutes?)\b"
)
# Anywhere in a line: behind a space, and not at the end of a stretch of time. A year is none.
INSIDE = re.compile(
    rf"(?<!\S)(?<!\bto )(?<!until )(?<!\) )(?<!\d )(?<!\d [/\u2013-] )(?!(?:19|20)\d\d\b(?! \d)){STRETCH.pattern}"
)


@register.filter
def dialled(phone: str) -> str:
    """Give what is dialled of a telephone number as people write it; nothing where it begins with no clear number.

    Examples
    --------
    >>> dialled("+45 55 50 (100), Mon to Fri 8 to 16"), dialled("555 0100 / 555 0101"), dialled("112")
    ('+455550100', '5550100', '112')
    >>> dialled("+45 55 50 01 00: Mon to Fri 8 to 16"), dialled("116 123: free"), dialled("030 / 450 50")
    ('+4555500100', '116123', '03045050')
    >>> dialled("555  0100"), dialled("555\u00a0555-0100"), dialled("030 - 450 50"), dialled("1-800-555-0100")
    ('5550100', '5555550100', '03045050', '18005550100')
    >>> dialled("ask at the desk"), dialled("24 hours: 555 0100"), dialled("24/7: 555 0100"), dialled("8-16: 555 0100")
    ('', '', '', '')
    >>> dialled("555 0100 24/7"), dialled("555 0100 8-16"), dialled("555 0100 9 am"), dialled("+44 (0)20 7946 0018")
    ('', '', '', '')
    """
    line = " ".join(phone.split())
    found = STRETCH.match(line)
    if not found:
        return ""
    first = found.group().partition(" / ")[0]
    # Of two whole numbers the first one.
    is_two = first != found.group() and not NUMBER.fullmatch(found.group()) and WHOLE.match(first)
    stretch = first if is_two else found.group()
    return _digits(stretch) if NUMBER.fullmatch(stretch) and not NO_END.match(line, len(stretch)) else ""


@register.filter
def called(line: str) -> SafeString:
    """Write a line of crisis help, with a link on each clear telephone number in it.

    Examples
    --------
    >>> called("Samaritans: call 116 123, free")
    'Samaritans: call <a href="tel:116123">116 123</a>, free'
    >>> called("Our nurse: +45 55 50 01 00, Mon to Fri 8-16, 365 days, 08:00-16:00, 24/7 & more")
    'Our nurse: <a href="tel:+4555500100">+45 55 50 01 00</a>, Mon to Fri 8-16, 365 days, 08:00-16:00, 24/7 &amp; more'
    >>> called("116\u00a0123"), called("116  123: free")
    ('<a href="tel:116123">116 123</a>', '<a href="tel:116123">116 123</a>: free')
    >>> called("0800 - 111 0 111 or 112")
    '<a href="tel:08001110111">0800 - 111 0 111</a> or <a href="tel:112">112</a>'
    >>> called("116 123 24 h, 555 0100 9 am to 5 pm, 116 123 / 116 117, 0800-1600")
    '116 123 24 h, 555 0100 9 am to 5 pm, 116 123 / 116 117, 0800-1600'
    """
    line = " ".join(line.split())
    parts: list[tuple[str]] = []
    end = 0
    for found in INSIDE.finditer(line):
        if NUMBER.fullmatch(found.group()) and not NO_END.match(line, found.end()):
            link = format_html('<a href="tel:{}">{}</a>', _digits(found.group()), found.group())
            parts += [(line[end : found.start()],), (link,)]
            end = found.end()
    return format_html_join("", "{}", [*parts, (line[end:],)])


def _digits(number: str) -> str:
    return "".join(each for each in number if each.isdigit() or each == "+")
