"""The pages of safety as people meet them: on any screen, in the dark; a concern from raising to closing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, TABLET, TOO_WIDE, Look, Open, look_at, picture, walk
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import ProtocolVersion
from upturn_clinic.programmes.queries import taken_rules
from upturn_clinic.safety import actions
from upturn_clinic.safety.models import AdverseEvent, Concern
from upturn_clinic.treatments.models import MonitoringCheck

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ALL_LOOKS = {**LOOKS, "tablet": TABLET}


@pytest.mark.parametrize("look", list(ALL_LOOKS))
def test_every_page_of_safety(
    look: str, participant: Participant, concern: Concern, event: AdverseEvent, watched: MonitoringCheck,
    colleague: User, as_clinician: Actor, opened: Open, faults: Look,
) -> None:  # fmt: skip
    now = timezone.now()
    actions.raise_concern(
        participant=participant, rule=None, text="An answer asks for help.", because="C-SSRS, question 1.",
        source="rating/2", by=as_clinician, at=now + timedelta(hours=1),
    )  # fmt: skip
    nausea = actions.record_event(
        entry=participant.pk, participant=participant, term="nausea", severity="mild",
        started_at=now - timedelta(hours=1), detail="after the second dose", by=as_clinician, at=now,
    )  # fmt: skip
    paths = [
        reverse(name, args=["main", *rest])
        for name, rest in (
            ("facility", []), ("safety", []), ("participant_safety", [participant.pk]),
            ("raise_concern", [participant.pk]), ("take_concern", [concern.pk]), ("close_concern", [concern.pk]),
            ("record_event", [participant.pk]), ("correct_event", [nausea.pk]), ("end_event", [nausea.pk]),
            ("judge_event", [nausea.pk]), ("report_event", [event.pk]), ("strike_event", [nausea.pk]),
            ("monitoring", []), ("record_check", [participant.pk, "cognition", "672"]),
            ("strike_check", [watched.pk]), ("plan", [participant.pk]),
            ("protocol_version", [participant.protocol_version_id]),
        )
    ]  # fmt: skip
    for path, page in walk([(path, colleague) for path in paths], look, "safety", opened):
        look_at(path, page, look, faults)


def test_a_late_concern_is_taken_and_closed_by_the_keyboard(concern: Concern, colleague: User, opened: Open) -> None:
    page = opened(reverse("facility", args=["main"]), colleague)
    assert "nobody has taken it" in page.locator("main .box.bad h2").inner_text()
    page.get_by_role("link", name="Take it").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I take it").focus()
    page.keyboard.press("Enter")
    shown(page, "looks at it since")
    page.get_by_role("link", name="Close it: what was done").focus()
    page.keyboard.press("Enter")
    page.get_by_label("What was done").fill("Spoke with her; a plan is agreed.")
    page.get_by_role("button", name="Close the concern").click()
    expect(page.get_by_label("What was done")).to_have_count(0)
    shown(page, "Spoke with her; a plan is agreed.")
    page.goto(page.url.split("/at/")[0] + reverse("facility", args=["main"]))
    assert page.locator("main .box.bad").count() == 0


@pytest.mark.parametrize("look", ["desktop", "phone"])
def test_a_version_is_signed_with_some_rules_taken_on(
    look: str, draft: ProtocolVersion, colleague: User, opened: Open, faults: Look
) -> None:
    page = opened(reverse("put_into_force", args=["main", draft.pk]), colleague, **ALL_LOOKS[look])
    picture(page, f"sign-{look}")
    assert faults(page) == []
    assert page.locator("input[type=checkbox]").count() > 30
    assert page.locator("input[type=checkbox]:checked").count() == 0
    assert page.evaluate(TOO_WIDE) <= 0
    page.get_by_label("The heart beats more than 130").check()
    page.get_by_label("The person is fully awake").check()
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code from your app").fill(code_now())
    page.get_by_role("button", name="Sign").click()
    expect(page.get_by_text("taken on by signature")).to_have_count(2)
    picture(page, f"signed-{look}")
    assert taken_rules(ProtocolVersion.objects.get()) == {"gates/heart-rate", "discharge/awake"}
