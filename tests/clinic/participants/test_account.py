"""A participant's own account: it goes by the pseudonym, and no table of accounts nor its trail holds who it is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.adapters import POST_ROOM
from upturn_clinic.accounts.models import Invitation, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.queries import roles_anywhere
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions, queries
from upturn_clinic.participants.models import Participant

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]


def link_in(page: str) -> str:
    found = re.search(r'class="link">http://testserver([^<]+)<', page)
    assert found
    return found[1]


def test_from_the_link_to_a_log_in_without_a_name(
    person: Participant, colleague: User, owner: User, log_in: LogIn
) -> None:
    link = link_in(log_in(colleague).post(reverse("invite_participant", args=["main", person.pk])).content.decode())
    client = Client()
    assert "Your full name" not in client.get(link).content.decode()
    assert client.post(link, {"name": "Ada Byron", "password": PASSWORD, "again": PASSWORD}).status_code == 302
    account = User.objects.get(name=person.pseudonym)
    assert account.email == f"{person.pseudonym.lower()}@participant.invalid"
    assert roles_anywhere(account) == {Role.PARTICIPANT}
    assert queries.participant_of(account) == person
    assert queries.participant_of(colleague) is None
    client.post(reverse("account_login"), {"login": account.email, "password": PASSWORD})
    assert "<h1>Hello</h1>" in client.get(reverse("facility", args=["main"]), follow=True).content.decode()
    assert client.get(reverse("participants", args=["main"])).status_code == 403

    about_accounts = Entry.objects.filter(object_type__startswith="account")
    assert about_accounts.filter(object_type="accounts.User").exists()
    everything = json.dumps([*about_accounts.values("changes", "reason"), *User.objects.filter(pk=account.pk).values()],
                            default=str)  # fmt: skip
    for known in ("Ada", "Byron", "ada@home.example", "555 0101"):
        assert not re.search(rf"\b{known}\b", everything)
    assert "Byron" not in log_in(owner).get(reverse("trail", args=["main"])).content.decode()


def test_a_new_link_makes_the_old_one_worthless_and_an_account_is_made_once(
    person: Participant, clinician: Actor, colleague: User, log_in: LogIn, now: datetime
) -> None:
    page = reverse("invite_participant", args=["main", person.pk])
    first, second = (link_in(log_in(colleague).post(page).content.decode()) for _ in range(2))
    assert Client().get(first).status_code == 404
    assert Client().post(second, {"password": PASSWORD, "again": PASSWORD}).status_code == 302
    with pytest.raises(Refused, match="account already"):
        actions.invite(participant=person, by=clinician, at=now)
    assert "has an account already" in log_in(colleague).post(page).content.decode()
    assert Invitation.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_no_letter_goes_to_a_log_in_name(person: Participant, colleague: User, log_in: LogIn) -> None:
    page = reverse("invite_participant", args=["main", person.pk])
    link = link_in(log_in(colleague).post(page).content.decode())
    Client().post(link, {"password": PASSWORD, "again": PASSWORD})
    for email, letters in ((f"{person.pseudonym.lower()}@participant.invalid", 0), (colleague.email, 1)):
        mail.outbox.clear()
        Client().post(reverse("account_reset_password"), {"email": email})
        POST_ROOM.submit(int).result()  # letters to a new password go out one after the other
        assert len(mail.outbox) == letters, email
