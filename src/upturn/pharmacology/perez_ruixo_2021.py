"""Perez-Ruixo 2021: esketamine by nasal spray, mouth or infusion; three compartments and a hepato-portal one.

Centre, two tissues and liver form a mammillary system; the liver returns at hepatic flow and eliminates (well
stirred). The nasal dose splits into a part through the mucosa (first order into the centre) and a swallowed part
(zero order, then first order, through the gut wall into the liver). Venous plasma.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, final

import jax.numpy as jnp

from upturn.numerics import convolve, first_order, mammillary
from upturn.parameters import ParameterFile, read
from upturn.pharmacology.inlets import Inlet
from upturn.pharmacology.kinetics import Covariates, Given, Responses, Scalar, individuals, metabolite, unsupported

__all__ = ["PerezRuixo2021"]

LIVER: Final = 2
AGE_OF_FLOW_DECLINE_Y: Final = 60.0  # Table 3: the effect of age starts at 60 years


@final
class PerezRuixo2021:
    """The population model of Perez-Ruixo 2021 (Clin Pharmacokinet 60:501, Fig. 1 and Table 3)."""

    site = "venous"

    def __init__(self) -> None:
        self.parameters: ParameterFile = read("upturn.pharmacology", "perez_ruixo_2021")

    def supports(self, drug: str, route: str) -> bool:
        """Esketamine: intranasal, oral, intravenous."""
        return drug == "esketamine" and route in {"intranasal", "oral", "intravenous"}

    def inlets(self, given: Given) -> tuple[Inlet, ...]:
        """Nasal devices each enter the nose at once and are swallowed over a fixed duration."""
        if given.route == "intravenous":
            return (Inlet("vein", "all", 0.0, given.over_h),)
        if given.route == "oral":
            return (Inlet("mouth", "all", 0.0, self.parameters.value("duration_oral")),)
        if given.route != "intranasal":
            raise unsupported("perez_ruixo_2021", given)
        out = []
        part = 1 / len(given.devices_h)
        for i, start in enumerate(given.devices_h):
            which = "first" if i == 0 else "later"
            out.append(Inlet("nose", f"nasal_{which}", start, 0.0, part))
            duration = self.parameters.value("duration_swallowed")
            out.append(Inlet("swallowed", f"swallowed_{which}", start, duration, part))
        return tuple(out)

    def values(self, draws: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Every parameter varies on its own, as published."""
        return individuals(self.parameters, draws)

    def responses(self, values: Mapping[str, Scalar], person: Covariates, given: Given) -> Responses:
        """Compose the mammillary system with absorption before it and noresketamine after it."""
        v = values
        flow = v["hepatic_flow"] + v["hepatic_flow_per_year_over_60"] * jnp.maximum(
            person.age_y - AGE_OF_FLOW_DECLINE_Y, 0.0
        )
        flow = jnp.maximum(flow, v["least_hepatic_flow"] * v["hepatic_flow"])
        away = v["elimination_rate"] * jnp.where(person.asian > 0, v["elimination_asian"], 1.0)
        body = mammillary(
            "k",
            elimination=0.0,
            exchange=[
                (
                    v["shallow_clearance"] / v["central_volume"],
                    v["shallow_clearance"] / v["shallow_volume"],
                    0.0,
                ),
                (v["deep_clearance"] / v["central_volume"], v["deep_clearance"] / v["deep_volume"], 0.0),
                (flow / v["central_volume"], flow / v["hepatic_volume"], away + v["metabolism_rate"]),
            ],
        )
        nor_clearance = v["nor_clearance"] * jnp.where(person.asian > 0, v["nor_clearance_asian"], 1.0)
        nor = metabolite(
            "n",
            clearance=nor_clearance,
            volume=v["nor_central_volume"],
            exchange=v["nor_peripheral_clearance"],
            peripheral_volume=v["nor_peripheral_volume"],
        ).central * (v["metabolism_rate"] / v["nor_central_volume"])

        into_centre = (body.central, body.to(LIVER))
        into_liver = (body.back_from(LIVER), body.within(LIVER))
        ways = {
            "vein": into_centre,
            "nose": tuple(convolve(first_order("a", v["ka_nasal"]), r) for r in into_centre),
            "swallowed": tuple(
                convolve(first_order("a", v["ka_swallowed"]), r) * v["gut_fraction"] for r in into_liver
            ),
            "mouth": tuple(convolve(first_order("a", v["ka_oral"]), r) * v["gut_fraction"] for r in into_liver),
        }
        paths = {inlet.path for inlet in self.inlets(given)}
        parent = {path: ways[path][0] * (1 / v["central_volume"]) for path in ways if path in paths}
        noresketamine = {path: convolve(ways[path][1], nor) for path in ways if path in paths}
        first = v["nasal_fraction"] * jnp.where(person.japanese > 0, v["nasal_fraction_japanese"], 1.0)
        first = jnp.minimum(first, 1.0)
        later = first * v["nasal_fraction_later_device"]
        shares = {
            "all": jnp.ones_like(first),
            "nasal_first": first,
            "nasal_later": later,
            "swallowed_first": 1 - first,
            "swallowed_later": 1 - later,
        }
        return Responses({"ketamine": parent, "s_ketamine": parent, "norketamine": noresketamine}, shares)
