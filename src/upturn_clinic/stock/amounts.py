"""What a lot can be used for, and milligrams of drug in an amount of it. No database.

Numbers: ``upturn_clinic/parameters/stock.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from upturn.parameters import read
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock.models import PLACES, Lot

__all__ = [
    "DRUGS", "EXPIRY_NEAR_D", "INERT", "MOST_CONTAINERS", "SALT_BYTES", "WITH_SALT", "amount_of", "base_mg",
    "fits", "rounded", "written",
]  # fmt: skip

_NUMBERS = read("upturn_clinic", "stock")
_SHARE = Decimal(str(_NUMBERS.value("base_share_of_hydrochloride")))
EXPIRY_NEAR_D = int(_NUMBERS.value("expiry_near_d"))
MOST_CONTAINERS = int(_NUMBERS.value("most_containers"))
SALT_BYTES = int(_NUMBERS.value("salt_bytes"))

# What is kept in the register: the drugs of the protocols, and the controls that must not be told from them.
DRUGS = ("ketamine", "esketamine", "midazolam", "saline", "placebo")
INERT = frozenset({"saline", "placebo"})
# Of these the share of base in the hydrochloride is known here.
WITH_SALT = frozenset({"ketamine", "esketamine"})
_STEP = Decimal(1).scaleb(-PLACES)
_FORMS: Mapping[str, tuple[Lot.Form, ...]] = {
    "intravenous": (Lot.Form.VIAL,),
    "intramuscular": (Lot.Form.VIAL,),
    "subcutaneous": (Lot.Form.VIAL,),
    "intranasal": (Lot.Form.DEVICE,),
    "sublingual": (Lot.Form.TABLET, Lot.Form.VIAL),
    "oral": (Lot.Form.TABLET, Lot.Form.VIAL),
}


def rounded(amount: Decimal) -> Decimal:
    """Round to what the register keeps."""
    return amount.quantize(_STEP, rounding=ROUND_HALF_UP)


def written(amount: Decimal) -> str:
    """Write an amount without empty decimals.

    Examples
    --------
    >>> written(Decimal("40.300")), written(Decimal("0.000")), written(Decimal("200"))
    ('40.3', '0', '200')
    """
    return f"{amount.normalize():f}" if amount else "0"


def base_mg(lot: Lot, amount: Decimal) -> Decimal:
    """Give the milligrams of the drug itself in an amount of a lot: what a protocol counts. Nothing in what is inert.

    Examples
    --------
    >>> base_mg(Lot(drug="ketamine", unit="mg", basis="base"), Decimal("40.3"))
    Decimal('40.300')
    >>> base_mg(Lot(drug="ketamine", unit="mg", basis="hydrochloride"), Decimal(100))
    Decimal('86.700')
    """
    if lot.drug in INERT:
        return Decimal(0)
    return rounded(amount * _SHARE if lot.basis == Lot.Basis.SALT else amount)


def amount_of(lot: Lot, mg: Decimal) -> Decimal:
    """Give the amount of a lot that holds so many milligrams of the drug itself: the other way round.

    Examples
    --------
    >>> amount_of(Lot(drug="ketamine", unit="mg", basis="hydrochloride"), Decimal("86.7"))
    Decimal('100.000')
    """
    return rounded(mg / _SHARE if lot.basis == Lot.Basis.SALT else mg)


def fits(lot: Lot, *, drug: str, route: str) -> None:
    """Refuse a lot that is not what the dose needs.

    Raises
    ------
    Refused
        Another drug, or a form that this route does not take.
    """
    if lot.drug != drug:
        raise Refused(f"This lot is not {drug}.", expected=drug, came=f"{lot.drug}, lot {lot.number}")
    if lot.form not in _FORMS.get(route, ()):
        raise Refused(
            f"A {lot.get_form_display()} is not for a dose by this route.",
            expected=" or ".join(form.label for form in _FORMS.get(route, ())) or "nothing from the register",
            came=f"{lot.get_form_display()}, {route}",
        )
