"""The secret in a link: a random text, signed by the site's key. The database holds its hash alone.

What lives here: making and reading such texts. What does not: what a link opens.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.core import signing

from upturn_clinic.assessments.limits import LATE_ANSWERS, LINK_BYTES, LINK_LONGEST_H

__all__ = ["hash_of", "new_token", "read_token"]

SALT = "upturn clinic, self-rating"


def new_token() -> tuple[str, str]:
    """Draw a new secret: what goes into the link, and the hash that is kept."""
    drawn = secrets.token_urlsafe(LINK_BYTES)
    return signing.TimestampSigner(salt=SALT).sign(drawn), hash_of(drawn)


def read_token(token: str) -> str | None:
    """Give the hash of a link's secret; None when we did not sign it, or longer ago than anything is taken from it."""
    try:
        drawn = signing.TimestampSigner(salt=SALT).unsign(token, max_age=timedelta(hours=LINK_LONGEST_H) + LATE_ANSWERS)
    except signing.BadSignature:
        return None
    return hash_of(drawn)


def hash_of(drawn: str) -> str:
    """Hash a secret. It has 256 random bits: no salt and no slow hash make it safer."""
    return hashlib.sha256(drawn.encode()).hexdigest()
