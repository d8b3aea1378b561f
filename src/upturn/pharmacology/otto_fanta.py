"""Otto 2021 on Fanta 2015: infused ketamine or esketamine, venous; the alternative to Simons 2022."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import jax.numpy as jnp

from upturn.numerics import Exponentials, convolve, mammillary
from upturn.parameters import ParameterFile, read
from upturn.pharmacology.inlets import Inlet
from upturn.pharmacology.kinetics import Covariates, Given, Responses, Scalar, individuals, metabolite, unsupported

__all__ = ["OttoFanta"]

REFERENCE_WEIGHT_KG: Final = 70.0  # Table 3: values at 70 kg


@final
class OttoFanta:
    """The venous population model of Otto 2021 (norketamine) on Fanta 2015 (parent)."""

    site = "venous"

    def __init__(self) -> None:
        self.parameters: ParameterFile = read("upturn.pharmacology", "otto_fanta")
        self.receptor: ParameterFile = read("upturn.pharmacology", "receptor")

    def supports(self, drug: str, route: str) -> bool:
        """Infusions of ketamine or esketamine."""
        return drug in {"ketamine", "esketamine"} and route == "intravenous"

    def inlets(self, given: Given) -> tuple[Inlet, ...]:
        """One inlet into the vein for each enantiomer."""
        if not self.supports(given.drug, given.route):
            raise unsupported("otto_fanta", given)
        forms = ("s", "r") if given.drug == "ketamine" else ("s",)
        return tuple(Inlet(f"{form}.vein", "all", 0.0, given.over_h, 1 / len(forms)) for form in forms)

    def values(self, draws: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Volume and clearance are correlated, for parent and for norketamine (Table 3)."""
        tied = dict(draws)
        for pre in ("", "nor_"):
            volume, clearance = f"{pre}central_volume", f"{pre}clearance"
            if clearance not in draws or volume not in draws:
                continue
            sd = [self.parameters[name].variability[0].sd for name in (volume, clearance)]
            r = self.parameters.value(f"{pre}covariance_volume_clearance") / (sd[0] * sd[1])
            tied[clearance] = r * draws[volume] + (1 - r * r) ** 0.5 * draws[clearance]
        return individuals(self.parameters, tied)

    def responses(self, values: Mapping[str, Scalar], person: Covariates, given: Given) -> Responses:
        """Compose parent and norketamine for each enantiomer. The central volume scales with weight."""
        v = values
        relative = person.weight_kg / REFERENCE_WEIGHT_KG
        volume = v["central_volume"] * relative ** v["exponent_volume"]
        nor_volume = v["nor_central_volume"] * relative ** v["exponent_volume"]
        nor_clearance = v["nor_clearance"] * relative ** v["exponent_clearance"]
        outputs: dict[str, dict[str, Exponentials]] = {}
        for inlet in self.inlets(given):
            ratio = v["r_clearance_ratio"] if inlet.path.startswith("r") else 1.0
            clearance = v["clearance"] * relative ** v["exponent_clearance"] * ratio
            parent = mammillary(
                "k",
                elimination=clearance / volume,
                exchange=[
                    (v["slow_clearance"] / volume, v["slow_clearance"] / v["slow_volume"], 0.0),
                    (v["fast_clearance"] / volume, v["fast_clearance"] / v["fast_volume"], 0.0),
                ],
            ).central
            nor = metabolite(
                "n",
                clearance=nor_clearance,
                volume=nor_volume,
                exchange=v["nor_peripheral_clearance"],
                peripheral_volume=v["nor_peripheral_volume"],
            ).central
            mass = self.receptor.value("molar_mass_norketamine") / self.receptor.value("molar_mass_ketamine")
            formed = parent * (clearance / volume * v["nor_fraction"] * mass)
            response = {
                "ketamine": parent * (1 / volume),
                "norketamine": convolve(formed, nor) * (1 / nor_volume),
            }
            if inlet.path.startswith("s"):
                response["s_ketamine"] = response["ketamine"]
            for name, each in response.items():
                outputs.setdefault(name, {})[inlet.path] = each
        return Responses(outputs, {"all": jnp.ones_like(volume)})
