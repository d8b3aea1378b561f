"""The rooms of floors 0 to 2 start light: they load neither JAX nor a drawing library."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = (
    "errors",
    "files",
    "units",
    "parameters",
    "records",
    "instruments",
    "protocol",
    "interchange",
    "interchange.nonmem",
    "evidence",
)
HEAVY = ("jax", "jaxlib", "jaxtyping", "plotly", "rich", "upturn.numerics")


@pytest.mark.parametrize("room", ["", *LIGHT])
def test_a_light_room_loads_nothing_heavy(room: str) -> None:
    name = f"upturn.{room}".rstrip(".")
    script = f"import sys, {name}; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_a_shipped_protocol_does_not_load_the_engine() -> None:
    script = "import sys; from upturn.protocol import load; load('six-infusions'); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
