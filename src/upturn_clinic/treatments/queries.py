"""Reading plans, always of one participant or one facility; and what a reader may know of a dose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from upturn.protocol import Dose as ProtocolDose
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.participants.queries import arm_of, arm_shown, is_masked, latest_measure
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments.boosters.rule import Finding, Rating, judge, next_candidate
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import Computed, Weight, compute
from upturn_clinic.treatments.models import CoIntervention, ConcomitantDrug, Dose, Due, Plan, Visit
from upturn_clinic.treatments.schedule import shifted
from upturn_clinic.treatments.told import is_told_alone, told_visits

__all__ = [
    "DoseShown", "DueRow", "booster_by_rule", "booster_entries", "booster_shown", "co_interventions_of", "course_of",
    "dose_shown", "dose_words", "doses_at", "drugs_of", "due_between", "due_late", "due_rows", "finding_of", "held",
    "is_planned", "no_booster_planned", "people_with_plan_at", "visits_at", "weight_given_by", "weight_of",
]  # fmt: skip

Thing = TypeVar("Thing", Visit, Dose)
MINUTES = 60


@dataclass(frozen=True)
class DoseShown:
    """What a reader may know of a dose. ``what`` is None where the arm is masked to them."""

    what: str | None
    computed: Computed | None = None
    refusal: Refused | None = None


def people_with_plan_at(facility: Facility) -> QuerySet[Participant]:
    """Everybody of a facility, with programme and protocol version: whose plan is opened or made."""
    return Participant.objects.filter(facility=facility).select_related("programme", "protocol_version", "facility")


def is_planned(participant: Participant) -> bool:
    """Tell whether somebody has a plan."""
    return Plan.objects.filter(participant=participant).exists()


def held(plan: Plan) -> Plan:
    """Hold a plan until the transaction ends: two who change it at once would anchor it twice."""
    return Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)


def course_of(participant: Participant) -> Course | None:
    """Read somebody's whole plan; None before it is made."""
    plan = Plan.objects.filter(participant=participant).select_related("facility", "protocol_version").first()
    if plan is None:
        return None
    plan.participant = participant
    return Course(
        plan, protocol_of(plan.protocol_version), arm_of(participant), list(plan.doses.all()), list(plan.visits.all())
    )


def doses_at(facility: Facility) -> QuerySet[Dose]:
    """All doses of a facility, each with its plan."""
    return Dose.objects.filter(facility=facility).select_related("plan__participant", "plan__facility")


def visits_at(facility: Facility) -> QuerySet[Visit]:
    """All visits of a facility, each with its plan."""
    return Visit.objects.filter(facility=facility).select_related("plan__participant", "plan__facility")


def weight_of(participant: Participant) -> Weight | None:
    """Find the latest body weight that was measured."""
    found = latest_measure(participant, "weight")
    return None if found is None else Weight(float(found.value), found.at)


def weight_given_by(dose: Dose, *, began_at: datetime) -> Weight | None:
    """Find the body weight that counts for a dose that was given: its own, else the newest measured until it began.

    Whoever corrects a dose weeks later does not compute it anew by the weight of that day.
    """
    if dose.given_at is not None and dose.weight_kg is not None and dose.weight_at is not None:
        return Weight(float(dose.weight_kg), dose.weight_at)
    found = latest_measure(dose.plan.participant, "weight", until=began_at)
    return None if found is None else Weight(float(found.value), found.at)


def dose_words(dose: ProtocolDose) -> str:
    """Write a dose of the protocol in words.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> dose_words(load("six-infusions").arms["ketamine"].doses[0])
    'ketamine 0.5 mg/kg, intravenous, over 40 min'
    """
    amount = f" {dose.amount}" if dose.amount.value else ""
    over = f", over {dose.over_h * MINUTES:g} min" if dose.over_h else ""
    return f"{dose.drug}{amount}, {dose.route}{over}"


def dose_shown(
    course: Course, dose: Dose, *, weight: Weight | None, reader: Actor, at: datetime, may_know: bool | None = None
) -> DoseShown:
    """Say what a dose holds, as far as a reader may know.

    Parameters
    ----------
    weight
        The latest weight (``weight_of``).
    at
        For when: the age of the weight counts from here.
    may_know
        Whether the reader may know the arm, where that was asked already.
    """
    if may_know is None:
        may_know = arm_shown(course.plan.participant, reader) is not None
    return _shown(course, course.entry(dose), weight, at) if may_know else DoseShown(None)


def _shown(course: Course, entry: ProtocolDose, weight: Weight | None, at: datetime) -> DoseShown:
    try:
        computed = compute(entry, weight=weight, protocol=course.protocol, arm=course.arm, at=at)
    except Refused as refusal:
        return DoseShown(dose_words(entry), refusal=refusal)
    return DoseShown(dose_words(entry), computed)


def booster_entries(course: Course) -> list[ProtocolDose]:
    """List the doses of the arm that a rule decides about."""
    return [each for each in course.protocol.arms[course.arm].doses if each.is_adaptive]


def booster_shown(course: Course, reader: Actor, *, at: datetime) -> DoseShown | None:
    """Say what a booster would hold by the newest weight, as far as a reader may know; None where no dose is known."""
    if arm_shown(course.plan.participant, reader) is None:
        return DoseShown(None)
    entries = booster_entries(course) or course.protocol.arms[course.arm].doses[-1:]
    return _shown(course, entries[0], weight_of(course.plan.participant), at) if entries else None


def booster_by_rule(course: Course, reader: Actor, *, now: datetime) -> tuple[ProtocolDose, datetime, float]:
    """Give the booster that the protocol's rule asks for now: its entry, its day, its planned hour [h].

    Raises
    ------
    Refused
        The rule does not hold (and why, to who may read ratings), no day is left, one is planned already, or the arm
        is masked to who asks.
    """
    person = course.plan.participant
    if arm_shown(person, reader) is None and is_masked(person):
        raise Refused("The arm is masked to you, and so are its boosters.", remedy="ask somebody who may know the arm")
    entries = booster_entries(course)
    if not entries:
        raise Refused("The protocol has no boosters for this person.")
    finding = finding_of(course)
    if not finding.relapsed or course.first_given_at is None:
        may_read = reader.may(Permission.SEE_RATINGS)
        raise Refused("The rule of the protocol does not hold.", came=" ".join(finding.sentences) if may_read else None)
    no_booster_planned(course)
    # The hour of the appointments, not the minute at which the first dose happened to begin.
    first = shifted(course.first_given_at, 0.0, zone=course.zone, clock=course.timetable.clock)
    found = next_candidate(entries[0], first=first, now=now, zone=course.zone)
    if found is None:
        raise Refused("The last day for a booster by rule is over.", remedy="a clinician may decide on one")
    return entries[0], *found


def no_booster_planned(course: Course) -> None:
    """Refuse a second booster while one is still to come."""
    if any(each.is_open and each.origin != Dose.Origin.PROTOCOL for each in course.doses):
        raise Refused("A booster is planned already.", remedy="move it, or record it first")


def finding_of(course: Course) -> Finding:
    """Judge from the recorded ratings whether the protocol's rule for boosters holds now."""
    rule, first = course.protocol.endpoints.relapse, course.first_given_at
    if rule is None or first is None:
        return Finding(relapsed=False, sentences=("No dose has been given yet.",) if rule else ())
    found = Measure.objects.filter(
        participant=course.plan.participant, instrument=rule.instrument, struck_at=None
    ).order_by("at")
    scores = [Rating(each.at, float(each.value)) for each in found]
    before = [each.value for each in scores if each.at < first]
    boosters = [each.given_at for each in course.given if each.origin != Dose.Origin.PROTOCOL and each.given_at]
    return judge(
        [each for each in scores if each.at >= first], baseline=before[-1] if before else None,
        endpoints=course.protocol.endpoints, boosters=boosters,
    )  # fmt: skip


def co_interventions_of(participant: Participant) -> QuerySet[CoIntervention]:
    """Other treatments of a participant."""
    return CoIntervention.objects.filter(participant=participant)


def drugs_of(participant: Participant) -> QuerySet[ConcomitantDrug]:
    """Other drugs of a participant; those that are still taken come first."""
    return ConcomitantDrug.objects.filter(participant=participant).order_by("ended_on", "name")


@dataclass(frozen=True)
class DueRow:
    """All that one person is expected for at one time."""

    participant: Participant
    at: datetime
    visits: tuple[Visit, ...]
    doses: tuple[Dose, ...]
    # Whether any of it is planned outside its window, for who may know: the window follows the doses.
    is_outside: bool = False
    # Who is here already: their session, and since when.
    here: tuple[UUID, datetime] | None = None


def due_late(facility: Facility, *, now: datetime) -> QuerySet[Visit, dict[str, object]]:
    """Find what is late at a facility, the newest first: one row for each person and time. Not for raters."""
    return _due(facility, Due.late(now)).order_by("-planned_at", "plan_id")


def due_between(
    facility: Facility, reader: Actor, *, begin: datetime | None, end: datetime, now: datetime
) -> QuerySet[Visit, dict[str, object]]:
    """Find what is open at a facility between two instants and not late: one row for each person and time.

    People who have completed or left have nothing due. Who may not see doses finds the visits at which they rate, at
    the times that they are told, whatever became of them.

    Parameters
    ----------
    begin
        None for all from before ``end``: what was planned for an earlier day, and whose window is still open.
    """
    between = {"lt": end} if begin is None else {"gte": begin, "lt": end}
    if is_told_alone(reader):
        told = told_visits(Plan.objects.filter(facility=facility, participant__status="enrolled"))
        told = told.filter(**{f"told_at__{name}": at for name, at in between.items()})
        rows: QuerySet[Visit, dict[str, object]] = told.values(*("told_at", "plan_id")).distinct()
        return rows.order_by("told_at", "plan_id")
    wanted = Q(state="planned", **{f"planned_at__{name}": at for name, at in between.items()}) & ~Due.late(now)
    return _due(facility, wanted).order_by("planned_at", "plan_id")


def _due(facility: Facility, wanted: Q) -> QuerySet[Visit, dict[str, object]]:
    wanted &= Q(facility=facility, plan__participant__status="enrolled")
    columns = ("planned_at", "plan_id")
    visits = Visit.objects.filter(wanted).order_by().values(*columns)
    # The type that a union has in django-stubs is lost here.
    found: QuerySet[Visit, dict[str, object]] = visits.union(Dose.objects.filter(wanted).order_by().values(*columns))
    return found


def due_rows(keys: Sequence[dict[str, object]], reader: Actor, *, now: datetime, is_late: bool) -> list[DueRow]:
    """Fill in the rows of one page: few queries, however many rows.

    Parameters
    ----------
    is_late
        Whether the rows are of what is late, or of what is not: both can stand at one time of one person.
    """
    plans = {each.pk: each for each in Plan.objects.filter(pk__in=[key["plan_id"] for key in keys])
             .select_related("participant__programme")
             .only("participant__pseudonym", "participant__programme__name")}  # fmt: skip
    told_alone = is_told_alone(reader)
    when = "told_at" if told_alone else "planned_at"
    wanted = Q(plan__in=plans) & Q(**{f"{when}__in": {key[when] for key in keys}})
    shown = ("plan", when, "earliest", "latest")
    doses = dict[tuple[UUID, datetime], list[Dose]]()
    if told_alone:
        visits = _by_key(told_visits(Plan.objects.filter(pk__in=plans)).filter(wanted), when)
    else:
        wanted &= Due.late(now) if is_late else Q(state="planned") & ~Due.late(now)
        visits = _by_key(Visit.objects.filter(wanted).only(*shown, "title", "encounter"), when)
        doses = _by_key(Dose.objects.filter(wanted).only(*shown, "number"), when)
    here = _here(chain.from_iterable(doses.values())) if reader.may(Permission.SEE_SESSIONS) else {}
    rows: list[DueRow] = []
    for each in keys:
        plan_id, at = each["plan_id"], each[when]
        assert isinstance(plan_id, UUID)  # noqa: S101  (the columns of due_between)
        assert isinstance(at, datetime)  # noqa: S101
        key = (plan_id, at)
        of_key, at_key = tuple(doses.get(key, ())), tuple(visits.get(key, ()))
        is_outside = not told_alone and any(due.is_outside for due in (*of_key, *at_key))
        is_here = next((here[dose.pk] for dose in of_key if dose.pk in here), None)
        rows.append(DueRow(plans[plan_id].participant, at, at_key, of_key, is_outside, is_here))
    return rows


def _here(doses: Iterable[Dose]) -> dict[UUID, tuple[UUID, datetime]]:
    """Find the sessions that go on, by dose."""
    # Sessions stand in a room above this one, which hangs them on the dose.
    rows = Dose.objects.filter(
        pk__in=[dose.pk for dose in doses], sessions__isnull=False, sessions__cancelled_at=None, sessions__left_at=None
    ).values_list("pk", "sessions", "sessions__arrived_at")  # fmt: skip
    return {dose: (session, arrived_at) for dose, session, arrived_at in rows}


def _by_key(found: QuerySet[Thing], when: str) -> dict[tuple[UUID, datetime], list[Thing]]:
    by_key: dict[tuple[UUID, datetime], list[Thing]] = {}
    for each in found:
        by_key.setdefault((each.plan_id, getattr(each, when)), []).append(each)
    return by_key
