"""Simons 2022, with absorption for every other route: arterial S- and R-ketamine, norketamine, hydroxynorketamine.

Each enantiomer has three compartments, two transits to norketamine (two compartments) and two to hydroxynorketamine
(two). Both follow the numbers of S-ketamine except the clearance of R-ketamine. Venous plasma is the arterial
one after a single delay. Amounts are carried in mg of ketamine; metabolites leave in mg of metabolite.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import jax.numpy as jnp

from upturn.numerics import Exponentials, convolve, delay, first_order, mammillary
from upturn.parameters import ParameterFile, read
from upturn.pharmacology.inlets import Inlet
from upturn.pharmacology.kinetics import Covariates, Given, Responses, Scalar, individuals, metabolite, unsupported

__all__ = ["Simons2022"]

REFERENCE_WEIGHT_KG: Final = 70.0  # Table 4: values at 70 kg


@final
class Simons2022:
    """The population model of Simons 2022 (Front Pain Res 3:946486, Figure 2 and Table 4), for all routes."""

    site = "arterial"

    def __init__(self) -> None:
        self.parameters: ParameterFile = read("upturn.pharmacology", "simons_2022")
        self.receptor: ParameterFile = read("upturn.pharmacology", "receptor")

    def supports(self, drug: str, route: str) -> bool:
        """Ketamine by any route; esketamine but for the nasal spray, which has a model of its own."""
        routes = {"intravenous", "intramuscular", "subcutaneous", "sublingual", "oral"}
        return (drug == "ketamine" and route in routes | {"intranasal"}) or (drug == "esketamine" and route in routes)

    def inlets(self, given: Given) -> tuple[Inlet, ...]:
        """Each enantiomer enters by its own paths; the racemate is half of each."""
        if not self.supports(given.drug, given.route):
            raise unsupported("simons_2022", given)
        forms = ("s", "r") if given.drug == "ketamine" else ("s",)
        part = 1 / len(forms)
        p = self.parameters.value
        ways = {
            "intravenous": (("vein", "all", given.over_h),),
            "intramuscular": (("depot", "injected", 0.0),),
            "subcutaneous": (("depot", "injected", 0.0),),
            "sublingual": (
                ("mucosa", "mucosal", p("mucosal_duration")),
                ("gut", "swallowed", p("swallowed_duration")),
            ),
            "oral": (("mouth", "all", p("oral_duration")),),
            "intranasal": (("nose", "nasal", 0.0), ("mouth", "not_nasal", p("oral_duration"))),
        }[given.route]
        return tuple(Inlet(f"{form}.{path}", share, 0.0, lasts, part) for form in forms for path, share, lasts in ways)

    def values(self, draws: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Every parameter varies on its own, as published."""
        return individuals(self.parameters, draws)

    def responses(self, values: Mapping[str, Scalar], person: Covariates, given: Given) -> Responses:
        """Compose each enantiomer's chain and add the two."""
        paths = [inlet.path for inlet in self.inlets(given)]
        relative = person.weight_kg / REFERENCE_WEIGHT_KG
        per_volume = relative ** values["exponent_volume"]
        # Rates scale as flow over volume; the amount-to-concentration step carries the volume itself.
        quick = relative ** values["exponent_clearance"] / per_volume
        metabolites = self._metabolites(values, quick)
        outputs: dict[str, dict[str, Exponentials]] = {}
        for form in ("s", "r"):
            mine = {path.partition(".")[2] for path in paths if path.startswith(f"{form}.")}
            for path in sorted(mine):
                for name, response in self._enantiomer(values, (quick, per_volume), metabolites, form, path).items():
                    outputs.setdefault(name, {})[f"{form}.{path}"] = response
        shares = {
            "all": jnp.ones_like(values["clearance"]),
            "injected": values["f_injection"],
            "mucosal": jnp.minimum(values["mucosal_fraction"], 1.0),
            "swallowed": values["swallowed_fraction"],
            "nasal": values["nasal_fraction"],
            "not_nasal": 1 - values["nasal_fraction"],
        }
        return Responses(outputs, shares)

    @staticmethod
    def _metabolites(v: Mapping[str, Scalar], quick: Scalar) -> tuple[Exponentials, Exponentials]:
        """From metabolised ketamine (mg/h) to the metabolites in plasma (mg of ketamine); the same for both forms."""
        centre = v["central_volume"]
        nor = metabolite(
            "n",
            clearance=v["nor_clearance"],
            volume=centre,
            exchange=v["nor_peripheral_clearance"],
            peripheral_volume=v["nor_peripheral_volume"],
            pace=quick,
        )
        hydroxy = metabolite(
            "h",
            clearance=v["hydroxy_clearance"],
            volume=v["hydroxy_central_volume"],
            exchange=v["hydroxy_peripheral_clearance"],
            peripheral_volume=v["hydroxy_peripheral_volume"],
            pace=quick,
        )
        to_nor = convolve(delay("t", v["nor_transit_time"], 2) * v["nor_fraction"], nor.central)
        away = to_nor * (v["nor_clearance"] / centre * quick)
        to_hydroxy = convolve(
            convolve(away, delay("u", v["hydroxy_transit_time"], 2) * v["hydroxy_fraction"]), hydroxy.central
        )
        return to_nor, to_hydroxy

    def _enantiomer(
        self,
        v: Mapping[str, Scalar],
        scale: tuple[Scalar, Scalar],
        metabolites: tuple[Exponentials, Exponentials],
        form: str,
        path: str,
    ) -> dict[str, Exponentials]:
        quick, per_volume = scale
        to_nor, to_hydroxy = metabolites
        centre = v["central_volume"]
        clearance = v["clearance"] * (v["r_clearance_ratio"] if form == "r" else 1.0)
        body = mammillary(
            "k",
            elimination=clearance / centre * quick,
            exchange=[
                (
                    v["shallow_clearance"] / centre * quick,
                    v["shallow_clearance"] / v["shallow_volume"] * quick,
                    0.0,
                ),
                (v["deep_clearance"] / centre * quick, v["deep_clearance"] / v["deep_volume"] * quick, 0.0),
            ],
        )
        in_centre, metabolised = self._way_in(v, body.central, clearance / centre * quick, path)
        if metabolised is None:
            metabolised = in_centre * (clearance / centre * quick)
        mass = self.receptor.value
        ketamine = in_centre * (1 / (centre * per_volume))
        out = {
            "ketamine": ketamine,
            "ketamine_venous": convolve(ketamine, delay("v", v["venous_delay"])),
            "norketamine": convolve(metabolised, to_nor)
            * (mass("molar_mass_norketamine") / mass("molar_mass_ketamine") / (centre * per_volume)),
            "hydroxynorketamine": convolve(metabolised, to_hydroxy)
            * (
                mass("molar_mass_hydroxynorketamine")
                / mass("molar_mass_ketamine")
                / (v["hydroxy_central_volume"] * per_volume)
            ),
        }
        if path == "gut":  # swallowed film: into hepatic metabolism only, no ketamine reaches plasma
            out = {name: response for name, response in out.items() if not name.startswith("ketamine")}
        if form == "s" and "ketamine" in out:
            out["s_ketamine"] = ketamine
        return out

    @staticmethod
    def _way_in(
        v: Mapping[str, Scalar], central: Exponentials, elimination: Scalar, path: str
    ) -> tuple[Exponentials, Exponentials | None]:
        """Amount in the centre, and rate of metabolism [1/h] where it is not all from the centre."""
        if path == "vein":
            return central, None
        if path in {"depot", "mucosa", "nose"}:
            rate = {"depot": "ka_injection", "mucosa": "ka_mucosal", "nose": "ka_nasal"}[path]
            return convolve(first_order("a", v[rate]), central), None
        if path == "gut":
            absorbed = convolve(first_order("a", v["ka_swallowed"]), delay("g", v["gut_transit_time"]))
            return central * 0.0, absorbed
        absorbed = first_order("a", v["ka_oral"]) * v["oral_gut_fraction"]
        systemic = convolve(absorbed * (1 - v["oral_extraction"]), central)
        return systemic, systemic * elimination + absorbed * v["oral_extraction"]
