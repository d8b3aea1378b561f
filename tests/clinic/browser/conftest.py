"""The clinic in Debian's Chromium: a live server, somebody logged in, axe-core from the disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from upturn_clinic.accounts.models import User

PATIENCE_MS = 20_000

# A machine may be busy with other tests: what is waited for comes late, not never.
expect.set_options(timeout=PATIENCE_MS)

Open = Callable[..., Page]

# Playwright's driver runs a loop in this thread; Django would take that for code that must not wait for a database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


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
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
                                                   "best-practice"]})  # fmt: skip
        return [f"{each['id']}: {each['help']} {[node['html'] for node in each['nodes']][:3]}"
                for each in found.response["violations"]]  # fmt: skip

    return look
