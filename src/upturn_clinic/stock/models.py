"""Lots, what was drawn from them for a dose, and the rows of the register. Nothing here changes or goes: it is righted.

A row says what it did to the shelf and what it did to what was drawn; both must never fall below nothing, and the
balance is their sum. Which lot a dose was drawn from can tell a masked arm, so lot and amount are secret fields: the
trail holds a seal of them instead (``seals``).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.classification import Classified
from upturn_clinic.ground.versioned import Versioned
from upturn_clinic.operation import LONGEST_REASON
from upturn_clinic.treatments.models import Dose

__all__ = ["DIGITS", "PLACES", "Draw", "Lot", "Movement"]

SEAL_LENGTH = 64
DIGITS, PLACES = 12, 3


class Lot(Versioned):
    """One lot of one drug in one strength at one facility."""

    class Form(models.TextChoices):
        """What it comes in."""

        VIAL = "vial", "vial or ampoule"
        DEVICE = "device", "nasal device"
        TABLET = "tablet", "tablet, capsule or lozenge"

    class Unit(models.TextChoices):
        """In what its amount is counted: milligrams of drug; what holds no drug, by volume or piece."""

        MG = "mg", "mg"
        ML = "ml", "ml"
        PIECES = "pieces", "pieces"

    class Basis(models.TextChoices):
        """What the milligrams on the label count."""

        BASE = "base", "the drug itself (base)"
        SALT = "hydrochloride", "its hydrochloride salt"

    facility = models.ForeignKey(Facility, models.PROTECT, related_name="lots")
    drug = models.CharField(max_length=40)
    form = models.CharField(max_length=10, choices=Form.choices)
    number = models.CharField(max_length=60, verbose_name="lot number")
    expires_on = models.DateField(verbose_name="expiry (last day of use)")
    unit = models.CharField(max_length=10, choices=Unit.choices)
    amount_each = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, verbose_name="amount in each")
    mg_per_ml = models.DecimalField(
        max_digits=DIGITS, decimal_places=PLACES, null=True, blank=True, verbose_name="strength (mg in 1 ml)"
    )
    basis = models.CharField(max_length=15, choices=Basis.choices, default=Basis.BASE)
    # Kept for masked doses only: seen by nobody who may not know arms, so that the register tells them nothing.
    is_masked = models.BooleanField(default=False, verbose_name="kept for masked doses")
    first_received_at = models.DateTimeField()

    classified: ClassVar = Classified(
        operational=(
            "id", "version", "facility", "drug", "form", "number", "expires_on", "unit", "amount_each", "mg_per_ml",
            "basis", "is_masked", "first_received_at",
        )
    )  # fmt: skip

    class Meta:
        ordering: ClassVar = ["drug", "expires_on", "number"]
        indexes: ClassVar = [models.Index(fields=["facility", "drug", "expires_on"], name="lots_at_facility")]

    def __str__(self) -> str:
        return f"{self.drug}, lot {self.number}"

    @property
    def strength(self) -> str:
        """What one of it holds, in words."""
        each = f"{self.amount_each.normalize():f} {self.unit}"
        if self.mg_per_ml:
            ml = (self.amount_each / self.mg_per_ml).quantize(self.mg_per_ml)
            return f"{self.get_form_display()} of {each}: {ml.normalize():f} ml, {self.mg_per_ml.normalize():f} mg/ml"
        return self.get_form_display() if self.unit == self.Unit.PIECES else f"{self.get_form_display()} of {each}"

    @property
    def is_whole_only(self) -> bool:
        """Whether it leaves the shelf whole: a device cannot be divided."""
        return self.form == self.Form.DEVICE


class Draw(Versioned):
    """What one person took from one lot for one dose, and who checked it. Only the check is ever added."""

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="draws")
    dose = models.ForeignKey(Dose, models.PROTECT, related_name="draws")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    taken = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, verbose_name="amount drawn")
    taken_at = models.DateTimeField(verbose_name="drawn at")
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name="drawn by")
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)

    classified: ClassVar = Classified(
        clinical=("taken_at", "checked_at"),
        operational=("id", "version", "dose", "facility", "by", "checked_by"),
        secret=("lot", "taken"),
    )

    class Meta:
        verbose_name = "draw"
        ordering: ClassVar = ["taken_at"]

    def __str__(self) -> str:
        return f"Draw for {self.dose}"

    @property
    def is_checked(self) -> bool:
        """Whether a second person has checked it."""
        return self.checked_at is not None


class Movement(Versioned):
    """One row of the register. The table only grows: a wrong row is taken back by a row against it, with its reason."""

    class Kind(models.TextChoices):
        """What happened."""

        RECEIVED = "received", "received"
        DRAWN = "drawn", "drawn for a dose"
        GIVEN = "given", "given"
        WASTED = "wasted", "wasted"
        PUT_BACK = "put back", "put back unused"
        SENT_BACK = "sent back", "sent back to the supplier"
        DESTROYED = "destroyed", "destroyed"
        COUNTED = "counted", "counted"
        DIFFERENCE = "difference", "difference of a count"
        TAKEN_BACK = "taken back", "entry taken back"

    lot = models.ForeignKey(Lot, models.PROTECT, related_name="movements")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+")
    draw = models.ForeignKey(Draw, models.PROTECT, null=True, related_name="movements")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # What it does to the shelf, and to what is drawn and not yet accounted for; plus or minus, in the lot's unit.
    shelf = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, default=0)
    drawn = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, default=0)
    # What somebody counted on the shelf.
    counted = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES, null=True, blank=True)
    takes_back = models.OneToOneField("self", models.PROTECT, null=True, related_name="taken_back_by")
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    witness = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    reason = models.TextField(blank=True, max_length=LONGEST_REASON)
    # Hash over the row and a random text: in the trail it proves the row and tells nothing of it.
    salt = models.CharField(max_length=SEAL_LENGTH)
    seal = models.CharField(max_length=SEAL_LENGTH)

    classified: ClassVar = Classified(
        clinical=("kind",),
        operational=("id", "version", "facility", "draw", "takes_back", "at", "by", "witness", "seal"),
        # A reason may name what the other fields keep to themselves.
        secret=("lot", "shelf", "drawn", "counted", "reason", "salt"),
    )

    class Meta:
        verbose_name = "entry of the register"
        verbose_name_plural = "entries of the register"
        ordering: ClassVar = ["at", "id"]
        indexes: ClassVar = [models.Index(fields=["lot", "at"], name="movements_of_lot")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} on {self.at:%Y-%m-%d}"
