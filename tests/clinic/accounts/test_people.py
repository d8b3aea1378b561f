"""Invitations, roles and who may give them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, Invitation, Membership, User
from upturn_clinic.accounts.permissions import ROLES, Permission, Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.operation import INVITATION_VALID

pytestmark = pytest.mark.django_db


def invited(client: Client, facility: Facility, email: str, role: Role) -> str:
    """Invite through the page and read the link from the letter."""
    page = client.post(reverse("invite", args=[facility.slug]), {"email": email, "role": role.value})
    assert page.status_code == 200
    found = re.search(r"https?://testserver(\S+)", str(mail.outbox[-1].body))
    assert found is not None
    # Whoever invites cannot take the account up themselves: where letters go out, the link stands in the letter alone.
    assert "/invitation/" not in page.content.decode()
    return found.group(1)


def test_an_invitation_opens_once(facility: Facility, owner: User, log_in: Callable[[User], Client]) -> None:
    link = invited(log_in(owner), facility, "New@Example.org", Role.SESSION_NURSE)
    visitor = Client()
    assert "session nurse" in visitor.get(link).content.decode()
    done = visitor.post(link, {"name": "New Nurse", "password": PASSWORD, "again": PASSWORD})
    assert done.status_code == 302
    nurse = User.objects.get(email="new@example.org")
    assert queries.roles_anywhere(nurse) == {Role.SESSION_NURSE}
    assert visitor.get(link).status_code == 404
    assert visitor.post(link, {"name": "X", "password": PASSWORD, "again": PASSWORD}).status_code == 404


def test_a_weak_password_is_refused(facility: Facility, owner: User, log_in: Callable[[User], Client]) -> None:
    link = invited(log_in(owner), facility, "new@example.org", Role.RATER)
    for password, told in (
        ("short", "at least 12"), ("new@example.org", "too similar"), ("password1234", "common"),
        ("Main-Clinic-2026!", "words of this clinic"), ("KetamineUpturn26", "words of this clinic"),
    ):  # fmt: skip
        page = Client().post(link, {"name": "New", "password": password, "again": password})
        assert told in page.content.decode().lower(), password
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.parametrize("how", ["expired", "withdrawn", "forged"])
def test_a_worthless_invitation_opens_nothing(
    how: str, facility: Facility, owner: User, as_owner: Actor, log_in: Callable[[User], Client]
) -> None:
    link = invited(log_in(owner), facility, "new@example.org", Role.RATER)
    letter = Invitation.objects.get()
    if how == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif how == "withdrawn":
        actions.withdraw_invitation(invitation=letter, reason="wrong address", by=as_owner, at=timezone.now())
    else:
        link = link[:-2] + ("y/" if link[-2] == "x" else "x/")
    assert Client().get(link).status_code == 404


def test_an_action_itself_refuses_what_was_used_up(facility: Facility, as_owner: Actor) -> None:
    now = timezone.now()
    letter = actions.invite(email="a@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    with pytest.raises(Refused, match="no longer opens"):
        actions.accept(invitation=letter, user=None, name="A", password=PASSWORD, at=now + INVITATION_VALID)


def test_somebody_with_an_account_accepts_with_it(
    facility: Facility, owner: User, stranger: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    link = invited(log_in(owner), facility, stranger.email, Role.RATER)
    assert "Log in to accept" in Client().get(link).content.decode()
    wrong = log_in(colleague).post(link)
    assert "for another address" in wrong.content.decode()
    assert log_in(stranger).post(link).status_code == 302
    assert Membership.objects.filter(user=stranger, facility=facility, role=Role.RATER).count() == 1


def test_a_new_letter_replaces_the_old_one(facility: Facility, owner: User, log_in: Callable[[User], Client]) -> None:
    client = log_in(owner)
    first = invited(client, facility, "new@example.org", Role.RATER)
    second = invited(client, facility, "new@example.org", Role.RATER)
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


def test_an_action_refuses_by_itself_even_if_a_page_forgot(facility: Facility, colleague: User) -> None:
    clinician = Actor(colleague, facility, frozenset({Role.CLINICIAN}))
    with pytest.raises(PermissionDenied):
        actions.invite(email="a@example.org", role=Role.RATER, facility=facility, by=clinician, at=timezone.now())
    with pytest.raises(PermissionDenied):
        actions.give_role(user=colleague, role=Role.ADMINISTRATOR, facility=facility, by=clinician, at=timezone.now())


def test_the_last_administrator_stays(
    facility: Facility, owner: User, as_owner: Actor, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    last = owner.memberships.get()
    page = log_in(owner).post(reverse("end_role", args=[facility.slug, last.pk]), {"reason": "going home"})
    assert "last administrator stays" in page.content.decode()
    make_person("Second", facility, Role.ADMINISTRATOR)
    actions.end_role(membership=last, reason="now there are two", by=as_owner, at=timezone.now())
    assert queries.actor_at(owner, facility.slug, at=timezone.now()) is None


def test_a_role_is_given_once(facility: Facility, colleague: User, as_owner: Actor) -> None:
    for _ in range(2):
        actions.give_role(user=colleague, role=Role.RATER, facility=facility, by=as_owner, at=timezone.now())
    assert Membership.objects.filter(user=colleague, role=Role.RATER).count() == 1


def test_blinding_is_in_the_table() -> None:
    unmasking = {Permission.SEE_SESSIONS, Permission.SEE_CLINICAL_RECORD, Permission.SEE_ARM}
    assert not ROLES[Role.RATER] & unmasking
    assert not ROLES[Role.ANALYST] & {*unmasking, Permission.SEE_IDENTITY, Permission.SEE_PARTICIPANTS}
    assert not ROLES[Role.ADMINISTRATOR] & {*unmasking, Permission.SEE_IDENTITY}
    assert all(permission in frozenset().union(*ROLES.values()) for permission in Permission)


def test_the_first_administrator_is_made_at_the_terminal(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # One line for each time that the command asks.
    monkeypatch.setattr("sys.stdin", StringIO(f"{PASSWORD}\n" * 4))
    words = {"email": "ada@example.org", "name": "Ada", "facility": "main", "password_stdin": True}
    with pytest.raises(CommandError, match="--facility-name"):
        call_command("createadministrator", **words)
    with pytest.raises(CommandError, match="not a time zone"):
        call_command("createadministrator", facility_name="Main", time_zone="Mars/Base", **words)
    out = StringIO()
    call_command("createadministrator", facility_name="Main", time_zone="Europe/Oslo", stdout=out, **words)
    assert "Ada is administrator of Main" in out.getvalue()
    with pytest.raises(CommandError, match="has an account already"):
        call_command("createadministrator", **words)
    ada = User.objects.get()
    assert ada.check_password(PASSWORD)
    assert queries.roles_anywhere(ada) == {Role.ADMINISTRATOR}


def test_passwords_are_kept_with_argon2(settings: object, db: None) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]  # type: ignore[attr-defined]
    user = actions.create_person(email="a@example.org", name="A", password=PASSWORD, by=system(), at=timezone.now())
    assert user.password.startswith("argon2$argon2id$")
    assert user.check_password(PASSWORD)
    assert not user.check_password(PASSWORD + "!")


def test_the_telephone_and_the_address_of_the_team_are_set_with_a_reason(
    facility: Facility, owner: User, log_in: Callable[[User], Client]
) -> None:
    client, page = log_in(owner), reverse("change_facility", args=[facility.slug])
    form = client.get(page).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    sent |= {"phone": "555 0100, Mon to Fri 8 to 16", "address": "1 Harbour Street,  floor 2", "reason": "we moved"}
    assert client.post(page, sent).status_code == 302
    facility.refresh_from_db()
    assert facility.phone == "555 0100, Mon to Fri 8 to 16"
    assert facility.address == "1 Harbour Street, floor 2"
