"""Whom to call in a crisis: the facility's own words first, else those of its country, and always the general ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

__all__ = ["CrisisHelp", "crisis_help"]


@dataclass(frozen=True)
class CrisisHelp:
    """What stands on every page and sheet for participants.

    Parameters
    ----------
    general
        What holds everywhere.
    lines
        Whom to call, one per line; empty where neither the facility nor this package knows a line.
    """

    general: str
    lines: tuple[str, ...]


def crisis_help(country: str, own_words: str) -> CrisisHelp:
    """Choose the words for a facility.

    Parameters
    ----------
    country
        Two letters, or nothing.
    own_words
        What the facility wrote, one line per service.

    Examples
    --------
    >>> crisis_help("US", "").lines[0]
    '988 Suicide & Crisis Lifeline: 988, call or text, day and night'
    >>> crisis_help("US", "Our nurse: 555 0100, day and night").lines
    ('Our nurse: 555 0100, day and night',)
    """
    document = _document()
    own = tuple(line.strip() for line in own_words.splitlines() if line.strip())
    known = tuple(f"{each['who']}: {each['how']}" for each in document["countries"].get(country, ()))
    return CrisisHelp(document["general"], own or known)


@cache
def _document() -> dict[str, Any]:
    text = files("upturn_clinic.pages").joinpath("crisis.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))
