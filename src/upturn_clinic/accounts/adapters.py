"""How the log-in machinery (django-allauth) meets the clinic: what it does is written down, its secrets are encrypted.

Allauth's own hooks are used, not signals: they run inside its views, which are atomic (see ``urls.py``).
"""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as at_work
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.keys.encryption import decrypt, encrypt
from upturn_clinic.accounts.letters import NO_ADDRESS
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.refusals import Refusal

__all__ = ["AccountAdapter", "SecondFactorAdapter"]

# What allauth tells after its transaction ended is written down by our own views instead (see ``views.py``).
EVENTS = {
    "account/email/password_changed": "changed the password",
    "account/email/password_reset": "reset the password",
    "account/email/password_set": "set a password",
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
        now, address = timezone.now(), self.get_client_ip(request)
        if tried is None:
            actions.note_refusal(kind=Refusal.UNKNOWN_NAME, by=system(), at=now, facts={}, address=address)
        else:
            actions.note_event(action=Refusal.UNKNOWN_NAME, by=system(), at=now, about=tried, facts={}, address=address)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Let the middleware know of a limit that was reached."""
        _noticed(code)
        told: ValidationError = super().validation_error(code, *args)
        return told

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a letter, but none to a participant's log-in name, which is no address.

        One that the mail server does not take is written down and stops nothing. The page says so, but not to who asks
        for a new password: that would tell who has an account.
        """
        if email.endswith(NO_ADDRESS):
            return
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # that of SMTP among them
            person, user = queries.user_with_email(email), getattr(self.request, "user", None)
            facts = {"letter": template_prefix.rsplit("/", maxsplit=1)[-1].replace("_", " ")}
            by = Actor(user) if isinstance(user, User) else system()
            actions.note_event(action="could not send a letter", by=by, at=timezone.now(), about=person, facts=facts)
            if "password_reset_key" not in template_prefix:
                messages.warning(self.request, "It holds, but the letter that tells of it could not be sent.")

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
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt, with an earlier secret key if need be."""
        return decrypt(encrypted_text)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Let the middleware know of a limit that was reached."""
        _noticed(code)
        told: ValidationError = super().validation_error(code, *args)
        return told

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Only people who are participants and nothing else do without a code app."""
        return queries.roles_anywhere(authenticator.user) == {Role.PARTICIPANT}


def _noticed(code: str) -> None:
    if code == "too_many_login_attempts":
        at_work.request.limit_reached = True
