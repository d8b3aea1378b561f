"""From plasma to the NMDA receptor: the dimensionless drive x of occupancy x/(1+x)."""

from __future__ import annotations

from collections.abc import Mapping

from jaxtyping import Array, Float

from upturn.numerics import Exponentials
from upturn.parameters import ParameterFile, read

__all__ = ["occupancy", "occupancy_drive", "receptor"]


def receptor() -> ParameterFile:
    """Give the numbers of the receptor; their scale is a convention, see the file's limits."""
    return read("upturn.pharmacology", "receptor")


def occupancy_drive(outputs: Mapping[str, Mapping[str, Exponentials]]) -> dict[str, Exponentials]:
    """Weigh ketamine and norketamine by unbound concentration over IC50 (Shaffer 2014).

    x = fu C / IC50 + fu_NK NK / IC50_NK, both enantiomers alike (the convention that the start values of the
    plasticity model rest on).

    Parameters
    ----------
    outputs
        Concentration responses [mg/L per mg] by output and path.

    Returns
    -------
    dict
        Response of x [1/mg] by path.
    """
    per_ketamine, per_norketamine = _weights()
    drive: dict[str, Exponentials] = {path: r * per_ketamine for path, r in outputs["ketamine"].items()}
    for path, response in outputs["norketamine"].items():
        weighed = response * per_norketamine
        drive[path] = drive[path] + weighed if path in drive else weighed
    return drive


def occupancy(ketamine_mg_l: Float[Array, "..."], norketamine_mg_l: Float[Array, "..."]) -> Float[Array, "..."]:
    """Give receptor occupancy x/(1+x) from plasma concentrations [mg/L].

    Examples
    --------
    >>> occupancy(0.0, 0.0)
    0.0
    """
    per_ketamine, per_norketamine = _weights()
    x = per_ketamine * ketamine_mg_l + per_norketamine * norketamine_mg_l
    return x / (1 + x)


def _weights() -> tuple[float, float]:
    p = receptor().value
    # mg/L over g/mol is mmol/L; IC50 is in umol/L.
    return (
        1e3 / p("molar_mass_ketamine") * p("unbound_ketamine") / p("ic50_ketamine"),
        1e3 / p("molar_mass_norketamine") * p("unbound_norketamine") / p("ic50_norketamine"),
    )
