"""Which monitoring forms are due at a facility, and what the record holds for one of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q, QuerySet

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.exports.models import MonitoringForm
from upturn_clinic.exports.monitoring.sheet import Held
from upturn_clinic.exports.numbers import DUE_SOON, SUBMIT_WITHIN
from upturn_clinic.floor.models import Administration, Answer, Reading, Session
from upturn_clinic.participants.models import Identity
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.stock.models import Draw
from upturn_clinic.stock.queries import draws_for, may_know
from upturn_clinic.treatments.models import ConcomitantDrug, Dose

__all__ = ["DueForm", "due_forms", "due_on", "form_of", "held_of", "needs_form", "sessions_with_form"]

NASAL = ("esketamine", "intranasal")


@dataclass(frozen=True)
class DueForm:
    """One session's form: until when the clinic submits it, and how far it is."""

    dose: Dose
    form: MonitoringForm | None
    due_on: date
    today: date

    @property
    def days_left(self) -> int:
        """Calendar days left; below 0 when it is late."""
        return (self.due_on - self.today).days

    @property
    def state(self) -> str:
        """How far it is, in words."""
        return self.form.state if self.form else "to fill"

    @property
    def is_submitted(self) -> bool:
        """Whether the clinic has submitted it."""
        return self.form is not None and self.form.submitted_at is not None

    @property
    def is_late(self) -> bool:
        """Whether its time went by."""
        return not self.is_submitted and self.days_left < 0

    @property
    def is_soon(self) -> bool:
        """Whether little time is left."""
        return not self.is_submitted and 0 <= self.days_left <= DUE_SOON.days


def needs_form(dose: Dose) -> bool:
    """Tell whether a dose is nasal esketamine that was given, here and not at home."""
    if dose.given_at is None or dose.is_home_course:
        return False
    arm = protocol_of(dose.protocol_version).arms.get(arm_of(dose.plan.participant))
    entry = next((each for each in arm.doses if each.id == dose.dose), None) if arm else None
    return entry is not None and (entry.drug, entry.route) == NASAL


def sessions_with_form(facility: Facility) -> QuerySet[Dose]:
    """Given doses of a facility, newest first, with all that a form needs to be told apart."""
    return (
        Dose.objects.filter(facility=facility, given_at__isnull=False, is_home_course=False)
        .select_related("plan__participant__allocation", "plan__facility", "protocol_version", "monitoring_form")
        .order_by("-given_at")
    )


def due_forms(facility: Facility, reader: Actor, *, now: datetime, all_of_them: bool = False) -> list[DueForm]:
    """List the forms of a facility, the most pressing first. Sessions whose arm is masked to the reader are left out.

    Parameters
    ----------
    all_of_them
        Also those that are submitted.
    """
    doses = sessions_with_form(facility)
    if not all_of_them:
        doses = doses.filter(Q(monitoring_form=None) | Q(monitoring_form__submitted_at=None))
    found = [_due(each, now) for each in doses if may_know(reader, each) and needs_form(each)]
    return sorted(found, key=lambda each: (each.is_submitted, each.due_on))


def due_on(dose: Dose) -> date:
    """Give the last calendar day on which the form of a session is submitted in time, by the facility's clock."""
    assert dose.given_at is not None  # noqa: S101  (only given doses have a form)
    return dose.given_at.astimezone(dose.plan.facility.zone).date() + SUBMIT_WITHIN


def _due(dose: Dose, now: datetime) -> DueForm:
    return DueForm(dose, form_of(dose), due_on(dose), now.astimezone(dose.plan.facility.zone).date())


def form_of(dose: Dose) -> MonitoringForm | None:
    """Find what was written on a form so far."""
    return getattr(dose, "monitoring_form", None)


def held_of(dose: Dose) -> Held:
    """Read all that the record holds about a session."""
    person = dose.plan.participant
    session = Session.objects.filter(dose=dose, cancelled_at=None).first()
    identity = Identity.objects.filter(participant=person).first()
    first = Dose.objects.filter(plan=dose.plan, given_at__isnull=False).order_by("given_at").first()
    events = AdverseEvent.objects.none()
    if session is not None:
        events = AdverseEvent.objects.filter(source=f"session/{session.pk}", struck_at=None)
    draws: QuerySet[Draw] = draws_for(dose)
    # A device that fell gave nothing: the counting begins with the first that did.
    used = Administration.objects.filter(session=session, kind="device", struck_at=None).exclude(percent=0)
    return Held(
        dose, identity, session,
        tuple(Reading.objects.filter(session=session, struck_at=None).order_by("at")) if session else (),
        tuple(used) if session else (),
        tuple(Answer.objects.filter(session=session, list="arrival", struck_at=None)) if session else (),
        tuple(ConcomitantDrug.objects.filter(participant=person)),
        tuple(events.order_by("started_at")),
        tuple(draws),
        first is not None and first.pk == dose.pk,
    )  # fmt: skip
