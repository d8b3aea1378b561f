"""A participant's own page: when they are expected, what waits for them, what they agreed to; nobody else's."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW, Clock, LogIn, MakePerson
from tests.clinic.treatments.test_masked import masked_person

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.links import actions as links
from upturn_clinic.assessments.models import SelfRatingLink
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.treatments import actions as treatments
from upturn_clinic.treatments.models import Dose, Plan, Visit

pytestmark = pytest.mark.django_db
HOME = "Do not drive"


@pytest.fixture
def account(participant: Participant, facility: Facility, make_person: MakePerson) -> User:
    """The participant's account, which goes by the pseudonym."""
    return account_of(participant, facility, make_person)


def account_of(person: Participant, facility: Facility, make_person: MakePerson) -> User:
    made = make_person(person.pseudonym, facility, Role.PARTICIPANT, code_app=False)
    User.objects.filter(pk=made.pk).update(email=f"{person.pseudonym.lower()}@participant.invalid")
    made.refresh_from_db()
    return made


def text_of(client: Client) -> str:
    page = client.get(reverse("facility", args=["main"]), follow=True)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def test_appointments_from_today_on_what_shares_a_time_once(
    planned: Plan, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(planned.begins_at - timedelta(days=1))
    shown = text_of(log_in(account))
    first = planned.doses.get(number=1).planned_at.astimezone(planned.facility.zone)
    assert f"{first:%a} {first.day} {first:%b %Y, %H:%M} Treatment 1 " in shown
    assert "Treatment 2" in shown
    assert HOME in shown
    ahead = {"planned_at__gte": planned.begins_at - timedelta(days=2)}
    times = {each.planned_at for model in (Dose, Visit) for each in model.objects.filter(**ahead)}
    assert f"{len(times) - 8} more after these" in shown


def test_what_is_past_given_or_given_up_is_not_announced(
    planned: Plan, account: User, clock: Clock, log_in: LogIn
) -> None:
    third = planned.doses.get(number=3).planned_at
    Dose.objects.filter(number__lt=3).update(state="given", given_at=planned.begins_at)
    Dose.objects.filter(number=4).update(state="cancelled")
    # Late on the day itself it still stands there.
    clock.stand_at(datetime.combine(third.astimezone(planned.facility.zone), time(23, 50), planned.facility.zone))
    shown = text_of(log_in(account))
    assert "Treatment 3" in shown
    assert all(f"Treatment {n}" not in shown for n in (1, 2, 4))
    clock.stand_at(third + timedelta(days=1))
    assert "Treatment 3" not in text_of(log_in(account))


def test_without_a_treatment_ahead_nothing_is_said_of_the_way_home(
    planned: Plan, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(planned.begins_at)
    planned.doses.update(state="missed")
    shown = text_of(log_in(account))
    week = planned.visits.get(offset_h=7 * 24).planned_at.astimezone(planned.facility.zone)
    assert f"{week:%a} {week.day} {week:%b %Y, %H:%M} Visit " in shown
    assert "your first treatment" not in shown
    assert HOME not in shown


def test_a_visit_is_named_by_its_day_after_the_first_treatment(
    planned: Plan, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(planned.begins_at)
    week = planned.visits.get(offset_h=7 * 24)
    Dose.objects.filter(plan=planned, number__gt=1).update(state="cancelled")
    shown = text_of(log_in(account))
    assert "Visit, 7 days after your first treatment" in shown
    # Moved by hand, and the treatment itself was a day late.
    Dose.objects.filter(plan=planned, number=1).update(state="given", given_at=planned.begins_at + timedelta(days=1))
    Visit.objects.filter(pk=week.pk).update(planned_at=week.planned_at + timedelta(days=3))
    shown = text_of(log_in(account))
    assert "Visit, 9 days after your first treatment" in shown
    assert "Visit, 7 days after your first treatment" not in shown


def test_days_are_counted_from_a_first_treatment_that_is_still_open_from_yesterday(
    planned: Plan, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(planned.begins_at + timedelta(days=1))
    shown = text_of(log_in(account))
    assert "Treatment 2" in shown
    assert "Treatment 1 " not in shown
    assert "Visit, 3 days after your first treatment" in shown


def test_who_has_ended_is_not_expected(planned: Plan, account: User, clock: Clock, log_in: LogIn) -> None:
    clock.stand_at(planned.begins_at)
    Participant.objects.update(status="withdrawn", ended_at=NOW)
    assert "No appointment is planned now." in text_of(log_in(account))


def test_questionnaires_that_wait_are_named_and_the_link_is_not(
    participant: Participant, as_clinician: Actor, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(NOW)
    assert "No questionnaire waits for you." in text_of(log_in(account))
    _, token = links.make_link(
        participant=participant, instruments=["PHQ-9", "GAD-7"], valid_h=48, by=as_clinician, at=NOW
    )
    client = log_in(account)
    shown = text_of(client)
    assert "PHQ-9, GAD-7: open until 5 Mar 2026, 10:00" in shown
    assert token not in client.get(reverse("own", args=["main"])).content.decode()
    clock.stand_at(NOW + timedelta(hours=49))
    assert "No questionnaire waits for you." in text_of(log_in(account))
    clock.stand_at(NOW)
    SelfRatingLink.objects.get().questionnaires.update(sent_at=NOW)
    assert "No questionnaire waits for you." in text_of(log_in(account))


def test_the_sheet_is_of_the_own_arm(planned: Plan, account: User, clock: Clock, log_in: LogIn) -> None:
    clock.stand_at(NOW)
    sheet = reverse("what_to_expect", args=["main", planned.protocol_version_id])
    assert f'{sheet}?arm=ketamine"' in log_in(account).get(reverse("own", args=["main"])).content.decode()
    assert log_in(account).get(sheet).status_code == 200


def test_a_masked_arm_is_nowhere_on_the_page(
    as_clinician: Actor, facility: Facility, make_person: MakePerson, clock: Clock, log_in: LogIn
) -> None:
    person = masked_person(as_clinician)
    treatments.make_plan(participant=person, begins_at=NOW + timedelta(days=2), by=as_clinician, at=NOW)
    clock.stand_at(NOW)
    page = log_in(account_of(person, facility, make_person)).get(reverse("own", args=["main"])).content.decode()
    assert "Treatment 1" in page
    assert f'{reverse("what_to_expect", args=["main", person.protocol_version_id])}"' in page
    assert not any(told in page for told in ("arm=", "ketamine", "midazolam"))


def test_the_consent_and_that_it_was_taken_back(
    participant: Participant, as_clinician: Actor, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(NOW)
    consent = participant.consents.get()
    assert f"{consent.document.title}, on 3 Mar 2026, 10:00 . You can stop at any time." in text_of(log_in(account))
    screening.withdraw_consent(
        consent=consent, version=consent.version, reason="does not want it any more", by=as_clinician, at=NOW
    )
    assert "You took it back on 3 Mar 2026, 10:00" in text_of(log_in(account))


def test_another_participant_and_staff_do_not_see_it(
    participant: Participant, facility: Facility, colleague: User, make_person: MakePerson, log_in: LogIn
) -> None:
    other = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    assert "No record belongs to this account here." in text_of(log_in(other))
    assert log_in(colleague).get(reverse("own", args=["main"])).status_code == 403
    assert participant.pseudonym not in text_of(log_in(other))


def test_whom_to_call_is_said_before_anything_else(
    planned: Plan, facility: Facility, account: User, clock: Clock, log_in: LogIn
) -> None:
    clock.stand_at(NOW)
    Facility.objects.filter(pk=facility.pk).update(phone="555 0100, Mon to Fri 8 to 16")
    page = log_in(account).get(reverse("own", args=["main"])).content.decode()
    assert page.index('href="#crisis-title"') < page.index("When we expect you") < page.index('id="crisis-title"')
    assert '<a href="tel:5550100">555 0100</a>, Mon to Fri 8 to 16' in page
