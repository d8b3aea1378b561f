"""How many milligrams: the protocol's amount, a measured weight, and one rule of rounding, each shown. No database.

It computes and refuses; it advises nothing. Numbers: ``upturn_clinic/parameters/dosing.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from upturn.parameters import read
from upturn.protocol import Dose, Protocol
from upturn_clinic.ground.errors import Refused

__all__ = ["DEVIATION", "Computed", "Weight", "compute", "rounded"]

_NUMBERS = read("upturn_clinic", "dosing")
FIGURES = int(_NUMBERS.value("rounding_figures"))
FRESH = timedelta(days=_NUMBERS.value("weight_fresh_d"))
LIGHTEST_KG, HEAVIEST_KG = _NUMBERS.value("lightest_adult_kg"), _NUMBERS.value("heaviest_adult_kg")
DEVIATION = _NUMBERS.value("deviation_without_reason")


@dataclass(frozen=True)
class Weight:
    """A body weight as it was measured."""

    kg: float
    measured_at: datetime

    def __str__(self) -> str:
        return f"{self.kg:g} kg"


@dataclass(frozen=True)
class Computed:
    """An amount, and everything it rests on, in words.

    Parameters
    ----------
    mg
        The amount [mg].
    shown
        The arithmetic in one line, with units.
    rounding
        The rule of rounding, or why nothing was rounded.
    weight
        The weight that was used; None where the amount does not depend on it.
    is_rounded
        Whether the amount is another one than the arithmetic gave.
    cautions
        What whoever prepares the dose must see.
    """

    mg: float
    shown: str
    rounding: str
    weight: Weight | None = None
    is_rounded: bool = False
    cautions: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.mg:g} mg"


def rounded(mg: float) -> float:
    """Round an amount to three significant figures, halves upward.

    Examples
    --------
    >>> rounded(35.25), rounded(3.1545), rounded(112.25)
    (35.3, 3.15, 112.0)
    """
    exact = Decimal(str(mg))
    if not exact:
        return 0.0
    step = Decimal(1).scaleb(exact.adjusted() - FIGURES + 1)
    return float(exact.quantize(step, rounding=ROUND_HALF_UP))


def compute(dose: Dose, *, weight: Weight | None, protocol: Protocol, arm: str, at: datetime) -> Computed:
    """Work out the amount of a dose for a person.

    Parameters
    ----------
    dose
        The entry of the protocol.
    weight
        The latest measured weight, if any; needed for an amount per kilogram.
    protocol, arm
        Their range of body weights is the range for which the amount per kilogram was written.
    at
        When the dose is to be given: the age of the weight counts from here.

    Raises
    ------
    Refused
        An amount per kilogram without a weight, with one that no adult has, or with one outside the protocol's range;
        an amount by ideal weight.
    """
    if dose.is_inert:
        return Computed(0.0, f"{dose.drug}: no drug", "nothing to round")
    if not dose.amount.value:
        return Computed(0.0, f"{dose.drug}: no amount in the protocol", "nothing to round")
    if not dose.amount.per_kg:
        devices = dose.device_mg
        shown = f"{dose.amount}" + (f": {' + '.join(f'{each:g}' for each in devices)} mg by device" if devices else "")
        return Computed(dose.amount.value, shown, "not rounded: the protocol gives it in mg")
    if dose.weight == "ideal":
        raise Refused(
            "This dose is by ideal weight, which is not computed here.",
            remedy="the treating clinician works it out and records the amount with a reason",
        )
    known = _plausible(weight, dose, protocol, arm)
    exact = dose.amount.mg(known.kg)
    age = at - known.measured_at
    old = f"The weight is more than {FRESH.days} days old: weigh again."
    mg, shown = rounded(exact), f"{dose.amount} × {known.kg:g} kg = {_plain(exact)} mg"
    is_rounded = _plain(mg) != _plain(exact)
    rounding = f"rounded to {FIGURES} significant figures, halves upward" if is_rounded else "nothing to round"
    return Computed(mg, shown, rounding, known, is_rounded, (old,) if age > FRESH else ())


def _plausible(weight: Weight | None, dose: Dose, protocol: Protocol, arm: str) -> Weight:
    if weight is None:
        raise Refused(
            f"The amount is {dose.amount}, but no body weight is recorded.",
            expected="a measured weight in kg",
            remedy="weigh the participant and record it among the measures",
        )
    if not LIGHTEST_KG <= weight.kg <= HEAVIEST_KG:
        raise Refused(
            "The recorded weight is not that of an adult: no amount is computed.",
            expected=f"{LIGHTEST_KG:g} to {HEAVIEST_KG:g} kg",
            came=f"{weight.kg:g} kg",
            remedy="look at the unit and the decimal point, weigh again, and record it",
        )
    written_for = protocol.population_of(arm).weight_kg
    if not written_for.min <= weight.kg <= written_for.max:
        raise Refused(
            "The weight lies outside the range that this protocol was written for: no amount is computed.",
            expected=f"{written_for.min:g} to {written_for.max:g} kg",
            came=f"{weight.kg:g} kg",
            remedy="the treating clinician decides, and records the amount given with a reason",
        )
    return weight


def _plain(mg: float) -> str:
    return f"{Decimal(str(round(mg, 6))).normalize():f}"
