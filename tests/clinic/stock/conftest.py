"""A plan with a dose to draw for, lots on the shelf, and the people around it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.participants.making import clinician_of, document_of, enrolled, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.models import Session
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.stock import actions
from upturn_clinic.stock.models import Draw, Lot
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments import actions as treatments
from upturn_clinic.treatments.models import Dose, Plan

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
NOW = datetime(2026, 3, 23, 8, 30, tzinfo=COPENHAGEN)
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=COPENHAGEN)
MG = Decimal("40.3")
Receive = Callable[..., Lot]
ActorAs = Callable[[Role], Actor]


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return clinician_of(colleague, facility)


@pytest.fixture
def actor_as(make_person: Callable[..., User], facility: Facility) -> ActorAs:
    """Somebody else at the main facility, in one role; each role once."""
    made: dict[Role, Actor] = {}

    def make(role: Role) -> Actor:
        if role not in made:
            user = make_person(f"The{role.value.replace(' ', '')}", facility, role)
            made[role] = Actor(user, facility, frozenset({role}))
        return made[role]

    return make


@pytest.fixture
def nurse(actor_as: ActorAs) -> Actor:
    return actor_as(Role.SESSION_NURSE)


@pytest.fixture
def pharmacist(actor_as: ActorAs) -> Actor:
    return actor_as(Role.PHARMACIST)


def proof(of: Actor, at: datetime = NOW) -> Proof:
    assert of.user is not None
    return Proof(of.user, at)


def drawn(dose: Dose, lot: Lot, by: Actor, amount: Decimal = MG, **more: object) -> Draw:
    return actions.draw(dose=dose, lot=lot, amount=amount, by=by, at=NOW, **more)  # type: ignore[arg-type]


def checked(draw: Draw, checker: Actor, by: Actor) -> Draw:
    return actions.check(draw=draw, version=draw.version, checker=proof(checker), by=by, at=NOW)


def runs(dose: Dose) -> Session:
    session = Session(
        dose=dose, participant=dose.plan.participant, facility=dose.plan.facility, arrived_at=NOW, ready_at=NOW,
        began_at=FIRST,
    )  # fmt: skip
    session.save()
    return session


@pytest.fixture
def receive(facility: Facility, pharmacist: Actor) -> Receive:
    """Take a lot into the register; vials of 200 mg (10 mg/ml) of ketamine unless asked otherwise."""

    def take(**more: Any) -> Lot:
        given: dict[str, Any] = {
            "drug": "ketamine", "form": "vial", "number": "K-1", "expires_on": date(2027, 1, 31), "containers": 2,
            "amount_each": Decimal(200), "mg_per_ml": Decimal(10),
        }  # fmt: skip
        given |= more
        return shelf.receive(
            facility=facility, delivery=shelf.Delivery(**given), reason="for a test", by=pharmacist, at=NOW
        )

    return take


def planned_for(person: Participant, by: Actor) -> Dose:
    treatments.make_plan(participant=person, begins_at=FIRST, by=by, at=NOW)
    return Dose.objects.select_related("plan__participant__facility", "plan__facility").get(plan__participant=person,
                                                                                            number=1)  # fmt: skip


@pytest.fixture
def dose(clinician: Actor) -> Dose:
    """The first of six infusions of ketamine, 40.3 mg, in an open arm."""
    before = NOW - timedelta(days=1)
    person = enrolled(registered(version_in_force(clinician, before), clinician, before), clinician, before)
    return planned_for(person, clinician)


@pytest.fixture
def nasal_dose(clinician: Actor) -> Dose:
    """The first session of nasal esketamine, 56 mg, in an open arm."""
    before = NOW - timedelta(days=1)
    version = version_in_force(clinician, before, name="Nasal", document=document_of("esketamine-trd"))
    arm = "esketamine"
    person = enrolled(registered(version, clinician, before, name="Bo Ek"), clinician, before, arm=arm)
    return planned_for(person, clinician)


@pytest.fixture
def masked_dose(clinician: Actor) -> Dose:
    """The first infusion of somebody on a masked list of ketamine and midazolam."""
    before = NOW - timedelta(days=1)
    version = version_in_force(clinician, before, name="Masked")
    participants.set_up_randomisation(
        protocol_version=version, shares={"ketamine": 1, "midazolam": 1}, block_sizes=[2, 4],
        strata={"sex": ["female", "male"]}, by_facility=False, is_masked=True, by=clinician, at=before,
        seed="a seed for a test",
    )  # fmt: skip
    person = registered(version, clinician, before, name="Cai Lund")
    return planned_for(enrolled(person, clinician, before, arm="", strata={"sex": "female"}), clinician)


@pytest.fixture
def plan(dose: Dose) -> Plan:
    return dose.plan
