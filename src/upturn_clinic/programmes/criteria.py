"""What everybody is asked before enrolment: the gates of a protocol at screening, and the treatment history.

What lives here: the criteria, from the protocol alone. What does not: what was answered about a person (participants).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from upturn.protocol import Distribution, Gate, Protocol, Rule

__all__ = ["HISTORY", "Criterion", "criteria_of"]

HISTORY = "treatment-history"
FAILED_TRIALS = "failed_trials"


@dataclass(frozen=True)
class Criterion:
    """A reason not to go on, as the protocol writes it.

    Parameters
    ----------
    id, kind, text
        From the gate. ``hard`` stops, ``soft`` asks for a documented decision.
    citation
        The source in words, or nothing.
    status
        How far the protocol trusts it: seen in source, derived or assumed.
    rules
        Measured limits.
    trials_wanted
        How many failed adequate trials the protocol's population has at least; only for the treatment history.
    source
        The id of the source, or nothing.
    """

    id: str
    kind: Literal["hard", "soft"]
    text: str
    citation: str
    status: str
    rules: tuple[Rule, ...] = ()
    trials_wanted: int | None = None
    source: str = ""


def criteria_of(protocol: Protocol) -> tuple[Criterion, ...]:
    """List the criteria of a protocol: its gates at screening, and the treatment history its population must have.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> [each.id for each in criteria_of(load("six-infusions"))][:2], criteria_of(load("six-infusions"))[-1].text
    (['severity', 'psychosis-or-mania'], 'Fewer than 2 adequate treatment trials without response.')
    """
    words = {source.id: source.text.strip() for source in protocol.sources}

    def cited(source: str | None) -> tuple[str, str]:
        return words.get(source or "", ""), source or ""

    found = [_of_gate(gate, *cited(gate.citation)) for gate in protocol.gates if gate.at == "screening"]
    history = protocol.population.covariates.get(FAILED_TRIALS)
    if isinstance(history, Distribution) and (least := int(history.min)) > 0:
        # Not a gate of the protocol but the edge of its population: so a decision, not a stop.
        people = protocol.population
        citation, source = cited(history.source or people.source)
        text = f"Fewer than {least} adequate treatment trials without response."
        status = history.status or people.status or "assumed"
        found.append(Criterion(HISTORY, "soft", text, citation, status, trials_wanted=least, source=source))
    return tuple(found)


def _of_gate(gate: Gate, citation: str, source: str) -> Criterion:
    return Criterion(gate.id, gate.kind, gate.text.strip(), citation, gate.status, gate.rules, source=source)
