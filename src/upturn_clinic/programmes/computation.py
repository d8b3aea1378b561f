"""The simulation of a protocol, in processes of its own: the clinic never loads the engine, and no request waits.

What lives here: starting them, and what is kept of their answer. What does not: writing it down (``actions``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from upturn.errors import CannotError
from upturn.files import reason
from upturn_clinic.programmes.models import ProtocolVersion

__all__ = ["answer", "compute_in_background", "kept", "upturn"]

# What no page shows: single virtual people, whole curves, the list of all numbers of the model.
_DROPPED = ("numbers", "conditions")
_DROPPED_OF_AN_ARM = ("curves",)
_DROPPED_OF_A_CONTRAST = ("curve", "curve_time_h")
_DROPPED_OF_A_SESSION = ("curves", "time_h")
_LIBRARY = "import sys, upturn.cli; sys.argv[0] = 'upturn'; upturn.cli.run()"


def compute_in_background(version: ProtocolVersion) -> None:
    """Start `python -m upturn_clinic expect` for a version and return at once.

    A thread waits for the process, so that it leaves nothing behind; the process outlives the server if it must.
    """
    words = [sys.executable, "-m", "upturn_clinic", "expect", str(version.pk)]
    Thread(target=_wait_for, args=(words,), daemon=True, name=f"expect {version.pk}").start()


def _wait_for(words: list[str]) -> None:
    subprocess.run(  # noqa: S603  (no shell, our own words)
        words, check=False, start_new_session=True, env=dict(os.environ), stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def answer(document: str, *, patients: int | None = None) -> dict[str, Any]:
    """Simulate a protocol with the library's own command, and give what is kept of its answer.

    Parameters
    ----------
    document
        The text of the protocol file.
    patients
        Virtual people per arm; the library's own default unless given.

    Raises
    ------
    CannotError
        The library could not, with its own words; or this machine could not, such as for want of room on its disk.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="upturn-expect-") as folder:
            file = Path(folder) / "protocol.yaml"
            file.write_text(document, encoding="utf-8")
            words = ["answer", str(file), "--json", *(["--patients", str(patients)] if patients else [])]
            return kept(json.loads(upturn(words)))
    except OSError as error:
        raise CannotError("The simulation could not be started.", came=reason(error)) from error


def upturn(words: list[str]) -> str:
    """Run the library's command line in a process of its own; give what it prints.

    Raises
    ------
    CannotError
        It ended with a fault, which is told in its own words.
    """
    done = subprocess.run(  # noqa: S603  (no shell, our own words)
        [sys.executable, "-c", _LIBRARY, *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise CannotError(f"upturn {words[0]} could not be done.", came=done.stderr.strip() or "no message")
    return done.stdout


def kept(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out of an answer what no page shows."""
    out = {key: value for key, value in whole.items() if key not in _DROPPED}
    out["arms"] = [_without(arm, _DROPPED_OF_AN_ARM) | _session(arm) for arm in whole["arms"]]
    out["contrasts"] = [_without(each, _DROPPED_OF_A_CONTRAST) for each in whole["contrasts"]]
    return out


def _session(arm: Mapping[str, Any]) -> dict[str, Any]:
    acute = arm.get("acute")
    return {"acute": _without(acute, _DROPPED_OF_A_SESSION) if acute else None}


def _without(part: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key not in names}
