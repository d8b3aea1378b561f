"""Pages about open sessions and code apps. First line of each: the gate."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlencode
from uuid import UUID

from allauth.account.internal.flows.login import get_authentication_records, record_authentication
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from upturn_clinic.accounts import queries
from upturn_clinic.accounts.actions import note_event
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require, require_person
from upturn_clinic.accounts.keys import actions
from upturn_clinic.accounts.keys.forms import OTHERS, EndSessionsForm, ResetForm
from upturn_clinic.accounts.keys.queries import open_sessions
from upturn_clinic.accounts.letters import Sent, send_reset_notice
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.forms import ReasonForm, tell
from upturn_clinic.operation import PROOF_VALID

__all__ = [
    "download_recovery_codes", "end_sessions", "my_sessions", "remove_code_app", "renew_recovery_codes",
    "reset_code_app", "see_recovery_codes", "set_up_code_app",
]  # fmt: skip

GET_POST = ["GET", "POST"]


@require_http_methods(GET_POST)
def my_sessions(request: HttpRequest) -> HttpResponse:
    """Show somebody where they are logged in, and let them end it there."""
    actor = require_person(request)
    assert actor.user is not None  # noqa: S101  (require_person lets nobody else in)
    mine, now = request.session.session_key or "", timezone.now()
    found = open_sessions(actor.user, now, here=request.session)
    others = [each for each in found if each.key != mine]
    has_app = queries.has_second_factor(actor.user)
    form = EndSessionsForm(request.POST or None, others=others, has_code_app=has_app)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        chosen = next((each.key for each in others if each.mark == given["which"]), "")
        try:
            prove(request, actor.user, password=given["password"], code=given.get("code", ""), at=now)
            if chosen or given["which"] == OTHERS:
                actions.end_sessions(
                    user=actor.user, reason="ended by the person", only=chosen, keep=mine, by=actor, at=now
                )
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, "Logged out there.")
            return redirect("my_sessions")
    here = [each for each in found if each.key == mine]
    places = list(queries.facilities_of(actor.user, at=now))
    clock = places[0] if len({each.time_zone for each in places}) == 1 else None
    if clock is not None:
        timezone.activate(clock.zone)
    shown = {"sessions": [*here, *others], "others": others, "form": form, "clock": clock}
    return render(request, "accounts/my_sessions.html", shown)


@require_http_methods(GET_POST)
def end_sessions(request: HttpRequest, facility: str, user: UUID) -> HttpResponse:
    """End all sessions of somebody who works here."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    person = _who_works_at(here, user)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        now = timezone.now()
        count = actions.end_sessions(user=person, reason=form.cleaned_data["reason"], by=actor, at=now)
        messages.success(request, f"{person.name} is logged out everywhere. Open sessions before: {count}.")
        return redirect("people", here.slug)
    shown = {"here": here, "form": form, "title": f"Log {person.name} out everywhere", "verb": "Log out everywhere"}
    return render(request, "accounts/with_reason.html", shown)


@require_http_methods(GET_POST)
def reset_code_app(request: HttpRequest, facility: str, user: UUID) -> HttpResponse:
    """Take a lost code app from somebody who works here, once it is sure who asks."""
    actor, here = require(request, Permission.MANAGE_STAFF, facility)
    assert actor.user is not None  # noqa: S101  (the gate lets nobody else in)
    person = _who_works_at(here, user)
    form = ResetForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, actor.user, password=given["password"], code=given["code"], at=now)
            actions.reset_code_app(
                user=person, made_sure=given["made_sure"], reason=given["reason"], proof=proof, by=actor, at=now
            )
        except Refused as refusal:
            tell(form, refusal)
        else:
            messages.success(request, f"The code app of {person.name} is reset. They set up a new one at next log-in.")
            _tell_by_letter(request, person, actor)
            return redirect("people", here.slug)
    return render(request, "accounts/reset_code_app.html", {"here": here, "person": person, "form": form})


@transaction.atomic
def set_up_code_app(request: HttpRequest) -> HttpResponse:
    """Set up a code app: allauth's page, with its row in the trail inside the same transaction."""
    actor = require_person(request)
    had_one = bool(actor.user and queries.has_second_factor(actor.user))
    answer = _with_keys_noted(request, actor, totp.activate_totp, "set up a code app")
    if actor.user and not had_one and queries.has_second_factor(actor.user):
        # The app has just shown its first code: the recovery codes that follow ask for no second one.
        record_authentication(request, actor.user, method="mfa", reauthenticated=True)
    return answer


@transaction.atomic
def remove_code_app(request: HttpRequest) -> HttpResponse:
    """Take one's code app away, which only participants can: allauth's page, likewise."""
    actor = require_person(request)
    return _with_keys_noted(request, actor, totp.deactivate_totp, "took the code app away")


@transaction.atomic
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes: allauth's page, likewise."""
    actor = require_person(request)
    return _both_first(
        request,
        actor,
        lambda asked: _with_keys_noted(asked, actor, recovery.generate_recovery_codes, "made new recovery codes"),
    )


def _with_keys_noted(
    request: HttpRequest, actor: Actor, page: Callable[[HttpRequest], HttpResponse], action: str
) -> HttpResponse:
    """Show the page; when it changed a key, write that down and end the person's other sessions."""
    assert actor.user is not None  # noqa: S101  (require_person lets nobody else in)
    before = queries.keys_of(actor.user)
    answer = page(request)
    if queries.keys_of(actor.user) != before:
        now, mine = timezone.now(), request.session.session_key or ""
        note_event(action=action, by=actor, at=now, about=actor.user, facts={})
        actions.end_sessions(user=actor.user, reason=action, keep=mine, by=actor, at=now)
    return answer


def _who_works_at(here: Facility, key: UUID) -> User:
    found = queries.works_at(here, key)
    if found is None:
        raise Http404
    return found


def _both_first(request: HttpRequest, actor: Actor, page: Callable[[HttpRequest], HttpResponse]) -> HttpResponse:
    """Show a page about recovery codes only after password and code: one of the two never brings the other."""
    if actor.user is None or not queries.has_second_factor(actor.user):
        return page(request)
    since = time.time() - PROOF_VALID.total_seconds()
    records = get_authentication_records(request, actor.user)
    given = {each["method"] for each in records if each.get("reauthenticated") and each["at"] > since}
    for method, asked in (("password", "account_reauthenticate"), ("mfa", "mfa_reauthenticate")):
        if method not in given:
            return redirect(f"{reverse(asked)}?{urlencode({'next': request.path})}")
    return page(request)


def see_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show one's recovery codes: allauth's page."""
    actor = require_person(request)
    return _both_first(request, actor, recovery.view_recovery_codes)


def download_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Give them as a file: allauth's page."""
    actor = require_person(request)
    return _both_first(request, actor, recovery.download_recovery_codes)


def _tell_by_letter(request: HttpRequest, person: User, actor: Actor) -> None:
    sent = send_reset_notice(person, by=actor.user)
    if sent is Sent.FAILED:
        facts = {"letter": "code app reset"}
        note_event(action="could not send a letter", by=actor, at=timezone.now(), about=person, facts=facts)
    if sent is not Sent.YES:
        messages.warning(request, f"But no email could be sent ({sent}). Tell {person.name} yourself.")
