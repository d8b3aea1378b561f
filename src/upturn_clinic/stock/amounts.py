"""What a lot can be used for, and milligrams of drug in an amount of it. No database.

Numbers: ``upturn_clinic/parameters/stock.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from upturn.parameters import read
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock.models import PLACES, Lot

__all__ = [
    "DRUGS", "EXPIRY_NEAR_D", "INERT", "MOST_CONTAINERS", "NOTHING", "SALT_BYTES", "WITH_SALT", "amount_of", "base_mg",
    "exact", "fits", "of_devices", "rounded", "with_ml", "written",
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
NOTHING = Decimal(0)
_ALL = Decimal(100)
_STEP = Decimal(1).scaleb(-PLACES)
_HUNDREDTH = Decimal("0.01")
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


def exact(total: Decimal | None) -> Decimal:
    """Give a sum of the database in whole thousandths: SQLite adds decimals as floating numbers."""
    return NOTHING if total is None else rounded(total)


def written(amount: Decimal) -> str:
    """Write an amount without empty decimals.

    Examples
    --------
    >>> written(Decimal("40.300")), written(Decimal("0.000")), written(Decimal("200"))
    ('40.3', '0', '200')
    """
    return f"{amount.normalize():f}" if amount else "0"


def with_ml(lot: Lot, amount: Decimal) -> str:
    """Write an amount of a lot with its unit; where it has a strength also the millilitres that a syringe shows.

    Examples
    --------
    >>> lot = Lot(drug="ketamine", unit="mg", mg_per_ml=Decimal(10))
    >>> with_ml(lot, Decimal("41.6")), with_ml(lot, Decimal("41.23"))
    ('41.6 mg = 4.16 ml', '41.23 mg ≈ 4.12 ml')
    >>> with_ml(Lot(drug="esketamine", unit="mg"), Decimal(56))
    '56 mg'
    """
    there = f"{written(amount)} {lot.unit}"
    if not lot.mg_per_ml:
        return there
    ml = (amount / lot.mg_per_ml).quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)
    return f"{there} {'=' if ml * lot.mg_per_ml == amount else '≈'} {written(ml)} ml"


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


def of_devices(there: Sequence[tuple[Lot, Decimal]], shares: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Give what of each draw was given by devices that were used, one after the other in the order of the draws.

    Parameters
    ----------
    there
        Lot and amount that there was to give, of each draw.
    shares
        How much of each device was given [%].

    Raises
    ------
    Refused
        More than there was.

    Examples
    --------
    >>> lot = Lot(drug="esketamine", form="device", unit="mg", amount_each=Decimal(28))
    >>> of_devices([(lot, Decimal(28)), (lot, Decimal(28))], [Decimal(100), Decimal(50)])
    (Decimal('28.000'), Decimal('14.000'))
    """
    given, rest = list[Decimal](), list(shares)
    for lot, amount in there:
        left = amount
        while rest and left > 0:
            wanted = lot.amount_each * rest[0] / _ALL
            if wanted <= left:
                left -= wanted
                rest.pop(0)
            else:
                # What this draw no longer holds of a device came from the next one.
                rest[0] -= left / lot.amount_each * _ALL
                left = NOTHING
        given.append(rounded(amount - left))
    if rest:
        raise Refused(
            "More was given than was drawn.", came=f"{written(rounded(sum(rest, NOTHING) / _ALL))} devices more",
            remedy="look at the devices; take back what was wasted of them by mistake, or draw what was missing first",
        )  # fmt: skip
    return tuple(given)


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
