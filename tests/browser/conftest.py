"""The report of a small real answer, in Debian's Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from upturn.protocol import load
from upturn.reports import write_html
from upturn.trials import answer


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate the smallest shipped protocol and write its report."""
    found = answer(load("single-infusion"), patients=10, seed=1)
    return write_html(found, tmp_path_factory.mktemp("report") / "report.html")
