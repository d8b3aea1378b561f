"""A refusal in the words of one line, as a cell of the flowsheet has room for."""

from __future__ import annotations

from upturn_clinic.ground.errors import Refused

__all__ = ["in_words"]


def in_words(fault: Refused) -> str:
    """Write a refusal in one line."""
    came = f"Now: {fault.came}." if fault.came else ""
    expected = f"Expected: {fault.expected}." if fault.expected else ""
    remedy = f"What to do: {fault.remedy}." if fault.remedy else ""
    return " ".join(each for each in (fault.fault, came, expected.replace("..", "."), remedy) if each)
