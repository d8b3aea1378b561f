"""Every rule of a version as its page shows it: what it says, its limits, what it asks for, its source, if it holds.

What lives here: words for the page, and the boxes to tick when a version is signed. What does not: judging a rule,
which is the library's (``upturn.protocol.judge``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join

from upturn.protocol import Concern, Criterion, Gate, Monitoring, NamedRule, Protocol, Serious, Stopping
from upturn_clinic.programmes import queries
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.schedule import day, length, rules_in_words
from upturn_clinic.programmes.sources import Cited, sources_of

__all__ = ["GROUPS", "HARD_AT_ARRIVAL", "RuleGroup", "RuleShown", "boxes", "groups_of"]

# Who this is and whether they consent is hard, whatever a protocol says: the floor asks it of everybody.
HARD_AT_ARRIVAL = ("identity", "consent")
GROUPS: Mapping[str, str] = {
    "arrival": "Before the dose",
    "gates": "Gates in a session",
    "discharge": "Before somebody leaves",
    "concerns": "Answers that somebody must look at",
    "serious": "Serious events",
    "stopping": "Reasons to stop giving doses",
    "monitoring": "Long-term monitoring",
}
_ASKS = {
    "decide": "a decision that is written down",
    "closer": "closer readings",
    "pause": "the dose is paused or held",
    "stop": "the dose is stopped or not given",
    "emergency": "the emergency path, at once",
}
_BY_HAND = "a person answers"
MINIMUM_STAY = "minimum-stay"
_WHEN = {"before": "before the dose", "during": "from the dose until leaving", "leaving": "at leaving"}


@dataclass(frozen=True)
class RuleShown:
    """One rule in words.

    Parameters
    ----------
    limits
        Measured limits, signs, times, or that a person answers.
    asks
        What it asks for, and of whom.
    source, status
        Its source, where one is named; and how far it can be trusted.
    holds
        Whether it holds in this version, and why.
    """

    key: str
    text: str
    limits: str
    asks: str
    source: Cited | None
    status: str
    holds: str
    is_in_force: bool


@dataclass(frozen=True)
class RuleGroup:
    """The rules of one kind, under their heading."""

    section: str
    title: str
    rules: tuple[RuleShown, ...]

    @property
    def has_asks(self) -> bool:
        """Whether any of them asks for something; else the column is left out."""
        return any(each.asks for each in self.rules)


def groups_of(version: ProtocolVersion) -> tuple[RuleGroup, ...]:
    """Gather the rules of a version under their headings, in the order of a treatment."""
    protocol = queries.protocol_of(version)
    parts, sources = dict(_parts(protocol)), sources_of(protocol)
    shown: dict[str, list[RuleShown]] = {}
    is_draft = version.state == ProtocolVersion.State.DRAFT
    for each in queries.standing_of(version):
        limits, asks = parts[each.rule.key]
        row = RuleShown(
            each.rule.key, _sentence(each.rule), limits, asks, sources.get(each.rule.citation or ""), each.rule.status,
            _holds(each, is_draft=is_draft), each.is_in_force,
        )  # fmt: skip
        shown.setdefault(each.rule.section, []).append(row)
    return tuple(RuleGroup(key, title, tuple(shown[key])) for key, title in GROUPS.items() if key in shown)


def boxes(protocol: Protocol) -> dict[str, list[tuple[str, str]]]:
    """Give the rules that a signer may take on, by section: key and words of each."""
    parts, sources = dict(_parts(protocol)), sources_of(protocol)
    found: dict[str, list[tuple[str, str]]] = {}
    for each in queries.examples_of(protocol):
        found.setdefault(each.section, []).append(
            (each.key, _label(each, *parts[each.key], sources.get(each.citation or "")))
        )
    return found


def _sentence(rule: NamedRule) -> str:
    # Of serious events the protocol names only to whom they are reported.
    return f"A serious event is reported to {rule.text}." if rule.section == "serious" else rule.text


def _label(rule: NamedRule, limits: str, asks: str, source: Cited | None) -> str:
    told = "; ".join(part for part in (limits, asks) if part)
    named = f"{rule.status}; source: {source.brief}" if source else f"{rule.status}; no source"
    lines = [each for each in (told, named) if each]
    small = format_html_join("", "<small>{}</small>", [[each] for each in lines])
    return format_html('<span class="rule-words">{}{}</span>', rule.text, small)


def _holds(each: queries.Standing, *, is_draft: bool) -> str:
    if each.rule.is_read:
        return "yes: its source was read"
    if each.is_always:
        return "yes: always"
    if each.is_taken:
        return "yes: taken on by signature"
    return "may be taken on when this version is signed" if is_draft else "no: an example, not taken on"


def _parts(protocol: Protocol) -> Iterator[tuple[str, tuple[str, str]]]:
    """Tell limits and consequence of each rule, by its key."""
    session, safety = protocol.session, protocol.safety
    for each in session.arrival if session else ():
        kind = "hard" if each.id in HARD_AT_ARRIVAL else each.kind
        decision = f"where it does not hold, {'no dose is given' if kind == 'hard' else _ASKS['decide']}"
        yield f"arrival/{each.id}", (_criterion(each), f"{kind}: {decision}")
    for gate in protocol.gates:
        yield f"gates/{gate.id}", _gate(gate)
    for each in session.discharge if session else ():
        if each.id == MINIMUM_STAY and session is not None:
            stay = f"{length(session.minimum_stay_h)} from the start of the dose, by the clock"
            yield f"discharge/{each.id}", (stay, "")
        else:
            yield f"discharge/{each.id}", (_criterion(each), "")
    if safety is None:
        return
    for concern in safety.concerns:
        yield f"concerns/{concern.id}", _concern(concern)
    if safety.serious:
        yield "serious/report", ("every adverse event marked as serious", _report(safety.serious))
    for stopping in safety.stopping:
        yield f"stopping/{stopping.id}", (_stopping(stopping), "a clinician decides")
    for look in safety.monitoring:
        yield f"monitoring/{look.id}", (_look(look), "")


def _report(serious: Serious) -> str:
    return f"a report within {serious.report_within_h:g} h of when it became known"


def _criterion(each: Criterion) -> str:
    told = f"not met with {rules_in_words(each.rules)}" if each.rules else _BY_HAND
    only = f"only {', '.join(each.only)}" if each.only else ""
    return "; ".join(part for part in (told, only) if part)


def _gate(gate: Gate) -> tuple[str, str]:
    limits = [rules_in_words(gate.rules), ", ".join(gate.signs)] if gate.rules or gate.signs else [_BY_HAND]
    if gate.only:
        limits.append(f"only {', '.join(gate.only)}")
    asks = _ASKS[gate.asks] + (f", every {length(gate.every_h)}" if gate.every_h else "")
    over = f"; {' or '.join(gate.override)} may go on, signed" if gate.override else ""
    return "; ".join(each for each in limits if each), f"{gate.kind}, {_WHEN[gate.stands]}: {asks}{over}"


def _concern(concern: Concern) -> tuple[str, str]:
    what = f"item {concern.item}" if concern.item else "result"
    shown = ", crisis help is shown at once" if concern.show_help else ""
    asks = f"a task for a {concern.owner}, within {length(concern.within_h)}{shown}"
    return f"{concern.instrument}, {what} at least {concern.at_least:g}", asks


def _stopping(stopping: Stopping) -> str:
    told = [rules_in_words(stopping.rules), " or ".join(stopping.events)]
    if stopping.no_response:
        told.append(f"from {day(stopping.no_response.by_h)} on")
    if stopping.spacing:
        spacing = stopping.spacing
        told.append(f"doses after {day(spacing.after_h)} less than {length(spacing.at_least_h)} apart")
    return "; ".join(each for each in told if each)


def _look(look: Monitoring) -> str:
    until = f" until {day(look.until_h)}" if look.until_h is not None else ""
    every = f", then every {length(look.every_h)}" if look.every_h else ""
    return f"{day(look.from_h)}{every}{until}" + (f"; {look.instrument}" if look.instrument else "")
