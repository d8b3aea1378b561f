"""Reading what is watched: reasons to stop, looks that are due, warnings about other drugs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Min, QuerySet

from upturn.protocol import Monitoring
from upturn_clinic.accounts.models import Facility
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.programmes.queries import protocol_of, rules_in_force
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.treatments.boosters.rule import Rating
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.interactions import Interaction, interaction_of
from upturn_clinic.treatments.models import ConcomitantDrug, Dose, MonitoringCheck, Plan, StopDecision
from upturn_clinic.treatments.schedule import shifted
from upturn_clinic.treatments.watch.stopping import Reason, Recorded, judge

__all__ = [
    "Look", "Warned", "checks_of", "holding_back", "look_at", "looks_due_at", "looks_of", "reasons_of",
    "reasons_to_stop", "recorded", "warnings_of",
]  # fmt: skip


@dataclass(frozen=True)
class Look:
    """One look of the long-term monitoring, at one of its times.

    Parameters
    ----------
    due_at
        When it is due: days are counted from the first dose that was given.
    check
        What was found, once somebody looked.
    """

    participant: Participant
    rule: Monitoring
    offset_h: float
    due_at: datetime
    check: MonitoringCheck | None

    def is_late(self, now: datetime) -> bool:
        """Whether nobody looked though its time has come."""
        return self.check is None and now > self.due_at

    @property
    def key(self) -> str:
        """Its planned hour, as an address has it."""
        return f"{self.offset_h:g}"


@dataclass(frozen=True)
class Warned:
    """A drug that is taken now, and what was read about its class."""

    drug: ConcomitantDrug
    known: Interaction


def recorded(course: Course) -> Recorded:
    """Gather what reasons to stop rest on."""
    person = course.plan.participant
    ratings: dict[str, list[Rating]] = defaultdict(list)
    for each in Measure.objects.filter(participant=person, struck_at=None):
        ratings[each.instrument].append(Rating(each.at, float(each.value)))
    events = AdverseEvent.objects.filter(participant=person, struck_at=None).values_list("started_at", "term")
    doses = [each.given_at for each in course.given if each.given_at]
    return Recorded(course.first_given_at, doses, ratings, list(events))


def reasons_of(course: Course, *, now: datetime) -> tuple[Reason, ...]:
    """Judge every reason to stop that is in force for somebody, those that are there first."""
    safety = course.protocol.safety
    if safety is None or not safety.stopping:
        return ()
    in_force = rules_in_force(course.plan.protocol_version)
    rules = [each for each in safety.stopping if f"stopping/{each.id}" in in_force]
    if not rules:
        return ()
    seen = recorded(course)
    decisions = _decisions(course.plan.participant, until=now)
    found = [
        _decided(judge(each, seen, protocol=course.protocol, now=now, zone=course.zone), decisions.get(each.id), course)
        for each in rules
    ]
    return tuple(sorted(found, key=lambda reason: ("holds", "cannot be judged", "does not hold").index(reason.verdict)))


def reasons_to_stop(course: Course, *, now: datetime) -> tuple[Reason, ...]:
    """Give only the reasons that are there now: shown wherever a dose is decided."""
    return tuple(each for each in reasons_of(course, now=now) if each.holds)


def holding_back(course: Course, *, now: datetime) -> tuple[Reason, ...]:
    """Give the reasons that are there and because of which no dose may begin: nobody has decided to go on."""
    return tuple(each for each in reasons_of(course, now=now) if each.holds_back)


def _decisions(participant: Participant, *, until: datetime) -> dict[str, StopDecision]:
    """Find the newest decision about each reason."""
    found = StopDecision.objects.filter(participant=participant, decided_at__lte=until).select_related("by")
    return {each.rule: each for each in found.order_by("decided_at")}


def _decided(reason: Reason, decision: StopDecision | None, course: Course) -> Reason:
    """Put a decision to a reason: it is there because somebody said so, or it is there and they go on all the same."""
    if decision is None:
        return reason
    when = decision.decided_at.astimezone(course.zone)
    who = decision.by.name if decision.by else "The system"
    words = f"{who}, {when.day} {when:%b %Y, %H:%M}: {decision.get_decision_display()}. {decision.reason}"
    if decision.decision == StopDecision.Decision.STOP:
        return replace(reason, verdict="holds", decided=words)
    if reason.holds and decision.seen == reason.seen:
        return replace(reason, decided=words, goes_on=True)
    return reason


def looks_of(course: Course) -> tuple[Look, ...]:
    """List every look that is in force for somebody, in order of time; none before the first dose."""
    if course.first_given_at is None:
        return ()
    checks = {(each.look, each.offset_h): each for each in checks_of(course.plan.participant)}
    return tuple(_looks(course.plan, course.first_given_at, rules_in_force(course.plan.protocol_version), checks))


def look_at(course: Course, look: str, key: str) -> Look | None:
    """Find one look by its id and planned hour."""
    return next((each for each in looks_of(course) if (each.rule.id, each.key) == (look, key)), None)


def checks_of(participant: Participant) -> QuerySet[MonitoringCheck]:
    """What was found so far, newest first; struck rows left out."""
    return MonitoringCheck.objects.filter(participant=participant, struck_at=None).select_related("recorded_by")


def looks_due_at(facility: Facility, *, until: datetime) -> list[Look]:
    """List what nobody has looked at yet, of everybody enrolled at a facility, the oldest first.

    Four queries and one for each protocol version, however many people there are.
    """
    plans = Plan.objects.filter(facility=facility, participant__status=Participant.Status.ENROLLED).select_related(
        "participant", "facility", "protocol_version"
    )
    first = dict(
        Dose.objects.filter(plan__in=plans, given_at__isnull=False)
        .order_by().values("plan").annotate(first=Min("given_at")).values_list("plan", "first")
    )  # fmt: skip
    done: dict[object, dict[tuple[str, float], MonitoringCheck]] = defaultdict(dict)
    for each in MonitoringCheck.objects.filter(participant__plan__in=plans, struck_at=None):
        done[each.participant_id][each.look, each.offset_h] = each
    in_force: dict[object, frozenset[str]] = {}
    found: list[Look] = []
    for plan in plans:
        if plan.pk not in first:
            continue
        if plan.protocol_version_id not in in_force:
            in_force[plan.protocol_version_id] = rules_in_force(plan.protocol_version)
        rules = in_force[plan.protocol_version_id]
        looks = _looks(plan, first[plan.pk], rules, done[plan.participant_id])
        found += [each for each in looks if each.check is None and each.due_at < until]
    return sorted(found, key=lambda look: (look.due_at, look.participant.pseudonym))


def warnings_of(participant: Participant) -> tuple[Warned, ...]:
    """Give the drugs that are taken now and of which something was read that matters to a dose."""
    drugs = ConcomitantDrug.objects.filter(participant=participant, ended_on=None)
    known = [Warned(each, interaction_of(each.drug_class)) for each in drugs]
    return tuple(each for each in known if each.known.level == "warn")


def _looks(
    plan: Plan, first: datetime, in_force: frozenset[str], checks: dict[tuple[str, float], MonitoringCheck]
) -> Iterator[Look]:
    protocol = protocol_of(plan.protocol_version)
    rules = [
        each for each in (protocol.safety.monitoring if protocol.safety else ()) if f"monitoring/{each.id}" in in_force
    ]
    rows = [(offset, each) for each in rules for offset in each.at_h(protocol.follow_up_h)]
    for offset, each in sorted(rows, key=lambda row: (row[0], rules.index(row[1]))):
        due_at = shifted(first, offset, zone=plan.facility.zone)
        yield Look(plan.participant, each, offset, due_at, checks.get((each.id, offset)))
