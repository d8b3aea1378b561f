"""Invitations and ways back to a password as signed links, and the letters that carry invitations."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.mail import send_mail
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from upturn_clinic.accounts.models import Invitation, PasswordLink, User
from upturn_clinic.operation import INVITATION_VALID, PASSWORD_LINK_VALID

__all__ = [
    "NO_ADDRESS", "Sent", "letters_go_out", "link_to", "link_to_password", "log_in_name", "pseudonym_of", "read_link",
    "read_password_link", "send_invitation", "send_reset_notice",
]  # fmt: skip

SALT = "upturn clinic, invitation"
PASSWORD_SALT = "upturn clinic, link to a new password"  # noqa: S105  (names a purpose, opens nothing)
# A participant logs in with their pseudonym: accounts hold neither name nor address of one. RFC 2606 keeps this ending
# from ever being somebody's address.
NO_ADDRESS = "@participant.invalid"


class Sent(StrEnum):
    """What became of a letter."""

    YES = "sent"
    NO_MAIL = "e-mail is not set up"
    FAILED = "could not be sent"


def link_to(invitation: Invitation, request: HttpRequest) -> str:
    """Sign the link that opens an invitation: whoever reads the database cannot make one."""
    token = signing.dumps(str(invitation.pk), salt=SALT)
    return request.build_absolute_uri(reverse("accept_invitation", args=[token]))


def read_link(token: str) -> UUID | None:
    """Find which invitation a link opens; None when it is not ours or has expired."""
    return _read(token, SALT, INVITATION_VALID)


def link_to_password(link: PasswordLink, request: HttpRequest) -> str:
    """Sign the link that opens the way to a new password."""
    token = signing.dumps(str(link.pk), salt=PASSWORD_SALT)
    return request.build_absolute_uri(reverse("new_password", args=[token]))


def read_password_link(token: str) -> UUID | None:
    """Find which way back a link opens; None when it is not ours or has expired."""
    return _read(token, PASSWORD_SALT, PASSWORD_LINK_VALID)


def _read(token: str, salt: str, valid: timedelta) -> UUID | None:
    try:
        return UUID(signing.loads(token, salt=salt, max_age=valid))
    except (signing.BadSignature, ValueError):
        return None


def log_in_name(pseudonym: str) -> str:
    """Give what a participant logs in with, in the shape of an address.

    Examples
    --------
    >>> log_in_name("K7Q-4MX"), pseudonym_of("k7q-4mx@participant.invalid"), pseudonym_of("ada@example.org")
    ('k7q-4mx@participant.invalid', 'K7Q-4MX', '')
    """
    return pseudonym.lower() + NO_ADDRESS


def pseudonym_of(email: str) -> str:
    """Give the pseudonym that a log-in name stands for; empty for the address of a member of staff."""
    return email.removesuffix(NO_ADDRESS).upper() if email.endswith(NO_ADDRESS) else ""


def letters_go_out() -> bool:
    """Tell whether the site has set up e-mail."""
    return "dummy" not in settings.EMAIL_BACKEND


def send_invitation(invitation: Invitation, link: str) -> Sent:
    """Send the letter; without e-mail, the link on screen is handed over in another way."""
    shown = {"invitation": invitation, "link": link}
    return _send(f"Invitation to {invitation.facility.name}", "invitation", shown, to=invitation.email)


def send_reset_notice(person: User, *, by: User | None) -> Sent:
    """Tell somebody that their code app was reset, and by whom."""
    return _send("Your code app was reset", "code_app_reset", {"person": person, "by": by}, to=person.email)


def _send(subject: str, letter: str, shown: Mapping[str, Any], *, to: str) -> Sent:
    """Send a letter. A mail server that does not take it is told, and stops nothing."""
    if not letters_go_out() or to.endswith(NO_ADDRESS):
        return Sent.NO_MAIL
    # On one line: the name of a facility stands in it.
    subject = " ".join(subject.split())
    try:
        send_mail(subject, render_to_string(f"accounts/letters/{letter}.txt", dict(shown)), None, [to])
    except OSError:  # that of SMTP among them
        return Sent.FAILED
    return Sent.YES
