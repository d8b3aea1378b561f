"""The clinic in Debian's Chromium: a live server whose time stands, somebody logged in, axe-core from the disk.

A click comes back before the next page is there: what a test looks at afterwards it waits for, with ``expect`` or with
``shown``; a look into the database comes after what the page then says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer
from tests.clinic.browser.looking import Look, Open
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import (  # noqa: F401  (fixtures of the floor, for sessions in a browser)
    ARRIVAL,
    clinician,
    infusions,
    nurse,
    other_nurse,
    session,
)
from tests.conftest import PATIENCE_MS

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor.models import Session

# What axe-core looks for.
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
COLOURS = {"type": "rule", "values": ["color-contrast"]}
# Noon of a Tuesday in June, three months after the cast's own time: no midnight, no month's end, no change of clocks.
STANDS_AT = datetime(2026, 6, 16, 10, 0, tzinfo=UTC)
# Shorter than the two minutes in which the page asks whether somebody is still there, less the half minute in which the
# server notes no activity anew.
STEP = timedelta(seconds=80)
# A little more than what passes before the page tries again to send.
A_TRY = timedelta(seconds=5)
MOST_TRIES = 20
# More than a slow machine takes from reading or setting the page's clock to holding it.
HOLD_WITHIN = timedelta(seconds=30)
LOOKED_AT_EVERY_MS = 50
# What the browser and htmx write to the console of a request that got no answer.
LOST = ("Failed to load resource", "htmx:sendError", "htmx:timeout", "htmx:afterRequest")
# What the page asks for, and what it sends: it holds a lock meanwhile.
ON_ITS_WAY = """async () => {
  const { held, pending } = await navigator.locks.query();
  return held.length + pending.length + document.querySelectorAll("[data-asking]").length;
}"""

# Playwright's driver runs a loop in this thread; Django would take that for code that must not wait for a database.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


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


def hold_timers(page: Page) -> None:
    """Let no timer of a page run any more, a moment from now by its own clock: it asks nothing by itself."""
    by_its_clock = page.evaluate("Date.now()") / 1000
    page.clock.pause_at(datetime.fromtimestamp(by_its_clock, UTC) + HOLD_WITHIN)


def stand_from_the_start(page: Page, at: datetime) -> None:
    """Let the clock of the page that is opened next stand from its first moment: nothing of it runs by itself."""
    page.clock.install(time=at - HOLD_WITHIN)
    page.clock.pause_at(at)


def at_rest(page: Page) -> None:
    """Wait until the page neither asks nor sends."""
    for _ in range(PATIENCE_MS // LOOKED_AT_EVERY_MS):
        if page.evaluate(ON_ITS_WAY) == 0:
            return
        page.wait_for_timeout(LOOKED_AT_EVERY_MS)
    raise AssertionError(f"{page.url} does not come to rest")


class Hours:
    """The time of a test: the server's and that of every open page. All stand but for ``go`` and ``jump``.

    If a page's clock went on, a slow machine would decide what it asks in between and what time an entry bears.
    """

    def __init__(self, clock: Clock, opened: Open) -> None:
        self.clock, self.opened, self.at = clock, opened, ARRIVAL
        self.pages: list[Page] = []
        clock.stand_at(self.at)

    def open(self, of: Session, who: Actor, *, device_ahead: timedelta = timedelta(0), **look: object) -> Page:
        page = self.opened("/well/", who.user, **look)
        stand_from_the_start(page, self.at + device_ahead)
        page.goto(page.url.replace("/well/", reverse("session", args=[of.facility.slug, of.pk])))
        # With the first answer: the connection is there, and the flowsheet is drawn.
        expect(page.locator("[data-rows] tr")).not_to_have_count(0)
        self.pages.append(page)
        return page

    def go(self, to: datetime) -> None:
        """Let time pass everywhere; after a quiet quarter of an hour, whoever is there says so."""
        while self.at < to:
            self.jump(min(self.at + STEP, to))
            for page in self.pages:
                button = page.get_by_role("button", name="Stay logged in")
                if button.is_visible():
                    button.click()
                    expect(button).to_be_hidden()

    def jump(self, to: datetime) -> None:
        """Let time pass without anybody there; timers of the pages that came due run once."""
        # What is on its way would be broken off: its patience ends with the jump.
        for page in self.pages:
            at_rest(page)
        step = to - self.at
        self.at = to
        self.clock.stand_at(to)
        for page in self.pages:
            page.clock.fast_forward(int(step.total_seconds() * 1000))
        for page in self.pages:
            expect(page.locator("[data-asking]")).to_have_count(0)

    def faults(self, page: Page, look: Look) -> list[str]:
        """Let axe-core look at a page: it waits for timers, so the page's clock goes on meanwhile."""
        page.clock.resume()
        found = look(page)
        hold_timers(page)
        return found

    def settled(self) -> None:
        """Wait until no page asks or sends; twice, since between two tries a page holds its lock for a moment not."""
        for _ in range(2):
            for page in self.pages:
                page.wait_for_timeout(LOOKED_AT_EVERY_MS)
                at_rest(page)

    def connect_again(self, page: Page) -> None:
        """Give the connection back and let time pass until nothing waits but what was refused.

        The page sends as soon as the browser says that it is back; that may be too soon, and it tries again later.
        """
        connect_again(page)
        self.settled()
        for _ in range(MOST_TRIES):
            if not page.evaluate("window.waiting.list().some((each) => !each.refused)"):
                return
            self.jump(self.at + A_TRY)
            self.settled()
        raise AssertionError("what waits is not sent")


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
    assert [each for each in said if not any(lost in each for lost in LOST)] == []
    assert asked <= {live_server.url.split("/")[2]}


@pytest.fixture(scope="session")
def faults() -> Callable[[Page], list[str]]:
    """Let axe-core look at a page."""
    axe = Axe()

    def look(page: Page, *, colours_only: bool = False) -> list[str]:
        page.wait_for_load_state()
        found = axe.run(page, options={"runOnly": COLOURS if colours_only else EVERYTHING})
        return [f"{each['id']}: {each['help']} {[node['html'] for node in each['nodes']][:3]}"
                for each in found.response["violations"]]  # fmt: skip

    return look


@pytest.fixture
def hours(clock: Clock, opened: Open) -> Hours:
    return Hours(clock, opened)
