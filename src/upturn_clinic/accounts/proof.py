"""Proof that the person at the screen is who is logged in: password again, and a code where a code app is set up.

A signature and emergency access ask for it, bound to that one act; a log-in an hour ago is no proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.http import HttpRequest

from upturn_clinic.accounts.models import User
from upturn_clinic.ground.errors import Refused
from upturn_clinic.operation import PROOF_VALID

__all__ = ["Proof", "prove"]


@dataclass(frozen=True)
class Proof:
    """Somebody proved who they are at a time; ``prove`` makes it."""

    user: User
    at: datetime

    def must_be(self, user: User, *, at: datetime) -> None:
        """Refuse a proof of somebody else, or an old one."""
        if self.user.pk != user.pk or not self.at <= at <= self.at + PROOF_VALID:
            raise Refused("This must be confirmed with your own password and code.", remedy="enter them again")


def prove(request: HttpRequest, user: User, *, password: str, code: str, at: datetime) -> Proof:
    """Check password and code. Attempts are limited as those of log-in are.

    Raises
    ------
    Refused
        Too many attempts, or one of the two is wrong; it does not say which.
    """
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        request.limit_reached = True  # type: ignore[attr-defined]  # the middleware writes it down
        raise Refused("Too many attempts.", remedy="wait a few minutes, then try again")
    if not (user.check_password(password) and _code_holds(user, code)):
        raise Refused("Password or code is not right.", remedy="enter your password and a fresh code from your app")
    return Proof(user, at)


def _code_holds(user: User, code: str) -> bool:
    """Accept the app's code or a recovery code; somebody without a code app (a participant) needs none."""
    found = {each.type: each for each in Authenticator.objects.filter(user=user)}
    if Authenticator.Type.TOTP not in found:
        return True
    if not code.strip():
        return False
    if TOTP(found[Authenticator.Type.TOTP]).validate_code(code.strip()):
        return True
    recovery = found.get(Authenticator.Type.RECOVERY_CODES)
    return recovery is not None and bool(RecoveryCodes(recovery).validate_code(code.strip()))
