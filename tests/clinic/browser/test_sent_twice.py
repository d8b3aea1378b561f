"""An answer that never came: what was typed comes back with its key, and is not written a second time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Error, Route, expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import Open

from upturn_clinic.accounts.models import User
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
