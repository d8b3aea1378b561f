"""Each session by itself, under the likelihood of both answers, with what all sessions share worked out in turns.

The numbers of a session are its mean belief, the logarithms of belief spread, report noise and answer noise, S and A.
What sessions share are the events' effects, the means of noises within a cell (a group at a visit), the share of the
first answer's error that is carried into learning, and the effect of trust. A session's likelihood is then summarised
as a normal curve in S, A and the effect of trust (Laplace's method, with the other numbers integrated out), once for
each of some shares carried between 0 and 1: which is what the hierarchical program reads.

What lives here: laying answers out, and the summary. What does not: the arithmetic (``climb``), people and groups
(``hierarchy``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.climb import FAR, FURTHER, NUISANCES, ROUNDS, Rows, State, View, climb, foot
from upturn.inference.beliefs.likelihood import bounds
from upturn.numerics.interpolation import chebyshev_points

__all__ = ["Reading", "Sessions", "summarise"]

# At how many shares carried the answers are summarised where it is learnt (between them, a polynomial: tested).
SHARES = 8

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
    free
        Whether the share carried and the effect of trust are learnt.
    kinds
        The answers, laid out.
    top, best
        The best numbers of all sessions, and what sessions say seen from there.
    """

    reading: Reading
    cells: tuple[tuple[str, str], ...]
    participants: tuple[str, ...]
    cell: Int[np.ndarray, " session"]
    person: Int[np.ndarray, " session"]
    free: tuple[bool, bool]
    kinds: tuple[Rows, ...] = field(repr=False)
    top: State = field(repr=False)
    best: View = field(repr=False)

    @property
    def numbers(self) -> Float[np.ndarray, "session 6"]:
        """Best values of a session: mean belief, log spread, log report noise, log answer noise, S, A."""
        return np.asarray(self.top.theta)

    @property
    def at(self) -> Float[np.ndarray, "session 2"]:
        """S and A of every session by itself [fractions]."""
        return self.numbers[:, NUISANCES:]

    @property
    def carried(self) -> float:
        """Best value of the share carried."""
        return float(1 / (1 + np.exp(-self.top.shared.carried)))

    @property
    def trust(self) -> float:
        """Best value of the effect of trust [fraction]."""
        return float(self.top.shared.trust)

    @property
    def event_belief(self) -> Float[np.ndarray, " event"]:
        """Effects of events on beliefs [points]."""
        return np.asarray(self.top.about)

    @property
    def event_answer(self) -> Float[np.ndarray, " event"]:
        """Effects of events on second answers [points]."""
        return np.asarray(self.top.beside)

    @property
    def standard_errors(self) -> Float[np.ndarray, "session 2"]:
        """Standard errors of S and A, what is shared held at its best [fractions]."""
        return np.sqrt(np.einsum("sii->si", np.linalg.inv(np.asarray(self.best.curvature)[:, :2, :2])))

    @property
    def shares(self) -> Float[np.ndarray, " share"]:
        """Shares carried at which the answers are summarised; the one where it is not learnt."""
        return chebyshev_points(SHARES) if self.free[0] else np.array([self.carried])

    @cached_property
    def views(self) -> View:
        """The summaries: worked out when they are first asked for, because they take longer than the climb."""
        looked = [self._look(share) for share in self.shares] if self.free[0] else [self.best]
        every: View = jax.tree.map(lambda *parts: np.stack(parts), *looked)
        return every

    def _look(self, share: float) -> View:
        shared = self.top.shared._replace(carried=jnp.log(share / (1 - share)))
        begin = self.top._replace(shared=shared, damping=jnp.ones(len(self.cell)))
        found = climb(self.kinds, self.cell, begin, np.array([False, self.free[1]]), FURTHER, n_cells=len(self.cells))
        seen: View = jax.tree.map(np.asarray, found[1])
        return seen


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
    free = (reading == "noisy" and carried is None, trust)
    kinds = _lay(answers, reading)
    begin = foot(len(cell), len(answers.events), float(np.log(share / (1 - share))))
    top, best = climb(kinds, cell, begin, np.array(free), ROUNDS, n_cells=len(cells))
    return Sessions(
        reading=reading,
        cells=cells,
        participants=participants,
        cell=cell,
        person=np.array([participants.index(each) for each in answers.participant]),
        free=free,
        kinds=kinds,
        top=jax.tree.map(np.asarray, top),
        best=jax.tree.map(np.asarray, best),
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
