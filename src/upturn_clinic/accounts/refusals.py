"""Which refusals are written into the trail: enough to see who tries what, too few to fill a disk.

Counted by kind and by who tries, per hour; and by kind over all strangers together. The counters are those of the rate
limits, in the cache. What does not live here: writing (``actions.note_refusal``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from django.core.cache import cache

from upturn_clinic.operation import REFUSALS_NOTED_EACH, REFUSALS_NOTED_IN_ALL

__all__ = ["Refusal", "Written", "written"]

HOUR = timedelta(hours=1)


class Refusal(StrEnum):
    """What was refused, as the trail says it."""

    ROLE = "was refused a page"
    ELSEWHERE = "asked for a page that is not there for them"
    LIMIT = "reached a limit"
    NO_TOKEN = "sent a form without its token"  # noqa: S105  (names what was missing)
    NO_LINK = "opened a link that opens nothing"
    UNKNOWN_NAME = "failed to log in"
    WRONG_CODE = "gave a wrong code"
    PROOF = "failed to confirm who they are"


class Written(StrEnum):
    """Whether a refusal is written."""

    YES = "yes"
    AS_THE_LAST = "as the last one of this hour"
    NO = "no"


def written(kind: Refusal, *, who: str, is_known: bool, at: datetime) -> Written:
    """Count one refusal, and tell whether it is written.

    Parameters
    ----------
    who
        The key of a person, or the address of a stranger's computer.
    is_known
        Whether that is a person: one who is known has a count of their own and no share in the strangers'.
    """
    hour = int(at.timestamp() // HOUR.total_seconds())
    of_one = _count(f"{hour} {kind} {who}")
    of_all = 0 if is_known or of_one > REFUSALS_NOTED_EACH else _count(f"{hour} {kind}")
    if of_one > REFUSALS_NOTED_EACH or of_all > REFUSALS_NOTED_IN_ALL:
        return Written.NO
    is_last = of_one == REFUSALS_NOTED_EACH or of_all == REFUSALS_NOTED_IN_ALL
    return Written.AS_THE_LAST if is_last else Written.YES


def _count(of: str) -> int:
    key = f"refusals-{sha256(of.encode()).hexdigest()}"
    if cache.add(key, 1, HOUR.total_seconds()):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # it went in between
        return 1
