"""A form that is sent twice is written once.

Each form carries a random text. With what was typed it makes the key of that sending, which the ledger writes into its
rows: in the same transaction as the record, so neither is there without the other. Another request with the same key
finds it, waits for it if need be, and writes nothing. Whoever sends the same form with *other* content means another
thing: that is written.

What lives here: the key, and what the present request is sending. What does not: looking it up (``writing.py``,
``queries.py``) and answering (``middleware.py``).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from upturn_clinic.ground.forms import FORM_KEY

__all__ = ["NOT_CONTENT", "Repeated", "Sending", "key_of", "now_sending", "sending"]

# What differs from one sending to the next although the same is meant; and a password belongs into no such hash.
NOT_CONTENT = frozenset(
    {FORM_KEY, "csrfmiddlewaretoken", "password", "password1", "password2", "again", "oldpassword", "code"}
)
# How the length of a part is written before it, so that no two contents run together into one.
LENGTH_BYTES = 8


class Repeated(Exception):  # noqa: N818  (nothing is wrong)
    """The same form was saved already. The transaction that meets this writes nothing."""


@dataclass
class Sending:
    """The form that this request sends.

    Parameters
    ----------
    key
        What the ledger's rows bear.
    hashes
        The rows that this request itself wrote.
    """

    key: str
    hashes: list[str] = field(default_factory=list)


_present: ContextVar[Sending | None] = ContextVar("sending", default=None)


def key_of(nonce: str, content: Iterable[tuple[str, str]], *, secret: str) -> str:
    """Make the key of one sending: from it, nobody finds what was typed.

    Parameters
    ----------
    nonce
        The random text in the form.
    content
        Names and values of all fields, in their order.
    secret
        The site's key.

    Examples
    --------
    >>> one = key_of("n", [("value", "31"), ("password", "x")], secret="s")
    >>> one == key_of("n", [("value", "31"), ("password", "y")], secret="s")
    True
    >>> one == key_of("n", [("value", "32"), ("password", "x")], secret="s")
    False
    """
    hashed = hmac.new(secret.encode(), b"upturn clinic, form sent\0", hashlib.sha256)
    for part in (nonce, *(text for name, value in content if name not in NOT_CONTENT for text in (name, value))):
        written = part.encode()
        hashed.update(len(written).to_bytes(LENGTH_BYTES, "big") + written)
    return hashed.hexdigest()


@contextmanager
def sending(key: str) -> Iterator[Sending]:
    """Let the ledger know, for the time of one request, what it sends."""
    token = _present.set(Sending(key))
    try:
        found = _present.get()
        assert found is not None  # noqa: S101  (set a line above)
        yield found
    finally:
        _present.reset(token)


def now_sending() -> Sending | None:
    """Tell which form is being sent; None outside of such a request."""
    return _present.get()
