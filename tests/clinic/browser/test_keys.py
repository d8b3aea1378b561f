"""Open sessions and a lost code app, in a real browser: by keys alone, on each kind of screen."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.urls import reverse
from playwright.sync_api import expect
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, walk
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts.models import Facility, User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("look", list(LOOKS))
def test_pages_about_keys(
    look: str, opened: Open, faults: Look, facility: Facility, owner: User, colleague: User
) -> None:
    other = opened(reverse("me"), owner)
    pages = [
        (reverse("my_sessions"), owner),
        (reverse("end_sessions", args=["main", colleague.pk]), owner),
        (reverse("reset_code_app", args=["main", colleague.pk]), owner),
        (reverse("people", args=["main"]), owner),
        (reverse("me"), owner),
        (reverse("account_reset_password_done"), None),
    ]
    for path, page in walk(pages, look, "keys", opened):
        look_at(path, page, look, faults)
    other.context.close()


def test_somebody_logs_out_elsewhere_by_keys(opened: Open, facility: Facility, owner: User) -> None:
    other = opened(reverse("me"), owner)
    page = opened(reverse("my_sessions"), owner)
    page.get_by_label("all but this one").focus()
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(code_now())
    page.keyboard.press("Enter")
    expect(page.get_by_text("Logged out there.")).to_be_visible()
    expect(page.get_by_text("You are logged in nowhere else.")).to_be_visible()
    other.reload()
    expect(other.locator("h1")).to_have_text("Log in")


def test_an_administrator_resets_a_lost_code_app_by_keys(
    opened: Open, facility: Facility, owner: User, colleague: User
) -> None:
    page = opened(reverse("people", args=["main"]), owner)
    page.get_by_role("link", name="Reset a lost code app of Colleague").focus()
    page.keyboard.press("Enter")
    page.get_by_label("How you made sure who it is").focus()
    for typed in ("She stood before me with her passport.", "The phone is lost.", PASSWORD, code_now()):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The code app of Colleague is reset.")).to_be_visible()
    assert not Authenticator.objects.filter(user=colleague).exists()


def test_a_search_by_name_leads_back_and_stands_in_no_address(
    opened: Open, facility: Facility, colleague: User
) -> None:
    page = opened(reverse("participants", args=["main"]), colleague)
    for name in ("byron", "hopper"):
        before = page.url
        page.get_by_label("Pseudonym or name").fill(name)
        page.keyboard.press("Enter")
        expect(page).not_to_have_url(before)
        expect(page).to_have_url(re.compile("found="))
        expect(page.get_by_role("link", name="Show all")).to_be_visible()
        expect(page.get_by_label("Pseudonym or name")).to_have_value(name)
        page.wait_for_load_state()
        assert name not in page.url
    page.go_back()
    expect(page.get_by_label("Pseudonym or name")).to_have_value("byron")
