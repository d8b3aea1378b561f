"""Pages of other treatments and other drugs. First line of each: the gate."""

from __future__ import annotations

from collections.abc import Mapping
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
from upturn_clinic.participants.answering import answer
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_shown
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.interactions import interaction_of, notice
from upturn_clinic.treatments.models import CoIntervention, ConcomitantDrug
from upturn_clinic.treatments.others import actions, forms
from upturn_clinic.treatments.screens import FORM, form_words

__all__ = ["change_co_intervention", "change_drug", "others", "record_co_intervention", "record_drug"]

BOTH = ["GET", "POST"]


@require_GET
def others(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """List other treatments and other drugs, with what is known about them."""
    actor, here = require(request, Permission.SEE_CLINICAL_RECORD, facility)
    person = _person(here, participant)
    drugs = [(drug, interaction_of(drug.drug_class)) for drug in queries.drugs_of(person)]
    shown = {
        "here": here, "person": person, "identity": identity_shown(person, actor),
        "treatments": queries.co_interventions_of(person), "drugs": drugs,
        "notice_of_drugs": notice(), "may_record": actor.may(Permission.RECORD_TREATMENTS),
    }  # fmt: skip
    return render(request, "treatments/others.html", shown)


@require_http_methods(BOTH)
def record_co_intervention(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Record another treatment."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    person = _person(here, participant)
    return answer(
        request, forms.CoInterventionForm(request.POST or None),
        lambda given: actions.record_co_intervention(participant=person, values=given, by=actor, at=timezone.now()),
        shown=_words(here, person, actor, "Record another treatment", "Record"), said="Recorded.",
        to=_back(person, here), page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def change_co_intervention(request: HttpRequest, facility: str, co_intervention: UUID) -> HttpResponse:
    """Change another treatment, or end it."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    found = get_object_or_404(
        CoIntervention.objects.select_related("participant"), pk=co_intervention, participant__facility=here
    )
    person = found.participant
    form = forms.CoInterventionChange(request.POST or None, instance=found, initial={"version": found.version})
    return answer(
        request, form,
        lambda given: actions.change_co_intervention(
            co_intervention=found, version=given["version"], reason=given["reason"], values=_values(given), by=actor,
            at=timezone.now(),
        ),
        shown=_words(here, person, actor, f"Change: {found.get_kind_display()}", "Save"), said="Saved.",
        to=_back(person, here), newest=found, page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def record_drug(request: HttpRequest, facility: str, participant: UUID) -> HttpResponse:
    """Record another drug."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    person = _person(here, participant)
    return answer(
        request, forms.DrugForm(request.POST or None),
        lambda given: actions.record_drug(participant=person, values=given, by=actor, at=timezone.now()),
        shown=_words(here, person, actor, "Record another drug", "Record"), said="Recorded.",
        to=_back(person, here), page=FORM,
    )  # fmt: skip


@require_http_methods(BOTH)
def change_drug(request: HttpRequest, facility: str, drug: UUID) -> HttpResponse:
    """Change another drug, or end it."""
    actor, here = require(request, Permission.RECORD_TREATMENTS, facility)
    found = get_object_or_404(
        ConcomitantDrug.objects.select_related("participant"), pk=drug, participant__facility=here
    )
    person = found.participant
    form = forms.DrugChange(request.POST or None, instance=found, initial={"version": found.version})
    return answer(
        request, form,
        lambda given: actions.change_drug(
            drug=found, version=given["version"], reason=given["reason"], values=_values(given), by=actor,
            at=timezone.now(),
        ),
        shown=_words(here, person, actor, f"Change: {found.name}", "Save"), said="Saved.", to=_back(person, here),
        newest=found, page=FORM,
    )  # fmt: skip


def _person(here: Facility, participant: UUID) -> Participant:
    return get_object_or_404(queries.people_with_plan_at(here), pk=participant)


def _back(person: Participant, here: Facility) -> str:
    return reverse("others", args=[here.slug, person.pk])


def _words(here: Facility, person: Participant, reader: Actor, title: str, verb: str) -> dict[str, Any]:
    return form_words(here, person, reader, title, verb, is_other=True)


def _values(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("version", "reason")}
