"""A value that looks like a slip is asked about; one that cannot be is changed or discarded, never sent again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.clinic.browser.conftest import Hours
from tests.clinic.browser.session_page import cell, picture, type_in

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Reading, Session

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_what_looks_like_a_slip_is_asked_about(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    type_in(page, "n-15", SBP="12.4", DBP="19")
    asked = page.get_by_role("alert").filter(has_text="Is this right?")
    expect(asked).to_have_count(2)
    expect(cell(page, "n-15", "SBP")).to_contain_text("not saved yet")
    link = page.locator("[data-link]")
    expect(link).to_have_text("Connected. 2 entries were not taken: show them")
    picture(page, "asked-again")
    assert asked.get_by_role("button", name="Send it again").count() == 0
    # One was a slip: it goes back into its field. The other one is so.
    asked.filter(has_text="SBP").get_by_role("button", name="Change it").click()
    field = cell(page, "n-15", "SBP").locator("input")
    expect(field).to_have_value("12.4")
    expect(field).to_be_focused()
    field.fill("124")
    field.press("Enter")
    asked.get_by_role("button", name="It is right: enter it").click()
    expect(asked).to_have_count(0)
    expect(link).to_have_text("Connected. Everything is saved.")
    found = Reading.objects.filter(session=session).values_list("instrument", "value")
    assert {name: float(value) for name, value in found} == {"SBP": 124, "DBP": 19}


def test_what_cannot_be_is_changed_or_discarded(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    type_in(page, "n-15", SpO2="198")
    refused = page.get_by_role("alert").filter(has_text="SpO2 cannot have this value")
    expect(refused.get_by_role("button")).to_have_text(["Change it", "Discard it"])
    refused.get_by_role("button", name="Discard it").click()
    expect(refused).to_have_count(0)
    assert not Reading.objects.exists()
