# ruff: noqa: F811  (fixtures are taken by their names)
"""Answers that come while the database is busy: never half-written; help is shown all the same; they come again."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.assessments.test_links import CRISIS, LOUD, QUIET, made
from tests.clinic.conftest import LogIn
from tests.clinic.other_writer import OtherWriter, other_writer  # noqa: F401  (fixture)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.assessments.models import LinkedQuestionnaire, Rating
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Participant
from upturn_clinic.safety.models import Concern

pytestmark = pytest.mark.django_db(transaction=True)


def without_script() -> Client:
    return Client(raise_request_exception=False)


def test_who_asks_for_help_is_shown_it_at_once_and_the_team_is_told_when_it_comes_again(
    participant: Participant, as_clinician: Actor, other_writer: OtherWriter
) -> None:
    address, client = made(participant, as_clinician), without_script()
    before = Entry.objects.count()
    with other_writer.at_work():
        answer = client.post(address, {"instrument": "PHQ-9", **LOUD})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "could not be saved" in page
    assert "Some of your answers are a reason to offer you help now" in page
    assert "has <strong>not</strong> been told" in page
    assert page.index(CRISIS) < page.index("send them again")
    assert page.count(CRISIS) == 1
    assert (Rating.objects.count(), Concern.objects.count(), Entry.objects.count()) == (0, 0, before)
    assert LinkedQuestionnaire.objects.get().sent_at is None
    again = client.post(address, {"instrument": "PHQ-9", **LOUD}, follow=True).content.decode()
    assert "Please read this now" in again
    assert (Rating.objects.count(), Concern.objects.count()) == (1, 1)


def test_other_answers_are_asked_for_again(
    participant: Participant, as_clinician: Actor, other_writer: OtherWriter
) -> None:
    address, client = made(participant, as_clinician), without_script()
    with other_writer.at_work():
        answer = client.post(address, {"instrument": "PHQ-9", **QUIET})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert "could not be saved" in page
    assert "reason to offer you help" not in page
    assert CRISIS in page
    # Nothing that was typed is lost: all of it stands on the page, to be sent again.
    kept = dict(re.findall(r'<input type="radio" name="(\w+)" value="(\d+)" checked>', page))
    assert kept == QUIET
    assert "Thank you" in client.post(address, {"instrument": "PHQ-9", **kept}, follow=True).content.decode()
    assert Rating.objects.count() == 1


def test_who_has_read_the_help_stays_on_its_page_until_that_is_saved(
    participant: Participant, as_clinician: Actor, other_writer: OtherWriter
) -> None:
    address, client = made(participant, as_clinician), without_script()
    client.post(address, {"instrument": "PHQ-9", **LOUD})
    with other_writer.at_work():
        answer = client.post(address, {"read": "yes"})
    page = answer.content.decode()
    assert answer.status_code == 503
    assert CRISIS in page
    assert "Our site is busy. Please press it again in a moment." in page
    assert "answers could not be saved" not in page
    assert LinkedQuestionnaire.objects.get().help_read_at is None
    assert "Thank you" in client.post(address, {"read": "yes"}, follow=True).content.decode()


def test_a_rating_by_staff_is_refused_whole_and_its_concern_comes_with_it_later(
    participant: Participant, colleague: User, log_in: LogIn, other_writer: OtherWriter
) -> None:
    client = log_in(colleague)
    address = f"{reverse('enter_rating', args=['main', participant.pk])}?instrument=PHQ-9"
    client.get(address)
    client.raise_request_exception = False
    given = {**LOUD, "planned": "none", "rated_at": "2026-03-05T10:00", "mode": "interview"}
    with other_writer.at_work():
        answer = client.post(address, given)
    assert answer.status_code == 503
    assert (Rating.objects.count(), Concern.objects.count()) == (0, 0)
    assert client.post(address, given).status_code == 302
    assert (Rating.objects.count(), Concern.objects.count()) == (1, 1)
