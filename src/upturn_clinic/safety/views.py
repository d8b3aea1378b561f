"""Pages of safety: a facility's, a person's, and the forms. First line of each: the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.participants.answering import Given, answer, words_for
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_of, identity_shown
from upturn_clinic.safety import actions, forms, queries
from upturn_clinic.safety.models import AdverseEvent, Concern
from upturn_clinic.safety.terms import term

__all__ = [
    "close_concern", "correct_event", "end_event", "judge_event", "participant_safety", "raise_concern",
    "record_event", "report_event", "safety", "strike_event", "take_concern",
]  # fmt: skip

BOTH = ["GET", "POST"]
PAGE = "safety/form.html"


@require_GET
def safety(request: HttpRequest, facility: str) -> HttpResponse:
    """Show what is open at a facility: concerns, late ones first; serious events and their clock; what to judge."""
    actor, here = require(request, Permission.SEE_SAFETY, facility)
    now = timezone.now()
    lists = queries.lists_at(here, now)
    shown = {
        "here": here, "now": now, "lists": lists, "unjudged": list(lists.unjudged[:PAGE_ROWS]),
        "unjudged_count": lists.unjudged.count(), "may_judge": actor.may(Permission.JUDGE_EVENT),
    }  # fmt: skip
    return render(request, "safety/safety.html", shown)


@require_GET
def participant_safety(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show the concerns about somebody and their adverse events."""
    actor, here = require(request, Permission.SEE_SAFETY, facility)
    person = _person(here, participant)
    shown = {
        "here": here, "participant": person, "identity": identity_shown(person, actor), "now": timezone.now(),
        "concerns": queries.concerns_of(person),
        "events": queries.events_of(person), "may_raise": actor.may(Permission.RAISE_CONCERN),
        "may_record": actor.may(Permission.RECORD_EVENT), "may_judge": actor.may(Permission.JUDGE_EVENT),
    }  # fmt: skip
    return render(request, "safety/person.html", shown)


@require_http_methods(BOTH)
def raise_concern(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Raise a concern by hand."""
    actor, here = require(request, Permission.RAISE_CONCERN, facility)
    person, now = _person(here, participant), timezone.now()
    return answer(
        request, forms.ConcernForm(request.POST or None, initial={"due_at": now + queries.RAISED_DUE}),
        lambda given: actions.raise_by_hand(participant=person, **given, by=actor, at=timezone.now()),
        shown=_words(here, person, actor, "Raise a concern", "Raise it", raises=True),
        said="It is raised.", to=_back(person, here), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def take_concern(request: HttpRequest, facility: str, concern: UUID) -> HttpResponse:
    """Take a concern: from now on it is known who looks at it."""
    actor, here = require(request, Permission.HANDLE_CONCERN, facility)
    found = _concern(here, concern)
    return answer(
        request, forms.TakeForm(request.POST or None, initial={"version": found.version}),
        lambda given: actions.take_concern(concern=found, **given, by=actor, at=timezone.now()),
        shown=_of_concern(request, here, found, actor, "Take this concern", "I take it: I see to this", takes=True),
        said="It is yours. It stays open until you close it with what was done.", to=_back(found.participant, here),
        newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def close_concern(request: HttpRequest, facility: str, concern: UUID) -> HttpResponse:
    """Close a concern with what was done."""
    actor, here = require(request, Permission.HANDLE_CONCERN, facility)
    found = _concern(here, concern)
    return answer(
        request, forms.CloseForm(request.POST or None, initial={"version": found.version}),
        lambda given: actions.close_concern(concern=found, **given, by=actor, at=timezone.now()),
        shown=_of_concern(request, here, found, actor, "Close this concern", "Close the concern"),
        said="It is closed.", to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def record_event(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Record an adverse event."""
    actor, here = require(request, Permission.RECORD_EVENT, facility)
    person = _person(here, participant)
    return answer(
        request, forms.EventForm(request.POST or None),
        lambda given: actions.record_event(participant=person, **given, by=actor, at=timezone.now()),
        shown=_words(here, person, actor, "Record an adverse event", "Record"),
        said="It is recorded.", to=_back(person, here), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def correct_event(request: HttpRequest, facility: str, event: UUID) -> HttpResponse:
    """Correct an adverse event, with a reason."""
    actor, here = require(request, Permission.RECORD_EVENT, facility)
    found = _event(here, event)
    is_known = term(found.term) is not None
    initial = {
        "version": found.version, "known": found.term if is_known else forms.OTHER,
        "term": "" if is_known else found.term, "severity": found.severity, "started_at": found.started_at,
        "peak_at": found.peak_at, "ended_at": found.ended_at, "detail": found.detail,
    }  # fmt: skip

    def act(given: dict[str, object]) -> AdverseEvent:
        values = {name: value for name, value in given.items() if name not in ("version", "reason")}
        return actions.correct_event(
            event=found, version=int(str(given["version"])), reason=str(given["reason"]), values=values, by=actor,
            at=timezone.now(),
        )  # fmt: skip

    return answer(
        request, forms.CorrectForm(request.POST or None, initial=initial), act,
        shown=_words(here, found.participant, actor, "Correct an adverse event", "Save", event=found),
        said="It is corrected.", to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def end_event(request: HttpRequest, facility: str, event: UUID) -> HttpResponse:
    """Say when an event was over."""
    actor, here = require(request, Permission.RECORD_EVENT, facility)
    found = _event(here, event)
    form = forms.EndForm(request.POST or None, initial={"version": found.version, "ended_at": timezone.now()})
    return answer(
        request, form, lambda given: actions.end_event(event=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found.participant, actor, "Note that it is over", "Save", event=found), said="Saved.",
        to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def judge_event(request: HttpRequest, facility: str, event: UUID) -> HttpResponse:
    """Judge an event: serious, related, expected, outcome."""
    actor, here = require(request, Permission.JUDGE_EVENT, facility)
    found = _event(here, event)
    initial = {"version": found.version, "outcome": found.outcome or ("resolved" if found.is_over else "ongoing")}
    if found.judged_at:
        expected = "yes" if found.is_expected else "no"
        initial |= {"criteria": found.criteria, "relatedness": found.relatedness, "is_expected": expected}
    # Where it was written down is where its dose stands.
    session = found.source.partition("/")[2] if found.source.startswith("session/") else ""
    form = forms.JudgeForm(request.POST or None, initial=initial, is_again=found.judged_at is not None)
    return answer(
        request, form, lambda given: actions.judge_event(event=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found.participant, actor, "Judge an adverse event", "Save", event=found,
                     known=term(found.term), session=session, last_dose=queries.dose_before(found),
                     judges=actor.may(Permission.SEE_DOSES)),
        said="It is judged.", to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def report_event(request: HttpRequest, facility: str, event: UUID) -> HttpResponse:
    """Write down that a serious event was reported."""
    actor, here = require(request, Permission.JUDGE_EVENT, facility)
    found = _event(here, event)
    form = forms.ReportForm(request.POST or None, initial={"version": found.version, "reported_at": timezone.now()})
    return answer(
        request, form, lambda given: actions.report_event(event=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found.participant, actor, "Note that it was reported", "Save", event=found), said="Saved.",
        to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def strike_event(request: HttpRequest, facility: str, event: UUID) -> HttpResponse:
    """Strike out an event that was written by mistake."""
    actor, here = require(request, Permission.RECORD_EVENT, facility)
    found = _event(here, event)
    return answer(
        request, ChangeFields(request.POST or None, initial={"version": found.version}),
        lambda given: actions.strike_event(event=found, **given, by=actor, at=timezone.now()),
        shown=_words(here, found.participant, actor, "Strike out an adverse event", "Strike out", event=found,
                     is_danger=True),
        said="It is struck out.", to=_back(found.participant, here), newest=found, page=PAGE,
    )  # fmt: skip


def _person(here: Facility, participant: UUID) -> Participant:
    return get_object_or_404(queries.people_at(here), pk=participant)


def _concern(here: Facility, concern: UUID) -> Concern:
    return get_object_or_404(queries.concerns_at(here), pk=concern)


def _event(here: Facility, event: UUID) -> AdverseEvent:
    return get_object_or_404(queries.events_at(here), pk=event)


def _words(here: Facility, person: Participant, actor: Actor, title: str, verb: str, **more: Any) -> Given:
    """Gather what the page of a form shows; who it is about, for who may know it."""
    identity = identity_of(person) if actor.may(Permission.SEE_IDENTITY) else None
    return words_for(here, person, title, verb, identity=identity, **more)


def _of_concern(
    request: HttpRequest, here: Facility, concern: Concern, actor: Actor, title: str, verb: str, **more: Any
) -> Given:
    """Gather the same of a concern; the form only for whose task it is, while it is open.

    What was typed meanwhile stays on the page, whatever became of the concern.
    """
    may_act = concern.is_open and queries.is_for(concern, actor)
    return _words(
        here, concern.participant, actor, title, verb, concern=concern, is_late=concern.is_late(timezone.now()),
        is_for_reader=queries.is_for(concern, actor), raised_from=queries.raised_from(concern),
        without_form=request.method == "GET" and not may_act, **more,
    )  # fmt: skip


def _back(person: Participant, here: Facility) -> str:
    return reverse("participant_safety", args=[here.slug, person.pk])
