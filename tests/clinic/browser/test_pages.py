"""Every page as a person meets it: no fault that axe-core knows, no page too wide, targets large enough."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.assessments.test_own import account_of
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, picture, walk
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, Invitation, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.participants.models import Participant

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

DRAFTS = "Object.keys(sessionStorage).filter(key => key.startsWith('draft:'))"


def of_participants(person: Participant) -> list[tuple[str, list[object]]]:
    """The pages about participants, in screening and consent."""
    criterion = person.results.get().criterion
    return [
        ("participants", []),
        ("register_participant", []),
        ("participant", [person.pk]),
        ("participant_trail", [person.pk]),
        ("correct_identity", [person.pk]),
        ("assess_criterion", [person.pk, criterion]),
        ("override_criterion", [person.pk, criterion]),
        ("record_trial", [person.pk]),
        ("change_trial", [person.pk, person.trials.get().pk]),
        ("record_measure", [person.pk]),
        ("strike_measure", [person.pk, person.measures.get().pk]),
        ("record_consent", [person.pk]),
        ("withdraw_consent", [person.pk, person.consents.get().pk]),
        ("conclude_screening", [person.pk]),
        ("enrol", [person.pk]),
        ("move_to_version", [person.pk]),
        ("withdraw_participant", [person.pk]),
        ("unblind", [person.pk]),
        ("invite_participant", [person.pk]),
        ("offer_new_password", [person.pk]),
        ("erase_identity", [person.pk]),
        ("record_weight", [person.pk]),
        ("enrolment_set_up", []),
        ("consent_document", [person.consents.get().document_id]),
        ("publish_consent_document", [person.programme_id]),
        ("set_up_randomisation", [person.programme_id]),
    ]


@pytest.fixture
def pages(
    facility: Facility, owner: User, colleague: User, as_owner: Actor, make_person: Callable[..., User],
    participant: Participant,
) -> list[tuple[str, User | None]]:  # fmt: skip
    """Every page with something on it, and who looks."""
    now = timezone.now()
    somebody = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    newcomer = make_person("Newcomer", facility, Role.RATER, code_app=False)
    letter = actions.invite(email="new@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    clinician = Actor(colleague, facility, frozenset({Role.CLINICIAN}))
    earlier = now - timedelta(hours=5)  # ended, so that it can be reviewed
    access = actions.open_emergency_access(
        facility=facility,
        reason="A participant collapsed in the hall.",
        proof=Proof(colleague, earlier),
        by=clinician,
        at=earlier,
    )
    actions.change_facility(
        facility=facility, version=1, values={"country": "GB", "crisis_help": ""}, reason="so that help is shown",
        by=as_owner, at=now,
    )  # fmt: skip
    here = facility.slug
    return [
        (reverse("account_login"), None),
        (reverse("account_reset_password"), None),
        (reverse("account_signup"), None),
        (reverse("facility", args=[here]), owner),
        (reverse("facility", args=[here]), colleague),
        (reverse("own", args=[here]), account_of(participant, facility, make_person)),
        (reverse("people", args=[here]), owner),
        (reverse("invite", args=[here]), owner),
        (reverse("change_facility", args=[here]), owner),
        (reverse("withdraw_invitation", args=[here, letter.pk]), owner),
        (reverse("give_role", args=[here, colleague.pk]), owner),
        (reverse("end_role", args=[here, colleague.memberships.get().pk]), owner),
        (reverse("end_sessions", args=[here, colleague.pk]), owner),
        (reverse("reset_code_app", args=[here, colleague.pk]), owner),
        (reverse("my_sessions"), owner),
        (reverse("trail", args=[here]), owner),
        (reverse("history", args=[here, "accounts.Facility", facility.pk]), owner),
        (reverse("emergencies", args=[here]), owner),
        (reverse("review_emergency_access", args=[here, access.pk]), owner),
        (reverse("open_emergency_access"), colleague),
        (reverse("me"), colleague),
        (reverse("mfa_index"), colleague),
        (reverse("mfa_activate_totp"), newcomer),
        *((reverse(name, args=[here, *rest]), colleague) for name, rest in of_participants(participant)),
        ("/no/such/page/", owner),
        (reverse("people", args=[here]), somebody),
    ]


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page(look: str, pages: list[tuple[str, User | None]], opened: Open, faults: Look) -> None:
    for path, page in walk(pages, look, "page", opened):
        assert "decisions belong to the treating clinician" in page.locator("footer").inner_text(), path
        look_at(path, page, look, faults)


def test_a_new_colleague_from_letter_to_work(opened: Open, facility: Facility, owner: User, faults: Look) -> None:
    """Invite, accept, log in, set up a code app, keep the recovery codes, work."""
    page = opened(reverse("invite", args=["main"]), owner)
    page.get_by_label("Email address").fill("new@example.org")
    page.get_by_label("Session nurse").check()
    page.get_by_role("button", name="Invite").click()
    shown(page, "An email with a link is on its way")
    link = next(word for word in str(mail.outbox[-1].body).split() if "/invitation/" in word)
    page.wait_for_load_state()
    picture(page, "flow-invited")
    assert faults(page) == []

    page = opened("/")
    page.goto(link)
    picture(page, "flow-accept")
    assert faults(page) == []
    page.get_by_label("Your full name").fill("Nina Nurse")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Accept").click()
    page.get_by_label("Email").fill("new@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("button", name="Confirm")).to_be_visible()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    expect(page.locator("h1")).to_have_text("Set up a code app")
    page.wait_for_load_state()
    picture(page, "flow-code-app")
    assert faults(page) == []
    secret = page.locator("p .link").inner_text()
    page.get_by_label("code").fill(code_now(secret=secret))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.wait_for_load_state()
    picture(page, "flow-recovery-codes")
    assert faults(page) == []
    page.get_by_role("link", name="I have kept them").click()
    expect(page.locator("h1")).to_have_text("Main clinic")
    page.get_by_role("link", name="People").first.click()
    shown(page, "Nina Nurse")
    assert Invitation.objects.get().accepted_at is not None


def test_what_is_half_typed_survives_an_idle_log_out(opened: Open, facility: Facility, owner: User) -> None:
    path = reverse("invite", args=["main"])
    page = opened(path, owner)
    page.get_by_label("Email address").fill("half@exam")
    page.get_by_label("Rater").check()
    page.context.clear_cookies()
    page.reload()
    expect(page.locator("h1")).to_have_text("Log in")
    page.get_by_label("Email").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("code").fill(code_now())
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(f"{path}$"))
    expect(page.get_by_label("Email address")).to_have_value("half@exam")
    expect(page.get_by_label("Rater")).to_be_checked()
    shown(page, "What you typed here before is back")
    picture(page, "flow-draft")
    # Sent and confirmed: the draft is gone.
    page.get_by_label("Email address").fill("whole@example.org")
    page.get_by_role("button", name="Invite").click()
    shown(page, "whole@example.org is invited")
    page.goto(page.url)
    assert page.get_by_label("Email address").input_value() == ""


def test_a_form_sent_after_the_log_out_loses_nothing(opened: Open, facility: Facility, owner: User) -> None:
    page = opened(reverse("change_facility", args=["main"]), owner)
    site = page.url.split("/at/")[0]
    page.get_by_label("Reason for the change").fill("we moved to the harbour")
    page.get_by_label("Crisis help shown to participants").fill("Our nurse: 555 0100")
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    # Where nobody is logged in, a form leads to the log-in, or is refused for its token.
    expect(page.get_by_label("Reason for the change")).to_have_count(0)
    page.wait_for_load_state()
    page.goto(f"{site}/log-in/?next={reverse('change_facility', args=['main'])}")
    page.get_by_label("Email").fill(owner.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("code").fill(code_now())
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_label("Crisis help shown to participants")).to_have_value("Our nurse: 555 0100")
    page.get_by_role("button", name="Save").click()
    shown(page, "Saved.")
    assert page.evaluate(DRAFTS) == []


def test_logging_out_on_purpose_clears_drafts_and_passwords_are_never_kept(
    opened: Open, facility: Facility, colleague: User
) -> None:
    page = opened(reverse("open_emergency_access"), colleague)
    page.get_by_label("Reason").fill("somebody fell")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill("123456")
    kept = page.evaluate("JSON.stringify(sessionStorage)")
    assert "somebody fell" in kept
    assert PASSWORD not in kept
    assert "123456" not in kept
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("h1")).to_have_text("Log in")
    page.wait_for_load_state()
    assert page.evaluate(DRAFTS) == []


def test_who_opened_records_in_an_emergency_ends_it_with_one_press(
    opened: Open, facility: Facility, elsewhere: Facility, make_person: Callable[..., User], faults: Look
) -> None:
    nurse = make_person("Nurse", elsewhere, Role.SESSION_NURSE)
    now = timezone.now()
    actions.open_emergency_access(
        facility=facility, reason="A participant collapsed in the hall.", proof=Proof(nurse, now),
        by=Actor(nurse, facility, frozenset()), at=now,
    )  # fmt: skip
    page = opened(reverse("participants", args=[facility.slug]), nurse, **LOOKS["phone"])
    end = page.get_by_role("button", name="End it now")
    look_at("a page in an emergency", page, "phone", faults)
    picture(page, "flow-emergency-access")
    end.click()
    shown(page, "has ended.")
    expect(end).to_have_count(0)
    picture(page, "flow-emergency-access-ended")
    page.goto(page.url.replace(reverse("me"), reverse("participants", args=[facility.slug])))
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page.")


def test_the_second_editor_sees_what_changed_and_keeps_what_they_typed(
    opened: Open, facility: Facility, owner: User, as_owner: Actor, faults: Look
) -> None:
    page = opened(reverse("change_facility", args=["main"]), owner)
    actions.change_facility(
        facility=facility, version=1, values={"name": "First"}, reason="was first", by=as_owner, at=timezone.now()
    )
    page.get_by_label("Country").fill("DK")
    page.get_by_label("Reason for the change").fill("we are in Denmark")
    page.get_by_role("button", name="Save").click()
    told = page.locator(".box.bad")
    expect(told).to_contain_text("Nothing was overwritten")
    expect(told).to_contain_text("Owner changed the facility (Name)")
    expect(page.get_by_label("Country")).to_have_value("DK")
    # The field that only the other one touched shows their value: a second save takes nothing back.
    expect(page.get_by_label("Name")).to_have_value("First")
    page.wait_for_load_state()
    picture(page, "flow-conflict")
    assert faults(page) == []
    page.get_by_role("button", name="Save").click()
    shown(page, "Saved.")
    facility.refresh_from_db()
    assert (facility.name, facility.country, facility.version) == ("First", "DK", 3)


def test_the_keyboard_alone_reaches_the_content_first(opened: Open, facility: Facility, owner: User) -> None:
    page = opened(reverse("people", args=["main"]), owner)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
