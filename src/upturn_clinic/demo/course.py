"""One virtual person's way through the clinic, day by day, by the actions that the pages call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from upturn.instruments import items_of
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.queries import standing_for
from upturn_clinic.demo.cast import Staff, identity
from upturn_clinic.demo.records import VirtualPerson
from upturn_clinic.demo.sessions import PAST_LOT, WHOLE, Played
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants import actions as people
from upturn_clinic.participants.models import ConsentDocument, CriterionResult, Participant, TreatmentTrial
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.participants.screening.queries import screening_of
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.stock.models import Lot
from upturn_clinic.treatments import actions as treatments
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.models import CoIntervention, Dose, Visit
from upturn_clinic.treatments.others import actions as others

__all__ = ["Stage", "VirtualCourse"]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Days before the first dose on which the steps of screening happen.
REGISTERED, CONSENTED, CONCLUDED, ENROLLED = 12, 10, 9, 8
OPENS = time(9)
SLOTS = 6
PAST_DRUGS = (("sertraline", "150 mg a day"), ("venlafaxine", "225 mg a day"), ("mirtazapine", "30 mg a day"))
BLINDED = "blinded"
Step = Callable[[datetime], object]


@dataclass(frozen=True)
class Stage:
    """How far somebody is: the days since the first dose, and the step after which nothing happens yet."""

    first_dose_ago_d: int
    stops_after: str = ""


class VirtualCourse:
    """A person, and what is still to happen to them.

    Parameters
    ----------
    place
        A number that tells this person from the others.
    virtual
        The simulated person whose values are entered.
    stage
        How far they are.
    today
        The day on which somebody looks at the demo.
    """

    def __init__(
        self, place: int, virtual: VirtualPerson, stage: Stage, *, staff: Staff, version: ProtocolVersion,
        document: ConsentDocument, today: datetime,
    ) -> None:  # fmt: skip
        self.place, self.virtual, self.staff = place, virtual, staff
        self.version, self.document = version, document
        zone = version.programme.lead.zone
        day = today.astimezone(zone).date() - timedelta(days=stage.first_dose_ago_d)
        self.first = datetime.combine(day, OPENS, tzinfo=zone) + HOUR * (place % SLOTS)
        self.key: UUID | None = None
        self.steps = sorted(self._steps(stage), key=lambda each: each[0])

    @property
    def begins_at(self) -> datetime:
        """When the first step happens."""
        return self.steps[0][0]

    def advance(self, until: datetime) -> None:
        """Let happen what is due by a time, in its order."""
        while self.steps and self.steps[0][0] <= until:
            at, step = self.steps.pop(0)
            step(at)
        if self.key is not None and self._now().status == Participant.Status.ENROLLED:
            self._give_doses(until)
            self._attend_visits(until)

    def _now(self) -> Participant:
        assert self.key is not None  # noqa: S101  (registering is the first step)
        found = Participant.objects.select_related("programme", "protocol_version", "facility")
        return found.get(pk=self.key)

    def _steps(self, stage: Stage) -> Iterator[tuple[datetime, Step]]:
        steps: dict[str, tuple[int, Step]] = {
            "registered": (REGISTERED, self._register), "consented": (CONSENTED, self._consent),
            "concluded": (CONCLUDED, self._conclude), "enrolled": (ENROLLED, self._enrol),
        }  # fmt: skip
        for name, (days, step) in steps.items():
            yield self.first - DAY * days, step
            if name == stage.stops_after:
                return
        protocol = protocol_of(self.version)
        planned = [time_h for dose in protocol.arms[self.virtual.arm].doses for time_h in dose.on_h]
        for hours, points in self.virtual.ratings[1:]:
            yield self.first + HOUR * hours, self._rate(hours, points)
        for hours in self.virtual.doses_h[len(planned) :]:
            # After the rating of that day, which may be the one that tells the relapse.
            yield self.first + HOUR * hours, self._plan_booster(self.first + HOUR * hours)
        whole = max(protocol.assessment_times_h("MADRS"))
        yield (
            self.first + HOUR * self.virtual.last_h + 2 * DAY,
            (self._complete if self.virtual.last_h >= whole else self._withdraw),
        )

    def _register(self, at: datetime) -> None:
        by = self.staff[Role.CLINICIAN]
        person = people.register(
            protocol_version=self.version, identity=identity(self.place, age_y=self.virtual.age_y, at=at),
            sex=self.virtual.sex, by=self.staff[Role.COORDINATOR], at=at,
        )  # fmt: skip
        self.key = person.pk
        record_rating(
            participant=person, instrument="MADRS", answers=_madrs(self.virtual.baseline), rated_at=at, by=by,
            at=at,
        )  # fmt: skip
        for instrument, value in (("weight", self.virtual.weight_kg), ("height", self.virtual.height_cm)):
            screening.record_measure(
                participant=person, instrument=instrument, value=Decimal(str(value)), measured_at=at, recall_h=None,
                by=by, at=at,
            )  # fmt: skip
        for drug, dose in PAST_DRUGS[: 2 + self.place % 2]:
            values = {
                "drug": drug, "dose": dose, "duration_weeks": 8 + self.place % 5,
                "adherence": TreatmentTrial.Adherence.GOOD, "outcome": TreatmentTrial.Outcome.NONE,
                "in_current_episode": True, "is_adequate": True, "evidence": "invented for the demo",
            }  # fmt: skip
            screening.record_trial(participant=person, values=values, by=by, at=at)
        # Every third one has something to look at beside the plan.
        if self.place % 3 == 0:
            values = {
                "kind": CoIntervention.Kind.CBT, "given_by": "Invented psychology service",
                "began_on": (at - 30 * DAY).date(), "sessions": self.place % 10 + 1,
            }  # fmt: skip
            others.record_co_intervention(participant=person, values=values, by=by, at=at)

    def _consent(self, at: datetime) -> None:
        screening.record_consent(
            participant=self._now(), document=self.document, given_at=at, has_capacity=True,
            by=self.staff[Role.CLINICIAN], at=at,
        )  # fmt: skip

    def _conclude(self, at: datetime) -> None:
        person, by = self._now(), self.staff[Role.CLINICIAN]
        for standing in screening_of(person).standings:
            finding = CriterionResult.Finding.PRESENT if standing.closes else CriterionResult.Finding.ABSENT
            result = screening.assess(
                participant=person, criterion=standing.criterion.id, version=0, finding=finding,
                evidence="invented for the demo", source=CriterionResult.Source.INTERVIEW, reason="", by=by, at=at,
            )  # fmt: skip
            if standing.closes and standing.criterion.kind == "soft":
                screening.decide(
                    result=result, version=result.version, reason="an invented reason for the demo", by=by, at=at
                )
        if not any(each.state == "stopped" for each in screening_of(person).standings):
            screening.conclude(participant=person, version=self._now().version, by=by, at=at)

    def _enrol(self, at: datetime) -> None:
        person = self._now()
        if person.status != Participant.Status.ELIGIBLE:
            return
        self._allocated(person, at)
        treatments.make_plan(
            participant=self._now(), begins_at=self.first, by=self.staff[Role.COORDINATOR], at=at
        )  # fmt: skip

    def _allocated(self, person: Participant, at: datetime) -> None:
        """Enrol into the arm that was simulated, chosen openly."""
        people.enrol(
            participant=person, version=person.version, arm=self.virtual.arm, strata={},
            by=self.staff[Role.CLINICIAN], at=at,
        )  # fmt: skip

    def _rate(self, hours: float, points: int) -> Step:
        """Rate for the protocol's time that lies nearest."""
        answers = _madrs(points)
        times = protocol_of(self.version).assessment_times_h("MADRS", arm=self.virtual.arm)
        planned_h = min(times, key=lambda each: abs(each - hours))

        def step(at: datetime) -> None:
            if self._takes_part():
                person = self._now()
                taken = standing_for(person, instrument="MADRS", planned_h=planned_h, rater_kind=BLINDED)
                record_rating(
                    participant=person, instrument="MADRS", answers=answers, rated_at=at,
                    planned_h=None if taken else planned_h, rater_kind=BLINDED, by=self.staff[Role.RATER], at=at,
                )  # fmt: skip

        return step

    def _plan_booster(self, planned_at: datetime) -> Step:
        def step(at: datetime) -> None:
            if not self._takes_part():
                return
            try:
                boosters.plan_booster(
                    participant=self._now(), asked_by=f"{self.staff[Role.CLINICIAN].user}",
                    by=self.staff[Role.COORDINATOR], at=at,
                )  # fmt: skip
            except Refused:
                # The simulation judges by its own ratings; here a clinician decides, which a page should show as well.
                self._decide_booster(planned_at, at)

        return step

    def _decide_booster(self, planned_at: datetime, at: datetime) -> None:
        open_ones = Dose.objects.filter(plan__participant=self._now(), state=Dose.State.PLANNED)
        if not open_ones.exclude(origin=Dose.Origin.PROTOCOL).exists():
            boosters.decide_booster(
                participant=self._now(), planned_at=planned_at, reason="the mood fell again, says the simulation",
                by=self.staff[Role.CLINICIAN], at=at,
            )  # fmt: skip

    def _withdraw(self, at: datetime) -> None:
        if self._takes_part():
            person = self._now()
            people.withdraw(
                participant=person, version=person.version, reason="left the programme, says the simulation",
                by=self.staff[Role.CLINICIAN], at=at,
            )  # fmt: skip

    def _complete(self, at: datetime) -> None:
        if self._takes_part():
            person = self._now()
            people.complete(
                participant=person, version=person.version, reason="went through all of it",
                by=self.staff[Role.CLINICIAN], at=at,
            )  # fmt: skip

    def _takes_part(self) -> bool:
        return self._now().status == Participant.Status.ENROLLED

    def _give_doses(self, until: datetime) -> None:
        """Give what is due the way a dose is given: in a session, from arrival to leaving."""
        due = Dose.objects.filter(
            plan__participant=self._now(), state=Dose.State.PLANNED, is_home_course=False
        ).select_related("plan__participant", "plan__facility", "facility")  # fmt: skip
        while (dose := due.filter(planned_at__lte=until).order_by("planned_at").first()) is not None:
            end = dose.planned_at + MINUTE * (WHOLE.began_min or 0)
            lot = Lot.objects.get(facility=dose.facility, number=PAST_LOT)
            Played(self.staff, dose, WHOLE, "", lot, end).play()

    def _attend_visits(self, until: datetime) -> None:
        due = Visit.objects.filter(plan__participant=self._now(), state=Visit.State.PLANNED, planned_at__lte=until)
        for visit in due.order_by("planned_at"):
            treatments.attend_visit(
                visit=visit, version=visit.version, done_at=visit.planned_at, reason="",
                by=self.staff[Role.COORDINATOR], at=visit.planned_at + HOUR,
            )  # fmt: skip


def _madrs(points: int) -> dict[str, int]:
    """Spread the points of the simulation over the items, the first ones first.

    The last item, on suicide, gets what the others cannot carry: worries of the demo are made where they are told.
    """
    answers, rest = {}, points
    items = items_of("MADRS")
    for place, item in enumerate(items):
        others = len(items) - 1 - place
        answers[item.id] = min(item.most, -(-rest // others) if others else rest)
        rest -= answers[item.id]
    return answers
