"""What holds for every request: idle people are logged out, staff has a second factor, closed doors lead to log-in."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import BY_ITSELF, LogInFirst
from upturn_clinic.accounts.keys.queries import (
    DEVICE,
    LAST_ACTIVITY,
    LOGGED_IN,
    device_in_words,
    last_heard,
    noted_time,
)
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.refusals import Refusal
from upturn_clinic.operation import ACTIVITY_NOTED, IDLE_LOGOUT, LONGEST_PAGE_NOTED, SESSION_LENGTH
from upturn_clinic.pages.addresses import page_name

__all__ = ["Doors", "IdleLogout", "SecondFactor"]

GetResponse = Callable[[HttpRequest], HttpResponse]
FACTOR_SEEN = "second_factor_seen"
_KEPT = "What you typed is kept in this tab."
IDLE = f"You were logged out after {IDLE_LOGOUT.total_seconds() / 60:.0f} minutes without activity. {_KEPT}"
# Whoever answers by a link does so whoever is logged in beside it: their answers are led nowhere else. The other links
# act for an account, so they wait until it is clear who is there.
BY_LINK = "self_rating"
DAY_OVER = f"You were logged out at the end of a working day. {_KEPT}"


class IdleLogout:
    """Log out whoever did nothing for a while, and everybody after a working day.

    What was half typed stays in the browser's tab (see ``drafts.js``) and is there again after log-in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Log out, or note the activity."""
        if isinstance(request.user, User) and page_name(request) != BY_LINK:
            now = timezone.now()
            last = last_heard(request.session) or now
            began = noted_time(request.session.get(LOGGED_IN)) or now
            if now - last > IDLE_LOGOUT or now - began > SESSION_LENGTH:
                facts = {"how": "idle" if now - last > IDLE_LOGOUT else "end of the working day"}
                actions.note_event(action="was logged out", by=Actor(request.user), at=now, facts=facts)
                logout(request)
                messages.info(request, IDLE if now - last > IDLE_LOGOUT else DAY_OVER)
                return to_log_in(request)
            if LOGGED_IN not in request.session:
                request.session[LOGGED_IN] = now.isoformat()
                request.session[DEVICE] = device_in_words(request.headers.get("User-Agent", ""))
            noted = LAST_ACTIVITY in request.session and now - last < ACTIVITY_NOTED
            if not noted and BY_ITSELF not in request.headers:
                request.session[LAST_ACTIVITY] = now.isoformat()
        return self.get_response(request)


class SecondFactor:
    """Lead staff without a code app to where they set one up, and nowhere else."""

    OPEN = frozenset({"account_logout", "account_reauthenticate", "mfa_activate_totp", "still_here", BY_LINK})

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Lead away, or go on."""
        user = request.user
        if isinstance(user, User) and not request.session.get(FACTOR_SEEN) and page_name(request) not in self.OPEN:
            # Staff cannot take theirs away, and who takes it from them ends their sessions: once seen in one is enough.
            if queries.has_second_factor(user):
                request.session[FACTOR_SEEN] = True
            elif queries.roles_anywhere(user) != {Role.PARTICIPANT}:
                return _redirect(request, reverse("mfa_activate_totp"))
        return self.get_response(request)


class Doors:
    """Start every request on no facility's clock, lead from a closed door to log-in and back, write down refusals."""

    # Addresses that are themselves a key: no row says them.
    LINKS = frozenset({"accept_invitation", "new_password", "self_rating", "account_reset_password_from_key"})
    NOT_THERE, TOO_OFTEN = 404, 429

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Forget the last clock; afterwards, see what was refused without a fault that is raised."""
        timezone.deactivate()
        response = self.get_response(request)
        if getattr(request, "forgery_suspected", False):
            self._note(request, Refusal.NO_TOKEN)
        elif response.status_code == self.TOO_OFTEN or getattr(request, "limit_reached", False):
            self._note(request, Refusal.LIMIT)
        elif whose := getattr(request, "proof_failed", None):
            self._note(request, Refusal.PROOF, about=whose)
        elif response.status_code == self.NOT_THERE and self._name(request) in self.LINKS:
            self._note(request, Refusal.NO_LINK)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn "log in first" into the way there, and write down what somebody was refused."""
        if isinstance(exception, LogInFirst):
            return to_log_in(request)
        if isinstance(exception, PermissionDenied) and isinstance(request.user, User):
            self._note(request, Refusal.ROLE)
        elif isinstance(exception, Http404) and isinstance(request.user, User) and self._place(request):
            self._note(request, Refusal.ELSEWHERE)
        return None

    def _note(self, request: HttpRequest, kind: Refusal, *, about: User | None = None) -> None:
        user = request.user if isinstance(request.user, User) else None
        actor = getattr(request, "refused", None) or getattr(request, "actor", None)
        if actor is None or actor.facility is None:
            actor = Actor(user, Facility.objects.filter(slug=self._place(request)).first())
        name = self._name(request)
        facts = {"link": name.replace("_", " ")} if name in self.LINKS else {"page": request.path[:LONGEST_PAGE_NOTED]}
        address = "" if actor.user else get_adapter(request).get_client_ip(request)
        actions.note_refusal(kind=kind, by=actor, at=timezone.now(), about=about, facts=facts, address=address)

    def _name(self, request: HttpRequest) -> str:
        return str(request.resolver_match.url_name) if request.resolver_match else ""

    def _place(self, request: HttpRequest) -> str:
        return str(request.resolver_match.kwargs.get("facility", "")) if request.resolver_match else ""


def to_log_in(request: HttpRequest) -> HttpResponse:
    """Lead to log-in and, afterwards, back to the page. Forms send to their own address, so this serves them too."""
    back = urlencode({"next": request.get_full_path()})
    return _redirect(request, f"{resolve_url('account_login')}?{back}")


def _redirect(request: HttpRequest, address: str) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        # A part of a page asked: the whole page must go.
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
