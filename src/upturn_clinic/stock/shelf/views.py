"""Pages of the shelf: balances, one lot's register, deliveries, counts, the reconciliation. First line: the gate."""

from __future__ import annotations

import csv
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from upturn_clinic.accounts.gate import require
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import prove
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.participants.answering import answer
from upturn_clinic.stock import forms
from upturn_clinic.stock.amounts import EXPIRY_NEAR_D, exact, written
from upturn_clinic.stock.checks import WITNESSED
from upturn_clinic.stock.models import Movement
from upturn_clinic.stock.queries import open_draws, people_who_may, to_prepare
from upturn_clinic.stock.shelf import actions, queries

__all__ = [
    "count_lot", "lot", "receive", "reconciliation", "reconciliation_file", "remove_from_lot", "settle_count", "stock",
    "take_back_entry",
]  # fmt: skip

PAGE = "stock/form.html"
BOTH = ["GET", "POST"]
COLUMNS = (
    "drug", "form", "lot", "strength", "expires", "unit", "opening", "received", "put back", "drawn", "wasted",
    "destroyed", "sent back", "righted", "closing", "counted", "counted at", "difference", "given",
    "wasted after drawing", "drawn and not accounted for",
)  # fmt: skip


@require_GET
def stock(request: HttpRequest, facility: str) -> HttpResponse:
    """Show what must be on the shelf, and what is drawn and not yet accounted for."""
    actor, here = require(request, Permission.SEE_STOCK, facility)
    today = timezone.now().astimezone(here.zone).date()
    begin, end = _midnight(today, here), _midnight(today + timedelta(days=1), here)
    every = request.GET.get("show") == "all"
    shown = {
        "here": here, "rows": queries.lot_rows(here, actor, today=today, all_of_them=every), "every": every,
        "to_prepare": to_prepare(here, begin=begin, end=end),
        "open_draws": open_draws(here, actor), "near_d": EXPIRY_NEAR_D,
        "may_keep": actor.may(Permission.KEEP_STOCK), "knows_arms": actor.may(Permission.SEE_ARM),
    }  # fmt: skip
    return render(request, "stock/stock.html", shown)


@require_GET
def lot(request: HttpRequest, facility: str, lot: UUID) -> HttpResponse:
    """Show the register of one lot, newest first."""
    actor, here = require(request, Permission.SEE_STOCK, facility)
    found = get_object_or_404(queries.lots_at(here, actor), pk=lot)
    page = Paginator(queries.register_of(found), PAGE_ROWS).get_page(request.GET.get("page"))
    may_keep = actor.may(Permission.KEEP_STOCK)
    rows = []
    for each in page:
        may = may_keep or each.by_id == actor.user_id
        rows.append((each, exact(vars(each)["after"]), may and queries.can_be_taken_back(each)))
    broken = {each.pk for each in queries.broken_seals(page)}
    shown = {
        "here": here, "lot": found, "page": page, "rows": rows, "balance": queries.balance_of(found), "broken": broken,
        "may_keep": may_keep, "difference": queries.open_difference(found),
    }  # fmt: skip
    return render(request, "stock/lot.html", shown)


@require_http_methods(BOTH)
def receive(request: HttpRequest, facility: str) -> HttpResponse:
    """Book a delivery."""
    actor, here = require(request, Permission.KEEP_STOCK, facility)

    def act(given: dict[str, Any]) -> object:
        reason = given.pop("reason")
        return actions.receive(
            facility=here, delivery=actions.Delivery(**given), reason=reason, by=actor, at=timezone.now()
        )

    form = forms.ReceiveForm(request.POST or None, may_mask=actor.may(Permission.SEE_ARM))
    return answer(
        request, form, act, shown={"here": here, "title": "Book a delivery", "verb": "Book the delivery"},
        said="The delivery is booked.", to=reverse("stock", args=[here.slug]), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def count_lot(request: HttpRequest, facility: str, lot: UUID) -> HttpResponse:
    """Book a count. What the register expects is not shown before: who counts shall count."""
    actor, here = require(request, Permission.KEEP_STOCK, facility)
    found = get_object_or_404(queries.lots_at(here, actor), pk=lot)
    return answer(
        request, forms.CountForm(request.POST or None, unit=found.unit),
        lambda given: actions.count(lot=found, **given, by=actor, at=timezone.now()),
        shown={"here": here, "lot": found, "title": "Count what is on the shelf", "verb": "Book the count"},
        said="The count is booked.", to=_lot(here, found.pk), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def settle_count(request: HttpRequest, facility: str, lot: UUID) -> HttpResponse:
    """Let the register follow the last count, before a witness."""
    actor, here = require(request, Permission.KEEP_STOCK, facility)
    found, now = get_object_or_404(queries.lots_at(here, actor), pk=lot), timezone.now()
    people = people_who_may(here, Permission.WITNESS, but=actor.user_id, at=now)
    last = queries.last_count(found)

    def act(given: dict[str, Any]) -> object:
        proof = prove(request, given["person"], password=given["password"], code=given["code"], at=now)
        return actions.settle(lot=found, reason=given["reason"], witness=proof, by=actor, at=now)

    shown = {
        "here": here, "lot": found, "title": "Settle the difference of a count", "verb": "Settle",
        "meaning": actions.SEEN, "last": last, "balance": queries.balance_of(found),
        "difference": queries.open_difference(found),
    }  # fmt: skip
    if not shown["difference"]:
        shown["nothing"] = (
            "This lot was not counted. Count it first."
            if last is None
            else "There is no difference to settle: the count agrees, or the shelf changed since. Count again."
        )
    return answer(
        request, forms.SettleForm(request.POST or None, people=people), act, shown=shown,
        said="The register follows the count.", to=_lot(here, found.pk), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def remove_from_lot(request: HttpRequest, facility: str, lot: UUID) -> HttpResponse:
    """Book what was wasted, destroyed or sent back from the shelf."""
    actor, here = require(request, Permission.KEEP_STOCK, facility)
    found, now = get_object_or_404(queries.lots_at(here, actor), pk=lot), timezone.now()
    people = people_who_may(here, Permission.WITNESS, but=actor.user_id, at=now)

    def act(given: dict[str, Any]) -> object:
        person = given["person"]
        witness = prove(request, person, password=given["password"], code=given["code"], at=now) if person else None
        return actions.remove(
            lot=found, kind=given["kind"], amount=given["amount"], reason=given["reason"], witness=witness, by=actor,
            at=now,
        )  # fmt: skip

    return answer(
        request, forms.RemoveForm(request.POST or None, people=people, unit=found.unit), act,
        shown={"here": here, "lot": found, "title": "Wasted, destroyed or sent back", "verb": "Book it",
               "meaning": WITNESSED},
        said="Booked.", to=_lot(here, found.pk), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def take_back_entry(request: HttpRequest, facility: str, movement: UUID) -> HttpResponse:
    """Take an entry back by one against it."""
    actor, here = require(request, Permission.DISPENSE, facility)
    rows = Movement.objects.filter(lot__in=queries.lots_at(here, actor)).select_related(
        "lot__facility", "draw__dose__plan__participant", "by"
    )
    found, now = get_object_or_404(rows, pk=movement), timezone.now()
    people = people_who_may(here, Permission.WITNESS, but=actor.user_id, at=now)

    def act(given: dict[str, Any]) -> object:
        witness = prove(request, given["person"], password=given["password"], code=given["code"], at=now)
        return actions.take_back(movement=found, reason=given["reason"], witness=witness, by=actor, at=now)

    return answer(
        request, forms.TakeBackForm(request.POST or None, people=people), act,
        shown={"here": here, "lot": found.lot, "row": found, "title": "Take an entry back", "verb": "Take back",
               "meaning": actions.RIGHTED},
        said="The entry is taken back; both stay in the register.", to=_lot(here, found.lot_id), page=PAGE,
    )  # fmt: skip


@require_GET
def reconciliation(request: HttpRequest, facility: str) -> HttpResponse:
    """Reconcile the lots of a period on a page to print."""
    actor, here = require(request, Permission.SEE_STOCK, facility)
    form, begin, end = _period(request, here)
    sheet = queries.reconciliation(here, actor, begin=begin, end=end)
    shown = {"here": here, "form": form, "sheet": sheet, "last_day": end - timedelta(days=1), "by": actor.user,
             "now": timezone.now(), "query": f"begin={begin:%Y-%m-%d}&end={end - timedelta(days=1):%Y-%m-%d}",
             "broken": queries.broken_seals(queries.rows_within(here, actor, begin=begin, end=end))}  # fmt: skip
    return render(request, "stock/reconciliation.html", shown)


@require_GET
def reconciliation_file(request: HttpRequest, facility: str) -> HttpResponse:
    """Give the reconciliation as CSV."""
    actor, here = require(request, Permission.SEE_STOCK, facility)
    _, begin, end = _period(request, here)
    sheet = queries.reconciliation(here, actor, begin=begin, end=end)
    file = HttpResponse(content_type="text/csv; charset=utf-8")
    name = f"stock-{here.slug}-{begin:%Y-%m-%d}-{end - timedelta(days=1):%Y-%m-%d}.csv"
    file["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in sheet.rows:
        found = row.lot
        writer.writerow([
            found.drug, found.form, _safe(found.number), found.strength, found.expires_on.isoformat(), found.unit,
            *(written(each) for each in (row.opening, row.received, row.put_back, row.drawn, row.wasted, row.destroyed,
                                         row.sent_back, row.righted, row.closing)),
            "" if row.counted is None else written(row.counted),
            "" if row.counted_at is None else row.counted_at.astimezone(here.zone).isoformat(timespec="minutes"),
            "" if row.difference is None else written(row.difference),
            *(written(each) for each in (row.given, row.wasted_after_drawing, row.not_accounted)),
        ])  # fmt: skip
    return file


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking somebody's text for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _lot(here: Facility, lot: UUID) -> str:
    return reverse("lot", args=[here.slug, lot])


def _period(request: HttpRequest, here: Facility) -> tuple[forms.PeriodForm, datetime, datetime]:
    """Read the period that was asked for: this month so far, unless it is a sound one."""
    today = timezone.now().astimezone(here.zone).date()
    form = forms.PeriodForm(request.GET if "begin" in request.GET else None,
                            initial={"begin": today.replace(day=1), "end": today})  # fmt: skip
    sound = form.is_bound and form.is_valid()
    first, last = (form.cleaned_data["begin"], form.cleaned_data["end"]) if sound else (today.replace(day=1), today)
    return form, _midnight(first, here), _midnight(last + timedelta(days=1), here)


def _midnight(day: date, here: Facility) -> datetime:
    return datetime.combine(day, time.min, tzinfo=here.zone)
