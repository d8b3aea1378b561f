"""The pages of a plan as people meet them, and the way from enrolment to a late dose."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from tests.clinic.browser.conftest import shown
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, picture, walk
from tests.clinic.floor.making import given_in_session
from tests.clinic.participants.making import clinician_of, enrolled, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import actions
from upturn_clinic.treatments.models import Dose, Visit
from upturn_clinic.treatments.others import actions as others

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clinician(colleague: User, facility: Facility) -> Actor:
    return clinician_of(colleague, facility)


@pytest.fixture
def person(clinician: Actor) -> Participant:
    """Enrolled two days ago."""
    at = timezone.now() - timedelta(days=2)
    return enrolled(registered(version_in_force(clinician, at), clinician, at), clinician, at)


@pytest.fixture
def begun(person: Participant, facility: Facility, clinician: Actor, make_person: Callable[..., User]) -> Participant:
    """The first dose was due yesterday and given a day late; another treatment, another drug."""
    now = timezone.now()
    yesterday = (now - timedelta(days=1)).astimezone(facility.zone).date()
    begins_at = datetime.combine(yesterday, time(9), tzinfo=facility.zone)
    actions.make_plan(participant=person, begins_at=begins_at, by=clinician, at=now - timedelta(days=1))
    dose = Dose.objects.select_related("plan__participant__facility", "plan__facility").get(number=1)
    checker = make_person("Checker", facility, Role.SESSION_NURSE)
    given_in_session(dose, clinician, checker, now - timedelta(minutes=50), because="no nurse that day")
    third = Dose.objects.select_related("plan__participant__facility").get(number=3)
    actions.move_due(due=third, version=third.version, planned_at=third.planned_at + timedelta(days=1),
                     reason="the room is taken", by=clinician, at=now)  # fmt: skip
    drug = {"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg at night", "began_on": yesterday,
            "ended_on": None}  # fmt: skip
    others.record_drug(participant=person, values=drug, by=clinician, at=now)
    treatment = {"kind": "CBT", "given_by": "a psychologist", "began_on": yesterday, "ended_on": None, "sessions": 3}
    others.record_co_intervention(participant=person, values=treatment, by=clinician, at=now)
    return person


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_page_of_a_plan(look: str, begun: Participant, colleague: User, opened: Open, faults: Look) -> None:
    dose, visit = Dose.objects.get(number=2), Visit.objects.get(encounter="day-1")
    plan = reverse("plan", args=["main", begun.pk])
    paths = [
        plan, f"{plan}?view=month", f"{plan}?view=week", f"{reverse('upcoming', args=['main'])}?show=week",
        reverse("give_dose", args=["main", dose.pk]), reverse("move_dose", args=["main", dose.pk]),
        reverse("end_dose", args=["main", dose.pk]), reverse("attend_visit", args=["main", visit.pk]),
        reverse("move_visit", args=["main", visit.pk]), reverse("end_visit", args=["main", visit.pk]),
        *(reverse(name, args=["main", begun.pk]) for name in
          ("make_plan", "renew_plan", "tell_raters", "plan_booster", "decide_booster", "others", "record_drug",
           "record_co_intervention")),
        reverse("sessions_of", args=["main", begun.pk]),
        reverse("decide_stopping", args=["main", begun.pk, "pregnancy"]),
        reverse("change_drug", args=["main", begun.concomitant_drugs.get().pk]),
        reverse("change_co_intervention", args=["main", begun.co_interventions.get().pk]),
    ]  # fmt: skip
    for path, page in walk([(path, colleague) for path in paths], look, "plan", opened):
        look_at(path, page, look, faults)
        if path == plan and look == "desktop":
            page.emulate_media(media="print")
            picture(page, "plan-print")
            page.emulate_media(media="screen")


def test_from_enrolment_to_a_late_dose(
    person: Participant, clinician: Actor, colleague: User, facility: Facility, make_person: Callable[..., User],
    opened: Open,
) -> None:  # fmt: skip
    now = timezone.now()
    first = now - timedelta(hours=2)
    page = opened(reverse("plan", args=["main", person.pk]), colleague)
    page.get_by_role("link", name="Make the plan").click()
    page.get_by_label("First dose").fill(f"{first.astimezone(facility.zone):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Make the plan").click()
    shown(page, "The plan is made.")
    # The plan leads to the session of a dose; nobody can write down a dose without one.
    page.get_by_role("link", name=re.compile("Session ?of Dose 1")).click()
    expect(page.locator("h1")).to_have_text(re.compile("^Arrival: "))
    dose = Dose.objects.select_related("plan__participant__facility", "plan__facility").get(number=1)
    begun_at = first.replace(second=0, microsecond=0) + timedelta(minutes=65)
    given_in_session(dose, clinician, make_person("Checker", facility, Role.SESSION_NURSE), begun_at)
    page = opened(reverse("plan", args=["main", person.pk]), colleague)
    page.get_by_role("link", name="Month").click()
    given = f"{begun_at.astimezone(facility.zone):%H:%M} Dose 1"
    expect(page.locator(".calendar .given")).to_have_text(re.compile(rf"^\s*{given}"), use_inner_text=True)
