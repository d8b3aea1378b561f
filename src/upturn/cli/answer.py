"""``upturn answer``: the main job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from upturn.cli.documents import open_protocol
from upturn.cli.output import print_json, progress, writable_folder
from upturn.records import read as read_records

__all__ = ["command"]

REPORT = "report.html"
RESULT = "answer.json"


def command(
    protocol: Annotated[
        str, typer.Argument(help="The name of a shipped protocol or of a published trial, or a protocol file.")
    ] = "six-infusions",
    patients: Annotated[int, typer.Option(min=2, max=100_000, help="Virtual people per arm in each new trial.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Random seed: the same seed gives the same numbers.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html and answer.json.")] = None,
    records: Annotated[
        Path | None, typer.Option(help="Folder of records observed under this protocol, shown beside what is expected.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Answer for a protocol: how fast, for whom, how long, with uncertainty; write a report."""
    document = open_protocol(protocol)
    observed = read_records(records) if records else None
    folder = writable_folder(out or Path("upturn-report")) if out or not as_json else None
    # The engine and the drawing take a second to load: only now that the input is known to be sound.
    from upturn.trials import answer  # noqa: PLC0415
    from upturn.trials.answer import TRIALS  # noqa: PLC0415

    with progress(patients * TRIALS * len(document.arms), f"Simulating {document.id}") as advance:
        found = answer(document, patients=patients, seed=seed, progress=advance, records=observed)
    content = found.as_dict()
    if folder:
        from upturn.reports import write_html  # noqa: PLC0415

        told = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        report = write_html(found, folder / REPORT, beside={folder / RESULT: told + "\n"})
    if as_json:
        print_json(content)
        return
    from upturn.reports import terminal  # noqa: PLC0415

    console = Console(highlight=False)
    console.print(terminal(found))
    console.print(f"\nReport: {report.resolve()}", soft_wrap=True, markup=False)
