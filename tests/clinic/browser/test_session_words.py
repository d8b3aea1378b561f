# ruff: noqa: F811  (fixtures of the floor are taken by their names)
"""What the page of a session offers and says: while the connection is cut, after it is back, and when all is over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from tests.clinic.browser.test_session import (  # noqa: F401  (fixtures)
    MINUTE,
    Hours,
    all_sent,
    hours,
    picture,
    type_in,
)
from tests.clinic.floor.conftest import FIRST, clinician, infusions, nurse, session  # noqa: F401  (fixtures)
from tests.clinic.floor.making import begun, given_in_session, made_ready

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.treatments.models import Plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def offered(page: Page) -> list[str]:
    forms = page.locator(".doing form")
    return [str(each.get_attribute("data-entry")) for each in forms.all() if each.is_visible()]


def test_while_cut_only_what_can_be_done_next_is_offered(session: Session, nurse: Actor, hours: Hours) -> None:
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    hours.at = FIRST
    hours.clock.stand_at(FIRST)
    page = hours.open(session, nurse, width=390, height=844, has_touch=True)
    hours.go(FIRST + 2 * MINUTE)
    assert offered(page) == ["pause", "rate", "stop"]
    page.context.set_offline(True)
    hours.go(FIRST + 4 * MINUTE)
    expect(page.locator("[data-link]")).to_contain_text("No connection since")
    assert offered(page) == ["pause", "rate", "stop"]
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("[data-link]")).to_contain_text("1 entry waits here")
    assert offered(page) == ["resume", "stop"]
    expect(page.get_by_label("Rate when it goes on (ml/h)")).to_be_visible()
    picture(page, "cut-phone")
    page.get_by_role("button", name="Something else was done: show everything").click()
    assert offered(page) == ["start", "pause", "resume", "rate", "stop"]
    hours.go(FIRST + 6 * MINUTE)
    page.locator("form[data-entry=resume]").get_by_role("button").click()
    expect(page.locator("[data-link]")).to_contain_text("2 entries wait here")
    # Read long before the row that it was typed into stands for.
    type_in(page, "n30", SBP="128", DBP="80", HR="75")
    hours.connect_again(page)
    all_sent(page)
    assert offered(page) == ["pause", "rate", "stop"]
    assert list(Administration.objects.order_by("at").values_list("kind", flat=True)) == ["start", "pause", "resume"]
    # All that is told stands in one box, each line with what it is about.
    told = page.get_by_role("alert").filter(has_text="This row stands for +30 min")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("SBP 128, +30 min; DBP 80, +30 min; HR 75, +30 min: This row")
    picture(page, "told-phone")
    told.get_by_role("button", name="I have read it").click()
    expect(told).to_have_count(0)


def test_what_was_not_taken_is_one_press_away(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse, width=390, height=844)
    type_in(page, "n-15", SpO2="198")
    page.get_by_role("link", name="1 entry was not taken: show it").click()
    expect(page.locator("#waiting-entries")).to_be_in_viewport()


def test_the_checklist_is_folded_when_the_dose_begins(session: Session, nurse: Actor, hours: Hours) -> None:
    made_ready(session, nurse, FIRST)
    hours.at = FIRST
    hours.clock.stand_at(FIRST)
    page = hours.open(session, nurse, width=1100, height=800)
    hours.go(FIRST + timedelta(seconds=11))
    expect(page.locator("#before-details")).to_have_attribute("open", "")
    begun(session, nurse, hours.at)
    hours.go(hours.at + timedelta(seconds=11))
    expect(page.locator("#before-details")).not_to_have_attribute("open", "")
    # Opened by hand it stays open.
    page.get_by_role("heading", name="Before the dose").click()
    hours.go(FIRST + 101 * MINUTE)
    expect(page.locator("[data-minutes]")).to_have_text("+100 min since the start")
    expect(page.locator("#before-details")).to_have_attribute("open", "")
    # With three figures of minutes the line at the top is still one line.
    heights = page.locator(".bar > *").evaluate_all("all => all.map((each) => each.getBoundingClientRect().top)")
    assert max(heights) - min(heights) < page.locator(".bar button").first.bounding_box()["height"]  # type: ignore[index]
    picture(page, "bar-1100")
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    expect(page.get_by_text("No pregnancy is known.").first).to_be_visible()
    expect(page.locator("#story-details li").first).to_be_visible()
    expect(page.get_by_text("Type a value and press Enter")).to_be_hidden()
    picture(page, "printed")


def test_a_session_that_is_over_has_no_clock(infusions: Plan, clinician: Actor, nurse: Actor, hours: Hours) -> None:
    assert nurse.user is not None
    given_in_session(infusions.doses.get(number=1), clinician, nurse.user, FIRST)
    session = Session.objects.get()
    hours.at = FIRST + timedelta(days=2)
    hours.clock.stand_at(hours.at)
    page = hours.open(session, nurse)
    expect(page.locator("[data-clock]")).to_have_text("Over: left 23 Mar 2026, 09:41, 41 min after the dose began")
    expect(page.locator("[data-minutes]")).to_have_text("")
    expect(page.locator("[data-link]")).to_have_text("Connected.")
    expect(page.locator(".sheet td .value").first).to_be_visible()
    expect(page.get_by_text("saved", exact=True)).to_have_count(0)
    picture(page, "over")
