"""A masked dose stays masked in the register: no drug and no lot on any page or in the trail for who may not know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.stock.conftest import NOW, ActorAs, Receive, proof

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.queries import arm_of
from upturn_clinic.stock import actions, queries
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.stock.shelf import queries as on_shelf
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
LOT = "SECRET-LOT-7"


@pytest.fixture
def second_pharmacist(make_person: Callable[..., User], pharmacist: Actor) -> Actor:
    assert pharmacist.facility is not None
    return Actor(make_person("Apothecary", pharmacist.facility, Role.PHARMACIST), pharmacist.facility, pharmacist.roles)


@pytest.fixture
def kept(masked_dose: Dose, receive: Receive) -> Lot:
    """A lot of what this person gets, kept for masked doses."""
    return receive(drug=arm_of(masked_dose.plan.participant), number=LOT, is_masked=True)


@pytest.fixture
def prepared(masked_dose: Dose, kept: Lot, pharmacist: Actor, second_pharmacist: Actor) -> Draw:
    amount = {"ketamine": Decimal("40.3"), "midazolam": Decimal("3.62")}[kept.drug]
    draw = actions.draw(dose=masked_dose, lot=kept, amount=amount, reason=f"of {kept}", by=pharmacist, at=NOW)
    return actions.check(
        draw=draw, version=draw.version, checker=proof(second_pharmacist), by=pharmacist, at=NOW
    )  # fmt: skip


def test_only_who_may_know_the_arm_draws_checks_and_receives(
    masked_dose: Dose, kept: Lot, pharmacist: Actor, nurse: Actor, clinician: Actor
) -> None:
    for by in (nurse, clinician):
        with pytest.raises(Refused, match="masked to you"):
            actions.draw(dose=masked_dose, lot=kept, amount=Decimal(1), by=by, at=NOW)
    with pytest.raises(PermissionDenied):
        shelf.count(lot=kept, counted=Decimal(1), by=clinician, at=NOW)
    draw = actions.draw(dose=masked_dose, lot=kept, amount=Decimal(1), by=pharmacist, at=NOW)
    with pytest.raises(Refused, match="masked to this person"):
        actions.check(draw=draw, version=1, checker=proof(nurse), by=pharmacist, at=NOW)


def test_a_masked_dose_is_never_drawn_from_an_open_lot(masked_dose: Dose, receive: Receive, pharmacist: Actor) -> None:
    lot = receive(drug=arm_of(masked_dose.plan.participant))
    with pytest.raises(Refused, match="from the lots kept for them"):
        actions.draw(dose=masked_dose, lot=lot, amount=Decimal(1), by=pharmacist, at=NOW)


def test_the_bedside_sees_prepared_and_checked_and_nothing_else(
    masked_dose: Dose, prepared: Draw, nurse: Actor, pharmacist: Actor
) -> None:
    shown = queries.preparation_of(masked_dose, nurse)
    assert (shown.is_ready, shown.draws) == (True, ())
    assert shown.words == "Prepared by Thepharmacist and checked by Apothecary at 08:30 on 23 Mar 2026."
    assert queries.preparation_of(masked_dose, pharmacist).draws[0].lot_words.startswith(prepared.lot.drug)


def test_a_share_is_given_and_the_rest_wasted_without_a_figure(
    masked_dose: Dose, prepared: Draw, nurse: Actor, clinician: Actor
) -> None:
    actions.use_for_dose(dose=masked_dose, percent=Decimal(50), by=nurse, at=NOW)
    assert queries.left_of(prepared) == prepared.taken / 2
    with pytest.raises(Refused, match="without a figure"):
        actions.waste(draw=prepared, amount=Decimal(1), reason="rest", witness=proof(clinician), by=nurse, at=NOW)
    actions.waste(draw=prepared, reason="stopped", witness=proof(clinician), by=nurse, at=NOW)
    assert on_shelf.balance_of(prepared.lot).drawn == 0
    assert on_shelf.broken_seals(Movement.objects.all()) == []


@pytest.mark.parametrize("role", [Role.SESSION_NURSE, Role.CLINICIAN, Role.ADMINISTRATOR, Role.RATER])
def test_no_page_and_no_trail_names_drug_or_lot(
    role: Role, masked_dose: Dose, prepared: Draw, receive: Receive, make_person: Callable[..., User],
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    receive(drug="ketamine", number="OPEN-1")
    client = log_in(make_person("Reader", masked_dose.facility, role))
    pages = [reverse(name, args=["main", *rest]) for name, rest in (
        ("stock", []), ("reconciliation", []), ("reconciliation_file", []), ("lot", [prepared.lot_id]),
        ("count_lot", [prepared.lot_id]), ("preparation", [masked_dose.pk]), ("draw_dose", [masked_dose.pk]),
        ("check_draw", [prepared.pk]), ("waste_draw", [prepared.pk]), ("put_back_draw", [prepared.pk]),
        ("trail", []), ("history", ["stock.Draw", prepared.pk]),
        ("history", ["stock.Movement", prepared.movements.first().pk]),  # type: ignore[union-attr]
        ("take_back_entry", [prepared.movements.first().pk]),  # type: ignore[union-attr]
    )]  # fmt: skip
    opened = 0
    for path in pages:
        answer = client.get(path + "?show=all&begin=2026-01-01&end=2030-01-01")
        text = answer.content.decode()
        opened += answer.status_code == 200
        # That a lot came in stands in the trail for who reads it; nothing there ties it to a dose.
        assert LOT not in text or path.endswith("/trail/"), path
        about_the_dose = "doses/" in path or "draws/" in path or "history" in path
        if about_the_dose:
            assert "midazolam" not in text, path
            assert "ketamine" not in text, path
    assert opened >= (2 if role is not Role.RATER else 0)
    if role in (Role.SESSION_NURSE, Role.CLINICIAN):
        shelf_page = client.get(reverse("stock", args=["main"])).content.decode()
        assert "OPEN-1" in shelf_page


def test_the_trail_holds_a_seal_and_neither_lot_nor_amount(
    masked_dose: Dose, prepared: Draw, nurse: Actor, actor_as: ActorAs
) -> None:
    actions.use_for_dose(dose=masked_dose, percent=Decimal(100), by=nurse, at=NOW)
    rows = Entry.objects.filter(object_type__in=["stock.Draw", "stock.Movement"])
    assert rows.count() >= 4
    for entry in rows:
        for word in (str(prepared.lot_id), LOT, prepared.lot.drug, f"{prepared.taken:f}"):
            assert word not in entry.changes + entry.reason


def test_a_report_says_that_it_leaves_masked_lots_out(prepared: Draw, nurse: Actor, pharmacist: Actor) -> None:
    assert nurse.facility is not None
    begin, end = NOW, NOW + timedelta(days=1)
    for_nurse = on_shelf.reconciliation(nurse.facility, nurse, begin=begin, end=end)
    assert (for_nurse.rows, for_nurse.leaves_out_masked) == ((), True)
    full = on_shelf.reconciliation(nurse.facility, pharmacist, begin=begin, end=end)
    assert [row.lot for row in full.rows] == [prepared.lot]
    assert not full.leaves_out_masked
