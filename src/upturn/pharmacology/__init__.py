"""From dose to plasma, receptor and acute effects.

Three published population models, each in a file with its numbers beside it in ``parameters/``; all linear, so
each is a composition of :class:`upturn.numerics.Exponentials`. Written for one person; mapped over many elsewhere.
"""

from collections.abc import Callable
from functools import cache

from upturn.errors import InputError
from upturn.pharmacology.acute import (
    acute_numbers,
    dissociation,
    effect_site,
    pressure_rise,
    sedation_probability,
)
from upturn.pharmacology.inlets import Inlet
from upturn.pharmacology.kinetics import (
    Covariates,
    Given,
    Kinetics,
    Responses,
    concentration,
    individual,
    typical,
)
from upturn.pharmacology.otto_fanta import OttoFanta
from upturn.pharmacology.perez_ruixo_2021 import PerezRuixo2021
from upturn.pharmacology.receptor import occupancy, occupancy_drive, receptor
from upturn.pharmacology.simons_2022 import Simons2022

__all__ = [
    "MODELS",
    "Covariates",
    "Given",
    "Inlet",
    "Kinetics",
    "OttoFanta",
    "PerezRuixo2021",
    "Responses",
    "Simons2022",
    "acute_numbers",
    "concentration",
    "dissociation",
    "effect_site",
    "individual",
    "kinetics",
    "occupancy",
    "occupancy_drive",
    "pressure_rise",
    "receptor",
    "sedation_probability",
    "typical",
]

MODELS: dict[str, Callable[[], Kinetics]] = {
    "perez_ruixo_2021": PerezRuixo2021,
    "simons_2022": Simons2022,
    "otto_fanta": OttoFanta,
}


@cache
def kinetics(name: str, *, drug: str, route: str) -> Kinetics:
    """Choose the kinetic model: by name, or ``default`` by drug and route.

    Nasal esketamine has the model of Perez-Ruixo 2021; everything else that of Simons 2022.
    """
    if name == "default":
        name = "perez_ruixo_2021" if (drug, route) == ("esketamine", "intranasal") else "simons_2022"
    if name not in MODELS:
        raise InputError("The kinetic model is not known.", expected=", ".join(["default", *MODELS]), came=name)
    model = MODELS[name]()
    if not model.supports(drug, route):
        raise InputError(
            f"The kinetic model {name} does not describe {drug} by the {route} route.",
            expected="a drug and route that the model was built for",
            came=f"{drug}, {route}",
            remedy="use the default model for this drug and route",
        )
    return model
