"""The gate: the first line of every view. It says who is there, what they may do, and whose clock counts."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils import timezone

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission

__all__ = ["BY_ITSELF", "LogInFirst", "require", "require_nobody", "require_person"]

# A request that a page makes by itself, such as a board that renews itself: it keeps nobody logged in.
BY_ITSELF = "X-Upturn-By-Itself"


class LogInFirst(PermissionDenied):
    """Nobody is logged in; the middleware leads to the log-in page and back."""


def require(request: HttpRequest, permission: Permission, facility: str) -> tuple[Actor, Facility]:
    """Let a person into a facility's page, or refuse.

    From here on the page shows times by the facility's clock.

    Parameters
    ----------
    permission
        What the page does.
    facility
        The facility's short name, from the address.

    Returns
    -------
    Who acts, to be handed on to actions as ``by``; and where.

    Raises
    ------
    LogInFirst
        Nobody is logged in.
    Http404
        The person has nothing to do with this facility; whether it exists is not told.
    PermissionDenied
        The person works here in another role.
    """
    person = require_person(request)
    now = timezone.now()
    actor = queries.actor_at(_user(person), facility, at=now)
    if actor is None or actor.facility is None:
        raise Http404
    if not actor.may(permission):
        # For the row that the middleware writes about it: where it was.
        request.refused = actor  # type: ignore[attr-defined]
    actor.must(permission)
    if actor.emergency is not None and permission not in actor.by_role:
        actions.note_emergency_reading(
            access=actor.emergency, page=request.path, is_renewal=BY_ITSELF in request.headers, by=actor, at=now
        )
    timezone.activate(actor.facility.zone)
    request.actor = actor  # type: ignore[attr-defined]
    return actor, actor.facility


def require_person(request: HttpRequest) -> Actor:
    """Let anybody in who is logged in: for pages about oneself, which belong to no facility."""
    if not isinstance(request.user, User) or not request.user.is_active:
        raise LogInFirst
    actor = Actor(request.user)
    request.actor = actor  # type: ignore[attr-defined]
    return actor


def require_nobody(request: HttpRequest) -> None:
    """Let everybody in, logged in or not: said aloud, so that an open page is open by decision."""
    request.actor = None  # type: ignore[attr-defined]


def _user(actor: Actor) -> User:
    if actor.user is None:
        raise LogInFirst
    return actor.user
