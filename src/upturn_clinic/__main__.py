"""``python -m upturn_clinic``: the clinic's own commands, and Django's; ``serve`` starts it.

``upturn serve`` runs this in a process of its own, so the library never imports the clinic.
"""

from __future__ import annotations

import os
import sys

from upturn.errors import UpturnError


def run() -> int:
    """Hand the words over; a fault of the site's settings becomes a plain message and its exit code."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "upturn_clinic.settings")
    arguments = sys.argv[1:]
    try:
        if arguments and arguments[0] == "serve":
            from upturn_clinic.serve import command  # noqa: PLC0415  (before settings exist)

            return command(arguments[1:])
        from django.core.management import execute_from_command_line  # noqa: PLC0415

        execute_from_command_line(["python -m upturn_clinic", *arguments])
    except UpturnError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(run())
