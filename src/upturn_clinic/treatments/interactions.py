"""What is known about other drugs beside the treatment: read from ``interactions.yaml``, never advice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["Interaction", "choices", "interaction_of", "notice"]


@dataclass(frozen=True)
class Interaction:
    """What was read about a class of drugs.

    Parameters
    ----------
    label
        The class, for people.
    level
        ``warn``, ``note`` or ``none``.
    text, source, status
        What was read, where, and how far it can be trusted.
    """

    label: str
    level: str
    text: str
    source: str
    status: str


@cache
def _document() -> dict[str, Any]:
    text = files("upturn_clinic.treatments").joinpath("interactions.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def notice() -> str:
    """Say how far all of it can be trusted."""
    return str(_document()["notice"])


def choices() -> list[tuple[str, str]]:
    """List the classes, for a form."""
    return [(key, each["label"]) for key, each in _document()["classes"].items()]


def interaction_of(drug_class: str) -> Interaction:
    """Find what was read about a class; an unknown class counts as another drug.

    Examples
    --------
    >>> interaction_of("benzodiazepine").level, interaction_of("lithium").level
    ('warn', 'note')
    """
    document = _document()
    each = document["classes"].get(drug_class) or document["classes"]["other"]
    source = document["sources"].get(each["source"], "")
    return Interaction(each["label"], each["level"], each["text"], source, each["status"])
