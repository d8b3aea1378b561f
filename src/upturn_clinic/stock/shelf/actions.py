"""What is written about the shelf: deliveries, counts, what leaves otherwise than for a dose, and righting an entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.stock.amounts import DRUGS, INERT, MOST_CONTAINERS, WITH_SALT, rounded
from upturn_clinic.stock.booking.actions import book, undo
from upturn_clinic.stock.checks import WITNESSED, here, must_have, second_person
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.shelf import queries

__all__ = ["RIGHTED", "SEEN", "Delivery", "count", "receive", "remove", "settle", "take_back"]

KIND = Movement.Kind
SEEN = "I have seen the count and this difference."
RIGHTED = "I have seen that this entry was wrong, and why it is taken back."


@dataclass(frozen=True)
class Delivery:
    """What came in.

    Parameters
    ----------
    drug, form, number, expires_on
        As on the label; the last day of use.
    containers
        How many vials, devices or tablets.
    amount_each
        What each holds: milligrams as the label counts them; for what holds no drug millilitres (vial) or 1 piece.
    mg_per_ml
        Strength of a vial; its volume follows.
    basis
        What the label's milligrams count: the drug itself, or its hydrochloride.
    is_masked
        Kept for masked doses; only people who may know arms can receive such a lot.
    """

    drug: str
    form: str
    number: str
    expires_on: date
    containers: int
    amount_each: Decimal
    mg_per_ml: Decimal | None = None
    basis: str = Lot.Basis.BASE
    is_masked: bool = False


@transaction.atomic
def receive(*, facility: Facility, delivery: Delivery, by: Actor, at: datetime, reason: str = "") -> Lot:
    """Book a delivery; a lot that is there already in the same strength grows.

    Raises
    ------
    Refused
        A label that cannot be, an expiry that is over without a reason, or a masked lot by somebody who may not know.
    """
    by.must(Permission.KEEP_STOCK)
    here(facility, by)
    if delivery.is_masked:
        by.must(Permission.SEE_ARM)
    _must_be_a_label(delivery)
    if delivery.expires_on < at.astimezone(facility.zone).date() and not reason.strip():
        raise Refused("The expiry of this lot is over.", remedy="send it back, or write why it is received")
    unit = _unit_of(delivery)
    lot = Lot(
        facility=facility, drug=delivery.drug, form=delivery.form, number=delivery.number.strip(),
        expires_on=delivery.expires_on, unit=unit, amount_each=rounded(delivery.amount_each),
        mg_per_ml=None if delivery.mg_per_ml is None else rounded(delivery.mg_per_ml), basis=delivery.basis,
        is_masked=delivery.is_masked, first_received_at=at,
    )  # fmt: skip
    known = queries.same_lot(lot)
    lot = queries.held(known) if known else writing.insert(lot, action="took a lot into the register", by=by, at=at)
    book(lot=lot, kind=KIND.RECEIVED, shelf=delivery.containers * lot.amount_each, reason=reason, by=by, at=at)
    return lot


@transaction.atomic
def remove(
    *, lot: Lot, kind: str, amount: Decimal, reason: str, by: Actor, at: datetime, witness: Proof | None = None
) -> Movement:
    """Book what left the shelf otherwise than for a dose: wasted or destroyed before a witness, or sent back.

    Raises
    ------
    Refused
        More than is there, no reason, or no witness where one is needed.
    """
    by.must(Permission.KEEP_STOCK)
    lot = _held_open(lot, by)
    if kind not in (KIND.WASTED, KIND.DESTROYED, KIND.SENT_BACK):
        raise Refused("This is not a way off the shelf.", came=kind)
    must_have(reason, amount)
    second = None
    if kind != KIND.SENT_BACK:
        if witness is None:
            raise Refused("This needs a witness.", remedy="the witness enters their own password and code")
        second = second_person(witness, lot.facility, Permission.WITNESS, other=by.user, at=at, lot=lot)
    row = book(lot=lot, kind=kind, shelf=-amount, reason=reason, witness=second, by=by, at=at)
    if second and witness:
        sign(thing=row, meaning=WITNESSED, permission=Permission.WITNESS, proof=witness, by=second, at=at)
    return row


@transaction.atomic
def count(*, lot: Lot, counted: Decimal, by: Actor, at: datetime, reason: str = "") -> Movement:
    """Book what somebody counted on the shelf. It changes no balance; a difference is told, and settled apart.

    Raises
    ------
    Refused
        Less than nothing.
    """
    by.must(Permission.KEEP_STOCK)
    lot = _held_open(lot, by)
    if counted < 0:
        raise Refused("Nobody can count less than nothing.")
    return book(lot=lot, kind=KIND.COUNTED, counted=rounded(counted), reason=reason, by=by, at=at)


@transaction.atomic
def settle(*, lot: Lot, reason: str, witness: Proof, by: Actor, at: datetime) -> Movement:
    """Let the register follow the last count, with what is known about the difference, before a witness.

    Raises
    ------
    Refused
        No count, no difference, no reason, or something was written since the count.
    """
    by.must(Permission.KEEP_STOCK)
    lot = _held_open(lot, by)
    last = queries.last_count(lot)
    if last is None or last.counted is None:
        raise Refused("This lot was not counted.", remedy="count it first")
    if queries.changed_since(lot, last):
        raise Refused("The shelf has changed since the count.", remedy="count it again")
    difference = last.counted - queries.balance_of(lot).shelf
    if not difference:
        raise Refused("The count and the register agree.")
    must_have(reason, abs(difference))
    second = second_person(witness, lot.facility, Permission.WITNESS, other=by.user, at=at, lot=lot)
    row = book(lot=lot, kind=KIND.DIFFERENCE, shelf=difference, reason=reason, witness=second, by=by, at=at)
    sign(thing=row, meaning=SEEN, permission=Permission.WITNESS, proof=witness, by=second, at=at)
    return row


@transaction.atomic
def take_back(*, movement: Movement, reason: str, witness: Proof, by: Actor, at: datetime) -> Movement:
    """Right a row by a row against it, with its reason and before a witness. Both stay.

    Raises
    ------
    Refused
        It was taken back already, is itself a taking back, is what a session gave or gives from, no reason, the
        balances that follow could not be, or a witness who is the same person, may not witness, or did not prove it
        now.
    """
    by.must(Permission.DISPENSE)
    if not by.may(Permission.KEEP_STOCK) and movement.by_id != by.user_id:
        raise Refused("Only who wrote an entry, or who keeps the register, takes it back.")
    lot = _held_open(movement.lot, by)
    if movement.kind == KIND.TAKEN_BACK or Movement.objects.filter(takes_back=movement).exists():
        raise Refused("This entry was taken back already, or is itself a taking back.")
    if movement.kind == KIND.GIVEN:
        raise Refused("What was given is righted in its session, so that plan and register agree.",
                      remedy="correct the dose on the page of its session")  # fmt: skip
    # Read now that the lot is held: somebody may have checked and begun since the row was read.
    if movement.kind == KIND.DRAWN and queries.is_given_from(Draw.objects.filter(movements=movement).first()):
        raise Refused("The dose has begun with what was drawn.",
                      remedy="waste what is not given of it, before a witness")  # fmt: skip
    must_have(reason, Decimal(1))
    second = second_person(witness, lot.facility, Permission.WITNESS, other=by.user, at=at, lot=lot)
    row = undo(row=movement, lot=lot, reason=reason, witness=second, by=by, at=at)
    sign(thing=row, meaning=RIGHTED, permission=Permission.WITNESS, proof=witness, by=second, at=at)
    return row


def _must_be_a_label(delivery: Delivery) -> None:
    if delivery.drug not in DRUGS:
        raise Refused("This drug is not kept here.", expected=", ".join(DRUGS), came=delivery.drug)
    if not delivery.number.strip():
        raise Refused("A delivery has a lot number.")
    if not 0 < delivery.containers <= MOST_CONTAINERS:
        raise Refused("So many cannot have come.", expected=f"1 to {MOST_CONTAINERS}", came=str(delivery.containers))
    if delivery.amount_each <= 0:
        raise Refused("What does each hold?", expected="an amount above 0")
    if (delivery.form == Lot.Form.VIAL and delivery.drug not in INERT) != (delivery.mg_per_ml is not None):
        raise Refused("The strength in mg/ml is asked of a vial with a drug, and of nothing else.")
    if delivery.mg_per_ml is not None and delivery.mg_per_ml <= 0:
        raise Refused("A strength is above 0 mg/ml.")
    if delivery.basis == Lot.Basis.SALT and delivery.drug not in WITH_SALT:
        raise Refused(
            "For this drug only a label that counts the drug itself can be reckoned with.",
            expected=Lot.Basis.BASE.label, came=Lot.Basis.SALT.label,
        )  # fmt: skip
    if delivery.form == Lot.Form.DEVICE and delivery.drug in INERT and delivery.amount_each != 1:
        raise Refused("A device without a drug is counted by the piece.", expected="1")


def _unit_of(delivery: Delivery) -> str:
    if delivery.drug not in INERT:
        return Lot.Unit.MG
    return Lot.Unit.ML if delivery.form == Lot.Form.VIAL else Lot.Unit.PIECES


def _held_open(lot: Lot, by: Actor) -> Lot:
    """Hold a lot that who acts may know of."""
    lot = queries.held(lot)
    here(lot.facility, by)
    if lot.is_masked:
        by.must(Permission.SEE_ARM)
    return lot
