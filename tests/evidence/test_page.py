"""The page on published numbers is what its script writes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from upturn import evidence

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("evidence_page", DOCS / "evidence" / "page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_would_write_now(script: Any) -> None:
    written = (DOCS / "evidence.md").read_text(encoding="utf-8")
    assert written == script.page(), "run: python docs/evidence/page.py"


def test_every_trial_and_everything_left_out_is_on_the_page() -> None:
    written = (DOCS / "evidence.md").read_text(encoding="utf-8")
    assert all(f"| {trial} |" in written for trial in evidence.trials())
    assert all(each.why in written for each in evidence.not_used())
    assert all(claim.claim in written for claim in evidence.claims())
