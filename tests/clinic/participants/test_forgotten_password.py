"""A participant who forgot the password: a link handed over by the clinic, once, written down; old sessions end."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, Clock

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, PasswordLink, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.operation import PASSWORD_LINK_VALID
from upturn_clinic.participants import actions
from upturn_clinic.participants.erasure.actions import offer_new_password
from upturn_clinic.participants.models import Participant

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
NEW = "seven loud geese at dawn"


@pytest.fixture
def account(person: Participant, clinician: Actor, now: datetime) -> User:
    letter = actions.invite(participant=person, by=clinician, at=now)
    return accounts.accept(invitation=letter, user=None, name=person.pseudonym, password=PASSWORD, at=now)


def link_from(client: Client, person: Participant) -> str:
    page = client.post(reverse("offer_new_password", args=["main", person.pk])).content.decode()
    found = re.search(r'class="link">http://testserver([^<]+)<', page)
    assert found, page
    return found[1]


def logs_in(account: User, password: str) -> bool:
    client = Client()
    client.post(reverse("account_login"), {"login": account.email, "password": password})
    return client.get(reverse("own", args=["main"])).status_code == 200


def test_from_the_counter_to_a_new_password(person: Participant, account: User, colleague: User, log_in: LogIn) -> None:
    before = log_in(account)
    staff = log_in(colleague)
    assert "Forgotten password" in staff.get(reverse("participant", args=["main", person.pk])).content.decode()
    link = link_from(staff, person)
    # The old password holds until the link is used: whoever asks in vain locks nobody out.
    assert before.get(reverse("own", args=["main"])).status_code == 200
    browser = Client()
    page = browser.get(link)
    assert account.email in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert page["Referrer-Policy"] == "same-origin"
    assert browser.post(link, {"password": NEW, "again": NEW}).status_code == 302
    assert before.get(reverse("own", args=["main"])).status_code == 302
    assert not logs_in(account, PASSWORD)
    assert logs_in(account, NEW)


def test_all_of_it_is_in_the_trail_and_neither_password_nor_link_is(
    person: Participant, account: User, colleague: User, log_in: LogIn
) -> None:
    link = link_from(log_in(colleague), person)
    Client().post(link, {"password": NEW, "again": NEW})
    rows = {row.action: row for row in Entry.objects.all()}
    made, used, changed = (rows[each] for each in (
        "made a link to a new password", "used the link to a new password", "set a new password"))  # fmt: skip
    assert made.by_id == colleague.pk
    assert used.by_id == changed.by_id == account.pk
    account.refresh_from_db()
    token = link.rsplit("/", 2)[1]
    for row in rows.values():
        assert account.password not in row.changes
        assert token not in row.changes + row.reason


def test_a_link_opens_once_and_a_new_one_makes_the_old_one_worthless(
    person: Participant, account: User, colleague: User, log_in: LogIn
) -> None:
    first, second = (link_from(log_in(colleague), person) for _ in range(2))
    given = {"password": NEW, "again": NEW}
    assert Client().post(first, given).status_code == 404
    assert Client().post(second, given).status_code == 302
    other = {"password": "another long sentence", "again": "another long sentence"}
    assert Client().get(second).status_code == 404
    assert Client().post(second, other).status_code == 404
    assert logs_in(account, NEW)


def test_an_old_link_a_forged_one_and_an_invitation_open_nothing_and_say_the_same(
    person: Participant, account: User, colleague: User, log_in: LogIn, clock: Clock, now: datetime
) -> None:
    link = link_from(log_in(colleague), person)
    forged = reverse("new_password", args=["no-such-link"])
    pages = [Client().get(forged)]
    # A link for one purpose opens no other.
    token = link.rsplit("/", 2)[1]
    letter = signing.dumps(str(PasswordLink.objects.get().pk), salt="upturn clinic, invitation")
    assert Client().get(reverse("accept_invitation", args=[token])).status_code == 404
    assert Client().get(reverse("new_password", args=[letter])).status_code == 404
    clock.stand_at(now + PASSWORD_LINK_VALID + timedelta(minutes=1))
    pages.append(Client().get(link))
    assert [page.status_code for page in pages] == [404, 404]
    plain = [re.sub(r'(value|content|hx-headers)=(["\']).*?\2', "", page.content.decode()) for page in pages]
    assert plain[0] == plain[1]
    assert account.email not in plain[0]


def test_a_weak_password_is_refused(person: Participant, account: User, colleague: User, log_in: LogIn) -> None:
    link = link_from(log_in(colleague), person)
    assert Client().post(link, {"password": "short", "again": "short"}).status_code == 200
    assert Client().post(link, {"password": NEW, "again": NEW + "x"}).status_code == 200
    assert logs_in(account, PASSWORD)


def test_only_a_participant_has_such_a_link(
    person: Participant, account: User, clinician: Actor, facility: Facility, owner: User,
    actor_as: Callable[[Role], Actor], now: datetime,
) -> None:  # fmt: skip
    with pytest.raises(Refused, match="no open account"):
        accounts.offer_new_password(user=owner, facility=facility, by=clinician, at=now)
    roles = (Role.ADMINISTRATOR, Role.SESSION_NURSE, Role.RATER, Role.ANALYST)
    for by in map(actor_as, roles):
        with pytest.raises(PermissionDenied):
            offer_new_password(participant=person, by=by, at=now)
        with pytest.raises(PermissionDenied):
            accounts.offer_new_password(user=account, facility=facility, by=by, at=now)


def test_without_an_account_or_with_a_closed_one_there_is_no_link(
    person: Participant, clinician: Actor, colleague: User, log_in: LogIn, now: datetime
) -> None:
    with pytest.raises(Refused, match="no account yet"):
        offer_new_password(participant=person, by=clinician, at=now)
    page = log_in(colleague).post(reverse("offer_new_password", args=["main", person.pk])).content.decode()
    assert "no account yet" in page
    assert not PasswordLink.objects.exists()


def test_nobody_else_uses_the_link_of_somebody(
    person: Participant, account: User, clinician: Actor, facility: Facility, now: datetime
) -> None:
    link = offer_new_password(participant=person, by=clinician, at=now)
    for by in (clinician, system(facility)):
        with pytest.raises(Refused, match="no longer opens"):
            accounts.set_new_password(link=link, password=NEW, by=by, at=timezone.now())
    account.refresh_from_db()
    assert account.check_password(PASSWORD)
