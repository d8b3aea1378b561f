"""Numbers with a birth certificate: value, unit, source and status, read from a room's own files.

A parameter file is YAML: a ``title``, a ``source`` (the paper), ``limits`` (what it must not be used for) and
``parameters``, a mapping from name to ``{value, unit, source, status}`` and, where published, ``variability``.
What lives here: reading and refusing. What does not: any number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from upturn.errors import ParameterError

__all__ = ["Parameter", "ParameterFile", "Status", "Variability", "read"]

Status = Literal["seen in source", "derived", "assumed"]
Distribution = Literal["lognormal", "logit-normal", "normal", "proportional"]


@dataclass(frozen=True)
class Variability:
    """How a parameter differs between people.

    Parameters
    ----------
    kind
        ``lognormal`` (``sd`` on the log scale), ``logit-normal`` (``sd`` on the logit scale), ``normal`` (``sd``
        in the parameter's unit), or ``proportional`` (``sd`` as a fraction of the value).
    sd
        Standard deviation on that scale.
    level
        ``person`` or ``occasion``; ``occasion`` is drawn once per person here, so that the spread at one
        occasion is as published.
    """

    kind: Distribution
    sd: float
    level: Literal["person", "occasion", "trial"] = "person"


@dataclass(frozen=True)
class Parameter:
    """One number, where it comes from and how far it can be trusted."""

    name: str
    value: float
    unit: str
    source: str
    status: Status
    variability: tuple[Variability, ...] = ()
    prior: Variability | None = None
    note: str = ""


@dataclass(frozen=True)
class ParameterFile:
    """The numbers of one paper or one model."""

    id: str
    title: str
    source: str
    limits: str
    parameters: Mapping[str, Parameter]

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self.parameters[name]
        except KeyError:
            raise ParameterError(
                f"{self.id} has no parameter called {name}.", expected=", ".join(self.parameters), came=name
            ) from None

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters.values())

    def value(self, name: str) -> float:
        """Give the value of one parameter, in the unit of its file."""
        return self[name].value


@cache
def read(package: str, name: str) -> ParameterFile:
    """Read the parameter file ``name`` that lies beside ``package``.

    Raises
    ------
    ParameterError
        A number without unit, source or a known status; a file that is not there.
    """
    resource = files(package).joinpath("parameters", f"{name}.yaml")
    if not resource.is_file():
        raise ParameterError(f"There is no parameter file {name}.", where=package)
    document = yaml.load(resource.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    parameters = {key: _parameter(key, entry, where=name) for key, entry in document["parameters"].items()}
    return ParameterFile(name, document["title"], document["source"], document["limits"], parameters)


def _parameter(name: str, entry: Mapping[str, Any], *, where: str) -> Parameter:
    missing = [key for key in ("value", "unit", "source", "status") if entry.get(key) in (None, "")]
    if missing:
        raise ParameterError(
            f"The parameter {name} has no {' and no '.join(missing)}.",
            expected="value, unit, source and status for every number",
            where=where,
        )
    if entry["status"] not in get_args(Status):
        raise ParameterError(
            f"The parameter {name} has an unknown status.",
            expected=", ".join(get_args(Status)),
            came=str(entry["status"]),
            where=where,
        )
    return Parameter(
        name=name,
        value=float(entry["value"]),
        unit=str(entry["unit"]),
        source=str(entry["source"]),
        status=entry["status"],
        variability=tuple(Variability(**each) for each in entry.get("variability", ())),
        prior=Variability(**entry["prior"]) if entry.get("prior") else None,
        note=str(entry.get("note", "")),
    )
