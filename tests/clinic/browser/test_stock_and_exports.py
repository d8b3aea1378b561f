"""Pages of the register, of data and of the monitoring forms; and a dose that two people prepare at one screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, picture, walk
from tests.clinic.conftest import PASSWORD, code_now
from tests.clinic.exports.conftest import clinician, nasal, nurse  # noqa: F401  (fixtures)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.models import Session
from upturn_clinic.participants.models import Participant
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.treatments.models import Dose

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(
    facility: Facility, drawn: Draw, nasal: Session, colleague: User, make_person: Callable[..., User],  # noqa: F811
) -> list[tuple[str, User]]:  # fmt: skip
    """Every page of these rooms with something on it, and who looks."""
    here, analyst = facility.slug, make_person("Ann", facility, Role.ANALYST)
    now = timezone.now()
    Dose.objects.filter(pk=drawn.dose_id).update(planned_at=now)
    Participant.objects.filter(pk=drawn.dose.plan.participant_id).update(status="enrolled")
    period = f"?begin=2026-01-01&end={now:%Y-%m-%d}"
    row = drawn.movements.get()
    return [
        (reverse("stock", args=[here]), colleague),
        (reverse("lot", args=[here, drawn.lot_id]), colleague),
        (reverse("receive_stock", args=[here]), colleague),
        (reverse("count_lot", args=[here, drawn.lot_id]), colleague),
        (reverse("settle_count", args=[here, drawn.lot_id]), colleague),
        (reverse("remove_from_lot", args=[here, drawn.lot_id]), colleague),
        (reverse("take_back_entry", args=[here, row.pk]), colleague),
        (reverse("reconciliation", args=[here]) + period, colleague),
        (reverse("preparation", args=[here, drawn.dose_id]), colleague),
        (reverse("draw_dose", args=[here, drawn.dose_id]), colleague),
        (reverse("check_draw", args=[here, drawn.pk]), colleague),
        (reverse("waste_draw", args=[here, drawn.pk]), colleague),
        (reverse("put_back_draw", args=[here, drawn.pk]), colleague),
        (reverse("data", args=[here]), analyst),
        (reverse("export_records", args=[here, nasal.participant.programme_id]), analyst),
        (reverse("unmask_programme", args=[here, nasal.participant.programme_id]), colleague),
        (reverse("monitoring_forms", args=[here]), colleague),
        (reverse("monitoring_form", args=[here, nasal.dose_id]), colleague),
        (reverse("fill_monitoring_form", args=[here, nasal.dose_id]), colleague),
        (reverse("submit_monitoring_form", args=[here, nasal.dose_id]), colleague),
    ]


@pytest.mark.parametrize("look", [*LOOKS, "tablet"])
def test_every_page(look: str, pages: list[tuple[str, User]], opened: Open, faults: Look) -> None:
    for path, page in walk(pages, look, "stock", opened):
        look_at(path, page, look, faults)


def test_two_people_at_one_screen_check_and_waste(
    opened: Open, drawn: Draw, colleague: User, make_person: Callable[..., User], as_clinician: Actor
) -> None:
    """The nurse proves who she is on the clinician's screen; the clinician's own password is refused."""
    Participant.objects.filter(pk=drawn.dose.plan.participant_id).update(status="enrolled")
    nurse = make_person("Nora", drawn.facility, Role.SESSION_NURSE)  # noqa: F811
    witness = make_person("Omar", drawn.facility, Role.SESSION_NURSE)
    page = opened(reverse("preparation", args=["main", drawn.dose_id]), colleague)
    page.get_by_role("link", name="Check").click()
    people = page.get_by_label("Second person", exact=True)
    expect(people).to_contain_text("Nora")
    expect(people).not_to_contain_text("Colleague")
    people.select_option(label="Nora")
    page.get_by_label("Password of the second person").fill("not her password")
    page.get_by_label("Code from the second person's app").fill(code_now())
    page.get_by_role("button", name="Sign the check").click()
    shown(page, "Password or code is not right")
    page.get_by_label("Password of the second person").fill(PASSWORD)
    page.get_by_label("Code from the second person's app").fill(code_now())
    page.get_by_role("button", name="Sign the check").click()
    shown(page, "checked by Nora")
    drawn.refresh_from_db()
    assert drawn.checked_by == nurse
    page.get_by_role("link", name="Waste what is left").click()
    page.get_by_label("Why").fill("the dose was cancelled")
    # A code is good once; the witness is another colleague.
    people.select_option(label="Omar")
    page.get_by_label("Password of the second person").fill(PASSWORD)
    page.get_by_label("Code from the second person's app").fill(code_now())
    page.get_by_role("button", name="Book as wasted").click()
    shown(page, "Wasted, with a witness.")
    picture(page, "stock-wasted")
    wasted = Movement.objects.get(kind="wasted")
    assert (wasted.by, wasted.witness) == (colleague, witness)
