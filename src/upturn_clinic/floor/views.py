"""Pages of a session, and the one door through which its entries come. First line of each: the gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.floor import actions, forms, marks, queries
from upturn_clinic.floor.coming import drawn_for, off_plan, rooms_at
from upturn_clinic.floor.emergency import emergency_screen
from upturn_clinic.floor.entries.actions import enter as take_in
from upturn_clinic.floor.limits import AHEAD_OF_CLOCK, MOST_ENTRIES, POLL_S
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.phases import phase_of
from upturn_clinic.floor.screens import PARTS, session_screen, sheet_data, turns_at
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.participants.answering import answer, user_of
from upturn_clinic.participants.queries import identity_shown
from upturn_clinic.safety.queries import open_of
from upturn_clinic.treatments.queries import course_of, doses_at, people_with_plan_at
from upturn_clinic.treatments.watch import queries as watch

__all__ = [
    "arrive", "emergency_sheet", "enter", "give_up", "move_room", "override_gate", "session", "session_state",
    "sessions_of",
]  # fmt: skip

BOTH = ["GET", "POST"]
PAGE = "floor/form.html"
NOT_MODIFIED, BAD, TOO_MUCH = 304, 400, 413
# The server's clock, for a page about which there is nothing new.
NOW = "X-Upturn-Now"


@require_http_methods(BOTH)
def arrive(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Open the session of a dose: the person is here."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = get_object_or_404(doses_at(here), pk=dose)
    now = timezone.now()
    opened = queries.open_session(found)
    form = forms.ArriveForm(request.POST or None, rooms=rooms_at(here), initial={"arrived_at": now})

    def act(given: Mapping[str, Any]) -> None:
        # The field counts minutes, by a clock that may be a little ahead: who came this minute came now.
        typed, moment = given["arrived_at"], timezone.now()
        arrived_at = moment if moment < typed <= moment + AHEAD_OF_CLOCK else typed
        made.append(
            actions.arrive(
                dose=found, room=given["room"], arrived_at=arrived_at, is_shared=given["is_shared"], by=actor,
                at=timezone.now(),
            )
        )  # fmt: skip

    made: list[Session] = []
    answered = answer(
        request, form, act,
        shown={"here": here, "person": found.plan.participant, "dose": found, "opened": opened, "verb": "Arrived",
               "identity": identity_shown(found.plan.participant, actor), "off_plan": off_plan(found, now),
               "title": f"Arrival: {found.plan.participant}", "back": reverse("floor", args=[here.slug])},
        said="The session is open.", to=reverse("floor", args=[here.slug]), page=PAGE,
    )  # fmt: skip
    if made:
        answered["Location"] = reverse("session", args=[here.slug, made[0].pk])
    return answered


@require_GET
def sessions_of(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """List all sessions of one person, the newest first."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    person = get_object_or_404(people_with_plan_at(here), pk=participant)
    page = Paginator(queries.sessions_of(person), PAGE_ROWS).get_page(request.GET.get("page"))
    rows = [(each, phase_of(each)) for each in page]
    shown = {"here": here, "person": person, "identity": identity_shown(person, actor), "page": page, "rows": rows}
    return render(request, "floor/sessions_of.html", shown)


@require_GET
def session(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Show a session: what is done, what is due, the flowsheet."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    found = _found(here, session)
    return render(request, "floor/session.html", {"here": here, "poll_s": POLL_S, **_screen(found, actor)})


@require_GET
def session_state(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Give a session anew to a page that shows it; nothing where the page has it already."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    now, known = timezone.now(), marks.read_mark(request.headers.get("If-None-Match", ""))
    is_this = known is not None and known.serves(_whose(session, actor), now=now)
    if known and is_this and not marks.is_news(session, since=known.sequence):
        return HttpResponse(status=NOT_MODIFIED, headers={"ETag": str(known), NOW: now.isoformat()})
    # Read first: what is written from here on is news the next time.
    last = marks.last_row()
    return JsonResponse(_state(here, _found(here, session), actor, last))


@require_POST
def enter(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Take in entries, in their order; each is saved, known already, or refused in words."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = get_object_or_404(queries.sessions_at(here), pk=session)
    try:
        sent = json.loads(request.body or b"[]") if request.content_type == "application/json" else []
    except (ValueError, RecursionError):
        return JsonResponse({"fault": "This could not be read."}, status=BAD)
    if not isinstance(sent, list):
        return JsonResponse({"fault": "A list of entries was expected."}, status=BAD)
    if len(sent) > MOST_ENTRIES:
        return JsonResponse({"fault": f"At most {MOST_ENTRIES} entries at once."}, status=TOO_MUCH)
    results = take_in(session=found, entries=sent, by=actor, at=timezone.now())
    told = [{"id": each.id, "state": each.state, "words": each.words, "way": each.way} for each in results]
    last = marks.last_row()
    return JsonResponse({"results": told, **_state(here, queries.whole(found), actor, last)})


@require_http_methods(BOTH)
def override_gate(request: HttpRequest, facility: str, session: UUID, gate: str) -> HttpResponse:
    """Go on although a hard gate is closed, in a role that the protocol names, with reason and signature."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = _found(here, session)
    now = timezone.now()
    lines = session_screen(found, actor, now=now)["lines"]
    line = next((each for each in lines if each.standing.key == f"gates/{gate}"), None)

    def act(given: Mapping[str, Any]) -> None:
        at = timezone.now()
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=at)
        actions.override_gate(
            session=found, gate=f"gates/{gate}", reason=given["reason"], proof=proof, by=actor, at=at
        )  # fmt: skip

    return answer(
        request, forms.OverrideForm(request.POST or None), act,
        shown=_words(here, found, actor, "Go on at a closed gate", "Sign and go on", line=line,
                     meaning=actions.OVERRIDDEN),
        said="The gate is overridden.", to=_page(here, found), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def give_up(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Give a session up before the dose."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = _found(here, session)
    drawn = drawn_for(found.dose, actor)
    said = "The session is over, without a dose. Move the dose, or end it, on the plan."
    return answer(
        request, forms.GiveUpForm(request.POST or None, initial={"version": found.version}),
        lambda given: actions.give_up(session=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found, actor, "No dose today", "End the session without a dose", drawn=drawn, ends=True,
                     has_begun=found.began_at is not None),
        said=f"{said} {drawn} is drawn: if it is not given later today, waste it with a witness." if drawn else said,
        to=reverse("plan", args=[here.slug, found.participant_id]), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def move_room(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Go on in another room."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = _found(here, session)
    initial = {"version": found.version, "room": found.room}
    return answer(
        request, forms.MoveForm(request.POST or None, rooms=rooms_at(here, mover=found), initial=initial),
        lambda given: actions.move_room(session=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found, actor, "Another room", "Move"), said="Moved.", to=_page(here, found), newest=found,
        page=PAGE,
    )  # fmt: skip


@require_GET
def emergency_sheet(request: HttpRequest, facility: str, session: UUID) -> HttpResponse:
    """Show a sheet to print for whoever comes to help."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    found = _found(here, session)
    return render(
        request, "floor/emergency_sheet.html", {"here": here, **emergency_screen(found, actor, now=timezone.now())}
    )


def _state(here: Facility, found: Session, actor: Actor, last: int) -> dict[str, Any]:
    # Drawn without the request: what the page's frame needs is not needed again.
    shown = {"here": here, "actor": actor, **_screen(found, actor)}
    return {
        "now": shown["now"].isoformat(),
        "mark": str(marks.Mark(last, turns_at(shown), _whose(found.pk, actor))),
        # For a page that gets two answers in the other order than they were read in.
        "last": last,
        "began_at": found.began_at.isoformat() if found.began_at else None,
        "phase": str(shown["phase"]),
        "over": shown["over"],
        "parts": {part: render_to_string(f"floor/parts/{part}.html", shown) for part in PARTS},
        "sheet": sheet_data(found, shown["asked"], actor),
    }


def _whose(session: UUID, actor: Actor) -> str:
    return marks.whose(actor, "session", session)


def _screen(found: Session, actor: Actor) -> dict[str, Any]:
    """Gather the page; at its head what speaks against a dose, and the open concerns, for who may see them."""
    now = timezone.now()
    concerns = open_of(found.participant, now) if actor.may(Permission.SEE_SAFETY) else []
    spoken = _against(found, actor, now) if found.began_at is None else {}
    return {**session_screen(found, actor, now=now), **spoken, "concerns_of_person": concerns}


def _found(here: Facility, session: UUID) -> Session:
    return queries.whole(get_object_or_404(queries.sessions_at(here), pk=session))


def _page(here: Facility, found: Session) -> str:
    return reverse("session", args=[here.slug, found.pk])


def _words(here: Facility, found: Session, reader: Actor, title: str, verb: str, **more: Any) -> dict[str, Any]:
    return {"here": here, "person": found.participant, "identity": identity_shown(found.participant, reader),
            "session": found, "dose": found.dose, "title": title,
            "verb": verb, "back": _page(here, found), **more}  # fmt: skip


def _against(session: Session, actor: Actor, now: datetime) -> dict[str, Any]:
    """Gather what speaks against a dose that has not begun: reasons to stop that are there, drugs to take note of."""
    course = course_of(session.participant)
    if course is None or not actor.may(Permission.SEE_CLINICAL_RECORD):
        return {}
    reasons = watch.reasons_to_stop(course, now=now)
    return {"reasons": reasons, "warned": watch.warnings_of(session.participant)}
