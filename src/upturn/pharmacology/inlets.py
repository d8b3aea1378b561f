"""How a dose gets in: which path, when, how fast, and which part of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Inlet"]


@dataclass(frozen=True)
class Inlet:
    """One way in of a dose.

    Parameters
    ----------
    path
        Name of the path through the body that it enters.
    share
        Name of the person's fraction of the amount that takes this way.
    starts_h
        Start after the dose [h].
    lasts_h
        Duration of zero-order input [h]; 0 for an instantaneous one.
    weight
        Part of the amount that this inlet carries before the share is applied (one device of three: 1/3).
    """

    path: str
    share: str
    starts_h: float = 0.0
    lasts_h: float = 0.0
    weight: float = 1.0
