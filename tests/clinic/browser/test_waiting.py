"""Entries that wait in the browser: a refusal is told and not repeated for ever, trouble at the server is tried again.

The statuses of a proxy in between (too much, gone for a moment) are answered by the browser's own network layer; the
server's own refusal is its own.
"""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Route, expect
from tests.clinic.browser.conftest import Hours, at_rest
from tests.clinic.browser.session_page import MINUTE, all_sent, cell, picture, type_in
from tests.clinic.floor.making import all_saved, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Membership
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.models import Reading, Session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ENTRIES = re.compile(r"/entries/?$")


STATE = re.compile(r"/state/?$")


class Proxy:
    """Something between browser and server that answers entries by itself as long as it has a status."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.asked: list[int] = []

    def __call__(self, route: Route) -> None:
        if self.status is None:
            route.continue_()
            return
        self.asked.append(len(json.loads(route.request.post_data or "[]")))
        route.fulfill(status=self.status, body="not the server's words")


def test_trouble_at_the_server_is_told_and_tried_again(session: Session, nurse: Actor, hours: Hours) -> None:
    page, proxy = hours.open(session, nurse), Proxy()
    page.route(ENTRIES, proxy)
    proxy.status = 503
    type_in(page, "n-15", SBP="122")
    expect(page.locator("[data-link]")).to_contain_text("The server cannot take entries now. 1 entry waits here")
    hours.settled()
    assert page.get_by_role("alert").filter(has_text="Refused").count() == 0
    proxy.status = None
    hours.jump(hours.at + MINUTE)
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1


@pytest.mark.parametrize("status", [409, 413, 422])
def test_a_refusal_is_told_kept_apart_and_not_sent_again_by_itself(
    session: Session, nurse: Actor, hours: Hours, status: int
) -> None:
    page, proxy = hours.open(session, nurse), Proxy()
    page.route(ENTRIES, proxy)
    page.context.set_offline(True)
    type_in(page, "n-15", SBP="122", DBP="78")
    expect(page.locator("[data-link]")).to_contain_text("2 entries wait here")
    hours.settled()
    proxy.status = status
    hours.connect_again(page)
    refused = page.get_by_role("alert").filter(has_text=f"For whoever runs the server: {status}.")
    expect(refused).to_have_count(2)
    # Both together, then each by itself.
    assert proxy.asked == [2, 1, 1]
    hours.jump(hours.at + MINUTE)
    hours.settled()
    assert proxy.asked == [2, 1, 1]
    picture(page, f"refused-{status}")
    proxy.status = None
    refused.first.get_by_role("button", name="Send it again").click()
    expect(refused).to_have_count(1)
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1


def test_a_refusal_that_finds_no_room_in_the_browser_is_not_sent_for_ever(
    session: Session, nurse: Actor, hours: Hours
) -> None:
    page, proxy = hours.open(session, nurse), Proxy()
    page.route(ENTRIES, proxy)
    page.context.set_offline(True)
    type_in(page, "n-15", SBP="122")
    expect(page.locator("[data-link]")).to_contain_text("1 entry waits here")
    page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    proxy.status = 422
    hours.connect_again(page)
    expect(page.get_by_role("alert").filter(has_text="For whoever runs the server: 422.")).to_have_count(1)
    hours.jump(hours.at + MINUTE)
    hours.settled()
    assert proxy.asked == [1]
    # What the storage holds goes on waiting for a page that is loaded anew.
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('waiting:')).length") == 1
    proxy.status = None
    page.get_by_role("button", name="Send it again").click()
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1


def test_an_answer_that_comes_late_takes_away_nothing_that_is_newer(
    session: Session, nurse: Actor, other_nurse: Actor, hours: Hours
) -> None:
    page = hours.open(session, nurse)
    rate = sent("reading", hours.at, instrument="HR", value="77", nominal_min=-15)
    all_saved(said(session, other_nurse, hours.at, rate))

    def read_before_and_told_after(route: Route) -> None:
        read_before = route.fetch()
        assert '"text": "77"' in read_before.text()
        type_in(page, "n-15", SBP="122")
        all_sent(page)
        route.fulfill(response=read_before)

    page.route(STATE, read_before_and_told_after, times=1)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    at_rest(page)
    assert Reading.objects.filter(session=session, instrument="SBP").count() == 1
    for instrument in ("SBP", "HR"):
        assert cell(page, "n-15", instrument).locator("button.value").count() == 1, instrument


def test_an_old_token_refuses_nothing_and_a_new_page_sends_what_waits(
    session: Session, nurse: Actor, hours: Hours
) -> None:
    """Who logs in anew on another tab leaves this page with a token that the server does not take any more."""
    page = hours.open(session, nurse)
    page.locator("meta[name=csrf-token]").evaluate("(token) => { token.content = 'x'.repeat(64); }")
    type_in(page, "n-15", SBP="122", DBP="78")
    expect(page.locator("[data-link]")).to_contain_text("2 entries wait here; nothing is lost. Load the page anew.")
    hours.settled()
    assert page.get_by_role("alert").filter(has_text="Refused").count() == 0
    assert not Reading.objects.exists()
    page.reload()
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 2


def test_who_may_not_record_any_more_is_told_so(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    Membership.objects.filter(user=nurse.user).update(role=Role.COORDINATOR)
    type_in(page, "n-15", SBP="122")
    refused = page.get_by_role("alert").filter(has_text="does not take entries from you here.")
    expect(refused).to_have_count(1)
    # A log-out asks about what was refused as well.
    page.get_by_role("button", name="Log out", exact=True).click()
    dialog = page.get_by_role("dialog", name="Not everything is saved yet")
    expect(dialog).to_contain_text("1 entry of a session was refused.")
    expect(dialog).not_to_contain_text("for the connection")
    dialog.get_by_role("button", name="Stay logged in").click()
    Membership.objects.filter(user=nurse.user).update(role=Role.SESSION_NURSE)
    hours.jump(hours.at + MINUTE)
    hours.settled()
    assert not Reading.objects.exists()
    refused.get_by_role("button", name="Send it again").click()
    expect(refused).to_have_count(0)
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1
