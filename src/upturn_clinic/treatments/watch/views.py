"""Pages of reasons to stop and long-term monitoring. First line of each: the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.participants.answering import answer, user_of
from upturn_clinic.treatments.models import MonitoringCheck, StopDecision
from upturn_clinic.treatments.queries import course_of, people_with_plan_at
from upturn_clinic.treatments.screens import AHEAD, FORM, form_words
from upturn_clinic.treatments.watch import actions, forms, queries

__all__ = ["decide_stopping", "monitoring", "record_check", "strike_check"]

BOTH = ["GET", "POST"]
Decision = StopDecision.Decision


@require_GET
def monitoring(request: HttpRequest, facility: str) -> HttpResponse:
    """List what is due of the long-term monitoring at a facility: late first, then the next seven days."""
    actor, here = require(request, Permission.SEE_CLINICAL_RECORD, facility)
    now = timezone.now()
    looks = queries.looks_due_at(here, until=now + AHEAD)
    shown = {
        "here": here, "late": [each for each in looks if each.is_late(now)],
        "ahead": [each for each in looks if not each.is_late(now)],
        "may_record": actor.may(Permission.RECORD_TREATMENTS),
    }  # fmt: skip
    return render(request, "treatments/monitoring.html", shown)


@require_http_methods(BOTH)
def decide_stopping(request: HttpRequest, facility: str, participant: UUID, rule: str) -> HttpResponse:
    """Decide about a reason to stop: it is there, or doses go on all the same; signed."""
    actor, here = require(request, Permission.DECIDE_STOPPING, facility)
    person = get_object_or_404(people_with_plan_at(here), pk=participant)
    course, now = course_of(person), timezone.now()
    reasons = queries.reasons_of(course, now=now) if course else ()
    found = next((each for each in reasons if each.rule.id == rule), None)
    if found is None:
        raise Http404

    decision = Decision.GO_ON if found.holds_back else Decision.STOP
    title, verb = (
        ("A reason to stop: decide whether doses go on", "Sign: doses go on")
        if found.holds_back
        else ("A reason to stop: say that it is there", "Sign: no dose for now")
    )
    shows = {"seen": found.seen, "decision": decision.value}
    form = forms.StopForm(request.POST or None, initial=shows)

    def act(given: dict[str, Any]) -> object:
        # Refused or not, the page that follows speaks of what is there now.
        form.data = {**request.POST.dict(), **shows}
        at = timezone.now()
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=at)
        return actions.decide_stopping(
            participant=person, rule=rule, decision=given["decision"], seen=given["seen"], reason=given["reason"],
            proof=proof, by=actor, at=at,
        )  # fmt: skip

    return answer(
        request, form, act,
        shown=form_words(here, person, actor, title, verb, stopping=found, meaning=actions.MEANINGS[decision]),
        said="It is written down.", to=reverse("plan", args=[here.slug, person.pk]) + "#stopping", page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def record_check(request: HttpRequest, facility: str, participant: UUID, look: str, key: str) -> HttpResponse:
    """Record what was found at a look."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    person = get_object_or_404(people_with_plan_at(here), pk=participant)
    course, now = course_of(person), timezone.now()
    found = queries.look_at(course, look, key) if course else None
    if found is None:
        raise Http404
    return answer(
        request, forms.CheckForm(request.POST or None, initial={"done_at": now}),
        lambda given: actions.record_check(
            participant=person, look=look, key=key, **given, by=actor, at=timezone.now()
        ),
        shown=form_words(here, person, actor, f"{_name(found.rule.id)} check", "Record", look=found,
                     is_late=found.is_late(now)),
        said="Recorded.", to=reverse("plan", args=[here.slug, person.pk]) + "#monitoring", page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def strike_check(request: HttpRequest, facility: str, check: UUID) -> HttpResponse:
    """Strike out a look that was recorded by mistake."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    checks = MonitoringCheck.objects.filter(facility=here, struck_at=None).select_related("participant")
    found = get_object_or_404(checks, pk=check)
    person = found.participant
    return answer(
        request, ChangeFields(request.POST or None, initial={"version": found.version}),
        lambda given: actions.strike_check(check=found, **given, by=actor, at=timezone.now()),
        shown=form_words(here, person, actor, f"Strike out the {_name(found.look).lower()} check", "Strike out",
                     check=found, is_grave=True),
        said="Struck out. It is due again.", to=reverse("plan", args=[here.slug, person.pk]) + "#monitoring",
        newest=found, page=FORM,
    )  # fmt: skip


def _name(look: str) -> str:
    """Write the protocol's short word for a look: ``bladder`` is "Bladder"."""
    return look.replace("-", " ").replace("_", " ").capitalize()
