"""What several actions of the register ask before they write. Nothing is written here."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Permission
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock import queries
from upturn_clinic.stock.amounts import written
from upturn_clinic.stock.models import Lot

__all__ = ["WITNESSED", "here", "must_be_drawable", "must_have", "second_person"]

WITNESSED = "I saw this amount being made unusable."


def second_person(
    proof: Proof, facility: Facility, permission: Permission, *, other: User | None, at: datetime,
    lot: Lot | None = None,
) -> Actor:  # fmt: skip
    """Find the second person behind a proof: never the first one, allowed to do this here, and there now."""
    if other is not None and proof.user.pk == other.pk:
        raise Refused("The second person cannot be the first.", remedy="ask a colleague")
    second = queries.actor_of(proof.user, facility, at=at)
    if second is None or second.emergency is not None or not second.may(permission) or not proof.user.is_active:
        raise Refused(f"{proof.user.name} is nobody here who may {permission}.", remedy="ask another colleague")
    if lot is not None and lot.is_masked and not second.may(Permission.SEE_ARM):
        raise Refused("This lot is kept for masked doses: the second person must be allowed to know arms.")
    proof.must_be(proof.user, at=at)
    return second


def must_be_drawable(lot: Lot, amount: Decimal) -> None:
    """Refuse nothing, and a part of what leaves the shelf whole."""
    if amount <= 0:
        raise Refused("How much?", expected="an amount above 0")
    if lot.is_whole_only and amount % lot.amount_each:
        raise Refused(
            "A device is not divided.",
            expected=f"{written(lot.amount_each)} {lot.unit} for each device",
            came=f"{written(amount)} {lot.unit}",
        )


def must_have(reason: str, amount: Decimal, *, nothing: str = "How much?") -> None:
    """Ask for an amount and a reason."""
    if amount <= 0:
        raise Refused(nothing, expected="an amount above 0")
    if not reason.strip():
        raise Refused("This needs a reason.", remedy="write it in a few words")


def here(facility: Facility, by: Actor) -> None:
    """Refuse who acts at another facility."""
    if by.facility_id not in (None, facility.pk):
        raise Refused("This belongs to another facility.")
