"""Pages of leaving. First line of each: the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.floor.leaving import actions, forms
from upturn_clinic.floor.leaving.lines import of_the_person, unmet
from upturn_clinic.floor.leaving.queries import goings_on, lines_in
from upturn_clinic.floor.leaving.sheet import take_home
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import phase_of
from upturn_clinic.floor.queries import sessions_at, whole
from upturn_clinic.participants.answering import Given, answer, user_of
from upturn_clinic.participants.queries import identity_shown

__all__ = [
    "decide_leaving", "leave", "leave_against_advice", "leaving", "not_ready_to_leave", "ready_to_leave",
    "take_home_sheet",
]  # fmt: skip

BOTH = ["GET", "POST"]
PAGE, FORM = "floor/leaving.html", "floor/leaving_form.html"


@require_http_methods(BOTH)
def leaving(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Show the list, and take answers to it."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found, now = _session(here, session), timezone.now()
    lines = lines_in(found, now=now)
    form = forms.ChecklistForm(request.POST or None, lines=lines, session=found)

    def act(given: Given) -> None:
        with transaction.atomic():
            actions.answer(session=found, given=form.given(), seen=form.seen_keys(), by=actor, at=now)
            if (given["escort"].strip(), given["escort_phone"].strip()) != (found.escort, found.escort_phone):
                actions.name_escort(
                    session=found, version=given["version"], escort=given["escort"], escort_phone=given["escort_phone"],
                    by=actor, at=now,
                )  # fmt: skip

    shown = {
        "here": here, "session": found, "lines": lines, "rows": form.rows(), "phase": phase_of(found),
        "goings_on": goings_on(found, lines, now=now), "may_decide": actor.may(Permission.DECIDE_LEAVING),
        "identity": identity_shown(found.participant, actor),
    }  # fmt: skip
    return answer(request, form, act, shown=shown, said="Saved.", to=_list(here, found), newest=found, page=PAGE)


@require_http_methods(BOTH)
def ready_to_leave(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Say that somebody is ready to leave: its own time, apart from leaving."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found, now = _session(here, session), timezone.now()
    every = lines_in(found, now=now)
    lines = of_the_person(every)
    shown = _words(
        here, found, actor, "Ready to leave", "Say: ready to leave", lines=lines, open_ones=unmet(lines),
        later=[each for each in every if not each.is_clinical], asks_no_signature=True,
    )  # fmt: skip
    return answer(
        request, forms.ReadyForm(request.POST or None, initial={"version": found.version}),
        lambda given: actions.declare_ready_to_leave(session=found, **given, by=actor, at=timezone.now()), shown=shown,
        said=f"{found.participant} is ready to leave.", to=_list(here, found), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def not_ready_to_leave(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Take back that somebody is ready to leave."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = _session(here, session)
    return answer(
        request, forms.NotReadyForm(request.POST or None, initial={"version": found.version}),
        lambda given: actions.take_back_ready(session=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found, actor, "Not ready after all", "Not ready"),
        said=f"{found.participant} is not ready to leave.", to=_list(here, found), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def leave(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Let somebody leave by the list, signed."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found, now = _session(here, session), timezone.now()

    def act(given: Given) -> None:
        # Before the code is spent.
        actions.must_let_go(session=found, left_at=given["left_at"], by=actor, at=now)
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        actions.leave(session=found, version=given["version"], left_at=given["left_at"], proof=proof, by=actor, at=now)

    form = forms.LeaveForm(request.POST or None, initial={"version": found.version, "left_at": now})
    lines = lines_in(found, now=now)
    shown = _words(
        here, found, actor, "Leave", "Sign and leave", meaning=actions.READY, lines=lines, open_ones=unmet(lines),
        may_decide=actor.may(Permission.DECIDE_LEAVING),
    )  # fmt: skip
    return answer(request, form, act, shown=shown, said=_gone(found), to=_sheet(here, found), newest=found, page=FORM)


@require_http_methods(BOTH)
def decide_leaving(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Let somebody leave although not every line is met: a clinician's signed decision."""
    actor, here = require(request, Permission.DECIDE_LEAVING, facility)
    found, now = _session(here, session), timezone.now()

    def act(given: Given) -> None:
        # Before the code is spent.
        actions.must_need_a_decision(session=found, left_at=given["left_at"], by=actor, at=now)
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        actions.leave_by_decision(
            session=found, version=given["version"], left_at=given["left_at"], reason=given["reason"], proof=proof,
            by=actor, at=now,
        )  # fmt: skip

    form = forms.DecideForm(request.POST or None, initial={"version": found.version, "left_at": now})
    shown = _words(here, found, actor, "Leave by a clinician's decision", "Sign and let leave", meaning=actions.DECIDED,
                   lines=lines_in(found, now=now))  # fmt: skip
    return answer(request, form, act, shown=shown, said=_gone(found), to=_sheet(here, found), newest=found, page=FORM)


@require_http_methods(BOTH)
def leave_against_advice(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Write down that somebody left although they were advised to stay."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found, now = _session(here, session), timezone.now()

    def act(given: Given) -> None:
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        actions.leave_against_advice(
            session=found, version=given["version"], left_at=given["left_at"], reason=given["reason"], proof=proof,
            by=actor, at=now,
        )  # fmt: skip

    form = forms.AgainstAdviceForm(request.POST or None, initial={"version": found.version, "left_at": now})
    shown = _words(here, found, actor, "Left against advice", "Sign: left against advice",
                   meaning=actions.AGAINST_ADVICE, lines=lines_in(found, now=now), is_against_advice=True)  # fmt: skip
    said = f"{_gone(found)} A clinician has the task to call them."
    return answer(request, form, act, shown=shown, said=said, to=_sheet(here, found), newest=found, page=FORM)


@require_GET
def take_home_sheet(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Show the sheet that somebody takes home, for printing."""
    _, here = require(request, Permission.SEE_SESSIONS, facility)
    found = _session(here, session)
    return render(
        request,
        "floor/leaving_sheet.html",
        {"here": here, "session": found, "sheet": take_home(found, now=timezone.now())},
    )


def _session(here: Facility, session: UUID) -> Session:
    return whole(get_object_or_404(sessions_at(here), pk=session))


def _list(here: Facility, found: Session) -> str:
    return reverse("leaving", args=[here.slug, found.pk])


def _sheet(here: Facility, found: Session) -> str:
    return reverse("take_home_sheet", args=[here.slug, found.pk])


def _gone(found: Session) -> str:
    return f"{found.participant} has left. Print the sheet and give it to them."


def _words(here: Facility, found: Session, reader: Actor, title: str, verb: str, **more: Any) -> dict[str, Any]:
    return {"here": here, "session": found, "identity": identity_shown(found.participant, reader), "title": title,
            "verb": verb, **more}  # fmt: skip
