"""Pages that look into what was done. First line of each: the gate."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.actions import READ
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.accounts.queries import emergencies_at
from upturn_clinic.audit import actions, queries
from upturn_clinic.audit.forms import ReviewForm
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ground.forms import tell
from upturn_clinic.ledger.queries import entries_at
from upturn_clinic.operation import PAGE_ROWS

__all__ = ["emergencies", "history", "review", "trail"]


@require_GET
def trail(request: HttpRequest, facility: str) -> HttpResponse:
    """Show what was done at this facility, newest first."""
    actor, here = require(request, Permission.SEE_AUDIT, facility)
    page = Paginator(entries_at(here.pk), PAGE_ROWS).get_page(request.GET.get("page"))
    return render(request, "audit/trail.html", {"here": here, "page": page, "lines": queries.lines(page, actor)})


@require_GET
def history(request: HttpRequest, facility: str, kind: str, key: str) -> HttpResponse:
    """Show the history of one record, oldest first, and the signatures under it."""
    actor, here = require(request, Permission.SEE_AUDIT, facility)
    entries = queries.history_at(here, kind, key)
    model = queries.model_called(kind)
    if not entries or model is None:
        raise Http404
    shown = {
        "here": here,
        "thing": str(model._meta.verbose_name),
        "lines": queries.lines(entries, actor),
        "signatures": queries.signatures_of(kind, key),
    }
    return render(request, "audit/history.html", shown)


@require_GET
def emergencies(request: HttpRequest, facility: str) -> HttpResponse:
    """List who opened records in an emergency; what nobody has reviewed comes first."""
    _, here = require(request, Permission.REVIEW_EMERGENCY_ACCESS, facility)
    page = Paginator(emergencies_at(here), PAGE_ROWS).get_page(request.GET.get("page"))
    return render(request, "audit/emergencies.html", {"here": here, "page": page})


@require_http_methods(["GET", "POST"])
def review(request: HttpRequest, facility: str, access: UUID) -> HttpResponse:
    """Review one emergency access and sign the finding. Also the pattern for every form that signs."""
    actor, here = require(request, Permission.REVIEW_EMERGENCY_ACCESS, facility)
    found = get_object_or_404(emergencies_at(here), pk=access)
    form = ReviewForm(request.POST or None, initial={"version": found.version})
    if request.method == "POST" and form.is_valid() and actor.user is not None:
        given, now = form.cleaned_data, timezone.now()
        try:
            proof = prove(request, actor.user, password=given["password"], code=given["code"], at=now)
            actions.review_emergency_access(
                access=found, version=given["version"], finding=given["finding"], proof=proof, by=actor, at=now
            )
        except (Refused, Conflict) as refusal:
            found.refresh_from_db()
            tell(form, refusal, newest=found)
        else:
            messages.success(request, "Reviewed and signed.")
            return redirect("emergencies", here.slug)
    entries = queries.history_at(here, found._meta.label, str(found.pk))
    shown = {"here": here, "form": form, "access": found, "lines": queries.lines(entries, actor),
             "meaning": actions.REVIEWED, "is_open": timezone.now() < found.ends_at,
             "has_read": any(entry.action == READ for entry in entries)}  # fmt: skip
    return render(request, "audit/review.html", shown)
