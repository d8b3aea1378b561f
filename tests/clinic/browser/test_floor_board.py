"""The floor board in a real browser: it renews itself, keeps focus, says when it is old; and leaving by keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.browser.conftest import STANDS_AT, connect_again, stand_from_the_start
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, picture, walk
from tests.clinic.conftest import PASSWORD, code_now
from tests.clinic.floor.busy import busy_floor
from tests.clinic.floor.making import person_with_plan, signed_version

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.leaving.actions import Given
from upturn_clinic.floor.leaving.actions import answer as answer_lines
from upturn_clinic.floor.leaving.queries import lines_in
from upturn_clinic.floor.measures import check
from upturn_clinic.floor.models import EmergencyStep, Reading, Session
from upturn_clinic.floor.queries import whole
from upturn_clinic.treatments.models import Plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MINUTE = timedelta(minutes=1)
SMALL = """[...document.querySelectorAll('main button, main .button, main article a, .row-list a, .ways label')]
  .filter(e => e.offsetParent && e.getBoundingClientRect().height < 43.5).map(e => e.outerHTML)"""


def in_room(name: str) -> Session:
    return Session.objects.get(room=name, left_at=None)


@pytest.fixture
def nurse(make_person: Callable[..., User], facility: Facility) -> User:
    return make_person("Nora", facility, Role.SESSION_NURSE)


@pytest.fixture
def plan(facility: Facility, colleague: User, as_owner: Actor) -> Plan:
    now = timezone.now()
    accounts.change_facility(
        facility=facility, version=1, values={"rooms": "Window\nGarden\nQuiet\nCorner"}, reason="four rooms",
        by=as_owner, at=now,
    )  # fmt: skip
    facility.refresh_from_db()
    by = Actor(colleague, facility, frozenset({Role.CLINICIAN}))
    version = signed_version("six-infusions", by, now)
    return person_with_plan(version, "ketamine", by, begins_at=now + 20 * MINUTE, at=now)


@pytest.fixture
def floor(plan: Plan, nurse: User) -> Plan:
    """Three open sessions, one of them late, one in an emergency; two that are over."""
    now = timezone.now()
    common: dict[str, Any] = {"now": now, "sessions": 1, "begun_min": 100}
    # In the window room nothing was read after 40 minutes: late.
    busy_floor(plan, nurse, **common, times=5)
    busy_floor(plan, nurse, **common, times=9, first_room=1)
    busy_floor(plan, nurse, **common, times=9, first_room=2, left=2)
    EmergencyStep(session=in_room("Garden"), at=now, noted_at=now, step="opened", by=nurse).save()
    Session.objects.filter(room="Quiet").update(may_leave_at=now - 2 * MINUTE)
    return plan


@pytest.mark.parametrize("look", [*LOOKS, "tablet"])
def test_the_board_has_no_fault(
    look: str, floor: Plan, facility: Facility, nurse: User, opened: Open, faults: Look
) -> None:
    for path, page in walk([(reverse("floor", args=[facility.slug]), nurse)], look, "board", opened):
        look_at(path, page, look, faults)
        assert page.evaluate(SMALL) == []
        expect(page.get_by_text("Emergency path is open:")).to_be_visible()
        expect(page.get_by_text("Late", exact=True).first).to_be_visible()


def test_the_board_renews_itself_and_keeps_focus(floor: Plan, facility: Facility, nurse: User, opened: Open) -> None:
    page = opened(reverse("floor", args=[facility.slug]), nurse)
    one, other = in_room("Garden"), in_room("Quiet")
    link = page.locator(f"#open-{one.pk}")
    link.focus()
    page.evaluate("document.activeElement.same = true")
    # Somebody else moves another one on, through an action, so that the trail has a row; both come into sight at once,
    # whenever the page asks by itself.
    at = timezone.now()
    with transaction.atomic():
        answer_lines(
            session=other, given={"discharge/walks": Given("yes")}, seen=[],
            by=Actor(nurse, facility, frozenset({Role.SESSION_NURSE})),
            at=at,
        )  # fmt: skip
        Session.objects.filter(pk=other.pk).update(left_at=at, left_how="ready")
    page.get_by_role("button", name="Renew now").focus()
    link.focus()
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator(f"#gone-{other.pk}")).to_be_visible()
    expect(page.locator(f"#open-{other.pk}")).to_have_count(0)
    # The same element, still under the focus: nothing was drawn anew that had not changed.
    assert page.evaluate("document.activeElement.id") == f"open-{one.pk}"
    assert page.evaluate("document.activeElement.same === true")


def test_a_lost_connection_is_said_and_so_is_its_return(
    floor: Plan, facility: Facility, nurse: User, opened: Open
) -> None:
    page = opened("/well/", nurse)
    # Nothing is on its way that could still be answered after the cut.
    stand_from_the_start(page, STANDS_AT)
    page.goto(page.url.replace("/well/", reverse("floor", args=[facility.slug])))
    page.context.set_offline(True)
    told = page.get_by_text("The connection is lost.")
    expect(told).to_be_visible()
    picture(page, "board-lost")
    # Who is there stays on the screen.
    expect(page.locator("article").first).to_be_visible()
    page.clock.resume()
    connect_again(page)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(told).to_have_count(0)


def test_a_log_out_is_said(floor: Plan, facility: Facility, nurse: User, opened: Open) -> None:
    page = opened(reverse("floor", args=[facility.slug]), nurse)
    page.context.clear_cookies()
    page.get_by_role("button", name="Renew now").click()
    expect(page.get_by_text("You are logged out.")).to_be_visible()


@pytest.mark.parametrize("look", [*LOOKS, "tablet"])
def test_the_pages_of_leaving_have_no_fault(
    look: str, floor: Plan, facility: Facility, nurse: User, colleague: User, opened: Open, faults: Look
) -> None:
    session = in_room("Quiet")
    names = ("leaving", "leave", "leave_against_advice", "decide_leaving", "take_home_sheet", "not_ready_to_leave",
             "ready_to_leave")  # fmt: skip
    paths = [(reverse(name, args=[facility.slug, session.pk]), colleague) for name in names]
    for path, page in walk(paths, look, "leaving", opened):
        look_at(path, page, look, faults)
        assert page.evaluate(SMALL) == [], path


def test_what_belongs_together_stands_on_one_line(
    floor: Plan, facility: Facility, colleague: User, opened: Open
) -> None:
    page = opened(reverse("leaving", args=[facility.slug, in_room("Window").pk]), colleague)
    acts = page.locator(".acts", has=page.get_by_role("link", name="Left against advice"))
    tops = acts.locator("a").evaluate_all("all => all.map((each) => each.getBoundingClientRect().top)")
    assert len(tops) == 3
    assert len(set(tops)) == 1
    # A circle stands at the height of its words.
    off = """all => all.map((each) => {
      const middle = (of) => { const box = of.getBoundingClientRect(); return box.top + box.height / 2; };
      return Math.abs(middle(each.querySelector("input")) - middle(each));
    })"""
    assert max(page.locator(".ways label").evaluate_all(off)) < 1


def test_leaving_by_the_list_with_the_keyboard(plan: Plan, facility: Facility, nurse: User, opened: Open) -> None:
    now = timezone.now()
    busy_floor(plan, nurse, now=now, sessions=1, times=0, begun_min=130)
    session = in_room("Window")
    for at, nominal in ((now - 140 * MINUTE, -15), (now - MINUTE, 120)):
        for name, value in {"SBP": 120, "DBP": 78, "SpO2": 98, "MOAA/S": 5, "CADSS": 0, "C-SSRS": 0}.items():
            Reading(session=session, at=at, noted_at=at, by=nurse, instrument=name, value=Decimal(value),
                    unit=check(name, Decimal(value)), nominal_min=nominal).save()  # fmt: skip
    page = opened(reverse("leaving", args=[facility.slug, session.pk]), nurse)
    for group in page.get_by_role("group").all():
        group.get_by_label("That is so").focus()
        page.keyboard.press("Space")
    page.locator("#id_escort").fill("Eva, a friend")
    page.get_by_role("button", name="Save the answers").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert [each.text for each in lines_in(whole(session), now=timezone.now()) if not each.is_met] == []
    expect(page.get_by_text("Every line is met.")).to_be_visible()
    page.get_by_role("link", name="Ready to leave").click()
    page.get_by_role("button", name="Say: ready to leave").click()
    expect(page.get_by_text("is ready to leave.")).to_be_visible()
    page.get_by_role("link", name="Leave", exact=True).click()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(code_now())
    page.get_by_role("button", name="Sign and leave").click()
    expect(page.get_by_role("heading", name="Going home")).to_be_visible()
    expect(page.get_by_text("Eva, a friend")).to_be_visible()
    session.refresh_from_db()
    assert session.left_how == "ready"
    assert session.may_leave_at is not None
    assert session.left_at is not None
    assert session.left_at >= session.may_leave_at
