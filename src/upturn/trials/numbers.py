"""Every number that an answer used, with its source and status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from upturn.mood import moderators, mood_numbers
from upturn.parameters import ParameterFile
from upturn.pharmacology import acute_numbers, receptor
from upturn.plasticity import plasticity_numbers
from upturn.trials.arm import ArmPlan

__all__ = ["Number", "numbers_used"]


@dataclass(frozen=True)
class Number:
    """One number: where it stands, what it is, where it comes from, and how far it can be trusted."""

    file: str
    name: str
    value: float
    unit: str
    source: str
    status: str
    spread: str


def numbers_used(plans: Iterable[ArmPlan]) -> list[Number]:
    """List the numbers of the models that the arms use."""
    files: dict[str, ParameterFile] = {}
    for plan in plans:
        for _, _, model in plan.givens:
            files[model.parameters.id] = model.parameters
    if files:
        files |= {file.id: file for file in (receptor(), acute_numbers(), plasticity_numbers())}
    files |= {file.id: file for file in (mood_numbers(), moderators())}
    return [
        Number(file.id, p.name, p.value, p.unit, p.source, p.status, _spread(p.prior, p.variability))
        for file in files.values()
        for p in file
    ]


def _spread(prior: object, variability: object) -> str:
    words = []
    if prior is not None:
        words.append(f"uncertain ({prior.kind}, SD {prior.sd:g})")  # type: ignore[attr-defined]
    for each in variability or ():  # type: ignore[attr-defined]
        words.append(f"between people ({each.kind}, SD {each.sd:g})")
    return "; ".join(words)
