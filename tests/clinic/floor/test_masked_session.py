"""A masked session: the nurse sees that the dose is prepared and checked, and neither drug, lot nor milligrams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import MINUTE, all_saved, arrived, begun, made_ready, said, sent, signed_version
from tests.clinic.participants.making import enrolled, registered

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.actions import make_plan
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db


def test_nothing_at_the_bedside_tells_the_arm(
    clinician: Actor,
    nurse: Actor,
    facility: Facility,
    make_person: Callable[..., User],
    log_in: Callable[..., Client],
    clock: Clock,
) -> None:
    version = signed_version("six-infusions", clinician, BEFORE)
    screening.publish_consent_document(programme=version.programme, title="T", text="T", by=clinician, at=BEFORE)
    participants.set_up_randomisation(
        protocol_version=version,
        shares={"ketamine": 1, "midazolam": 1},
        block_sizes=[2],
        strata={},
        by_facility=False,
        is_masked=True,
        by=clinician,
        at=BEFORE,
        seed="a seed for a test",
    )
    person = enrolled(registered(version, clinician, BEFORE), clinician, BEFORE, arm="", strata={})
    plan = make_plan(participant=person, begins_at=FIRST, by=clinician, at=BEFORE)
    dose, arm = plan.doses.get(number=1), arm_of(person)
    pharmacist, second = (make_person(name, facility, Role.PHARMACIST) for name in ("Phil", "Pia"))
    by = Actor(pharmacist, facility, frozenset({Role.PHARMACIST}))
    delivery = shelf.Delivery(arm, "vial", "LOT77", date(2030, 1, 1), 5, Decimal(200), Decimal(10), is_masked=True)
    lot = shelf.receive(facility=facility, delivery=delivery, by=by, at=ARRIVAL)
    amount = Decimal("40.3") if arm == "ketamine" else Decimal("3.62")
    draw = stock.draw(dose=dose, lot=lot, amount=amount, by=by, at=ARRIVAL)
    stock.check(draw=draw, version=draw.version, checker=Proof(second, ARRIVAL), by=by, at=ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    clock.stand_at(ARRIVAL)
    page = log_in(nurse.user).get(reverse("give_up_session", args=[facility.slug, session.pk])).content.decode()
    # That something is drawn may be known here; what it is may not.
    assert "What was prepared is drawn for this dose." in page
    assert not [telling for telling in ("LOT77", "midazolam", "ketamine", "40.3", "3.62") if telling in page]
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    end = FIRST + 30 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end, because="wants to stop")))
    clock.stand_at(end)
    client = log_in(nurse.user)
    for name in ("session", "session_state", "emergency_sheet"):
        page = client.get(reverse(name, args=[facility.slug, session.pk])).content.decode()
        assert "Prepared and checked" in page or name == "emergency_sheet", name
        for telling in ("LOT77", "midazolam", "ketamine, lot", "mg/kg", "40.3", "3.62"):
            assert telling not in page, (name, telling)
    given = Dose.objects.get(pk=dose.pk)
    assert (given.given_mg, given.given_percent) == (None, Decimal("75.0"))
    trail = " ".join(Entry.objects.values_list("changes", flat=True))
    assert "LOT77" in trail  # the pharmacy's own row of the delivery
    rows = Entry.objects.exclude(object_type__startswith="stock.").values_list("changes", flat=True)
    assert not any("LOT77" in row for row in rows)
