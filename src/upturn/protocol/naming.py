"""The rules of a protocol by name, so that a site can say which of them it takes on.

What lives here: keys that are unique in a protocol (``gates/oxygen-saturation``), with what each rule says. What does
not: whose decision it is, and criteria of screening, which are always asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from upturn.protocol.study import Protocol
from upturn.protocol.values import Status

__all__ = ["NamedRule", "Section", "rules_of"]

Section = Literal["arrival", "gates", "discharge", "concerns", "serious", "stopping", "monitoring"]


@dataclass(frozen=True)
class NamedRule:
    """A rule, and the key by which it is taken on."""

    section: Section
    id: str
    text: str
    status: Status
    citation: str | None

    @property
    def key(self) -> str:
        """The section and the id."""
        return f"{self.section}/{self.id}"

    @property
    def is_read(self) -> bool:
        """Whether its source was read; only such a rule holds without being taken on."""
        return self.status == "seen in source"


def rules_of(protocol: Protocol) -> tuple[NamedRule, ...]:
    """Name every rule of a protocol, in the order of a treatment; criteria of screening are left out.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> [each.key for each in rules_of(load("six-infusions")) if each.section == "gates"][0]
    'gates/blood-pressure-before'
    """
    return tuple(_rules(protocol))


def _rules(protocol: Protocol) -> Iterator[NamedRule]:
    session, safety = protocol.session, protocol.safety
    for each in session.arrival if session else ():
        yield NamedRule("arrival", each.id, _line(each.text), each.status, each.citation)
    for gate in protocol.gates:
        if gate.at == "session":
            yield NamedRule("gates", gate.id, _line(gate.text), gate.status, gate.citation)
    for each in session.discharge if session else ():
        yield NamedRule("discharge", each.id, _line(each.text), each.status, each.citation)
    if safety is None:
        return
    for concern in safety.concerns:
        yield NamedRule("concerns", concern.id, _line(concern.text), concern.status, concern.citation)
    if safety.serious:
        yield NamedRule("serious", "report", safety.serious.to, safety.serious.status, safety.serious.citation)
    for stopping in safety.stopping:
        yield NamedRule("stopping", stopping.id, _line(stopping.text), stopping.status, stopping.citation)
    for look in safety.monitoring:
        yield NamedRule("monitoring", look.id, _line(look.text), look.status, look.citation)


def _line(text: str) -> str:
    return " ".join(text.split())
