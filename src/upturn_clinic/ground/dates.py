"""Days and moments as people write them. Stretches of time stand in ``stretches``."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

__all__ = ["day", "moment"]


def day(on: date) -> str:
    """Write a day, such as the expiry of a lot.

    Examples
    --------
    >>> day(date(2028, 1, 31))
    '31 Jan 2028'
    """
    return f"{on.day} {on:%b %Y}"


def moment(at: datetime) -> str:
    """Write a time by the clock of the page: that of its facility.

    Examples
    --------
    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 3, 9, 5, tzinfo=UTC))
    '3 Nov 2026, 09:05'
    """
    local = timezone.localtime(at)
    return f"{day(local)}, {local:%H:%M}"
