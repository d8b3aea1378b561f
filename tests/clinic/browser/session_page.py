"""The page of a session as a test works on it: its cells, what is typed into them, what was sent."""

from __future__ import annotations

import re
from datetime import timedelta

from playwright.sync_api import Locator, Page, expect
from tests.clinic.browser import looking

__all__ = ["MINUTE", "all_sent", "cell", "picture", "type_in"]

MINUTE = timedelta(minutes=1)


def picture(page: Page, name: str) -> None:
    looking.picture(page, f"session-{name}")


def cell(page: Page, row: str, instrument: str) -> Locator:
    return page.locator(f'td[data-cell="{row}:{instrument}"]')


def type_in(page: Page, row: str, **values: str) -> None:
    for instrument, value in values.items():
        field = cell(page, row, instrument.replace("MOAAS", "MOAA/S").replace("CSSRS", "C-SSRS")).locator("input")
        field.fill(value)
        field.press("Enter")


def all_sent(page: Page) -> None:
    """Nothing waits: it was saved, or it was refused and stands there."""
    words = re.compile(r"^Connected\. (Everything is saved|\d+ entr(y was|ies were) not taken)")
    expect(page.locator("[data-link]")).to_have_text(words)
