"""In the browser: a forgotten password from the counter to the new one, and an erasure with what is left of it."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, SMALL_TARGETS, TOO_WIDE, Look, Open, picture
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.participants import actions
from upturn_clinic.participants.models import Participant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("look", list(LOOKS))
def test_a_forgotten_password_and_an_erasure(
    look: str, opened: Open, participant: Participant, as_clinician: Actor, colleague: User, faults: Look
) -> None:
    now, options = timezone.now(), LOOKS[look]
    letter = actions.invite(participant=participant, by=as_clinician, at=now)
    accounts.accept(invitation=letter, user=None, name=participant.pseudonym, password=PASSWORD, at=now)
    page = opened(reverse("participant", args=["main", participant.pk]), colleague, **options)

    def looked_at(name: str) -> None:
        picture(page, f"{look}-{name}")
        assert faults(page) == [], name
        assert page.evaluate(TOO_WIDE) <= 0, name
        assert page.evaluate(SMALL_TARGETS) == [], name

    page.get_by_role("link", name="Forgotten password").click()
    expect(page.get_by_role("button", name="Make the link")).to_be_visible()
    looked_at("password-asked")
    page.get_by_role("button", name="Make the link").click()
    shown(page, "/new-password/")
    link = page.locator(".link").inner_text()
    looked_at("password-link")
    theirs = opened(link[link.index("/new-password/") :], None, **options)
    theirs.get_by_label("Password", exact=True).fill("seven loud geese at dawn")
    theirs.get_by_label("Password, once more").fill("seven loud geese at dawn")
    picture(theirs, f"{look}-password-new")
    assert faults(theirs) == []
    theirs.get_by_role("button", name="Set the password").click()
    shown(theirs, "The new password holds")

    actions.withdraw(participant=participant, version=participant.version, reason="left", by=as_clinician, at=now)
    page.goto(page.url.replace("password/", ""))
    page.get_by_role("link", name="Erase who it is").click()
    expect(page.get_by_label("The participant's pseudonym")).to_be_visible()
    looked_at("erase")
    page.get_by_label("Reason").fill("They asked us to; nothing obliges us to keep it.")
    page.get_by_label("The participant's pseudonym").fill(participant.pseudonym)
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(code_now())
    page.get_by_role("button", name="Sign and erase for good").click()
    shown(page, "Who it was is erased")
    assert "Byron" not in page.content()
    looked_at("erased")
    page.get_by_role("link", name="What was written").click()
    shown(page, "nothing obliges us to keep it")
    assert "Byron" not in page.content()
    looked_at("erased-trail")
