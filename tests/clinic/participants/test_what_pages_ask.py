"""What the pages of participants ask for and tell: nothing is chosen beforehand, nothing offered and refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.participants.making import (
    PRESENT,
    TRIAL,
    answered,
    consented,
    enrolled,
    registered,
    version_in_force,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.participants import queries
from upturn_clinic.participants.models import Consent, Participant, RandomisationList
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.programmes.models import ProtocolVersion

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
ActorAs = Callable[[Role], Actor]


def shown(client: Client, name: str, *rest: Any) -> str:
    """A page without its tags, one space for any space."""
    page = client.get(reverse(name, args=["main", *rest])).content.decode()
    return " ".join(re.sub("<[^>]+>", " ", page).split())


def chosen(client: Client) -> str:
    page = client.get(reverse("register_participant", args=["main"])).content.decode()
    found = re.search(r'<option value="([^"]*)" selected', page)
    assert found is not None
    return found.group(1)


def test_of_several_programmes_none_is_chosen_beforehand(
    version: ProtocolVersion, clinician: Actor, colleague: User, now: datetime, log_in: LogIn
) -> None:
    client = log_in(colleague)
    assert chosen(client) == str(version.pk)
    version_in_force(clinician, now, name="Masked comparison")
    assert chosen(client) == ""
    address = reverse("register_participant", args=["main"])
    typed = {"full_name": "Ada Byron", "date_of_birth": "1980-02-29", "sex": "female", "protocol_version": ""}
    assert client.post(address, typed).status_code == 200
    assert not Participant.objects.exists()


def test_acts_on_one_person_name_them_to_who_may_know(
    person: Participant, colleague: User, actor_as: ActorAs, log_in: LogIn
) -> None:
    client = log_in(colleague)
    for name in ("withdraw_participant", "record_weight", "record_consent", "correct_identity", "record_trial"):
        page = shown(client, name, person.pk)
        assert f"{person.pseudonym} Ada Byron, born 29 Feb 1980" in page, name
    withdraw = shown(client, "withdraw_participant", person.pk)
    assert f"Withdraw {person.pseudonym}" in withdraw
    assert "side effects that come up later still are" in withdraw
    assert "Nothing more is recorded" not in withdraw


def test_a_list_is_not_offered_once_somebody_is_enrolled(
    version: ProtocolVersion, person: Participant, clinician: Actor, colleague: User, now: datetime, log_in: LogIn
) -> None:
    client = log_in(colleague)
    address = reverse("set_up_randomisation", args=["main", version.programme_id])
    overview = reverse("enrolment_set_up", args=["main"])
    assert address in client.get(overview).content.decode()
    form = client.get(address).content.decode()
    arms = len(re.findall(r"^[\w-]+: 1", form, flags=re.MULTILINE))
    assert arms == 3
    # The example fits the shares above it, and would be taken.
    assert "with one share for each of 3 arms, “6, 9”" in form
    # Tablets at home beside infusions: not masked by itself.
    assert not re.search(r'name="is_masked"[^>]*checked', form)
    enrolled(person, clinician, now)
    assert address not in client.get(overview).content.decode()
    assert "a list would have had to come before the first person" in client.get(overview).content.decode()
    late = client.get(address).content.decode()
    assert "A list would have had to come before the first person" in late
    assert 'name="shares"' not in late
    typed = {"shares": "ketamine: 1\nmidazolam: 1", "block_sizes": "4"}
    assert client.post(address, typed).status_code == 200
    assert not RandomisationList.objects.exists()


def test_who_consented_to_an_earlier_version_is_named_until_asked_anew(
    version: ProtocolVersion, person: Participant, clinician: Actor, facility: Facility, colleague: User,
    now: datetime, log_in: LogIn,
) -> None:  # fmt: skip
    consented(person, clinician, now)
    other = registered(version, clinician, now, name="Grace Murray")
    gone = registered(version, clinician, now, name="Mary Somer")
    consented(gone, clinician, now)
    Participant.objects.filter(pk=gone.pk).update(status="withdrawn")
    client, programme = log_in(colleague), version.programme
    page = shown(client, "publish_consent_document", programme.pk)
    assert "Once it is in use, whoever consents to Infusions consents to version 2, at every facility." in page
    assert "1 person here consented to an earlier version and must be asked anew: until they consent again, " in page
    assert "doses are not held back" in page
    assert "Put version 2 into use" in page
    assert "To be asked anew" not in shown(client, "enrolment_set_up")
    document = screening.publish_consent_document(
        programme=programme, title="What taking part means", text="You can stop at any time, and we call you.",
        by=clinician, at=now,
    )  # fmt: skip
    assert list(queries.to_be_asked_anew(facility, document)) == [person]
    listed = client.get(reverse("enrolment_set_up", args=["main"])).content.decode()
    assert "To be asked anew" in listed
    assert "1 person here consented to an earlier version and has not consented to this one: " in listed
    assert reverse("participant", args=["main", person.pk]) in listed
    assert reverse("participant", args=["main", other.pk]) not in listed
    consented(person, clinician, now)
    assert list(queries.to_be_asked_anew(facility, document)) == []


def test_consent_taken_back_says_what_comes_next(
    person: Participant, clinician: Actor, colleague: User, now: datetime, log_in: LogIn
) -> None:
    consented(person, clinician, now)
    client = log_in(colleague)
    assert "No dose may begin" not in shown(client, "participant", person.pk)
    screening.withdraw_consent(consent=Consent.objects.get(), version=1, reason="said so", by=clinician, at=now)
    page = shown(client, "participant", person.pk)
    assert "No dose may begin." in page
    assert f"withdraw {person.pseudonym}" in page


def test_without_another_version_there_is_nothing_to_move_to(
    person: Participant, colleague: User, log_in: LogIn
) -> None:
    page = log_in(colleague).get(reverse("move_to_version", args=["main", person.pk])).content.decode()
    assert "No other version is in force here." in page
    assert 'name="reason"' not in page
    assert f"Back to {person.pseudonym}" in page


def test_the_question_on_earlier_treatment_shows_what_is_recorded(
    person: Participant, clinician: Actor, colleague: User, now: datetime, log_in: LogIn
) -> None:
    client = log_in(colleague)
    assert "Recorded: 0 adequate trials without response." in shown(
        client, "assess_criterion", person.pk, "treatment-history"
    )
    screening.record_trial(participant=person, values=TRIAL, by=clinician, at=now)
    page = shown(client, "assess_criterion", person.pk, "treatment-history")
    assert "Recorded: 1 adequate trial without response. sertraline 150 mg a day, 8 weeks" in page
    assert "No, this is not the case, or it does not apply" in page
    answered(person, "treatment-history", PRESENT, clinician, now)
    assert "sertraline 150 mg a day" in shown(client, "decide_criterion", person.pk, "treatment-history")
