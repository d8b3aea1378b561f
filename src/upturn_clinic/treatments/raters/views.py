"""The page on which raters are told the days of a plan anew. First line: the gate."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ground.forms import ChangeFields
from upturn_clinic.participants.answering import answer
from upturn_clinic.treatments.queries import course_of, people_with_plan_at
from upturn_clinic.treatments.raters import actions, queries
from upturn_clinic.treatments.screens import FORM, form_words

__all__ = ["tell_raters"]


@require_http_methods(["GET", "POST"])
def tell_raters(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Show which days raters would be told anew, and tell them."""
    actor, here = require(request, Permission.CHANGE_PLAN, facility)
    person = get_object_or_404(people_with_plan_at(here), pk=participant)
    course, now = course_of(person), timezone.now()
    if course is None:
        raise Http404
    words = form_words(here, person, actor, "Tell raters the days of this plan", "Tell them")
    try:
        retold = queries.must_differ(course, at=now)
    except Refused as refusal:
        # Nothing to fill in that would be refused.
        return render(request, FORM, {**words, "nothing_to_do": refusal})
    plan, seen = course.plan, request.POST.get("seen", "")
    return answer(
        request, ChangeFields(request.POST or None, initial={"version": plan.version}),
        lambda given: actions.tell_raters(plan=plan, seen=seen, **given, by=actor, at=timezone.now()),
        shown={**words, "retold": retold, "mark": queries.mark_of(course, at=now)},
        said="Raters see the days of this plan from now on.", to=reverse("plan", args=[here.slug, person.pk]),
        newest=plan, page=FORM,
    )  # fmt: skip
