"""The page of predictions beside published numbers belongs to the shipped posterior and evidence."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from upturn import evidence
from upturn.inference.calibrate import fitted_findings
from upturn.population import ADVERSE_EVENTS, shipped_posterior

DOCS = Path(__file__).parents[2] / "docs"
REBUILD = "run: python docs/validation/page.py"


@pytest.fixture
def written() -> str:
    return (DOCS / "validation.md").read_text(encoding="utf-8")


def test_the_page_is_of_the_shipped_posterior_and_evidence(written: str) -> None:
    assert shipped_posterior().digest in written, REBUILD
    assert evidence.shipped().digest in written, REBUILD


def test_every_validation_row_is_on_the_page(written: str) -> None:
    rows = [line.split(" | ") for line in written.splitlines() if line.startswith("| ")]
    shown = [(cells[0].removeprefix("| "), cells[1]) for cells in rows]
    for each in evidence.shipped().findings:
        if each.split == "validation":
            arm = each.arm if each.versus is None else f"{each.arm} v {each.versus}"
            assert (each.trial, arm) in shown, each


def test_every_adverse_event_of_the_validation_rows_is_on_the_page(written: str) -> None:
    for each in evidence.adverse_events():
        if each.split == "validation":
            known = f"| {each.trial} | {each.arm} | {each.event} | {each.n} |" in written
            assert known == (each.event in ADVERSE_EVENTS), each
            assert known or each.event in written, each


def test_every_fitted_row_was_predicted_by_a_fit_that_did_not_see_its_trial(written: str) -> None:
    told = json.loads((DOCS / "validation" / "left_out.json").read_text(encoding="utf-8"))
    known = evidence.shipped()
    assert told["evidence"] == known.digest, "run: python docs/validation/left_out.py"
    fitted: dict[str, list[list[object]]] = {}
    for each in fitted_findings(known):
        fitted.setdefault(each.trial, []).append([each.table, each.row])
    assert {trial: [row["row"] for row in each["rows"]] for trial, each in told["trials"].items()} == fitted
    assert all(each["r_hat"] < 1.1 for each in told["trials"].values())
    for trial in fitted:
        assert f"\n| {trial} | " in written.partition("left out in turn")[2].partition("## The rows")[0], REBUILD


@pytest.mark.slow
def test_the_page_is_what_the_script_would_write_now(written: str) -> None:
    spec = importlib.util.spec_from_file_location("validation_page", DOCS / "validation" / "page.py")
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert written == module.page(), REBUILD
    readme = module.README.read_text(encoding="utf-8")
    assert readme == module.front(readme), REBUILD
