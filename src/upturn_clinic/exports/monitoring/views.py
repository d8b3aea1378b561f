"""Pages of the monitoring forms: which are due, one to read and print, filling it, noting it as submitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.exports.monitoring import actions, forms, queries
from upturn_clinic.exports.monitoring.sheet import HAPPENED, MONITORING, CheckedField, Section, sections_of
from upturn_clinic.exports.numbers import SUBMIT_SOURCE, SUBMIT_WITHIN
from upturn_clinic.participants.answering import answer
from upturn_clinic.stock.queries import may_know
from upturn_clinic.treatments.models import Dose

__all__ = ["fill_monitoring_form", "monitoring_form", "monitoring_forms", "print_monitoring_form",
           "submit_monitoring_form"]  # fmt: skip

BOTH = ["GET", "POST"]


@require_GET
def monitoring_forms(request: HttpRequest, facility: str) -> HttpResponse:
    """List the forms that are due, with the calendar days left."""
    actor, here = require(request, Permission.FILL_FORMS, facility)
    every = request.GET.get("show") == "all"
    rows = queries.due_forms(here, actor, now=timezone.now(), all_of_them=every)
    return render(request, "exports/forms.html", {"here": here, "rows": rows, "every": every,
                                                  "days": SUBMIT_WITHIN.days, "source": SUBMIT_SOURCE})  # fmt: skip


@require_GET
def monitoring_form(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Show one form as it stands, to read and to print."""
    actor, here = require(request, Permission.FILL_FORMS, facility)
    found = _dose(here, dose, actor)
    form = queries.form_of(found)
    sections = sections_of(queries.held_of(found), form.answers if form else {})
    missing = _missing(sections)
    by_hand = sum(each.is_missing and each.origin == "record" for part in sections for each in part.fields)
    due_on = queries.due_on(found)
    shown = {"here": here, "dose": found, "form": form, "parts": sections, "missing": missing,
             "due_on": due_on, "by_hand": by_hand,
             "is_late": due_on < timezone.localdate(),
             "now": timezone.now(), "by": actor.user, "source": SUBMIT_SOURCE}  # fmt: skip
    return render(request, "exports/monitoring_form.html", shown)


@require_http_methods(BOTH)
def fill_monitoring_form(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Write what the record does not say."""
    actor, here = require(request, Permission.FILL_FORMS, facility)
    found = _dose(here, dose, actor)
    kept = queries.form_of(found)
    initial = {**(kept.answers if kept else {}), "version": kept.version if kept else 0}
    read = sections_of(queries.held_of(found), {})
    # What was asked when the page was opened is taken, whatever the record says since.
    known = {each.key for section in read for each in section.fields if each.origin == "record" and each.value}
    known -= set(request.POST)
    form = forms.FillForm(request.POST or None, initial=initial, known=known)

    def act(given: dict[str, Any]) -> object:
        # What was written before the record said it is kept: the entry of the record may be struck out.
        hidden = {name: text for name, text in (kept.answers if kept else {}).items() if name not in request.POST}
        return actions.fill_form(
            dose=found, version=given["version"], answers={**form.answers(), **hidden}, by=actor, at=timezone.now()
        )

    return answer(
        request, form, act,
        shown={"here": here, "dose": found, "title": f"Fill the monitoring form of {_whose(found)}", "verb": "Save",
               "back": _page(here, found), "readings": _readings(read)},
        said="Saved.", to=_page(here, found), newest=kept, page="exports/form.html",
    )  # fmt: skip


@require_http_methods(BOTH)
def print_monitoring_form(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Note that the form was printed."""
    actor, here = require(request, Permission.FILL_FORMS, facility)
    found = _dose(here, dose, actor)
    return answer(
        request, forms.PrintForm(request.POST or None),
        lambda _: actions.note_print(dose=found, by=actor, at=timezone.now()),
        shown={"here": here, "dose": found, "title": f"The form of {_whose(found)} is printed",
               "verb": "Note that it is printed", "back": _page(here, found)},
        said="Noted as printed.", to=_page(here, found), page="exports/form.html",
    )  # fmt: skip


@require_http_methods(BOTH)
def submit_monitoring_form(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Note that the clinic submitted the form itself."""
    actor, here = require(request, Permission.FILL_FORMS, facility)
    found = _dose(here, dose, actor)
    kept = queries.form_of(found)
    empty = len(_missing(sections_of(queries.held_of(found), kept.answers if kept else {})))
    form = forms.SubmitForm(request.POST or None, initial={"version": kept.version if kept else 0,
                                                           "submitted_at": timezone.now()})  # fmt: skip
    return answer(
        request, form,
        lambda given: actions.submit_form(dose=found, **given, by=actor, at=timezone.now()),
        shown={"here": here, "dose": found, "title": f"Note when the form of {_whose(found)} was submitted",
               "verb": "Note that it is submitted", "back": _page(here, found), "empty": empty,
               "due_on": queries.due_on(found), "is_late": queries.due_on(found) < timezone.localdate()},
        said="Noted as submitted.", to=_page(here, found), newest=kept, page="exports/form.html",
    )  # fmt: skip


def _dose(here: Facility, dose: UUID, actor: Actor) -> Dose:
    found = get_object_or_404(queries.sessions_with_form(here), pk=dose)
    if not may_know(actor, found) or not queries.needs_form(found):
        raise Http404
    return found


def _missing(sections: Sequence[Section]) -> list[str]:
    return [each.label for section in sections for each in section.fields if each.is_missing]


def _readings(sections: Sequence[Section]) -> list[CheckedField]:
    """Give what the record says of the session, on which somebody judges while they fill the form."""
    told = (each for section in sections if section.title in (MONITORING, HAPPENED) for each in section.fields)
    return [each for each in told if each.help or (each.value and each.origin == "record")]


def _whose(dose: Dose) -> str:
    return f"{dose.plan.participant.pseudonym}, {dose}"


def _page(here: Facility, dose: Dose) -> str:
    return reverse("monitoring_form", args=[here.slug, dose.pk])
