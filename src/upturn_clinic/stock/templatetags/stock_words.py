"""How amounts are written on pages of the register."""

from __future__ import annotations

import re
from decimal import Decimal

from django import template

__all__ = ["amount", "measured", "signed"]

register = template.Library()
BEFORE_A_UNIT = re.compile(r"(?<=\d) (?=(?:mg|ml|kg|pieces)\b)")


@register.filter
def amount(of: Decimal | None) -> str:
    """Write an amount without empty decimals.

    Examples
    --------
    >>> amount(Decimal("40.300")), amount(Decimal("0.000")), amount(None)
    ('40.3', '0', '–')
    """
    if of is None:
        return "–"
    return f"{of.normalize():f}" if of else "0"


@register.filter
def measured(words: str) -> str:
    r"""Keep each number on one line with its unit.

    Examples
    --------
    >>> measured("vial of 200 mg: 20 ml, 10 mg/ml")
    'vial of 200\xa0mg: 20\xa0ml, 10\xa0mg/ml'
    """
    return BEFORE_A_UNIT.sub("\u00a0", words)


@register.filter
def signed(of: Decimal | None) -> str:
    """Write a change with its sign; no change as a dash.

    Examples
    --------
    >>> signed(Decimal("-40.300")), signed(Decimal(200)), signed(Decimal(0))
    ('−40.3', '+200', '–')
    """
    if not of:
        return "–"
    return f"{'+' if of > 0 else '−'}{amount(abs(of))}"
