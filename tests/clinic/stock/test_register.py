"""What is drawn for a dose, checked, given, wasted and put back: what adds up, what is refused, what is righted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from tests.clinic.stock.conftest import MG, NOW, ActorAs, Receive, checked, drawn, proof

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.audit.models import Signature
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.stock import actions, queries
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.stock.shelf import queries as on_shelf
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db


def test_the_way_of_a_dose_adds_up(dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    lot = receive()
    draw = checked(drawn(dose, lot, nurse), clinician, nurse)
    actions.use_for_dose(dose=dose, mg=Decimal(30), by=nurse, at=NOW)
    assert queries.left_of(draw) == Decimal("10.3")
    assert queries.preparation_of(dose, nurse).rest
    actions.waste(draw=draw, reason="stopped early", witness=proof(clinician), by=nurse, at=NOW)
    assert on_shelf.balance_of(lot) == on_shelf.Balance(Decimal("359.7"), Decimal(0))
    assert [row.kind for row in on_shelf.register_of(lot)].count("wasted") == 1
    said = set(Signature.objects.values_list("signer__name", "meaning"))
    assert (clinician.user.name, actions.CHECKED) in said  # type: ignore[union-attr]
    assert (clinician.user.name, "I saw this amount being made unusable.") in said  # type: ignore[union-attr]
    assert verify(Entry.objects.order_by("sequence")).fault == ""
    assert on_shelf.broken_seals(Movement.objects.all()) == []


@pytest.mark.parametrize(("amount", "is_too_much"), [("40.3", False), ("42.3", False), ("42.4", True)])
def test_more_than_the_dose_needs_is_drawn_with_a_reason_only(
    amount: str, is_too_much: bool, dose: Dose, receive: Receive, nurse: Actor
) -> None:
    lot = receive()
    if is_too_much:
        with pytest.raises(Refused, match="more than the dose needs"):
            drawn(dose, lot, nurse, Decimal(amount))
    drawn(dose, lot, nurse, Decimal(amount), reason="dead space of the line" if is_too_much else "")
    assert Draw.objects.count() == 1


def test_two_draws_count_together(dose: Dose, receive: Receive, nurse: Actor) -> None:
    lot = receive()
    drawn(dose, lot, nurse)
    with pytest.raises(Refused, match="more than the dose needs"):
        drawn(dose, lot, nurse)


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"drug": "midazolam", "amount_each": Decimal(5), "mg_per_ml": Decimal(1)}, "not ketamine"),
        ({"drug": "esketamine", "amount_each": Decimal(50), "mg_per_ml": Decimal(5)}, "not ketamine"),
        ({"form": "tablet", "mg_per_ml": None}, "not for a dose by this route"),
        ({"form": "device", "mg_per_ml": None}, "not for a dose by this route"),
        ({"is_masked": True}, "Masked doses are drawn from the lots kept for them"),
    ],
)
def test_the_wrong_lot_for_the_dose_is_refused(
    more: dict[str, object], refused: str, dose: Dose, receive: Receive, nurse: Actor
) -> None:
    lot = receive(**more)
    with pytest.raises(Refused, match=refused):
        drawn(dose, lot, nurse, Decimal(1))
    assert on_shelf.balance_of(lot).drawn == 0


def test_a_lot_of_another_facility_is_refused(dose: Dose, receive: Receive, nurse: Actor, elsewhere: Facility) -> None:
    lot = receive()
    there = Actor(nurse.user, elsewhere, nurse.roles)
    with pytest.raises(Refused, match="another facility"):
        drawn(dose, lot, there)


@pytest.mark.parametrize(("expires", "is_over"), [(date(2026, 3, 23), False), (date(2026, 3, 22), True)])
def test_an_expired_lot_needs_a_reason_and_a_signature(
    expires: date, is_over: bool, dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    lot = receive(expires_on=expires)
    if not is_over:
        drawn(dose, lot, nurse)
        return
    for more in ({}, {"reason": "no other"}, {"proof": proof(nurse)}):
        with pytest.raises(Refused, match="expiry of this lot is over"):
            drawn(dose, lot, nurse, **more)
    with pytest.raises(Refused, match="your own password"):
        drawn(dose, lot, nurse, reason="no other", proof=proof(clinician))
    assert not Draw.objects.exists()
    drawn(dose, lot, nurse, reason="no other lot in the house", proof=proof(nurse))
    assert Signature.objects.filter(meaning=actions.EXPIRED, signer=nurse.user).count() == 1


def test_the_second_person_is_never_the_first(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, actor_as: ActorAs
) -> None:
    draw = drawn(dose, receive(), nurse)
    with pytest.raises(Refused, match="cannot be the first"):
        checked(draw, nurse, nurse)
    with pytest.raises(Refused, match="cannot be the first"):
        checked(draw, nurse, clinician)
    with pytest.raises(Refused, match="nobody here who may"):
        checked(draw, actor_as(Role.RATER), nurse)
    with pytest.raises(Refused, match="your own password"):
        actions.check(draw=draw, version=1, checker=proof(clinician, NOW - timedelta(hours=1)), by=nurse, at=NOW)
    with pytest.raises(Refused, match="No second person has checked"):
        actions.use_for_dose(dose=dose, mg=MG, by=nurse, at=NOW)
    assert not queries.preparation_of(dose, nurse).is_ready
    draw = checked(draw, clinician, nurse)
    assert queries.preparation_of(dose, nurse).is_ready
    actions.use_for_dose(dose=dose, mg=Decimal(40), by=nurse, at=NOW)
    for bad in (nurse, actor_as(Role.COORDINATOR)):
        with pytest.raises(Refused, match=r"cannot be the first|nobody here who may"):
            actions.waste(draw=draw, reason="rest", witness=proof(bad), by=nurse, at=NOW)


@pytest.mark.parametrize(("mg", "is_too_much"), [("40.3", False), ("40.301", False), ("40.302", True), ("60", True)])
def test_no_more_is_given_than_was_drawn(
    mg: str, is_too_much: bool, dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    draw = checked(drawn(dose, receive(), nurse), clinician, nurse)
    if is_too_much:
        with pytest.raises(Refused, match="More was given than was drawn"):
            actions.use_for_dose(dose=dose, mg=Decimal(mg), by=nurse, at=NOW)
        return
    actions.use_for_dose(dose=dose, mg=Decimal(mg), by=nurse, at=NOW)
    with pytest.raises(Refused, match="Nothing of this draw is left"):
        actions.waste(draw=draw, reason="rest", witness=proof(clinician), by=nurse, at=NOW)


def test_no_more_is_wasted_than_is_left(dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    draw = checked(drawn(dose, receive(), nurse), clinician, nurse)
    actions.use_for_dose(dose=dose, mg=Decimal(40), by=nurse, at=NOW)
    with pytest.raises(Refused, match="more than is left of what was drawn"):
        actions.waste(draw=draw, amount=Decimal("0.301"), reason="rest", witness=proof(clinician), by=nurse, at=NOW)
    actions.waste(draw=draw, amount=Decimal("0.3"), reason="rest", witness=proof(clinician), by=nurse, at=NOW)


def test_what_was_given_is_righted_by_rows_against_it(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    lot = receive()
    draw = checked(drawn(dose, lot, nurse), clinician, nurse)
    actions.use_for_dose(dose=dose, mg=Decimal(40), by=nurse, at=NOW)
    with pytest.raises(Refused, match="booked already"):
        actions.use_for_dose(dose=dose, mg=Decimal(20), by=nurse, at=NOW)
    actions.use_for_dose(dose=dose, mg=Decimal(20), reason="the pump said 20", by=nurse, at=NOW)
    assert queries.left_of(draw) == Decimal("20.3")
    # What was given was taken back, not the draw: it is still there.
    assert queries.preparation_of(dose, nurse).is_ready
    sheet = on_shelf.reconciliation(lot.facility, clinician, begin=NOW, end=NOW + timedelta(hours=1))
    assert sheet.rows[0].given == 20


def test_what_was_wasted_before_the_dose_cannot_be_given(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    """Of 40.3 mg 10.3 are spilt before the dose: 30 mg can be given, and shares count from these."""
    lot, before = receive(), NOW - timedelta(minutes=5)
    draw = actions.draw(dose=dose, lot=lot, amount=MG, by=nurse, at=before)
    draw = actions.check(draw=draw, version=1, checker=proof(clinician, before), by=nurse, at=before)
    actions.waste(
        draw=draw, amount=Decimal("10.3"), reason="spilt", witness=proof(clinician, before), by=nurse, at=before
    )
    shown = queries.preparation_of(dose, nurse)
    assert shown.mg == shown.draws[0].usable == 30
    assert shown.is_ready
    actions.use_for_dose(dose=dose, percent=Decimal(50), until=NOW, by=nurse, at=NOW)
    assert queries.left_of(draw) == 15
    later = NOW + timedelta(minutes=5)
    rest = actions.waste(draw=draw, reason="rest", witness=proof(clinician, later), by=nurse, at=later)
    # What is wasted afterwards does not make the dose smaller: a quarter is a quarter of what was ready at its start.
    actions.use_for_dose(dose=dose, percent=Decimal(25), until=NOW, reason="the pump said so", by=nurse, at=later)
    assert queries.left_of(draw) == Decimal("7.5")
    with pytest.raises(Refused, match="more than is left of what was drawn"):
        actions.use_for_dose(
            dose=dose, percent=Decimal(100), until=NOW, reason="it was all", by=nurse, at=later
        )  # fmt: skip
    shelf.take_back(movement=rest, reason="it was not wasted", witness=proof(clinician, later), by=nurse, at=later)
    actions.use_for_dose(dose=dose, percent=Decimal(100), until=NOW, reason="it was all", by=nurse, at=later)
    assert queries.left_of(draw) == 0
    [row] = on_shelf.reconciliation(lot.facility, nurse, begin=before, end=later + timedelta(minutes=1)).rows
    assert row.drawn == row.given + row.wasted_after_drawing + row.not_accounted == MG
    assert (row.given, row.wasted_after_drawing, row.not_accounted) == (Decimal(30), Decimal("10.3"), Decimal(0))


def test_nothing_is_ready_when_all_of_it_was_wasted(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    lot = receive()
    draw = checked(drawn(dose, lot, nurse), clinician, nurse)
    actions.waste(draw=draw, reason="it fell", witness=proof(clinician), by=nurse, at=NOW)
    shown = queries.preparation_of(dose, nurse)
    assert (shown.is_ready, shown.state) == (False, "not prepared")
    assert "wasted or put back" in shown.words
    # What fell is no reason to ask why it is drawn again.
    checked(drawn(dose, lot, nurse), clinician, nurse)
    assert queries.preparation_of(dose, nurse).is_ready
    assert queries.preparation_of(dose, nurse).mg == MG


def test_what_went_back_to_the_shelf_cannot_be_given(
    nasal_dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    lot = receive(drug="esketamine", form="device", number="E-1", amount_each=Decimal(28), mg_per_ml=None, containers=3)
    draw = checked(drawn(nasal_dose, lot, nurse, Decimal(56)), clinician, nurse)
    actions.put_back(draw=draw, amount=Decimal(28), reason="only one today", witness=proof(clinician), by=nurse, at=NOW)
    assert queries.preparation_of(nasal_dose, nurse).mg == 28
    with pytest.raises(Refused, match="More was given than was drawn"):
        actions.use_for_dose(dose=nasal_dose, mg=Decimal(56), by=nurse, at=NOW)


def test_what_changes_after_its_check_is_checked_again(
    nasal_dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    """Two devices checked, one put back: one is there, and nobody checked that. So too when it comes back."""
    lot = receive(drug="esketamine", form="device", number="E-1", amount_each=Decimal(28), mg_per_ml=None, containers=3)
    draw = checked(drawn(nasal_dose, lot, nurse, Decimal(56)), clinician, nurse)
    minute = timedelta(minutes=1)

    def state() -> tuple[str, list[str]]:
        day = queries.to_prepare(lot.facility, begin=NOW, end=NOW + timedelta(hours=2))
        return queries.preparation_of(nasal_dose, nurse).state, [each.state for each in day]

    def again(at: datetime) -> None:
        draw.refresh_from_db()
        actions.check(draw=draw, version=draw.version, checker=proof(clinician, at), by=nurse, at=at)

    assert state() == ("checked", ["prepared and checked"])
    back = actions.put_back(
        draw=draw, amount=Decimal(28), reason="only one today", witness=proof(clinician, NOW + minute), by=nurse,
        at=NOW + minute,
    )  # fmt: skip
    assert state() == ("drawn", ["to be checked"])
    assert "changed since it was checked" in queries.preparation_of(nasal_dose, nurse).words
    # A dose that had begun before was begun with what was checked.
    assert queries.preparation_of(nasal_dose, nurse, began_at=NOW + minute).is_ready
    again(NOW + 2 * minute)
    assert state() == ("checked", ["prepared and checked"])
    later = NOW + 3 * minute
    shelf.take_back(movement=back, reason="two after all", witness=proof(clinician, later), by=nurse, at=later)
    assert state() == ("drawn", ["to be checked"])
    again(NOW + 4 * minute)
    assert queries.preparation_of(nasal_dose, nurse).mg == 56
    assert state() == ("checked", ["prepared and checked"])


def test_only_an_open_dose_is_drawn(dose: Dose, receive: Receive, nurse: Actor) -> None:
    lot = receive()
    Dose.objects.filter(pk=dose.pk).update(state="missed")
    dose.refresh_from_db()
    with pytest.raises(Refused, match="still to be given"):
        drawn(dose, lot, nurse)


def test_devices_leave_and_come_back_whole_and_seen(
    nasal_dose: Dose, receive: Receive, nurse: Actor, clinician: Actor, actor_as: ActorAs
) -> None:
    seen = proof(clinician)
    lot = receive(drug="esketamine", form="device", number="E-1", amount_each=Decimal(28), mg_per_ml=None, containers=3)
    with pytest.raises(Refused, match="not divided"):
        drawn(nasal_dose, lot, nurse, Decimal(40))
    draw = checked(drawn(nasal_dose, lot, nurse, Decimal(56)), clinician, nurse)
    actions.use_for_dose(dose=nasal_dose, mg=Decimal(28), by=nurse, at=NOW)
    with pytest.raises(Refused, match="not divided"):
        actions.put_back(draw=draw, amount=Decimal(14), reason="unused", witness=seen, by=nurse, at=NOW)
    sealed = {"draw": draw, "amount": Decimal(28), "reason": "unused, still sealed", "by": nurse, "at": NOW}
    for bad in (nurse, actor_as(Role.COORDINATOR)):
        with pytest.raises(Refused, match=r"cannot be the first|nobody here who may"):
            actions.put_back(witness=proof(bad), **sealed)  # type: ignore[arg-type]
    row = actions.put_back(witness=seen, **sealed)  # type: ignore[arg-type]
    assert row.witness == clinician.user
    assert Signature.objects.get(object_id=str(row.pk)).meaning == actions.RETURNED
    assert on_shelf.balance_of(lot) == on_shelf.Balance(Decimal(56), Decimal(0))


def test_nothing_goes_back_into_a_vial(dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    draw = drawn(dose, receive(), nurse)
    with pytest.raises(Refused, match="does not go back"):
        actions.put_back(draw=draw, amount=MG, reason="not needed", witness=proof(clinician), by=nurse, at=NOW)


def test_the_last_device_of_two_lots_is_used_in_order(
    nasal_dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    device = {"drug": "esketamine", "form": "device", "amount_each": Decimal(28), "mg_per_ml": None, "containers": 1}
    one, two = receive(number="E-1", **device), receive(number="E-2", **device)
    for lot in (one, two):
        checked(drawn(nasal_dose, lot, nurse, Decimal(28)), clinician, nurse)
    actions.use_for_dose(dose=nasal_dose, mg=Decimal(56), by=nurse, at=NOW)
    assert [on_shelf.balance_of(each) for each in (one, two)] == [on_shelf.Balance(Decimal(0), Decimal(0))] * 2
    assert queries.preparation_of(nasal_dose, nurse).mg == 56


def test_devices_are_booked_one_by_one(nasal_dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    """Three were drawn from two lots, one fell; one and a half were used: the rest is still to be accounted for."""
    device = {"drug": "esketamine", "form": "device", "amount_each": Decimal(28), "mg_per_ml": None, "containers": 2}
    one, two = receive(number="E-1", **device), receive(number="E-2", **device)
    first = checked(drawn(nasal_dose, one, nurse, Decimal(56)), clinician, nurse)
    later = NOW + timedelta(minutes=1)
    second = actions.draw(dose=nasal_dose, lot=two, amount=Decimal(28), reason="one fell", by=nurse, at=later)
    actions.waste(draw=first, amount=Decimal(28), reason="it fell", witness=proof(clinician), by=nurse, at=NOW)
    used = {"dose": nasal_dose, "by": nurse, "at": NOW}
    with pytest.raises(Refused, match="No second person"):
        actions.use_for_dose(devices=[Decimal(100), Decimal(50)], **used)  # type: ignore[arg-type]
    checked(second, clinician, nurse)
    with pytest.raises(Refused, match="More was given than was drawn"):
        actions.use_for_dose(devices=[Decimal(100), Decimal(100), Decimal(1)], **used)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="How much was given"):
        actions.use_for_dose(devices=[Decimal(100)], percent=Decimal(50), **used)  # type: ignore[arg-type]
    actions.use_for_dose(devices=[Decimal(100), Decimal(50)], **used)  # type: ignore[arg-type]
    assert [queries.left_of(each) for each in (first, second)] == [0, 14]
    # Righted: one was used, and the other one not at all.
    actions.use_for_dose(devices=[Decimal(100)], reason="it was one", **used)  # type: ignore[arg-type]
    assert [queries.left_of(each) for each in (first, second)] == [0, 28]


def test_a_salt_is_reckoned_as_the_drug_itself(dose: Dose, receive: Receive, nurse: Actor, clinician: Actor) -> None:
    lot = receive(basis="hydrochloride")
    # 46.482 mg of the hydrochloride hold 40.3 mg of ketamine.
    draw = checked(drawn(dose, lot, nurse, Decimal("46.482")), clinician, nurse)
    assert queries.preparation_of(dose, nurse).mg == MG
    actions.use_for_dose(dose=dose, mg=MG, by=nurse, at=NOW)
    assert queries.left_of(draw) == 0
    with pytest.raises(Refused, match="only a label that counts the drug itself"):
        receive(drug="midazolam", basis="hydrochloride")


def test_of_a_salt_that_is_given_whole_not_a_thousandth_is_left(
    dose: Dose, receive: Receive, nurse: Actor, clinician: Actor
) -> None:
    """Base of both, to a thousandth of a milligram, and back again is not always the amount that was drawn."""
    lot = receive(basis="hydrochloride")
    draws = [checked(drawn(dose, lot, nurse, Decimal(each)), clinician, nurse) for each in ("20.004", "26.41")]
    actions.use_for_dose(dose=dose, mg=queries.preparation_of(dose, nurse).mg, by=nurse, at=NOW)
    assert [queries.left_of(each) for each in draws] == [0, 0]
