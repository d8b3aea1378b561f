"""``upturn simulate``: the records that a clinic would have written."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from upturn.cli.documents import open_protocol
from upturn.cli.output import print_json, progress
from upturn.errors import OutputError
from upturn.protocol import digest

if TYPE_CHECKING:
    from upturn.records import Records

__all__ = ["command"]


class Format(StrEnum):
    """How the records are written."""

    PARQUET = "parquet"
    CSV = "csv"
    NONMEM = "nonmem"


def command(
    protocol: Annotated[
        str, typer.Argument(help="The name of a shipped protocol or of a published trial, or a protocol file.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the records; it must be new or empty.")],
    patients: Annotated[int, typer.Option(min=1, max=10_000_000, help="Virtual people per arm.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same records.")] = 1,
    kind: Annotated[
        Format, typer.Option("--format", help="parquet and csv: the five tables; nonmem: one event table.")
    ] = Format.PARQUET,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Simulate a study: every arm, the protocol's own visits and sessions, written as records."""
    document = open_protocol(protocol)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(
            "The folder already holds something.", expected="a new or empty folder", where=str(out),
            remedy="choose another folder with --out",
        )  # fmt: skip
    # Tables and engine take a second to load: only now that the input is known to be sound.
    from upturn.interchange.nonmem import write_event_table  # noqa: PLC0415
    from upturn.records import TABLES, RecordsWriter, write  # noqa: PLC0415
    from upturn.trials.simulate import simulate  # noqa: PLC0415

    counts = dict.fromkeys(TABLES, 0)
    with progress(patients * len(document.arms), f"Simulating {document.id}") as advance:
        chunks = simulate(document, patients=patients, seed=seed, progress=advance)
        if kind is Format.PARQUET:
            with RecordsWriter(out) as writer:
                for chunk in chunks:
                    writer.append(chunk)
                    _count(counts, chunk)
        else:
            whole = _together(list(chunks))
            _count(counts, whole)
            if kind is Format.CSV:
                write(whole, out, format="csv")
            else:
                write_event_table(whole, out / "events.csv")
    summary = {
        "protocol": document.id, "digest": digest(document), "seed": seed, "patients_per_arm": patients,
        "format": kind.value, "folder": str(out.resolve()), "rows": counts,
    }  # fmt: skip
    if as_json:
        print_json(summary)
        return
    typer.echo(f"{document.title}\n{summary['digest']}\nseed {seed}, {patients} people per arm")
    for table, rows in counts.items():
        typer.echo(f"  {table:<16}{rows:>12,}")
    typer.echo(f"Records: {summary['folder']}")


def _count(counts: dict[str, int], records: Records) -> None:
    for table, frame in records:
        counts[table] += frame.height


def _together(chunks: list[Records]) -> Records:
    import polars as pl  # noqa: PLC0415

    from upturn.records import TABLES, Records  # noqa: PLC0415

    return Records(**{table: pl.concat([chunk[table] for chunk in chunks]) for table in TABLES})
