"""Where somebody is logged in: seen and ended by the person, ended by an administrator, ended by a new key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, Clock, code_now

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.keys import actions
from upturn_clinic.accounts.keys.queries import device_in_words, open_sessions
from upturn_clinic.accounts.models import Facility, OpenSession, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.operation import IDLE_LOGOUT

pytestmark = pytest.mark.django_db
MINE = "/me/sessions/"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/1 Safari/604.1"
DESK = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def at(client: Client, agent: str) -> Client:
    """Open a page with a browser of this name, so that the session begins."""
    assert client.get(reverse("me"), headers={"User-Agent": agent}).status_code == 200
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("me")).status_code == 200


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (PHONE, "Safari on an iPhone"),
        (DESK, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on a Mac"),
        ("Mozilla/5.0 (Linux; Android 14; Tab) AppleWebKit/537.36 Chrome/150.0 Safari/537.36", "Chrome on Android"),
        ("curl/8.0", "a browser that does not say its name"),
        ("", "a browser that does not say its name"),
    ],
)
def test_a_device_is_told_in_words(agent: str, told: str) -> None:
    assert device_in_words(agent) == told


def test_somebody_sees_where_they_are_logged_in(owner: User, colleague: User, log_in: Callable[[User], Client]) -> None:
    here, phone = at(log_in(owner), DESK), at(log_in(owner), PHONE)
    at(log_in(colleague), "curl/8.0")
    page = here.get(MINE).content.decode()
    assert "Firefox on Windows" in page
    assert "Safari on an iPhone" in page
    assert "does not say its name" not in page  # the colleague's
    assert page.count("(this one)") == 1
    # What opens a session stands in no page.
    for client in (here, phone):
        assert str(client.session.session_key) not in page


def test_the_first_page_of_a_session_knows_it_already(owner: User, log_in: Callable[[User], Client]) -> None:
    page = log_in(owner).get(MINE, headers={"User-Agent": PHONE}).content.decode()
    assert "Safari on an iPhone" in page
    assert "logged in nowhere else" in page


def test_somebody_ends_one_session_or_all_others(owner: User, log_in: Callable[[User], Client]) -> None:
    here, phone, tablet = (at(log_in(owner), agent) for agent in (DESK, PHONE, "curl/8.0"))
    now = timezone.now()
    (mark,) = [each.mark for each in open_sessions(owner, now) if each.device == "Safari on an iPhone"]
    proof = {"password": PASSWORD, "code": code_now()}
    assert here.post(MINE, {"which": mark, **proof}).status_code == 302
    assert [is_in(each) for each in (here, phone, tablet)] == [True, False, True]
    another = at(log_in(owner), PHONE)
    # A code of the app serves once.
    proof["code"] = RecoveryCodes.activate(owner).get_unused_codes()[0]
    assert here.post(MINE, {"which": "others", **proof}).status_code == 302
    assert [is_in(each) for each in (here, another, tablet)] == [True, False, False]
    rows = Entry.objects.filter(action="ended sessions", by=owner)
    assert [row.changes for row in rows] == ['{"how many":[null,1]}', '{"how many":[null,2]}']


@pytest.mark.parametrize("given", [{"password": "wrong"}, {"code": "000000"}, {"code": ""}, {"which": "no-such-mark"}])
def test_sessions_end_only_with_proof(given: dict[str, str], owner: User, log_in: Callable[[User], Client]) -> None:
    here, phone = at(log_in(owner), DESK), at(log_in(owner), PHONE)
    told = {"which": "others", "password": PASSWORD, "code": code_now(), **given}
    assert here.post(MINE, told).status_code == 200
    assert is_in(phone)


def test_nobody_ends_the_session_of_somebody_else_by_its_mark(
    owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    here, other = at(log_in(owner), DESK), at(log_in(colleague), PHONE)
    (mark,) = [each.mark for each in open_sessions(colleague, timezone.now())]
    here.post(MINE, {"which": mark, "password": PASSWORD, "code": code_now()})
    assert is_in(other)


def test_a_session_that_ended_by_itself_is_not_shown(
    owner: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    at(log_in(owner), PHONE)
    clock.stand_at(timezone.now() + IDLE_LOGOUT + timedelta(seconds=1))
    here = at(log_in(owner), DESK)
    assert "iPhone" not in here.get(MINE).content.decode()
    assert [each.device for each in open_sessions(owner, timezone.now())] == ["Firefox on Windows"]


def test_a_changed_password_leaves_no_session_in_the_list(owner: User, log_in: Callable[[User], Client]) -> None:
    at(log_in(owner), PHONE)
    owner.set_password("eleven herons at dawn, loud")
    owner.save()
    assert open_sessions(owner, timezone.now()) == []


def test_an_administrator_ends_all_sessions_of_a_colleague(
    facility: Facility, owner: User, colleague: User, log_in: Callable[[User], Client]
) -> None:
    desk, theirs = log_in(owner), [at(log_in(colleague), agent) for agent in (DESK, PHONE)]
    page = reverse("end_sessions", args=["main", colleague.pk])
    assert page in desk.get(reverse("people", args=["main"])).content.decode()
    assert desk.post(page, {"reason": ""}).status_code == 200
    assert [is_in(each) for each in theirs] == [True, True]
    assert desk.post(page, {"reason": "the laptop was stolen"}).status_code == 302
    assert [is_in(each) for each in theirs] == [False, False]
    assert is_in(desk)
    row = Entry.objects.get(action="ended sessions")
    assert (row.by_id, row.facility_id, row.object_id) == (owner.pk, facility.pk, str(colleague.pk))
    assert (row.reason, row.changes) == ("the laptop was stolen", '{"how many":[null,2]}')


def test_who_ends_sessions_of_others_is_asked_below_the_pages(
    facility: Facility, owner: User, as_clinician: Actor, as_owner: Actor
) -> None:
    with pytest.raises(PermissionDenied):
        actions.end_sessions(user=owner, reason="out of spite", by=as_clinician, at=timezone.now())
    with pytest.raises(Refused, match="reason"):
        actions.end_sessions(user=owner, reason=" ", by=as_owner, at=timezone.now())


def test_a_new_code_app_ends_the_other_sessions(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    nurse = make_person("Nurse", facility, Role.SESSION_NURSE, code_app=False)
    mine, other = log_in(nurse), log_in(nurse)
    assert other.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("account_reauthenticate"))
    mine.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    mine.get(reverse("mfa_activate_totp"))
    code = code_now(secret=mine.session[SECRET_SESSION_KEY])
    assert mine.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
    assert is_in(mine)
    assert not is_in(other)


def test_new_recovery_codes_end_the_other_sessions(owner: User, log_in: Callable[[User], Client]) -> None:
    mine, other = log_in(owner), at(log_in(owner), PHONE)
    assert mine.get(reverse("mfa_generate_recovery_codes"))["Location"].startswith(reverse("account_reauthenticate"))
    mine.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert mine.get(reverse("mfa_generate_recovery_codes"))["Location"].startswith(reverse("mfa_reauthenticate"))
    mine.post(reverse("mfa_reauthenticate"), {"code": code_now()})
    # Looking at the page changes nothing.
    assert mine.get(reverse("mfa_generate_recovery_codes")).status_code == 200
    assert is_in(other)
    assert mine.post(reverse("mfa_generate_recovery_codes"), {}).status_code == 302
    assert [is_in(mine), is_in(other)] == [True, False]


def test_a_participant_who_takes_the_code_app_away_gives_the_password_and_ends_the_other_sessions(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    somebody = make_person("Somebody", facility, Role.PARTICIPANT)
    mine, other = log_in(somebody), at(log_in(somebody), PHONE)
    keys = Authenticator.objects.filter(user=somebody)
    asked = mine.post(reverse("mfa_deactivate_totp"), {})
    assert asked["Location"].startswith(reverse("account_reauthenticate"))
    assert keys.exists()
    mine.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    mine.post(reverse("mfa_deactivate_totp"), {})
    assert not keys.exists()
    assert [is_in(mine), is_in(other)] == [True, False]
    assert Entry.objects.filter(action="took the code app away", by=somebody).count() == 1


def test_ended_sessions_are_cleared_up(owner: User, log_in: Callable[[User], Client]) -> None:
    for _ in range(2):
        log_in(owner)
    first = OpenSession.objects.order_by("session_key").first()
    assert first is not None
    OpenSession.objects.filter(pk=first.pk).update(expire_date=timezone.now() - timedelta(seconds=1))
    call_command("clearsessions")
    assert OpenSession.objects.count() == 1
    assert not OpenSession.objects.filter(pk=first.pk).exists()
