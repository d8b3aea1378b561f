"""Predict every published exposure in ``published.csv`` and write ``docs/exposure.md``.

Run from the root of the repository: ``python docs/exposure/validate.py``. What lives here: the comparison. What does
not: any number of a model (``parameters/``) or of a paper (``published.csv``); nothing is fitted.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from upturn.numerics import Exponentials
from upturn.pharmacology import MODELS, Covariates, Given, Inlet, Responses, concentration, kinetics, receptor
from upturn.protocol import Dose, read_dose

HERE = Path(__file__).parent
PAGE = HERE.parent / "exposure.md"
WEIGHT_KG = 70.0
AGE_Y = 40.0  # where none is stated; only ages over 60 matter, and only to the nasal model
# Every nine seconds for four hours, then every three minutes to a day.
GRID_H = np.concatenate([np.arange(0, 4, 1 / 400), np.arange(4, 24.01, 1 / 20)])

KINDS = {"Cmax": "peak", "F": "bioavailability", "AUC ratio": "ratio of areas", "CL": "clearance", "Vss": "volume"}
LEVELS = {"peak", "area", "bioavailability", "ratio of areas"}
ORDER = ("independent", "set a number", "own data", "own model")
NASAL_COLUMNS = [(analyte, metric) for analyte in ("s_ketamine", "s_norketamine") for metric in ("Cmax", "AUC0-24")]
SITELESS = {"F", "CL", "AUC ratio", "half-life"}  # the same in any plasma


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
    def kind(self) -> str:
        """What sort of quantity it is."""
        metric = self.published.metric
        return KINDS.get(
            metric, "time of peak" if metric.startswith("Tmax") else "area" if metric.startswith("AUC") else metric
        )

    @property
    def same_site(self) -> bool:
        """Whether the plasma is of the published site, or the site does not matter."""
        return self.site == "any" or self.site.startswith(self.published.site)

    @property
    def ratio(self) -> float:
        """Predicted over published."""
        return self.value / self.published.middle


class Subject(NamedTuple):
    """A typical person given one drug by one route, in one model."""

    model: str
    drug: str
    route: str
    age_y: float
    ancestry: str

    def responses(self) -> Responses:
        """Give the person's linear kinetics."""
        return _responses(self)

    def inlets(self, over_h: float = 0.0, devices_h: tuple[float, ...] = (0.0,)) -> tuple[Inlet, ...]:
        """Give the ways in of a dose."""
        model = kinetics(self.model, drug=self.drug, route=self.route)
        return model.inlets(Given(self.drug, self.route, over_h, devices_h))


@cache
def _responses(subject: Subject) -> Responses:
    # Not compiled: a handful of typical people is quicker without. Two devices have every path that one or three have.
    model = kinetics(subject.model, drug=subject.drug, route=subject.route)
    asian, japanese = (float(subject.ancestry in which) for which in (("Asian", "Japanese"), ("Japanese",)))
    person = Covariates(*(jnp.asarray(x) for x in (WEIGHT_KG, subject.age_y, asian, japanese)))
    return model.responses(model.values({}), person, Given(subject.drug, subject.route, 0.0, (0.0, 1.0)))


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
    chosen = kinetics("default", drug=published.drug, route=published.route).parameters.id
    for name in sorted(MODELS, key=lambda each: (each != chosen, each)):
        model = MODELS[name]()
        if not model.supports(published.drug, published.route):
            continue
        age = float(published.age_y or AGE_Y)
        subject = Subject(name, published.drug, published.route, age, published.ancestry)
        outputs = [_output(subject, published, part) for part in published.analyte.split("/")]
        if all(output in subject.responses().outputs for output in outputs):
            site = "venous, by delay" if outputs[0] == "ketamine_venous" else model.site
            site = "any" if published.metric in SITELESS else site
            yield Prediction(published, name, name == chosen, site, _value(subject, published, outputs[0]))


def _output(subject: Subject, published: Published, analyte: str) -> str:
    """Name the model's output: at the published site where the model has it."""
    name = split(analyte)[1]
    venous = f"{name}_venous"
    has = venous in subject.responses().outputs and published.site == "venous"
    return venous if has and published.metric in {"Cmax", "Tmax"} else name


def _value(subject: Subject, published: Published, output: str) -> float:
    """Work out one metric in its published unit."""
    form, name = split(published.analyte.partition("/")[0])
    metric = published.metric
    if metric == "AUC ratio":
        below = split(published.analyte.partition("/")[2])[1]
        return area(subject, output, form) / area(subject, below, form)
    if metric == "F":
        vein = subject._replace(route="intravenous")
        return (
            100 * area(subject, output, form, doses(published)[0].device_times_h or (0.0,)) / area(vein, output, form)
        )
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


def area(subject: Subject, output: str, form: str, devices_h: tuple[float, ...] = (0.0,)) -> float:
    """Give the area under an output to the end of time [h/L]: per mg of the enantiomer asked for, or of the drug."""
    responses = subject.responses()
    paths = only(responses, output, form)
    inlets = [inlet for inlet in subject.inlets(devices_h=devices_h) if inlet.path in paths]
    whole = sum(i.weight * float(responses.shares[i.share]) * float(paths[i.path].area) for i in inlets)
    return float(whole) / (0.5 if subject.drug == "ketamine" and form else 1.0)


def disposition(subject: Subject, output: str, form: str) -> dict[str, float]:
    """Give clearance, steady-state volume and half-life as an impulse into a vein would show them.

    CL = 1/AUC, Vss = CL · AUMC/AUC, half-life = ln 2 over the slowest rate.
    """
    responses = subject._replace(route="intravenous").responses()
    paths = only(responses, output, form)
    pairs = [pair for r in paths.values() for pair in zip(map(float, r.rates), map(float, r.amplitudes), strict=True)]
    weight = 1 / len(paths)
    auc = weight * sum(a / rate for rate, a in pairs)
    aumc = weight * sum(a / rate**2 for rate, a in pairs)
    return {"CL": 1 / auc, "Vss": aumc / auc**2, "half-life": float(np.log(2)) / min(rate for rate, _ in pairs)}


def doses(published: Published) -> list[Dose]:
    """Read the doses as anyone would write them; several follow one another without a pause."""
    over = published.over or None
    amounts = [amount.strip() for amount in published.dose.split(";")]
    return [read_dose(drug=published.drug, route=published.route, amount=each, over=over) for each in amounts]


def course(subject: Subject, published: Published, output: str, form: str) -> tuple[Any, Any, float]:
    """Give times [h], an output [mg/L], and the start of the last nasal device [h]."""
    given = doses(published)
    over_h, devices_h = given[0].over_h or 0.0, given[0].device_times_h or (0.0,)
    starts = np.arange(len(given)) * over_h
    time_h = np.union1d(GRID_H, starts + over_h)
    responses = subject.responses()
    curve = concentration(
        Responses({output: only(responses, output, form)}, responses.shares),
        subject.inlets(over_h, devices_h),
        output,
        amounts_mg=jnp.array([dose.amount.mg(WEIGHT_KG) for dose in given]),
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


def shown(published: Published) -> str:
    """Write a published value with its spread and unit."""
    unit = "" if published.unit == "1" else f" {published.unit}"
    return f"{published.value}{f' ({published.spread})' if published.spread else ''}{unit}"


def ratio(prediction: Prediction) -> str:
    """Write a ratio; of a range, the ratio to its geometric middle, and whether the prediction lies in it."""
    low, high = prediction.published.ends
    where = "" if low == high else ", inside" if low <= prediction.value <= high else ", outside"
    return f"{prediction.ratio:.2f}{where}"


def words(name: str) -> str:
    """Write an analyte as people do.

    Examples
    --------
    >>> words("s_hydroxynorketamine/s_ketamine")
    'S-hydroxynorketamine/S-ketamine'
    """
    return name.replace("s_", "S-").replace("r_", "R-")


def nasal_table(predictions: Sequence[Prediction]) -> str:
    """Give the nasal table: one line for each kind of person and dose, predicted over published and their ratio."""
    people: dict[tuple[str, ...], dict[tuple[str, str], Prediction]] = {}
    for each in predictions:
        p = each.published
        who = (p.ancestry, p.population, f"{p.age_y} y", p.dose)
        people.setdefault(who, {})[p.analyte, p.metric] = each
    rows = [
        [*who, *(f"{number(found[c].value)} / {found[c].published.value} ({ratio(found[c])})" for c in NASAL_COLUMNS)]
        for who, found in people.items()
    ]
    head = ["ancestry", "published for", "predicted at", "dose"]
    units = {"Cmax": "ng/mL", "AUC0-24": "ng h/mL"}
    head += [f"{words(analyte)} {metric} [{units[metric]}]" for analyte, metric in NASAL_COLUMNS]
    return table(head, rows)


def group_table(predictions: Sequence[Prediction]) -> str:
    """Give one group; a further model for the same published number follows below it."""
    rows = []
    for each in predictions:
        p = each.published
        given = f"{p.drug} {p.route} {p.dose}" + (f" over {p.over}" if p.over else "") + (" each" * (";" in p.dose))
        facts = [given, f"{words(p.analyte)} {p.metric}", shown(p), p.site, p.standing, p.source]
        says = [number(each.value), ratio(each), each.model, each.site]
        first, rest = (facts[:3], facts[3:]) if each.default else ([""] * 3, [""] * 3)
        rows.append([*first, *says, *rest])
    head = ["given", "quantity", "published", "predicted", "ratio", "model", "its site"]
    return table([*head, "published site", "standing", "source"], rows)


def summarise(predictions: Sequence[Prediction]) -> list[str]:
    """Give number, geometric mean ratio, and shares within 25 % (0.80 to 1.25) and two-fold."""
    ratios = np.array([each.ratio for each in predictions])
    distance = np.abs(np.log(ratios))
    near, far = (float(np.mean(distance <= np.log(limit) + 1e-12)) for limit in (1.25, 2.0))
    return [str(len(ratios)), f"{np.exp(np.log(ratios).mean()):.2f}", f"{100 * near:.0f} %", f"{100 * far:.0f} %"]


MEASURES = ("n", "geometric mean ratio", "within 25 %", "within 2-fold")


def summary(
    predictions: Sequence[Prediction], head: Sequence[str], key: Callable[[Prediction], tuple[str, ...]]
) -> str:
    """Give a summary by ``key``."""
    groups: dict[tuple[str, ...], list[Prediction]] = {}
    for each in predictions:
        groups.setdefault(key(each), []).append(each)
    ordered = sorted(groups, key=lambda k: (ORDER.index(k[0]) if k[0] in ORDER else 0, k))
    return table([*head, *MEASURES], [[*k, *summarise(groups[k])] for k in ordered])


def name_of(prediction: Prediction) -> str:
    """Name the analyte, whichever enantiomer."""
    return "/".join(split(part)[1] for part in prediction.published.analyte.split("/"))


def having(predictions: Iterable[Prediction], facts: str) -> list[Prediction]:
    """Choose predictions by what is known of them: ``group=infusion, name=norketamine, default=yes``."""
    asked = dict(fact.split("=") for fact in facts.split(", "))

    def known(each: Prediction) -> dict[str, str]:
        own = {"name": name_of(each), "kind": each.kind, "model": each.model, "default": "yes" if each.default else ""}
        return each.published.row | own

    return [each for each in predictions if asked.items() <= known(each).items()]


def page() -> str:
    """Write the whole page: the words of ``page.md``, its ``{{...}}`` filled in."""
    everything = [each for published in read() for each in predict(published)]
    by_default = [each for each in everything if each.default]

    def headline() -> str:
        independent = [each for each in having(by_default, "standing=independent") if each.kind in LEVELS]
        parent = having(independent, "name=ketamine")
        rest = [each for each in independent if each not in parent]
        return table(
            ["independent peaks, areas and bioavailabilities, default model", *MEASURES],
            [["ketamine and its enantiomers", *summarise(parent)], ["metabolites", *summarise(rest)]],
        )

    def defaults() -> str:
        head = ["standing", "quantity", "analyte", "route"]
        return summary(by_default, head, lambda e: (e.published.standing, e.kind, name_of(e), e.published.route))

    def alternatives() -> str:
        def key(each: Prediction) -> tuple[str, ...]:
            plasma = "published site" if each.same_site else "other site"
            return each.model, each.kind, name_of(each), each.published.route, plasma

        others = [each for each in everything if not each.default]
        return summary(others, ["model", "quantity", "analyte", "route", "plasma"], key)

    tables = {"headline": headline, "defaults": defaults, "alternatives": alternatives, "not_compared": not_compared}

    def fill(asked: re.Match[str]) -> str:
        what, _, facts = asked[1].partition(" ")
        if what in tables:
            return tables[what]()
        found = having(everything, facts)
        if what == "ratios":
            low, high = (f"{end(each.ratio for each in found):.2f}" for end in (min, max))
            return low if low == high else f"{low} to {high}"
        if what == "value":
            return number(found[0].value)
        return (nasal_table if what == "nasal_table" else group_table)(found)

    return re.sub(r"\{\{([^}]+)\}\}", fill, (HERE / "page.md").read_text(encoding="utf-8"))


def not_compared() -> str:
    """Give what no model can be compared with, and why."""
    with (HERE / "not_compared.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    return table(head, rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
