"""Every number that an answer used, with its source and status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from upturn.mood import moderators, mood_numbers
from upturn.parameters import Parameter, ParameterFile
from upturn.pharmacology import acute_numbers, receptor
from upturn.plasticity import plasticity_numbers
from upturn.population import INFORMED, Learnt, population_numbers, shipped_posterior
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
    files |= {file.id: file for file in (mood_numbers(), moderators(), population_numbers())}
    learnt = shipped_posterior().learnt
    return [_number(file.id, p, learnt.get(p.name)) for file in files.values() for p in file]


def _number(file: str, p: Parameter, learnt: Learnt | None) -> Number:
    if learnt is None or p.prior is None:
        return Number(file, p.name, p.value, p.unit, p.source, p.status, _spread(p))
    prior = f"prior {p.value:g} ({p.prior.kind}, SD {p.prior.sd:g}), {p.status}: {p.source}"
    status = "fitted" if learnt.contraction >= INFORMED else "fitted, not informed by the data"
    spread = f"90 %: {learnt.low:g} to {learnt.high:g}; contraction {learnt.contraction:.0%}"
    people = _spread(p, prior=False)
    return Number(file, p.name, learnt.median, p.unit, prior, status, f"{spread}; {people}" if people else spread)


def _spread(p: Parameter, *, prior: bool = True) -> str:
    words = [f"uncertain ({p.prior.kind}, SD {p.prior.sd:g})"] if p.prior is not None and prior else []
    words += [f"between people ({each.kind}, SD {each.sd:g})" for each in p.variability]
    return "; ".join(words)
