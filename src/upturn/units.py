"""Quantities with units at every door; plain floats in canonical units behind it.

Canonical units: hours, milligrams, litres, milligrams per litre, kilograms, years. What lives here: reading
a quantity or a duration that a person wrote. What does not: arithmetic with units inside the science (the
unit is in the name there, ``amount_mg``, ``time_h``).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from upturn.errors import UnitError

__all__ = ["Amount", "amount", "hours", "iso_duration", "quantity"]

DAY_H = 24.0
WEEK_H = 168.0

_ISO_DURATION = re.compile(
    r"^(?P<sign>-)?P(?!$)(?:(?P<weeks>\d+(?:\.\d+)?)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?!$)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)
# What stands in the wanted unit already needs no conversion.
_SYMBOLS = {"mg": "milligram", "kg": "kilogram", "h": "hour"}
_NUMBER_AND_UNIT = re.compile(r"^\s*(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>\S.*?)?\s*$")


@cache
def _registry() -> Any:
    # pint takes a third of a second to load; only doors that convert a quantity pay for it.
    import pint  # noqa: PLC0415

    return pint.UnitRegistry(cache_folder=None)


def quantity(text: str, unit: str, *, what: str = "quantity", where: str | None = None) -> float:
    """Read a quantity that a person wrote and give its value in ``unit``.

    Parameters
    ----------
    text
        Number and unit, such as ``"40 min"`` or ``"70 kg"``.
    unit
        The canonical unit wanted, such as ``"hour"``.
    what, where
        What is being read and where it stands, for the message.

    Returns
    -------
    float
        The value in ``unit``.

    Raises
    ------
    UnitError
        No number, no unit, an unknown unit, another dimension, or a value that is not finite.

    Examples
    --------
    >>> quantity("30 min", "hour")
    0.5
    """
    example = {"hour": "40 min", "milligram": "28 mg", "kilogram": "70 kg"}.get(unit, f"1 {unit}")
    found = _NUMBER_AND_UNIT.match(str(text))
    if found is None:
        raise UnitError(
            f"The {what} could not be read.",
            expected=f"a number and a unit, such as {example}",
            came=repr(str(text)),
            where=where,
        )
    if not found["unit"]:
        raise UnitError(
            f"The {what} has no unit.",
            expected=f"a number and a unit, such as {example}",
            came=str(text),
            where=where,
            remedy="write the unit after the number",
        )
    try:
        value = float(found["number"])
        if _SYMBOLS.get(found["unit"]) != unit:
            value = float(_registry().Quantity(value, found["unit"]).to(unit).magnitude)
    except Exception as error:
        raise UnitError(
            f"The {what} is not in a unit of {_dimension(unit)}.",
            expected=f"a number and a unit, such as {example}",
            came=str(text),
            where=where,
        ) from error
    if not math.isfinite(value):
        raise UnitError(f"The {what} is not a finite number.", came=str(text), where=where)
    return value


def _dimension(unit: str) -> str:
    return {"hour": "time", "milligram": "mass", "kilogram": "mass", "centimeter": "length"}.get(unit, unit)


def hours(text: str, *, what: str = "duration", where: str | None = None) -> float:
    """Read a duration, ISO 8601 (``PT40M``) or number and unit (``40 min``), in hours.

    Examples
    --------
    >>> hours("PT40M") == hours("40 min")
    True
    >>> hours("P3W")
    504.0
    """
    if str(text).strip().upper().startswith(("P", "-P")):
        return iso_duration(str(text), what=what, where=where)
    return quantity(text, "hour", what=what, where=where)


def iso_duration(text: str, *, what: str = "duration", where: str | None = None) -> float:
    """Read an ISO 8601 duration of weeks, days, hours, minutes and seconds, in hours.

    Months and years have no fixed length and are refused. A leading minus is allowed (before the anchor).

    Examples
    --------
    >>> iso_duration("P1DT12H")
    36.0
    """
    found = _ISO_DURATION.match(str(text).strip())
    if found is None:
        raise UnitError(
            f"The {what} could not be read.",
            expected="an ISO 8601 duration in weeks, days, hours, minutes or seconds, such as P2D or PT40M",
            came=repr(str(text)),
            where=where,
            remedy="months and years have no fixed length: write days or weeks",
        )
    part = {name: float(found[name] or 0.0) for name in ("weeks", "days", "hours", "minutes", "seconds")}
    total = (
        WEEK_H * part["weeks"] + DAY_H * part["days"] + part["hours"] + part["minutes"] / 60 + part["seconds"] / 3600
    )
    return -total if found["sign"] else total


@dataclass(frozen=True)
class Amount:
    """An amount of drug: absolute, or per kilogram of body weight.

    Parameters
    ----------
    value
        Amount [mg] or [mg/kg].
    per_kg
        Whether ``value`` is per kilogram.
    """

    value: float
    per_kg: bool

    def mg(self, weight_kg: float | None) -> float:
        """Give the amount [mg] for a body weight [kg]; the weight is needed only for mg/kg."""
        if not self.per_kg:
            return self.value
        if weight_kg is None:
            raise UnitError(
                "The dose is per kilogram, but no body weight was given.",
                expected="a body weight, such as 70 kg",
                came="none",
                remedy="give the weight, or an absolute amount such as 35 mg",
            )
        return self.value * weight_kg

    def __str__(self) -> str:
        return f"{self.value:g} mg/kg" if self.per_kg else f"{self.value:g} mg"


def amount(text: str, *, what: str = "amount", where: str | None = None) -> Amount:
    """Read an amount of drug: a mass, or a mass per body mass.

    Examples
    --------
    >>> str(amount("0.5 mg/kg")), str(amount("500 ug/kg")), str(amount("0.084 g"))
    ('0.5 mg/kg', '0.5 mg/kg', '84 mg')
    """
    written = str(text).strip()
    head, slash, tail = written.partition("/")
    per_kg = bool(slash) and tail.strip().lower() in {"kg", "kilogram"}
    if slash and not per_kg:
        raise UnitError(
            f"The {what} is neither a mass nor a mass per kilogram.",
            expected="such as 28 mg or 0.5 mg/kg",
            came=written,
            where=where,
        )
    value = quantity(head, "milligram", what=what, where=where)
    if value < 0:
        raise UnitError(f"The {what} is negative.", expected="zero or more", came=written, where=where)
    return Amount(value=float(f"{value:.12g}"), per_kg=per_kg)
