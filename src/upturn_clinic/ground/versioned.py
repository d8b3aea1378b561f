"""The shape of every record of ours: an identity that says nothing, and a version that counts its saves.

What lives here: the two fields. What does not: writing, which is the ledger's (``insert``, ``change``).
"""

from __future__ import annotations

from uuid import uuid4

from django.db import models

__all__ = ["Versioned"]


class Versioned(models.Model):
    """A record that two people may edit: a change names the version it was made on, or is refused."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True
