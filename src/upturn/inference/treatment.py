"""What is done to a group of people, in the terms of the chain."""

from __future__ import annotations

from dataclasses import dataclass

from upturn.evidence import Arm
from upturn.mood import ArmMood, arm_mood
from upturn.pharmacology import Given
from upturn.protocol import device_times_h, nasal_devices_mg

__all__ = ["DoseKind", "Treatment", "treatment"]

RAPID = frozenset({"ketamine", "esketamine"})


@dataclass(frozen=True)
class DoseKind:
    """One dose of a drug with kinetics: how it is given, and how much [mg or mg/kg]."""

    given: Given
    amount: float
    per_kg: bool


@dataclass(frozen=True)
class Treatment:
    """A course: its parts of the mood model, its sessions, and its dose where the drug has kinetics.

    Parameters
    ----------
    mood
        Parts of the mood model.
    kind
        The dose; None where nothing with kinetics is given.
    doses_h
        Times of the sessions [h].
    """

    mood: ArmMood
    kind: DoseKind | None
    doses_h: tuple[float, ...]


def treatment(arm: Arm) -> Treatment:
    """Say in the terms of the chain what was done in a published arm."""
    mood = arm_mood(
        {(arm.drug, arm.route)} if arm.drug != "none" else (),
        tablets=arm.daily,
        background=arm.background,
        condition=arm.condition,
    )
    kind = None
    if arm.drug in RAPID and arm.amount:
        nasal = (arm.drug, arm.route) == ("esketamine", "intranasal")
        device = device_times_h(len(nasal_devices_mg(arm.amount))) if nasal else (0.0,)
        kind = DoseKind(Given(arm.drug, arm.route, arm.over_h, device), arm.amount, arm.unit == "mg/kg")
    return Treatment(mood, kind, arm.doses_h)
