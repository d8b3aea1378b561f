"""How amounts are written on pages of the register."""

from __future__ import annotations

from decimal import Decimal

from django import template

__all__ = ["amount", "signed"]

register = template.Library()


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
