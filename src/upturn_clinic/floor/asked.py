"""What the protocol asks of one session: timepoints, checklists, gates, how the dose is given. It reads no table.

What lives here: the protocol's entries for this dose, route and site. What does not: what was found (``gates``,
``sheet``), and any number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from upturn.errors import CannotError
from upturn.protocol import (
    Criterion,
    Dose,
    Gate,
    NamedRule,
    Protocol,
    Session,
    Source,
    applies,
    device_times_h,
    rules_of,
)
from upturn_clinic.floor.limits import CHECK_FRESH, READING_FRESH_BEFORE, TIME_OUT_FRESH

__all__ = ["HOUSE", "Asked", "Fresh", "HouseCheck", "Manner", "Way", "asked_of", "manner_of"]

MINUTES = 60
# What a closed gate asks for when it may end the dose.
ENDING = ("pause", "stop", "emergency")


class Way(StrEnum):
    """How a dose is given."""

    INFUSION = "infusion"
    DEVICES = "devices"
    AT_ONCE = "at once"


@dataclass(frozen=True)
class Manner:
    """How a dose is given, as far as everybody at the bedside may know.

    Parameters
    ----------
    way, route
        How, and where.
    over_min
        How long an infusion is planned to run [min]; 0 otherwise.
    devices_min
        When each device is due, in minutes from the first; empty where there are none. A masked placebo has as many
        as the drug it stands for.
    """

    way: Way
    route: str
    over_min: float = 0.0
    devices_min: tuple[float, ...] = ()


@dataclass(frozen=True)
class Fresh:
    """How old readings, second check and time-out may be when the dose begins."""

    readings: timedelta = READING_FRESH_BEFORE
    check: timedelta = CHECK_FRESH
    time_out: timedelta = TIME_OUT_FRESH


@dataclass(frozen=True)
class HouseCheck:
    """A check of the house, whatever the protocol: who this is, whether they consent, the time-out."""

    id: str
    text: str

    @property
    def key(self) -> str:
        """What an answer names it by."""
        return f"house/{self.id}"


HOUSE: Mapping[str, tuple[HouseCheck, ...]] = {
    "arrival": (
        HouseCheck("identity", "The person has said name and date of birth, and both are those of the record."),
        HouseCheck("consent", "The person still consents to this session, in their own words."),
    ),
    "time-out": (
        HouseCheck("time-out", "Time-out: two people have agreed aloud on person, dose, route and prepared amount."),
    ),
}


@dataclass(frozen=True)
class Asked:
    """What a protocol asks of a session, for one route and as far as the site has taken it on.

    Parameters
    ----------
    session
        The protocol's own entry; None where it has none.
    manner
        How the dose is given.
    timepoints
        Minutes from the start of the dose, and what is measured then.
    arrival, gates, discharge
        What is in force here.
    left_out
        Rules of a session that rest on no source that was read and that this site did not take on.
    stopping
        The protocol's reasons to stop giving doses that an adverse event makes, each with its id.
    stop_events
        The words of these events, as the protocol has them.
    sources
        The protocol's sources, by id.
    """

    session: Session | None
    manner: Manner
    timepoints: tuple[tuple[int, tuple[str, ...]], ...]
    arrival: tuple[Criterion, ...]
    gates: tuple[Gate, ...]
    discharge: tuple[Criterion, ...]
    left_out: tuple[NamedRule, ...]
    sources: Mapping[str, Source]
    stopping: tuple[tuple[str, str], ...] = ()
    stop_events: tuple[str, ...] = ()

    @property
    def first_min(self) -> int:
        """The first time of the protocol, in minutes from the start of the dose; 0 where it names none."""
        return min((minute for minute, _ in self.timepoints), default=0)

    @property
    def minimum_stay_min(self) -> float:
        """The shortest stay after the start of the dose [min]."""
        return self.session.minimum_stay_h * MINUTES if self.session else 0.0

    @property
    def fresh(self) -> Fresh:
        """How old what is done before the dose may be; the house's own limits where the protocol says nothing."""
        said = self.session.before_dose if self.session else None
        if said is None:
            return Fresh()
        return Fresh(*(timedelta(hours=each) for each in (said.readings_h, said.check_h, said.time_out_h)))

    @property
    def stop_reasons(self) -> tuple[tuple[str, str], ...]:
        """The reasons of the protocol for which a dose is ended early, each with its id: gates, and reasons to stop."""
        gates = ((each.id, each.text) for each in self.gates if each.asks in ENDING and each.stands == "during")
        return tuple((name, " ".join(text.split())) for name, text in (*gates, *self.stopping))

    @property
    def measures(self) -> tuple[str, ...]:
        """Everything that is measured at any timepoint, in the protocol's order."""
        found = (measure for _, measures in self.timepoints for measure in measures)
        return tuple(dict.fromkeys(found))

    def gates_that(self, stands: str) -> tuple[Gate, ...]:
        """Give the gates that stand before the dose, during, or at leaving."""
        return tuple(each for each in self.gates if each.stands == stands)

    def source_words(self, citation: str | None) -> str:
        """Write a source as people read it; says so where there is none."""
        if citation is None:
            return "the protocol names no source"
        found = self.sources.get(citation)
        return " ".join(found.text.split()) if found else citation


def asked_of(protocol: Protocol, *, dose: str, arm: str, in_force: frozenset[str] | None = None) -> Asked:
    """Gather what a protocol asks of the session of a dose.

    Parameters
    ----------
    dose, arm
        The protocol's word for the dose, and the arm: for computing.
    in_force
        The keys of the rules that hold here (``programmes.queries.rules_in_force``); all of them unless given.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> asked = asked_of(load("six-infusions"), dose="induction", arm="ketamine")
    >>> asked.manner.over_min, asked.timepoints[0][0]
    (40.0, -15)
    """
    manner, session = manner_of(protocol, dose=dose, arm=arm), protocol.session
    holds = {rule.key for rule in rules_of(protocol)} if in_force is None else in_force

    def here(section: str, parts: Sequence[Criterion]) -> tuple[Criterion, ...]:
        return tuple(each for each in parts if f"{section}/{each.id}" in holds and applies(each, manner.route))

    gates = (each for each in protocol.gates if each.at == "session" and applies(each, manner.route))
    reasons = protocol.safety.stopping if protocol.safety else ()
    stopping = [each for each in reasons if each.events and f"stopping/{each.id}" in holds]
    return Asked(
        session=session,
        manner=manner,
        timepoints=_timepoints(session),
        arrival=here("arrival", session.arrival) if session else (),
        gates=tuple(each for each in gates if f"gates/{each.id}" in holds),
        discharge=here("discharge", session.discharge) if session else (),
        left_out=tuple(
            each for each in rules_of(protocol)
            if each.section in ("arrival", "gates", "discharge") and each.key not in holds
        ),
        sources={each.id: each for each in protocol.sources},
        stopping=tuple((each.id, each.text) for each in stopping),
        stop_events=tuple(word for each in stopping for word in each.events),
    )  # fmt: skip


def _timepoints(session: Session | None) -> tuple[tuple[int, tuple[str, ...]], ...]:
    return tuple((round(each.at_h * MINUTES), each.measures) for each in (session.timepoints if session else ()))


def manner_of(protocol: Protocol, *, dose: str, arm: str) -> Manner:
    """Say how a dose is given.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> manner_of(load("esketamine-trd"), dose="weeks-1-to-4", arm="placebo").devices_min
    (0.0, 5.0, 10.0)
    """
    entry = next((each for each in protocol.arms[arm].doses if each.id == dose), None) if arm in protocol.arms else None
    if entry is None:
        raise CannotError("The protocol does not have this dose in this arm.", came=dose)
    if entry.over_h:
        return Manner(Way.INFUSION, entry.route, over_min=entry.over_h * MINUTES)
    devices = max(_devices(protocol, entry), default=0)
    if devices:
        times = tuple(round(each * MINUTES, 6) for each in device_times_h(devices))
        return Manner(Way.DEVICES, entry.route, devices_min=times)
    return Manner(Way.AT_ONCE, entry.route)


def _devices(protocol: Protocol, entry: Dose) -> list[int]:
    """Count the devices of a dose in every arm that has it: a placebo of the same name looks alike."""
    if not entry.is_inert:
        return [len(entry.device_mg)]
    alike = (each for arm in protocol.arms.values() for each in arm.doses if each.id == entry.id)
    return [len(each.device_mg) for each in alike if each.route == entry.route]
