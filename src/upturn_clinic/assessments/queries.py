"""Reading ratings, always of one participant or one facility, and as far as a reader may know.

A rater sees blinded ratings alone: what the treating team or the participant rated (dissociation, side effects) can
tell the arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Min, Q, QuerySet

from upturn import instruments
from upturn.protocol import Protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.assessments.due import (
    Anchor,
    Asked,
    Due,
    asked_by,
    due_of,
    is_of_a_day,
    of_the_day,
    opens_within,
    slot_of,
)
from upturn_clinic.assessments.limits import AHEAD, LATE_SHOWN, REACH
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.trend import Point, Trend, trend_of
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.participants.queries import arm_of, arm_shown
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.schedule import Slot

__all__ = [
    "DueOfOne", "baseline_for", "counting_of", "due_at", "due_for", "first_given_at", "given_doses", "kinds_for",
    "may_see_all", "protocol_for", "rating_at", "ratings_of", "root_of", "scales_for", "standing_for", "trends_of",
]  # fmt: skip

ALL_KINDS = tuple(kind.value for kind in Rating.Rater)


@dataclass(frozen=True)
class DueOfOne:
    """What is due of one participant."""

    participant: Participant
    dues: tuple[Due, ...]


def may_see_all(reader: Actor) -> bool:
    """Tell whether a reader may see every rating, or the blinded ones alone."""
    return reader.may(Permission.SEE_CLINICAL_RECORD)


def kinds_for(reader: Actor | None) -> tuple[str, ...]:
    """Name the raters whose ratings a reader may see; nobody in particular (the system) sees all."""
    return ALL_KINDS if reader is None or may_see_all(reader) else (Rating.Rater.BLINDED.value,)


def ratings_of(participant: Participant, reader: Actor | None) -> QuerySet[Rating]:
    """All ratings of a participant that a reader may see, newest first, struck ones among them."""
    mine = Rating.objects.filter(participant=participant, rater_kind__in=kinds_for(reader))
    return mine.select_related("rater", "measure", "replaced_by")


def rating_at(facility: Facility, key: UUID, reader: Actor) -> QuerySet[Rating]:
    """Find one rating of a facility, if the reader may see it."""
    here = Rating.objects.filter(pk=key, participant__facility=facility, rater_kind__in=kinds_for(reader))
    person = ("participant__programme", "participant__protocol_version")
    return here.select_related(*person, "rater", "measure", "replaces", "replaced_by")


def counting_of(participant: Participant) -> QuerySet[Rating]:
    """Ratings that are not struck out."""
    return Rating.objects.filter(participant=participant, struck_at=None)


def standing_for(participant: Participant, *, instrument: str, planned_h: float, rater_kind: str) -> Rating | None:
    """Find the rating that was entered for a time of the protocol, if any."""
    return counting_of(participant).filter(instrument=instrument, planned_h=planned_h, rater_kind=rater_kind).first()


def root_of(rating: Rating) -> UUID:
    """Give the key of the first rating of a chain of corrections: what a concern is raised from once."""
    while rating.replaces is not None:
        rating = rating.replaces
    return rating.pk


def protocol_for(participant: Participant) -> Protocol:
    """Give the protocol that a participant follows."""
    return protocol_of(participant.protocol_version)


def first_given_at(participant: Participant) -> datetime | None:
    """Tell when the first dose was given; None before."""
    return given_doses(participant).values_list("given_at", flat=True).first()


def given_doses(participant: Participant) -> QuerySet[Dose]:
    """Doses that were given, in order."""
    return Dose.objects.filter(plan__participant=participant, given_at__isnull=False).order_by("given_at")


def scales_for(participant: Participant, reader: Actor) -> tuple[str, ...]:
    """Name the instruments a reader may enter for a participant: those of the protocol first, then the others.

    Who may see blinded ratings alone enters those that the protocol asks of a blinded rater.
    """
    asked = asked_by(protocol_for(participant), list(protocol_for(participant).arms))
    own = [each.instrument for each in asked if each.rater_kind in kinds_for(reader)]
    rest = [each for each in instruments.all_ids() if instruments.get(each).items] if may_see_all(reader) else []
    return tuple(each for each in dict.fromkeys([*own, *rest]) if instruments.get(each).items)


def due_for(participant: Participant, *, at: datetime, reader: Actor | None = None) -> tuple[Due, ...]:
    """List the ratings that the protocol asks for of a participant, in order of time; empty before there is a plan.

    Parameters
    ----------
    reader
        Only what this reader may know; everything when nobody in particular reads. Where the arm is hidden from them,
        the ratings of all arms are listed, and no time follows a dose that they must not know.
    """
    plan = Plan.objects.filter(participant=participant).select_related(*_PLAN).first()
    return _dues([plan], at=at, reader=reader)[0].dues if plan else ()


def due_at(facility: Facility, *, at: datetime, reader: Actor) -> list[DueOfOne]:
    """List what is due at a facility now, soon, and what was missed lately: of people who take part, in few queries."""
    plans = Plan.objects.filter(participant__facility=facility, participant__status=Participant.Status.ENROLLED)
    found = _dues(list(plans.select_related(*_PLAN)), at=at, reader=reader, reach=REACH)
    wanted = [DueOfOne(each.participant, tuple(due for due in each.dues if _is_of_the_day(due, at))) for each in found]
    return sorted((each for each in wanted if each.dues), key=lambda each: each.dues[0].slot.target)


_PLAN = ("participant__programme", "participant__protocol_version", "participant__allocation", "facility")


def _is_of_the_day(due: Due, at: datetime) -> bool:
    missed_lately = due.state == "late" and at - due.slot.latest <= LATE_SHOWN
    return due.state == "open" or missed_lately or opens_within(due, at, AHEAD)


def _dues(
    plans: Sequence[Plan], *, at: datetime, reader: Actor | None, reach: timedelta | None = None
) -> list[DueOfOne]:
    """Work out what is asked of some people; with ``reach``, only of visits and doses so near to now."""
    people = [plan.participant_id for plan in plans]
    doses = Dose.objects.filter(plan__in=plans).exclude(state__in=["missed", "cancelled"])
    visits = Visit.objects.filter(plan__in=plans).exclude(state="cancelled")
    ratings = Rating.objects.filter(participant__in=people, struck_at=None)
    measures = Measure.objects.filter(participant__in=people, struck_at=None)
    began = dict(doses.filter(given_at__isnull=False).order_by().values_list("plan").annotate(Min("given_at")))
    if reach is not None:
        near = (at - reach, at + reach)
        doses, visits = doses.filter(planned_at__range=near), visits.filter(planned_at__range=near)
        ratings, measures = ratings.filter(rated_at__gte=at - reach), measures.filter(at__gte=at - reach)
    found = _Found(
        _by(doses, "plan_id"), _by(visits, "plan_id"),
        _by(ratings.defer("answers", "parts", "findings", "missing"), "participant_id"),
        _by(measures, "participant_id"), began, {},
    )  # fmt: skip
    return [DueOfOne(plan.participant, _dues_of(plan, found, at, reader, only_near=reach is not None))
            for plan in plans]  # fmt: skip


@dataclass(frozen=True)
class _Found:
    """What was read for all plans at once, by plan or by participant; and what each protocol asks for."""

    doses: Mapping[UUID, Sequence[Dose]]
    visits: Mapping[UUID, Sequence[Visit]]
    ratings: Mapping[UUID, Sequence[Rating]]
    measures: Mapping[UUID, Sequence[Measure]]
    began: Mapping[UUID, datetime]
    asked: dict[tuple[UUID, tuple[str, ...]], tuple[Asked, ...]]


def _dues_of(plan: Plan, found: _Found, at: datetime, reader: Actor | None, *, only_near: bool) -> tuple[Due, ...]:
    person, protocol = plan.participant, protocol_of(plan.participant.protocol_version)
    knows_arm = reader is None or bool(arm_shown(person, reader))
    arms = (arm_of(person),) if knows_arm else tuple(protocol.arms)
    key = (person.protocol_version_id, arms)
    if key not in found.asked:
        found.asked[key] = tuple(each for each in asked_by(protocol, arms) if each.rater_kind in kinds_for(reader))
    knows_doses = reader is None or reader.may(Permission.SEE_DOSES)
    given = found.doses.get(plan.pk, ()) if knows_doses else ()
    steps = [Anchor(each.offset_h, each.given_at or each.planned_at) for each in given]
    stays = [
        Anchor(each.offset_h, each.planned_at, Slot(each.target, each.earliest, each.latest))
        for each in found.visits.get(plan.pk, ())
    ]
    first = (found.began.get(plan.pk) if knows_doses else None) or plan.begins_at
    asked = found.asked[key]
    if only_near:
        # A rating whose visit was not read is not near; one that no visit of the protocol holds is looked at anyway.
        offsets = [each.at_h for each in protocol.encounters if each.anchor == "first dose"]
        asked = tuple(
            each for each in asked
            if of_the_day(each, stays) or of_the_day(each, steps) or not is_of_a_day(each, offsets)
        )  # fmt: skip
    slots = [(each, slot_of(each, first=first, doses=steps, visits=stays, zone=plan.facility.zone)) for each in asked]
    return due_of(slots, ratings=found.ratings.get(person.pk, ()), measures=found.measures.get(person.pk, ()), at=at)


def _by(rows: Iterable, field: str) -> Mapping[UUID, list]:  # type: ignore[type-arg]  # rows of several models
    found: dict[UUID, list] = {}  # type: ignore[type-arg]
    for row in rows:
        found.setdefault(getattr(row, field), []).append(row)
    return found


def _values(participant: Participant, reader: Actor | None, instrument: str | None = None) -> QuerySet[Measure]:
    """Values that count and that a reader may see; a rater sees those of blinded ratings alone."""
    wanted = Q(participant=participant, struck_at=None)
    if instrument is not None:
        wanted &= Q(instrument=instrument)
    if reader is not None and not may_see_all(reader):
        wanted &= Q(rating__rater_kind__in=kinds_for(reader), rating__struck_at=None)
    return Measure.objects.filter(wanted).select_related("rating").order_by("at")


def baseline_for(participant: Participant, instrument: str, reader: Actor | None) -> Measure | None:
    """Find the last value before the first dose; None while no dose was given."""
    first = first_given_at(participant)
    return _values(participant, reader, instrument).filter(at__lt=first).last() if first else None


def trends_of(participant: Participant, reader: Actor) -> tuple[Trend, ...]:
    """Read every instrument with values over time; the one that response is counted on comes first."""
    endpoints, first = protocol_for(participant).endpoints, first_given_at(participant)
    points: dict[str, list[Point]] = {}
    scales = {each for each in instruments.all_ids() if instruments.get(each).items}
    for each in _values(participant, reader):
        if each.instrument in scales:
            rating = getattr(each, "rating", None)
            recall = None if each.recall_h is None else float(each.recall_h)
            points.setdefault(each.instrument, []).append(
                Point(each.at, float(each.value), recall, rating.pk if rating else None)
            )
    order = sorted(points, key=lambda each: (each != endpoints.response.instrument, each))
    return tuple(trend_of(each, points[each], first=first, endpoints=endpoints) for each in order)
