"""Predict every published exposure in ``published.csv`` and write ``docs/exposure.md``.

Run from the root of the repository: ``python docs/exposure/validate.py``. What lives here: the comparison. What does
not: any number of a model (``parameters/``) or of a paper (``published.csv``); nothing is fitted.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from upturn.numerics import Exponentials
from upturn.pharmacology import MODELS, Covariates, Given, Kinetics, Responses, concentration, kinetics, receptor
from upturn.protocol import read_dose

HERE = Path(__file__).parent
PAGE = HERE.parent / "exposure.md"
WEIGHT_KG = 70.0
AGE_Y = 40.0  # where none is stated; only ages over 60 matter, and only to the nasal model
# Every nine seconds for four hours, then every three minutes to a day.
GRID_H = np.concatenate([np.arange(0, 4, 1 / 400), np.arange(4, 24.01, 1 / 20)])

LEVELS = ("Cmax", "AUC0-24", "AUC0-8", "AUC0-6", "AUC ratio", "F")
GROUPS = {
    "nasal_table": "Esketamine nasal spray: the table printed with the model",
    "label": "Esketamine nasal spray: the label",
    "infusion": "Infusions: the parent drug",
    "disposition": "Clearance, volume and half-life",
    "other_routes": "By mouth, under the tongue, racemic nasal spray",
    "metabolites": "Norketamine and hydroxynorketamine",
}
WHERE = {"ketamine_venous": "venous, by delay"}


@dataclass(frozen=True)
class Published:
    """One published number, as ``published.csv`` has it; a range is its two ends."""

    row: dict[str, str]

    def __getattr__(self, name: str) -> str:
        """Give a column."""
        return self.row[name]

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest published value; the same number twice where there is no range."""
        low, _, high = self.row["value"].partition("-")
        return float(low), float(high or low)

    @property
    def middle(self) -> float:
        """The published value; the geometric middle of a range."""
        low, high = self.ends
        return float((low * high) ** 0.5) if low != high else low


class Prediction(NamedTuple):
    """What one model says about one published number."""

    published: Published
    model: str
    default: bool
    site: str
    value: float

    @property
    def ratio(self) -> float:
        """Predicted over published."""
        return self.value / self.published.middle


class Subject(NamedTuple):
    """A typical person given one drug by one route, in one model."""

    model: Kinetics
    drug: str
    route: str
    age_y: float
    ancestry: str

    def responses(self) -> Responses:
        """Give the person's linear kinetics."""
        return _responses(*self)

    def inlets(self, over_h: float = 0.0, devices_h: tuple[float, ...] = (0.0,)) -> tuple[Any, ...]:
        """Give the ways in of a dose."""
        return self.model.inlets(Given(self.drug, self.route, over_h, devices_h))


@cache
def _responses(model: Kinetics, drug: str, route: str, age_y: float, ancestry: str) -> Responses:
    covariates = (WEIGHT_KG, age_y, float(ancestry in {"Asian", "Japanese"}), float(ancestry == "Japanese"))
    outputs, shares = _compiled(model, drug, route)(Covariates(*(jnp.asarray(x) for x in covariates)))
    return Responses(outputs, shares)


@cache
def _compiled(model: Kinetics, drug: str, route: str) -> Callable[[Covariates], Any]:
    # Two devices have every path that one or three have.
    given = Given(drug, route, 0.0, (0.0, 1.0))

    def body(person: Covariates) -> Any:
        found = model.responses(model.values({}), person, given)
        return found.outputs, found.shares

    return jax.jit(body)


def only(responses: Responses, output: str, form: str) -> dict[str, Exponentials]:
    """Give the paths of an output that belong to an enantiomer; all where the drug is one, or none is asked."""
    paths = responses.outputs[output]
    of_form = {path: r for path, r in paths.items() if path.startswith(f"{form}.")}
    return of_form if form and any("." in path for path in paths) else dict(paths)


def split(analyte: str) -> tuple[str, str]:
    """Give the enantiomer (``s``, ``r`` or none) and the name of an analyte.

    Examples
    --------
    >>> split("s_norketamine"), split("ketamine")
    (('s', 'norketamine'), ('', 'ketamine'))
    """
    form, _, name = analyte.rpartition("_")
    return form, name


def predict(published: Published) -> Iterator[Prediction]:
    """Give what every model that describes the drug, the route and the analyte says; the default model first."""
    default = kinetics("default", drug=published.drug, route=published.route)
    for name in sorted(MODELS, key=lambda each: (not isinstance(default, MODELS[each]), each)):
        if not MODELS[name]().supports(published.drug, published.route):
            continue
        model = kinetics(name, drug=published.drug, route=published.route)
        age = float(published.age_y or AGE_Y)
        subject = Subject(model, published.drug, published.route, age, published.ancestry)
        outputs = [_output(subject, published, part) for part in published.analyte.split("/")]
        if all(output in subject.responses().outputs for output in outputs):
            value = _value(subject, published, outputs[0])
            yield Prediction(published, name, isinstance(default, MODELS[name]), _where(model, published, outputs), value)


def _output(subject: Subject, published: Published, analyte: str) -> str:
    """Name the model's output: at the published site where the model has it."""
    name = split(analyte)[1]
    venous = f"{name}_venous"
    has = venous in subject.responses().outputs and published.site == "venous"
    return venous if has and published.metric in {"Cmax", "Tmax"} else name


def _where(model: Kinetics, published: Published, outputs: Sequence[str]) -> str:
    if published.metric in {"F", "CL", "AUC ratio"}:
        return "any"
    return WHERE.get(outputs[0], model.site)


def _value(subject: Subject, published: Published, output: str) -> float:
    """Work out one metric in its published unit."""
    form, name = split(published.analyte.partition("/")[0])
    metric = published.metric
    if metric == "AUC ratio":
        below = split(published.analyte.partition("/")[2])[1]
        return area(subject, output, form) / area(subject, below, form)
    if metric == "F":
        vein = subject._replace(route="intravenous")
        return 100 * area(subject, output, form) / area(vein, output, form)
    if metric in {"CL", "Vss", "half-life"}:
        return disposition(subject, output, form)[metric]
    time_h, curve, last_device_h = course(subject, published, output, form)
    if metric.startswith("Tmax"):
        return 60 * (float(time_h[curve.argmax()]) - (last_device_h if "device" in metric else 0.0))
    if metric == "Cmax":
        return float(curve.max()) * _per_mg_l(published.unit, name)
    until = float(metric.removeprefix("AUC0-"))
    seen = time_h <= until + 1e-9
    return 1e3 * float(np.trapezoid(curve[seen], time_h[seen]))


def _per_mg_l(unit: str, name: str) -> float:
    if unit == "ng/mL":
        return 1e3
    return 1e3 / receptor().value(f"molar_mass_{name}")  # nmol/mL


def area(subject: Subject, output: str, form: str) -> float:
    """Give the area under an output to the end of time [mg h/L per mg of the enantiomer or drug]."""
    responses = subject.responses()
    paths = only(responses, output, form)
    inlets = [inlet for inlet in subject.inlets() if inlet.path in paths]
    return sum(i.weight * float(responses.shares[i.share]) * float(paths[i.path].area) for i in inlets) / _part(
        subject, form
    )


def _part(subject: Subject, form: str) -> float:
    """Give the part of an amount that is this enantiomer."""
    return 0.5 if subject.drug == "ketamine" and form else 1.0


def disposition(subject: Subject, output: str, form: str) -> dict[str, float]:
    """Give clearance, steady-state volume and half-life as an impulse into a vein would show them.

    CL = 1/AUC, Vss = CL · AUMC/AUC, half-life = ln 2 over the slowest rate.
    """
    responses = subject._replace(route="intravenous").responses()
    paths = only(responses, output, form)
    pairs = [(float(r.rates[m]), float(r.amplitudes[m])) for r in paths.values() for m in r.rates]
    weight = 1 / len(paths)
    auc = weight * sum(a / rate for rate, a in pairs)
    aumc = weight * sum(a / rate**2 for rate, a in pairs)
    return {"CL": 1 / auc, "Vss": aumc / auc**2, "half-life": float(np.log(2)) / min(rate for rate, _ in pairs)}


def course(subject: Subject, published: Published, output: str, form: str) -> tuple[Any, Any, float]:
    """Give times [h], an output [mg/L], and the start of the last nasal device [h]; steps follow one another."""
    over = published.over or None
    doses = [
        read_dose(drug=published.drug, route=published.route, amount=amount.strip(), over=over)
        for amount in published.dose.split(";")
    ]
    over_h, devices_h = doses[0].over_h or 0.0, doses[0].device_times_h or (0.0,)
    starts = np.arange(len(doses)) * over_h
    time_h = np.union1d(GRID_H, starts + over_h)
    responses = subject.responses()
    curve = concentration(
        Responses({output: only(responses, output, form)}, responses.shares),
        subject.inlets(over_h, devices_h),
        output,
        amounts_mg=jnp.array([dose.amount.mg(WEIGHT_KG) for dose in doses]),
        starts_h=jnp.asarray(starts),
        time_h=jnp.asarray(time_h),
    )
    return time_h, np.asarray(curve), devices_h[-1]


def read() -> list[Published]:
    """Read the published numbers."""
    with (HERE / "published.csv").open(encoding="utf-8", newline="") as file:
        return [Published(row) for row in csv.DictReader(file)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Write three significant digits.

    Examples
    --------
    >>> number(1034.2), number(43.81), number(0.733)
    ('1034', '43.8', '0.733')
    """
    return f"{value:.0f}" if value >= 1000 else f"{value:#.3g}".rstrip(".")


if __name__ == "__main__":
    import time
    t=time.time()
    for p in read():
        for q in predict(p):
            print(p.group[:6], p.drug, p.route, p.dose, p.ancestry, p.age_y, p.analyte, p.metric, p.value, p.unit, number(q.value), f"{q.ratio:.2f}", q.model, q.site)
    print(time.time()-t)
