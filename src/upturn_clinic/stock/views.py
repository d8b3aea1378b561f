"""Pages on which a dose is prepared: what is drawn, checked, wasted, put back. First line of each: the gate."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
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
from upturn_clinic.accounts.proof import prove
from upturn_clinic.participants.answering import answer, user_of
from upturn_clinic.participants.queries import identity_of
from upturn_clinic.stock import actions, forms, queries
from upturn_clinic.stock.checks import WITNESSED
from upturn_clinic.stock.models import Draw, Lot
from upturn_clinic.stock.shelf.queries import LotRow, fitting_lots
from upturn_clinic.treatments.dosing import DEVIATION
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of, dose_shown, doses_at, weight_given_by, weight_of

__all__ = ["check_draw", "draw_dose", "preparation", "put_back_draw", "waste_draw"]

PAGE = "stock/form.html"
POURED = "What was drawn from a vial does not go back into it. Waste it, with a witness."
BOTH = ["GET", "POST"]


@require_GET
def preparation(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Show how far the preparation of a dose is; of a masked one no drug and no lot to who may not know."""
    actor, here = require(request, Permission.DISPENSE, facility)
    found = _dose(here, dose)
    shown, knows = _prepared(found, actor), queries.may_know(actor, found)
    # Of a masked dose who does not know sees draws as such, to waste what is left of them.
    draws = list(queries.draws_for(found).prefetch_related("dose__sessions"))
    lefts = queries.with_rest(draws)
    counts_until = _check_counts_until(found, shown)
    more = {"counts_until": counts_until, "is_too_old": counts_until is not None and timezone.now() > counts_until,
            "may_draw": found.is_open and knows, "shown": shown, "draws": draws,
            "back_to": found.sessions.filter(left_at=None, cancelled_at=None).first()
            if actor.may(Permission.SEE_SESSIONS) else None, "is_running": queries.is_running(found),
            "lefts": lefts, "wastes": {each.pk for each in draws if each.pk in lefts
                                       and (knows or not queries.is_rest_unknown(each))}}  # fmt: skip
    return render(request, "stock/preparation.html", {**_dose_words(here, found, actor), **more})


@require_http_methods(BOTH)
def draw_dose(request: HttpRequest, facility: str, dose: UUID) -> HttpResponse:
    """Draw from a lot for a dose."""
    actor, here = require(request, Permission.DISPENSE, facility)
    found, now = _dose(here, dose), timezone.now()
    today, rows = now.astimezone(here.zone).date(), list[LotRow]()
    course = course_of(found.plan.participant)
    if course and queries.may_know(actor, found):
        rows = fitting_lots(
            here, actor, drug=course.entry(found).drug, masked=queries.is_masked_dose(found), today=today
        )
    words, before = _dose_words(here, found, actor), _prepared(found, actor)
    computed = words["dose_shown"].computed if words["dose_shown"] else None
    # What holds no drug has no amount.
    missing = Decimal(str(computed.mg)) - before.mg if computed and computed.mg and rows else None
    # So much less needs no reason either: a salt, or a syringe, does not hit an amount exactly.
    is_whole = missing is not None and computed is not None and float(missing) <= computed.mg * DEVIATION
    form = forms.DrawForm(
        request.POST or None, rows=rows, asks_proof=any(row.is_expired for row in rows), is_more=before.mg > 0,
        needed=None if is_whole else missing,
    )  # fmt: skip

    def act(given: dict[str, Any]) -> object:
        password, code = given.pop("password", ""), given.pop("code", "")
        proof = prove(request, user_of(actor), password=password, code=code, at=now) if password else None
        return actions.draw(dose=found, **given, proof=proof, by=actor, at=now)

    return answer(
        request, form, act,
        shown={**words, "title": f"Draw for {found}", "verb": "Draw more" if before.draws else "Draw", "rows": rows,
               "preparation": before if before.draws else None, "is_whole": is_whole,
               "is_refused": not queries.may_know(actor, found)},
        said="Drawn. Now somebody else checks it.", to=_preparation(here, found), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def check_draw(request: HttpRequest, facility: str, draw: UUID) -> HttpResponse:
    """Let a second person check what was drawn, with their own password and code."""
    actor, here = require(request, Permission.CHECK_DOSE, facility)
    found, now = _draw(here, draw), timezone.now()
    people = queries.people_who_may(here, Permission.CHECK_DOSE, but=found.by_id, at=now, knows=found.dose)
    form = forms.CheckForm(request.POST or None, people=people, initial={"version": found.version})

    def act(given: dict[str, Any]) -> object:
        proof = prove(request, given["person"], password=given["password"], code=given["code"], at=now)
        return actions.check(draw=found, version=given["version"], checker=proof, by=actor, at=now)

    shown = _dose_words(here, found.dose, actor)
    return answer(
        request, form, act,
        shown={**shown, "title": f"Check {'again ' if found.is_checked else ''}what was drawn for {found.dose}",
               "verb": "Sign the check", "checked_before": found.checked_at, "meaning": actions.CHECKED,
               "preparation": _prepared(found.dose, actor)},
        said="Checked.", to=_preparation(here, found.dose), newest=found, page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def waste_draw(request: HttpRequest, facility: str, draw: UUID) -> HttpResponse:
    """Waste what is left of a draw, before a witness."""
    actor, here = require(request, Permission.DISPENSE, facility)
    found, now = _draw(here, draw), timezone.now()
    people = queries.people_who_may(here, Permission.WITNESS, but=actor.user_id, at=now)
    knows, runs = queries.may_know(actor, found.dose), queries.is_running(found.dose)
    must_wait = not knows and queries.is_rest_unknown(found)
    form = forms.WasteForm(
        request.POST or None, people=people, draw=found, left=queries.left_of(found), is_masked=not knows
    )

    def act(given: dict[str, Any]) -> object:
        proof = prove(request, given["person"], password=given["password"], code=given["code"], at=now)
        return actions.waste(
            draw=found, amount=given.get("amount"), reason=given["reason"], witness=proof, by=actor, at=now
        )

    shown = _dose_words(here, found.dose, actor)
    return answer(
        request, form, act,
        shown={**shown, "title": f"Waste what {'was spilt or spoilt' if runs else 'is left'} of {found.dose}",
               "verb": "Book as wasted", "is_running": runs, "is_not_given": found.dose.given_at is None and not runs,
               "nothing": "It is wasted when the dose has ended." if must_wait else "",
               "meaning": WITNESSED, "preparation": _prepared(found.dose, actor)},
        said="Wasted, with a witness.", to=_preparation(here, found.dose), page=PAGE,
    )  # fmt: skip


@require_http_methods(BOTH)
def put_back_draw(request: HttpRequest, facility: str, draw: UUID) -> HttpResponse:
    """Put unopened devices or tablets back on the shelf, before a witness."""
    actor, here = require(request, Permission.DISPENSE, facility)
    found, now = _draw(here, draw), timezone.now()
    people = queries.people_who_may(here, Permission.WITNESS, but=actor.user_id, at=now, knows=found.dose)
    is_poured = queries.may_know(actor, found.dose) and found.lot.form == Lot.Form.VIAL

    def act(given: dict[str, Any]) -> object:
        proof = prove(request, given["person"], password=given["password"], code=given["code"], at=now)
        return actions.put_back(
            draw=found, amount=given["amount"], reason=given["reason"], witness=proof, by=actor, at=now
        )

    return answer(
        request, forms.PutBackForm(request.POST or None, people=people, unit=found.lot.unit), act,
        shown={**_dose_words(here, found.dose, actor), "title": "Put back what was not used", "verb": "Put back",
               "nothing": POURED if is_poured else "",
               "meaning": actions.RETURNED, "preparation": _prepared(found.dose, actor)},
        said="Put back.", to=_preparation(here, found.dose), page=PAGE,
    )  # fmt: skip


def _check_counts_until(dose: Dose, shown: queries.Preparation) -> datetime | None:
    """Say until when the check of a dose that has not begun holds, where its protocol says so."""
    course = course_of(dose.plan.participant)
    said = course.protocol.session.before_dose if course and course.protocol.session else None
    if said is None or shown.checked_since is None or not dose.is_open or queries.began_at(dose):
        return None
    return shown.checked_since + timedelta(hours=said.check_h)


def _prepared(dose: Dose, reader: Actor) -> queries.Preparation:
    return queries.preparation_of(dose, reader, began_at=queries.began_at(dose))


def _dose(here: Facility, dose: UUID) -> Dose:
    return get_object_or_404(doses_at(here), pk=dose)


def _draw(here: Facility, draw: UUID) -> Draw:
    found = Draw.objects.select_related("lot", "by", "facility", "dose__plan__participant", "dose__plan__facility")
    return get_object_or_404(found, pk=draw, facility=here)


def _preparation(here: Facility, dose: Dose) -> str:
    return reverse("preparation", args=[here.slug, dose.pk])


def _dose_words(here: Facility, dose: Dose, actor: Actor) -> dict[str, Any]:
    """Gather what every page of a dose shows: for whom, and as much of what as the reader may know.

    A dose that has begun is shown by the weight it was given by, not by a newer one.
    """
    person = dose.plan.participant
    course = course_of(person)
    began_at = queries.began_at(dose)
    weight = weight_given_by(dose, began_at=began_at) if began_at else weight_of(person)
    at = began_at or timezone.now()
    shown = dose_shown(course, dose, weight=weight, reader=actor, at=at) if course else None
    identity = identity_of(person) if actor.may(Permission.SEE_IDENTITY) else None
    return {"here": here, "person": person, "identity": identity, "dose": dose, "dose_shown": shown}
