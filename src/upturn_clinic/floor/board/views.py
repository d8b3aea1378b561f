"""The floor board as a page, and its picture alone for the page that renews itself. First line of each: the gate."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.floor import marks
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
    board, mark = _picture(here, actor, timezone.now())
    shown = {"here": here, "board": board, "mark": mark, "poll_s": POLL_S,
             "may_set_rooms": actor.may(Permission.CHANGE_FACILITY),
             # Each page opened in an emergency is written down: one that asks by itself would fill the trail.
             "renews": Permission.SEE_SESSIONS in actor.by_role}  # fmt: skip
    return render(request, "floor/board.html", shown)


@require_GET
def floor_picture(request: HttpRequest, facility: str) -> HttpResponse:
    """Give the picture alone; nothing where the page has this one already."""
    actor, here = require(request, Permission.SEE_SESSIONS, facility)
    now, known = timezone.now(), marks.read_mark(request.headers.get("If-None-Match", ""))
    clock = f"{now.astimezone(here.zone):%H:%M:%S}"
    # Whatever is written at this facility counts: the board shows nothing of others.
    if known and known.serves(_whose(here, actor), now=now) and marks.last_row(here) == known.sequence:
        return HttpResponse(status=NOT_MODIFIED, headers={"ETag": str(known), CLOCK: clock})
    board, mark = _picture(here, actor, now)
    # Without the request: the picture needs nothing of what a page's frame shows.
    whole = render_to_string("floor/board_rooms.html", {"here": here, "board": board})
    return HttpResponse(whole, headers={"ETag": mark, CLOCK: clock})


def _picture(here: Facility, actor: Actor, now: datetime) -> tuple[queries.Board, str]:
    # Read first: what is written from here on gives another mark next time.
    last = marks.last_row(here)
    board = queries.picture(here, actor, now=now)
    return board, str(marks.Mark(last, board.until, _whose(here, actor)))


def _whose(here: Facility, actor: Actor) -> str:
    return marks.whose(actor, "board", here.pk)
