"""Each session by itself, under the likelihood of both answers, with what all sessions share worked out in turns.

The numbers of a session are its mean belief, the logarithms of belief spread, report noise and answer noise, S and A.
What sessions share are the events' effects, the means of noises within a cell (a group at a visit), the share of the
first answer's error that is carried into learning, and the effect of trust. A session's likelihood is then summarised
as a normal curve in S, A and the shared numbers (Laplace's method, with the other numbers integrated out), which is
what the hierarchical program reads.

What lives here: laying answers out, and the summary. What does not: the arithmetic (``climb``), people and groups
(``hierarchy``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.climb import FAR, NUISANCES, Rows, climb
from upturn.inference.beliefs.likelihood import bounds

__all__ = ["Reading", "Sessions", "summarise"]

Reading = Literal["exact", "noisy"]
"""``exact``: the first answer is the belief, as in every published analysis; ``noisy``: it is a noisy report of it."""


@dataclass(frozen=True)
class Sessions:
    """Hold what the answers of each session say about S, A and the shared numbers.

    Parameters
    ----------
    reading
        How the first answer was read.
    cells
        Group and visit of each cell.
    participants
        Names, in the order that ``person`` counts in.
    cell, person
        Of each session.
    at
        Where the curve is expanded: S and A [fractions].
    shared_at, free
        The same for what is shared (logit of ``carried``, trust), and which of the two is learnt.
    slope, curvature
        Of the log likelihood there, in S, A and the shared numbers.
    numbers
        Best values of a session: mean belief, log spread, log report noise, log answer noise, S, A.
    event_belief, event_answer
        Effects of events on beliefs and on second answers [points].
    """

    reading: Reading
    cells: tuple[tuple[str, str], ...]
    participants: tuple[str, ...]
    cell: Int[np.ndarray, " session"]
    person: Int[np.ndarray, " session"]
    at: Float[np.ndarray, "session 2"]
    shared_at: Float[np.ndarray, " 2"]
    free: Bool[np.ndarray, " 2"]
    slope: Float[np.ndarray, "session 4"]
    curvature: Float[np.ndarray, "session 4 4"]
    numbers: Float[np.ndarray, "session 6"]
    event_belief: Float[np.ndarray, " event"]
    event_answer: Float[np.ndarray, " event"]

    @property
    def standard_errors(self) -> Float[np.ndarray, "session 2"]:
        """Standard errors of S and A, the shared numbers held [fractions]."""
        return np.sqrt(np.einsum("sii->si", np.linalg.inv(self.curvature[:, :2, :2])))


def summarise(
    answers: Answers, *, reading: Reading = "noisy", carried: float | None = None, trust: bool = False
) -> Sessions:
    """Summarise what each session says.

    Parameters
    ----------
    answers
        A study; without filler events report noise rests on its prior and on how first and second answers scatter.
    reading
        Whether the first answer is the belief or a noisy report of it.
    carried
        With ``noisy``: the share of the first answer's error that learning starts from [0 to 1]; learnt unless given.
    trust
        Whether S depends on the trust in the base rate.
    """
    own = list(zip(answers.group, answers.visit, strict=True))
    cells, participants = tuple(dict.fromkeys(own)), tuple(dict.fromkeys(answers.participant))
    cell = np.array([cells.index(each) for each in own])
    far = 1 / (1 + np.exp(-FAR))
    share = 0.5 if carried is None else min(max(carried, 1 - far), far)
    free = np.array([reading == "noisy" and carried is None, trust])
    kinds = _lay(answers, reading)
    found = climb(
        kinds,
        jnp.asarray(cell),
        jnp.log(share / (1 - share)),
        free=(bool(free[0]), bool(free[1])),
        n_cells=len(cells),
        n_events=len(answers.events),
    )
    state, slope, curvature = jax.tree.map(np.asarray, found)
    return Sessions(
        reading=reading,
        cells=cells,
        participants=participants,
        cell=cell,
        person=np.array([participants.index(each) for each in answers.participant]),
        at=state.theta[:, NUISANCES:],
        shared_at=np.array([state.shared.carried, state.shared.trust]),
        free=free,
        slope=slope,
        curvature=curvature,
        numbers=state.theta,
        event_belief=state.about,
        event_answer=state.beside,
    )


def _lay(answers: Answers, reading: Reading) -> tuple[Rows, ...]:
    """Part trials by the kind of integral that each needs."""
    at, column = np.nonzero(answers.answered)
    at_filler, column_filler = np.nonzero(answers.filler_answered)
    n, m = len(at), len(at_filler)
    lowest, highest = bounds()
    trust = answers.trust[at, column]
    usual = float(np.nanmean(trust)) if np.isfinite(trust).any() else 0.0
    rows = Rows(
        session=np.concatenate([at, at_filler]),
        event=np.concatenate([answers.event[at, column], answers.filler_event[at_filler, column_filler]]),
        base_rate=np.concatenate([answers.base_rate[at, column], np.full(m, (lowest + highest) / 2)]),
        first=np.concatenate([answers.first[at, column], answers.filler_first[at_filler, column_filler]]),
        second=np.concatenate([answers.second[at, column], answers.filler_second[at_filler, column_filler]]),
        trust=np.concatenate([np.nan_to_num(trust - usual) / 100, np.zeros(m)]),
        learns=np.concatenate([np.ones(n), np.zeros(m)]),
        weight=np.ones(n + m),
    )
    if reading == "exact":
        return (_filled(rows, rows.learns > 0),)
    first_in = (rows.first > lowest) & (rows.first < highest)
    second_in = (rows.second > lowest) & (rows.second < highest)
    return tuple(_filled(rows, which) for which in (first_in & second_in, first_in & ~second_in, ~first_in))


def _filled(rows: Rows, which: np.ndarray) -> Rows:
    """Fill rows up with copies of weight 0 to one of few sizes, so that studies alike share a compiled program."""
    own = np.flatnonzero(which)
    n = len(own)
    size = next(size for k in range(5, 40) for size in (2**k, 3 * 2 ** (k - 1)) if size >= n)
    at = own[np.arange(size) % n] if n else np.zeros(size, dtype=int)
    return Rows(*(v[at] for v in rows))._replace(weight=(np.arange(size) < n).astype(float))
