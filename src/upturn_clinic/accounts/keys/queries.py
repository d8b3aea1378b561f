"""Reading where somebody is logged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare, salted_hmac

from upturn_clinic.accounts.models import OpenSession, User
from upturn_clinic.operation import IDLE_LOGOUT, SESSION_LENGTH

__all__ = [
    "DEVICE",
    "LAST_ACTIVITY",
    "LOGGED_IN",
    "Opened",
    "device_in_words",
    "last_heard",
    "noted_time",
    "open_sessions",
]

# What a session notes about itself (see ``accounts.middleware``).
LAST_ACTIVITY, LOGGED_IN, DEVICE = "last_activity", "logged_in", "device"
UNKNOWN = "a browser that does not say its name"
# In this order: most browsers name others as well.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"),
             ("Chrome/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "an iPhone"), ("iPad", "an iPad"), ("Android", "Android"), ("Windows", "Windows"),
            ("Mac OS X", "a Mac"), ("CrOS", "a Chromebook"), ("Linux", "Linux"))  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A browser in which somebody is logged in.

    Parameters
    ----------
    mark
        Names it on a page; opens nothing.
    device
        Which browser on which machine, in words.
    began_at, used_at
        When it was logged in, and last used; None where it was not used yet.
    key
        What opens it: for the machinery, never for a page.
    """

    mark: str
    device: str
    began_at: datetime | None
    used_at: datetime | None
    key: str


def device_in_words(agent: str) -> str:
    """Say which browser on which machine, from what the browser says of itself.

    Examples
    --------
    >>> device_in_words("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    """
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return f"{browser} on {system}" if browser and system else browser or UNKNOWN


def noted_time(noted: str | None) -> datetime | None:
    """Read a time as a session notes it."""
    return datetime.fromisoformat(noted) if noted else None


def last_heard(session: SessionBase) -> datetime | None:
    """Tell when somebody last did something in a session; None before anything was noted."""
    return noted_time(session.get(LAST_ACTIVITY) or session.get(LOGGED_IN))


def open_sessions(user: User, at: datetime, *, here: SessionBase | None = None) -> Sequence[Opened]:
    """List where somebody is logged in at a time, last used first; what ended by itself or by a new password is out.

    Parameters
    ----------
    here
        The session of the request, of which not everything is saved yet.
    """
    found = []
    for row in OpenSession.objects.filter(person=user.pk, expire_date__gt=at):
        told = dict(here.items()) if here is not None and here.session_key == row.session_key else row.get_decoded()
        began, used = noted_time(told.get(LOGGED_IN)), noted_time(told.get(LAST_ACTIVITY))
        has_ended = (used and at - used > IDLE_LOGOUT) or (began and at - began > SESSION_LENGTH)
        if not has_ended and _fits(user, told.get(HASH_SESSION_KEY, "")):
            device = told.get(DEVICE) or UNKNOWN
            found.append(Opened(_mark(row.session_key), device, began, used, row.session_key))
    return sorted(found, key=lambda each: (each.used_at or at, each.mark), reverse=True)


def _mark(key: str) -> str:
    return salted_hmac("upturn clinic, mark of a session", key, algorithm="sha256").hexdigest()


def _fits(user: User, noted: str) -> bool:
    """Tell whether the session is of the password that holds now."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(noted, each) for each in hashes)
