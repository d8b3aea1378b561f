"""Who acts and where, as far as the ledger must know. Who that person is and what they may do is for accounts."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

__all__ = ["Author"]


class Author(Protocol):
    """Somebody who writes: a person at a facility, or the system itself when ``user_id`` is None."""

    @property
    def user_id(self) -> UUID | None:
        """The person."""

    @property
    def facility_id(self) -> UUID | None:
        """The facility at which they act."""
