"""The answers of the belief-updating task, laid out for arithmetic: one row per session, one column per event.

What lives here: the frozen shape that simulation writes and every fit reads. What does not: reading tables and
refusing bad answers (``beliefs.reading``), the task itself (``beliefs.task``), any model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Answers"]


@dataclass(frozen=True)
class Answers:
    """Hold the answers of sessions, where a session is one person at one visit.

    Parameters
    ----------
    participant, group, visit
        Who, in which group, at which visit; one entry per session. A person's sessions share ``participant``.
    events
        Identifiers of all events, in the order that ``event`` and ``filler_event`` count in.
    event
        Which event each trial asked about.
    base_rate, first, second
        Base rate shown, own estimate before and after it [percent]; NaN where ``answered`` is false.
    other
        Estimate for someone else of the same age and sex [percent]; NaN where not asked.
    trust
        Trust in the base rate [percent]; NaN where not asked.
    answered
        True where a base rate was shown and both own estimates are there.
    filler_event, filler_first, filler_second, filler_answered
        The same for filler events: asked twice, without a base rate in between.

    Notes
    -----
    Sessions with fewer trials than the longest are padded with ``answered`` false; every consumer must use the mask.
    """

    participant: tuple[str, ...]
    group: tuple[str, ...]
    visit: tuple[str, ...]
    events: tuple[str, ...]
    event: Int[np.ndarray, "session trial"]
    base_rate: Float[np.ndarray, "session trial"]
    first: Float[np.ndarray, "session trial"]
    other: Float[np.ndarray, "session trial"]
    second: Float[np.ndarray, "session trial"]
    trust: Float[np.ndarray, "session trial"]
    answered: Bool[np.ndarray, "session trial"]
    filler_event: Int[np.ndarray, "session filler"]
    filler_first: Float[np.ndarray, "session filler"]
    filler_second: Float[np.ndarray, "session filler"]
    filler_answered: Bool[np.ndarray, "session filler"]
