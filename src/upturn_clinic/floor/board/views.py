"""The floor board as a page, and its picture alone for the page that renews itself. First line of each: the gate."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor.board import queries
from upturn_clinic.floor.limits import POLL_S

__all__ = ["floor", "floor_picture"]

NOT_MODIFIED = 304
# The facility's clock at the moment of an answer, for a page whose picture did not change.
CLOCK = "X-Upturn-Clock"


@require_GET
def floor(request: HttpRequest, facility: str) -> HttpResponse:
    """Show all rooms of a facility."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    now = timezone.now()
    mark = queries.mark(here, actor, now=now)
    shown = {"here": here, "board": queries.picture(here, actor, now=now), "mark": mark, "poll_s": POLL_S,
             "may_set_rooms": actor.may(Permission.CHANGE_FACILITY),
             # Each page opened in an emergency is written down: one that asks by itself would fill the trail.
             "renews": Permission.SEE_SESSIONS in actor.by_role}  # fmt: skip
    return render(request, "floor/board.html", shown)


@require_GET
def floor_picture(request: HttpRequest, facility: str) -> HttpResponse:
    """Give the picture alone; nothing where the page has this one already."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    now = timezone.now()
    # Read first: what is written from here on gives another mark next time.
    mark = queries.mark(here, actor, now=now)
    clock = f"{now.astimezone(here.zone):%H:%M:%S}"
    if request.headers.get("If-None-Match") == mark:
        return HttpResponse(status=NOT_MODIFIED, headers={"ETag": mark, CLOCK: clock})
    shown = {"here": here, "board": queries.picture(here, actor, now=now)}
    # Without the request: the picture needs nothing of what a page's frame shows.
    whole = render_to_string("floor/board_rooms.html", shown)
    return HttpResponse(whole, headers={"ETag": mark, CLOCK: clock})
