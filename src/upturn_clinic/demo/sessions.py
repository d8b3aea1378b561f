"""Sessions as if a nurse had worked through them: made by the actions that the pages call, at invented times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from upturn.errors import CannotError
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.demo.cast import Staff
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import arrive
from upturn_clinic.floor.entries.actions import enter
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.leaving import actions as leaving
from upturn_clinic.floor.leaving.queries import lines_in
from upturn_clinic.floor.models import Session
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Lot, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.dosing import compute
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of, weight_of
from upturn_clinic.treatments.watch.actions import decide_stopping
from upturn_clinic.treatments.watch.queries import holding_back

__all__ = ["PAST_LOT", "WHOLE", "Played", "Scene", "shelf_with"]

MINUTE = timedelta(minutes=1)
VIAL_MG = Decimal(200)
PAST_LOT = "DEMO-0"
FILLING_ML, RATE_ML_H, LASTS_MIN = "50", "75", 40
CALM: Mapping[str, str] = {
    "SBP": "124", "DBP": "79", "HR": "72", "SpO2": "98", "CADSS": "0", "MOAA/S": "5", "C-SSRS": "0",
}  # fmt: skip
# At the peak the pressure is up and things feel far away, as they do.
PEAK: Mapping[str, str] = {"SBP": "146", "DBP": "92", "HR": "84", "CADSS": "19", "MOAA/S": "4"}
# What a brief session reads, beside what is read before the dose: the end of the infusion, and before leaving.
BRIEF = (LASTS_MIN, 120)
HOME = ("discharge/escort", "discharge/no-driving", "discharge/contact")


@dataclass(frozen=True)
class Scene:
    """How far somebody is: minutes since the dose began, and whether they are ready or gone.

    Parameters
    ----------
    arrived_min
        How long ago they came [min].
    began_min
        How long ago the dose began [min]; None before that.
    is_prepared, is_ready, has_left
        Whether everything before the dose is done; whether they were declared ready to leave; whether they left.
    is_brief
        Whether only the end of the infusion and the last time of the protocol are read, to be quick.
    """

    arrived_min: int
    began_min: int | None = None
    is_prepared: bool = False
    is_ready: bool = False
    has_left: bool = False
    is_brief: bool = False


# A session of the past, from arrival to leaving.
WHOLE = Scene(220, 190, is_prepared=True, is_ready=True, has_left=True, is_brief=True)


def shelf_with(staff: Staff, here: Facility, *, number: str, containers: int, at: datetime) -> Lot:
    """Take a lot of ketamine into the register."""
    delivery = shelf.Delivery(
        drug="ketamine", form="vial", number=number, expires_on=date(at.year + 2, 1, 31), containers=containers,
        amount_each=VIAL_MG, mg_per_ml=Decimal(10),
    )  # fmt: skip
    return shelf.receive(facility=here, delivery=delivery, by=staff[Role.PHARMACIST], at=at)


class Played:
    """One session, played to where its scene ends.

    Parameters
    ----------
    lot
        What is drawn from.
    now
        When the scene ends.
    """

    def __init__(self, staff: Staff, dose: Dose, scene: Scene, room: str, lot: Lot, now: datetime) -> None:
        self.nurse, self.clinician = staff[Role.SESSION_NURSE], staff[Role.CLINICIAN]
        self.pharmacist = staff[Role.PHARMACIST]
        self.dose, self.scene, self.room, self.lot, self.now = dose, scene, room, lot, now

    def play(self) -> None:
        """Let it happen."""
        arrived = self.now - self.scene.arrived_min * MINUTE
        self.session = arrive(dose=self.dose, room=self.room, arrived_at=arrived, by=self.nurse, at=arrived)
        if self.scene.is_prepared:
            self._prepare(arrived + 5 * MINUTE)
        if self.scene.began_min is not None:
            self._dose(self.now - self.scene.began_min * MINUTE)
        if self.scene.is_ready:
            self._be_ready(self.now - (self.scene.began_min or 0) * MINUTE + 125 * MINUTE)
        if self.scene.has_left:
            self._leave(self.now - (self.scene.began_min or 0) * MINUTE + 140 * MINUTE)

    def _prepare(self, at: datetime) -> None:
        course = course_of(self.dose.plan.participant)
        assert course is not None  # noqa: S101  (who is due has a plan)
        weight = weight_of(course.plan.participant)
        amount = compute(course.entry(self.dose), weight=weight, protocol=course.protocol, arm=course.arm, at=at)
        mg = Decimal(str(amount.mg)).quantize(Decimal("0.1"))
        drawn = stock.draw(dose=self.dose, lot=self.lot, amount=mg, by=self.nurse, at=at)
        assert self.clinician.user is not None  # noqa: S101  (staff are people)
        stock.check(draw=drawn, version=drawn.version, checker=Proof(self.clinician.user, at), by=self.clinician, at=at)
        found = queries.whole(self.session)
        asked = queries.asked_in(found)
        minute, measures = asked.timepoints[0]
        values = {**CALM, "weight": f"{weight.kg:g}" if weight else ""}
        self._enter(at, *(_sent("reading", at, instrument=name, value=values[name], nominal_min=minute)
                          for name in measures if values.get(name)))  # fmt: skip
        standings = standings_of(queries.whole(self.session), asked, now=at)
        self._enter(at, *(
            _sent("answer", at, list="arrival", criterion=each.key, answer="yes" if each.is_criterion else "no")
            for each in standings if each.is_answered_by_hand and each.stands == "before"
        ))  # fmt: skip
        # A vial is opened for one dose; nobody keeps its rest.
        rest_at = at + MINUTE
        shelf.remove(
            lot=self.lot, kind=Movement.Kind.WASTED, amount=VIAL_MG - mg, reason="the rest of the opened vial",
            witness=Proof(self.clinician.user, rest_at), by=self.pharmacist, at=rest_at,
        )  # fmt: skip
        later = at + 10 * MINUTE
        self._go_on(later)
        self._enter(later, _sent("answer", later, list="time-out", criterion="house/time-out", answer="yes"))

    def _go_on(self, at: datetime) -> None:
        """Let the clinician decide, where a reason to stop is there: in this invented clinic they go on."""
        course = course_of(self.session.participant)
        assert course is not None  # noqa: S101  (who is due has a plan)
        assert self.clinician.user is not None  # noqa: S101  (staff are people)
        for each in holding_back(course, now=at):
            decide_stopping(
                participant=self.session.participant, rule=each.rule.id, decision="go on", seen=each.seen,
                reason="an invented reason for the demo", proof=Proof(self.clinician.user, at), by=self.clinician,
                at=at,
            )  # fmt: skip

    def _dose(self, began: datetime) -> None:
        # Just after midnight those who are on the floor came the evening before.
        because = "" if self.dose.earliest <= began <= self.dose.latest else "an invented reason: a late evening"
        self._enter(
            began, _sent("filling", began, ml=FILLING_ML), _sent("start", began, rate_ml_h=RATE_ML_H, because=because)
        )
        for minute, measures in queries.asked_in(queries.whole(self.session)).timepoints:
            at = began + minute * MINUTE
            if minute < 0 or at > self.now or (self.scene.is_brief and minute not in BRIEF):
                continue
            if minute == LASTS_MIN:
                self._enter(at, _sent("stop", at))
            values = {**CALM, **PEAK} if minute == LASTS_MIN else CALM
            self._enter(at, *(_sent("reading", at, instrument=name, value=values[name], nominal_min=minute)
                              for name in measures if name in values))  # fmt: skip
        # Somebody is sick today; in the past it was every fourth dose.
        if self.now > began + 30 * MINUTE and (not self.scene.is_brief or self.dose.number % 4 == 1):
            at = began + 30 * MINUTE
            sick = _sent("effect", at, term="nausea", severity="mild", detail="Invented.")
            self._enter(at, sick)
            if self.now > (over := began + 90 * MINUTE):
                self._enter(over, _sent("effect_change", over, event=sick["id"], change="ended"))

    def _be_ready(self, at: datetime) -> None:
        # Who left went first through every line; who is only ready is still asked about the way home.
        self._answer(at, [each for each in self._open_lines(at) if self.scene.has_left or each not in HOME])
        self.session = leaving.declare_ready_to_leave(
            session=self.session, version=queries.whole(self.session).version, by=self.nurse, at=at
        )

    def _leave(self, at: datetime) -> None:
        self.session = leaving.name_escort(
            session=self.session, version=self.session.version, escort="Invented friend", escort_phone="555 0199",
            by=self.nurse, at=at,
        )  # fmt: skip
        assert self.nurse.user is not None  # noqa: S101  (staff are people)
        leaving.leave(
            session=self.session, version=self.session.version, left_at=at, proof=Proof(self.nurse.user, at),
            by=self.nurse, at=at,
        )  # fmt: skip

    def _open_lines(self, at: datetime) -> Iterator[str]:
        return (
            each.key for each in lines_in(queries.whole(self.session), now=at)
            if each.kind == "answered" and not each.is_met
        )  # fmt: skip

    def _answer(self, at: datetime, keys: Sequence[str]) -> None:
        given = {key: leaving.Given("yes") for key in keys}
        leaving.answer(session=self.session, given=given, seen=(), by=self.nurse, at=at)

    def _enter(self, at: datetime, *entries: dict[str, Any]) -> None:
        refused = [each.words for each in enter(session=_anew(self.session), entries=entries, by=self.nurse, at=at)
                   if each.state != "saved"]  # fmt: skip
        if refused:
            raise CannotError("The demo could not enter something.", came="; ".join(refused))


def _sent(kind: str, at: datetime, **values: Any) -> dict[str, Any]:
    """Write an entry as a page sends it."""
    return {"id": str(uuid4()), "kind": kind, "at": at.isoformat(), **values}


def _anew(session: Session) -> Session:
    return queries.whole(session)
