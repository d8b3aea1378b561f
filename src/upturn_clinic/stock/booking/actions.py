"""One row of the register, written if the balances after it can be; and the row against it. Called by other actions."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.stock.amounts import NOTHING, rounded, written
from upturn_clinic.stock.models import Draw, Lot, Movement
from upturn_clinic.stock.queries import left_of
from upturn_clinic.stock.seals import salted, seal_of
from upturn_clinic.stock.shelf.queries import balance_of

__all__ = ["book", "undo"]


def book(
    *, lot: Lot, kind: str, by: Actor, at: datetime, shelf: Decimal = NOTHING, drawn: Decimal = NOTHING,
    counted: Decimal | None = None, of: Draw | None = None, takes_back: Movement | None = None, reason: str = "",
    witness: Actor | None = None,
) -> Movement:  # fmt: skip
    """Write one row, if the balances after it can be. The lot is held, so nobody else writes one meanwhile."""
    shelf, drawn = rounded(shelf), rounded(drawn)
    there = balance_of(lot).shelf
    if there + shelf < 0:
        raise Refused(
            "There is not so much of this lot.",
            expected=f"{written(there)} {lot.unit} or less",
            came=f"{written(-shelf)} {lot.unit}",
            remedy="somebody else may have drawn from it just now; look at the register",
        )
    if of is not None and left_of(of) + drawn < 0:
        raise Refused(
            "That is more than is left of what was drawn.",
            remedy="look at what was given and wasted of it already; take back what was wasted of it by mistake",
        )
    row = Movement(
        lot=lot, facility_id=lot.facility_id, draw=of, kind=kind, shelf=shelf, drawn=drawn, counted=counted,
        takes_back=takes_back, at=at, by_id=by.user_id, witness_id=witness.user_id if witness else None,
        reason=reason.strip(), salt=salted(),
    )  # fmt: skip
    row.seal = seal_of(row)
    told = "" if lot.is_masked else reason
    return writing.insert(
        row, action=f"wrote into the register: {Movement.Kind(kind).label}", by=by, at=at, reason=told
    )


def undo(
    *, row: Movement, lot: Lot, reason: str, by: Actor, at: datetime, witness: Actor | None = None
) -> Movement:  # fmt: skip
    """Write the row against a row. The lot is held by who calls."""
    return book(
        lot=lot, kind=Movement.Kind.TAKEN_BACK, shelf=-row.shelf, drawn=-row.drawn, of=row.draw, takes_back=row,
        reason=reason, witness=witness, by=by, at=at,
    )  # fmt: skip
