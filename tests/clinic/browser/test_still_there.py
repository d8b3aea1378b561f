"""Whether somebody is still there: asked before the log-out, by what the server heard of them on any page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, Request, expect
from tests.clinic.browser.conftest import STANDS_AT, Hours, at_rest, connect_again, shown, stand_from_the_start
from tests.clinic.browser.looking import Look, Open, picture
from tests.clinic.browser.session_page import all_sent, cell, type_in
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, OpenSession, User
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.operation import ACTIVITY_NOTED, IDLE_LOGOUT, IDLE_WARNING
from upturn_clinic.participants.models import Participant

SOON = timedelta(seconds=10)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def is_told(lost: Request) -> bool:
    return lost.method == "POST" and lost.url.endswith("/still-here/")


def log_in_on_another_tab(page: Page, user: User) -> None:
    """Let somebody else log in in the same browser: the cookie is theirs, and the old token holds no more."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get("/me/")
    site = "/".join(page.url.split("/")[:3])
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": f"{site}/"}])


def test_before_the_log_out_comes_a_warning_that_the_keyboard_answers(
    opened: Open, facility: Facility, owner: User, faults: Look, hours: Hours
) -> None:
    page = opened("/well/", owner)
    stand_from_the_start(page, hours.at)
    page.goto(page.url.replace("/well/", reverse("people", args=["main"])))
    hours.pages.append(page)
    hours.jump(hours.at + IDLE_LOGOUT - IDLE_WARNING + SOON)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What you have typed is kept")
    expect(dialog).to_be_visible()
    picture(page, "flow-idle")
    assert hours.faults(page, faults) == []
    # A cut connection is said in the dialog, and logs nobody out.
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("there is no connection now. Try again.")
    picture(page, "flow-idle-cut")
    assert hours.faults(page, faults) == []
    at_rest(page)
    connect_again(page)
    with page.expect_response("**/still-here/") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 204
    expect(dialog).to_be_hidden()


def test_a_page_that_is_left_alone_keeps_nobody_logged_in(
    opened: Open, participant: Participant, colleague: User, clock: Clock
) -> None:
    """Somebody works on one page and has left another open: that one waits, and ends with the log-in."""
    left = opened("/well/", colleague)
    stand_from_the_start(left, STANDS_AT)
    left.goto(left.url.replace("/well/", reverse("record_weight", args=["main", participant.pk])))
    used_at = STANDS_AT + IDLE_LOGOUT / 2
    clock.stand_at(used_at)
    used = left.context.new_page()
    used.goto(left.url)
    shown(used, "Body weight")
    left.evaluate("document.isTheSame = true")
    clock.stand_at(STANDS_AT + IDLE_LOGOUT + SOON)
    with left.expect_response(lambda answer: answer.request.method == "HEAD") as asked:
        left.clock.fast_forward(int((IDLE_LOGOUT + SOON).total_seconds()) * 1000)
    assert asked.value.status == 204  # still logged in
    at_rest(left)
    assert left.evaluate("document.isTheSame === true")
    expect(left.get_by_role("button", name="Stay logged in")).to_be_hidden()
    # Nothing of that counted as activity; the other page hears of the log-out first.
    at_rest(used)
    clock.stand_at(used_at + IDLE_LOGOUT + SOON)
    used.reload()
    expect(used.get_by_role("heading", level=1)).to_have_text("Log in")
    left.clock.fast_forward(int((IDLE_LOGOUT / 2).total_seconds()) * 1000)
    expect(left.get_by_role("heading", level=1)).to_have_text("Log in")


def test_who_types_while_the_connection_is_cut_is_still_asked(
    opened: Open, participant: Participant, colleague: User, hours: Hours
) -> None:
    page = opened("/well/", colleague)
    stand_from_the_start(page, hours.at)
    page.goto(page.url.replace("/well/", reverse("record_weight", args=["main", participant.pk])))
    hours.pages.append(page)
    hours.jump(hours.at + IDLE_LOGOUT - IDLE_WARNING - SOON)
    page.get_by_label("Body weight").fill("77.7")
    page.context.set_offline(True)
    hours.jump(hours.at + 3 * SOON)
    dialog = page.get_by_role("dialog", name="Are you still there?")
    expect(dialog).to_contain_text("there is no connection now. Try again.")
    connect_again(page)
    # What was said while it was cut is said again by itself.
    with page.expect_response("**/still-here/") as answer:
        hours.jump(hours.at + SOON)
    assert (answer.value.request.method, answer.value.status) == ("POST", 204)
    expect(dialog).to_be_hidden()


@pytest.mark.parametrize(("status", "asked"), [(503, ["POST"]), (200, [])])
def test_a_busy_server_has_heard_nothing(
    status: int, asked: list[str], opened: Open, participant: Participant, colleague: User, hours: Hours
) -> None:
    page = opened("/well/", colleague)
    stand_from_the_start(page, hours.at)
    page.goto(page.url.replace("/well/", reverse("record_weight", args=["main", participant.pk])))
    hours.pages.append(page)
    hours.jump(hours.at + IDLE_LOGOUT / 2)
    page.get_by_label("Body weight").fill("77.7")
    # As htmx tells of its answers.
    ended = "(status) => document.dispatchEvent(new CustomEvent('htmx:afterRequest', {detail: {xhr: {status}}}))"
    page.evaluate(ended, status)
    told: list[str] = []
    page.on("request", lambda request: told.append(request.method) if "/still-here/" in request.url else None)
    hours.jump(hours.at + SOON)
    assert told == asked


def test_what_waited_for_the_connection_is_no_sign_of_life(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    page.context.set_offline(True)
    type_in(page, "n-15", SBP="122")
    hours.jump(ARRIVAL + IDLE_LOGOUT - IDLE_WARNING - 3 * SOON)
    hours.connect_again(page)
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1
    hours.jump(ARRIVAL + IDLE_LOGOUT - IDLE_WARNING + SOON)
    expect(page.get_by_role("dialog", name="Are you still there?")).to_be_visible()
    hours.jump(ARRIVAL + IDLE_LOGOUT + SOON)
    page.wait_for_url("**/log-in/**")


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_cut_while_somebody_types_takes_no_page_away(
    opened: Open, participant: Participant, colleague: User, clock: Clock, *, is_asked: bool
) -> None:
    """The page says that somebody types, or the person says so when asked; nobody hears it, and it is said again."""
    page = opened("/well/", colleague)
    stand_from_the_start(page, STANDS_AT)
    page.goto(page.url.replace("/well/", reverse("record_weight", args=["main", participant.pk])))
    still_there = page.get_by_role("button", name="Stay logged in")
    if is_asked:
        clock.stand_at(STANDS_AT + IDLE_LOGOUT - IDLE_WARNING + SOON)
        page.clock.fast_forward(int((IDLE_LOGOUT - IDLE_WARNING + SOON).total_seconds()) * 1000)
        expect(still_there).to_be_visible()
    else:
        page.get_by_label("Body weight").fill("77.7")
    page.evaluate("document.isTheSame = true")
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        if is_asked:
            still_there.click()
        else:
            page.clock.fast_forward("01:05")
    connect_again(page)
    with page.expect_response("**/still-here/") as answer:
        if is_asked:
            still_there.click()
        else:
            page.clock.fast_forward("00:06")
    assert answer.value.status == 204
    expect(still_there).to_be_hidden()
    assert page.evaluate("document.isTheSame === true")


def test_who_works_on_another_page_is_not_asked_on_this_one(
    opened: Open, participant: Participant, colleague: User, clock: Clock
) -> None:
    left = opened("/well/", colleague)
    stand_from_the_start(left, STANDS_AT)
    left.goto(left.url.replace("/well/", reverse("participant", args=["main", participant.pk])))
    used = left.context.new_page()
    for minutes in range(0, 56, 7):
        clock.stand_at(STANDS_AT + timedelta(minutes=minutes))
        used.goto(left.url)
        left.clock.fast_forward("07:00")
        at_rest(left)
        expect(left.get_by_role("dialog")).to_have_count(0)
    # Then nobody does anything, here or there: this page asks, and says how long there really is.
    last = STANDS_AT + timedelta(minutes=49)
    clock.stand_at(last + IDLE_LOGOUT - timedelta(seconds=60))
    left.clock.fast_forward("14:00")
    expect(left.get_by_role("dialog")).to_contain_text("You will be logged out in 60 seconds.")


def test_a_page_of_somebody_else_is_not_kept(
    opened: Open, participant: Participant, colleague: User, stranger: User, clock: Clock
) -> None:
    """On a shared machine another person logs in on another tab: what the first one looked at goes."""
    page = opened("/well/", colleague)
    stand_from_the_start(page, STANDS_AT)
    page.goto(page.url.replace("/well/", reverse("participant", args=["main", participant.pk])))
    shown(page, participant.pseudonym)
    log_in_on_another_tab(page, stranger)
    clock.stand_at(STANDS_AT + IDLE_LOGOUT)
    page.clock.fast_forward(int((IDLE_LOGOUT - IDLE_WARNING + SOON).total_seconds()) * 1000)
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page.")
    assert participant.pseudonym not in page.content()


def test_what_waits_for_another_person_keeps_nobody_logged_in(
    session: Session, nurse: Actor, colleague: User, hours: Hours
) -> None:
    """A page from before another log-in tries again and again in vain: nothing of that is anybody's activity."""
    page = hours.open(session, nurse)
    page.context.set_offline(True)
    type_in(page, "n-15", SBP="122")
    hours.jump(hours.at + IDLE_WARNING + SOON)
    log_in_on_another_tab(page, colleague)
    page.locator("meta[name=csrf-token]").evaluate("(token) => { token.content = 'x'.repeat(64); }")
    # The page cannot ask who is there.
    page.route("**/still-here/", lambda route: route.abort())
    connect_again(page)
    expect(page.locator("[data-link]")).to_contain_text("1 entry waits here; nothing is lost. Load the page anew.")
    hours.settled()
    seen = {each.get_decoded()["last_activity"] for each in OpenSession.objects.filter(person=colleague.pk)}
    for _ in range(5):
        with page.expect_response("**/entries/") as answer:
            hours.jump(hours.at + timedelta(seconds=60))
        assert answer.value.status == 403
        hours.settled()
    assert {each.get_decoded()["last_activity"] for each in OpenSession.objects.filter(person=colleague.pk)} == seen
    assert not Reading.objects.exists()


def test_a_page_with_an_old_token_keeps_nobody_logged_in(
    session: Session, nurse: Actor, colleague: User, hours: Hours
) -> None:
    """What was entered just now would count: not where the server has told this page that its token holds no more."""
    page = hours.open(session, nurse)
    log_in_on_another_tab(page, colleague)
    page.locator("meta[name=csrf-token]").evaluate("(token) => { token.content = 'x'.repeat(64); }")
    page.route("**/still-here/", lambda route: route.abort())
    type_in(page, "n-15", SBP="122")
    expect(page.locator("[data-link]")).to_contain_text("1 entry waits here; nothing is lost. Load the page anew.")
    hours.settled()
    seen = {each.get_decoded()["last_activity"] for each in OpenSession.objects.filter(person=colleague.pk)}
    with page.expect_response("**/entries/") as answer:
        hours.jump(hours.at + ACTIVITY_NOTED + SOON)
    assert answer.value.status == 403
    hours.settled()
    assert {each.get_decoded()["last_activity"] for each in OpenSession.objects.filter(person=colleague.pk)} == seen


def test_the_question_does_not_cover_an_emergency(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    page.keyboard.press("F8")
    emergency = page.get_by_role("dialog", name="Emergency")
    expect(emergency).to_be_visible()
    hours.jump(hours.at + IDLE_LOGOUT - IDLE_WARNING + SOON)
    hours.settled()
    expect(page.get_by_role("dialog", name="Are you still there?")).to_be_hidden()
    # Who writes in it is there.
    emergency.get_by_label("Something else").fill("grey, sweating")
    hours.jump(hours.at + SOON)
    hours.settled()
    hours.jump(hours.at + IDLE_WARNING)
    hours.settled()
    expect(emergency).to_be_visible()
    expect(page.get_by_role("dialog", name="Are you still there?")).to_be_hidden()


def test_what_could_not_be_said_in_time_is_not_said_later(session: Session, nurse: Actor, hours: Hours) -> None:
    """Somebody types while the connection is cut, and leaves; it comes back a while later, and nobody is there."""
    page = hours.open(session, nurse)
    cell(page, "n-15", "HR").locator("input").press_sequentially("7")
    page.context.set_offline(True)
    for typed in "78":
        with page.expect_event("requestfailed", is_told):
            hours.jump(hours.at + timedelta(seconds=65))
        cell(page, "n-15", "HR").locator("input").press_sequentially(typed)
    hours.jump(hours.at + IDLE_WARNING + SOON)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/still-here/" in request.url else None)
    connect_again(page)
    hours.jump(hours.at + SOON)
    hours.settled()
    hours.jump(ARRIVAL + IDLE_LOGOUT - IDLE_WARNING + SOON)
    hours.settled()
    assert set(asked) == {"HEAD"}
    expect(page.get_by_role("dialog", name="Are you still there?")).to_contain_text("logged out in")


def test_who_has_left_stays_logged_in_no_longer_than_after_the_last_entry(
    session: Session, nurse: Actor, hours: Hours
) -> None:
    page = hours.open(session, nurse)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method) if "/still-here/" in request.url else None)
    type_in(page, "n-15", SBP="122")
    all_sent(page)
    for _ in range(7):
        hours.jump(hours.at + timedelta(seconds=110))
    assert asked == []
    hours.jump(ARRIVAL + IDLE_LOGOUT - IDLE_WARNING + SOON)
    hours.settled()
    assert asked == ["HEAD"]
    expect(page.get_by_role("dialog", name="Are you still there?")).to_be_visible()
    hours.jump(ARRIVAL + IDLE_LOGOUT + SOON)
    page.wait_for_url("**/log-in/**")


def test_whoever_writes_in_a_box_that_keeps_nothing_is_let_end(
    session: Session, nurse: Actor, colleague: User, hours: Hours
) -> None:
    """Somebody else logs in on another tab: the page goes when the box is closed, or nobody writes any more."""
    page = hours.open(session, nurse)
    page.keyboard.press("F8")
    emergency = page.get_by_role("dialog", name="Emergency")
    emergency.get_by_label("Something else").fill("grey, sweating")
    log_in_on_another_tab(page, colleague)
    page.locator("meta[name=csrf-token]").evaluate("(token) => { token.content = 'x'.repeat(64); }")
    with page.expect_response("**/still-here/") as answer:
        hours.jump(hours.at + timedelta(seconds=65))
    assert answer.value.status == 403
    hours.settled()
    expect(emergency.get_by_label("Something else")).to_have_value("grey, sweating")
    with page.expect_event("load"):
        emergency.get_by_role("button", name="Not an emergency").click()
        hours.jump(hours.at + SOON)
    expect(page.locator("body")).to_have_attribute("data-person", str(colleague.pk))
