"""What the page of a session offers and says: while the connection is cut, after it is back, and when all is over."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.clinic.browser.conftest import Hours, at_rest, connect_again
from tests.clinic.browser.session_page import MINUTE, all_sent, picture, type_in
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, given_in_session, good_answers, made_ready, said

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.treatments.models import Plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def offered(page: Page) -> list[str]:
    forms = page.locator(".doing form")
    return [str(each.get_attribute("data-entry")) for each in forms.all() if each.is_visible()]


def running(session: Session, nurse: Actor, hours: Hours, **screen: Any) -> Page:
    """The page of a session whose infusion has just begun."""
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    hours.at = FIRST
    hours.clock.stand_at(FIRST)
    return hours.open(session, nurse, **screen)


def test_a_cut_is_told_at_once_and_so_is_its_end(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    link = page.locator("[data-link]")
    at_rest(page)
    expect(link).to_have_text("Connected. Everything is saved.")
    page.context.set_offline(True)
    expect(link).to_contain_text("No connection since")
    connect_again(page)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(link).to_have_text("Connected. Everything is saved.")


def test_a_number_that_runs_takes_nobody_off_the_button_they_have_reached(
    session: Session, nurse: Actor, hours: Hours
) -> None:
    page = running(session, nurse, hours)
    hours.go(FIRST + 2 * MINUTE)
    given = page.locator("[data-part=giving] dl [data-live]").first
    expect(given).to_have_text(re.compile(r"^at 09:02: "))
    pause = page.get_by_role("button", name="Pause", exact=True)
    pause.focus()
    hours.go(FIRST + 4 * MINUTE)
    expect(given).to_have_text(re.compile(r"^at 09:04: "))
    expect(pause).to_be_focused()


def test_while_cut_only_what_can_be_done_next_is_offered(session: Session, nurse: Actor, hours: Hours) -> None:
    page = running(session, nurse, hours, width=390, height=844, has_touch=True)
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
    expect(page.get_by_text("This part stands as it was at")).to_be_visible()
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
    expect(told).to_contain_text("SBP 128 mmHg, +30 min; DBP 80 mmHg, +30 min; HR 75, +30 min: This row")
    picture(page, "told-phone")
    told.get_by_role("button", name="I have read it").click()
    expect(told).to_have_count(0)


def test_what_was_stopped_while_cut_is_not_stopped_again_by_an_emergency(
    session: Session, nurse: Actor, hours: Hours
) -> None:
    page = running(session, nurse, hours)
    hours.go(FIRST + 2 * MINUTE)
    page.context.set_offline(True)
    page.get_by_role("button", name="Stop: the dose has ended").click()
    page.keyboard.press("F8")
    dialog = page.get_by_role("dialog", name="Emergency")
    expect(dialog.get_by_text("A stop waits here and is sent when the connection is back.")).to_be_visible()
    expect(dialog.get_by_text("No dose runs on record.")).to_be_hidden()
    dialog.get_by_role("button", name="Open the emergency path", exact=True).click()
    hours.connect_again(page)
    all_sent(page)
    assert not page.get_by_text("Refused:").count()
    assert list(Administration.objects.order_by("at").values_list("kind", flat=True)) == ["start", "stop"]
    expect(page.locator("[data-part=emergency]")).to_contain_text("Emergency path")


@pytest.mark.parametrize(("width", "height"), [(1100, 800), (820, 1180), (390, 664)])
def test_both_ways_out_of_the_emergency_dialog_are_in_sight(
    session: Session, nurse: Actor, hours: Hours, width: int, height: int
) -> None:
    page = hours.open(session, nurse, width=width, height=height)
    page.keyboard.press("F8")
    dialog = page.get_by_role("dialog", name="Emergency")
    for name in ("Open the emergency path", "Not an emergency"):
        expect(dialog.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    expect(dialog.get_by_text("It stops no pump and calls nobody: you do.")).to_be_in_viewport(ratio=1)
    picture(page, f"emergency-{width}")


def test_a_press_does_not_miss_its_button_when_news_come(
    session: Session, nurse: Actor, other_nurse: Actor, hours: Hours
) -> None:
    page = hours.open(session, nurse)
    answers = good_answers(session, hours.at)
    lines = [page.locator(f'[data-line="{each["criterion"]}"]') for each in answers]
    lines[0].get_by_role("button", name="That is so", exact=True).hover()
    page.mouse.down()
    all_saved(said(session, other_nurse, hours.at, *answers[1:]))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    at_rest(page)
    page.mouse.up()
    for line in lines:
        expect(line).to_have_class("open")


def test_a_press_that_ends_without_a_word_holds_nothing_back_for_long(
    session: Session, nurse: Actor, other_nurse: Actor, hours: Hours
) -> None:
    """In a menu or a drag, some browsers tell neither that it was let go nor that it was broken off."""
    page = hours.open(session, nurse)
    answers = good_answers(session, hours.at)
    line = page.locator(f'[data-line="{answers[0]["criterion"]}"]')
    page.evaluate("dispatchEvent(new PointerEvent('pointerdown', { button: 0 }))")
    all_saved(said(session, other_nurse, hours.at, answers[0]))
    page.evaluate("window.dispatchEvent(new Event('online'))")
    at_rest(page)
    expect(line).not_to_have_class("open")
    page.clock.run_for(4000)
    expect(line).to_have_class("open")


@pytest.mark.parametrize("width", [1280, 820, 390])
def test_to_say_that_a_line_does_not_apply_moves_no_other_answer(
    session: Session, nurse: Actor, hours: Hours, width: int
) -> None:
    page = hours.open(session, nurse, width=width)
    line = page.locator('[data-line="arrival/fasting"]')
    so = line.get_by_role("button", name="That is so", exact=True)
    before = so.bounding_box()
    line.locator("summary").click()
    expect(line.get_by_label("Why it does not apply")).to_be_visible()
    after = so.bounding_box()
    assert before is not None
    assert after is not None
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    picture(page, f"does-not-apply-{width}")


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
    expect(page.locator("[data-link]")).to_have_text("")
    page.context.set_offline(True)
    expect(page.locator("[data-link]")).to_have_text(re.compile(r"^No connection since \d\d:\d\d\.$"))
    page.context.set_offline(False)
    expect(page.locator(".sheet td .value").first).to_be_visible()
    expect(page.get_by_text("saved", exact=True)).to_have_count(0)
    picture(page, "over")
