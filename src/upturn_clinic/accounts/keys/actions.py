"""Ending sessions, taking a lost code app away, encrypting code apps anew."""

from __future__ import annotations

from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from upturn_clinic.accounts import queries
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.keys.encryption import encrypted_anew
from upturn_clinic.accounts.keys.queries import open_sessions
from upturn_clinic.accounts.models import OpenSession, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.accounts.sessions import SessionStore
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.operation import SHORTEST_REASON

__all__ = ["encrypt_code_apps_anew", "end_sessions", "reset_code_app"]


@transaction.atomic
def end_sessions(*, user: User, reason: str, by: Actor, at: datetime, only: str = "", keep: str = "") -> int:
    """End sessions: one's own, or, as who manages staff, a colleague's.

    Parameters
    ----------
    reason
        Why; never empty.
    only
        The key of the one session to end; all of them unless given.
    keep
        The key of a session that stays: the one in which the person acts.

    Returns
    -------
    How many were open.

    Raises
    ------
    Refused
        No reason; or the person is no colleague here.
    """
    if by.user_id != user.pk:
        by.must(Permission.MANAGE_STAFF)
        if by.user is not None:
            _works_here(user, by)
    if not reason.strip():
        raise Refused("Sessions end only with a reason.", expected="a reason in a few words")
    theirs = set(OpenSession.objects.filter(person=user.pk).values_list("session_key", flat=True))
    chosen = (theirs & {only} if only else theirs) - {keep}
    open_now = {each.key for each in open_sessions(user, at)} & chosen
    for key in chosen:
        # The machinery's own way out, as at a log-out.
        SessionStore(key).flush()
    writing.note(action="ended sessions", by=by, at=at, about=user, reason=reason, facts={"how many": len(open_now)})
    return len(open_now)


@transaction.atomic
def reset_code_app(
    *, user: User, made_sure: str, reason: str, by: Actor, at: datetime, proof: Proof | None = None
) -> User:
    """Take code app and recovery codes from somebody who lost them. Wherever they are logged in, it ends.

    At the next log-in nothing opens but the set-up of a new one. The row stands at every facility of that person.

    Parameters
    ----------
    made_sure
        How it was made sure who asks: as surely as when the person was invited.
    reason
        Why it is needed.
    proof
        Of who does it; None only for the system, at the server's own terminal.

    Raises
    ------
    Refused
        It is one's own; the person is no colleague here, or has no code app; it is not told how or why; or the proof
        does not hold.
    """
    by.must(Permission.MANAGE_STAFF)
    if by.user is not None:
        _colleague_only(user, by)
        if proof is None:
            raise Refused("This must be confirmed with your own password and code.", remedy="enter them again")
        proof.must_be(by.user, at=at)
    if len(made_sure.strip()) < SHORTEST_REASON or not reason.strip():
        raise Refused(
            "Say how you made sure who it is, and why it is needed.", expected=f"at least {SHORTEST_REASON} characters"
        )
    keys = list(Authenticator.objects.select_for_update().filter(user=user))
    if not keys:
        raise Refused(f"{user.name} has no code app.", remedy="at the next log-in they set one up")
    places = [place for place in queries.facilities_of(user, at=at) if place.pk != by.facility_id]
    here = by.facility or (places.pop(0) if places else None)
    action, told = "reset the code app", {"made sure by": made_sure.strip()}
    writing.take_away(keys, action=action, by=Actor(by.user, here), at=at, about=user, reason=reason, identifying=told)
    for place in places:
        writing.note(action=action, by=Actor(by.user, place), at=at, about=user, reason=reason, identifying=told)
    end_sessions(user=user, reason="the code app was reset", by=by, at=at)
    return user


def _colleague_only(user: User, by: Actor) -> None:
    if by.user_id == user.pk:
        raise Refused(
            "Nobody resets their own code app.",
            remedy="ask another administrator; without one, the server's keeper does it at the terminal",
        )
    _works_here(user, by)


def _works_here(user: User, by: Actor) -> None:
    if by.facility is None or queries.works_at(by.facility, user.pk) is None:
        raise Refused("This person does not work here.", remedy="ask an administrator of where they work")


@transaction.atomic
def encrypt_code_apps_anew(*, by: Actor, at: datetime) -> int:
    """Encrypt the secrets of all code apps and recovery codes with the site's present key.

    Returns
    -------
    How many: all of them, or none when one of them does not open.

    Raises
    ------
    CannotError
        One opens with none of the keys; nothing was written.
    """
    by.must(Permission.MANAGE_STAFF)
    held = list(Authenticator.objects.select_for_update().order_by("pk"))
    for each in held:
        each.data = encrypted_anew(each.data, of=f"code app {each.pk}")
    writing.renew_secrets(held, field="data", action="encrypted code apps anew", by=by, at=at)
    return len(held)
