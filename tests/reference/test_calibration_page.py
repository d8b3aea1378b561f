"""The page of what was learnt belongs to the shipped posterior."""

from __future__ import annotations

from pathlib import Path

from upturn.population import shipped_posterior

PAGE = Path(__file__).parents[2] / "docs" / "calibration.md"


def test_the_page_is_of_the_shipped_posterior() -> None:
    written = PAGE.read_text(encoding="utf-8")
    found = shipped_posterior()
    assert found.digest in written, "run: python docs/calibration/page.py"
    assert found.evidence in written
    for name, each in found.learnt.items():
        row = next(line for line in written.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"{each.median:.3g} ({each.low:.3g} to {each.high:.3g})" in row


def test_every_check_is_on_the_page() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert shipped_posterior().adverse_events in written
    for each in shipped_posterior().checks:
        row = next(line for line in written.splitlines() if f"| {each.name} | {each.numbers} | {each.p:.2f} |" in line)
        assert ("too" in row) == (not 0.05 <= each.p <= 0.95)
