"""``upturn protocol list|show|check``: the study documents."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from upturn.cli.documents import names, open_protocol
from upturn.cli.output import print_json
from upturn.protocol import Protocol, canonical_json, digest, json_schema

__all__ = ["app"]

app = typer.Typer(help="List, show and check study protocols.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the protocols that come with upturn, published trials last."""
    found = [open_protocol(name) for name in names()]
    if as_json:
        print_json([{"id": p.id, "version": p.version, "title": p.title, "digest": digest(p)} for p in found])
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "title", "arms"):
        table.add_column(column)
    for p in found:
        table.add_row(p.id, p.title, ", ".join(p.arms))
    Console(highlight=False).print(table)


@app.command("show")
def show(
    protocol: Annotated[
        str, typer.Argument(help="The name of a shipped protocol or of a published trial, or a protocol file.")
    ],
    as_json: AsJson = False,
) -> None:
    """Show what a protocol does to whom and when."""
    document = open_protocol(protocol)
    if as_json:
        typer.echo(canonical_json(document))
        return
    _show(document)


@app.command("check")
def check(
    file: Annotated[str, typer.Argument(help="A protocol file.")],
    as_json: AsJson = False,
) -> None:
    """Check a protocol file; say what is wrong and where."""
    document = open_protocol(file)
    if as_json:
        print_json({"id": document.id, "version": document.version, "digest": digest(document), "sound": True})
        return
    typer.echo(f"{document.id} {document.version} is sound.\n{digest(document)}")


@app.command("schema")
def schema() -> None:
    """Print the JSON Schema of the format, for editors."""
    print_json(json_schema())


def _show(document: Protocol) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{document.title}[/bold]" if "[" not in document.title else document.title)
    console.print(f"{document.id} {document.version}  {digest(document)}\n", markup=False)
    console.print(document.summary.strip() + "\n", markup=False)
    table = Table(title="Arms", title_justify="left")
    for column in ("arm", "dose", "drug", "route", "amount", "days"):
        table.add_column(column)
    for name, arm in document.arms.items():
        rows = [
            (d.id, d.drug, d.route, str(d.amount) if d.amount.value else "", _days(d.on_h, d.candidate_times_h))
            for d in arm.doses
        ]
        for i, row in enumerate(rows or [("", "no doses", "", "", "")]):
            table.add_row(name if i == 0 else "", *row)
    console.print(table)
    table = Table(title="Assessments", title_justify="left")
    for column in ("instrument", "days", "rater"):
        table.add_column(column)
    for each in document.assessments:
        table.add_row(each.instrument, _days(each.at_h, ()), each.rater)
    console.print(table)
    if document.gates:
        table = Table(title="Gates", title_justify="left")
        for column in ("kind", "at", "rule", "citation", "status"):
            table.add_column(column)
        for gate in document.gates:
            table.add_row(gate.kind, gate.at, gate.text.strip(), gate.citation or "", gate.status)
        console.print(table)
    console.print(document.notice, style="dim", markup=False)


def _days(fixed: tuple[float, ...], adaptive: tuple[float, ...]) -> str:
    if adaptive:
        return f"on relapse, day {adaptive[0] / 24:g} to {adaptive[-1] / 24:g}"
    days = [f"{t / 24:.3g}" if t % 24 else f"{t / 24:g}" for t in fixed]
    return ", ".join(days) if len(days) <= 14 else f"{', '.join(days[:6])} … {days[-1]} ({len(days)} times)"
