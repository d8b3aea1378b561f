"""Pages for what went wrong, and the one that says that the clinic answers. They are open to everybody."""

from __future__ import annotations

import sys

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from upturn_clinic.ground.busy import is_busy
from upturn_clinic.pages.addresses import page_name
from upturn_clinic.pages.crisis import crisis_help

__all__ = [
    "bad_request",
    "forgery_suspected",
    "not_found",
    "only_for_sending",
    "permission_denied",
    "server_error",
    "well",
]

BUSY = 503
# Pages on which participants write about mood.
OF_PARTICIPANTS = frozenset({"self_rating", "own"})


def well(_request: HttpRequest) -> HttpResponse:
    """Answer a proxy or a supervisor: the server runs and reaches its database. Says nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("well\n", content_type="text/plain")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """The request makes no sense."""
    return _told(request, 400, "This request cannot be understood.", "Go back with your browser and try again.")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The person is known, but may not do this; told as JSON to a script that sent JSON."""
    remedy = str(exception or "") or "Your role does not include it."
    if request.content_type == "application/json":
        return JsonResponse({"fault": remedy}, status=403)
    roles = sorted(getattr(getattr(request, "refused", None), "roles", ()))
    if roles:
        remedy += f" Your role here: {', '.join(roles)}. Roles are given by an administrator of the facility."
    return _told(request, 403, "You cannot open this page.", remedy)


def forgery_suspected(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  (Django hands it over)
    """A form came without its token: the page was too old, or the request came from elsewhere."""
    # Written down above, where people are known.
    request.forgery_suspected = True  # type: ignore[attr-defined]
    return _told(
        request, 403, "This form is too old.",
        "Perhaps you logged in anew since then. Go back with your browser and reload the page: "
        "what you typed is kept in this tab.",
    )  # fmt: skip


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """There is no such page for this person."""
    return _told(request, 404, "There is no such page.", "It may have moved, or belong to another facility.")


def only_for_sending(request: HttpRequest) -> HttpResponse:
    """A page sends to this address; there is nothing to see."""
    return _told(request, 405, "There is nothing to see here.", "A page of the clinic sends to this address by itself.")


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours, or a database that is busy. The page is drawn without it: it may be what failed."""
    if not is_busy(sys.exc_info()[1]):
        return _by_itself(request, "pages/broken.html", status=500)
    if request.content_type == "application/json":
        return JsonResponse({"fault": "The database is busy. Send it again: nothing is written twice."}, status=BUSY)
    return _by_itself(request, "pages/busy.html", status=BUSY)


def _by_itself(request: HttpRequest, template: str, *, status: int) -> HttpResponse:
    """Draw a page that asks nothing of the database, not even who is there; who answers about mood is told of help."""
    shown: dict[str, object] = {"request": request}
    if page_name(request) in OF_PARTICIPANTS:
        shown["crisis"] = crisis_help("", "")
    return HttpResponse(render_to_string(template, shown), status=status)


def _told(request: HttpRequest, status: int, title: str, remedy: str) -> HttpResponse:
    shown: dict[str, object] = {"title": title, "remedy": remedy, "status": status}
    if page_name(request) in OF_PARTICIPANTS:
        shown["for_participants"] = True
    return render(request, "pages/told.html", shown, status=status)
