"""The register of the shelf: deliveries, counts, what leaves it, entries taken back, and what it adds up to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.stock.conftest import MG, NOW, ActorAs, Receive, checked, drawn, proof, runs

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.audit.models import Signature
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock import actions, queries
from upturn_clinic.stock.amounts import exact
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.stock.shelf import queries as on_shelf
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("amount", "refused"),
    [("400", ""), ("400.001", "not so much of this lot"), ("0", "How much"), ("-1", "How much")],
)
def test_the_shelf_never_falls_below_nothing(
    amount: str, refused: str, dose: Dose, receive: Receive, nurse: Actor
) -> None:
    lot = receive()
    if not refused:
        drawn(dose, lot, nurse, Decimal(amount), reason="a spill")
        assert on_shelf.balance_of(lot).shelf == 0
        return
    with pytest.raises(Refused, match=refused):
        drawn(dose, lot, nurse, Decimal(amount), reason="a spill")
    assert not Draw.objects.exists()


def test_taking_an_entry_back_needs_a_witness(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, pharmacist: Actor, actor_as: ActorAs
) -> None:
    lot = receive()
    drawn(dose, lot, nurse)
    row = Movement.objects.get(kind="drawn")
    for bad in (nurse, actor_as(Role.COORDINATOR)):
        with pytest.raises(Refused, match=r"cannot be the first|nobody here who may"):
            shelf.take_back(movement=row, reason="never drawn", witness=proof(bad), by=nurse, at=NOW)
    with pytest.raises(Refused, match="your own password"):
        shelf.take_back(
            movement=row, reason="never drawn", witness=proof(clinician, NOW - timedelta(hours=1)), by=nurse, at=NOW
        )
    assert on_shelf.balance_of(lot).shelf == Decimal("359.7")
    back = shelf.take_back(movement=row, reason="never drawn", witness=proof(clinician), by=nurse, at=NOW)
    assert back.witness == clinician.user
    assert Signature.objects.filter(signer=clinician.user, object_id=str(back.pk)).count() == 1
    assert on_shelf.balance_of(lot).shelf == 400


def test_what_was_given_is_not_taken_back_by_hand(dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    checked(drawn(dose, receive(), nurse), clinician, nurse)
    actions.use_for_dose(dose=dose, mg=MG, by=nurse, at=NOW)
    given = Movement.objects.get(kind="given")
    with pytest.raises(Refused, match="in its session"):
        shelf.take_back(movement=given, reason="slip", witness=proof(clinician), by=nurse, at=NOW)


@pytest.mark.parametrize(
    "wrong",
    [{"containers": 0}, {"containers": 5001}, {"amount_each": Decimal(0)}, {"mg_per_ml": None},
     {"mg_per_ml": Decimal(0)}, {"number": " "}, {"drug": "morphine"}, {"drug": "saline"}],
)  # fmt: skip
def test_a_label_that_cannot_be_is_refused(wrong: dict[str, object], receive: Receive) -> None:
    with pytest.raises(Refused):
        receive(**wrong)
    assert not Lot.objects.exists()


def test_the_same_lot_grows_and_a_typing_slip_is_taken_back(
    receive: Receive, pharmacist: Actor, clinician: Actor
) -> None:
    lot, again = receive(), receive(containers=20)
    assert lot == again
    slip = Movement.objects.get(shelf=4000)
    with pytest.raises(Refused, match="needs a reason"):
        shelf.take_back(movement=slip, reason=" ", witness=proof(clinician), by=pharmacist, at=NOW)
    witness = proof(clinician)
    back = shelf.take_back(movement=slip, reason="2 vials came, not 20", witness=witness, by=pharmacist, at=NOW)
    assert on_shelf.balance_of(lot).shelf == 400
    for row in (slip, back):
        with pytest.raises(Refused, match="taken back already"):
            shelf.take_back(movement=row, reason="again", witness=witness, by=pharmacist, at=NOW)


def test_a_delivery_that_was_used_is_not_taken_back(
    dose: Dose, receive: Receive, nurse: Actor, pharmacist: Actor, clinician: Actor
) -> None:
    lot = receive()
    drawn(dose, lot, nurse)
    received = Movement.objects.get(kind="received")
    with pytest.raises(Refused, match="not so much of this lot"):
        shelf.take_back(movement=received, reason="slip", witness=proof(clinician), by=pharmacist, at=NOW)


def test_a_draw_is_taken_back_by_who_drew_or_who_keeps_the_register(
    dose: Dose, receive: Receive, nurse: Actor, pharmacist: Actor, make_person: Callable[..., object]
) -> None:
    draw = drawn(dose, receive(), nurse)
    row = Movement.objects.get(kind="drawn")
    other = Actor(make_person("Second", nurse.facility, Role.SESSION_NURSE), nurse.facility, nurse.roles)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="Only who wrote an entry"):
        shelf.take_back(movement=row, reason="never drawn", witness=proof(pharmacist), by=other, at=NOW)
    shelf.take_back(
        movement=row, reason="never drawn: clicked the wrong dose", witness=proof(pharmacist), by=nurse, at=NOW
    )
    assert queries.preparation_of(dose, nurse).state == "not prepared"
    with pytest.raises(Refused, match="taken back"):
        checked(draw, pharmacist, nurse)


def test_a_draw_that_was_checked_and_begun_meanwhile_is_not_taken_back(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    """Somebody opened the page before: the row that it read knows nothing of check and beginning."""
    draw = drawn(dose, receive(), nurse)
    opened = Movement.objects.select_related("draw__dose").get(kind="drawn")
    checked(draw, clinician, nurse)
    runs(dose)
    with pytest.raises(Refused, match="has begun with what was drawn"):
        shelf.take_back(movement=opened, reason="never drawn", witness=proof(clinician), by=nurse, at=NOW)


def test_a_count_tells_and_does_not_change_and_a_difference_is_settled_before_a_witness(
    receive: Receive, pharmacist: Actor, clinician: Actor
) -> None:
    lot = receive()
    shelf.count(lot=lot, counted=Decimal(380), by=pharmacist, at=NOW + timedelta(minutes=1))
    assert on_shelf.balance_of(lot).shelf == 400
    end = NOW + timedelta(hours=1)
    [row] = on_shelf.reconciliation(lot.facility, pharmacist, begin=NOW, end=end).rows
    assert [row.received, row.closing, row.counted, row.difference] == [400, 400, 380, -20]
    later = NOW + timedelta(minutes=2)
    with pytest.raises(Refused, match="cannot be the first"):
        shelf.settle(lot=lot, reason="a vial broke", witness=proof(pharmacist), by=pharmacist, at=later)
    shelf.settle(lot=lot, reason="a vial broke", witness=proof(clinician), by=pharmacist, at=later)
    assert on_shelf.balance_of(lot).shelf == 380
    with pytest.raises(Refused, match="has changed since the count"):
        shelf.settle(lot=lot, reason="again", witness=proof(clinician), by=pharmacist, at=end)


def test_what_leaves_the_shelf_otherwise_needs_a_witness_or_a_supplier(
    receive: Receive, pharmacist: Actor, clinician: Actor, nurse: Actor
) -> None:
    lot = receive()
    with pytest.raises(Refused, match="needs a witness"):
        shelf.remove(lot=lot, kind="destroyed", amount=Decimal(200), reason="recalled", by=pharmacist, at=NOW)
    with pytest.raises(PermissionDenied):
        shelf.remove(lot=lot, kind="sent back", amount=Decimal(200), reason="recalled", by=nurse, at=NOW)
    shelf.remove(lot=lot, kind="sent back", amount=Decimal(200), reason="recalled", by=pharmacist, at=NOW)
    with pytest.raises(Refused, match="not so much"):
        shelf.remove(lot=lot, kind="wasted", amount=Decimal(201), reason="broke", witness=proof(clinician),
                     by=pharmacist, at=NOW)  # fmt: skip


def test_the_columns_of_a_period_add_up(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, pharmacist: Actor
) -> None:
    lot = receive()
    at = NOW + timedelta(days=1)
    draw = actions.draw(dose=dose, lot=lot, amount=MG, by=nurse, at=at)
    actions.check(draw=draw, version=1, checker=proof(clinician, at), by=nurse, at=at)
    actions.use_for_dose(dose=dose, mg=Decimal(40), by=nurse, at=at)
    slip = actions.draw(dose=dose, lot=lot, amount=Decimal(1), reason="a spill", by=nurse, at=at)
    shelf.take_back(
        movement=slip.movements.get(), reason="none was spilt", witness=proof(clinician, at), by=nurse, at=at
    )
    shelf.remove(lot=lot, kind="wasted", amount=Decimal(9), reason="broke", witness=proof(clinician, at), by=pharmacist,
                 at=at)  # fmt: skip
    [row] = on_shelf.reconciliation(lot.facility, nurse, begin=at, end=at + timedelta(days=1)).rows
    assert row.opening == 400
    assert (
        row.opening
        + row.received
        + row.put_back
        - row.drawn
        - row.wasted
        - row.destroyed
        - row.sent_back
        + (row.righted)
        == row.closing
        == Decimal("350.7")
    )
    assert [row.given, row.wasted_after_drawing, row.not_accounted] == [40, 0, Decimal("0.3")]


def test_a_row_changed_behind_the_register_breaks_its_seal(receive: Receive) -> None:
    lot = receive()
    row = Movement.objects.get()
    with pytest.raises(DatabaseError), transaction.atomic():
        Movement.objects.filter(pk=row.pk).update(shelf=1)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A table with checks still to come cannot lose a trigger.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("DROP TRIGGER stock_movement_no_update ON stock_movement")
        else:
            cursor.execute("DROP TRIGGER stock_movement_no_update")
        cursor.execute("UPDATE stock_movement SET shelf = 200")
    assert on_shelf.broken_seals(Movement.objects.filter(lot=lot)) == [row]


def test_the_page_of_a_lot_tells_a_count_that_differs_until_it_is_settled(
    receive: Receive, pharmacist: Actor, clinician: Actor, log_in: Callable[[User | None], Client], clock: Clock
) -> None:
    lot, minute = receive(), timedelta(minutes=1)
    clock.stand_at(NOW + 5 * minute)
    address = reverse("lot", args=[lot.facility.slug, lot.pk])

    def told() -> bool:
        page = log_in(pharmacist.user).get(address).content.decode()
        return "The last count differs from the register: −20 mg." in page

    shelf.count(lot=lot, counted=Decimal(400), by=pharmacist, at=NOW + minute)
    assert on_shelf.open_difference(lot) is None
    assert not told()
    shelf.count(lot=lot, counted=Decimal(380), by=pharmacist, at=NOW + 2 * minute)
    assert on_shelf.open_difference(lot) == -20
    assert told()
    shelf.settle(
        lot=lot, reason="one broke", witness=proof(clinician, NOW + 3 * minute), by=pharmacist, at=NOW + 3 * minute
    )
    assert on_shelf.open_difference(lot) is None
    assert not told()


def test_rows_of_one_instant_stand_as_they_were_written(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, pharmacist: Actor
) -> None:
    lot, seen = receive(), proof(clinician)
    draw = checked(drawn(dose, lot, nurse), clinician, nurse)
    actions.waste(draw=draw, amount=Decimal(1), reason="spilt", witness=seen, by=nurse, at=NOW)
    broke = shelf.remove(lot=lot, kind="wasted", amount=Decimal(9), reason="broke", witness=seen, by=pharmacist, at=NOW)
    shelf.take_back(movement=broke, reason="it did not", witness=seen, by=pharmacist, at=NOW)
    shelf.count(lot=lot, counted=Decimal(1), by=pharmacist, at=NOW)
    told = [(row.kind, exact(vars(row)["after"])) for row in on_shelf.register_of(lot)]
    there = Decimal("359.7")
    assert told == [
        ("counted", there), ("taken back", there), ("wasted", there - 9), ("wasted", there), ("drawn", there),
        ("received", Decimal(400)),
    ]  # fmt: skip
