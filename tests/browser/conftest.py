"""The report of a small real answer, in Debian's Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from upturn.protocol import load
from upturn.reports import write_html
from upturn.trials import answer

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulate the smallest shipped protocol and write its report."""
    found = answer(load("single-infusion"), patients=10, seed=1)
    return write_html(found, tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start Chromium once; a machine without it fails here, it does not skip."""
    assert Path(CHROMIUM).exists(), f"{CHROMIUM} is not there: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()
