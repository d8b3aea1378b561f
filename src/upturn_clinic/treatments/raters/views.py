"""The page on which raters are told the days of a plan anew. First line: the gate."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.participants.answering import answer, words_for
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.raters import actions

__all__ = ["tell_raters"]


@require_http_methods(["GET", "POST"])
def tell_raters(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Tell blinded raters the days on which the visits now are."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    person = get_object_or_404(queries.people_with_plan_at(here), pk=participant)
    course = queries.course_of(person)
    if course is None:
        raise Http404
    plan = course.plan
    shown = words_for(
        here, person, "Tell raters the days of this plan", "Tell them",
        lede="Blinded raters see the days that were planned, not those that followed the doses. Once told, they see "
        "the days on which the visits are in this plan now, and no hour of a dose. A changed day can tell them that a "
        "dose came on another day.",
    )  # fmt: skip
    return answer(
        request, ChangeFields(request.POST or None, initial={"version": plan.version}),
        lambda given: actions.tell_raters(plan=plan, **given, by=actor, at=timezone.now()),
        shown=shown, said="Raters see the days of this plan.", to=reverse("plan", args=[here.slug, person.pk]),
        newest=plan,
    )  # fmt: skip
