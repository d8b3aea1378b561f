"""What the page of a plan, and the page of what is due, show: rows and days made ready for a template. No writing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.text import capfirst

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.pages.addresses import addresses
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import arm_shown, identity_shown, is_masked
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.calendar import month_of, neighbours, week_of
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import Weight
from upturn_clinic.treatments.models import Dose, Visit
from upturn_clinic.treatments.raters.queries import retold
from upturn_clinic.treatments.schedule import Slot, instruments_by_visit
from upturn_clinic.treatments.told import is_told_alone, rated_blind, slot_told
from upturn_clinic.treatments.watch import queries as watch

__all__ = ["FORM", "Act", "DueLine", "PlanRow", "Span", "due_lines", "due_spans", "form_words", "plan_screen"]

# The page of every form of a plan.
FORM = "treatments/form.html"

AHEAD = timedelta(days=7)


@dataclass(frozen=True)
class Act:
    """What may be done with a dose or visit now: where, in one word, and the rest of it for who cannot see the row."""

    address: str
    label: str
    about: str


@dataclass(frozen=True)
class PlanRow:
    """One dose or visit as a reader may see it; its words are ready, since a template says them slower."""

    due: Dose | Visit
    at: datetime
    title: str
    detail: str
    is_dose: bool
    is_late: bool
    state: str
    when: str
    window: str
    acts: tuple[Act, ...] = ()
    no_amount: str = ""
    # Where raters are told another day than the plan now has, of what is still to come: their day.
    told: str = ""

    @property
    def is_outside(self) -> bool:
        """Whether it lies, or took place, outside the protocol's window; what is not to happen lies nowhere."""
        state = Dose.State
        is_off = self.due.state in (state.CANCELLED, state.MISSED)
        return not is_off and not self.due.earliest <= self.at <= self.due.latest


@dataclass(frozen=True)
class Span:
    """One of the lists of what is due: late, today, the next days."""

    key: str
    label: str
    count: int
    keys: QuerySet[Visit, dict[str, Any]]


def form_words(
    here: Facility, person: Participant, reader: Actor, title: str, verb: str, **more: Any
) -> dict[str, Any]:  # fmt: skip
    """Gather what the page of a form shows beside the form: whom it is about, by name to who may know it."""
    return {"here": here, "person": person, "identity": identity_shown(person, reader), "title": title, "verb": verb,
            **more}  # fmt: skip


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
        "person": person, "identity": identity_shown(person, reader), "course": course, "may_see_doses": may_see_doses,
        "may_change": reader.may(Permission.CHANGE_PLAN) and person.status == Participant.Status.ENROLLED,
        "may_give": reader.may(Permission.RECORD_SESSION) and person.status == Participant.Status.ENROLLED,
        "may_decide": reader.may(Permission.DECIDE_BOOSTER) and person.status == Participant.Status.ENROLLED,
        "may_see_record": reader.may(Permission.SEE_CLINICAL_RECORD),
        "is_masked": is_masked(person), "view": form if form in ("month", "week") else "list",
    }  # fmt: skip
    if course is None:
        return shown
    weight = queries.weight_of(person) if may_see_doses else None
    writing = _Writing(course, now, weight, person.status == Participant.Status.ENROLLED, reader)
    rows = writing.rows()
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
        looks = watch.looks_of(course)
        shown |= {
            "reasons": watch.reasons_of(course, now=now), "warned": watch.warnings_of(person), "looks": looks,
            "late_looks": [each for each in looks if each.is_late(now)],
            "may_watch": reader.may(Permission.RECORD_TREATMENTS), "now": now,
            "may_decide_stopping": reader.may(Permission.DECIDE_STOPPING),
            "next_look": next((each for each in looks if each.check is None and not each.is_late(now)), None),
        }  # fmt: skip
    shown["is_told_elsewhere"] = any(map(writing.is_to_tell, course.visits))
    return {**shown, "rows": rows, "weight": weight, "weight_days": (now - weight.measured_at).days if weight else 0}


class _Writing:
    """Writes the rows of one plan for one reader."""

    def __init__(self, course: Course, now: datetime, weight: Weight | None, is_enrolled: bool, reader: Actor) -> None:
        self.course, self.now, self.weight, self.reader = course, now, weight, reader
        self.zone = course.zone
        self.is_masked = is_masked(course.plan.participant)
        self.is_told_alone = is_told_alone(reader)
        self.may_change = is_enrolled and reader.may(Permission.CHANGE_PLAN)
        self.may_give = is_enrolled and reader.may(Permission.RECORD_SESSION)
        self.rated_blind = rated_blind(course.protocol)
        self.retold = {} if self.is_told_alone else retold(course, at=now)
        self.rated = self.rated_blind if self.is_told_alone else _rated(course, reader)
        # What a dose holds is the same for all doses of one name: asked once, not once for each.
        self.known: dict[str, queries.DoseShown] = {}
        slug = course.plan.facility.slug
        self.address = {name: addresses(name, slug) for name in (
            "arrive", "give_dose", "move_dose", "end_dose", "sessions_of", "attend_visit", "move_visit", "end_visit",
        )}  # fmt: skip

    def rows(self) -> list[PlanRow]:
        """Write all rows that the reader may see, in the order of time."""
        if self.is_told_alone:
            mine = (each for each in self.course.visits if each.encounter in self.rated and each.state != "cancelled")
            return sorted(map(self._told, mine), key=lambda row: (row.at, row.due.offset_h))
        rows = [self._visit(each) for each in self.course.visits]
        may_know = arm_shown(self.course.plan.participant, self.reader) is not None
        for dose in self.course.doses:
            if dose.dose not in self.known:
                self.known[dose.dose] = queries.dose_shown(
                    self.course, dose, weight=self.weight, reader=self.reader, at=self.now, may_know=may_know
                )
            rows.append(self._dose(dose, self.known[dose.dose]))
        return sorted(rows, key=lambda row: (row.at, not row.is_dose))

    def _told(self, visit: Visit) -> PlanRow:
        """Write a visit for a rater: its name, what is rated, the time told of it, and no word of what became of it."""
        slot, at = slot_told(visit, self.course.protocol, self.zone), visit.told_at
        return PlanRow(
            visit, at, str(visit), ", ".join(self.rated[visit.encounter]), False, False, "", _when(at, self.zone),
            self._window(slot),
        )  # fmt: skip

    def _visit(self, visit: Visit) -> PlanRow:
        title = str(visit)
        return self._row(
            visit, visit.done_at or visit.planned_at, title, ", ".join(self.rated.get(visit.encounter, ())),
            tuple(self._acts_of_visit(visit, title)), is_dose=False, told=self._told_elsewhere(visit),
        )  # fmt: skip

    def is_to_tell(self, visit: Visit) -> bool:
        """Whether raters would be told another day of it than they were."""
        return visit.encounter in self.rated_blind and visit in self.retold

    def _told_elsewhere(self, visit: Visit) -> str:
        if not self.is_to_tell(visit) or visit.told_at == visit.planned_at:
            return ""
        told, now_at = (at.astimezone(self.zone) for at in (visit.told_at, visit.planned_at))
        hour = f", {told:%H:%M}" if told.date() == now_at.date() else ""
        return f"{told:%a} {told.day} {told:%b}{hour}"

    def _dose(self, dose: Dose, shown: queries.DoseShown) -> PlanRow:
        title = f"{dose}, taken at home from here on" if dose.is_home_course else str(dose)
        if dose.origin != Dose.Origin.PROTOCOL:
            title = f"{title}: {dose.get_origin_display()}"
        detail = shown.what or ("study drug" if self.is_masked else "")
        if dose.is_open and shown.computed and shown.computed.weight:
            detail += f"; that is {shown.computed} for {shown.computed.weight}"
        # Milligrams by weight tell the drug: to who may know it.
        if (given := dose.given_in_words) and (shown.what or dose.given_mg is None):
            detail += f"; given {given}"
        refused = shown.refusal.fault if shown.refusal and dose.is_open else ""
        return self._row(
            dose, dose.given_at or dose.planned_at, title, detail, tuple(self._acts_of_dose(dose, title)), is_dose=True,
            no_amount=refused,
        )  # fmt: skip

    def _row(
        self, due: Dose | Visit, at: datetime, title: str, detail: str, acts: tuple[Act, ...], *, is_dose: bool,
        no_amount: str = "", told: str = "",
    ) -> PlanRow:  # fmt: skip
        return PlanRow(
            due, at, title, detail, is_dose, due.is_late(self.now), due.state, _when(at, self.zone),
            self._window(Slot(due.target, due.earliest, due.latest)), acts, no_amount, told,
        )  # fmt: skip

    def _window(self, slot: Slot) -> str:
        return f"{self._short(slot.earliest)} to {self._short(slot.latest)}"

    def _short(self, at: datetime) -> str:
        local = at.astimezone(self.zone)
        return f"{local.day} {local:%b %H:%M}"

    def _acts_of_dose(self, dose: Dose, title: str) -> Iterator[Act]:
        state, key = Dose.State, dose.pk
        if self.may_give and dose.is_home_course and dose.state in (state.PLANNED, state.GIVEN):
            yield Act(self.address["give_dose"](key), "Begun" if dose.is_open else "Correct", f": {title}")
        elif self.may_give and dose.is_open:
            yield Act(self.address["arrive"](key), "Session", f" of {title}")
        elif self.may_give and dose.state == state.GIVEN:
            # What was given is seen, and corrected, where it was given.
            yield Act(self.address["sessions_of"](self.course.plan.participant_id), "Sessions", f", with {title}")
        if self.may_change and dose.state != state.GIVEN:
            yield Act(self.address["move_dose"](key), "Move", f" {title}")
            if dose.is_open:
                yield Act(self.address["end_dose"](key), self._end(dose), f": {title}")

    def _acts_of_visit(self, visit: Visit, title: str) -> Iterator[Act]:
        state, key = Visit.State, visit.pk
        if self.may_change and visit.state in (state.PLANNED, state.DONE) and not visit.is_to_come(self.now):
            yield Act(self.address["attend_visit"](key), "Took place" if visit.is_open else "Correct", f": {title}")
        if self.may_change and visit.state != state.DONE:
            yield Act(self.address["move_visit"](key), "Move", f" {title}")
            if visit.is_open:
                yield Act(self.address["end_visit"](key), self._end(visit), f": {title}")

    def _end(self, due: Dose | Visit) -> str:
        return "Cancel" if self.now < due.planned_at else "Missed or cancelled"


def _rated(course: Course, reader: Actor) -> Mapping[str, tuple[str, ...]]:
    """Name the ratings of each visit; those of all arms for a reader from whom the arm is hidden."""
    knows_arm = bool(arm_shown(course.plan.participant, reader))
    found: dict[str, dict[str, None]] = {}
    for arm in (course.arm,) if knows_arm else course.protocol.arms:
        for visit, names in instruments_by_visit(course.protocol, arm).items():
            found.setdefault(visit, {}).update(dict.fromkeys(names))
    return {visit: tuple(names) for visit, names in found.items()}


def due_spans(facility: Facility, reader: Actor, *, now: datetime) -> list[Span]:
    """Count what is late, due today, and due in the seven days after it, by the facility's clock.

    With today stands what was planned for an earlier day and has its window still open. Whether a visit is late, or was
    earlier, a rater is not told: it would tell of its dose. What they missed stands with the ratings.
    """
    today = now.astimezone(facility.zone).date()

    def midnight(of: date) -> datetime:
        return datetime.combine(of, time.min, tzinfo=facility.zone)

    def span(key: str, label: str, keys: QuerySet[Visit, dict[str, Any]]) -> Span:
        return Span(key, label, keys.count(), keys)

    tomorrow, told_alone = today + timedelta(days=1), is_told_alone(reader)
    begin, end = midnight(today) if told_alone else None, midnight(tomorrow)
    spans = [
        span("today", "Today" if told_alone else "Today and still open",
             queries.due_between(facility, reader, begin=begin, end=end, now=now)),
        span("week", "Next seven days",
             queries.due_between(facility, reader, begin=end, end=midnight(tomorrow + AHEAD), now=now)),
    ]  # fmt: skip
    return spans if told_alone else [span("late", "Late", queries.due_late(facility, now=now)), *spans]


@dataclass(frozen=True)
class DueLine:
    """What one person is expected for at one time, in words."""

    when: str
    address: str
    pseudonym: str
    what: str
    is_outside: bool
    programme: str
    # Where somebody who is here already is found, and since when they are.
    session: str = ""
    since: str = ""


def due_lines(
    keys: Sequence[dict[str, object]], reader: Actor, facility: Facility, *, now: datetime, is_late: bool
) -> list[DueLine]:
    """Write the rows of one page of what is due; ``is_late`` where they are of what is late."""
    address = addresses("plan", facility.slug)
    return [
        DueLine(
            _when(row.at, facility.zone), address(row.participant.pk), row.participant.pseudonym,
            capfirst(", ".join([*map(str, row.doses), *(f"visit {each}" for each in row.visits)])), row.is_outside,
            row.participant.programme.name, *_here(row, facility),
        )
        for row in queries.due_rows(keys, reader, now=now, is_late=is_late)
    ]  # fmt: skip


def _here(row: queries.DueRow, facility: Facility) -> tuple[str, str]:
    if row.here is None:
        return "", ""
    session, since = row.here
    return addresses("session", facility.slug)(session), f"{since.astimezone(facility.zone):%H:%M}"


def _when(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return format_html(
        '{} <time datetime="{}">{} {}</time>', f"{local:%a}", local.isoformat(timespec="minutes"), local.day,
        f"{local:%b %Y, %H:%M}",
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
