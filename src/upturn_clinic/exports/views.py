"""Pages for analysts: which records there are, and taking them. First line of each: the gate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.exports import actions, forms, queries
from upturn_clinic.exports.files import zipped
from upturn_clinic.participants.answering import answer, user_of
from upturn_clinic.programmes.models import Programme
from upturn_clinic.programmes.queries import programmes_at

__all__ = ["data", "export_records", "unmask_programme"]

BOTH = ["GET", "POST"]


@require_GET
def data(request: HttpRequest, facility: str) -> HttpResponse:
    """List the programmes whose records can be taken."""
    _, here = require(request, Permission.SEE_DEIDENTIFIED, facility)
    return render(request, "exports/data.html", {"here": here, "rows": queries.programme_rows(here)})


@require_http_methods(BOTH)
def export_records(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """Give the five records of a programme as one zip file; the trail says who took them."""
    actor, here = require(request, Permission.SEE_DEIDENTIFIED, facility)
    found = get_object_or_404(programmes_at(here), pk=programme)
    form = forms.ExportForm(request.POST or None, initial={"kind": "csv"})
    if form.is_bound and form.is_valid():
        now, kind = timezone.now(), form.cleaned_data["kind"]
        export = actions.export_records(programme=found, kind=kind, by=actor, at=now)
        file = HttpResponse(zipped(export, kind=kind), content_type="application/zip")
        name = f"{slugify(found.name) or 'programme'}-{now.astimezone(here.zone):%Y-%m-%d}.zip"
        file["Content-Disposition"] = f'attachment; filename="{name}"'
        file["Cache-Control"] = "no-store"
        return file
    row = queries.programme_row(found, here)
    return render(request, "exports/export.html", {"here": here, "programme": found, "form": form, "row": row})


@require_http_methods(BOTH)
def unmask_programme(request: HttpRequest, facility: str, programme: UUID) -> HttpResponse:
    """End the masking of a study for its records, signed."""
    actor, here = require(request, Permission.SIGN_PROGRAMME, facility)
    found, now = get_object_or_404(programmes_at(here), pk=programme), timezone.now()

    def act(given: dict[str, Any]) -> object:
        proof = prove(request, user_of(actor), password=given["password"], code=given["code"], at=now)
        return actions.unmask(programme=found, reason=given["reason"], proof=proof, by=actor, at=now)

    return answer(
        request, forms.UnmaskForm(request.POST or None), act,
        shown={"here": here, "programme": found, "title": f"End the masking of {found}",
               "verb": "Sign: end the masking", "meaning": actions.UNMASKED, "is_grave": True,
               "back": reverse("programme", args=[here.slug, found.pk]),
               "note": "This cannot be undone: from then on records name each person's arm.",
               "nothing": _why_not(queries.unmaskable(found, here), found)},
        said="The arms may be named in records now.", to=reverse("programme", args=[here.slug, found.pk]),
        page="exports/form.html",
    )  # fmt: skip


def _why_not(known: queries.Unmaskable, programme: Programme) -> str:
    """Say why the masking cannot be ended now; nothing when it can."""
    if known.is_over:
        return "Nothing is masked: records name the arms already."
    if not known.leads:
        return f"{programme.lead.name} leads this programme and ends its masking."
    if known.running:
        people = "1 person still takes" if known.running == 1 else f"{known.running} people still take"
        return f"{people} part. The masking ends when everybody has completed or withdrawn."
    return ""
