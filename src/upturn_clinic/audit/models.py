"""Electronic signatures. The database refuses to change or remove one (see the first migration)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned

__all__ = ["Signature"]

HASH_LENGTH = 64


class Signature(Versioned):
    """Who signed what, as which version, when and with what meaning.

    The content hash ties it to what was on screen: when the record changes, the hash no longer fits, and the signature
    counts for the earlier version only.
    """

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    signer = models.ForeignKey(User, models.PROTECT, related_name="+")
    # The name as it was at that time; a later change of name leaves it.
    printed_name = models.CharField(max_length=120)
    at = models.DateTimeField()
    meaning = models.CharField(max_length=200)
    object_type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=64)
    object_version = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=HASH_LENGTH)

    classified: ClassVar = Classified(
        identifying=("printed_name",),
        operational=(
            "id", "version", "facility", "signer", "at", "meaning", "object_type", "object_id", "object_version",
            "content_hash",
        ),
        about="signer",
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["at"]
        indexes: ClassVar = [models.Index(fields=["object_type", "object_id"], name="signature_of_object")]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.meaning}"
