"""Proof that the person at the screen is who is logged in: password again, and a code where a code app is set up.

A signature and emergency access ask for it, bound to that one act; a log-in an hour ago is no proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, validate_totp_code
from allauth.mfa.utils import decrypt
from django.core.cache import cache
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
        Too many attempts, a code that was used already, or one of the two is wrong; it does not say which.
    """
    if not ratelimit.consume(request, action="reauthenticate", user=user):
        request.limit_reached = True  # type: ignore[attr-defined]  # the middleware writes it down
        raise Refused("Too many attempts.", remedy="wait a few minutes, then try again")
    # Asked first, so that it is the same answer to a right password and a wrong one.
    is_used = _is_used(user, code)
    if is_used or not (user.check_password(password) and _code_holds(user, code)):
        request.proof_failed = user  # type: ignore[attr-defined]  # so is this, and whose it was
        is_me = request.user.pk == user.pk
        if is_used:
            raise Refused(
                "This code was used already: each code holds once.",
                remedy=f"wait until {'your' if is_me else 'their'} app shows the next code, then enter "
                f"{'your' if is_me else 'their'} password again, and that code",
            )
        raise Refused(
            "Password or code is not right.",
            remedy="enter your password and a fresh code from your app" if is_me
            else f"{user.name} enters their own password, and a fresh code from their own app",
        )  # fmt: skip
    return Proof(user, at)


def _is_used(user: User, code: str) -> bool:
    """Tell whether this is the code of somebody's app and has been used: by an entry that was refused, say."""
    found = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    if found is None or not code.strip():
        return False
    # allauth has no door to what was used.
    totp, typed = TOTP(found), code.strip()
    used = cache.get(totp._get_used_cache_key(typed)) is not None
    return used and validate_totp_code(decrypt(found.data["secret"]), typed)


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
