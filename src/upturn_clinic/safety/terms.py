"""Words for adverse events, read from ``terms.yaml``. What does not live here: whether one was expected."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

__all__ = ["Term", "term", "terms"]


@dataclass(frozen=True)
class Term:
    """A word, and whether the published list of adverse reactions has it."""

    word: str
    listed: bool
    source: str
    status: str


@cache
def terms() -> tuple[Term, ...]:
    """Give all words, the commonest first.

    Examples
    --------
    >>> terms()[0].word
    'dissociation'
    """
    document = yaml.safe_load(files("upturn_clinic.safety").joinpath("terms.yaml").read_text(encoding="utf-8"))
    sources = document["sources"]
    return tuple(
        Term(each["word"], each["listed"], sources.get(each["source"], ""), each["status"])
        for each in document["terms"]
    )


def term(word: str) -> Term | None:
    """Find a word of the list, whatever its capitals; None for any other word."""
    return next((each for each in terms() if each.word == word.strip().lower()), None)
