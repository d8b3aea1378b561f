"""Pages of one person's plan, and of what is due at a facility. First line of each: the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.participants.answering import answer
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import is_masked
from upturn_clinic.treatments import actions, forms, queries
from upturn_clinic.treatments.actions import AnyDue
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose, Visit
from upturn_clinic.treatments.screens import FORM, due_lines, due_spans, form_words, plan_screen
from upturn_clinic.treatments.watch import queries as watch

__all__ = [
    "attend_visit", "decide_booster", "end_dose", "end_visit", "give_dose", "make_plan", "move_dose", "move_visit",
    "plan", "plan_booster", "renew_plan", "upcoming",
]  # fmt: skip

BOTH = ["GET", "POST"]


@require_GET
def plan(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show somebody's plan as a list, a month or a week; doses only to who may see them."""
    actor, here = require(request, Permission.SEE_PLAN, facility)
    person = _person(here, participant)
    shown = plan_screen(
        person, actor, now=timezone.now(), form=request.GET.get("view", "list"), day=request.GET.get("on", "")
    )
    may_boost = shown["may_change"] and _rule_asks_for_a_booster(shown["course"], actor)
    return render(request, "treatments/plan.html", {"here": here, "may_boost": may_boost, **shown})


@require_GET
def upcoming(request: HttpRequest, facility: str) -> HttpResponse:
    """Show what is due at a facility: late, today, the next seven days."""
    actor, here = require(request, Permission.SEE_PLAN, facility)
    now = timezone.now()
    spans = due_spans(here, actor, now=now)
    chosen = request.GET.get("show", "today")
    span = next((each for each in spans if each.key == chosen), next(each for each in spans if each.key == "today"))
    pages = Paginator(span.keys, PAGE_ROWS)
    # Counted once, for the heading.
    pages.count = span.count
    page = pages.get_page(request.GET.get("page"))
    rows = due_lines(list(page), actor, here, now=now, is_late=span.key == "late")
    return render(
        request, "treatments/upcoming.html", {"here": here, "spans": spans, "span": span, "page": page, "rows": rows}
    )


@require_http_methods(BOTH)
def make_plan(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Choose the first dose; visits and doses follow from the protocol."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    person = _person(here, participant)
    return answer(
        request,
        forms.BeginForm(request.POST or None),
        lambda given: actions.make_plan(participant=person, **given, by=actor, at=timezone.now()),
        shown=form_words(here, person, actor, "Make the plan", "Make the plan"),
        said="The plan is made.", to=_plan_of(person, here), page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def renew_plan(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Let the plan follow the protocol version that its participant was moved to."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    person = _person(here, participant)
    course = queries.course_of(person)
    if course is None:
        raise Http404
    found = course.plan
    words = form_words(here, person, actor, "Follow the new protocol version", "Renew the plan")
    if person.protocol_version_id == found.protocol_version_id:
        refusal = Refused("The plan follows the participant's protocol version already.")
        return render(request, FORM, {**words, "nothing_to_do": refusal})
    return answer(
        request, ChangeFields(request.POST or None, initial={"version": found.version}),
        lambda given: actions.renew_plan(plan=found, **given, by=actor, at=timezone.now()),
        shown={**words, "renewed": found},
        said="The plan follows the new version.", to=_plan_of(person, here), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def move_dose(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Plan a dose for another time."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    return _move(request, here, get_object_or_404(queries.doses_at(here), pk=dose), actor)


@require_http_methods(BOTH)
def move_visit(request: HttpRequest, facility: str, visit: UUID) -> HttpResponse:
    """Plan a visit for another time."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    return _move(request, here, get_object_or_404(queries.visits_at(here), pk=visit), actor)


@require_http_methods(BOTH)
def end_dose(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Note that a dose was missed, or cancel it."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    return _end(request, here, get_object_or_404(queries.doses_at(here), pk=dose), actor)


@require_http_methods(BOTH)
def end_visit(request: HttpRequest, facility: str, visit: UUID) -> HttpResponse:
    """Note that a visit was missed, or cancel it."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    return _end(request, here, get_object_or_404(queries.visits_at(here), pk=visit), actor)


@require_http_methods(BOTH)
def attend_visit(request: HttpRequest, facility: str, visit: UUID) -> HttpResponse:
    """Record that a visit took place."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    found = get_object_or_404(queries.visits_at(here), pk=visit)
    person, now = found.plan.participant, timezone.now()
    again = found.done_at is not None
    title = f"{found}: {'correct when it took place' if again else 'it took place'}"
    words = form_words(here, person, actor, title, "Correct" if again else "Save", due=found)
    form = forms.AttendForm(
        request.POST or None, is_correction=again,
        initial={"version": found.version, "done_at": min(found.done_at or found.planned_at, now)},
    )  # fmt: skip
    return answer(
        request,
        form,
        lambda given: actions.attend_visit(visit=found, **given, by=actor, at=timezone.now()),
        shown=words, said=f"{found} is recorded.", to=_plan_of(person, here), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def give_dose(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Record that somebody began to take at home what is taken there. Any other dose is given in its session."""
    actor, here = require(request, Permission.RECORD_SESSION, facility)
    found = get_object_or_404(queries.doses_at(here), pk=dose)
    person, now = found.plan.participant, timezone.now()
    course = queries.course_of(person)
    if course is None:
        raise Http404
    if not found.is_home_course:
        return render(
            request, FORM, form_words(here, person, actor, str(found), "In its session", due=found, in_session=True)
        )
    shown = queries.dose_shown(course, found, weight=queries.weight_of(person), reader=actor, at=now)
    initial = {"version": found.version, "began_at": min(found.given_at or found.planned_at, now),
               "mg": found.given_mg, "percent": found.given_percent}  # fmt: skip

    def act(given: Mapping[str, Any]) -> Dose:
        as_given = actions.AsGiven(
            given["began_at"], mg=given.get("mg"), percent=given.get("percent"), reason=given["reason"]
        )
        return actions.give_dose(dose=found, version=given["version"], given=as_given, by=actor, at=timezone.now())

    return answer(
        request,
        forms.GiveForm(
            request.POST or None, is_masked=is_masked(person), is_correction=found.given_at is not None, initial=initial
        ),
        act,
        shown=form_words(here, person, actor, f"{found}: since when it is taken", "Save", due=found, dose=shown,
                     **_watched(course, actor)),
        said=f"{found} is recorded. What comes after follows it.", to=_plan_of(person, here), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def plan_booster(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Plan a booster by the protocol's rule: shows what the rule says, and plans it if the rule holds."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    person = _person(here, participant)
    course, now = queries.course_of(person), timezone.now()
    if course is None:
        raise Http404
    may_read = actor.may(Permission.SEE_RATINGS)
    form = forms.BoosterForm(request.POST or None, may_read=may_read)
    shown = form_words(here, person, actor, "A booster by the protocol's rule", "Plan the booster",
                   may_decide=actor.may(Permission.DECIDE_BOOSTER), **_watched(course, actor))  # fmt: skip
    try:
        _, when, _ = queries.booster_by_rule(course, actor, now=now)
    except Refused as refusal:
        # Nothing to fill in that would be refused.
        return render(request, FORM, {**shown, "nothing_to_do": refusal})
    # What the rule rests on, in the words of the ratings, is for who may read ratings.
    shown |= {"finding": queries.finding_of(course) if may_read else None, "booster_at": when,
              "booster": queries.booster_shown(course, actor, at=when)}  # fmt: skip

    def act(given: Mapping[str, Any]) -> Dose:
        asked_by = given.get("asked_by", "")
        return boosters.plan_booster(participant=person, asked_by=asked_by, by=actor, at=timezone.now())

    return answer(request, form, act, shown=shown, said="The booster is planned.", to=_plan_of(person, here), page=FORM)


@require_http_methods(BOTH)
def decide_booster(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Plan a booster by a clinician's decision."""
    actor, here = require(request, Permission.DECIDE_BOOSTER, facility)
    person = _person(here, participant)
    course = queries.course_of(person)
    return answer(
        request, forms.DecideForm(request.POST or None),
        lambda given: boosters.decide_booster(participant=person, **given, by=actor, at=timezone.now()),
        shown=form_words(here, person, actor, "A booster by decision", "Plan the booster",
                     finding=queries.finding_of(course) if course else None,
                     booster=queries.booster_shown(course, actor, at=timezone.now()) if course else None,
                     **_watched(course, actor)),
        said="The booster is planned.", to=_plan_of(person, here), page=FORM,
    )  # fmt: skip


def _move(request: HttpRequest, here: Facility, due: AnyDue, actor: Actor) -> HttpResponse:
    person = due.plan.participant
    # Not offered on the plan before its time; whoever came early is not moved, but recorded.
    is_early = isinstance(due, Visit) and due.is_to_come(timezone.now())

    def act(given: Mapping[str, Any]) -> AnyDue:
        moved = actions.move_due(due=due, **given, by=actor, at=timezone.now())
        if moved.is_outside:
            messages.warning(request, f"{moved} is now outside the window that the protocol gives it.")
        return moved

    return answer(
        request, forms.MoveForm(request.POST or None, initial={"version": due.version, "planned_at": due.planned_at}),
        act,
        shown=form_words(here, person, actor, f"{due}: another time", "Move", due=due, is_early=is_early),
        said=f"{due} is moved.", to=_plan_of(person, here), newest=due, page=FORM,
    )  # fmt: skip


def _end(request: HttpRequest, here: Facility, due: AnyDue, actor: Actor) -> HttpResponse:
    person, is_over = due.plan.participant, timezone.now() >= due.planned_at
    title, verb = (f"{due}: it did not take place", "Save") if is_over else (f"{due}: cancel", f"Cancel {due}")

    def act(given: Mapping[str, Any]) -> AnyDue:
        return actions.end_due(
            due=due, version=given["version"], is_missed=given["outcome"] == "missed", reason=given["reason"],
            by=actor, at=timezone.now(),
        )  # fmt: skip

    return answer(
        request, forms.EndForm(request.POST or None, is_over=is_over, initial={"version": due.version}), act,
        shown=form_words(here, person, actor, title, verb, due=due, is_ending_visit=isinstance(due, Visit),
                     is_over=is_over, back="Back"),
        said="Saved.", to=_plan_of(person, here), newest=due, page=FORM,
    )  # fmt: skip


def _person(here: Facility, participant: UUID) -> Participant:
    return get_object_or_404(queries.people_with_plan_at(here), pk=participant)


def _plan_of(person: Participant, here: Facility) -> str:
    return reverse("plan", args=[here.slug, person.pk])


def _rule_asks_for_a_booster(course: Course | None, reader: Actor) -> bool:
    """Tell whether a booster by the protocol's rule would be planned for this reader now."""
    if course is None:
        return False
    try:
        queries.booster_by_rule(course, reader, now=timezone.now())
    except Refused:
        return False
    return True


def _watched(course: Course | None, actor: Actor) -> dict[str, Any]:
    """Say what speaks against a dose where one is decided: reasons to stop that are there, and other drugs."""
    if course is None or not actor.may(Permission.SEE_CLINICAL_RECORD):
        return {}
    reasons = watch.reasons_to_stop(course, now=timezone.now())
    return {"reasons": reasons, "warned": watch.warnings_of(course.plan.participant),
            "may_decide_stopping": actor.may(Permission.DECIDE_STOPPING)}  # fmt: skip
