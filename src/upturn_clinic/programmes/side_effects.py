"""How often side effects were seen in published studies of a drug, in words a participant uses.

What lives here: choosing the study and the words. What does not: the numbers, which are the library's evidence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from upturn.evidence import AdverseEvent, adverse_events
from upturn_clinic.programmes.sizes import PEOPLE, SIDE_EFFECTS_TOLD

__all__ = ["Passing", "SideEffect", "SideEffects", "passing", "side_effects"]

# The published words for what people feel, in theirs.
PLAIN: Mapping[str, str] = {
    "nausea": "felt sick",
    "vomiting": "threw up",
    "dizziness": "felt dizzy",
    "vertigo": "felt the room spin",
    "dissociation": "felt cut off from themselves",
    "somnolence": "felt sleepy",
    "sedation": "felt drowsy",
    "headache": "had a headache",
    "anxiety": "felt anxious",
    "dysgeusia": "had an odd taste in the mouth",
    "vision blurred": "saw less sharply",
    "blood pressure increased": "had high blood pressure",
    "feeling strange": "felt strange",
    "feeling spacey": "felt spaced out",
    "woozy": "felt woozy",
    "floating": "felt that they floated",
    "visual distortions": "saw things in a changed way",
    "difficulty speaking": "found it hard to speak",
    "numbness": "felt numb",
}


@dataclass(frozen=True)
class SideEffect:
    """One side effect: how many had it with the drug and, where known, without."""

    what: str
    with_drug: int
    without: int | None
    at_least: bool
    peak: str
    gone: str


@dataclass(frozen=True)
class SideEffects:
    """What one study saw.

    Parameters
    ----------
    drug, route
        What was studied: not always what the participant gets.
    people
        How many people had the drug in that study.
    out_of
        The round number that the frequencies refer to.
    told
        The most frequent ones first.
    source
        Where it was read.
    """

    drug: str
    route: str
    people: int
    out_of: int
    told: tuple[SideEffect, ...]
    source: str


@dataclass(frozen=True)
class Passing:
    """When the effects of a session had passed, as a study tells it."""

    people: int
    gone: str
    source: str


def passing(drug: str, route: str) -> Passing | None:
    """Find when effects had passed in people who had a drug by a route.

    Examples
    --------
    >>> passing("ketamine", "intravenous").gone
    'most within 2 hours, all within 4 hours'
    """
    told = [
        each
        for each in adverse_events()
        if (each.drug, each.route) == (drug, route) and each.event.startswith("any ") and each.resolved
    ]
    if not told:
        return None
    largest = max(told, key=lambda each: each.n)
    return Passing(largest.n, largest.resolved.replace(" h", " hours"), largest.source)


def side_effects(drug: str, route: str, dose: str) -> SideEffects | None:
    """Find what is known of a drug given by a route; of another route of the same drug where nothing is known.

    Parameters
    ----------
    drug, route
        As in the protocol.
    dose
        The amount as written in the protocol, such as 84 mg; the study arm with this dose goes first.

    Examples
    --------
    >>> found = side_effects("esketamine", "intranasal", "84 mg")
    >>> found.people, found.told[0].what, found.told[0].with_drug, found.told[0].without
    (116, 'felt sick', 32, 11)
    >>> side_effects("escitalopram", "oral", "10 mg") is None
    True
    """
    usable = [each for each in adverse_events() if each.drug == drug and each.share is not None and each.event in PLAIN]
    same = [each for each in usable if each.route == route]
    chosen = _fullest(same or usable, dose)
    if not chosen:
        return None
    control = {
        each.event: each.share
        for each in adverse_events()
        if each.trial == chosen[0].trial and drug != "placebo" == each.drug and each.share is not None
    }
    told = sorted(chosen, key=lambda each: -(each.share or 0.0))[:SIDE_EFFECTS_TOLD]
    first = chosen[0]
    return SideEffects(
        first.drug, first.route, first.n, PEOPLE, tuple(_told(each, control.get(each.event)) for each in told),
        first.source,
    )  # fmt: skip


def _fullest(rows: Sequence[AdverseEvent], dose: str) -> Sequence[AdverseEvent]:
    """Choose the study arm that says most: about the first weeks, with the same dose, with many events, in many."""
    arms: dict[tuple[str, str], list[AdverseEvent]] = {}
    for each in rows:
        arms.setdefault((each.trial, each.arm), []).append(each)
    order = {key: (len(found), found[0].dose == dose, found[0].n) for key, found in arms.items()}
    return arms[max(order, key=order.__getitem__)] if arms else []


def _told(each: AdverseEvent, without: float | None) -> SideEffect:
    return SideEffect(
        PLAIN[each.event], round((each.share or 0.0) * PEOPLE), None if without is None else round(without * PEOPLE),
        each.at_least, each.peak, each.resolved,
    )  # fmt: skip
