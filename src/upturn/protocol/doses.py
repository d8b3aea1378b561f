"""A dose: which drug, by which route, how much, over how long, when.

What lives here: the entries of ``arms.<name>.doses`` and the rules that one dose can be judged by on its own.
What does not: the milligrams for a person of a given weight, which the engine works out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import Field, model_validator

from upturn import parameters
from upturn.parameters import Parameter, ParameterFile
from upturn.protocol.faults import Fault, refuse, suggestion
from upturn.protocol.values import (
    DoseAmount,
    Duration,
    Name,
    Repeat,
    Sourced,
    Times,
    faults_in_times,
    iso_text,
    repeated,
    times_h,
)
from upturn.units import Amount

__all__ = ["Dose", "Drug", "Route", "device_times_h", "nasal_devices_mg", "resolve_likes"]

Drug = Literal[
    "ketamine", "esketamine", "midazolam", "saline", "placebo", "escitalopram", "citalopram", "bupropion",
    "dextromethorphan-bupropion", "antidepressant", "ECT",
]  # fmt: skip
Route = Literal["intravenous", "intramuscular", "subcutaneous", "intranasal", "sublingual", "oral", "electric"]

_INERT: Mapping[str, tuple[str, ...]] = {
    "saline": ("intravenous", "intramuscular", "subcutaneous", "intranasal"),
    "placebo": ("intranasal", "sublingual", "oral"),
}
# Compared by their own rate and size, not by a concentration: an amount may be written, and need not be.
_UNMEASURED: Mapping[str, tuple[str, ...]] = {
    "citalopram": ("oral",),
    "bupropion": ("oral",),
    "dextromethorphan-bupropion": ("oral",),
    "antidepressant": ("oral",),
    "ECT": ("electric",),
}
_NOTHING = Amount(0.0, per_kg=False)
_COPIED = ("drug", "route", "amount", "weight", "over")


@cache
def _largest() -> ParameterFile:
    return parameters.read("upturn.protocol", "largest_published")


@cache
def _device() -> ParameterFile:
    return parameters.read("upturn.protocol", "nasal_device")


def nasal_devices_mg(amount_mg: float) -> tuple[float, ...]:
    """Give what each nasal esketamine device holds [mg] when an amount is given in them.

    Examples
    --------
    >>> nasal_devices_mg(70.0)
    (28.0, 28.0, 14.0)
    """
    strength = _device().value("strength")
    full, rest = divmod(amount_mg, strength)
    return (strength,) * int(full) + ((rest,) if rest else ())


def device_times_h(devices: int) -> tuple[float, ...]:
    """Give when each of some nasal devices is used, after the start of the dose [h]."""
    return tuple(number * _device().value("interval") for number in range(devices))


def _loosen(schema: dict[str, Any]) -> None:
    # ``like`` supplies what is not written, so the published schema asks for one or the other.
    schema["required"] = ["id"]
    schema["anyOf"] = [{"required": ["like"]}, {"required": ["drug", "route"]}]


class Dose(Sourced, json_schema_extra=_loosen):
    """One kind of dose and all its times.

    A dose has either fixed times (``on``) or a rule (``when: relapse`` with ``not_sooner_than``, ``until``
    and ``every``). ``like`` copies drug, route, amount, weight and infusion time from a dose above it in the
    same arm; what is written beside ``like`` wins.
    """

    id: Name
    """A name for this dose, once per arm."""
    like: Name | None = Field(default=None, exclude=True)
    """The id of a dose above, in the same arm, that this one copies."""
    drug: Drug
    """The drug: ketamine (racemic), esketamine, a control, a conventional antidepressant (named or not), or ECT."""
    route: Route
    """The route of administration."""
    amount: DoseAmount = _NOTHING
    """The amount per dose, such as 0.5 mg/kg or 84 mg."""
    weight: Literal["actual", "ideal"] = "actual"
    """The body weight that an amount per kilogram refers to."""
    over_h: Duration | None = Field(alias="over", default=None)
    """How long an infusion runs, such as PT40M."""
    on: Times | None = None
    """Times after the first dose: a list, or {every: P1D, from: P0D, until: P56D}."""
    when: Literal["relapse"] | None = None
    """The rule that decides at each candidate day whether the dose is given."""
    not_sooner_than_h: Duration | None = Field(alias="not_sooner_than", default=None)
    """First candidate day of an adaptive dose, after the first dose of the arm."""
    until_h: Duration | None = Field(alias="until", default=None)
    """Last candidate day of an adaptive dose, after the first dose of the arm."""
    every_h: Duration | None = Field(alias="every", default=None)
    """Time between two candidate days."""

    @property
    def is_adaptive(self) -> bool:
        """Whether a rule decides about each dose."""
        return self.when is not None

    @property
    def is_inert(self) -> bool:
        """Whether the dose holds no drug (saline, placebo)."""
        return self.drug in _INERT

    @property
    def on_h(self) -> tuple[float, ...]:
        """Fixed times after the first dose [h]; none for an adaptive dose."""
        return times_h(self.on)

    @property
    def candidate_times_h(self) -> tuple[float, ...]:
        """Times at which an adaptive dose is decided about [h]; none for a dose with fixed times."""
        if self.not_sooner_than_h is None or self.until_h is None or not self.every_h:
            return ()
        return repeated(every_h=self.every_h, from_h=self.not_sooner_than_h, until_h=self.until_h)

    @property
    def device_mg(self) -> tuple[float, ...]:
        """What each nasal esketamine device holds [mg]; empty where no devices are used."""
        if (self.drug, self.route) != ("esketamine", "intranasal"):
            return ()
        return nasal_devices_mg(self.amount.value)

    @property
    def device_times_h(self) -> tuple[float, ...]:
        """When each device is used, after the start of the dose [h]; as long as ``device_mg``."""
        return device_times_h(len(self.device_mg))

    @model_validator(mode="after")
    def _is_sound(self) -> Dose:
        refuse([*self._faults_of_route(), *self._faults_of_amount(), *self._faults_of_times()])
        return self

    def _faults_of_route(self) -> Iterator[Fault]:
        routes = _INERT.get(self.drug) or _UNMEASURED.get(self.drug) or tuple(_published_routes(self.drug))
        if self.route not in routes:
            yield Fault(
                ("route",),
                f"There is no {self.route} {self.drug} here.",
                expected=f"for {self.drug}: {', '.join(routes)}",
                came=self.route,
            )
        if self.route == "intravenous" and not self.over_h:
            yield Fault(
                ("over",),
                "An intravenous dose needs the time it runs over.",
                expected="a duration, such as PT40M",
                came="nothing" if self.over_h is None else iso_text(self.over_h),
                remedy="for a bolus write PT1M",
            )
        if self.route != "intravenous" and self.over_h is not None:
            yield Fault(
                ("over",),
                "Only an intravenous dose runs over a time.",
                expected=f"nothing, as the route is {self.route}",
                came=iso_text(self.over_h),
                remedy="remove it, or write route: intravenous",
            )

    def _faults_of_amount(self) -> Iterator[Fault]:
        if self.is_inert:
            if self.amount.value:
                yield Fault(
                    ("amount",),
                    f"A dose of {self.drug} holds no drug.",
                    expected="no amount",
                    came=str(self.amount),
                )
            return
        if self.drug == "ECT" and self.amount.value:
            yield Fault(("amount",), "ECT has no amount.", expected="no amount", came=str(self.amount))
        if not self.amount.value and self.drug not in _UNMEASURED:
            came = "0 mg" if "amount" in self.model_fields_set else "nothing"
            yield Fault(("amount",), "The dose has no amount.", expected="such as 0.5 mg/kg or 84 mg", came=came)
        if self.route == "intranasal" and self.drug == "esketamine" and self.amount.per_kg:
            yield Fault(
                ("amount",),
                "Nasal esketamine is given in devices of fixed strength, not by weight.",
                expected="a mass, such as 56 mg",
                came=str(self.amount),
            )
        largest = next((each for each in _largest() if each.name == f"{self.drug}_{self.route}"), None)
        if largest is not None:
            yield from self._fault_of_size(largest)

    def _fault_of_size(self, largest: Parameter) -> Iterator[Fault]:
        table = _largest()
        reference_kg = table.value("reference_weight")
        published = Amount(largest.value, per_kg=largest.unit == "mg/kg")
        if self.amount.mg(reference_kg) > table.value("factor") * published.mg(reference_kg):
            yield Fault(
                ("amount",),
                f"The amount is more than {table.value('factor'):g} times the largest published for "
                f"{self.route} {self.drug}.",
                expected=f"of the order of {published} or less ({largest.source}; {largest.status})",
                came=str(self.amount),
                remedy="look at the decimal point and at the unit",
            )

    def _faults_of_times(self) -> Iterator[Fault]:
        yield from faults_in_times(self.on, at=("on",))
        start = self.on.from_h if isinstance(self.on, Repeat) else min(self.on or (0.0,))
        if start < 0:
            yield Fault(("on",), "A dose stands before the first dose.", expected="P0D or later", came=iso_text(start))
        rule = {"not_sooner_than": self.not_sooner_than_h, "until": self.until_h, "every": self.every_h}
        if self.when is None:
            if not self.on_h:
                yield Fault(
                    ("on",),
                    "The dose has no times.",
                    expected="on: [P0D, P2D], or when: relapse with not_sooner_than, until and every",
                    came="nothing",
                )
            for name in (name for name, value in rule.items() if value is not None):
                yield Fault((name,), f"{name} belongs to a dose with a rule.", expected="when: relapse beside it")
            return
        if self.on is not None:
            yield Fault(("on",), "The dose has both fixed times and a rule.", expected="either on or when, not both")
        for name in (name for name, value in rule.items() if value is None):
            yield Fault(
                (name,),
                f"A dose given when there is a {self.when} needs {name}.",
                expected="a duration, such as P21D",
            )
        if self.every_h == 0:
            yield Fault(("every",), "The step between two candidate days is zero.", expected="such as P7D", came="P0D")
        if self.not_sooner_than_h is not None and self.until_h is not None and self.until_h < self.not_sooner_than_h:
            yield Fault(
                ("until",),
                "The last candidate day stands before the first.",
                expected=f"{iso_text(self.not_sooner_than_h)} or later",
                came=iso_text(self.until_h),
            )


def resolve_likes(written: object) -> object:
    """Fill in what a dose copies from a dose above it; give the list of doses as if all were written out.

    Examples
    --------
    >>> first = {"id": "a", "drug": "ketamine", "on": ["P0D"]}
    >>> resolve_likes([first, {"id": "b", "like": "a", "on": ["P2D"]}])[1]
    {'drug': 'ketamine', 'id': 'b', 'like': 'a', 'on': ['P2D']}
    """
    if not isinstance(written, Sequence) or not all(isinstance(each, Mapping) for each in written):
        return written  # not a list of entries: the shape is judged elsewhere
    above: dict[object, Mapping[str, Any]] = {}
    resolved: list[dict[str, Any]] = []
    faults: list[Fault] = []
    for position, dose in enumerate(written):
        model = above.get(str(dose.get("like")), {})
        if "like" in dose and not model:
            faults.append(_unknown_like(position, dose, list(map(str, above))))
        whole = {**{name: model[name] for name in _COPIED if name in model}, **dose}
        resolved.append(whole)
        above[str(dose.get("id"))] = whole
    refuse(faults)
    return resolved


def _unknown_like(position: int, dose: Mapping[str, Any], above: list[str]) -> Fault:
    like = str(dose["like"])
    own = like == str(dose.get("id"))
    return Fault(
        ("doses", position, "like"),
        "A dose cannot be like itself." if own else "The dose to copy is not among the doses above.",
        expected=f"one of: {', '.join(above)}" if above else "a dose written above this one",
        came=like,
        remedy=suggestion(like, above),
    )


def _published_routes(drug: str) -> Iterator[str]:
    for each in _largest():
        name, _, route = each.name.partition("_")
        if name == drug and route:
            yield route
