"""What the posterior expects of published rows, each as a group of a trial that was never seen, and how well it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from upturn.evidence import Evidence, Finding, outside_ages
from upturn.inference.observations import DEPRESSION_SCALES, FRACTIONS, UNSAID, Catalogue, chance_of
from upturn.inference.program import draw_new_trial, fixed_numbers, group_effects
from upturn.inference.quantities import Expected, evaluate

__all__ = ["Predicted", "expectations", "predict"]

CALIBRATED_CONDITIONS = frozenset(
    {
        "treatment-resistant depression",
        "major depression",
        "bipolar depression",
        "depression with suicidal ideation",
    }
)
OVER_TIME = frozenset(
    {"sustained_response", "relapsed", "not_relapsed", "responding", "median_relapse_h", "remitted_by"}
)
WEEK_H, LONGEST_WEEKS = 168.0, 104
PER_CALL = 50
MANY = 1e6
NO_SIZE = "the number of people is not known, so the interval holds no chance of its size"


@dataclass(frozen=True)
class Predicted:
    """One row and what was expected of it.

    Parameters
    ----------
    finding
        The row.
    draws
        Draws of what such a group would show, chance of its size included; in the row's own unit. Empty where the
        row could not be predicted.
    expected
        Draws of the group's expectation, without the chance of its size.
    reason
        Why the row could not be predicted or not be scored; empty if it was.
    scored
        Whether there is a published value to hold against it, and its size is known.
    notes
        What was assumed.
    beyond
        What the row's people are, where no people of their ages were among the fitted trials; else empty.
    """

    finding: Finding
    draws: Float[np.ndarray, " draws"]
    expected: Float[np.ndarray, " draws"]
    reason: str
    scored: bool
    notes: tuple[str, ...]
    beyond: str = ""


@dataclass(frozen=True)
class _Asked:
    kind: str
    arm: int
    control: int | None
    notes: tuple[str, ...]


def predict(
    evidence: Evidence, posterior: Mapping[str, Float[np.ndarray, " draws"]], *, seed: int = 1
) -> tuple[Predicted, ...]:
    """Predict every row of a table.

    Parameters
    ----------
    evidence
        The table, read.
    posterior
        Draws of the calibrated numbers.
    seed
        Random seed.

    Returns
    -------
    tuple
        One entry per finding, in their order. Every trial is taken as new: rows that were fitted are predicted as if
        their trial had not been seen, so that only the shared numbers know of it.
    """
    book = Catalogue(evidence.arms)
    asked = [_ask(book, f) for f in evidence.findings]
    rng = np.random.default_rng(seed)
    people = {each.arm: f.n for each, f in zip(asked, evidence.findings, strict=True)
              if isinstance(each, _Asked) and each.kind == "median_relapse_h"}  # fmt: skip
    found = expectations(book, posterior, people, seed) if book.readings or book.chances else None
    out = []
    for finding, what in zip(evidence.findings, asked, strict=True):
        if isinstance(what, str) or found is None:
            reason = what if isinstance(what, str) else "nothing in the table can be predicted"
            out.append(Predicted(finding, np.zeros(0), np.zeros(0), reason, False, ()))
            continue
        expected, spread = _row(what, found)
        draws, reason = _with_chance(finding, what, expected, spread, rng)
        arm = book.arms[finding.trial, finding.arm]
        other = outside_ages(arm.age_low, arm.age_high)
        beyond = "" if other is None else other.title
        notes = (*what.notes, *([f"{beyond}: no people of these ages were fitted"] if beyond else []))
        out.append(Predicted(finding, draws, expected, reason, not reason, notes, beyond))
    return tuple(out)


def _ask(book: Catalogue, f: Finding) -> _Asked | str:
    """Say what the model is asked for a row, or why it cannot be asked."""
    reason = _refused(book, f)
    if reason:
        return reason
    if f.measure in OVER_TIME:
        return _over_time(book, f)
    control = None if f.versus is None else book.reading(f, f.versus)
    if f.instrument == "SSI":
        return _Asked("ideation", book.reading(f), control, f.assumed)
    if f.measure in {*FRACTIONS, UNSAID}:
        said = (f"the fraction on {f.instrument} is taken to be that on MADRS",) if f.instrument != "MADRS" else ()
        cut = ("remission taken as MADRS 10 or less",) if f.measure == UNSAID else ()
        kind = "remission_10" if f.measure == UNSAID else f.measure
        return _Asked(kind, book.reading(f), None, (*f.assumed, *said, *cut))
    return _Asked(f.measure, book.reading(f), control, f.assumed)


def _refused(book: Catalogue, f: Finding) -> str:
    """Say why a row is no quantity of the model; nothing if it is one."""
    arm = book.arms[f.trial, f.arm]
    points = f.measure in {"change", "difference"}
    compared = f.measure in {"difference", "standardised_difference"}
    known = points or compared or f.measure in {*FRACTIONS, UNSAID, *OVER_TIME}
    ideation = f.instrument == "SSI" and f.measure == "difference"
    reasons = (
        (arm.condition not in CALIBRATED_CONDITIONS, f"the model is not calibrated in {arm.condition}"),
        (arm.drug in {"ketamine", "esketamine"} and arm.amount is None, "the dose is not known"),
        (f.time_h is None, "no time"),
        (not known, f"{f.measure.replace('_', ' ')} is not a quantity of the model"),
        (compared and f.versus is None, "the control is not known"),
        (
            points and f.instrument not in {"MADRS", ""} and not ideation,
            f"the model has no points of {f.instrument}, only of MADRS",
        ),
        (
            not ideation and f.instrument not in {*DEPRESSION_SCALES, ""},
            f"the model has no {f.instrument}",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _over_time(book: Catalogue, f: Finding) -> _Asked | str:
    chance = chance_of(book, f)
    if chance is None:
        return "not a quantity of the model"
    if f.measure == "median_relapse_h":
        weeks = tuple(chance.entry_h + WEEK_H * week for week in range(1, LONGEST_WEEKS + 1))
        chance = replace(chance, visits_h=weeks, median=True)
    return _Asked(f.measure, book.chance(chance), None, f.assumed)


def expectations(
    book: Catalogue, posterior: Mapping[str, np.ndarray], people: Mapping[int, int | None], seed: int
) -> dict[str, np.ndarray]:
    """Give draws of the expectation of everything in a catalogue, every trial of it taken as new.

    Parameters
    ----------
    book
        What is asked for.
    posterior
        Draws of the calibrated numbers.
    people
        By chance that asks for a median: how many people it is of; very many where that is not known.
    seed
        Random seed.

    Returns
    -------
    dict
        By field of :class:`upturn.inference.quantities.Expected`, draws first; ``growth`` in points of suicidal
        ideation. Groups lie as far from the model as ``between_groups`` says; the chance of a group's size is not in
        it.
    """
    q = book.lay_out()
    n = len(next(iter(posterior.values())))
    fixed = {name: jnp.asarray(value) for name, value in fixed_numbers().items()}
    sizes = jnp.array([float(people.get(i) or MANY) for i in range(len(q.chances))])

    def one(numbers: Mapping[str, Array], key: Array) -> Expected:
        p = fixed | dict(numbers)
        for_trials, for_groups, for_chances, for_levels = jax.random.split(key, 4)
        effects = group_effects(p, draw_new_trial(for_trials, len(book.trials)))
        shift = p["between_groups"] * jax.random.normal(for_groups, (q.means,))
        apart = p["between_groups"] * jax.random.normal(for_chances, (len(set(q.chance_group)),))
        # The median of n people lies where a beta-distributed fraction of all people have had the event.
        level = jax.random.beta(for_levels, sizes / 2, sizes / 2)
        found = evaluate(p, effects, q, shift=shift, chance_shift=apart, chance_level=level)
        return found._replace(
            fall=found.fall + shift,
            growth=p["suicidal_ideation_effect"] * found.growth,
        )

    keys = jax.random.split(jax.random.key(seed), n)
    numbers = {name: jnp.asarray(values) for name, values in posterior.items()}
    found: Expected = jax.lax.map(lambda each: one(*each), (numbers, keys), batch_size=PER_CALL)
    return {name: np.asarray(values) for name, values in found._asdict().items()}


def _row(
    what: _Asked, found: Mapping[str, np.ndarray]
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, "2 draws"]]:
    if what.kind in OVER_TIME:
        chance = found["chance"][:, what.arm]
        return (1 - chance if what.kind == "not_relapsed" else chance), np.zeros((2, len(chance)))
    control = what.arm if what.control is None else what.control
    spread = np.stack([found["sd"][:, what.arm], found["sd"][:, control]])
    if what.kind in FRACTIONS:
        return found[what.kind][:, what.arm], spread
    if what.kind == "change":
        return -found["fall"][:, what.arm], spread
    quantity = found["growth" if what.kind == "ideation" else "fall"]
    difference = -(quantity[:, what.arm] - quantity[:, control])
    if what.kind == "standardised_difference":
        difference = difference / np.sqrt(np.mean(spread**2, axis=0))
    return difference, spread


def _with_chance(
    f: Finding,
    what: _Asked,
    expected: Float[np.ndarray, " draws"],
    spread: Float[np.ndarray, "2 draws"],
    rng: np.random.Generator,
) -> tuple[Float[np.ndarray, " draws"], str]:
    """Add the chance of the group's size; give also why the row cannot be scored."""
    unscored = "" if f.value is not None else "no value to compare"
    se: np.ndarray | float | None = None
    if what.kind == "median_relapse_h":
        return expected, unscored or ("" if f.n else NO_SIZE)
    if f.unit == "fraction":
        shown = rng.binomial(f.n, np.clip(expected, 0, 1)) / f.n if f.n else expected
        return shown, unscored or ("" if f.n else NO_SIZE)
    if what.kind == "change":
        se = spread[0] / np.sqrt(f.n) if f.n else None
    elif f.error:
        se = f.error
    elif f.n and f.n_versus and what.kind == "difference":
        se = np.sqrt(spread[0] ** 2 / f.n + spread[1] ** 2 / f.n_versus)
    if se is None:
        return expected, unscored or NO_SIZE
    return expected + se * rng.standard_normal(len(expected)), unscored
