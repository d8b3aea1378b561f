# ruff: noqa: F811  (fixtures of the exports are taken by their names)
"""Pages on paper: nothing cut at the edge of the sheet, the record whole, nothing that only a screen can do."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from tests.clinic.browser.looking import PICTURES, Open
from tests.clinic.exports.conftest import FIRST, clinician, nasal, nurse  # noqa: F401  (fixtures)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor.models import Session
from upturn_clinic.stock.models import Draw
from upturn_clinic.stock.shelf import actions as shelf

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

# What an A4 sheet leaves between its margins (180 mm), in the pixels of a style sheet.
SHEET_PX = 680
CUT = """[...document.querySelectorAll("main *")]
  .filter(e => e.checkVisibility() && !e.closest(".unseen") && e.getBoundingClientRect().right > innerWidth + 1)
  .map(e => e.outerHTML.slice(0, 120))"""
ONLY_ON_A_SCREEN = """[...document.querySelectorAll(
    "main :is(button:not(.value), .button, .help, input, select, textarea), nav.crumbs, nav.sections," +
    "table.stack:not(.calendar) td:not([data-label]) a")]
  .filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 120))"""
CLOSED = """selector => [...document.querySelectorAll(selector)].filter(e => !e.checkVisibility()).length"""


def printed(page: Page, name: str) -> Page:
    """Show a page as it is printed; keep it as a document where pictures are wanted."""
    if PICTURES:
        page.pdf(path=Path(PICTURES) / f"paper-{name}.pdf", prefer_css_page_size=True)
    page.emulate_media(media="print")
    return page


@pytest.fixture
def reconciled(nasal: Session, clinician: Actor) -> str:
    """The register of a period with a delivery, a dose and a count."""
    draw = Draw.objects.get(dose=nasal.dose)
    at = FIRST + timedelta(days=1)
    shelf.count(lot=draw.lot, counted=Decimal(1234), by=clinician, at=at)
    return reverse("reconciliation", args=["main"]) + f"?begin=2026-01-01&end={at:%Y-%m-%d}"


def test_every_sheet_is_whole(
    nasal: Session, reconciled: str, clinician: Actor, nurse: Actor, owner: User, opened: Open
) -> None:
    of_session, person = ["main", nasal.pk], ["main", nasal.participant_id]
    sheets = [
        ("session", reverse("session", args=of_session), nurse.user),
        ("take-home", reverse("take_home_sheet", args=of_session), nurse.user),
        ("emergency", reverse("emergency_sheet", args=of_session), nurse.user),
        ("monitoring-form", reverse("monitoring_form", args=["main", nasal.dose_id]), clinician.user),
        ("expect", reverse("what_to_expect", args=["main", nasal.participant.protocol_version_id]), clinician.user),
        ("plan", reverse("plan", args=person), clinician.user),
        ("record", reverse("participant", args=person), clinician.user),
        ("history", reverse("participant_trail", args=person), clinician.user),
        ("reconciliation", reconciled, clinician.user),
        ("trail", reverse("trail", args=["main"]), owner),
    ]
    for name, path, user in sheets:
        page = opened(path, user, width=SHEET_PX)
        if name == "session":
            expect(page.locator("table.sheet tbody tr")).not_to_have_count(0)
        printed(page, name)
        assert page.evaluate(CUT) == [], name
        assert page.evaluate(ONLY_ON_A_SCREEN) == [], name
        page.context.close()


def test_the_balance_is_on_the_paper(reconciled: str, clinician: Actor, opened: Open) -> None:
    page = printed(opened(reconciled, clinician.user, width=SHEET_PX), "balance")
    closing = page.locator('td[data-label="Closing"]')
    expect(closing).to_be_visible()
    box = closing.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= SHEET_PX
    assert closing.inner_text().strip() not in ("", "–")


def test_the_record_of_a_session_has_its_checklist_and_all_entries(nasal: Session, nurse: Actor, opened: Open) -> None:
    """Both parts are closed on the screen once the session is over; paper cannot be opened."""
    page = opened(reverse("session", args=["main", nasal.pk]), nurse.user, width=SHEET_PX)
    expect(page.locator("[data-rows] tr")).not_to_have_count(0)
    for lines in (".checklist li", ".story li"):
        assert page.locator(lines).count() > 1
        assert page.evaluate(CLOSED, lines) == page.locator(lines).count()
    printed(page, "record")
    for lines in (".checklist li", ".story li"):
        assert page.evaluate(CLOSED, lines) == 0
    expect(page.locator("table.sheet thead")).to_be_visible()
