"""The whole protocol, and the rules that need more than one part of it.

What lives here: endpoints, sources and the document itself. What does not: reading files (``library``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator

from upturn.protocol.faults import Fault, Path, refuse, suggestion
from upturn.protocol.people import Arm, Contrast, Population
from upturn.protocol.rules import Gate
from upturn.protocol.safety import Safety
from upturn.protocol.values import (
    Duration,
    Fraction,
    Instrument,
    Name,
    Number,
    Part,
    Sourced,
    Text,
    iso_text,
)
from upturn.protocol.visits import Assessment, Encounter, Session, faults_of_readings

__all__ = [
    "Endpoints",
    "Protocol",
    "Relapse",
    "Remission",
    "Response",
    "Simulation",
    "Source",
    "SustainedResponse",
]

NOTICE: Final = "For research and education; decisions belong to the treating clinician."


def _format_version(written: object) -> object:
    # Equality alone would let true and 1.0 pass for 1.
    if type(written) is not int or written != 1:
        came = f'"{written}"' if isinstance(written, str) else str(written).lower()
        refuse(
            [
                Fault(
                    (),
                    "The format of this file is not known here.",
                    expected="upturn: 1",
                    came=f"upturn: {came}",
                )
            ]
        )
    return written


class Source(Part):
    """Where something was read."""

    id: Name
    """A name for the source, once per protocol."""
    text: Text
    """The source in words: authors, year, title."""
    doi: Text | None = None
    """Its digital object identifier."""
    url: Text | None = None
    """Where it was read."""


class Response(Sourced):
    """A fall from the person's own baseline by at least a fraction."""

    instrument: Instrument
    """The rating scale."""
    fall: Fraction
    """The smallest fall that counts, as a fraction of baseline."""


class Remission(Sourced):
    """A score at or below a limit."""

    id: Name
    """A name for this definition, such as remission-10."""
    instrument: Instrument
    """The rating scale."""
    at_most: Number
    """The highest score that counts."""


class Relapse(Sourced):
    """A score at or above a limit at several ratings in a row, in people who had got better."""

    instrument: Instrument
    """The rating scale."""
    at_least: Number
    """The lowest score that counts."""
    consecutive: int = Field(ge=1, strict=True)
    """At how many ratings in a row."""
    after: Literal["response", "remission"] = "response"
    """What must have come before."""


class SustainedResponse(Sourced):
    """A response that begins early and is kept."""

    by_h: Duration = Field(alias="by")
    """The response is there at this time after the first dose."""
    until_h: Duration = Field(alias="until")
    """And is kept until this time after the first dose."""
    excursions: int = Field(default=0, ge=0, strict=True)
    """How many ratings in between may fall short."""
    keeping: Fraction = 0.0
    """The fall from baseline that such a rating must still show, as a fraction."""


class Endpoints(Part):
    """What counts as better, well, and ill again."""

    response: Response
    """The definition of response."""
    remission: tuple[Remission, ...] = ()
    """Definitions of remission, kept apart."""
    relapse: Relapse | None = None
    """The definition of relapse."""
    sustained_response: SustainedResponse | None = None
    """The definition of the onset of a sustained response."""


class Simulation(Part):
    """How the protocol is simulated, where a choice of model is open."""

    kinetics: Literal["default", "perez_ruixo_2021", "simons_2022", "otto_fanta"] = "default"
    """The model of drug concentration; default chooses by drug and route."""


class Protocol(Part):
    """One study or programme: what is done to whom and when, and what is counted."""

    upturn: Annotated[Literal[1], BeforeValidator(_format_version)]
    """The version of this format: 1."""
    id: Name
    """A name without spaces, such as six-infusions."""
    version: Text
    """The version of this protocol, in quotes, such as "1.0.0"."""
    title: Text
    """The protocol in one line."""
    summary: Text
    """The protocol in two or three plain sentences."""
    notice: Literal["For research and education; decisions belong to the treating clinician."] = NOTICE
    """What every reader must be told."""
    sources: tuple[Source, ...] = ()
    """Where numbers and rules come from; everything that cites, cites one of these."""
    population: Population
    """Who takes part."""
    arms: dict[Name, Arm] = Field(min_length=1)
    """The groups, by name."""
    contrasts: tuple[Contrast, ...] = ()
    """Which arm is compared with which."""
    encounters: tuple[Encounter, ...] = ()
    """The visits."""
    assessments: tuple[Assessment, ...] = Field(min_length=1)
    """The ratings."""
    session: Session | None = None
    """What is done around each dose given under observation."""
    gates: tuple[Gate, ...] = ()
    """Reasons not to go on."""
    safety: Safety | None = None
    """What is watched beside the sessions."""
    endpoints: Endpoints
    """What counts as better, well, and ill again."""
    follow_up_h: Duration = Field(alias="follow_up")
    """How long people are followed after the first dose, such as P180D."""
    simulation: Simulation = Simulation()
    """How the protocol is simulated."""

    @property
    def horizon_h(self) -> float:
        """End of the simulated time, after the first dose [h]."""
        return self.follow_up_h

    def population_of(self, arm: str) -> Population:
        """Give the population that an arm draws from."""
        return self.arms[arm].population or self.population

    def assessment_times_h(self, instrument: str, *, arm: str | None = None) -> tuple[float, ...]:
        """Give the times at which an instrument is used, after the first dose [h], in order, each once.

        Parameters
        ----------
        instrument
            Such as ``MADRS``.
        arm
            Only the times of this arm; without it, the times of all arms together.
        """
        times = {
            time
            for each in self.assessments
            if each.instrument == instrument and (arm is None or not each.arms or arm in each.arms)
            for time in each.at_h
        }
        return tuple(sorted(times))

    @model_validator(mode="after")
    def _is_sound(self) -> Protocol:
        refuse(
            [
                *self._faults_of_names(),
                *self._faults_of_references(),
                *self._faults_of_times(),
                *self._faults_of_windows(),
                *self._faults_of_endpoints(),
                *faults_of_readings(self.session, self.gates),
                *self._faults_of_safety(),
            ]
        )
        return self

    def _faults_of_names(self) -> Iterator[Fault]:
        yield from _repeated_ids(self.sources, at=("sources",))
        yield from _repeated_ids(self.encounters, at=("encounters",))
        yield from _repeated_ids(self.gates, at=("gates",))
        yield from _repeated_ids(self.endpoints.remission, at=("endpoints", "remission"))
        if self.session is not None:
            yield from _repeated_ids(self.session.arrival, at=("session", "arrival"))
            yield from _repeated_ids(self.session.discharge, at=("session", "discharge"))
        if self.safety is not None:
            for name in ("concerns", "stopping", "monitoring"):
                yield from _repeated_ids(getattr(self.safety, name), at=("safety", name))
        for name, arm in self.arms.items():
            yield from _repeated_ids(arm.doses, at=("arms", name, "doses"))

    def _faults_of_references(self) -> Iterator[Fault]:
        sources = [each.id for each in self.sources]
        for path, cited in _cited(self, ()):
            if cited not in sources:
                yield _unknown(path, cited, sources, "The source is not in the list of sources.")
        for position, contrast in enumerate(self.contrasts):
            for side, arm in (("arm", contrast.arm), ("control", contrast.control)):
                if arm not in self.arms:
                    yield _unknown(("contrasts", position, side), arm, list(self.arms), "There is no such arm.")
            if contrast.arm == contrast.control:
                yield Fault(
                    ("contrasts", position),
                    "An arm is compared with itself.",
                    expected="two arms",
                    came=contrast.arm,
                )
        for position, assessment in enumerate(self.assessments):
            for place, arm in enumerate(assessment.arms):
                if arm not in self.arms:
                    yield _unknown(
                        ("assessments", position, "arms", place),
                        arm,
                        list(self.arms),
                        "There is no such arm.",
                    )

    def _faults_of_times(self) -> Iterator[Fault]:
        for position, assessment in enumerate(self.assessments):
            yield from self._too_late(max(assessment.at_h), ("assessments", position, "at"), "An assessment")
        for name, arm in self.arms.items():
            for position, dose in enumerate(arm.doses):
                where: Path = ("arms", name, "doses", position)
                yield from self._too_late(max(dose.on_h, default=0.0), (*where, "on"), "A dose")
                yield from self._too_late(dose.until_h or 0.0, (*where, "until"), "A dose")
            if arm.doses and not any(0.0 in dose.on_h for dose in arm.doses):
                yield Fault(
                    ("arms", name, "doses"),
                    "No dose stands at the start, but all times are counted from the first dose.",
                    expected="one dose with P0D among its times",
                )
        yield from self._faults_of_ratings()

    def _too_late(self, time_h: float, path: Path, what: str) -> Iterator[Fault]:
        if time_h > self.follow_up_h:
            yield Fault(
                path,
                f"{what} stands after the end of follow-up.",
                expected=f"{iso_text(self.follow_up_h)} or earlier",
                came=iso_text(time_h),
                remedy="shorten it, or lengthen follow_up",
            )

    def _faults_of_ratings(self) -> Iterator[Fault]:
        seen: set[tuple[str, str, float]] = set()
        for position, assessment in enumerate(self.assessments):
            here = {
                (assessment.instrument, arm, time) for arm in assessment.arms or self.arms for time in assessment.at_h
            }
            twice = sorted(here & seen)
            if twice:
                yield Fault(
                    ("assessments", position, "at"),
                    f"The {assessment.instrument} stands twice at the same time.",
                    expected="each instrument once at a time",
                    came=iso_text(twice[0][2]),
                )
            seen |= here

    def _faults_of_windows(self) -> Iterator[Fault]:
        places = {each.id: position for position, each in enumerate(self.encounters)}
        for anchor in ("first dose", "last dose"):
            here = sorted((each for each in self.encounters if each.anchor == anchor), key=lambda each: each.at_h)
            for before, after in pairwise(here):
                if after.opens_h < before.closes_h:
                    yield Fault(
                        ("encounters", places[after.id], "window"),
                        f"The windows of {before.id} and {after.id} overlap.",
                        expected=f"{after.id} to open at {iso_text(before.closes_h)} or later",
                        came=iso_text(after.opens_h),
                        remedy="make one of the windows smaller, so that a visit belongs to one encounter",
                    )

    def _faults_of_safety(self) -> Iterator[Fault]:
        if self.safety is None:
            return
        for fault in self.safety.faults(follow_up_h=self.follow_up_h):
            yield replace(fault, at=("safety", *fault.at))
        for place, stopping in enumerate(self.safety.stopping):
            late = stopping.no_response
            if late is None:
                continue
            where: Path = ("safety", "stopping", place, "no_response")
            instrument = late.instrument or self.endpoints.response.instrument
            if not self.assessment_times_h(instrument):
                rated = list(dict.fromkeys(each.instrument for each in self.assessments))
                yield _unknown(
                    (*where, "instrument"), instrument, rated, "A stopping rule rests on a scale nobody rates."
                )
            yield from self._too_late(late.by_h, (*where, "by"), "A stopping rule")

    def _faults_of_endpoints(self) -> Iterator[Fault]:
        ends = self.endpoints
        instruments: list[tuple[Path, str]] = [(("response", "instrument"), ends.response.instrument)]
        instruments += [(("remission", at, "instrument"), each.instrument) for at, each in enumerate(ends.remission)]
        if ends.relapse is not None:
            instruments.append((("relapse", "instrument"), ends.relapse.instrument))
        for path, instrument in instruments:
            if not self.assessment_times_h(instrument):
                rated = list(dict.fromkeys(each.instrument for each in self.assessments))
                yield _unknown(("endpoints", *path), instrument, rated, "An endpoint rests on a scale nobody rates.")
        for name, arm in self.arms.items():
            for position, dose in enumerate(arm.doses):
                if dose.when == "relapse" and ends.relapse is None:
                    yield Fault(
                        ("arms", name, "doses", position, "when"),
                        "A dose waits for relapse, but the protocol does not say what relapse is.",
                        expected="an entry relapse under endpoints",
                        came="when: relapse",
                        remedy="write relapse: {instrument: MADRS, at_least: 22, consecutive: 2} there",
                    )
        sustained = ends.sustained_response
        if sustained is not None and sustained.until_h <= sustained.by_h:
            yield Fault(
                ("endpoints", "sustained_response", "until"),
                "A sustained response ends before it begins.",
                expected=f"later than {iso_text(sustained.by_h)}",
                came=iso_text(sustained.until_h),
            )


def _repeated_ids(parts: Sequence[Any], *, at: Path) -> Iterator[Fault]:
    count = Counter(part.id for part in parts)
    seen: set[str] = set()
    for position, part in enumerate(parts):
        if part.id in seen:
            yield Fault(
                (*at, position, "id"),
                "The id is taken.",
                expected="each id once",
                came=f"{part.id}, {count[part.id]} times",
            )
        seen.add(part.id)


def _unknown(path: Path, came: str, known: Sequence[str], sentence: str) -> Fault:
    expected = f"one of: {', '.join(known)}" if known else "none is there yet"
    return Fault(path, sentence, expected=expected, came=came, remedy=suggestion(came, known))


def _cited(part: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Walk through every ``source`` and ``citation`` of the document."""
    if isinstance(part, Part):
        for name, field in type(part).model_fields.items():
            value, here = getattr(part, name), (*path, field.alias or name)
            if name in {"source", "citation"} and isinstance(value, str):
                yield here, value
            else:
                yield from _cited(value, here)
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from _cited(value, (*path, key))
    elif isinstance(part, tuple):
        for position, value in enumerate(part):
            yield from _cited(value, (*path, position))
