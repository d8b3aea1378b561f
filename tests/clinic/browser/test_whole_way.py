"""The whole way of a programme's beginning, by clicks and keys alone: from an invitation to somebody's plan.

Nothing is made behind the browser's back but the facility and its first administrator.
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import Look, Open, picture
from tests.clinic.conftest import PASSWORD, code_now
from tests.clinic.participants.making import madrs

from upturn.protocol import digest, load
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.treatments.models import Dose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


PROTOCOL = "six-infusions"
MEASURES = {"weight": "80.5", "SBP": "125", "DBP": "80"}


def told(page: Page) -> str:
    return page.locator("main").inner_text()


def section(page: Page, name: str) -> None:
    page.locator("nav.sections").get_by_role("link", name=name).click()


def press(page: Page, button: str) -> None:
    page.locator("main").get_by_role("button", name=button).click()


def signed_up(page: Page, owner: User, opened: Open) -> tuple[Page, str]:
    """Invite a clinician, who accepts, logs in and sets up a code app; give their page and the app's secret."""
    section(page, "People")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Email address").fill("clara@example.org")
    page.get_by_label("Clinician").check()
    press(page, "Invite")
    shown(page, "An email with a link is on its way")
    link = next(word for word in str(mail.outbox[-1].body).split() if "/invitation/" in word)
    page = opened("/")
    page.goto(link)
    page.get_by_label("Your full name").fill("Clara Clinician")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    press(page, "Accept")
    page.get_by_label("Email").fill("clara@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Confirm")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    shown(page, "Set up a code app")
    secret = page.locator("p .link").inner_text()
    page.get_by_label("code").fill(code_now(secret=secret))
    press(page, "Switch it on")
    page.get_by_role("link", name="I have kept them").click()
    return page, secret


def in_force(page: Page, secret: str) -> None:
    """Begin a programme, give it a protocol, read it, sign it; the signature by keys alone."""
    section(page, "Programmes")
    page.get_by_role("link", name="Begin a programme").click()
    page.get_by_label("Name").fill("Infusions")
    page.keyboard.press("Tab")
    page.keyboard.type("For low mood that did not lift.")
    press(page, "Begin")
    page.get_by_label("A protocol that comes with upturn").select_option(PROTOCOL)
    press(page, "Check and add")
    shown(page, digest(load(PROTOCOL)))
    page.get_by_role("link", name="Sign it into force").click()
    page.get_by_label("I take on none of them").focus()
    page.keyboard.press("Space")
    page.get_by_label("Your password").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    page.keyboard.type(code_now(secret=secret))
    page.keyboard.press("Enter")
    shown(page, "In force since")
    picture(page, "whole-way-in-force")


def screened(page: Page) -> None:
    """Publish what people consent to, register somebody, and record everything that the protocol asks for."""
    section(page, "Enrolment")
    page.get_by_role("link", name="Write the consent document").click()
    page.get_by_label("Title").fill("What taking part means")
    page.get_by_label("Text").fill("You can stop at any time.")
    page.locator("main form button").click()
    shown(page, "The document is in use.")
    section(page, "Participants")
    page.get_by_role("link", name="Begin a screening").click()
    page.get_by_label("Full name").fill("Ada Byron")
    page.get_by_label("Date of birth").fill("1980-02-29")
    page.get_by_label("female", exact=True).check()
    press(page, "Begin")
    shown(page, "From here on the pseudonym stands for the person.")
    for drug in ("sertraline", "venlafaxine"):
        page.get_by_role("link", name="Add an earlier treatment").click()
        page.get_by_label("Drug").fill(drug)
        page.get_by_label("Highest dose").fill("150 mg a day")
        page.get_by_label("Weeks at that dose").fill("8")
        page.get_by_label("Adherence").select_option("good")
        page.get_by_label("Outcome").select_option("no response")
        page.get_by_label("In the current episode").check()
        page.get_by_label("Adequate in dose and duration").check()
        page.get_by_label("Where this comes from").fill("letter of the general practitioner")
        press(page, "Save")
    shown(page, "2 adequate trials without response")
    for instrument, value in MEASURES.items():
        page.get_by_role("link", name="Add a measure").click()
        page.get_by_label("What was measured").select_option(instrument)
        page.get_by_label("What was measured").focus()
        page.keyboard.press("Tab")
        page.keyboard.type(value)
        page.keyboard.press("Enter")
        page.get_by_role("link", name=f"Strike out {instrument}").wait_for()
    # A scale that asks about suicide is rated answer by answer, also before enrolment.
    page.get_by_role("link", name="Add a measure").click()
    page.get_by_role("link", name="Enter a rating").click()
    page.get_by_role("link", name="MADRS").first.click()
    # What is clicked by force moves no more.
    shown(page, "Save the rating")
    for item, score in madrs(33).items():
        page.locator(f"input[name=item_{item}][value='{score}']").check(force=True)
    press(page, "Save the rating")
    shown(page, "MADRS is saved.")
    answered(page)


def answered(page: Page) -> None:
    """Answer every criterion, one after the other."""
    pseudonym = re.compile(r"^\w{3}-\w{3}$")
    page.get_by_role("navigation", name="You are here").get_by_role("link", name=pseudonym).click()
    expect(page.get_by_role("link", name="Record consent")).to_be_visible()
    page.wait_for_load_state()
    unanswered = page.get_by_role("link", name="Answer ", exact=False).filter(has_not_text="again")
    criteria = unanswered.count()
    assert criteria > 5
    for left in range(criteria, 0, -1):
        expect(unanswered).to_have_count(left)
        unanswered.first.click()
        page.get_by_label("No, this is not the case").check()
        page.get_by_label("What you saw or were told").fill("asked and examined")
        page.get_by_label("From where").select_option("interview")
        press(page, "Save")
    expect(page.get_by_role("link", name="Answer again")).to_have_count(criteria)
    picture(page, "whole-way-screened")


def enrolled(page: Page) -> None:
    """Record consent, conclude the screening, enrol."""
    page.get_by_role("link", name="Record consent").click()
    page.get_by_label("This person can decide").check()
    press(page, "Record")
    shown(page, "Every criterion is answered and none stops")
    page.get_by_role("link", name="Conclude the screening").click()
    press(page, "Conclude")
    page.get_by_role("link", name="Enrol", exact=True).click()
    page.get_by_label("ketamine:").check()
    press(page, "Enrol")
    shown(page, "is enrolled.")


def test_from_an_invitation_to_a_plan(opened: Open, facility: Facility, owner: User, faults: Look) -> None:
    page, secret = signed_up(opened(reverse("facility", args=["main"]), owner), owner, opened)
    in_force(page, secret)
    screened(page)
    enrolled(page)
    page.get_by_role("link", name="Visits and doses").click()
    page.get_by_role("link", name="Make the plan").click()
    first = timezone.now().astimezone(facility.zone) + timedelta(days=2)
    page.get_by_label("First dose").fill(f"{first:%Y-%m-%d}T09:30")
    page.keyboard.press("Enter")
    shown(page, "The plan is made.")
    picture(page, "whole-way-plan")
    assert faults(page) == []
    person = Participant.objects.get()
    expect(page.locator("h1")).to_have_text(f"Plan of {person.pseudonym}")
    shown(page, f"{first:%a} {first.day} {first:%b}")
    # The rows on screen are the protocol's: its doses by name, and the amount for the weight that was typed.
    doses = [each for each in Dose.objects.all() if each.origin == Dose.Origin.PROTOCOL]
    assert doses
    for dose in doses:
        assert page.get_by_role("link", name=re.compile(rf"Session ?of Dose {dose.number}\b")).count() == 1
    assert told(page).count("40.3 mg") == len(doses)
    section(page, "Upcoming")
    page.get_by_role("link", name="Next seven days").click()
    expect(page.locator("tbody").get_by_role("link", name=person.pseudonym).first).to_be_visible()
    version = ProtocolVersion.objects.get()
    assert (version.state, version.digest) == (ProtocolVersion.State.IN_FORCE, digest(load(PROTOCOL)))
