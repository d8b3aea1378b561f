"""What is asked of every page, on whatever it is shown: no fault that axe-core knows, not too wide, targets to hit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from upturn_clinic.accounts.models import User

Open = Callable[..., Page]
Look = Callable[..., list[str]]
# Where pictures of every page are wanted, this names the folder.
PICTURES = os.environ.get("UPTURN_PICTURES")
TABLET: dict[str, Any] = {"width": 820, "height": 1180, "has_touch": True}
LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {},
    "phone": {"width": 360, "height": 740, "has_touch": True},
    "dark": {"color_scheme": "dark"},
}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """[...document.querySelectorAll('main button, main .button, header a, header button, nav.sections a')]
  .filter(e => e.offsetParent && !e.classList.contains('skip') && e.getBoundingClientRect().height < 43.5)
  .map(e => e.outerHTML)"""


def picture(page: Page, name: str) -> None:
    """Keep a picture, where pictures are wanted."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def walk(pages: Iterable[tuple[str, User | None]], look: str, named: str, opened: Open) -> Iterator[tuple[str, Page]]:
    """Show pages one after the other, a window for each person; take a picture of each."""
    windows: dict[User | None, Page] = {}
    for place, (path, user) in enumerate(pages):
        page = windows.get(user)
        if page is None:
            page = windows[user] = opened(path, user, **(TABLET if look == "tablet" else LOOKS[look]))
        else:
            page.goto("/".join(page.url.split("/", maxsplit=3)[:3]) + path)
        page.wait_for_load_state()
        picture(page, f"{named}-{look}-{place:02}")
        yield path, page
    for page in windows.values():
        page.context.close()


def look_at(path: str, page: Page, look: str, faults: Look) -> None:
    """Find no fault. In the dark the page is the one that was looked at in the light, but for its colours."""
    assert page.locator("h1").count() == 1, path
    assert faults(page, colours_only=look == "dark") == [], path
    assert page.evaluate(TOO_WIDE) <= 0, path
    assert page.evaluate(SMALL_TARGETS) == [], path
