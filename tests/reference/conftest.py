"""The kinetic models once more, written out as compartments, and the way SciPy solves them.

Nothing here uses the sums of exponentials of ``upturn``: a structure is a matrix of rate constants, where a dose goes
in, and what is read. Only a person's parameters are shared.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Vector = NDArray[np.float64]

MASS_K, MASS_NK, MASS_HNK = 237.73, 223.70, 239.70  # C13H16ClNO, C12H14ClNO, C12H14ClNO2
DEVICE_STEP_H = 5 / 60


class Entry(NamedTuple):
    """A part of a dose: amount [mg] into a compartment from ``starts_h`` on, over ``lasts_h`` (0: at once)."""

    into: str
    mg: float
    starts_h: float
    lasts_h: float


class Structure:
    """Compartments by name; ``flow`` adds a first-order transfer, ``None`` being outside the body."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.matrix = np.zeros((len(names), len(names)))
        self.reads: dict[str, Vector] = {}

    def flow(self, source: str, target: str | None, rate: float, part: float = 1.0) -> None:
        i = self.names.index(source)
        self.matrix[i, i] -= rate
        if target is not None:
            self.matrix[self.names.index(target), i] += part * rate

    def read(self, output: str, weights: Mapping[str, float]) -> None:
        row = self.reads.setdefault(output, np.zeros(len(self.names)))
        for name, weight in weights.items():
            row[self.names.index(name)] += weight

    def unit(self, name: str) -> Vector:
        return np.eye(len(self.names))[self.names.index(name)]


def perez_ruixo(v: Mapping[str, float], *, age_y: float, asian: float) -> Structure:
    body = Structure(["nose", "gut", "centre", "shallow", "deep", "liver", "nor", "nor_far"])
    flow = v["hepatic_flow"] - 2.19 * max(age_y - 60, 0)
    body.flow("nose", "centre", v["ka_nasal"])
    body.flow("centre", "shallow", v["shallow_clearance"] / v["central_volume"])
    body.flow("shallow", "centre", v["shallow_clearance"] / v["shallow_volume"])
    body.flow("centre", "deep", v["deep_clearance"] / v["central_volume"])
    body.flow("deep", "centre", v["deep_clearance"] / v["deep_volume"])
    body.flow("centre", "liver", flow / v["central_volume"])
    body.flow("liver", "centre", flow / v["hepatic_volume"])
    body.flow("liver", None, v["elimination_rate"] * (0.36 if asian else 1))
    body.flow("liver", "nor", v["metabolism_rate"])
    body.flow("nor", None, v["nor_clearance"] * (0.81 if asian else 1) / v["nor_central_volume"])
    body.flow("nor", "nor_far", v["nor_peripheral_clearance"] / v["nor_central_volume"])
    body.flow("nor_far", "nor", v["nor_peripheral_clearance"] / v["nor_peripheral_volume"])
    for output in ("ketamine", "s_ketamine"):
        body.read(output, {"centre": 1 / v["central_volume"]})
    body.read("norketamine", {"nor": 1 / v["nor_central_volume"]})
    return body


def perez_ruixo_dose(
    v: Mapping[str, float], route: str, mg: float, *, over_h: float, japanese: float
) -> tuple[Structure | None, list[Entry]]:
    """Entries of a dose; the mouth and the swallowed part enter "gut", whose rate differs."""
    if route == "intravenous":
        return None, [Entry("centre", mg, 0.0, over_h)]
    if route == "oral":
        return None, [Entry("gut", mg, 0.0, v["duration_oral"])]
    entries = []
    devices = round(mg / 28)
    for i in range(devices):
        through = v["nasal_fraction"] * (1.34 if japanese else 1)
        through = min(through, 1.0) * (0.62 if i else 1)
        entries.append(Entry("nose", 28 * through, i * DEVICE_STEP_H, 0.0))
        entries.append(Entry("gut", 28 * (1 - through), i * DEVICE_STEP_H, v["duration_swallowed"]))
    return None, entries


def simons(v: Mapping[str, float], forms: str, *, weight_kg: float, route: str) -> Structure:
    """One chain for each enantiomer, in mg of ketamine; ``depot`` empties by the route's absorption."""
    names = ["depot", "wall", "centre", "shallow", "deep", "nt1", "nt2", "nor", "nor_far", "ht1", "ht2", "hyd"]
    names += ["hyd_far", "vein"]
    body = Structure([f"{form}.{name}" for form in forms for name in names])
    flow_scale, size = (weight_kg / 70) ** v["exponent_clearance"], (weight_kg / 70) ** v["exponent_volume"]
    volume = v["central_volume"] * size
    for form in forms:

        def q(name: str, form: str = form) -> str:
            return f"{form}.{name}"

        def between(a: str, b: str, clearance: float, here: float, there: float) -> None:
            body.flow(q(a), q(b), clearance * flow_scale / here)
            body.flow(q(b), q(a), clearance * flow_scale / there)

        lost = v["clearance"] * (v["r_clearance_ratio"] if form == "r" else 1) * flow_scale / volume
        kn, kh = 2 / v["nor_transit_time"], 2 / v["hydroxy_transit_time"]
        nor_lost = v["nor_clearance"] * flow_scale / volume
        h_volume = v["hydroxy_central_volume"] * size
        between("centre", "shallow", v["shallow_clearance"], volume, v["shallow_volume"] * size)
        between("centre", "deep", v["deep_clearance"], volume, v["deep_volume"] * size)
        body.flow(q("centre"), q("nt1"), lost, v["nor_fraction"])
        body.flow(q("nt1"), q("nt2"), kn)
        body.flow(q("nt2"), q("nor"), kn)
        between("nor", "nor_far", v["nor_peripheral_clearance"], volume, v["nor_peripheral_volume"] * size)
        body.flow(q("nor"), q("ht1"), nor_lost, v["hydroxy_fraction"])
        body.flow(q("ht1"), q("ht2"), kh)
        body.flow(q("ht2"), q("hyd"), kh)
        body.flow(q("hyd"), None, v["hydroxy_clearance"] * flow_scale / h_volume)
        between("hyd", "hyd_far", v["hydroxy_peripheral_clearance"], h_volume, v["hydroxy_peripheral_volume"] * size)
        _absorb(body, v, form, route)
        body.flow(q("vein"), None, 1 / v["venous_delay"])
        body.matrix[body.names.index(q("vein")), body.names.index(q("centre"))] += 1 / v["venous_delay"] / volume
        body.read("ketamine", {q("centre"): 1 / volume})
        body.read("ketamine_venous", {q("vein"): 1.0})
        body.read("norketamine", {q("nor"): MASS_NK / MASS_K / volume})
        body.read("hydroxynorketamine", {q("hyd"): MASS_HNK / MASS_K / h_volume})
        if form == "s":
            body.read("s_ketamine", {q("centre"): 1 / volume})
    return body


def _absorb(body: Structure, v: Mapping[str, float], form: str, route: str) -> None:
    depot, wall, centre, metabolised = (f"{form}.{name}" for name in ("depot", "wall", "centre", "nt1"))
    if route in {"intramuscular", "subcutaneous"}:
        body.flow(depot, centre, v["ka_injection"])
    elif route == "sublingual":  # two depots: the mucosa, and what is swallowed and metabolised in liver or gut
        body.flow(depot, centre, v["ka_mucosal"])
    elif route == "intranasal":
        body.flow(depot, centre, v["ka_nasal"])
    if route in {"oral", "intranasal"}:
        kept = v["oral_gut_fraction"] * (1 - v["oral_extraction"])
        made = v["oral_gut_fraction"] * v["oral_extraction"] * v["nor_fraction"]
        at, to, by = (body.names.index(name) for name in (wall, centre, metabolised))
        body.matrix[at, at] -= v["ka_oral"]
        body.matrix[to, at] += kept * v["ka_oral"]
        body.matrix[by, at] += made * v["ka_oral"]


def simons_swallowed(v: Mapping[str, float], body: Structure, form: str) -> Structure:
    """Add the swallowed film: absorption, one transit, hepatic metabolism."""
    names = [*body.names, f"{form}.film", f"{form}.film_wall"]
    wider = Structure(names)
    n = len(body.names)
    wider.matrix[:n, :n] = body.matrix
    wider.reads = {output: np.append(row, [0.0, 0.0]) for output, row in body.reads.items()}
    wider.flow(f"{form}.film", f"{form}.film_wall", v["ka_swallowed"])
    wider.flow(f"{form}.film_wall", f"{form}.nt1", 1 / v["gut_transit_time"], v["nor_fraction"])
    return wider


def simons_dose(v: Mapping[str, float], forms: str, route: str, mg: float, *, over_h: float) -> list[Entry]:
    out = []
    for form in forms:
        part = mg / len(forms)
        if route == "intravenous":
            out.append(Entry(f"{form}.centre", part, 0.0, over_h))
        elif route in {"intramuscular", "subcutaneous"}:
            out.append(Entry(f"{form}.depot", part * v["f_injection"], 0.0, 0.0))
        elif route == "sublingual":
            out.append(Entry(f"{form}.depot", part * min(v["mucosal_fraction"], 1.0), 0.0, v["mucosal_duration"]))
            out.append(Entry(f"{form}.film", part * v["swallowed_fraction"], 0.0, v["swallowed_duration"]))
        elif route == "oral":
            out.append(Entry(f"{form}.wall", part, 0.0, v["oral_duration"]))
        else:
            out.append(Entry(f"{form}.depot", part * v["nasal_fraction"], 0.0, 0.0))
            out.append(Entry(f"{form}.wall", part * (1 - v["nasal_fraction"]), 0.0, v["oral_duration"]))
    return out


def otto_fanta(v: Mapping[str, float], forms: str, *, weight_kg: float) -> Structure:
    names = ["centre", "slow", "fast", "nor", "nor_far"]
    body = Structure([f"{form}.{name}" for form in forms for name in names])
    relative = weight_kg / 70
    volume, nor_volume = v["central_volume"] * relative, v["nor_central_volume"] * relative
    for form in forms:
        lost = v["clearance"] * (v["r_clearance_ratio"] if form == "r" else 1) * relative**0.75 / volume
        body.flow(f"{form}.centre", f"{form}.nor", lost, MASS_NK / MASS_K)
        for tissue in ("slow", "fast"):
            body.flow(f"{form}.centre", f"{form}.{tissue}", v[f"{tissue}_clearance"] / volume)
            body.flow(f"{form}.{tissue}", f"{form}.centre", v[f"{tissue}_clearance"] / v[f"{tissue}_volume"])
        body.flow(f"{form}.nor", None, v["nor_clearance"] * relative**0.75 / nor_volume)
        body.flow(f"{form}.nor", f"{form}.nor_far", v["nor_peripheral_clearance"] / nor_volume)
        body.flow(f"{form}.nor_far", f"{form}.nor", v["nor_peripheral_clearance"] / v["nor_peripheral_volume"])
        body.read("ketamine", {f"{form}.centre": 1 / volume})
        body.read("norketamine", {f"{form}.nor": 1 / nor_volume})
        if form == "s":
            body.read("s_ketamine", {f"{form}.centre": 1 / volume})
    return body


def compartments(
    model: str, values: Mapping[str, Any], person: Any, *, drug: str, route: str, mg: float, over_h: float = 0.0
) -> tuple[Structure, list[Entry]]:
    """Write out one of the three published models for a person and a dose."""
    v = {name: float(value) for name, value in values.items()}
    forms = "sr" if drug == "ketamine" else "s"
    if model == "perez_ruixo_2021":
        body = perez_ruixo(v, age_y=float(person.age_y), asian=float(person.asian))
        rate = v["ka_oral"] if route == "oral" else v["ka_swallowed"]
        body.flow("gut", "liver", rate, v["gut_fraction"])
        _, entries = perez_ruixo_dose(v, route, mg, over_h=over_h, japanese=float(person.japanese))
        return body, entries
    if model == "simons_2022":
        body = simons(v, forms, weight_kg=float(person.weight_kg), route=route)
        if route == "sublingual":
            for form in forms:
                body = simons_swallowed(v, body, form)
        return body, simons_dose(v, forms, route, mg, over_h=over_h)
    body = otto_fanta(v, forms, weight_kg=float(person.weight_kg))
    return body, [Entry(f"{form}.centre", mg / len(forms), 0.0, over_h) for form in forms]


def solve_linear(
    body: Structure, entries: Sequence[Entry], time_h: Vector, *, rtol: float = 1e-10
) -> dict[str, Vector]:
    """Solve the compartments with LSODA, restarted at every discontinuity."""
    changes = {0.0, float(time_h[-1])}
    for e in entries:
        changes |= {e.starts_h, e.starts_h + e.lasts_h}
    edges = sorted(t for t in changes if t <= time_h[-1])
    state = np.zeros(len(body.names))
    found = {output: np.zeros(len(time_h)) for output in body.reads}
    for begin, end in itertools.pairwise(edges):
        flow = np.zeros(len(body.names))
        for e in entries:
            if e.lasts_h == 0 and e.starts_h == begin:
                state = state + e.mg * body.unit(e.into)
            elif e.lasts_h > 0 and e.starts_h <= begin + 1e-12 and begin < e.starts_h + e.lasts_h - 1e-12:
                flow = flow + e.mg / e.lasts_h * body.unit(e.into)
        inside = (time_h > begin) & (time_h <= end)
        at = np.append(time_h[inside], end)
        done = solve_ivp(
            lambda _t, y, flow=flow: body.matrix @ y + flow,
            (begin, end),
            state,
            method="LSODA",
            t_eval=np.unique(at),
            rtol=rtol,
            atol=1e-14 * max(e.mg for e in entries),
            jac=lambda _t, _y: body.matrix,
        )
        assert done.success, done.message
        for output, row in body.reads.items():
            found[output][inside] = row @ done.y[:, : int(inside.sum())]
        state = done.y[:, -1]
    return found


@pytest.fixture(scope="session")
def compartment_model() -> Callable[..., tuple[Structure, list[Entry]]]:
    return compartments


@pytest.fixture(scope="session")
def solved() -> Callable[..., dict[str, Vector]]:
    return solve_linear
