"""``upturn beliefs``: the belief-updating task, simulated and analysed. One command per sentence of the work.

What lives here: ``simulate``, and the group of commands that others join. What does not: any arithmetic.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from upturn.cli.documents import open_protocol
from upturn.cli.output import print_json, progress
from upturn.errors import OutputError, ProtocolError
from upturn.protocol import Protocol, digest

if TYPE_CHECKING:
    from upturn.records import Records
    from upturn.trials.beliefs import BeliefTruth

__all__ = ["app"]

app = typer.Typer(
    help="The belief-updating task: simulate a study, fit the models, compare them. "
    "A change beside a treatment is an association until a comparator was randomised.",
    no_args_is_help=True,
)


class Format(StrEnum):
    """How the records are written."""

    PARQUET = "parquet"
    CSV = "csv"


@app.callback()
def main() -> None:
    """Keep ``beliefs`` a group of commands."""


@app.command("simulate")
def simulate_command(
    protocol: Annotated[str, typer.Argument(help="The name of a shipped protocol, or a protocol file.")],
    out: Annotated[Path, typer.Option(help="Folder for the records; it must be new or empty.")],
    patients: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Virtual people per arm; as many as the protocol says unless given."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same records.")] = 1,
    kind: Annotated[Format, typer.Option("--format", help="How the five tables are written.")] = Format.PARQUET,
    asymmetry_change: Annotated[
        float | None,
        typer.Option(help="Mean asymmetry that full synaptic growth adds; 0 is a drug that leaves learning alone."),
    ] = None,
    pessimism: Annotated[
        float | None, typer.Option(help="Points by which beliefs rise per MADRS point; 0 is no shift of the prior.")
    ] = None,
    report_noise: Annotated[
        float | None, typer.Option(min=0, help="SD of a reported estimate about the belief held, in points.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="How people learn: one of the twelve published models.")
    ] = "reinforcement-scaling-asymmetry",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate a whole study from its protocol: doses, mood and beliefs of the same people, written as records."""
    document = open_protocol(protocol)
    people = _people(document, patients)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(
            "The folder already holds something.", expected="a new or empty folder", where=str(out),
            remedy="choose another folder with --out",
        )  # fmt: skip
    # Tables and engine take a second to load: only now that the input is known to be sound.
    import polars as pl  # noqa: PLC0415

    from upturn.records import TABLES, Records, write  # noqa: PLC0415
    from upturn.trials.beliefs import belief_truth  # noqa: PLC0415
    from upturn.trials.simulate import simulate  # noqa: PLC0415

    truth = belief_truth(asymmetry_change=asymmetry_change, pessimism=pessimism, report_noise=report_noise, model=model)
    with progress(sum(people.values()), f"Simulating {document.id}") as advance:
        chunks = list(simulate(document, patients=people, seed=seed, progress=advance, beliefs=truth))
    records = Records(**{table: pl.concat([chunk[table] for chunk in chunks]) for table in TABLES})
    write(records, out, format=kind.value)
    visits = {arm: _visits(records, arm) for arm in document.arms}
    rows = {table: frame.height for table, frame in records}
    told = _told(truth)
    if as_json:
        print_json({
            "protocol": document.id, "digest": digest(document), "seed": seed, "people": people, "visits": visits,
            "truth": told, "format": kind.value, "folder": str(out.resolve()), "rows": rows,
        })  # fmt: skip
        return
    typer.echo(f"{document.title}\n{digest(document)}\nseed {seed}")
    for arm, n in people.items():
        typer.echo(f"  {arm:<16}{n:>12,} people at {', '.join(visits[arm])}")
    for table, n in rows.items():
        typer.echo(f"  {table:<16}{n:>12,}")
    typer.echo("True in this simulation, assumed, not established:")
    for name, value in told.items():
        typer.echo(f"  {name:<30}{value}")
    typer.echo(f"Records: {out.resolve()}")


def _visits(records: Records, arm: str) -> list[str]:
    people = records.participants.filter(arm=arm)
    return people.join(records.updates, on="participant")["visit"].unique(maintain_order=True).to_list()


def _people(document: Protocol, patients: int | None) -> dict[str, int]:
    """Give the number of people of each arm."""
    tasks = [each for each in document.assessments if each.task is not None]
    if not tasks:
        raise ProtocolError(
            "The protocol does not say what its belief-updating task asks.",
            expected="an assessment with instrument: belief-updating task and an entry task",
            where=document.id,
            remedy="begin from the shipped protocol belief-updating-study",
        )
    if patients is not None:
        return dict.fromkeys(document.arms, patients)
    silent = [name for name, arm in document.arms.items() if arm.participants is None]
    if silent:
        raise ProtocolError(
            "The protocol does not say how many people take part.",
            expected="participants in each arm",
            came=f"none in {', '.join(silent)}",
            where=document.id,
            remedy="say how many per arm with --patients",
        )
    return {name: arm.participants or 0 for name, arm in document.arms.items()}


def _told(truth: BeliefTruth) -> dict[str, float | str]:
    """Give the truth that a reader may vary."""
    population = truth.population
    return {
        "model": truth.model,
        "scaling": float(population.scaling[0, 0]),
        "asymmetry_healthy": float(population.asymmetry[0, 0]),
        "asymmetry_depressed": truth.asymmetry_depressed,
        "asymmetry_at_full_growth": truth.asymmetry_at_full_growth,
        "pessimism": truth.pessimism,
        "report_noise": float(population.report_noise[0, 0]),
        "answer_noise": float(population.answer_noise[0, 0]),
    }
