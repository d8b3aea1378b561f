"""What is written about a dose's drug: drawn, checked, given, wasted, put back. The shelf has its own actions.

Each action: who may, the lot held, one row that leaves possible balances. A row is never changed, it is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.actions import sign
from upturn_clinic.ground.dates import day
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.participants.models import Participant
from upturn_clinic.stock import queries
from upturn_clinic.stock.amounts import INERT, NOTHING, amount_of, base_mg, fits, of_devices, rounded, written
from upturn_clinic.stock.booking.actions import book, undo
from upturn_clinic.stock.checks import WITNESSED, here, must_be_drawable, must_have, second_person
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.shelf.queries import held
from upturn_clinic.treatments.course import Course
from upturn_clinic.treatments.dosing import DEVIATION, compute
from upturn_clinic.treatments.models import Dose
from upturn_clinic.treatments.queries import course_of, weight_of

__all__ = ["CHECKED", "EXPIRED", "RETURNED", "check", "draw", "put_back", "use_for_dose", "waste"]

KIND = Movement.Kind
ALL = Decimal(100)
CHECKED = "I have checked drug, strength, expiry and amount of this dose against the plan."
RETURNED = "I saw this amount go back to the shelf, unopened."
EXPIRED = "I use this lot although its expiry is over, for the reason given."


@transaction.atomic
def draw(
    *, dose: Dose, lot: Lot, amount: Decimal, by: Actor, at: datetime, reason: str = "", proof: Proof | None = None
) -> Draw:
    """Draw an amount of a lot for a dose.

    Raises
    ------
    Refused
        The arm is masked to who draws; the dose is not open; the lot is of another drug, form or facility, kept for
        other doses, or has too little; a device would be divided; more than the dose needs without a reason; a lot
        whose expiry is over without a reason and the signature of who draws.
    """
    by.must(Permission.DISPENSE)
    course = _course(dose, by)
    if not queries.may_know(by, dose):
        raise Refused(
            "The arm is masked to you: this dose is drawn by somebody who may know it.", remedy="ask the pharmacist"
        )
    if dose.plan.participant.status != Participant.Status.ENROLLED:
        raise Refused("Doses are drawn for people who are enrolled.", came=dose.plan.participant.status)
    if not dose.is_open:
        raise Refused("Only a dose that is still to be given is drawn.", came=dose.state)
    lot = held(lot)
    here(lot.facility, by)
    if lot.facility_id != dose.facility_id:
        raise Refused("This lot is at another facility.")
    if lot.is_masked != queries.is_masked_dose(dose):
        raise Refused(
            "Masked doses are drawn from the lots kept for them, open doses from the others.",
            remedy="choose another lot",
        )
    entry = course.entry(dose)
    fits(lot, drug=entry.drug, route=entry.route)
    must_be_drawable(lot, amount)
    is_expired = lot.expires_on < at.astimezone(lot.facility.zone).date()
    if is_expired and (proof is None or not reason.strip()):
        raise Refused(
            f"The expiry of this lot is over since {day(lot.expires_on)}.",
            remedy="take another lot, or write why this one is used and sign with your password and code",
        )
    _must_not_be_too_much(course, dose, base_mg(lot, amount), reason, at)
    made = Draw(
        lot=lot, dose=dose, facility=lot.facility, taken=rounded(amount), taken_at=at, by_id=by.user_id
    )  # fmt: skip
    writing.insert(made, action="drew for a dose", by=by, at=at)
    book(lot=lot, kind=KIND.DRAWN, shelf=-made.taken, drawn=made.taken, of=made, reason=reason, by=by, at=at)
    if is_expired and proof is not None:
        sign(thing=made, meaning=EXPIRED, permission=Permission.DISPENSE, proof=proof, by=by, at=at)
    return made


@transaction.atomic
def check(*, draw: Draw, version: int, checker: Proof, by: Actor, at: datetime) -> Draw:
    """Note that a second person checked a draw; they prove who they are, on whosever screen it happens.

    A check that has grown too old for the dose is done again; the trail keeps both.

    Raises
    ------
    Refused
        The one who drew it, somebody who may not check or to whom the arm is masked, an old proof; or it is given or
        taken back already.
    Conflict
        Somebody changed it first.
    """
    by.must(Permission.CHECK_DOSE)
    here(draw.facility, by)
    held(draw.lot)
    second = second_person(checker, draw.facility, Permission.CHECK_DOSE, other=draw.by, at=at)
    if not queries.may_know(second, draw.dose):
        raise Refused("The arm is masked to this person: they cannot check drug and amount.")
    if not draw.dose.is_open or not queries.draws_for(draw.dose).filter(pk=draw.pk).exists():
        raise Refused("This draw was used or taken back already.")
    checked = writing.change(
        draw, action="checked the dose", by=by, at=at, reason=CHECKED, version=version, checked_by_id=second.user_id,
        checked_at=at,
    )  # fmt: skip
    sign(thing=checked, meaning=CHECKED, permission=Permission.CHECK_DOSE, proof=checker, by=second, at=at)
    return checked


@transaction.atomic
def use_for_dose(
    *, dose: Dose, by: Actor, at: datetime, mg: Decimal | None = None, percent: Decimal | None = None,
    devices: Sequence[Decimal] | None = None, until: datetime | None = None, reason: str = "",
) -> Sequence[Movement]:  # fmt: skip
    """Book what was given of all that was drawn for a dose, in the order in which it was drawn.

    Parameters
    ----------
    mg
        Milligrams of the drug itself; where the arm is known to who records.
    percent
        The share of what was prepared; where it is not, and for what holds no drug.
    devices
        Of a dose by devices, in place of both: how much of each device that was used was given [%].
    until
        A share counts from what there was to give: with what was wasted from then on (``queries.gone_until``). What
        there is now, unless given.
    reason
        Why, when what was booked before is righted by this.

    Raises
    ------
    Refused
        More than was drawn, something that nobody checked, none of these amounts or more than one.
    """
    by.must(Permission.RECORD_SESSION)
    here(dose.plan.facility, by)
    if [mg, percent, devices].count(None) != 2:
        raise Refused("How much was given?", expected="milligrams, the share of what was prepared, or of each device")
    draws = list(queries.draws_for(dose))
    for lot in sorted({each.lot_id: each.lot for each in draws}.values(), key=lambda lot: str(lot.pk)):
        held(lot)
    _undo_given(draws, reason, by, at)
    if devices is not None:
        return _use_devices(draws, devices, reason, by, at)
    if any(not each.is_checked and queries.usable_of(each, until=until) for each in draws):
        raise Refused("No second person has checked what was drawn for this dose.", remedy="have it checked first")
    booked: list[Movement] = []
    rest = NOTHING if mg is None else mg
    for each in draws:
        left = queries.left_of(each)
        if percent is not None:
            amount = rounded(queries.usable_of(each, until=until) * percent / ALL)
        elif each.lot.drug in INERT:
            amount = left
        else:
            # All of a draw is all of it: there and back a salt loses a thousandth to rounding.
            amount = left if rest >= base_mg(each.lot, left) else min(left, amount_of(each.lot, rest))
            rest = max(rest - base_mg(each.lot, amount), NOTHING)
        if amount > 0:
            booked.append(
                book(lot=each.lot, kind=KIND.GIVEN, drawn=-amount, of=each, reason=reason, by=by, at=at)
            )  # fmt: skip
    drawn_drug = any(each.lot.drug not in INERT for each in draws)
    if (percent is not None and percent > ALL) or (drawn_drug and rest > Decimal("0.001")):
        raise Refused(
            "More was given than was drawn.",
            came=f"{written(rounded(rest))} mg more" if mg is not None else f"{written(percent or NOTHING)} %",
            remedy="look at the amount; take back what was wasted of it by mistake, or draw what was missing first",
        )
    return booked


def _use_devices(
    draws: Sequence[Draw], devices: Sequence[Decimal], reason: str, by: Actor, at: datetime
) -> Sequence[Movement]:
    """Book devices that were used; one that fell, or was put back or refused, was none of them."""
    amounts = of_devices([(each.lot, queries.left_of(each)) for each in draws], devices)
    used = [(each, amount) for each, amount in zip(draws, amounts, strict=True) if amount > 0]
    if not all(each.is_checked for each, _ in used):
        raise Refused("No second person has checked what was drawn for this dose.", remedy="have it checked first")
    return [
        book(lot=each.lot, kind=KIND.GIVEN, drawn=-amount, of=each, reason=reason, by=by, at=at)
        for each, amount in used
    ]


@transaction.atomic
def waste(
    *, draw: Draw, reason: str, witness: Proof, by: Actor, at: datetime, amount: Decimal | None = None
) -> Movement:
    """Book that what was drawn and not given was made unusable, before a witness.

    Parameters
    ----------
    amount
        In the lot's unit; all the rest unless given. To whom the arm is masked, only all the rest.

    Raises
    ------
    Refused
        More than is left, all the rest while the dose runs, no reason, or a witness who is the same person, may not
        witness, or did not prove it now.
    """
    by.must(Permission.DISPENSE)
    here(draw.facility, by)
    held(draw.lot)
    if amount is not None and not queries.may_know(by, draw.dose):
        raise Refused("Of a masked dose all the rest is wasted, without a figure.")
    if amount is None and queries.is_rest_unknown(draw):
        raise Refused(
            "The dose still runs: what will be left of it is not known yet.",
            remedy="wait until it has ended, or write how much was spilt or spoilt",
        )
    second = second_person(witness, draw.facility, Permission.WITNESS, other=by.user, at=at)
    amount = queries.left_of(draw) if amount is None else amount
    must_have(reason, amount, nothing="Nothing of this draw is left.")
    row = book(lot=draw.lot, kind=KIND.WASTED, drawn=-amount, of=draw, reason=reason, witness=second, by=by, at=at)
    sign(thing=row, meaning=WITNESSED, permission=Permission.WITNESS, proof=witness, by=second, at=at)
    return row


@transaction.atomic
def put_back(*, draw: Draw, amount: Decimal, reason: str, witness: Proof, by: Actor, at: datetime) -> Movement:
    """Book that unopened devices or tablets went back to the shelf, before a witness; of a vial nothing ever does.

    All that the register keeps is witnessed, also what holds no drug: a row without a witness would tell the arm.

    Raises
    ------
    Refused
        From a vial, more than is left, not whole devices, no reason, masked to who asks, or a witness who is the same
        person, may not witness, may not know the arm, or did not prove it now.
    """
    by.must(Permission.DISPENSE)
    here(draw.facility, by)
    lot = held(draw.lot)
    if not queries.may_know(by, draw.dose):
        raise Refused("The arm is masked to you.", remedy="ask the pharmacist")
    if lot.form == Lot.Form.VIAL:
        raise Refused("What was drawn from a vial does not go back into it.", remedy="waste it with a witness")
    must_have(reason, amount)
    must_be_drawable(lot, amount)
    second = second_person(witness, draw.facility, Permission.WITNESS, other=by.user, at=at, lot=lot)
    row = book(
        lot=lot, kind=KIND.PUT_BACK, shelf=amount, drawn=-amount, of=draw, reason=reason, witness=second, by=by, at=at
    )
    sign(thing=row, meaning=RETURNED, permission=Permission.WITNESS, proof=witness, by=second, at=at)
    return row


def _undo_given(draws: Sequence[Draw], reason: str, by: Actor, at: datetime) -> None:
    """Take back what was booked as given before: the dose is being righted."""
    rows = Movement.objects.filter(draw__in=draws, kind=KIND.GIVEN, taken_back_by__isnull=True)
    for row in rows.select_related("lot", "draw"):
        if not reason.strip():
            raise Refused("It is booked already what was given.", remedy="write why it is righted")
        undo(row=row, lot=row.lot, reason=reason, by=by, at=at)


def _must_not_be_too_much(course: Course, dose: Dose, mg: Decimal, reason: str, at: datetime) -> None:
    """Ask for a reason when more is drawn than the dose needs, or when what it needs cannot be computed."""
    try:
        needed = compute(
            course.entry(dose), weight=weight_of(course.plan.participant), protocol=course.protocol, arm=course.arm,
            at=at,
        ).mg  # fmt: skip
    except Refused as refusal:
        if not reason.strip():
            raise Refused(
                f"What the dose needs cannot be computed: {refusal.fault}", remedy="write why this amount is drawn"
            ) from refusal
        return
    drawn = sum((base_mg(each.lot, queries.usable_of(each)) for each in queries.draws_for(dose)), NOTHING)
    if float(drawn + mg) > needed * (1 + DEVIATION) and not reason.strip():
        raise Refused(
            "That is more than the dose needs.",
            expected=f"{needed:g} mg in all",
            came=f"{written(drawn + mg)} mg",
            remedy="draw less, or write why",
        )


def _course(dose: Dose, by: Actor) -> Course:
    here(dose.plan.facility, by)
    course = course_of(dose.plan.participant)
    if course is None:
        raise Refused("There is no plan.")
    return course
