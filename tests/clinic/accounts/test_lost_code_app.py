"""A lost phone without recovery codes: an administrator who made sure who it is takes the code app away."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts import actions as people
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.keys import actions
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import opened

pytestmark = pytest.mark.django_db
HOW, WHY = "She stood before me with her passport.", "The phone fell into the harbour."
RESET = "reset the code app"


def reset(client: Client, person: User, **given: str) -> int:
    told = {"made_sure": HOW, "reason": WHY, "password": PASSWORD, "code": code_now(), **given}
    return client.post(reverse("reset_code_app", args=["main", person.pk]), told).status_code


def test_an_administrator_resets_the_code_app_of_a_colleague(
    facility: Facility, owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    RecoveryCodes.activate(colleague)
    desk, theirs = log_in(owner), log_in(colleague)
    assert theirs.get(reverse("me")).status_code == 200
    page = reverse("reset_code_app", args=["main", colleague.pk])
    assert page in desk.get(reverse("people", args=["main"])).content.decode()
    assert desk.get(page).status_code == 200
    assert reset(desk, colleague) == 302
    # No key is left, no session is left, and the letter names who did it.
    assert not Authenticator.objects.filter(user=colleague).exists()
    assert theirs.get(reverse("me")).status_code == 302
    assert mail.outbox[-1].to == [colleague.email]
    assert "Owner" in str(mail.outbox[-1].body)
    # At the next log-in nothing opens but the set-up of a new one, after the password once more.
    client = Client()
    client.post("/log-in/", {"login": colleague.email, "password": PASSWORD})
    for door in (reverse("facility", args=["main"]), reverse("me"), reverse("my_sessions")):
        assert client.get(door)["Location"] == reverse("mfa_activate_totp")
    assert client.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))


def test_who_it_was_and_how_it_was_made_sure_is_written_down(
    facility: Facility, owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    assert reset(log_in(owner), colleague) == 302
    row = Entry.objects.get(action=RESET)
    assert (row.by_id, row.facility_id, row.object_id) == (owner.pk, facility.pk, str(colleague.pk))
    told = opened([row])[row.sequence]
    assert told.reason == WHY
    assert [(each.field, each.new) for each in told.changes] == [("made sure by", HOW)]
    assert HOW not in row.changes  # it may name somebody: sealed
    page = log_in(owner).get(reverse("trail", args=["main"])).content.decode()
    assert RESET in page
    assert "passport" in page


@pytest.mark.parametrize(
    "given",
    [
        {"password": "wrong"},
        {"code": "000000"},
        {"code": ""},
        {"made_sure": "known"},
        {"made_sure": ""},
        {"reason": ""},
    ],
)
def test_it_needs_proof_reason_and_how(
    given: dict[str, str], facility: Facility, owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    assert reset(log_in(owner), colleague, **given) == 200
    assert Authenticator.objects.filter(user=colleague).exists()
    assert not Entry.objects.filter(action=RESET).exists()


def test_nobody_resets_their_own(facility: Facility, owner: User, log_in: Callable[[User], Client]) -> None:
    client = log_in(owner)
    assert reset(client, owner) == 200
    assert Authenticator.objects.filter(user=owner).exists()
    assert reverse("reset_code_app", args=["main", owner.pk]) not in client.get("/at/main/people/").content.decode()


def test_the_action_asks_by_itself(
    facility: Facility, owner: User, colleague: User, stranger: User, as_owner: Actor, as_clinician: Actor,
    make_person: Callable[..., User],
) -> None:  # fmt: skip
    now = timezone.now()
    with pytest.raises(PermissionDenied):
        actions.reset_code_app(
            user=owner, made_sure=HOW, reason=WHY, proof=Proof(colleague, now), by=as_clinician, at=now
        )
    for person, proof in (
        (colleague, Proof(colleague, now)),  # somebody else's proof
        (colleague, Proof(owner, now - timedelta(hours=1))),  # an old one
        (owner, Proof(owner, now)),  # one's own
        (stranger, Proof(owner, now)),  # works elsewhere
        (make_person("Somebody", facility, Role.PARTICIPANT), Proof(owner, now)),  # no colleague
        (make_person("Newcomer", facility, Role.RATER, code_app=False), Proof(owner, now)),  # has none
    ):
        with pytest.raises(Refused):
            actions.reset_code_app(user=person, made_sure=HOW, reason=WHY, proof=proof, by=as_owner, at=now)


def test_whoever_else_is_concerned_reads_it_too(
    facility: Facility, elsewhere: Facility, owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    people.give_role(
        user=colleague, role=Role.ADMINISTRATOR, facility=elsewhere, by=system(elsewhere), at=timezone.now()
    )
    assert reset(log_in(owner), colleague) == 302
    assert {row.facility_id for row in Entry.objects.filter(action=RESET)} == {facility.pk, elsewhere.pk}


def test_for_the_last_administrator_there_is_the_servers_own_terminal(
    owner: User, log_in: Callable[[User], Client]
) -> None:
    theirs = log_in(owner)
    words = {"email": "OWNER@example.org", "made_sure": HOW, "reason": WHY}
    for fault in ({"email": "nobody@example.org"}, {"made_sure": "known"}, {"reason": " "}):
        with pytest.raises(CommandError):
            call_command("resetcodeapp", **{**words, **fault})
    assert Authenticator.objects.filter(user=owner).exists()
    out = StringIO()
    call_command("resetcodeapp", stdout=out, **words)
    assert "Owner" in out.getvalue()
    assert not Authenticator.objects.filter(user=owner).exists()
    assert theirs.get(reverse("me")).status_code == 302
    assert [row.by_id for row in Entry.objects.filter(action=RESET)] == [None]
    with pytest.raises(CommandError, match="no code app"):
        call_command("resetcodeapp", **words)


def test_a_letter_that_does_not_go_out_stops_nothing(
    facility: Facility, owner: User, colleague: User, log_in: Callable[[User], Client], settings: object
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]  # nobody answers there
    client = log_in(owner)
    assert reset(client, colleague) == 302
    assert not Authenticator.objects.filter(user=colleague).exists()
    told = client.get(reverse("people", args=["main"])).content.decode()
    assert "no email could be sent" in told
    assert Entry.objects.filter(action="could not send a letter", object_id=str(colleague.pk)).count() == 1
