"""Who takes part: the population, and the arms it is divided into.

What lives here: the entries of ``population``, ``arms`` and ``contrasts``. What does not: drawing people.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from upturn import instruments
from upturn.protocol.doses import Dose, resolve_likes
from upturn.protocol.faults import Fault, refuse
from upturn.protocol.values import Fraction, Instrument, Name, Number, Part, Sourced, Text

__all__ = ["Arm", "Contrast", "Covariate", "Distribution", "Population"]


class Distribution(Sourced):
    """How a quantity is spread over the people: normal, cut off at ``min`` and ``max``."""

    mean: Number
    """Mean of the normal distribution before it is cut off."""
    sd: Number
    """Standard deviation of the normal distribution before it is cut off."""
    min: Number
    """Smallest value that occurs."""
    max: Number
    """Largest value that occurs."""

    @model_validator(mode="after")
    def _is_sound(self) -> Distribution:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        if self.sd <= 0:
            yield Fault(
                ("sd",),
                "The standard deviation is not positive.",
                expected="more than 0",
                came=f"{self.sd:g}",
            )
        if self.min >= self.max:
            yield Fault(
                ("max",),
                "The largest value is not above the smallest.",
                expected=f"> {self.min:g}",
                came=f"{self.max:g}",
            )
        elif not self.min <= self.mean <= self.max:
            yield Fault(
                ("mean",),
                "The mean lies outside the range.",
                expected=f"{self.min:g} to {self.max:g}",
                came=f"{self.mean:g}",
            )


Covariate = Annotated[
    Annotated[Distribution, Tag("«spread»")] | Annotated[Fraction, Tag("«fraction»")],
    Discriminator(lambda written: "«spread»" if isinstance(written, (dict, Distribution)) else "«fraction»"),
]
"""A distribution, or the fraction of people who have it."""


class Population(Sourced):
    """The people a protocol is for; ``source`` and ``status`` here hold for every entry without its own."""

    condition: Literal[
        "treatment-resistant depression",
        "major depression",
        "bipolar depression",
        "depression with suicidal ideation",
        "post-traumatic stress disorder",
        "social anxiety disorder",
        "anxiety disorders",
        "healthy",
    ]
    """What the people have; healthy is for comparison groups."""
    age_y: Distribution
    """Age in years."""
    female: Fraction
    """The fraction of women, 0 to 1."""
    weight_kg: Distribution
    """Body weight in kilograms."""
    height_cm: Distribution
    """Height in centimetres."""
    baseline: dict[Instrument, Distribution]
    """Scores before the first dose, by rating scale; MADRS is always among them."""
    covariates: dict[Name, Covariate] = Field(default_factory=dict)
    """Anything else that differs between people: a distribution, or the fraction who have it."""

    @model_validator(mode="after")
    def _is_sound(self) -> Population:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        if "MADRS" not in self.baseline:
            yield Fault(("baseline", "MADRS"), "MADRS is missing.", expected="{mean: 33, sd: 6, min: 20, max: 60}")
        for name, spread in (
            ("age_y", self.age_y),
            ("weight_kg", self.weight_kg),
            ("height_cm", self.height_cm),
        ):
            if spread.min <= 0:
                yield Fault(
                    (name, "min"),
                    f"{name} can be zero or less.",
                    expected="more than 0",
                    came=f"{spread.min:g}",
                )
        for scale, spread in self.baseline.items():
            if scale not in instruments.all_ids():
                continue
            total = instruments.get(scale).total
            most = math.inf if total.most is None else total.most
            for entry, value in (("mean", spread.mean), ("min", spread.min), ("max", spread.max)):
                if not total.least <= value <= most:
                    yield Fault(
                        ("baseline", scale, entry),
                        f"The value lies outside the range of the {scale}.",
                        expected=f"{total.least:g} to {most:g}",
                        came=f"{value:g}",
                    )


class Arm(Part):
    """A group of people who are treated alike."""

    title: Text
    """The arm in words, such as Ketamine 0.5 mg/kg, intravenous."""
    role: Literal["active", "control"]
    """Whether the arm is what is studied or what it is compared with."""
    background: Literal["none", "ongoing antidepressant", "new antidepressant"] = "none"
    """What is taken besides: nothing, an antidepressant from before, or one begun with the first dose."""
    doses: tuple[Dose, ...]
    """What is given, and when; an empty list for an arm without treatment."""
    participants: int | None = Field(default=None, ge=1, strict=True)
    """How many people the study plans for this arm; the simulation may draw another number."""
    population: Population | None = None
    """Who this arm draws from, where it is not the population of the whole protocol."""

    @model_validator(mode="before")
    @classmethod
    def _resolve(cls, written: Any) -> Any:
        if isinstance(written, dict) and "doses" in written:
            return {**written, "doses": resolve_likes(written["doses"])}
        return written


class Contrast(Part):
    """A comparison that the protocol is there to make."""

    arm: Name
    """The arm that is studied."""
    control: Name
    """The arm it is compared with."""
