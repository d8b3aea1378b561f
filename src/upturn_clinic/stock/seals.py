"""A seal: a hash over a row of the register and a random text. In the trail it proves the row and tells nothing of it.

Without the random text anybody could try every lot and find the one that fits; with it only who reads the register
can check a seal.
"""

from __future__ import annotations

import hashlib
import secrets

from upturn_clinic.ledger.chain import canonical, plain
from upturn_clinic.stock.amounts import SALT_BYTES, written
from upturn_clinic.stock.models import Movement

__all__ = ["salted", "seal_of"]


def salted() -> str:
    """Draw the random text of a new row."""
    return secrets.token_hex(SALT_BYTES)


def seal_of(row: Movement) -> str:
    """Hash all that a row says."""
    content = {
        "id": str(row.pk), "lot": str(row.lot_id), "draw": plain(row.draw_id), "kind": str(row.kind),
        "shelf": written(row.shelf), "drawn": written(row.drawn),
        "counted": None if row.counted is None else written(row.counted), "takes_back": plain(row.takes_back_id),
        "at": plain(row.at), "by": plain(row.by_id), "witness": plain(row.witness_id), "reason": row.reason,
        "salt": row.salt,
    }  # fmt: skip
    return hashlib.sha256(canonical(content).encode()).hexdigest()
