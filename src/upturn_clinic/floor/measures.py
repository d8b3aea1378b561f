"""What can be measured in a session: unit, range, and whether a value can be. Ranges are those of the shelf."""

from __future__ import annotations

from decimal import Decimal

from upturn import instruments
from upturn.errors import InputError
from upturn_clinic.floor.limits import LIKELY
from upturn_clinic.floor.models import CATEGORY, amount
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.limits import BODY

__all__ = ["check", "codes_of", "meaning_of", "must_be_likely", "unit_of"]


def check(instrument: str, value: Decimal) -> str:
    """Refuse a value that the measure cannot have; give its unit.

    Examples
    --------
    >>> check("SBP", Decimal(128))
    'mmHg'
    """
    if instrument in BODY:
        unit, least, most = BODY[instrument]
        if not least <= value <= most:
            raise Refused(
                f"{instrument.capitalize()} cannot have this value.", expected=f"{least:g} to {most:g} {unit}",
                came=f"{value:f}",
            )  # fmt: skip
        return unit
    try:
        found = instruments.get(instrument)
        found.check(float(value))
    except InputError as error:
        raise Refused(error.fault, expected=error.expected, came=error.came) from error
    return found.unit


def must_be_likely(instrument: str, value: Decimal) -> None:
    """Ask about a value that can be, and is far from what is usual: a slipped point, or another unit.

    Raises
    ------
    Refused
        It lies outside; whoever read it may say that it is so.

    Examples
    --------
    >>> must_be_likely("SBP", Decimal(128))
    >>> try:
    ...     must_be_likely("SBP", Decimal("12.4"))
    ... except Refused as refusal:
    ...     print(refusal.fault, refusal.expected)
    Is this right? SBP 12.4 mmHg is far from what is usual. 50 to 260 mmHg, mostly
    """
    least, most = LIKELY.get(instrument, (value, value))
    if not least <= value <= most:
        unit = unit_of(instrument)
        raise Refused(
            f"Is this right? {instrument} {amount(value, unit)} is far from what is usual.",
            expected=f"{least:g} to {amount(Decimal(f'{most:g}'), unit)}, mostly",
            remedy="read it again; if it is so, say that it is",
        )  # fmt: skip


def unit_of(instrument: str) -> str:
    """Give the unit of a measure, or the range of a scale; empty for one that the shelf does not know.

    Examples
    --------
    >>> unit_of("SBP"), unit_of("MOAA/S")
    ('mmHg', '0 to 5')
    """
    if instrument in BODY:
        return BODY[instrument][0]
    try:
        found = instruments.get(instrument)
    except InputError:
        return ""
    if found.kind == "measure" or found.total.most is None:
        return found.unit
    return f"{found.total.least:g} to {found.total.most:g}"


def meaning_of(instrument: str) -> str:
    """Say what a scale is and what its numbers can be, to who does not know it; empty for what is measured.

    Examples
    --------
    >>> meaning_of("C-SSRS"), meaning_of("SBP")
    ('Columbia-Suicide Severity Rating Scale, screener (level of risk): 0 none, 1 low, 2 moderate, 3 high', '')
    """
    words = codes_of(instrument) or unit_of(instrument)
    if instrument in BODY or not words or (found := instruments.get(instrument)).kind == "measure":
        return ""
    return f"{found.name}: {words}"


def codes_of(instrument: str) -> str:
    """Say what the numbers of a measure stand for that has categories; empty for any other.

    Examples
    --------
    >>> codes_of("C-SSRS"), codes_of("SBP")
    ('0 none, 1 low, 2 moderate, 3 high', '')
    """
    if unit_of(instrument) == "" or instrument in BODY:
        return ""
    found = instruments.get(instrument)
    bands = found.bands.members if found.unit == CATEGORY and found.bands else ()
    return ", ".join(f"{each.least:g} {each.name}" for each in bands if each.least == each.most)
