# ruff: noqa: F811  (fixtures are taken by their names)
"""A really busy database under a session that is open in a browser: what was typed waits there and is sent later."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect
from tests.clinic.browser.conftest import Hours
from tests.clinic.browser.looking import Look, Open
from tests.clinic.browser.session_page import MINUTE, all_sent, picture, type_in
from tests.clinic.browser.test_ratings import PHONE, link_for
from tests.clinic.other_writer import OtherWriter, other_writer  # noqa: F401  (fixture)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.treatments.models import Plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_an_entry_waits_in_the_browser_until_the_database_takes_it(
    session: Session, nurse: Actor, other_writer: OtherWriter, hours: Hours
) -> None:
    page = hours.open(session, nurse)
    with other_writer.at_work():
        type_in(page, "n-15", SBP="122")
        expect(page.locator("[data-link]")).to_contain_text("The server cannot take entries now. 1 entry waits here")
        hours.settled()
        assert page.get_by_role("alert").filter(has_text="Refused").count() == 0
        picture(page, "busy-database")
        assert not Reading.objects.exists()
    hours.jump(hours.at + MINUTE)
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 1


def test_what_a_form_is_answered_can_be_read(
    infusions: Plan, clinician: Actor, other_writer: OtherWriter, opened: Open, faults: Look
) -> None:
    """Without a script of ours between form and server: for a participant on a phone, and for staff."""
    link = opened(link_for(infusions.participant, clinician, "PHQ-9"), **PHONE)
    link.locator('.question[data-item="9"]').get_by_text("Nearly every day").click()
    staff = opened(reverse("arrive", args=["main", infusions.doses.get(number=1).pk]), clinician.user)
    with other_writer.at_work():
        for page, name, title in (
            (link, "busy-self", "Your answers could not be saved just now"),
            (staff, "busy-form", "Please try again in a moment"),
        ):
            page.evaluate("document.querySelector('main form').submit()")
            expect(page.get_by_role("heading", level=1)).to_have_text(title)
            picture(page, name)
            assert faults(page) == [], name
            assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert "not been told yet" in link.locator("main").inner_text()
