"""The sources that a protocol names, as pages show them: a short name beside a rule, all words at the foot of the page.

What lives here: the short name and the link. What does not: how far a rule can be trusted (its status).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from upturn.protocol import Protocol, Source

__all__ = ["Cited", "sources_of"]

_WEB = ("https://", "http://")
# What follows one of these tells more about a source than its name.
_ENDS = (": ", " (", ", read in")


@dataclass(frozen=True)
class Cited:
    """A source as it is shown.

    Parameters
    ----------
    text
        All of its words.
    brief
        Enough of them to tell it from the others of its protocol.
    link
        Where it is a web address; empty otherwise.
    """

    id: str
    text: str
    brief: str
    link: str


def sources_of(protocol: Protocol) -> Mapping[str, Cited]:
    """Give all sources of a protocol by their id.

    Examples
    --------
    >>> from upturn.protocol import load
    >>> found = sources_of(load("six-infusions"))
    >>> found["esketamine-label"].brief, found["phillips-2019"].brief
    ('Esketamine nasal spray, US prescribing information of March 2019', 'Phillips and others, 2019')
    >>> found["murrough-2013b"].brief
    'Murrough and others, 2013: six ketamine infusions over two weeks, open label'
    """
    texts = {each.id: " ".join(each.text.split()) for each in protocol.sources}
    often = Counter(_brief(text) for text in texts.values())
    return {
        each.id: Cited(each.id, texts[each.id], _alone(texts[each.id], often), _link(each)) for each in protocol.sources
    }


def _alone(text: str, often: Mapping[str, int]) -> str:
    brief = _brief(text)
    return text if often[brief] > 1 else brief


def _brief(text: str) -> str:
    return min((text.partition(end)[0] for end in _ENDS), key=len)


def _link(source: Source) -> str:
    # Only web addresses become links: the document is somebody's, and a link can hold a script.
    link = f"https://doi.org/{source.doi}" if source.doi else source.url or ""
    return link if link.startswith(_WEB) else ""
