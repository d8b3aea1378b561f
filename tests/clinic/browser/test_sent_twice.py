"""An answer that never came: what was typed comes back with its key, and is not written a second time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Error, Route, expect
from tests.clinic.browser.conftest import STANDS_AT, at_rest, connect_again, shown, stand_from_the_start
from tests.clinic.browser.looking import Open
from tests.clinic.conftest import Clock

from upturn_clinic.accounts.models import User
from upturn_clinic.operation import IDLE_LOGOUT, IDLE_WARNING
from upturn_clinic.participants.models import Measure, Participant

SOON = timedelta(seconds=10)
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def saved_but_no_answer(route: Route) -> None:
    """The server gets the form and saves it; the answer is lost on its way back."""
    if route.request.method == "POST":
        route.fetch(max_redirects=0)
        route.abort("connectionreset")
    else:
        route.continue_()


def test_a_form_whose_answer_was_cut_is_written_once(opened: Open, participant: Participant, colleague: User) -> None:
    path = reverse("record_weight", args=["main", participant.pk])
    page = opened(path, colleague)
    address = page.url
    page.get_by_label("Body weight").fill("77.7")
    page.route("**/weight/", saved_but_no_answer)
    with pytest.raises(Error, match="ERR_CONNECTION_RESET"), page.expect_navigation():
        page.get_by_role("button", name="Save").click()
    page.unroute("**/weight/")
    assert Measure.objects.filter(value="77.7").count() == 1

    # In another tab the word that it was saved is read away; here nobody saw it, and what was typed comes back.
    other = page.context.new_page()
    other.goto(address.replace("weight/", ""))
    shown(other, "Recorded.")
    page.goto(address)
    shown(page, "What you typed here before is back")
    assert page.get_by_label("Body weight").input_value() == "77.7"
    page.get_by_role("button", name="Save").click()
    shown(page, "This was saved already")
    expect(page).to_have_url(address.replace("weight/", ""))
    assert Measure.objects.filter(value="77.7").count() == 1
    # The server's word cleared the draft.
    page.goto(address)
    assert page.get_by_label("Body weight").input_value() == ""


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
    clock.stand_at(used_at + IDLE_LOGOUT + SOON)
    used.reload()
    expect(used.get_by_role("heading", level=1)).to_have_text("Log in")
    left.clock.fast_forward(int((IDLE_LOGOUT / 2).total_seconds()) * 1000)
    expect(left.get_by_role("heading", level=1)).to_have_text("Log in")


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_cut_while_somebody_types_takes_no_page_away(
    opened: Open, participant: Participant, colleague: User, *, is_asked: bool
) -> None:
    """The page says that somebody types, or the person says so when asked; nobody hears it, and it is said again."""
    page = opened("/well/", colleague)
    stand_from_the_start(page, STANDS_AT)
    page.goto(page.url.replace("/well/", reverse("record_weight", args=["main", participant.pk])))
    still_there = page.get_by_role("button", name="Stay logged in")
    if is_asked:
        page.clock.fast_forward(int((IDLE_LOGOUT - IDLE_WARNING).total_seconds() + 10) * 1000)
        expect(still_there).to_be_visible()
    else:
        page.get_by_label("Body weight").fill("77.7")
    page.evaluate("document.isTheSame = true")
    page.context.set_offline(True)
    with page.expect_event("requestfailed"):
        if is_asked:
            still_there.click()
        else:
            page.clock.fast_forward(int(IDLE_LOGOUT.total_seconds() * 1000 * 2 / 3))
    connect_again(page)
    with page.expect_response("**/still-here/") as answer:
        if is_asked:
            still_there.click()
        else:
            page.clock.fast_forward("00:06")
    assert answer.value.status == 204
    expect(still_there).to_be_hidden()
    assert page.evaluate("document.isTheSame === true")
