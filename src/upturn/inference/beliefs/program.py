"""The hierarchical Bayesian program of belief updating.

Every group at every visit (a *cell*) has its own mean belief, scaling S, asymmetry A, report noise and answer noise.
People differ (correlated effects on belief, S and A), people's visits differ, events differ in what is believed about them
and in how second answers lie beside the learning rule. Two readings of the first answer stand side by side:

- ``exact``: the first answer is the belief, as in every published analysis;
- ``noisy``: it is a report of the belief with noise, which filler events asked twice make known.

What lives here: the layout of the data for arithmetic, priors and likelihood. What does not: drawing (``fit``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from jaxtyping import Array, Float, Int

from upturn.beliefs.answers import Answers
from upturn.inference.beliefs.likelihood import (
    Numbers,
    bounds,
    given_first,
    with_first_at_bound,
    with_first_inside,
)
from upturn.inference.program import prior
from upturn.parameters import ParameterFile, read

__all__ = ["Laid", "Reading", "Rows", "belief_priors", "lay", "program"]

Reading = Literal["exact", "noisy"]


def belief_priors() -> ParameterFile:
    """Give the priors, with their sources."""
    return read("upturn.inference", "beliefs")


class Rows(NamedTuple):
    """Hold trials of one kind, flat."""

    session: Int[np.ndarray, " row"]
    event: Int[np.ndarray, " row"]
    base_rate: Float[np.ndarray, " row"]
    first: Float[np.ndarray, " row"]
    second: Float[np.ndarray, " row"]
    trust: Float[np.ndarray, " row"]
    learns: Float[np.ndarray, " row"]


@dataclass(frozen=True)
class Laid:
    """Lay answers out by the kind of integral that each trial needs.

    Parameters
    ----------
    cells
        Group and visit of each cell.
    participants
        Names, in the order that ``person`` counts in.
    cell, person
        Of each session.
    first_cell
        Of each person's first session.
    inside, second_at_bound, first_at_bound
        Trials with both answers between the bounds; with only the second, or with the first at a bound. ``learns`` is 0
        for filler events: nothing was shown, so that both answers report one belief.
    n_events
        Number of events and fillers.
    """

    cells: tuple[tuple[str, str], ...]
    participants: tuple[str, ...]
    cell: Int[np.ndarray, " session"]
    person: Int[np.ndarray, " session"]
    first_cell: Int[np.ndarray, " person"]
    inside: Rows
    second_at_bound: Rows
    first_at_bound: Rows
    n_events: int


def lay(answers: Answers) -> Laid:
    """Lay answers out for the program.

    Examples
    --------
    >>> import jax
    >>> from upturn.beliefs.design import study_design
    >>> from upturn.beliefs.people import belief_population
    >>> from upturn.beliefs.simulation import simulate_study
    >>> design = study_design({"patients": 2}, ("before", "after"), n_fillers=8)
    >>> laid = lay(simulate_study(jax.random.key(1), design, belief_population(visits=2, missing=0.0)))
    >>> laid.cells, len(laid.inside.first) + len(laid.second_at_bound.first) + len(laid.first_at_bound.first)
    ((('patients', 'before'), ('patients', 'after')), 192)
    """
    own = list(zip(answers.group, answers.visit, strict=True))
    cells = tuple(dict.fromkeys(own))
    participants = tuple(dict.fromkeys(answers.participant))
    at, column = np.nonzero(answers.answered)
    at_filler, column_filler = np.nonzero(answers.filler_answered)

    def both(trials: np.ndarray, fillers: np.ndarray | float) -> np.ndarray:
        second = np.full(len(at_filler), fillers) if np.isscalar(fillers) else fillers[at_filler, column_filler]  # type: ignore[index]
        return np.concatenate([trials[at, column], second])

    middle = float(np.mean(bounds()))
    trust = answers.trust[at, column]
    usual = float(np.nanmean(trust)) if np.isfinite(trust).any() else 0.0
    rows = Rows(
        session=np.concatenate([at, at_filler]),
        event=both(answers.event, answers.filler_event),
        base_rate=both(answers.base_rate, middle),
        first=both(answers.first, answers.filler_first),
        second=both(answers.second, answers.filler_second),
        trust=np.concatenate([np.nan_to_num(trust - usual) / 100, np.zeros(len(at_filler))]),
        learns=np.concatenate([np.ones(len(at)), np.zeros(len(at_filler))]),
    )
    lowest, highest = bounds()
    first_in = (rows.first > lowest) & (rows.first < highest)
    second_in = (rows.second > lowest) & (rows.second < highest)

    def only(which: np.ndarray) -> Rows:
        return Rows(*(values[which] for values in rows))

    cell = np.array([cells.index(each) for each in own])
    person = np.array([participants.index(each) for each in answers.participant])
    return Laid(
        cells=cells,
        participants=participants,
        cell=cell,
        person=person,
        first_cell=cell[np.unique(person, return_index=True)[1]],
        inside=only(first_in & second_in),
        second_at_bound=only(first_in & ~second_in),
        first_at_bound=only(~first_in),
        n_events=len(answers.events),
    )


def program(laid: Laid, *, reading: Reading = "noisy", carried: float = 0.0, trust: bool = False) -> None:
    """State priors and likelihood.

    Parameters
    ----------
    laid
        From :func:`lay`.
    reading
        Whether the first answer is the belief (``exact``) or a noisy report of it.
    carried
        With ``noisy``: the share of the first answer's error that learning starts from [0 to 1].
    trust
        Whether S depends on the trust in the base rate.
    """
    numbers = belief_priors()
    noisy = reading == "noisy"
    n_cells = len(laid.cells)

    def by_cell(name: str) -> Array:
        return numpyro.sample(name, prior(numbers[name]).expand([n_cells]).to_event(1))

    def spread(name: str, scales: list[str]) -> Array:
        at = jnp.array([numbers.value(each) for each in scales])
        return numpyro.sample(name, dist.HalfNormal(at).to_event(1))

    def standard(name: str, *shape: int) -> Array:
        return numpyro.sample(name, dist.Normal(0, 1).expand(shape).to_event(len(shape)))

    session = _learners(laid, by_cell, spread, standard, shape=numbers.value("correlation"))
    noises = ["answer_noise", "report_noise"] if noisy else ["answer_noise"]
    spreads = spread("noise_between_people", ["people_noise"] * len(noises))
    noise = {}
    for i, name in enumerate(noises):
        means = jnp.log(by_cell(name))
        at_first = means[laid.first_cell]
        own = numpyro.sample(f"person_{name}", dist.Normal(at_first, spreads[i]).to_event(1))
        noise[name] = jnp.exp((own - at_first)[laid.person] + means[laid.cell])

    beside = standard("event_answer", laid.n_events) * numpyro.sample(
        "event_answer_spread", dist.HalfNormal(numbers.value("events_answer"))
    )
    slope = numpyro.sample("trust_slope", prior(numbers["trust_slope"])) if trust else 0.0
    if not noisy:
        numpyro.factor("answers", _exact(laid, session, noise["answer_noise"], beside, slope))
        return
    # Answers say much about what a session and an event are believed to be: sampled as they are, not standardised.
    belief = numpyro.sample(
        "belief_of_session",
        dist.Normal(by_cell("belief")[laid.cell], spread("belief_between", ["people_belief"])[0]).to_event(1),
    )
    about = numpyro.sample(
        "event_belief",
        dist.Normal(0, spread("event_belief_spread", ["events_belief"])[0]).expand([laid.n_events]).to_event(1),
    )
    width = numpyro.sample("belief_spread", prior(numbers["belief_spread"]))
    table = jnp.stack([belief, *session.values(), noise["report_noise"], noise["answer_noise"]], axis=-1)

    def numbers_of(rows: Rows) -> Numbers:
        belief, scaling, asymmetry, report, answer = jnp.moveaxis(table[rows.session], -1, 0)
        return Numbers(
            mean=belief + about[rows.event],
            spread=jnp.broadcast_to(width, belief.shape),
            report=report,
            answer=jnp.where(rows.learns > 0, answer, report),
            scaling=rows.learns * (scaling + slope * rows.trust),
            asymmetry=rows.learns * asymmetry,
            carried=rows.learns * carried,
            beside=rows.learns * beside[rows.event],
        )

    def seen(rows: Rows) -> tuple[Array, Array, Array, Numbers]:
        return jnp.asarray(rows.first), jnp.asarray(rows.second), jnp.asarray(rows.base_rate), numbers_of(rows)

    numpyro.factor("inside", with_first_inside(*seen(laid.inside), second_inside=True).sum())
    numpyro.factor("second_at_bound", with_first_inside(*seen(laid.second_at_bound), second_inside=False).sum())
    numpyro.factor("first_at_bound", with_first_at_bound(*seen(laid.first_at_bound)).sum())


def _learners(
    laid: Laid,
    by_cell: Callable[[str], Array],
    spread: Callable[[str, list[str]], Array],
    standard: Callable[..., Array],
    *,
    shape: float,
) -> dict[str, Array]:
    """Give S and A of every session: the cell's mean, what is the person's own, and what is the visit's."""
    scales = ["people_scaling", "people_asymmetry"]
    people, visits = spread("between_people", scales), spread("between_visits", scales)
    # LKJ of two variables is a scaled beta.
    half = numpyro.sample("correlation_half", dist.Beta(shape, shape))
    together = numpyro.deterministic("correlation", 2 * half - 1)
    n_people, n_sessions = len(laid.participants), len(laid.cell)
    # A person's answers say much about S, so that it is sampled as it is at the person's first visit; little about A,
    # which is standardised.
    means = {name: by_cell(name) for name in ("scaling", "asymmetry")}
    at_first = means["scaling"][laid.first_cell]
    scaling = numpyro.sample("person_scaling", dist.Normal(at_first, people[0]).to_event(1)) - at_first
    own = standard("person_asymmetry", n_people)
    asymmetry = people[1] * (together * scaling / people[0] + jnp.sqrt(1 - together**2) * own)
    of_visits = standard("visit", 2, n_sessions) * visits[:, None]
    return {
        name: numpyro.deterministic(f"{name}_of_session", means[name][laid.cell] + person[laid.person] + of_visits[i])
        for i, (name, person) in enumerate((("scaling", scaling), ("asymmetry", asymmetry)))
    }


def _exact(laid: Laid, session: dict[str, Array], noise: Array, beside: Array, slope: Array | float) -> Array:
    total = jnp.zeros(())
    for rows in (laid.inside, laid.second_at_bound, laid.first_at_bound):
        real = rows.learns > 0
        at, event = rows.session[real], rows.event[real]
        nothing = jnp.zeros(())
        n = Numbers(
            mean=nothing,
            spread=nothing,
            report=nothing,
            answer=noise[at],
            scaling=session["scaling"][at] + slope * rows.trust[real],
            asymmetry=session["asymmetry"][at],
            carried=nothing,
            beside=beside[event],
        )
        total += given_first(
            jnp.asarray(rows.first[real]), jnp.asarray(rows.second[real]), jnp.asarray(rows.base_rate[real]), n
        ).sum()
    return total
