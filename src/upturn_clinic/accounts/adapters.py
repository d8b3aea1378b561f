"""How the log-in machinery (django-allauth) meets the clinic: what it does is written down, its secrets are encrypted.

Allauth's own hooks are used, not signals: they run inside its views, which are atomic (see ``urls.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.internal.stagekit import unstash_login
from allauth.core import context as at_work
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import connections, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.keys.encryption import decrypt, encrypt
from upturn_clinic.accounts.letters import NO_ADDRESS
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.refusals import Refusal

__all__ = ["POST_ROOM", "AccountAdapter", "SecondFactorAdapter"]

# Letters that nobody waits for go out from here, one after the other.
POST_ROOM = ThreadPoolExecutor(max_workers=1, thread_name_prefix="letters")
# What allauth tells after its transaction ended is written down by our own views instead (see ``views.py``).
EVENTS = {
    "account/email/password_changed": "changed the password",
    "account/email/password_reset": "reset the password",
    "account/email/password_set": "set a password",
}


LOG_IN_OF = "log_in_of"
WRONG = frozenset({"incorrect_password", "enter_current_password", "incorrect_code"})


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes open sign-up and writes down log-ins."""

    error_messages: ClassVar = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": "Email or password is not right.",
        "enter_current_password": "This is not your present password.",
        "incorrect_password": "The password is not right.",
        "too_many_login_attempts": "Too many attempts. Wait a few minutes, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002  (allauth hands it over)
        """Nobody signs up: people are invited."""
        return False

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **more: Any) -> HttpResponse | None:
        """Note with which password the log-in began: the code may follow minutes later."""
        request.session[LOG_IN_OF] = user.get_session_auth_hash()
        answer: HttpResponse | None = super().pre_login(request, user, **more)
        return answer

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Log in, and write it down; not when the account was closed or its password changed in between."""
        begun = request.session.get(LOG_IN_OF, "")
        if not user.is_active or not constant_time_compare(begun, user.get_session_auth_hash()):
            request.session.flush()
            raise ImmediateHttpResponse(redirect("account_login"))
        del request.session[LOG_IN_OF]
        super().login(request, user)
        self._note("logged in", user)

    def logout(self, request: HttpRequest) -> None:
        """Log out, and write it down."""
        self._note("logged out", request.user)
        super().logout(request)

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Count failures by name and computer: a stranger who guesses locks nobody else out.

        Allauth counts by name and by the host in the address, of which the asker chooses the port.
        """
        return f"{_name_in(credentials)} from {ratelimit.get_ip(request)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count also by name alone, with a wider limit: many computers that guess together are slowed down."""
        super().pre_authenticate(request, **credentials)
        everywhere = ratelimit.consume(
            request, app="allauth.account", action="login_failed_everywhere", key=_name_in(credentials)
        )
        if everywhere is None:
            raise self.validation_error("too_many_login_attempts")
        # A log-in that succeeds takes both back.
        self._login_failed_rl_usage.usage.extend(everywhere.usage)

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

        It goes out when the transaction has ended: while a mail server takes its time, nobody waits to write. One that
        the mail server does not take is written down and stops nothing. The page says so, but not to who asks for a new
        password: that letter goes out on its own, since neither words nor the time may tell who has an account.
        """
        if email.endswith(NO_ADDRESS):
            return
        letter = (template_prefix, email, context)
        if "password_reset_key" in template_prefix:
            here = copy_context()
            transaction.on_commit(lambda: POST_ROOM.submit(lambda: here.run(self._send_by_itself, *letter)))
        else:
            transaction.on_commit(lambda: self._send_and_tell(*letter))

    def _send_by_itself(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except Exception:  # nobody waits for it, who could see a fault
            self._note_not_sent(template_prefix, email)
        finally:
            connections.close_all()

    def _send_and_tell(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # that of SMTP among them
            self._note_not_sent(template_prefix, email)
            messages.warning(self.request, "It holds, but the email that tells of it could not be sent.")

    def _note_not_sent(self, template_prefix: str, email: str) -> None:
        person, user = queries.user_with_email(email), getattr(self.request, "user", None)
        facts = {"letter": template_prefix.rsplit("/", maxsplit=1)[-1].replace("_", " ")}
        by = Actor(user) if isinstance(user, User) else system()
        actions.note_event(action="could not send a letter", by=by, at=timezone.now(), about=person, facts=facts)

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

    error_messages: ClassVar = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "The code is not right, or was used already. Each code holds once: wait for the next one.",
    }

    def encrypt(self, text: str) -> str:
        """Encrypt with a key that comes from the clinic's secret key: the database alone opens nothing."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt, with an earlier secret key if need be."""
        return decrypt(encrypted_text)

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        """Let the middleware know of a limit that was reached or a wrong code; write down a wrong one at log-in."""
        _noticed(code)
        request = at_work.request
        begun = None if request.user.is_authenticated else unstash_login(request, peek=True)
        if code in WRONG and begun is not None:
            address = get_adapter(request).get_client_ip(request)
            actions.note_event(
                action=Refusal.WRONG_CODE, by=system(), at=timezone.now(), about=begun.user, facts={}, address=address
            )
        told: ValidationError = super().validation_error(code, *args)
        return told

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Only people who are participants and nothing else do without a code app."""
        return queries.roles_anywhere(authenticator.user) == {Role.PARTICIPANT}


def _name_in(credentials: Mapping[str, Any]) -> str:
    return str(credentials.get("email") or "").casefold()


def _noticed(code: str) -> None:
    if code == "too_many_login_attempts":
        at_work.request.limit_reached = True
    elif code in WRONG and at_work.request.user.is_authenticated:
        at_work.request.proof_failed = at_work.request.user
