"""The pages of programmes as a person meets them, on desktop, phone, in the dark and on paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, PICTURES, Look, Open, look_at, picture, walk
from tests.clinic.conftest import NOW, PASSWORD, code_now

from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.programmes import actions, computation
from upturn_clinic.programmes.models import Programme, ProtocolVersion
from upturn_clinic.programmes.reading import shipped_document

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FEW = 20


@cache
def answer(name: str) -> dict[str, Any]:
    return computation.answer(shipped_document(name)[0], patients=FEW)


@pytest.fixture
def computed(in_force: ProtocolVersion, facility: Facility) -> ProtocolVersion:
    """In force, with what the simulation expects."""
    by = system(facility)
    begun = actions.begin_expectation(protocol_version=in_force, by=by, at=NOW)
    actions.end_expectation(expectation=begun, answer=answer("six-infusions"), fault="", by=by, at=NOW)
    return in_force


@pytest.fixture
def pages(
    computed: ProtocolVersion, programme: Programme, as_clinician: Actor, elsewhere: Facility, facility: Facility,
    make_person: Callable[..., User], colleague: User,
) -> list[tuple[str, User]]:  # fmt: skip
    document, file = shipped_document("esketamine-trd")
    draft = actions.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)
    site = actions.offer(programme=programme, facility=elsewhere, by=as_clinician, at=NOW)
    there = make_person("Doctor", elsewhere, Role.CLINICIAN)
    participant = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    sheet = reverse("what_to_expect", args=["main", computed.pk])
    return [
        (reverse("programmes", args=["main"]), colleague),
        (reverse("create_programme", args=["main"]), colleague),
        (reverse("programme", args=["main", programme.pk]), colleague),
        (reverse("change_programme", args=["main", programme.pk]), colleague),
        (reverse("add_version", args=["main", programme.pk]), colleague),
        (reverse("protocol_version", args=["main", computed.pk]), colleague),
        (reverse("protocol_version", args=["main", draft.pk]), colleague),
        (reverse("put_into_force", args=["main", draft.pk]), colleague),
        (reverse("retire_version", args=["main", computed.pk]), colleague),
        (reverse("programme", args=["elsewhere", programme.pk]), there),
        (reverse("take_up_programme", args=["elsewhere", site.pk]), there),
        (reverse("leave_programme", args=["elsewhere", site.pk]), there),
        (sheet, participant),
        (f"{sheet}?arm=escitalopram", colleague),
        (reverse("what_to_expect", args=["main", draft.pk]), colleague),
    ]


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page_of_programmes(look: str, pages: list[tuple[str, User]], opened: Open, faults: Look) -> None:
    for path, page in walk(pages, look, "programmes", opened):
        look_at(path, page, look, faults)


def test_the_sheet_prints_without_the_frame(computed: ProtocolVersion, colleague: User, opened: Open) -> None:
    page = opened(reverse("what_to_expect", args=["main", computed.pk]), colleague)
    page.emulate_media(media="print")
    expect(page.locator(".no-print")).to_be_hidden()
    expect(page.locator("nav.sections")).to_be_hidden()
    expect(page.get_by_text("Do not drive on the day of a session")).to_be_visible()
    pictures = page.get_by_role("img", name="people feel much better")
    expect(pictures).to_have_count(4)
    expect(pictures.first.locator("circle.yes")).to_have_count(answered(computed))
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert 2 <= printed.count(b"/Type /Page\n") <= 5 or b"/Count" in printed
    if PICTURES:
        (Path(PICTURES) / "sheet.pdf").write_bytes(printed)


def answered(version: ProtocolVersion) -> int:
    """How many of a hundred the answer says, of the first arm after a day."""
    arm = answer("six-infusions")["arms"][0]
    return round(100 * next(each["response"]["median"] for each in arm["at"] if each["time_h"] == 24.0))


def test_from_a_file_to_a_protocol_in_force(
    programme: Programme, colleague: User, opened: Open, faults: Look, tmp_path: Path
) -> None:
    wrong, right = tmp_path / "wrong.yaml", tmp_path / "right.yaml"
    text = shipped_document("single-infusion")[0]
    wrong.write_text(text.replace("over: PT40M", "over: soon"))
    right.write_text(text)
    page: Page = opened(reverse("programme", args=["main", programme.pk]), colleague)
    page.get_by_role("link", name="Give it a protocol").click()
    page.get_by_label("Or a protocol file").set_input_files(wrong)
    page.get_by_role("button", name="Check and add").click()
    told = page.locator(".box.bad")
    expect(told).to_contain_text("wrong.yaml, line")
    expect(told).to_contain_text("soon")
    picture(page, "flow-protocol-refused")
    assert faults(page) == []
    page.get_by_label("Or a protocol file").set_input_files(right)
    page.get_by_role("button", name="Check and add").click()
    page.get_by_role("link", name="Sign it into force").click()
    page.get_by_label("I take on none of them").check()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(code_now())
    page.get_by_role("button", name="Sign").click()
    shown(page, "In force since")
    shown(page, "It has not been computed for this version")
    picture(page, "flow-protocol-in-force")
    assert ProtocolVersion.objects.get().state == ProtocolVersion.State.IN_FORCE
    assert timezone.is_aware(ProtocolVersion.objects.get().in_force_at or NOW)
