"""Whole sessions to export: nasal esketamine in an open arm, and an infusion in a masked one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)
from tests.clinic.participants.making import eligible, measured, registered

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.floor.leaving.actions import leave_against_advice
from upturn_clinic.floor.models import Session
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments import actions as treatments
from upturn_clinic.treatments.models import Dose

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
BEFORE = datetime(2026, 3, 20, 8, 0, tzinfo=COPENHAGEN)
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=COPENHAGEN)
MINUTE = timedelta(minutes=1)
# What nobody sees by chance: values of a session, a lot, words of an event.
SYSTOLIC, CADSS, LOT, WORDS = "187", "47", "LOT-QX7731", "a glimmering at the edge of things"


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return Actor(colleague, facility, frozenset({Role.CLINICIAN}))


@pytest.fixture
def nurse(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Nora", facility, Role.SESSION_NURSE), facility, frozenset({Role.SESSION_NURSE}))


@pytest.fixture
def pharmacist(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Pia", facility, Role.PHARMACIST), facility, frozenset({Role.PHARMACIST}))


@pytest.fixture
def analyst(make_person: Callable[..., User], facility: Facility) -> Actor:
    return Actor(make_person("Ann", facility, Role.ANALYST), facility, frozenset({Role.ANALYST}))


def proof(of: Actor, at: datetime) -> Proof:
    assert of.user is not None
    return Proof(of.user, at)


@pytest.fixture
def nasal(clinician: Actor, nurse: Actor) -> Session:
    """Nasal esketamine: two devices, readings, a side effect, left against advice after 100 minutes; and ratings."""
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    measured(plan.participant, "MADRS", Decimal(33), clinician, BEFORE)
    prepared(plan.doses.get(number=1), clinician, nurse.user, FIRST - 30 * MINUTE)
    session = arrived(plan, nurse, FIRST - 30 * MINUTE)
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    second = FIRST + 6 * MINUTE
    all_saved(said(session, nurse, second, sent("device", second, because="")))
    at = FIRST + 42 * MINUTE
    effect = sent("effect", FIRST + 12 * MINUTE, term="dissociation", severity="moderate", detail="")
    ended = sent("effect_change", at, event=effect["id"], change="ended")
    all_saved(said(session, nurse, at, effect, ended))
    readings = [
        sent("reading", at, instrument=name, value=value, nominal_min=40)
        for name, value in (("SBP", "141"), ("DBP", "88"), ("CADSS", "9"))
    ]
    all_saved(said(session, nurse, at, *readings))
    left = FIRST + 100 * MINUTE
    session = Session.objects.get(pk=session.pk)
    leave_against_advice(
        session=session, version=session.version, left_at=left, reason="wants to go home", proof=proof(clinician, left),
        by=clinician, at=left,
    )  # fmt: skip
    answers = dict.fromkeys(map(str, range(1, 10)), 1) | {"9": 0}
    record_rating(
        participant=plan.participant, instrument="PHQ-9", answers=answers, rated_at=FIRST + timedelta(days=7),
        by=clinician, at=FIRST + timedelta(days=7),
    )  # fmt: skip
    return Session.objects.get(pk=session.pk)


@pytest.fixture
def masked(clinician: Actor, nurse: Actor, pharmacist: Actor, make_person: Callable[..., User]) -> Session:
    """An infusion of somebody on a masked list, with values, a lot and an event that nobody meets by chance."""
    version = signed_version("six-infusions", clinician, BEFORE)
    screening.publish_consent_document(
        programme=version.programme, title="Taking part", text="You can stop.", by=clinician, at=BEFORE
    )
    participants.set_up_randomisation(
        protocol_version=version, shares={"ketamine": 1, "midazolam": 1}, block_sizes=[2, 4], strata={},
        by_facility=False, is_masked=True, by=clinician, at=BEFORE, seed="a seed for a test",
    )  # fmt: skip
    person = eligible(registered(version, clinician, BEFORE), clinician, BEFORE)
    person = participants.enrol(
        participant=person, version=person.version, arm="", strata={}, by=clinician, at=BEFORE
    )  # fmt: skip
    plan = treatments.make_plan(participant=person, begins_at=FIRST, by=clinician, at=BEFORE)
    early, arm = FIRST - 30 * MINUTE, arm_of(person)
    each, strength, amount = {
        "ketamine": (Decimal(200), Decimal(10), Decimal("40.3")),
        "midazolam": (Decimal(5), Decimal(1), Decimal("3.62")),
    }[arm]
    vials = shelf.Delivery(arm, "vial", LOT, date(2030, 1, 1), 2, each, mg_per_ml=strength, is_masked=True)
    lot = shelf.receive(facility=plan.facility, delivery=vials, by=pharmacist, at=early)
    dose = Dose.objects.select_related("plan__participant", "plan__facility").get(plan=plan, number=1)
    second = Actor(make_person("Per", plan.facility, Role.PHARMACIST), plan.facility, pharmacist.roles)
    drawn = stock.draw(dose=dose, lot=lot, amount=amount, by=pharmacist, at=early)
    stock.check(draw=drawn, version=drawn.version, checker=proof(second, early), by=pharmacist, at=early)
    session = arrived(plan, nurse, early)
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    at = FIRST + 20 * MINUTE
    all_saved(said(session, nurse, at, sent("effect", at, term=WORDS, severity="mild", detail=WORDS)))
    row = str(uuid4())
    readings = [sent("reading", at, instrument=name, value=value, nominal_min=None, row=row)
                for name, value in (("SBP", SYSTOLIC), ("CADSS", CADSS))]  # fmt: skip
    all_saved(said(session, nurse, at, *readings))
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end, because="")))
    return Session.objects.get(pk=session.pk)
