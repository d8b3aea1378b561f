"""What the page of a plan, and the page of what is due, show: rows and days made ready for a template. No writing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import is_masked
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.calendar import month_of, neighbours, week_of
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.models import Dose, Visit
from upturn_clinic.treatments.schedule import instruments_at

__all__ = ["PlanRow", "Span", "due_spans", "plan_screen"]

AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class PlanRow:
    """One dose or visit as a reader may see it."""

    due: Dose | Visit
    at: datetime
    title: str
    detail: str
    is_dose: bool
    is_late: bool
    shown: queries.DoseShown | None = None


@dataclass(frozen=True)
class Span:
    """One of the lists of what is due: late, today, the next days."""

    key: str
    label: str
    count: int
    keys: QuerySet[Visit, dict[str, Any]]


def plan_screen(person: Participant, reader: Actor, *, now: datetime, form: str, day: str) -> dict[str, Any]:
    """Gather the page of somebody's plan.

    Parameters
    ----------
    form
        ``list``, ``month`` or ``week``; anything else is a list.
    day
        A day of the month or week to show, as in 2026-03-23; today, where it is none.
    """
    course = queries.course_of(person)
    may_see_doses = reader.may(Permission.SEE_DOSES)
    shown: dict[str, Any] = {
        "person": person, "course": course, "may_see_doses": may_see_doses,
        "may_change": reader.may(Permission.CHANGE_PLAN) and person.status == Participant.Status.ENROLLED,
        "may_give": reader.may(Permission.RECORD_SESSION) and person.status == Participant.Status.ENROLLED,
        "may_decide": reader.may(Permission.DECIDE_BOOSTER) and person.status == Participant.Status.ENROLLED,
        "may_see_record": reader.may(Permission.SEE_CLINICAL_RECORD),
        "is_masked": is_masked(person), "view": form if form in ("month", "week") else "list",
    }  # fmt: skip
    if course is None:
        return shown
    rows = _rows(course, reader, now=now, may_see_doses=may_see_doses)
    today = now.astimezone(course.zone).date()
    on = _day(day) or today
    if shown["view"] != "list":
        by_month = shown["view"] == "month"
        lay = month_of if by_month else week_of
        before, after = neighbours(on, by_month=by_month)
        things = [(row.at, row) for row in rows if row.due.state != "cancelled"]
        shown |= {"weeks": lay(on, things, zone=course.zone, today=today), "on": on, "before": before, "after": after}
    if shown["may_see_record"]:
        shown["finding"] = queries.finding_of(course) if course.protocol.endpoints.relapse else None
    weight = queries.weight_of(person) if may_see_doses else None
    return {**shown, "rows": rows, "weight": weight, "weight_days": (now - weight.measured_at).days if weight else 0}


def _rows(course: Course, reader: Actor, *, now: datetime, may_see_doses: bool) -> list[PlanRow]:
    rows = [_visit_row(course, visit, now) for visit in course.visits]
    if may_see_doses:
        # What a dose holds is the same for all doses of one name: asked once, not once for each.
        weight = queries.weight_of(course.plan.participant)
        known: dict[str, queries.DoseShown] = {}
        for dose in course.doses:
            if dose.dose not in known:
                known[dose.dose] = queries.dose_shown(course, dose, weight=weight, reader=reader, at=now)
            rows.append(_dose_row(dose, known[dose.dose], now))
    return sorted(rows, key=lambda row: (row.at, not row.is_dose))


def _visit_row(course: Course, visit: Visit, now: datetime) -> PlanRow:
    encounter = course.encounter(visit)
    rated = instruments_at(course.protocol, encounter, course.arm) if encounter else ()
    return PlanRow(
        visit, visit.done_at or visit.planned_at, f"Visit {visit}", ", ".join(rated), is_dose=False,
        is_late=visit.is_open and visit.planned_at < now,
    )  # fmt: skip


def _dose_row(dose: Dose, shown: queries.DoseShown, now: datetime) -> PlanRow:
    title = f"{dose}, taken at home from here on" if dose.is_home_course else str(dose)
    if dose.origin != Dose.Origin.PROTOCOL:
        title = f"{title}: {dose.get_origin_display()}"
    return PlanRow(
        dose, dose.given_at or dose.planned_at, title, shown.what or "study drug", is_dose=True,
        is_late=dose.is_open and dose.planned_at < now, shown=shown,
    )  # fmt: skip


def due_spans(facility: Facility, reader: Actor, *, now: datetime) -> list[Span]:
    """Count what is late, due today, and due in the seven days after it, by the facility's clock."""
    today = now.astimezone(facility.zone).date()

    def midnight(of: date) -> datetime:
        return datetime.combine(of, time.min, tzinfo=facility.zone)

    begin, end = midnight(today), midnight(today + timedelta(days=1))
    week = midnight(today + timedelta(days=1) + AHEAD)
    found = {
        "late": queries.due_between(facility, reader, begin=None, end=begin, latest_first=True),
        "today": queries.due_between(facility, reader, begin=begin, end=end),
        "week": queries.due_between(facility, reader, begin=end, end=week),
    }
    labels = {"late": "Late", "today": "Today", "week": "Next seven days"}
    return [Span(key, labels[key], keys.count(), keys) for key, keys in found.items()]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
