"""What was tried against the doors: what got through once, and what never may."""

from __future__ import annotations

import json
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from allauth.account.forms import default_token_generator as token_generator
from allauth.core.internal import ratelimit
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.contrib.sessions.backends.base import UpdateError
from django.core import mail
from django.db import IntegrityError, connections
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.adapters import POST_ROOM
from upturn_clinic.accounts.keys import actions as keys
from upturn_clinic.accounts.letters import link_to, link_to_password
from upturn_clinic.accounts.models import Facility, Invitation, OpenSession, PasswordLink, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.sessions import SessionStore
from upturn_clinic.assessments.links.logs import WithoutLinks
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.models import Entry
from upturn_clinic.operation import LONGEST_PAGE_NOTED, PASSWORD_LINK_VALID

pytestmark = pytest.mark.django_db
LOG_IN, CODE, FORGOTTEN = "/log-in/", "/log-in/code/", "/password/"
NEW = "eleven herons at dawn, loud"
# Far longer than a busy machine takes for what does not wait for the letter; nobody waits for its end.
STALL_S = 60.0


@dataclass(frozen=True)
class Stall:
    """Whether somebody called the mail server, and whether it let go of them."""

    called: threading.Event
    done: threading.Event


@pytest.fixture
def stalling_mail_server(settings: object) -> Iterator[Stall]:
    """A mail server that takes the call and says nothing until it is told to let go."""
    called, done = threading.Event(), threading.Event()
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def stall() -> None:
            caller, _ = server.accept()
            called.set()
            done.wait(STALL_S)
            done.set()
            caller.close()

        threading.Thread(target=stall, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()  # type: ignore[attr-defined]
        settings.EMAIL_TIMEOUT = 2 * STALL_S  # type: ignore[attr-defined]  # who waits for the letter waits to its end
        yield Stall(called, done)
        done.set()
        POST_ROOM.submit(int).result()


@pytest.mark.django_db(transaction=True)
def test_who_has_an_account_is_not_told_by_the_time_that_a_letter_takes(
    owner: User, stalling_mail_server: Stall
) -> None:
    assert Client().post(FORGOTTEN, {"email": owner.email}).status_code == 302
    assert stalling_mail_server.called.wait(STALL_S)
    # The answer is there and the letter still on its way.
    assert not stalling_mail_server.done.is_set()


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_to_write_while_a_letter_goes_out(
    owner: User, colleague: User, log_in: Callable[[User], Client], stalling_mail_server: Stall
) -> None:
    client = log_in(owner)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    given = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}

    def change() -> None:
        client.post(reverse("account_change_password"), given)
        connections.close_all()

    changing = threading.Thread(target=change)
    changing.start()
    assert stalling_mail_server.called.wait(STALL_S)
    writing.note(action="read something", by=Actor(colleague), at=timezone.now())
    assert not stalling_mail_server.done.is_set()
    stalling_mail_server.done.set()
    changing.join()


@pytest.mark.django_db(transaction=True)
def test_nobody_fills_a_colleagues_mailbox(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    for minute in range(20):
        clock = SimpleNamespace(time=lambda: now + 60 * minute, monotonic=time.monotonic, sleep=time.sleep)  # noqa: B023
        monkeypatch.setattr(ratelimit, "time", clock)
        Client(REMOTE_ADDR=f"203.0.113.{minute}").post(FORGOTTEN, {"email": owner.email})
    POST_ROOM.submit(int).result()
    assert len(mail.outbox) == 5


def test_a_stranger_locks_nobody_out_by_guessing(owner: User) -> None:
    stranger, at_work = Client(REMOTE_ADDR="203.0.113.9"), Client(REMOTE_ADDR="198.51.100.7")
    for _ in range(6):
        told = stranger.post(LOG_IN, {"login": owner.email, "password": "wrong"}).content.decode()
    assert "Too many" in told
    assert at_work.post(LOG_IN, {"login": owner.email, "password": PASSWORD}).headers.get("Location") == CODE


def test_many_addresses_together_are_slowed_down(owner: User) -> None:
    def guess(number: int) -> str:
        client = Client(REMOTE_ADDR=f"203.0.113.{number // 4}")
        return client.post(LOG_IN, {"login": owner.email, "password": "wrong"}).content.decode()

    told = ["Too many" in guess(number) for number in range(60)]
    assert told == [False] * 50 + [True] * 10


@pytest.mark.parametrize("what", ["the password", "the account"])
def test_a_log_in_at_its_second_step_ends_with(what: str, owner: User) -> None:
    client = Client()
    assert client.post(LOG_IN, {"login": owner.email, "password": PASSWORD}).headers["Location"] == CODE
    if what == "the password":
        owner.set_password(NEW)
    else:
        owner.is_active = False
    owner.save()
    client.post(CODE, {"code": code_now()})
    assert client.get(reverse("me"))["Location"].startswith(LOG_IN)
    assert not Entry.objects.filter(action="logged in").exists()


def test_a_wrong_code_at_log_in_is_written_down(owner: User) -> None:
    client = Client()
    client.post(LOG_IN, {"login": owner.email, "password": PASSWORD})
    client.post(CODE, {"code": "000000"})
    (row,) = Entry.objects.filter(action="gave a wrong code")
    assert row.object_id == str(owner.pk)
    assert "000000" not in row.changes


def test_a_wrong_proof_is_written_down(facility: Facility, colleague: User, log_in: Callable[[User], Client]) -> None:
    client, action = log_in(colleague), "failed to confirm who they are"
    given = {"facility": str(facility.pk), "reason": "a participant collapsed", "password": "x", "code": code_now()}
    client.post(reverse("open_emergency_access"), given)
    client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    client.post(reverse("mfa_reauthenticate"), {"code": "000000"})
    rows = Entry.objects.filter(action=action, by=colleague)
    assert {row.object_id for row in rows} == {str(colleague.pk)}
    pages = [json.loads(row.changes)["page"][1] for row in rows.order_by("sequence")]
    assert pages == ["/emergency-access/", "/confirm/", "/confirm/code/"]


def test_somebody_without_a_code_app_is_asked_for_no_code(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    client = log_in(make_person("Somebody", facility, Role.PARTICIPANT, code_app=False))
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    for page in ("mfa_view_recovery_codes", "mfa_download_recovery_codes"):
        assert client.get(reverse(page)).status_code == 404


@pytest.mark.parametrize("page", ["mfa_view_recovery_codes", "mfa_download_recovery_codes"])
@pytest.mark.parametrize("known", ["password", "code"])
def test_one_of_password_and_code_does_not_bring_the_other(
    page: str, known: str, owner: User, log_in: Callable[[User], Client]
) -> None:
    codes, client = RecoveryCodes.activate(owner).get_unused_codes(), log_in(owner)
    by_password = (reverse("account_reauthenticate"), {"password": PASSWORD})
    by_code = (reverse("mfa_reauthenticate"), {"code": code_now()})
    first, second = (by_password, by_code) if known == "password" else (by_code, by_password)
    client.post(*first)
    for closed in (page, "mfa_generate_recovery_codes"):
        assert client.get(reverse(closed))["Location"].startswith(second[0])
    client.post(*second)
    assert codes[0] in client.get(reverse(page)).content.decode()


def test_a_live_link_stands_in_no_log(
    facility: Facility, owner: User, as_owner: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    now, request = timezone.now(), RequestFactory().get("/")
    letter = actions.invite(email="new@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    back = PasswordLink(user=owner, facility=facility, expires_at=now + PASSWORD_LINK_VALID)
    by_letter = reverse("account_reset_password_from_key", args=[owner.pk.hex, "abc123-0a1b2c3d"])
    writing.insert(back, action="made a link to a new password", by=as_owner, at=now)
    links = [link_to(letter, request), link_to_password(back, request), f"http://testserver{by_letter}"]
    with caplog.at_level(logging.DEBUG):
        caplog.handler.addFilter(WithoutLinks())
        for link in links:
            # Without a cookie, as where a browser keeps none: refused, and the server's log says which page it was.
            path = link.removeprefix("http://testserver")
            assert Client(enforce_csrf_checks=True).post(path).status_code == 403
    lines = [each.getMessage() for each in caplog.records if "Forbidden" in each.getMessage()]
    assert len(lines) == len(links)
    for link in links:
        assert link.rstrip("/").rpartition("/")[2] not in " ".join(lines)


def test_a_log_keeps_a_fault_without_what_the_database_tells_of_values() -> None:
    told = (
        'duplicate key value violates "accounts_user_email_key"\nDETAIL:  Key (email)=(new@example.org) already exists.'
    )
    try:
        raise IntegrityError(told)
    except IntegrityError:
        line = logging.LogRecord("x", logging.ERROR, "", 0, "Internal Server Error", (), sys.exc_info())
    assert WithoutLinks().filter(line)
    written = logging.Formatter().format(line)
    assert "IntegrityError: duplicate key value" in written
    assert "new@example.org" not in written


@pytest.mark.django_db(transaction=True)
def test_an_invitation_accepted_twice_at_once_makes_one_account(facility: Facility, as_owner: Actor) -> None:
    now = timezone.now()
    letter = actions.invite(email="new@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    begin, told = threading.Barrier(4), []

    def accept(number: int) -> None:
        mine = Invitation.objects.get(pk=letter.pk)
        begin.wait()
        try:
            actions.accept(invitation=mine, user=None, name=f"New {number}", password=PASSWORD, at=now)
        except Refused as refusal:
            told.append(refusal.fault)
        else:
            told.append("accepted")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(told) == ["This invitation no longer opens anything."] * 3 + ["accepted"]


def test_a_forged_link_to_a_new_password_is_written_down(owner: User) -> None:
    path = reverse("account_reset_password_from_key", args=[owner.pk.hex, "abc123-forged"])
    answer = Client().get(path)
    assert answer.status_code == 404
    assert "used already, is too old" in answer.content.decode()
    (row,) = Entry.objects.filter(action="opened a link that opens nothing")
    assert "forged" not in row.changes


@pytest.mark.parametrize(("late", "status"), [(timedelta(minutes=-1), 302), (timedelta(minutes=1), 404)])
def test_a_letter_to_a_new_password_opens_for_a_day(late: timedelta, status: int, owner: User) -> None:
    # As the letter's link was made a day ago.
    made = int((datetime.now() - datetime(2001, 1, 1) - PASSWORD_LINK_VALID - late).total_seconds())
    key = token_generator._make_token_with_timestamp(owner, made, token_generator.secret)
    assert Client().get(reverse("account_reset_password_from_key", args=[owner.pk.hex, key])).status_code == status


def test_a_long_address_fills_no_disk(facility: Facility) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post(f"/at/{'a' * 4000}/people/", {"x": "1"}).status_code == 403
    (row,) = Entry.objects.filter(action="sent a form without its token")
    assert len(json.loads(row.changes)["page"][1]) == LONGEST_PAGE_NOTED


def test_another_port_in_the_address_counts_no_anew(owner: User) -> None:
    def guess(port: int) -> str:
        given = {"login": owner.email, "password": "wrong"}
        return Client(headers={"host": f"testserver:{port}"}).post(LOG_IN, given).content.decode()

    assert ["Too many" in guess(port) for port in range(1000, 1006)] == [False] * 5 + [True]


@pytest.mark.parametrize(
    "next_page", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)",
                  "http://testserver@evil.example/", "\thttps://evil.example"],
)  # fmt: skip
def test_a_log_in_leads_to_no_other_site(next_page: str, owner: User) -> None:
    client = Client()
    client.post(LOG_IN, {"login": owner.email, "password": PASSWORD, "next": next_page})
    assert client.post(CODE, {"code": code_now(), "next": next_page})["Location"] == reverse("home")


def test_a_session_gets_a_new_key_at_log_in_and_the_old_one_opens_nothing(owner: User) -> None:
    client, planted = Client(), SessionStore()
    planted["of"] = "an attacker"
    planted.create()
    client.cookies["sessionid"] = str(planted.session_key)
    client.post(LOG_IN, {"login": owner.email, "password": PASSWORD})
    client.post(CODE, {"code": code_now()})
    assert client.get(reverse("me")).status_code == 200
    assert client.session.session_key != planted.session_key
    attacker = Client()
    attacker.cookies["sessionid"] = str(planted.session_key)
    assert attacker.get(reverse("me")).status_code == 302


def test_a_request_on_its_way_does_not_bring_an_ended_session_back(
    owner: User, log_in: Callable[[User], Client]
) -> None:
    on_its_way = SessionStore(log_in(owner).session.session_key)
    on_its_way["typed"] = "something"
    keys.end_sessions(user=owner, reason="the tablet is lost", by=Actor(owner), at=timezone.now())
    with pytest.raises(UpdateError):
        on_its_way.save()
    assert not OpenSession.objects.filter(person=owner.pk).exists()
