"""The clinic in Debian's Chromium: a live server whose time stands, somebody logged in, axe-core from the disk.

A click comes back before the next page is there: what a test looks at afterwards it waits for, with ``expect`` or with
``shown``; a look into the database comes after what the page then says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer
from tests.clinic import conftest as cast
from tests.clinic.conftest import SECRET, Clock
from tests.conftest import PATIENCE_MS

from upturn_clinic.accounts.models import User

Open = Callable[..., Page]
# Noon of a Tuesday in June, three months after the cast's own time: no midnight, no month's end, no change of clocks.
STANDS_AT = datetime(2026, 6, 16, 10, 0, tzinfo=UTC)

# Playwright's driver runs a loop in this thread; Django would take that for code that must not wait for a database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def code_now(*, secret: str = SECRET) -> str:
    """A code with so much of its time left that a busy machine gets it typed, sent and looked at."""
    return cast.code_now(secret=secret, within_s=12)


def shown(page: Page, words: str) -> None:
    """Wait until the page says this and is whole."""
    expect(page.locator("main")).to_contain_text(words, use_inner_text=True)
    page.wait_for_load_state()


def connect_again(page: Page) -> None:
    """Give the connection back, and wait until something gets through: the browser says so a little earlier."""
    page.context.set_offline(False)
    for _ in range(PATIENCE_MS // 50):
        if page.evaluate("fetch('/well/', {credentials: 'omit', cache: 'no-store'}).then(() => true, () => false)"):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the connection did not come back")


@pytest.fixture(autouse=True)
def _time_stands(clock: Clock) -> None:
    """No test depends on the hour in which it runs; one that needs another time, or a time that goes on, sets it."""
    clock.stand_at(STANDS_AT)


@pytest.fixture
def opened(live_server: LiveServer, browser: Browser) -> Iterator[Open]:
    """Open a page as somebody; at the end nothing may have been said to the console or asked of another host."""
    said: list[str] = []
    asked: set[str] = set()
    contexts: list[BrowserContext] = []

    def open_page(path: str, user: User | None = None, *, width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        if user is not None:
            client = Client()
            client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
            cookie = client.cookies[settings.SESSION_COOKIE_NAME]
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}])
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        page.on("request", lambda asking: asked.add(asking.url.split("/")[2]) if "//" in asking.url else None)
        page.goto(f"{live_server.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [each for each in said if "Failed to load resource" not in each] == []
    assert asked <= {live_server.url.split("/")[2]}


@pytest.fixture(scope="session")
def faults() -> Callable[[Page], list[str]]:
    """Let axe-core look at a page."""
    axe = Axe()

    def look(page: Page) -> list[str]:
        page.wait_for_load_state()
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                                                   "best-practice"]})  # fmt: skip
        return [f"{each['id']}: {each['help']} {[node['html'] for node in each['nodes']][:3]}"
                for each in found.response["violations"]]  # fmt: skip

    return look
