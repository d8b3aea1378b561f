"""The words and quantities that a protocol is written in: names, numbers, durations, amounts, repeats.

A duration is written in ISO 8601 (``PT40M``) or as number and unit (``40 min``) and held in hours, in a field
whose name ends in ``_h``. What does not live here: what is done with them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    PlainValidator,
    Tag,
    WithJsonSchema,
    model_validator,
)

from upturn import units
from upturn.errors import UnitError
from upturn.parameters import Status
from upturn.protocol.faults import Fault, Path, refuse

__all__ = [
    "DoseAmount",
    "Duration",
    "Fraction",
    "Instrument",
    "Measure",
    "Moment",
    "Name",
    "Number",
    "Part",
    "Repeat",
    "Sourced",
    "Status",
    "Text",
    "Times",
    "faults_in_times",
    "iso_text",
    "repeated",
    "times_h",
]

_ISO_OR_UNIT = (
    r"^-?P(?=[0-9T])([0-9.]+W)?([0-9.]+D)?(T(?=[0-9])([0-9.]+H)?([0-9.]+M)?([0-9.]+S)?)?$"
    r"|^[-+]?[0-9.]+(e[-+]?[0-9]+)? *[a-z]+$"
)
_MASS = r"^[0-9.]+(e[-+]?[0-9]+)? *[a-zµμ]+( */ *(kg|kilogram))?$"


Number = Annotated[float, Field(strict=True)]
Fraction = Annotated[float, Field(strict=True, ge=0, le=1)]
Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]


class Part(BaseModel):
    """A part of the document: frozen, and every entry known by name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        ser_json_inf_nan="constants",
    )


class Sourced(Part):
    """A part that says where its numbers come from."""

    source: Name | None = None
    """The id of the source, from the list of sources."""
    status: Status | None = None
    """How far it can be trusted: seen in source, derived or assumed."""

    @model_validator(mode="after")
    def _names_what_was_seen(self) -> Self:
        if self.status == "seen in source" and self.source is None:
            refuse(
                [
                    Fault(
                        ("source",),
                        "Seen in a source, but no source is named.",
                        expected="the id of a source",
                    )
                ]
            )
        return self


def iso_text(hours: float) -> str:
    """Write hours as an ISO 8601 duration of days, hours, minutes and seconds.

    Examples
    --------
    >>> iso_text(36.0), iso_text(2 / 3), iso_text(-24.0), iso_text(0.0)
    ('P1DT12H', 'PT40M', '-P1D', 'P0D')
    """
    seconds = round(abs(hours) * 3600, 6)
    minutes, seconds = divmod(seconds, 60)
    whole_hours, minutes = divmod(int(minutes), 60)
    days, whole_hours = divmod(whole_hours, 24)
    clock = "".join(
        f"{value:.10g}{unit}" for value, unit in ((whole_hours, "H"), (minutes, "M"), (seconds, "S")) if value
    )
    date = f"{days}D" if days or not clock else ""
    return f"{'-' if hours < 0 else ''}P{date}{'T' if clock else ''}{clock}"


def _read(reader: Callable[[str], Any], *, example: str) -> Callable[[object], Any]:
    """Read what a person wrote; what cannot be read becomes a fault of this entry."""

    def read(written: object) -> Any:
        if not isinstance(written, str):
            came = "nothing" if written is None else str(written)
            refuse(
                [
                    Fault(
                        (),
                        "The quantity has no unit.",
                        expected=example,
                        came=came,
                        remedy="write the unit too",
                    )
                ]
            )
        try:
            return reader(str(written))
        except UnitError as error:
            refuse([Fault((), error.fault, expected=error.expected, came=error.came, remedy=error.remedy)])

    return read


def _not_negative(hours: float) -> float:
    if hours < 0:
        refuse([Fault((), "The duration is negative.", expected="zero or more", came=iso_text(hours))])
    return hours


_read_duration = _read(units.hours, example="a duration, such as P2D, PT40M or 40 min")
_DURATION_SCHEMA = {"type": "string", "pattern": _ISO_OR_UNIT, "examples": ["P2D", "PT40M", "40 min"]}

Moment = Annotated[
    float,
    PlainValidator(_read_duration),
    PlainSerializer(iso_text, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
"""A point in time or a duration, held in hours; negative means before."""

Duration = Annotated[
    float,
    PlainValidator(lambda written: _not_negative(_read_duration(written))),
    PlainSerializer(iso_text, return_type=str),
    WithJsonSchema(_DURATION_SCHEMA),
]
"""A duration that cannot be negative, held in hours."""

DoseAmount = Annotated[
    units.Amount,
    PlainValidator(_read(units.amount, example="a mass, such as 28 mg or 0.5 mg/kg")),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _MASS, "examples": ["0.5 mg/kg", "84 mg"]}),
]

Instrument = Literal[
    "MADRS", "HAM-D17", "QIDS-SR16", "PHQ-9", "GAD-7", "PCL-5", "SSI", "C-SSRS", "YMRS", "BPRS+", "CADSS",
    "CADSS-6", "MOAA/S", "KSET", "MoCA", "SDS", "MEQ30", "belief-updating task",
]  # fmt: skip
Measure = Literal[
    "SBP", "DBP", "HR", "SpO2", "respiratory rate", "weight", "CADSS", "CADSS-6", "MOAA/S", "BPRS+", "C-SSRS",
    "MADRS", "PHQ-9", "KSET", "age",
]  # fmt: skip

_MOST_TIMES = 5000


class Repeat(Part):
    """A regular series of times, first and last included."""

    every_h: Duration = Field(alias="every")
    """Time between two members of the series, such as P1D."""
    from_h: Moment = Field(alias="from", default=0.0)
    """First time, after the first dose."""
    until_h: Moment = Field(alias="until")
    """Last time, after the first dose."""

    @model_validator(mode="after")
    def _is_sound(self) -> Repeat:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        if self.every_h <= 0:
            yield Fault(("every",), "A series needs a step.", expected="more than zero", came=iso_text(self.every_h))
        elif self.until_h < self.from_h:
            yield Fault(
                ("until",),
                "The series ends before it starts.",
                expected=f"{iso_text(self.from_h)} or later",
                came=iso_text(self.until_h),
            )
        elif (self.until_h - self.from_h) / self.every_h > _MOST_TIMES:
            yield Fault(
                ("every",),
                "The series is too long.",
                expected=f"up to {_MOST_TIMES} times",
                came=iso_text(self.every_h),
            )


Times = Annotated[
    Annotated[tuple[Moment, ...], Tag("«times»")] | Annotated[Repeat, Tag("«repeat»")],
    Discriminator(lambda written: "«repeat»" if isinstance(written, (dict, Repeat)) else "«times»"),
]
"""Times after the first dose: a list, or ``{every: P1D, from: P0D, until: P56D}``."""


def repeated(*, every_h: float, from_h: float, until_h: float) -> tuple[float, ...]:
    """Give the times of a regular series [h], first and last included.

    Examples
    --------
    >>> repeated(every_h=168.0, from_h=504.0, until_h=840.0)
    (504.0, 672.0, 840.0)
    """
    # A thousandth of a step forgives the rounding of thirds of hours.
    steps = math.floor((until_h - from_h) / every_h + 1e-3)
    return tuple(from_h + step * every_h for step in range(steps + 1))


def times_h(times: tuple[float, ...] | Repeat | None) -> tuple[float, ...]:
    """Give the times [h] of a list or a series; none for nothing."""
    if isinstance(times, Repeat):
        return repeated(every_h=times.every_h, from_h=times.from_h, until_h=times.until_h)
    return times or ()


def faults_in_times(times: tuple[float, ...] | Repeat | None, *, at: Path) -> Iterator[Fault]:
    """Yield a fault for each time that is not later than the one before."""
    if isinstance(times, Repeat) or times is None:
        return
    for position, (before, after) in enumerate(pairwise(times), start=1):
        if after <= before:
            yield Fault(
                (*at, position),
                "The times do not increase.",
                expected=f"later than {iso_text(before)}",
                came=iso_text(after),
                remedy="write each time once, in order",
            )
