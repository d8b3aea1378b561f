"""``upturn beliefs compare|recover``: the published models on a study, and what they recover from simulated people.

What lives here: these two commands, their tables and their JSON. What does not: any arithmetic (``inference.beliefs``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

from upturn.cli.output import print_json, progress, wide_console

if TYPE_CHECKING:
    from upturn.beliefs.reading import SetAside
    from upturn.inference.beliefs.comparison import Comparison
    from upturn.inference.beliefs.recovery import ModelRecovery, ParameterRecovery
    from upturn.inference.beliefs.selection import Selection

__all__ = ["compare", "recover"]

CAUTION = "For research and education; decisions belong to the treating clinician."
OF_COMPARISON = (
    "Published priors: S about 1, A about 0, both with a standard deviation of 1, which speaks against an asymmetry of "
    "about 0.1 even where it is real. Weak priors: as wide as people differ. All models take the reported first "
    "estimate for the belief held: where reports scatter, reinforcement is favoured whatever is true "
    "(upturn beliefs recover)."
)
OF_RECOVERY = (
    "As modelled: learning starts from the reported estimate. As answered: reports scatter about the belief held and "
    "learning starts from that belief. An error above the stated standard error means that the fits are too sure."
)
# Steps of the recovery: three noises, and twelve models under two conditions and two sets of priors.
STEPS = 3 + 12 * 2 * 2
# So many people are named per reason; the others are in the JSON.
NAMED = 12


class SignChoice(StrEnum):
    """What makes good news in the Bayesian family."""

    BASE_RATE = "base-rate"
    POSTERIOR = "posterior"


class RelevanceChoice(StrEnum):
    """Which equation of personal relevance."""

    CORRECTED = "corrected"
    PRINTED = "printed"


AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def compare(
    records: Annotated[Path, typer.Argument(help="Folder of records with answers to the task.")],
    relevance: Annotated[
        RelevanceChoice, typer.Option(help="Personal relevance as corrected, from 0 to 1, or as printed.")
    ] = RelevanceChoice.CORRECTED,
    sign: Annotated[
        SignChoice,
        typer.Option(help="What is good news for a Bayesian: a base rate below one's own estimate, or a posterior."),
    ] = SignChoice.BASE_RATE,
    as_json: AsJson = False,
) -> None:
    """Compare the twelve published models: how frequent each is, how well it predicts new people, its numbers."""
    from upturn.records import read  # noqa: PLC0415

    sound = read(records)
    with Status("Fitting the models", console=Console(stderr=True)):
        from upturn.beliefs.reading import answers  # noqa: PLC0415
        from upturn.inference.beliefs import comparison  # noqa: PLC0415

        seen, aside = answers(sound)
        which: Literal["base rate", "posterior"] = "base rate" if sign is SignChoice.BASE_RATE else "posterior"
        found = comparison.compare(seen, relevance=relevance.value, sign=which)
    if as_json:
        print_json(_comparison_json(found, aside, relevance=relevance, sign=sign))
        return
    console = wide_console()
    _show_models(console, found)
    _show_cells(console, found)
    for line in (*_set_aside(aside), *(f"Left out here: {o.participant}, {o.visit}: {o.why}" for o in found.left_out)):
        console.print(line, style="dim", markup=False, soft_wrap=True)
    _note(console, f"\n{OF_COMPARISON}\n{CAUTION}")


def recover(
    people: Annotated[
        int, typer.Option(min=2, max=100_000, help="Simulated people for each number, and under each model.")
    ] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same numbers.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Simulate people whose numbers and model are known, fit the published models, and compare with the truth."""
    numbers, models = _recovered(people, seed)
    if as_json:
        print_json({
            "people": people,
            "seed": seed,
            "numbers": [_clean(asdict(each)) for each in numbers],
            "models": [
                {
                    "condition": each.condition, "priors": each.priors, "models": each.models,
                    "frequency": each.frequency.tolist(), "best": each.best.tolist(), "recovered": each.recovered,
                }
                for each in models
            ],
        })  # fmt: skip
        return
    console = wide_console()
    _show_numbers(console, numbers)
    for each in models:
        _show_confusion(console, each)
    _note(console, f"{OF_RECOVERY}\n{CAUTION}")


def _recovered(people: int, seed: int) -> tuple[list[ParameterRecovery], list[ModelRecovery]]:
    with progress(STEPS, "Simulating and fitting") as advance:
        import jax  # noqa: PLC0415

        from upturn.inference.beliefs.persons import PRIORS  # noqa: PLC0415
        from upturn.inference.beliefs.recovery import (  # noqa: PLC0415
            CONDITIONS,
            recover_models,
            recover_parameters,
            recovery_noises,
        )

        for_numbers, for_models = jax.random.split(jax.random.key(seed))
        numbers: list[ParameterRecovery] = []
        for noise in recovery_noises():
            for condition in CONDITIONS:
                numbers += recover_parameters(for_numbers, people, condition=condition, noise=noise)
            advance(1)
        models = [
            recover_models(for_models, people, condition=condition, priors=priors, progress=advance)
            for condition in CONDITIONS
            for priors in PRIORS
        ]
    return sorted(numbers, key=lambda each: list(CONDITIONS).index(each.condition)), models


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for i, name in enumerate(columns):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    return table


def _title(console: Console, text: str) -> None:
    console.print(text, style="bold", markup=False, soft_wrap=True)


def _note(console: Console, text: str) -> None:
    console.print(text, style="dim", markup=False, soft_wrap=True)


def _show_models(console: Console, found: Comparison) -> None:
    table = _table(
        "model", "frequency", "protected", "frequency, weak priors", "protected, weak priors", "predicts new people",
    )  # fmt: skip
    for i, name in enumerate(found.models):
        numbers = (
            f"{values[i]:.2f}"
            for priors in ("published", "weak")
            for values in (found.selection[priors].frequency, found.selection[priors].protected)
        )
        loo = found.leave_one_out
        behind = "" if loo is None else "best" if loo.behind[i] == 0 else _pair(loo.behind[i], loo.behind_error[i], 1)
        table.add_row(name, *numbers, behind)
    _title(console, f"{found.people} people, {found.sessions} sessions, {found.trials} trials")
    console.print(table)
    risks = (f"{found.selection[priors].omnibus_risk:.2g}" for priors in ("published", "weak"))
    _note(
        console,
        "frequency: expected share of people; protected: protected exceedance probability (omnibus risk "
        f"{' and '.join(risks)});\npredicts new people: log density of left-out people, behind the best model ± "
        "standard error, in nats\n",
    )


def _show_cells(console: Console, found: Comparison) -> None:
    table = _table("group", "visit", "people", "S", "A", "noise", "most frequent model", "frequency", "protected")
    for cell in found.cells:
        estimate = cell.estimates[0]
        best, frequency, protected = _leader(cell.selection["weak"])
        table.add_row(
            cell.group, cell.visit, str(cell.people),
            _pair(estimate.scaling, estimate.scaling_sem, 2), _pair(estimate.asymmetry, estimate.asymmetry_sem, 3),
            f"{estimate.noise:.1f}", best, f"{frequency:.2f}", f"{protected:.2f}",
        )  # fmt: skip
    _title(console, "Scaling S and asymmetry A by group and visit: mean ± standard error over people")
    console.print(table)
    _note(
        console,
        f"S, A and noise (residual spread in points) of {found.models[0]} with published priors; "
        "most frequent model: weak priors\n",
    )


def _set_aside(aside: Iterable[SetAside]) -> Iterator[str]:
    """Say once per reason what is set aside, and of whom."""
    reasons: dict[tuple[str, str], list[SetAside]] = {}
    for each in aside:
        reasons.setdefault((each.what, each.used_for), []).append(each)
    for (what, used_for), cases in reasons.items():
        people = list(dict.fromkeys(each.participant for each in cases))
        named = ", ".join(people[:NAMED]) + (f" and {len(people) - NAMED} more (--json)" if len(people) > NAMED else "")
        yield f"Set aside: {what} ({sum(each.count for each in cases)} rows of {named}); used for: {used_for}"


def _leader(selection: Selection) -> tuple[str, float, float]:
    i = int(selection.frequency.argmax())
    return selection.models[i], float(selection.frequency[i]), float(selection.protected[i])


def _pair(value: float, error: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isnan(error) else f"{value:.{digits}f} ± {error:.{digits}f}"


def _show_numbers(console: Console, numbers: Sequence[ParameterRecovery]) -> None:
    table = _table(
        "people", "noise of answers", "first estimates off", "number", "correlation", "bias", "error",
        "stated standard error", "95 % hold",
    )  # fmt: skip
    for each in numbers:
        table.add_row(
            each.condition, f"{each.noise:g} points", f"{each.spread:.1f} points", each.number,
            f"{each.correlation:.2f}", f"{each.bias:+.3f}", f"{each.error:.3f}", f"{each.standard_error:.3f}",
            f"{each.covered:.0%}",
        )  # fmt: skip
    _title(console, f"Known numbers recovered: {numbers[0].people} people, {numbers[0].trials} trials each")
    console.print(table)
    _note(console, "Published: correlation 0.92 for scaling and 0.82 for asymmetry (Khalid 2025); noise not printed.\n")


def _show_confusion(console: Console, found: ModelRecovery) -> None:
    table = _table("true model", *(str(i + 1) for i in range(len(found.models))))
    for i, (name, row) in enumerate(zip(found.models, found.frequency, strict=True)):
        cells = (_hundredths(value, bold=i == k) for k, value in enumerate(row))
        table.add_row(f"{i + 1:>2} {name}", *cells)
    _title(
        console,
        f"Known models recovered, people {found.condition}, {found.priors} priors: {sum(found.recovered)} of "
        f"{len(found.models)} (expected frequency of each model, in hundredths)",
    )
    console.print(table)
    console.print()


def _hundredths(value: float, *, bold: bool) -> str:
    text = f"{100 * value:.0f}"
    return f"[bold]{text}[/bold]" if bold else text


def _comparison_json(
    found: Comparison, aside: Iterable[SetAside], *, relevance: RelevanceChoice, sign: SignChoice
) -> dict[str, Any]:
    loo = found.leave_one_out
    return {
        "people": found.people,
        "sessions": found.sessions,
        "trials": found.trials,
        "relevance": relevance.value,
        "sign": sign.value,
        "models": found.models,
        "selection": {name: _selection_json(each) for name, each in found.selection.items()},
        "leave_one_out": None
        if loo is None
        else {
            "people": loo.people,
            "total": loo.total.tolist(),
            "behind": loo.behind.tolist(),
            "behind_error": loo.behind_error.tolist(),
        },
        "cells": [
            {
                "group": cell.group,
                "visit": cell.visit,
                "people": cell.people,
                "selection": {name: _selection_json(each) for name, each in cell.selection.items()},
                "estimates": [_clean(asdict(each)) for each in cell.estimates],
            }
            for cell in found.cells
        ],
        "set_aside": [
            {"participant": each.participant, "visit": each.visit, "what": each.what, "count": each.count,
             "used_for": each.used_for}
            for each in aside
        ],
        "left_out": [asdict(each) for each in found.left_out],
    }  # fmt: skip


def _selection_json(selection: Selection) -> dict[str, Any]:
    return {
        "frequency": selection.frequency.tolist(),
        "frequency_sd": selection.frequency_sd.tolist(),
        "exceedance": selection.exceedance.tolist(),
        "protected": selection.protected.tolist(),
        "omnibus_risk": selection.omnibus_risk,
    }


def _clean(values: Mapping[str, Any]) -> dict[str, Any]:
    """Put nothing in the place of what is not a number."""
    return {name: None if isinstance(v, float) and math.isnan(v) else v for name, v in values.items()}
