"""The numbers that only the comparison with published groups needs."""

from __future__ import annotations

from upturn.parameters import ParameterFile, read

__all__ = ["evidence_numbers"]


def evidence_numbers() -> ParameterFile:
    """Give them."""
    return read("upturn.inference", "evidence")
