"""A session in real browsers, at simulated time: two nurses on one session, a cut connection, a log-out in between.

The server has one clock, ``django.utils.timezone.now``; a test replaces it, and the browsers' clocks go with it. So
nothing in the product knows of a speed, and there is no switch that somebody could leave on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from tests.clinic.browser.conftest import Hours, connect_again
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, walk
from tests.clinic.browser.session_page import MINUTE, all_sent, cell, picture, type_in
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Administration, Filling, Reading, Session
from upturn_clinic.treatments.models import Dose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def checklist(page: Page) -> None:
    """Answer every line with “that is so”, one after the other, as its turn comes."""
    lines = page.locator("[data-line]:has(.line-acts button)")
    keys = [each.get_attribute("data-line") for each in lines.all()]
    assert keys
    for key in keys:
        line = page.locator(f'[data-line="{key}"]')
        line.get_by_role("button", name="That is so", exact=True).click()
        expect(line).to_have_class("open")


def counted(session: Session, **of: object) -> list[str]:
    found = Reading.objects.filter(session=session, **of).order_by("at", "noted_at")
    return [f"{each.value.normalize():f}" for each in found]


def test_a_whole_infusion_by_two_nurses_at_once_with_a_cut_connection(  # noqa: PLR0915
    session: Session, nurse: Actor, other_nurse: Actor, hours: Hours, faults: Callable[[Page], list[str]]
) -> None:
    nora = hours.open(session, nurse)
    # A tablet whose clock is seven minutes ahead.
    omar = hours.open(session, other_nurse, device_ahead=7 * MINUTE, width=820, height=1180, has_touch=True)
    picture(nora, "1-arriving")
    hours.go(ARRIVAL + 5 * MINUTE)
    type_in(omar, "n-15", SBP="146", DBP="86", HR="72", SpO2="98")
    # Nora has not seen that yet and enters the same cell.
    type_in(nora, "n-15", SBP="126")
    told = nora.get_by_role("alert").filter(has_text="Omar entered 146 mmHg")
    expect(told).to_be_visible()
    told.get_by_role("button", name="I have read it").click()
    expect(cell(nora, "n-15", "SBP").locator("button.disputed")).to_have_count(2)
    hours.go(hours.at + timedelta(seconds=11))
    expect(cell(omar, "n-15", "SBP")).to_contain_text("Two values")
    picture(omar, "2-two-values")
    # While the two differ, the gate is closed: the protocol's own words stand on both pages.
    for page in (nora, omar):
        expect(page.locator('.gate[data-gate="gates/blood-pressure-before"]')).to_contain_text("SBP 146 mmHg")
    cell(omar, "n-15", "SBP").get_by_role("button", name="SBP 146").click()
    omar.locator("#correct-reason").fill("the person was talking")
    omar.get_by_role("button", name="Save", exact=True).click()
    expect(cell(omar, "n-15", "SBP").locator("button.value")).to_have_count(1)
    type_in(omar, "n-15", weight="80.5", CADSS="0", MOAAS="5", CSSRS="0")
    all_sent(omar)
    hours.go(hours.at + timedelta(seconds=11))
    expect(nora.locator(".gate")).to_have_count(0)
    checklist(nora)
    nora.get_by_label("Who took part").fill("Nora and Omar")
    nora.get_by_role("button", name="The time-out is done").click()
    expect(nora.locator("[data-part=head]")).to_contain_text("Ready for the dose")
    hours.go(FIRST - 4 * MINUTE)
    nora.get_by_label("Volume in syringe or bag").fill("50")
    nora.get_by_role("button", name="Enter the volume").click()
    expect(nora.locator("#start-rate")).to_have_value("75")
    hours.go(FIRST)
    nora.get_by_role("button", name="Start the infusion").click()
    expect(nora.locator("[data-part=head]")).to_contain_text("Dosing")
    assert hours.faults(nora, faults) == []
    hours.go(FIRST + 10 * MINUTE)
    type_in(omar, "n10", SBP="128", DBP="80", HR="75", SpO2="98", MOAAS="5")
    all_sent(omar)
    hours.go(hours.at + timedelta(seconds=11))
    expect(cell(nora, "n10", "SBP")).to_contain_text("128")
    # A side effect, by keyboard alone.
    nora.keyboard.press("F4")
    nora.keyboard.type("dissociation")
    nora.keyboard.press("Tab")
    # How strong it is nobody has said yet.
    expect(nora.get_by_label("How strong")).to_have_value("")
    nora.keyboard.type("mild")
    nora.keyboard.press("Tab")
    nora.keyboard.press("Enter")
    expect(nora.locator("[data-part=effects]")).to_contain_text("dissociation, mild")
    # Omar's connection is cut for thirteen minutes.
    omar.context.set_offline(True)
    hours.go(FIRST + 20 * MINUTE)
    type_in(omar, "n20", SBP="134", DBP="84", HR="78", SpO2="97", MOAAS="5")
    expect(omar.locator("[data-link]")).to_contain_text("No connection since")
    expect(omar.locator("[data-link]")).to_contain_text("5 entries wait here")
    expect(cell(omar, "n20", "SBP")).to_contain_text("waiting")
    picture(omar, "3-cut")
    type_in(nora, "n20", HR="79")
    all_sent(nora)
    hours.go(FIRST + 21 * MINUTE)
    omar.get_by_role("button", name="Pause", exact=True).click()
    expect(omar.locator("[data-link]")).to_contain_text("6 entries wait here")
    hours.go(FIRST + 22 * MINUTE)
    omar.locator("form[data-entry=resume]").get_by_role("button").click()
    # The tab is closed and opened again: what waits is still there.
    assert Reading.objects.filter(nominal_min=20).count() == 1
    address = omar.url
    hours.pages.remove(omar)
    omar.close()
    hours.go(FIRST + 24 * MINUTE)
    context = omar.context
    context.set_offline(False)
    omar = context.new_page()
    omar.goto(address)
    hours.pages.append(omar)
    all_sent(omar)
    assert counted(session, nominal_min=20, instrument="SBP") == ["134"]
    assert sorted(counted(session, nominal_min=20, instrument="HR")) == ["78", "79"]
    late = Reading.objects.get(nominal_min=20, instrument="SBP")
    # When it was read, by the corrected clock; when it was taken in; and what the tablet's clock said.
    assert abs(late.at - (FIRST + 20 * MINUTE)) < MINUTE
    assert late.noted_at >= FIRST + 24 * MINUTE - timedelta(seconds=1)
    assert late.device_at is not None
    assert abs(late.device_at - late.at - 7 * MINUTE) < MINUTE
    assert list(Administration.objects.order_by("at").values_list("kind", flat=True)) == ["start", "pause", "resume"]
    expect(cell(omar, "n20", "HR").locator("button.disputed")).to_have_count(2)
    cell(omar, "n20", "HR").get_by_role("button", name="HR 78").click()
    omar.locator("#correct-reason").fill("Nora was nearer")
    omar.get_by_role("button", name="Save", exact=True).click()
    expect(cell(omar, "n20", "HR").locator("button.value")).to_have_count(1)
    hours.go(FIRST + 30 * MINUTE)
    # A threshold during the dose: the protocol's line, its source, what it asks; and what was done is written down.
    type_in(omar, "n30", SBP="172", DBP="96", HR="84", SpO2="97", MOAAS="4")
    gate = omar.locator('.gate[data-gate="gates/blood-pressure-closer"]')
    expect(gate).to_contain_text("Measure every five minutes and tell a clinician.")
    expect(gate).to_contain_text("SBP 172 mmHg is at least 160")
    picture(omar, "4-threshold")
    gate.get_by_label("Why, and who was told").fill("Dr Colleague is at the chair")
    gate.get_by_label("What", exact=True).select_option("measure more often")
    gate.get_by_role("button", name="Write down", exact=True).click()
    expect(gate).to_contain_text("Measure more often")
    expect(omar.locator("[data-part=now]")).to_contain_text("SBP, DBP again (closer readings)")
    hours.go(FIRST + 40 * MINUTE)
    type_in(nora, "n40", SBP="140", DBP="84", HR="80", SpO2="98", CADSS="21", MOAAS="4")
    hours.go(FIRST + 41 * MINUTE)
    all_sent(nora)
    nora.get_by_role("button", name="Stop: the dose has ended").click()
    expect(nora.locator("[data-part=head]")).to_contain_text("Observing")
    expect(nora.get_by_role("link", name="Leaving")).to_be_visible()
    dose = Dose.objects.get(pk=session.dose_id)
    # One minute of rest, 40 minutes at 75 ml/h: all of 50 ml.
    assert dose.state == "given"
    # To a second or two: the pause was timed by the tablet.
    assert abs((dose.given_mg or 0) - Decimal("40.2")) < Decimal("0.1")
    for minute, more in ((60, {}), (90, {"CADSS": "4"}), (120, {"CADSS": "0", "CSSRS": "0"})):
        hours.go(FIRST + minute * MINUTE)
        type_in(nora, f"n{minute}", SBP="124", DBP="78", HR="70", SpO2="98", MOAAS="5", **more)
        all_sent(nora)
    hours.go(hours.at + timedelta(seconds=11))
    for page in (nora, omar):
        expect(cell(page, "n120", "C-SSRS")).to_contain_text("0")
    picture(nora, "5-observed")
    # No lost row and none twice: what was typed is what is there.
    counts = [Reading.objects.filter(session=session, nominal_min=minute).count()
              for minute in (-15, 10, 20, 30, 40, 60, 90, 120)]  # fmt: skip
    assert counts == [9, 5, 6, 5, 6, 5, 6, 7]
    assert Reading.objects.filter(session=session).exclude(struck_at=None).count() == 2
    assert hours.faults(nora, faults) == []
    assert nora.evaluate("Object.keys(localStorage).filter(key => key.startsWith('waiting:')).length") == 0


def test_a_whole_nasal_session_by_two_nurses_at_once(
    clinician: Actor, nurse: Actor, other_nurse: Actor, hours: Hours
) -> None:
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    nora, omar = hours.open(session, nurse), hours.open(session, other_nurse, width=390, height=844, has_touch=True)
    checklist(omar)
    hours.go(ARRIVAL + 10 * MINUTE)
    type_in(nora, "n-15", SBP="122", DBP="78", HR="70", SpO2="98", weight="80.5", CADSS="0", MOAAS="5", CSSRS="0")
    all_sent(nora)
    nora.get_by_label("Who took part").fill("Nora, Omar")
    nora.get_by_role("button", name="The time-out is done").click()
    hours.go(FIRST)
    nora.get_by_role("button", name="Device 1 is used now").click()
    expect(nora.locator("[data-part=giving]")).to_contain_text("Device 1 – used")
    hours.go(FIRST + 3 * MINUTE)
    expect(omar.locator("[data-part=giving]")).to_contain_text("Device 1 – used")
    # The other nurse is too soon: refused in the protocol's words, and told on the page.
    omar.get_by_role("button", name="Device 2 is used now").click()
    refused = omar.get_by_role("alert").filter(has_text="5 minutes between devices")
    expect(refused).to_be_visible()
    picture(omar, "6-too-soon")
    refused.get_by_role("button", name="I have read it").click()
    hours.go(FIRST + 5 * MINUTE)
    omar.get_by_role("button", name="Device 2 is used now").click()
    expect(omar.locator("[data-part=head]")).to_contain_text("Observing")
    dose = Dose.objects.get(pk=session.dose_id)
    assert (dose.given_mg, dose.duration_min) == (Decimal(56), Decimal(5))
    for minute in (40, 60, 90, 120):
        hours.go(FIRST + minute * MINUTE)
        type_in(nora, f"n{minute}", SBP="130", DBP="80")
        type_in(omar, f"n{minute}", HR="70", SpO2="98", MOAAS="5")
        if minute != 60:
            type_in(omar, f"n{minute}", CADSS="3")
        all_sent(nora)
        all_sent(omar)
    type_in(omar, "n120", CSSRS="0")
    all_sent(omar)
    picture(omar, "7-nasal-phone")
    counts = [Reading.objects.filter(session=session, nominal_min=minute).count() for minute in (-15, 40, 60, 90, 120)]
    assert counts == [8, 6, 5, 6, 7]


def test_emergency_is_one_key_away(session: Session, nurse: Actor, hours: Hours) -> None:
    hours.clock.stand_at(FIRST)
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    hours.at = FIRST
    page = hours.open(session, nurse, color_scheme="dark")
    hours.go(FIRST + 9 * MINUTE)
    page.keyboard.press("F8")
    page.get_by_label("chest pain").check()
    picture(page, "8-emergency-dialog")
    page.get_by_role("button", name="Stop the dose and open the emergency path").click()
    path = page.locator("[data-part=emergency]")
    expect(path).to_contain_text("chest pain")
    expect(page.locator("[data-part=head]")).to_contain_text("Observing")
    path.get_by_label("Who").fill("ambulance")
    path.get_by_role("button", name="Write down").click()
    expect(path).to_contain_text("Help called")
    picture(page, "9-emergency")
    path.get_by_role("link", name="Sheet for whoever comes").click()
    expect(page.locator("main")).to_contain_text("chest pain")
    expect(page.locator("main")).to_contain_text("ketamine 0.5 mg/kg")
    picture(page, "10-emergency-sheet")


def test_a_log_out_in_between_loses_nothing(session: Session, nurse: Actor, hours: Hours) -> None:
    page = hours.open(session, nurse)
    page.context.set_offline(True)
    type_in(page, "n-15", SBP="122", DBP="78")
    expect(page.locator("[data-link]")).to_contain_text("2 entries wait here")
    # A log-out on purpose asks first.
    page.get_by_role("button", name="Log out", exact=True).click()
    expect(page.get_by_role("dialog", name="Not everything is saved yet")).to_contain_text("2 entries of a session")
    page.get_by_role("button", name="Stay logged in").last.click()
    # The idle log-out comes while the connection is cut: the page stays; later it leads to the log-in.
    hours.jump(hours.at + 17 * MINUTE)
    expect(page.locator("h1")).to_have_text(f"Session of {session.participant}")
    half = cell(page, "n-15", "HR").locator("input")
    half.press_sequentially("7")
    connect_again(page)
    hours.jump(hours.at + 16 * MINUTE)
    page.wait_for_url("**/log-in/**")
    expect(page.locator("#waiting-note")).to_contain_text("2 entries of a session wait in this browser for the person")
    client = Client()
    assert nurse.user is not None
    client.force_login(nurse.user, backend="allauth.account.auth_backends.AuthenticationBackend")
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    # For the whole site, in the place of the one that holds why somebody was logged out.
    site = page.url.split("/log-in/")[0]
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": f"{site}/"}])
    page.goto(site + reverse("session", args=[session.facility.slug, session.pk]))
    all_sent(page)
    assert Reading.objects.filter(session=session).count() == 2
    assert all(abs(each.at - ARRIVAL) < MINUTE for each in Reading.objects.all())
    again = cell(page, "n-15", "HR").locator("input")
    expect(again).to_have_value("7")
    expect(cell(page, "n-15", "HR")).to_contain_text("typed, not entered")


def test_in_the_hour_that_comes_twice_minutes_say_which(clinician: Actor, nurse: Actor, hours: Hours) -> None:
    """The night on which Copenhagen's clocks go back: 02:30 CEST, dose; 02:20 CET is fifty minutes later."""
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    plan = person_with_plan(
        signed_version("six-infusions", clinician, BEFORE), "ketamine", clinician, begins_at=first, at=BEFORE
    )
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, first - 30 * MINUTE)
    session = arrived(plan, nurse, first - 30 * MINUTE)
    made_ready(session, nurse, first)
    begun(session, nurse, first)
    hours.at = first
    hours.clock.stand_at(first)
    page = hours.open(session, nurse)
    hours.go(first + 50 * MINUTE)
    page.locator("tr[data-row=n10] [data-stamp]").fill("+10")
    type_in(page, "n10", HR="71")
    page.locator("tr[data-row=n40] [data-stamp]").fill("02:15")
    type_in(page, "n40", HR="72")
    all_sent(page)
    assert Reading.objects.get(value=71).at == first + 10 * MINUTE
    assert Reading.objects.get(value=72).at == first + 45 * MINUTE
    expect(page.locator("tr[data-row=n10]")).to_contain_text("02:40")
    expect(page.locator("tr[data-row=n10]")).to_contain_text("+10 min")
    expect(page.locator("tr[data-row=n40]")).to_contain_text("02:15 CET (+45 min)")


@pytest.mark.parametrize("look", list(LOOKS))
def test_the_pages_of_a_session(
    look: str, session: Session, nurse: Actor, opened: Open, clock: Clock, faults: Look
) -> None:
    clock.stand_at(FIRST)
    made_ready(session, nurse, FIRST)
    begun(session, nurse, FIRST)
    # Something that holds the dose back, so that its box is looked at too.
    no = sent("answer", FIRST, list="time-out", criterion="house/time-out", answer="no")
    all_saved(said(session, nurse, FIRST, no))
    here = session.facility.slug
    names = ("session", "give_up_session", "move_session", "emergency_sheet")
    pages: dict[str, list[object]] = {name: [session.pk] for name in names}
    pages |= {"arrive": [session.dose_id], "override_gate": [session.pk, "blood-pressure-hold"]}
    paths = [(reverse(name, args=[here, *rest]), nurse.user) for name, rest in pages.items()]
    for path, page in walk(paths, look, "session", opened):
        if path == paths[0][0]:
            expect(page.locator("[data-link]")).to_contain_text("Connected")
        look_at(path, page, look, faults)


def test_a_wrong_volume_is_put_right_after_the_end(
    session: Session, nurse: Actor, hours: Hours, faults: Callable[[Page], list[str]]
) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    hours.clock.stand_at(FIRST + 41 * MINUTE)
    hours.at = FIRST + 41 * MINUTE
    nora = hours.open(session, nurse)
    nora.locator("#correct-dose > summary").click()
    picture(nora, "correct-dose")
    assert hours.faults(nora, faults) == []
    volume = nora.locator('#correct-dose form[data-entry="filling"]')
    volume.get_by_label("Right volume (ml)").fill("100")
    volume.get_by_label("What was wrong").fill("it was the big bag")
    volume.get_by_role("button", name="Put it right").click()
    expect(nora.get_by_role("alert").filter(has_text="What was given is now 20.1 mg")).to_be_visible()
    all_sent(nora)
    assert Dose.objects.get(pk=session.dose_id).given_mg == Decimal("20.1")
    right, wrong = Filling.objects.get(struck_at=None), Filling.objects.exclude(struck_at=None).get()
    # What is put right keeps the time of what was wrong.
    assert abs(right.at - wrong.at) < timedelta(seconds=1)
    assert wrong.struck_because == "it was the big bag"


def test_what_could_not_be_entered_in_its_time_is_added_on_the_page(
    session: Session, nurse: Actor, hours: Hours, faults: Callable[[Page], list[str]]
) -> None:
    """The pump stood still for the last ten minutes, and nobody could enter it."""
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    hours.clock.stand_at(FIRST + 41 * MINUTE)
    hours.at = FIRST + 41 * MINUTE
    nora = hours.open(session, nurse)
    nora.locator("#correct-dose > summary").click()
    pause = nora.locator('#correct-dose form[data-entry="pause"]')
    pause.get_by_label("When").fill("+30")
    pause.get_by_label("Why it was done").fill("dizzy")
    pause.get_by_label("Why it is added only now").fill("no connection")
    picture(nora, "add-missed")
    assert hours.faults(nora, faults) == []
    pause.get_by_role("button", name="Add it").click()
    expect(nora.get_by_role("alert").filter(has_text="What was given is now 30.15 mg")).to_be_visible()
    all_sent(nora)
    assert Dose.objects.get(pk=session.dose_id).given_mg == Decimal("30.15")
    assert Administration.objects.get(kind="pause").at == FIRST + 30 * MINUTE
