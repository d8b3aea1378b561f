"""What those inside could do and may not: roles, other facilities, emergency access after the last day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD

from upturn_clinic.accounts import actions, queries
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.keys import actions as keys
from upturn_clinic.accounts.letters import log_in_name
from upturn_clinic.accounts.models import EmergencyAccess, Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing

pytestmark = pytest.mark.django_db


def test_whoever_left_reads_nothing_by_emergency_access(
    facility: Facility, elsewhere: Facility, colleague: User, log_in: Callable[[User], Client]
) -> None:
    now, page = timezone.now(), reverse("participants", args=["elsewhere"])
    access = EmergencyAccess(
        user=colleague, facility=elsewhere, reason="somebody collapsed", opened_at=now, ends_at=now + timedelta(hours=4)
    )
    writing.insert(access, action="opened records in an emergency", by=Actor(colleague, elsewhere), at=now)
    client = log_in(colleague)
    assert client.get(page).status_code == 200
    actions.end_role(membership=colleague.memberships.get(), reason="left today", by=system(facility), at=now)
    assert client.get(page).status_code == 404
    assert elsewhere not in queries.facilities_of(colleague, at=now)


@pytest.mark.parametrize("role", [Role.PARTICIPANT, Role.ANALYST, Role.ADMINISTRATOR, Role.COORDINATOR, Role.RATER])
def test_who_cannot_break_the_glass_is_not_told_which_facilities_there_are(
    role: Role, facility: Facility, elsewhere: Facility, make_person: Callable[..., User],
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    answer = log_in(make_person("Somebody", facility, role)).get(reverse("open_emergency_access"))
    assert answer.status_code == 403
    assert elsewhere.name not in answer.content.decode()


def test_who_rates_blinded_anywhere_does_not_break_the_glass_whatever_else_they_do(
    facility: Facility, elsewhere: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    both, now = make_person("Both", facility, Role.RATER), timezone.now()
    actions.give_role(user=both, role=Role.CLINICIAN, facility=elsewhere, by=system(elsewhere), at=now)
    assert log_in(both).get(reverse("open_emergency_access")).status_code == 403
    with pytest.raises(Refused, match="in a role that cares"):
        actions.open_emergency_access(
            facility=facility, reason="somebody collapsed in the waiting room", proof=Proof(both, now), by=Actor(both),
            at=now,
        )  # fmt: skip
    assert not EmergencyAccess.objects.exists()


def test_nobody_gives_themselves_a_role_where_another_can(
    facility: Facility, owner: User, as_owner: Actor, make_person: Callable[..., User]
) -> None:
    now = timezone.now()
    # Alone there is nobody else who could.
    actions.give_role(user=owner, role=Role.RATER, facility=facility, by=as_owner, at=now)
    second = make_person("Second", facility, Role.ADMINISTRATOR)
    with pytest.raises(Refused, match="themselves a role"):
        actions.give_role(user=owner, role=Role.CLINICIAN, facility=facility, by=as_owner, at=now)
    with pytest.raises(Refused, match="themselves a role"):
        actions.invite(email=owner.email.upper(), role=Role.CLINICIAN, facility=facility, by=as_owner, at=now)
    assert Role.CLINICIAN not in queries.roles_anywhere(owner)
    by_second = Actor(second, facility, frozenset({Role.ADMINISTRATOR}))
    actions.give_role(user=owner, role=Role.CLINICIAN, facility=facility, by=by_second, at=now)
    assert Role.CLINICIAN in queries.roles_anywhere(owner)


def test_pages_tell_that_nobody_gives_themselves_a_role(
    owner: User, make_person: Callable[..., User], facility: Facility, log_in: Callable[[User], Client]
) -> None:
    make_person("Second", facility, Role.ADMINISTRATOR)
    client = log_in(owner)
    for page in (
        client.post(reverse("give_role", args=["main", owner.pk]), {"role": "clinician"}),
        client.post(reverse("invite", args=["main"]), {"email": owner.email, "role": "clinician"}),
    ):
        assert "Nobody gives themselves a role" in page.content.decode()


def test_a_participants_account_never_becomes_staff(
    facility: Facility, owner: User, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    somebody, client = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False), log_in(owner)
    page = reverse("give_role", args=["main", somebody.pk])
    assert client.post(page, {"role": "clinician"}).status_code == 404
    ending = reverse("end_role", args=["main", somebody.memberships.get().pk])
    assert client.post(ending, {"reason": "not the administrator's"}).status_code == 404
    given = {"email": log_in_name("K7Q-4MX"), "role": "clinician"}
    assert "belongs to a participant" in client.post(reverse("invite", args=["main"]), given).content.decode()
    assert queries.roles_anywhere(somebody) == {Role.PARTICIPANT}


def test_somebody_with_two_roles_gets_a_third(
    facility: Facility, owner: User, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    two = make_person("Two", facility, Role.CLINICIAN, Role.PHARMACIST)
    page = reverse("give_role", args=["main", two.pk])
    assert log_in(owner).post(page, {"role": "coordinator"}).status_code == 302
    assert Role.COORDINATOR in queries.roles_anywhere(two)


def test_no_line_is_smuggled_into_a_letter_or_under_a_signature(
    facility: Facility, owner: User, as_owner: Actor, log_in: Callable[[User], Client]
) -> None:
    client = log_in(owner)
    given = {"name": "Main\nBcc: x@example.org", "time_zone": "Europe/Copenhagen", "reason": "because", "version": 1}
    client.post(reverse("change_facility", args=["main"]), given)
    page = client.post(reverse("invite", args=["main"]), {"email": "new@example.org", "role": "rater"})
    assert page.status_code == 200
    assert mail.outbox[-1].subject == "Invitation to Main Bcc: x@example.org"
    assert mail.outbox[-1].to == ["new@example.org"]
    link = next(word for word in str(mail.outbox[-1].body).split() if "/invitation/" in word)
    typed = {"name": "New\r\nSigned by Owner", "password": PASSWORD, "again": PASSWORD}
    Client().post(link.removeprefix("http://testserver"), typed)
    assert User.objects.get(email="new@example.org").name == "New Signed by Owner"


def test_an_administrator_acts_at_their_own_facility_alone(
    facility: Facility, elsewhere: Facility, stranger: User, as_owner: Actor
) -> None:
    now, role = timezone.now(), stranger.memberships.first()
    assert role is not None
    letter = actions.invite(email="a@example.org", role=Role.RATER, facility=elsewhere, by=system(elsewhere), at=now)
    # Even if a page forgot to ask.
    for act in (
        lambda: actions.invite(email="b@example.org", role=Role.RATER, facility=elsewhere, by=as_owner, at=now),
        lambda: actions.withdraw_invitation(invitation=letter, reason="not mine", by=as_owner, at=now),
        lambda: actions.give_role(user=stranger, role=Role.RATER, facility=elsewhere, by=as_owner, at=now),
        lambda: actions.end_role(membership=role, reason="not mine", by=as_owner, at=now),
        lambda: keys.end_sessions(user=stranger, reason="not mine", by=as_owner, at=now),
    ):
        with pytest.raises((PermissionDenied, Refused)):
            act()
