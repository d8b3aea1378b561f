"""Reading ratings, always of one participant or one facility, and as far as a reader may know.

A rater sees blinded ratings alone: what the treating team or the participant rated (dissociation, side effects) can
tell the arm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Min, Q, QuerySet

from upturn import instruments
from upturn.protocol import Protocol
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import TELLS_OF_DOSES, Permission
from upturn_clinic.accounts.queries import could_ever
from upturn_clinic.assessments.due import (
    Anchor,
    Asked,
    Due,
    Seen,
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
from upturn_clinic.treatments.told import is_told_alone, slot_told

__all__ = [
    "DueOfOne", "baseline_for", "could_know_of_doses", "counting_of", "due_at", "due_for", "first_given_at",
    "given_doses", "kinds_for", "may_see_all", "protocol_for", "rating_at", "ratings_of", "root_of", "scales_for",
    "standing_for", "trends_of",
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


def could_know_of_doses(rater: Actor, participant: Participant, *, at: datetime) -> bool:
    """Tell whether a rater may learn of a participant's doses, or ever could: by another role, or in an emergency.

    The records for analysis of the facility that leads the programme hold the participants of all.
    """
    if rater.user is None:
        return False
    if rater.permissions & TELLS_OF_DOSES:
        return True
    here, lead = participant.facility, participant.programme.lead
    return could_ever(rater.user, here, TELLS_OF_DOSES, until=at) or (
        lead != here and could_ever(rater.user, lead, {Permission.SEE_DEIDENTIFIED}, until=at)
    )


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
        the ratings of all arms are listed. Who must not know of doses is told the times of the plan as it was made, and
        as people moved it by hand since (``treatments.told``): neither hour nor day follows a dose that was given.
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
    every = Dose.objects.filter(plan__in=plans).order_by("offset_h", "number")
    doses, visits = every, Visit.objects.filter(plan__in=plans).exclude(state="cancelled")
    ratings = Rating.objects.filter(participant__in=people, struck_at=None)
    measures = Measure.objects.filter(participant__in=people, struck_at=None)
    if reach is not None:
        since, until = at - reach, at + reach
        near = Q(planned_at__range=(since, until)) | Q(told_at__range=(since, until))
        doses, visits = doses.filter(near), visits.filter(near)
        ratings, measures = ratings.filter(rated_at__gte=since), measures.filter(at__gte=since)
    first = every.filter(origin=Dose.Origin.PROTOCOL, offset_h=0)
    found = _Found(
        _by(doses, "plan_id"), _by(visits, "plan_id"),
        _by(ratings.defer("answers", "parts", "findings", "missing"), "participant_id"),
        _by(measures, "participant_id"), _seen(doses, plans) if reader is None or may_see_all(reader) else {},
        dict(every.filter(given_at__isnull=False).order_by().values_list("plan").annotate(Min("given_at"))),
        dict(first.values_list("plan", "told_at")), {},
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
    seen: Mapping[UUID, Sequence[Seen]]
    began: Mapping[UUID, datetime]
    told: Mapping[UUID, datetime]
    asked: dict[tuple[UUID, tuple[str, ...]], tuple[Asked, ...]]


def _dues_of(plan: Plan, found: _Found, at: datetime, reader: Actor | None, *, only_near: bool) -> tuple[Due, ...]:
    person, protocol = plan.participant, protocol_of(plan.participant.protocol_version)
    knows_arm = reader is None or bool(arm_shown(person, reader))
    arms = (arm_of(person),) if knows_arm else tuple(protocol.arms)
    key = (person.protocol_version_id, arms)
    if key not in found.asked:
        found.asked[key] = tuple(each for each in asked_by(protocol, arms) if each.rater_kind in kinds_for(reader))
    zone, told_alone = plan.facility.zone, reader is not None and is_told_alone(reader)
    anchors = _told(plan, protocol, found) if told_alone else _known(plan, protocol, found)
    asked = found.asked[key]
    if only_near:
        # A rating whose visit was not read is not near; one that no visit of the protocol holds is looked at anyway.
        offsets = [each.at_h for each in protocol.encounters if each.anchor == "first dose"]
        asked = tuple(
            each for each in asked
            if of_the_day(each, anchors.visits) or of_the_day(each, anchors.doses) or not is_of_a_day(each, offsets)
        )  # fmt: skip
    dues = due_of(
        [(each, anchors.slot_of(each, zone)) for each in asked], ratings=found.ratings.get(person.pk, ()),
        measures=found.measures.get(person.pk, ()), seen=found.seen.get(plan.pk, ()), at=at,
    )  # fmt: skip
    return dues if told_alone else _beside(dues, plan, protocol, found)


@dataclass(frozen=True)
class _Anchors:
    """What ratings of one plan are counted from: as it really is, or as raters are told."""

    first: datetime
    doses: Sequence[Anchor]
    visits: Sequence[Anchor]

    def slot_of(self, asked: Asked, zone: ZoneInfo) -> Slot:
        """Say when a rating is due by these."""
        return slot_of(asked, first=self.first, doses=self.doses, visits=self.visits, zone=zone)


def _known(plan: Plan, protocol: Protocol, found: _Found) -> _Anchors:
    """Gather what ratings are counted from as it really is: doses as given, visits as they followed them."""
    stand = [
        each for each in found.doses.get(plan.pk, ()) if each.state not in (Dose.State.MISSED, Dose.State.CANCELLED)
    ]
    return _Anchors(
        found.began.get(plan.pk) or plan.begins_at,
        [Anchor(each.offset_h, each.given_at or each.planned_at) for each in stand],
        [Anchor(each.offset_h, each.planned_at, Slot(each.target, each.earliest, each.latest))
         for each in _visits(plan, protocol, found)],
    )  # fmt: skip


def _told(plan: Plan, protocol: Protocol, found: _Found) -> _Anchors:
    """Gather what blinded ratings are counted from for who rates them; whatever became of the doses."""
    fixed = (each for each in found.doses.get(plan.pk, ()) if each.origin == Dose.Origin.PROTOCOL)
    # Of two at one time (the plan was renewed) the later one counts.
    by_time = {each.offset_h: Anchor(each.offset_h, each.told_at) for each in fixed}
    return _Anchors(
        found.told.get(plan.pk) or plan.begins_at,
        list(by_time.values()),
        [Anchor(each.offset_h, each.told_at, slot_told(each, protocol, plan.facility.zone))
         for each in _visits(plan, protocol, found)],
    )  # fmt: skip


def _visits(plan: Plan, protocol: Protocol, found: _Found) -> list[Visit]:
    """Leave out visits that are counted from the last dose: ratings are counted from the first."""
    after_last = {each.id for each in protocol.encounters if each.anchor == "last dose"}
    return [each for each in found.visits.get(plan.pk, ()) if each.encounter not in after_last]


def _beside(dues: tuple[Due, ...], plan: Plan, protocol: Protocol, found: _Found) -> tuple[Due, ...]:
    """Put beside blinded ratings that are still to be done when raters are told they are, where that is too far off."""
    if not any(each.is_for_a_rater for each in dues):
        return dues
    told = _told(plan, protocol, found)
    slots = (told.slot_of(each.asked, plan.facility.zone) if each.is_for_a_rater else each.slot for each in dues)
    return tuple(
        due if due.slot.holds(slot.target) else replace(due, told_at=slot.target)
        for due, slot in zip(dues, slots, strict=True)
    )


def _seen(doses: QuerySet[Dose], plans: Sequence[Plan]) -> Mapping[UUID, Sequence[Seen]]:
    """Read what the treating team is asked for and wrote into the flowsheets of sessions, by plan."""
    # Sessions stand in a room above this one, which hangs them on the dose.
    columns = ("instrument", "value", "at", "nominal_min")
    protocols = {each.participant.protocol_version for each in plans}
    scales = {each.instrument for version in protocols for each in protocol_of(version).assessments
              if each.rater == Rating.Rater.TREATING.value}  # fmt: skip
    rows = doses.filter(
        sessions__cancelled_at=None, sessions__readings__struck_at=None, sessions__readings__instrument__in=scales
    ).order_by().values_list(
        "plan", "offset_h", "sessions", *(f"sessions__readings__{each}" for each in columns)
    )  # fmt: skip
    found: dict[UUID, list[Seen]] = {}
    for plan, offset_h, session, instrument, value, at, nominal_min in rows:
        found.setdefault(plan, []).append(Seen(instrument, value, at, nominal_min, offset_h, session))
    return found


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


def _first_known(participant: Participant, reader: Actor | None) -> datetime | None:
    """Tell when the first dose was given, to who may know it: what came before and after would tell it as well."""
    return None if reader is not None and is_told_alone(reader) else first_given_at(participant)


def baseline_for(participant: Participant, instrument: str, reader: Actor | None) -> Measure | None:
    """Find the last value before the first dose; None while no dose was given, and for who must not know that."""
    first = _first_known(participant, reader)
    return _values(participant, reader, instrument).filter(at__lt=first).last() if first else None


def trends_of(participant: Participant, reader: Actor) -> tuple[Trend, ...]:
    """Read every instrument with values over time; the one that response is counted on comes first."""
    endpoints, first = protocol_for(participant).endpoints, _first_known(participant, reader)
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
