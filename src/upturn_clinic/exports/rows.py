"""One participant as rows of the library's five tables: hours from the first dose, no date, no name. It only reads.

What was struck out is left out. Ratings carry their items; what the floor read carries the protocol's time beside the
actual one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from upturn.errors import CannotError
from upturn.protocol import Dose as ProtocolDose
from upturn.protocol import device_times_h, nasal_devices_mg
from upturn_clinic.assessments.models import Rating
from upturn_clinic.exports.numbers import AGE_POOLED_FROM
from upturn_clinic.floor.models import Administration, Reading
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.safety.terms import term
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import Weight, compute
from upturn_clinic.treatments.models import Dose, Visit

__all__ = [
    "ANOTHER_TERM",
    "Hours",
    "dose_rows",
    "event_rows",
    "hours_of",
    "observation_rows",
    "person_row",
    "told_observations",
]

HOUR = timedelta(hours=1)
MINUTES, DAY_H = 60, 24
PERCENT = 100
# What somebody typed may name a person or a day: only words of the list leave the house.
ANOTHER_TERM = "other"
BODY = ("weight", "height")
Row = dict[str, object]


@dataclass(frozen=True)
class Hours:
    """The hour 0 of one person: when the first dose really began; in an arm without doses, when it was to begin."""

    first: datetime

    def of(self, at: datetime) -> float:
        """Count hours that passed, whatever the clocks did."""
        return (at - self.first) / HOUR


def hours_of(course: Course | None) -> Hours | None:
    """Find the hour 0 of a person; None before the first dose."""
    if course is None:
        return None
    if course.first_given_at is not None:
        return Hours(course.first_given_at)
    arm = course.protocol.arms.get(course.arm)
    return Hours(course.plan.begins_at) if arm is not None and not arm.doses else None


def person_row(person: Participant, arm: str, hours: Hours) -> Row:
    """Give the row of ``participants``."""
    weight, height = (_measured_by(person, name, hours.first) for name in BODY)
    return {
        "participant": person.pseudonym, "arm": arm, "age_y": min(float(person.age_y), AGE_POOLED_FROM),
        "sex": person.sex, "weight_kg": float(weight.value) if weight else None,
        "height_cm": float(height.value) if height else None,
    }  # fmt: skip


def _measured_by(person: Participant, instrument: str, first: datetime) -> Measure | None:
    found = Measure.objects.filter(participant=person, instrument=instrument, struck_at=None)
    return found.filter(at__lte=first).first() or found.last()


def dose_rows(course: Course, hours: Hours) -> Iterator[Row]:
    """Give the rows of ``doses``.

    Nasal devices are rows of one occasion, at the times at which they were really used where a session has them. Left
    out: tablets taken at home, of which only the beginning is recorded, and ECT, which is no dose of a drug.

    Raises
    ------
    CannotError
        The amount of a masked dose cannot be worked out any more.
    """
    for place, dose in enumerate(course.given, start=1):
        entry = course.entry(dose)
        if dose.is_home_course or entry.drug == "ECT" or dose.given_at is None:
            continue
        mg = _given_mg(course, dose, entry)
        devices = nasal_devices_mg(mg) if entry.device_mg and mg else (mg,)
        starts_h = _device_hours(dose, len(devices), hours) if entry.device_mg else [hours.of(dose.given_at)]
        planned_h = device_times_h(len(devices)) if entry.device_mg else (0.0,)
        for part, start_h, after_h in zip(devices, starts_h, planned_h, strict=True):
            yield {
                "participant": course.plan.participant.pseudonym, "occasion": place, "drug": entry.drug,
                "route": entry.route, "amount_mg": part, "start_h": start_h,
                "duration_h": 0.0 if entry.device_mg else float(dose.duration_min or 0) / MINUTES,
                "planned_h": dose.offset_h + after_h,
            }  # fmt: skip


def _device_hours(dose: Dose, devices: int, hours: Hours) -> list[float]:
    used = Administration.objects.filter(session__dose=dose, session__cancelled_at=None, kind="device", struck_at=None)
    # One that fell gave nothing, and is no row.
    at = [hours.of(each.at) for each in used.exclude(percent=0).order_by("at")]
    if len(at) == devices or dose.given_at is None:
        return at
    return [hours.of(dose.given_at) + after_h for after_h in device_times_h(devices)]


def _given_mg(course: Course, dose: Dose, entry: ProtocolDose) -> float:
    if dose.given_mg is not None:
        return float(dose.given_mg)
    weight = None
    if dose.weight_kg is not None and dose.weight_at is not None:
        weight = Weight(float(dose.weight_kg), dose.weight_at)
    try:
        computed = compute(
            entry, weight=weight, protocol=course.protocol, arm=course.arm, at=dose.given_at or dose.target
        )
    except Refused as refusal:
        raise CannotError(f"The amount of {dose} cannot be worked out.", came=refusal.fault) from refusal
    return computed.mg * float(dose.given_percent or 0) / PERCENT


def observation_rows(course: Course, hours: Hours) -> Iterator[Row]:
    """Give the rows of ``observations``: ratings with their items, other measures, readings of sessions."""
    return (row for row, _ in told_observations(course, hours))


def told_observations(course: Course, hours: Hours) -> Iterator[tuple[Row, bool]]:
    """Give each row of ``observations``, and whether it can tell the arm.

    What was seen before the first dose cannot, and what the protocol asks of a blinded rater must not. Anything else
    can: blood pressure and dissociation in a session, what the treating team or the person saw of side effects.
    """
    for row, is_blinded in _observations(course, hours):
        yield row, not is_blinded and float(str(row["time_h"])) >= 0


def _observations(course: Course, hours: Hours) -> Iterator[tuple[Row, bool]]:
    """Give each row, and whether a blinded rater was asked for it."""
    person = course.plan.participant
    yield from _of_ratings(person, hours)
    readings = list(
        Reading.objects.filter(session__participant=person, session__cancelled_at=None, struck_at=None)
        .select_related("session__dose").order_by("at", "noted_at")
    )  # fmt: skip
    for each in readings:
        planned_h = None if each.nominal_min is None else each.session.dose.offset_h + each.nominal_min / MINUTES
        row = _seen(person, each.instrument, "total", each.value, each.unit, hours.of(each.at), planned_h, "treating")
        yield row, False
    # A weight that was read in a session stands among the measures as well.
    known = {(each.instrument, each.at, each.value) for each in readings}
    measures = Measure.objects.filter(participant=person, struck_at=None, rating__isnull=True).order_by("at")
    for measure in measures:
        if (measure.instrument, measure.at, measure.value) not in known:
            planned_h = _planned(course, measure.instrument, measure.at, hours)
            row = _seen(
                person, measure.instrument, "total", measure.value, measure.unit, hours.of(measure.at), planned_h,
                None, measure.recall_h,
            )  # fmt: skip
            yield row, False


def _of_ratings(person: Participant, hours: Hours) -> Iterator[tuple[Row, bool]]:
    ratings = Rating.objects.filter(participant=person, struck_at=None).select_related("measure").order_by("rated_at")
    for each in ratings:
        unit = each.measure.unit if each.measure else "points"
        values = [] if each.total is None else [("total", each.total)]
        # Who may learn of doses is not blinded, whatever the rating was entered as.
        sees = each.rater_kind == Rating.Rater.BLINDED and each.rater_sees_sessions
        rater = Rating.Rater.TREATING.value if sees else each.rater_kind
        for item, value in (*values, *each.answers.items()):
            row = _seen(
                person, each.instrument, item, value, unit, hours.of(each.rated_at), each.planned_h, rater,
                each.recall_h,
            )  # fmt: skip
            yield row, each.rater_kind == Rating.Rater.BLINDED


def _seen(
    person: Participant, instrument: str, item: str, value: object, unit: str, time_h: float, planned_h: float | None,
    rater: str | None, recall_h: object = None,
) -> Row:  # fmt: skip
    return {
        "participant": person.pseudonym, "time_h": time_h, "planned_h": planned_h, "instrument": instrument,
        "item": item, "value": float(str(value)), "unit": unit, "rater": rater,
        "recall_h": None if recall_h is None else float(str(recall_h)),
    }  # fmt: skip


def _planned(course: Course, instrument: str, at: datetime, hours: Hours) -> float | None:
    """Find the protocol's time for which a measure stands: the nearest one of the visit in whose window it was made."""
    wanted = [
        at_h for each in course.protocol.assessments if each.instrument == instrument
        and (not each.arms or course.arm in each.arms) for at_h in each.at_h
    ]  # fmt: skip
    near = [
        at_h for at_h in wanted for visit in course.visits if _is_of(visit, at) and 0 <= at_h - visit.offset_h <= DAY_H
    ]
    return min(near, key=lambda at_h: abs(at_h - hours.of(at)), default=None)


def _is_of(visit: Visit, at: datetime) -> bool:
    return visit.state == Visit.State.DONE and visit.earliest <= at <= visit.latest + timedelta(hours=DAY_H)


def event_rows(person: Participant, hours: Hours) -> Iterator[Row]:
    """Give the rows of ``adverse_events``. What no clinician has judged yet has no word on seriousness."""
    for each in AdverseEvent.objects.filter(participant=person, struck_at=None).order_by("started_at"):
        known = term(each.term)
        yield {
            "participant": person.pseudonym, "start_h": hours.of(each.started_at),
            "end_h": None if each.ended_at is None else hours.of(each.ended_at),
            "term": known.word if known else ANOTHER_TERM, "severity": each.severity,
            "serious": each.is_serious, "related": each.relatedness or "unknown",
        }  # fmt: skip
