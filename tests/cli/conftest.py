"""The command line, run in this process as a person would run it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from upturn.cli import run

Upturn = Callable[..., tuple[int, str, str]]


@pytest.fixture
def upturn(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Upturn:
    """Run the command line in this process and give exit code, output and messages."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["upturn", *words])
        try:
            run()
            code = 0
        except SystemExit as leave:
            code = int(leave.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
