"""How the log-in machinery (django-allauth) meets the clinic: what it does is written down, its secrets are encrypted.

Allauth's own hooks are used, not signals: they run inside its views, which are atomic (see ``urls.py``).
"""

from __future__ import annotations

import base64
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.utils import timezone

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.letters import NO_ADDRESS
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role

__all__ = ["AccountAdapter", "SecondFactorAdapter"]

KEY_LENGTH = 32
# What allauth tells after its transaction ended is written down by our own views instead (see ``views.py``).
EVENTS = {
    "account/email/password_changed": "changed the password",
    "account/email/password_reset": "reset the password",
    "account/email/password_set": "set a password",
    "mfa/email/totp_deactivated": "took the code app away",
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes open sign-up and writes down log-ins."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  (allauth hands it over)
        """Nobody signs up: people are invited."""
        return False

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Log in, and write it down."""
        super().login(request, user)
        self._note("logged in", user)

    def logout(self, request: HttpRequest) -> None:
        """Log out, and write it down."""
        self._note("logged out", request.user)
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Write down a failed log-in; about whom, only if that person exists."""
        tried = queries.user_with_email(credentials.get("email") or "")
        actions.note_event(
            action="failed to log in", by=system(), at=timezone.now(), about=tried, facts={},
            address=self.get_client_ip(request),
        )  # fmt: skip

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a letter, but none to a participant's log-in name, which is no address."""
        if not email.endswith(NO_ADDRESS):
            super().send_mail(template_prefix, email, context)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: AbstractBaseUser,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Write down what happened to somebody's keys, and tell them by letter."""
        if template_prefix in EVENTS:
            self._note(EVENTS[template_prefix], user)
        super().send_notification_mail(template_prefix, user, context, email)

    def _note(self, action: str, user: Any) -> None:
        if isinstance(user, User):
            actions.note_event(
                action=action, by=Actor(user), at=timezone.now(), about=user, facts={},
                address=self.get_client_ip(self.request),
            )  # fmt: skip


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps the secrets of code apps encrypted, and staff from taking theirs away."""

    def encrypt(self, text: str) -> str:
        """Encrypt with a key that comes from the clinic's secret key: the database alone opens nothing."""
        return _fernet().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt, with an earlier secret key if need be."""
        return _fernet().decrypt(encrypted_text.encode()).decode()

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Only people who are participants and nothing else do without a code app."""
        return queries.roles_anywhere(authenticator.user) == {Role.PARTICIPANT}


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _derived(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=KEY_LENGTH, salt=None, info=b"upturn clinic, second factor")
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
