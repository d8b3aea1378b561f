"""A person's plan as one thing: what is due when, and what moves after a dose was late or moved. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from upturn.errors import CannotError
from upturn.protocol import Dose as ProtocolDose
from upturn.protocol import Encounter, Protocol
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.schedule import DoseStep, Given, Slot, Timetable, steps_of

__all__ = ["Course", "first_doses", "first_visits", "further_doses", "further_visits"]


@dataclass(frozen=True)
class Course:
    """A plan with everything on it. The arm is for computing; a page asks what its reader may know.

    Parameters
    ----------
    plan
        With its participant and facility.
    protocol, arm
        What the plan follows.
    doses, visits
        All of them, whatever became of them, in order.
    """

    plan: Plan
    protocol: Protocol
    arm: str
    doses: Sequence[Dose]
    visits: Sequence[Visit]

    @property
    def zone(self) -> ZoneInfo:
        """The facility's clock."""
        return self.plan.facility.zone

    @property
    def given(self) -> list[Dose]:
        """Doses that were given, in the order in which they began."""
        return sorted((each for each in self.doses if each.given_at), key=_began)

    @property
    def first_given_at(self) -> datetime | None:
        """When the first dose really began: the hour 0 of all records."""
        return min((_began(each) for each in self.given), default=None)

    @property
    def timetable(self) -> Timetable:
        """The times as they follow from what was given so far."""
        anchors = [Given(each.offset_h, _began(each)) for each in self.given if each.origin == Dose.Origin.PROTOCOL]
        ends = [each.given_at or each.planned_at for each in self.doses if each.given_at or each.is_open]
        return Timetable(self.zone, self.plan.begins_at, anchors, max(ends, default=None))

    def entry(self, dose: Dose) -> ProtocolDose:
        """Find what the protocol says about a dose.

        Raises
        ------
        CannotError
            The arm has no dose of this name.
        """
        protocol = self.protocol
        if dose.protocol_version_id != self.plan.protocol_version_id:
            protocol = protocol_of(dose.protocol_version)
        arm = protocol.arms.get(self.arm)
        found = next((each for each in (arm.doses if arm else ()) if each.id == dose.dose), None)
        if found is None:
            raise CannotError("The protocol of this plan does not have this dose.", came=str(dose))
        return found

    def encounter(self, visit: Visit) -> Encounter | None:
        """Find what the protocol says about a visit."""
        return next((each for each in self.protocol.encounters if each.id == visit.encounter), None)

    def changes(self) -> Iterator[tuple[Dose | Visit, Mapping[str, Any]]]:
        """Say which open doses and visits are now due at another time, and when.

        What was moved by hand keeps its appointment; what the protocol wants of it is told all the same.
        """
        table = self.timetable
        steps = {(step.dose.id, step.offset_h): step for step in steps_of(self.protocol, self.arm)}
        wanted: list[tuple[DoseStep, datetime]] = []
        planned: list[tuple[DoseStep, datetime]] = []
        for dose in self.doses:
            step = steps.get((dose.dose, dose.offset_h))
            if dose.origin != Dose.Origin.PROTOCOL or step is None or dose.state == Dose.State.CANCELLED:
                continue
            slot = table.dose(step, self.protocol)
            wanted.append((step, dose.given_at or slot.target))
            appointment = dose.planned_at if dose.is_moved else slot.target
            planned.append((step, dose.given_at or appointment))
            yield from _changed(dose, slot, slot.target)
        wanted.sort(key=_number)
        planned.sort(key=_number)
        for visit in self.visits:
            encounter = self.encounter(visit)
            if encounter is not None:
                slot = table.visit(encounter, wanted)
                yield from _changed(visit, slot, table.visit(encounter, planned).target)


def first_doses(plan: Plan, protocol: Protocol, arm: str) -> list[Dose]:
    """Make the doses of a new plan; not yet saved."""
    table = Timetable(plan.facility.zone, plan.begins_at)
    return [_dose(plan, step, table.dose(step, protocol)) for step in steps_of(protocol, arm)]


def first_visits(plan: Plan, protocol: Protocol, arm: str, *, now: datetime) -> list[Visit]:
    """Make the visits of a new plan; not yet saved. A visit whose day is over (screening) is not planned."""
    table = Timetable(plan.facility.zone, plan.begins_at)
    doses = [(step, table.dose(step, protocol).target) for step in steps_of(protocol, arm)]
    today = now.astimezone(plan.facility.zone).date()
    slots = ((each, table.visit(each, doses)) for each in protocol.encounters)
    return [
        _visit(plan, encounter, slot)
        for encounter, slot in slots
        if slot.target.astimezone(plan.facility.zone).date() >= today
    ]


def further_doses(course: Course, protocol: Protocol) -> list[Dose]:
    """Make the doses that another version of the protocol still asks for: after the last one given; not yet saved."""
    table, after = course.timetable, max((each.offset_h for each in course.timetable.given), default=-1.0)
    number = max((each.number for each in course.doses), default=0)
    steps = [step for step in steps_of(protocol, course.arm) if step.offset_h > after]
    doses = [_dose(course.plan, step, table.dose(step, protocol)) for step in steps]
    for place, dose in enumerate(doses, start=1):
        dose.number = number + place
    return doses


def further_visits(course: Course, protocol: Protocol, *, now: datetime) -> list[Visit]:
    """Make the visits that another version still asks for, from today on, none that was seen or missed; not saved."""
    table, today = course.timetable, now.astimezone(course.zone).date()
    actual = {each.offset_h: each.at for each in table.given}
    doses = [
        (step, actual.get(step.offset_h) or table.dose(step, protocol).target)
        for step in steps_of(protocol, course.arm)
    ]
    over = {each.encounter for each in course.visits if not each.is_open and each.state != Visit.State.CANCELLED}
    slots = ((each, table.visit(each, doses)) for each in protocol.encounters if each.id not in over)
    return [
        _visit(course.plan, encounter, slot)
        for encounter, slot in slots
        if slot.target.astimezone(course.zone).date() >= today
    ]


def _dose(plan: Plan, step: DoseStep, slot: Slot) -> Dose:
    return Dose(
        plan=plan, facility_id=plan.facility_id, protocol_version_id=plan.protocol_version_id, number=step.number,
        dose=step.dose.id, is_home_course=step.is_home_course, offset_h=step.offset_h, target=slot.target,
        earliest=slot.earliest, latest=slot.latest, planned_at=slot.target,
    )  # fmt: skip


def _visit(plan: Plan, encounter: Encounter, slot: Slot) -> Visit:
    return Visit(
        plan=plan, facility_id=plan.facility_id, encounter=encounter.id, title=encounter.title or "",
        offset_h=encounter.at_h, target=slot.target, earliest=slot.earliest, latest=slot.latest, planned_at=slot.target,
    )  # fmt: skip


def _changed(
    thing: Dose | Visit, slot: Slot, appointment: datetime
) -> Iterator[tuple[Dose | Visit, Mapping[str, Any]]]:
    new: dict[str, datetime] = {"target": slot.target, "earliest": slot.earliest, "latest": slot.latest}
    if not thing.is_moved:
        new["planned_at"] = appointment
    if thing.is_open and any(getattr(thing, name) != value for name, value in new.items()):
        yield thing, new


def _began(dose: Dose) -> datetime:
    if dose.given_at is None:
        raise CannotError("This dose was not given.", came=str(dose))
    return dose.given_at


def _number(each: tuple[DoseStep, datetime]) -> int:
    return each[0].number
