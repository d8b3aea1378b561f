"""A refusal in the words of one line, as a cell of the flowsheet has room for."""

from __future__ import annotations

from upturn_clinic.ground.errors import Refused

__all__ = ["in_words"]


def in_words(fault: Refused) -> str:
    """Write a refusal in one line."""
    said = (("Now", fault.came), ("Expected", fault.expected), ("What to do", fault.remedy))
    return " ".join((fault.fault, *(f"{name}: {words.rstrip('.')}." for name, words in said if words)))
