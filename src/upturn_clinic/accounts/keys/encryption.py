"""How the secrets of code apps are encrypted: with a key that comes from the site's, so the database opens nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from upturn.errors import CannotError

__all__ = ["decrypt", "encrypt", "encrypted_anew"]

KEY_LENGTH = 32
# What of django-allauth's keys is encrypted: the seed of codes, of recovery codes, and codes taken over from elsewhere.
_ONE, _MANY = ("secret", "seed"), ("migrated_codes",)


def encrypt(text: str) -> str:
    """Encrypt with the present key."""
    return _fernet().encrypt(text.encode()).decode()


def decrypt(encrypted: str) -> str:
    """Decrypt, with an earlier key of the site if need be."""
    return _fernet().decrypt(encrypted.encode()).decode()


def encrypted_anew(data: Mapping[str, Any], *, of: str) -> dict[str, Any]:
    """Give a key's data with what is encrypted in it under the present key; the rest as it is.

    Raises
    ------
    CannotError
        It opens with none of the keys.
    """
    try:
        ones = {name: _again(data[name]) for name in _ONE if name in data}
        many = {name: [_again(each) for each in data[name]] for name in _MANY if name in data}
    except InvalidToken as error:
        raise CannotError(
            "A secret does not open with any key of the site.", expected="the key that it was encrypted with",
            where=of, remedy="name that key in UPTURN_OLD_SECRET_KEYS; nothing was changed",
        ) from error  # fmt: skip
    return {**data, **ones, **many}


def _again(encrypted: str) -> str:
    return _fernet().rotate(encrypted.encode()).decode()


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=None, info=b"upturn clinic, second factor")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
