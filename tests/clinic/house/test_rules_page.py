"""The page of rules is whole: what refuses in the source stands there, and nothing else does."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"
WRITTEN = (DOCS / "clinic" / "rules.md").read_text(encoding="utf-8")
FROM_THE_SOURCE: str = runpy.run_path(str(DOCS / "rules.py"))["page"]()


def test_every_rule_stands_on_the_page() -> None:
    # If this fails, a rule was added or changed: run `python docs/rules.py`.
    assert WRITTEN.splitlines() == FROM_THE_SOURCE.splitlines()


def test_the_page_knows_rules_of_each_kind() -> None:
    for rule in (
        "| The last administrator stays. |",  # who may do it when
        "| It ended before it began. |",  # fields together
        "| The two passwords differ. |",  # a form's own
        "| This needs a reason: …. |",  # with words that are filled in
    ):
        assert rule in WRITTEN
