"""A person's plan as one thing: what is due when, and what moves after a dose was late or moved. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from upturn.errors import CannotError
from upturn.protocol import Dose as ProtocolDose
from upturn.protocol import Encounter, Protocol
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.schedule import DoseStep, Given, Slot, Timetable, steps_of

__all__ = ["Course", "first_doses", "first_visits", "further_doses", "further_visits", "told_of_visits"]


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
        wanted: list[tuple[DoseStep, datetime]] = []
        planned: list[tuple[DoseStep, datetime]] = []
        for dose, step in self._fixed():
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

    def _fixed(self) -> Iterator[tuple[Dose, DoseStep]]:
        steps = {(step.dose.id, step.offset_h): step for step in steps_of(self.protocol, self.arm)}
        for dose in self.doses:
            step = steps.get((dose.dose, dose.offset_h))
            if dose.origin == Dose.Origin.PROTOCOL and step is not None and dose.state != Dose.State.CANCELLED:
                yield dose, step

    def coming(self) -> Mapping[UUID, datetime]:
        """Say when each dose of the protocol and each visit is, or will be once open doses are given as planned.

        The plan itself follows a dose that was moved by hand when it is given, and not before.
        """
        table, found = replace(self.timetable, given=()), dict[UUID, datetime]()
        steps: list[tuple[DoseStep, datetime]] = []
        for dose, step in sorted(self._fixed(), key=lambda each: each[1].number):
            follows = table.dose(step, self.protocol).target
            at = found[dose.pk] = dose.given_at or (dose.planned_at if dose.is_moved else follows)
            steps.append((step, at))
            if dose.state != Dose.State.MISSED:
                table = replace(table, given=(*table.given, Given(step.offset_h, at)))
        for visit in self.visits:
            if (encounter := self.encounter(visit)) is not None:
                follows = table.visit(encounter, steps).target
                found[visit.pk] = visit.planned_at if visit.is_moved else follows
        return found

    def told(self) -> Mapping[UUID, datetime]:
        """Say when each dose of the protocol and each visit follows by what was planned by hand for those before it.

        What was given, and what became of it, changes nothing here: blinded raters go by these times.
        """
        return {thing.pk: follows for thing, follows in self._told(lambda thing, _: thing.told_at)}

    def retold(self, before: Mapping[UUID, datetime]) -> Iterator[tuple[Dose | Visit, datetime]]:
        """Say what goes along with something that was moved by hand, and when it now is.

        Parameters
        ----------
        before
            What ``told`` said before the move. What stood elsewhere was set by hand, and stays.
        """
        for thing, follows in self._told(lambda thing, new: new if _goes(thing, before) else thing.told_at):
            if _goes(thing, before) and thing.told_at != follows:
                yield thing, follows

    def _told(
        self, stands: Callable[[Dose | Visit, datetime], datetime]
    ) -> Iterator[tuple[Dose | Visit, datetime]]:  # fmt: skip
        by_time = _by_time(self.doses)
        steps: list[tuple[DoseStep, datetime]] = []
        for step in steps_of(self.protocol, self.arm):
            follows = _told_table(self.plan, steps).dose(step, self.protocol).target
            dose = by_time.get(step.offset_h)
            steps.append((step, follows if dose is None else stands(dose, follows)))
            if dose is not None:
                yield dose, follows
        table = _told_table(self.plan, steps)
        for visit in self.visits:
            if (encounter := self.encounter(visit)) is not None:
                yield visit, table.visit(encounter, steps).target


def first_doses(plan: Plan, protocol: Protocol, arm: str) -> list[Dose]:
    """Make the doses of a new plan; not yet saved."""
    table, told = Timetable(plan.facility.zone, plan.begins_at), _told_steps(plan, protocol, arm, {})
    return [_dose(plan, step, table.dose(step, protocol), told_at) for step, told_at in told]


def first_visits(plan: Plan, protocol: Protocol, arm: str, *, now: datetime) -> list[Visit]:
    """Make the visits of a new plan; not yet saved. A visit whose day is over (screening) is not planned."""
    table = Timetable(plan.facility.zone, plan.begins_at)
    doses = [(step, table.dose(step, protocol).target) for step in steps_of(protocol, arm)]
    today = now.astimezone(plan.facility.zone).date()
    told = _told_visits(plan, protocol, _told_steps(plan, protocol, arm, {}))
    slots = ((each, table.visit(each, doses)) for each in protocol.encounters)
    return [
        _visit(plan, encounter, slot, told[encounter.id])
        for encounter, slot in slots
        if slot.target.astimezone(plan.facility.zone).date() >= today
    ]


def further_doses(course: Course, protocol: Protocol) -> list[Dose]:
    """Make the doses that another version of the protocol still asks for: after the last one given; not yet saved."""
    table, after = course.timetable, max((each.offset_h for each in course.timetable.given), default=-1.0)
    number = max((each.number for each in course.doses), default=0)
    told = _told_steps(course.plan, protocol, course.arm, _told_by_time(course))
    doses = [
        _dose(course.plan, step, table.dose(step, protocol), told_at) for step, told_at in told if step.offset_h > after
    ]
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
    stays = {each.encounter for each in course.visits if each.state != Visit.State.CANCELLED}
    told = told_of_visits(course, protocol)
    # Which are to come goes by the times that raters are told: else they would learn here what was given, and when.
    return [
        _visit(course.plan, each, table.visit(each, doses), told[each.id])
        for each in protocol.encounters
        if each.id not in stays and told[each.id].astimezone(course.zone).date() >= today
    ]


def told_of_visits(course: Course, protocol: Protocol) -> Mapping[str, datetime]:
    """Say when raters are told the visits of another version, by what they were told of the doses."""
    steps = _told_steps(course.plan, protocol, course.arm, _told_by_time(course))
    return _told_visits(course.plan, protocol, steps)


def _told_table(plan: Plan, steps: Sequence[tuple[DoseStep, datetime]]) -> Timetable:
    """Give the timetable as if every dose began when it was planned by hand."""
    return Timetable(plan.facility.zone, plan.begins_at, [Given(step.offset_h, at) for step, at in steps])


def _told_steps(
    plan: Plan, protocol: Protocol, arm: str, known: Mapping[float, datetime]
) -> list[tuple[DoseStep, datetime]]:
    """Give the steps of an arm, each with the time told of it, or else the one that follows from those before it."""
    steps: list[tuple[DoseStep, datetime]] = []
    for step in steps_of(protocol, arm):
        follows = _told_table(plan, steps).dose(step, protocol).target
        steps.append((step, known.get(step.offset_h, follows)))
    return steps


def _told_visits(
    plan: Plan, protocol: Protocol, steps: Sequence[tuple[DoseStep, datetime]]
) -> Mapping[str, datetime]:  # fmt: skip
    table = _told_table(plan, steps)
    return {each.id: table.visit(each, steps).target for each in protocol.encounters}


def _by_time(doses: Sequence[Dose]) -> Mapping[float, Dose]:
    """Find the protocol's doses by their planned time; of two at one time (the plan was renewed) the later one."""
    fixed = (each for each in doses if each.origin == Dose.Origin.PROTOCOL)
    return {each.offset_h: each for each in sorted(fixed, key=lambda each: each.number)}


def _told_by_time(course: Course) -> Mapping[float, datetime]:
    return {offset_h: each.told_at for offset_h, each in _by_time(course.doses).items()}


def _goes(thing: Dose | Visit, before: Mapping[UUID, datetime]) -> bool:
    return thing.told_at == before.get(thing.pk)


def _dose(plan: Plan, step: DoseStep, slot: Slot, told_at: datetime) -> Dose:
    return Dose(
        plan=plan, facility_id=plan.facility_id, protocol_version_id=plan.protocol_version_id, number=step.number,
        dose=step.dose.id, is_home_course=step.is_home_course, offset_h=step.offset_h, target=slot.target,
        earliest=slot.earliest, latest=slot.latest, planned_at=slot.target, told_at=told_at,
    )  # fmt: skip


def _visit(plan: Plan, encounter: Encounter, slot: Slot, told_at: datetime) -> Visit:
    return Visit(
        plan=plan, facility_id=plan.facility_id, encounter=encounter.id, title=encounter.title or "",
        offset_h=encounter.at_h, target=slot.target, earliest=slot.earliest, latest=slot.latest, planned_at=slot.target,
        told_at=told_at,
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
