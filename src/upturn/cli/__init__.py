"""The command line: each command turns its words into one call of a room below. One file per noun.

Exit codes: 0 done, 1 could not, 2 bad input. Every command has ``--json`` for machines and a readable form for people;
messages go to standard error, results to standard output.
"""

from __future__ import annotations

import gc
import os
import sys

import typer

from upturn.cli import (
    answer,
    belief_data,
    belief_fit,
    belief_models,
    beliefs,
    evidence,
    exposure,
    protocol,
    serve,
    simulate,
)
from upturn.cli.output import complain
from upturn.errors import OutputError, UpturnError
from upturn.files import FULL, reason

__all__ = ["app", "run"]

# Laying out a model makes very many small objects and few cycles: looking for cycles less often saves a tenth.
OBJECTS_BETWEEN_COLLECTIONS = 100_000

app = typer.Typer(
    name="upturn",
    help="How fast do rapid-acting antidepressants work, for whom, and how long does it last? "
    "For research and education; decisions belong to the treating clinician.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("answer")(answer.command)
app.command("simulate")(simulate.command)
app.command("exposure")(exposure.command)
app.command("serve")(serve.command)
app.add_typer(protocol.app, name="protocol")
app.add_typer(evidence.app, name="evidence")
beliefs.app.command("read")(belief_data.read)
beliefs.app.command("compare")(belief_models.compare)
beliefs.app.command("recover")(belief_models.recover)
beliefs.app.command("fit")(belief_fit.fit)
beliefs.app.command("report")(belief_fit.report)
app.add_typer(beliefs.app, name="beliefs")


@app.callback(invoke_without_command=True)
def main(
    version: bool = typer.Option(False, "--version", help="Print the version and leave."),
) -> None:
    """Take options that stand before the command."""
    if version:
        from upturn import __version__  # noqa: PLC0415

        typer.echo(f"upturn {__version__}")
        raise typer.Exit


def run() -> None:
    """Run the command line; every fault that is the reader's becomes a plain message and exit code 1 or 2."""
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    try:
        app()
    except UpturnError as error:
        complain(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in FULL:
            raise
        # What still waits to be printed has no room either: Python would complain of it in its own words on leaving.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        complain(
            OutputError(
                "The result cannot be written where the output goes.",
                came=reason(error),
                remedy="make room, or send the output elsewhere",
            )
        )
        sys.exit(OutputError.exit_code)
