"""One row of the audit trail, which the database refuses to change or remove; and the keys of what is sealed in it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from upturn_clinic.ground.classification import Classified

__all__ = ["Entry", "FormAnswer", "PersonKey"]

HASH_LENGTH = 64
KEY_LENGTH = 64


class Entry(models.Model):
    """Who did what to which record, when, where and why; chained to the row before it."""

    sequence = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    facility = models.ForeignKey("accounts.Facility", models.PROTECT, null=True, related_name="+")
    action = models.CharField(max_length=80)
    object_type = models.CharField(max_length=80, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_version = models.PositiveIntegerField(null=True)
    # Canonical JSON, kept as text: what was hashed is what is stored, on every database.
    changes = models.TextField()
    reason = models.TextField(blank=True)
    # Values that say who somebody is, and the reason beside them: sealed under that person's key (see ``sealing.py``).
    person = models.UUIDField(null=True)
    sealed = models.TextField(blank=True)
    # The form that this was sent with, so that it is not written twice (see ``forms_sent.py``).
    form_key = models.CharField(max_length=HASH_LENGTH, blank=True)
    previous_hash = models.CharField(max_length=HASH_LENGTH, blank=True)
    hash = models.CharField(max_length=HASH_LENGTH, unique=True)

    classified: ClassVar = Classified(
        # Old and new values of any record stand in `changes`; the page that shows them asks the record's own classes.
        identifying=("sealed",),
        clinical=("changes", "reason"),
        operational=(
            "sequence", "at", "by", "facility", "action", "object_type", "object_id", "object_version", "person",
            "form_key", "previous_hash", "hash",
        ),
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["sequence"]
        indexes: ClassVar = [
            models.Index(fields=["object_type", "object_id", "sequence"], name="ledger_of_object"),
            models.Index(fields=["facility", "sequence"], name="ledger_at_facility"),
            models.Index(fields=["form_key"], name="ledger_of_form", condition=~models.Q(form_key="")),
        ]

    def __str__(self) -> str:
        return f"{self.sequence}: {self.action}"

    def content(self) -> dict[str, Any]:
        """Give what is hashed: every column but the hash itself, in plain text."""
        return {
            "sequence": self.sequence,
            "at": self.at.isoformat(timespec="microseconds"),
            "by": None if self.by_id is None else str(self.by_id),
            "facility": None if self.facility_id is None else str(self.facility_id),
            "action": self.action,
            "object_type": self.object_type,
            "object_id": self.object_id,
            "object_version": self.object_version,
            "changes": self.changes,
            "reason": self.reason,
            "person": None if self.person is None else str(self.person),
            "sealed": self.sealed,
            "form_key": self.form_key,
            "previous_hash": self.previous_hash,
        }


class FormAnswer(models.Model):
    """Where the answer to a form led, so that the same form sent again leads there, too. No record: a convenience."""

    form_key = models.CharField(primary_key=True, max_length=HASH_LENGTH)
    to = models.TextField()
    at = models.DateTimeField()

    classified: ClassVar = Classified(operational=("form_key", "to", "at"))

    def __str__(self) -> str:
        return self.to


class PersonKey(models.Model):
    """The key under which the trail holds who somebody is. When it is destroyed, that part of the trail is erased."""

    person = models.UUIDField(primary_key=True)
    key = models.CharField(max_length=KEY_LENGTH, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(operational=("person", "destroyed_at"), secret=("key",))

    def __str__(self) -> str:
        return f"the key of {self.person}"
