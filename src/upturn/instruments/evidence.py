"""Where a fact about an instrument was read. What does not live here: the facts (``scales/``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Evidence", "Status"]

Status = Literal["seen in source", "derived", "assumed"]


@dataclass(frozen=True)
class Evidence:
    """Where a fact was read, and how far it can be trusted."""

    source: str
    status: Status
    note: str = ""
