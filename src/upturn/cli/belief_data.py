"""``upturn beliefs read``: a table of belief-updating trials from another laboratory, as records.

What lives here: the words of the command. What does not: the translation (``interchange.belief_tables``) and the rules
of what can be analysed (``beliefs.reading``).
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from upturn.cli.output import print_json
from upturn.errors import InputError, OutputError

__all__ = ["read"]

SHOWN = 20
"""How many lines of what is set aside are printed; ``--json`` gives all."""


class Format(StrEnum):
    """How the records are written."""

    PARQUET = "parquet"
    CSV = "csv"


def read(
    table: Annotated[Path, typer.Argument(help="A CSV file with one row per trial.")],
    mapping: Annotated[Path, typer.Option(help="The mapping file (YAML) that says which column is what.")],
    out: Annotated[Path, typer.Option(help="Folder for the records; it must be new or empty.")],
    kind: Annotated[Format, typer.Option("--format", help="How the records are written.")] = Format.PARQUET,
    lowest: Annotated[float | None, typer.Option(help="Lowest answer that people were told, percent.")] = None,
    highest: Annotated[float | None, typer.Option(help="Highest answer that people were told, percent.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Read a foreign table of trials as records, and name per person what an analysis will set aside."""
    if (lowest is None) != (highest is None):
        raise InputError("Half of the range is missing.", expected="both --lowest and --highest, or neither")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(
            "The folder already holds something.", expected="a new or empty folder", where=str(out),
            remedy="choose another folder with --out",
        )  # fmt: skip
    # Tables take a moment to load: only now that the words are known to be sound.
    from upturn.beliefs.reading import answers  # noqa: PLC0415
    from upturn.interchange.belief_tables import read_belief_table  # noqa: PLC0415
    from upturn.records import write  # noqa: PLC0415

    records = read_belief_table(table, mapping=mapping)
    bounds = None if lowest is None or highest is None else (lowest, highest)
    found, set_aside = answers(records, bounds=bounds)
    write(records, out, format=kind.value)
    summary = {
        "table": str(table), "folder": str(out.resolve()), "format": kind.value,
        "rows": {name: frame.height for name, frame in records if frame.height},
        "people": len(set(found.participant)), "sessions": len(found.participant),
        "trials": int(found.answered.sum()), "fillers": int(found.filler_answered.sum()),
        "set_aside": [
            {
                "participant": each.participant, "visit": each.visit, "what": each.what.value, "rows": each.count,
                "used_for": each.used_for,
            }
            for each in set_aside
        ],
    }  # fmt: skip
    if as_json:
        print_json(summary)
        return
    typer.echo(
        f"people: {summary['people']}, sessions: {summary['sessions']}, complete trials: {summary['trials']:,}, "
        f"filler events: {summary['fillers']:,}"
    )
    for each in set_aside[:SHOWN]:
        typer.echo(f"  {each}")
    if len(set_aside) > SHOWN:
        typer.echo(f"  and {len(set_aside) - SHOWN} more (--json names all)")
    typer.echo(f"Records: {summary['folder']}")
