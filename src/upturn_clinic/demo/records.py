"""The virtual people: simulated by the library in a process of its own, read from the tables it wrote."""

from __future__ import annotations

import csv
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from upturn_clinic.programmes.computation import upturn

__all__ = ["VirtualPerson", "virtual_people"]


@dataclass(frozen=True)
class VirtualPerson:
    """One simulated person of an arm.

    Parameters
    ----------
    arm
        The protocol's name of the arm.
    age_y, sex, weight_kg, height_cm
        Who they are.
    ratings
        MADRS: hours after the first dose, and points; the first one is the baseline.
    doses_h
        When doses were given, in hours after the first.
    """

    arm: str
    age_y: int
    sex: str
    weight_kg: float
    height_cm: float
    ratings: tuple[tuple[float, int], ...]
    doses_h: tuple[float, ...]

    @property
    def baseline(self) -> int:
        """The rating before the first dose."""
        return self.ratings[0][1]

    @property
    def last_h(self) -> float:
        """The last time this person was seen [h]."""
        return self.ratings[-1][0]


def virtual_people(protocol: str, arm: str, *, count: int, seed: int) -> Sequence[VirtualPerson]:
    """Simulate people of one arm.

    Parameters
    ----------
    protocol
        Name of a shipped protocol.
    count
        How many.
    seed
        The same seed gives the same people.

    Raises
    ------
    CannotError
        The library could not simulate.
    """
    with tempfile.TemporaryDirectory(prefix="upturn-demo-") as folder:
        out = Path(folder) / "records"
        words = ["simulate", protocol, "--patients", str(count), "--seed", str(seed), "--out", str(out)]
        upturn([*words, "--format", "csv"])
        people = [each for each in _rows(out / "participants.csv") if each["arm"] == arm]
        ratings: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for each in _rows(out / "observations.csv"):
            if each["instrument"] == "MADRS" and each["item"] == "total":
                ratings[each["participant"]].append((float(each["time_h"]), int(float(each["value"]))))
        doses: dict[str, list[float]] = defaultdict(list)
        for each in _rows(out / "doses.csv"):
            doses[each["participant"]].append(float(each["start_h"]))
    return [
        VirtualPerson(
            arm, int(float(each["age_y"])), each["sex"], float(each["weight_kg"]), float(each["height_cm"]),
            tuple(sorted(ratings[each["participant"]])), tuple(sorted(doses[each["participant"]])),
        )
        for each in people
    ]  # fmt: skip


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))
