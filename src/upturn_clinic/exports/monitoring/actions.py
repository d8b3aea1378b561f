"""What is written about monitoring forms: filled, printed, submitted. Nothing is sent from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.exports.models import MonitoringForm
from upturn_clinic.exports.monitoring import queries
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.stock.queries import may_know
from upturn_clinic.treatments.models import Dose

__all__ = ["fill_form", "note_print", "submit_form"]


@transaction.atomic
def fill_form(
    *, dose: Dose, version: int, answers: Mapping[str, str], by: Actor, at: datetime
) -> MonitoringForm:  # fmt: skip
    """Write what the record does not say. A form that was submitted is not changed any more.

    Raises
    ------
    Refused
        The session needs no form, is masked to who writes, or its form was submitted.
    Conflict
        Somebody wrote on it first.
    """
    by.must(Permission.FILL_FORMS)
    _must_need_one(dose, by)
    form = MonitoringForm.objects.filter(dose=dose).first()
    written = {name: text for name, text in answers.items() if text}
    if form is None:
        made = MonitoringForm(dose=dose, facility=dose.facility, answers=written)
        return writing.insert(made, action="filled the monitoring form", by=by, at=at)
    if form.submitted_at is not None:
        raise Refused("This form was submitted already.")
    return writing.change(
        form, action="filled the monitoring form", by=by, at=at, reason="filled in", version=version, answers=written
    )  # fmt: skip


@transaction.atomic
def note_print(*, dose: Dose, by: Actor, at: datetime) -> MonitoringForm:
    """Note that a form was printed.

    Raises
    ------
    Refused
        The session needs no form, or is masked to who prints.
    """
    by.must(Permission.FILL_FORMS)
    _must_need_one(dose, by)
    form = MonitoringForm.objects.filter(dose=dose).first()
    if form is None:
        made = MonitoringForm(dose=dose, facility=dose.facility, printed_at=at, printed_by_id=by.user_id)
        return writing.insert(made, action="printed the monitoring form", by=by, at=at)
    return writing.change(
        form, action="printed the monitoring form", by=by, at=at, reason="printed", printed_at=at,
        printed_by_id=by.user_id,
    )  # fmt: skip


@transaction.atomic
def submit_form(
    *, dose: Dose, version: int, submitted_at: datetime, submitted_how: str, reason: str, by: Actor, at: datetime
) -> MonitoringForm:  # fmt: skip
    """Note that the clinic submitted a form: when, how, and who. Late, or noted anew, it needs a reason.

    Raises
    ------
    Refused
        Nothing was printed or filled yet; before the session or in the future; late or corrected without a reason.
    Conflict
        Somebody wrote on it first.
    """
    by.must(Permission.FILL_FORMS)
    _must_need_one(dose, by)
    form = MonitoringForm.objects.filter(dose=dose).first()
    if form is None:
        raise Refused("This form was neither filled nor printed.", remedy="fill it first")
    if dose.given_at is None or not dose.given_at <= submitted_at <= at:
        raise Refused("It was submitted after the session and before now.")
    zone = dose.plan.facility.zone
    late = submitted_at.astimezone(zone).date() > queries.due_on(dose)
    if (late or form.submitted_at is not None) and not reason.strip():
        raise Refused(f"This needs a reason: {'it is a correction' if form.submitted_at else 'it is late'}.")
    return writing.change(
        form, action="noted the monitoring form as submitted", by=by, at=at, version=version,
        reason=reason.strip() or "submitted by the clinic", submitted_at=submitted_at, submitted_how=submitted_how,
        submitted_by_id=by.user_id,
    )  # fmt: skip


def _must_need_one(dose: Dose, by: Actor) -> None:
    if by.facility_id not in (None, dose.facility_id):
        raise Refused("This session was at another facility.")
    if not may_know(by, dose):
        raise Refused("The arm is masked to you.", remedy="ask somebody who may know it")
    if not queries.needs_form(dose):
        raise Refused("Only a session in which nasal esketamine was given has this form.")
