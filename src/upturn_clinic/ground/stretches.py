"""Stretches of time in words: hours where people speak of hours, days where they speak of days."""

from __future__ import annotations

from decimal import Decimal

from upturn.units import DAY_H

__all__ = ["in_words"]

# From here on people count days.
SPOKEN_IN_DAYS_H = 2 * DAY_H


def in_words(hours: float | Decimal) -> str:
    """Write a stretch [h] as people say it.

    Examples
    --------
    >>> in_words(24), in_words(168), in_words(Decimal("336.00")), in_words(1), in_words(60)
    ('24 hours', '7 days', '14 days', '1 hour', '60 hours')
    """
    amount = float(hours)
    days = amount / DAY_H
    if amount >= SPOKEN_IN_DAYS_H and days.is_integer():
        return f"{days:g} days"
    return f"{amount:g} hour{'' if amount == 1 else 's'}"
