"""Logging in with password and code, logging out by itself, proving who one is, breaking the glass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD, Clock, code_now

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.models import Entry
from upturn_clinic.operation import EMERGENCY_ACCESS, IDLE_LOGOUT, PROOF_VALID, SESSION_LENGTH

pytestmark = pytest.mark.django_db
LOG_IN = "/log-in/"


def with_password(client: Client, user: User, password: str = PASSWORD) -> str:
    answer = client.post(LOG_IN, {"login": user.email, "password": password})
    return str(answer.headers.get("Location", ""))


def test_password_and_code_open_the_house(owner: User, facility: Facility) -> None:
    client = Client()
    assert with_password(client, owner) == reverse("mfa_authenticate")
    assert client.get(reverse("people", args=[facility.slug])).status_code == 302
    wrong = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "The code is not right" in wrong.content.decode()
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(reverse("people", args=[facility.slug])).status_code == 200
    assert Entry.objects.filter(action="logged in", by=owner).count() == 1


def test_a_code_serves_once(owner: User) -> None:
    code = code_now()
    first, second = Client(), Client()
    with_password(first, owner)
    with_password(second, owner)
    assert first.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
    assert "The code is not right" in second.post(reverse("mfa_authenticate"), {"code": code}).content.decode()


@pytest.mark.parametrize("half_minutes", [-2, -1, 1])
def test_a_code_opens_only_while_the_app_shows_it(half_minutes: int, owner: User, facility: Facility) -> None:
    client, people = Client(), reverse("people", args=[facility.slug])
    with_password(client, owner)
    refused = client.post(reverse("mfa_authenticate"), {"code": code_now(half_minutes)})
    assert "The code is not right" in refused.content.decode()
    assert client.get(people).status_code == 302
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(people).status_code == 200


def test_a_recovery_code_opens_once(owner: User) -> None:
    code = RecoveryCodes.activate(owner).get_unused_codes()[0]
    for status in (302, 200):
        client = Client()
        with_password(client, owner)
        assert client.post(reverse("mfa_authenticate"), {"code": code}).status_code == status


def test_a_changed_password_ends_every_session(
    owner: User, facility: Facility, log_in: Callable[[User], Client]
) -> None:
    mine, other = log_in(owner), log_in(owner)
    page = reverse("people", args=["main"])
    assert other.get(page).status_code == 200
    new = "eleven herons at dawn, loud"
    mine.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    mine.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert mine.get(page).status_code == 302
    assert other.get(page).status_code == 302
    assert Entry.objects.filter(action="changed the password", by=owner).count() == 1


def test_a_failed_log_in_is_written_down_and_does_not_tell_who_exists(owner: User) -> None:
    known = Client().post(LOG_IN, {"login": owner.email, "password": "wrong"}).content.decode()
    unknown = Client().post(LOG_IN, {"login": "nobody@example.org", "password": "wrong"}).content.decode()
    told = "Email or password is not right."
    assert told in known
    assert told in unknown
    assert [row.object_id for row in Entry.objects.filter(action="failed to log in")] == [str(owner.pk), ""]


def test_guessing_is_slowed_down(owner: User) -> None:
    client = Client()
    for _ in range(12):
        client.post(LOG_IN, {"login": owner.email, "password": "wrong"})
    assert with_password(client, owner) == ""  # even the right password does not open now
    assert "Too many" in client.post(LOG_IN, {"login": owner.email, "password": PASSWORD}).content.decode()


def test_new_staff_sets_up_a_code_app_and_gets_recovery_codes(
    facility: Facility, make_person: Callable[..., User]
) -> None:
    nurse = make_person("Nurse", facility, Role.SESSION_NURSE, code_app=False)
    client = Client()
    with_password(client, nurse)
    # Keys change only after the password once more.
    assert client.get(reverse("mfa_activate_totp")).status_code == 302
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert client.get(reverse("mfa_activate_totp")).status_code == 200
    from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY  # noqa: PLC0415

    secret = client.session[SECRET_SESSION_KEY]
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_now(secret=secret)})
    assert answer["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get(reverse("facility", args=[facility.slug])).status_code == 200
    stored = Authenticator.objects.get(user=nurse, type=Authenticator.Type.TOTP)
    assert secret not in str(stored.data)
    assert Entry.objects.filter(action="set up a code app", by=nurse).exists()


def test_staff_cannot_take_the_code_app_away(owner: User) -> None:
    client = Client()
    with_password(client, owner)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    client.post(reverse("mfa_deactivate_totp"), {})
    assert Authenticator.objects.filter(user=owner, type=Authenticator.Type.TOTP).exists()


def test_a_participant_needs_no_code_app(facility: Facility, make_person: Callable[..., User]) -> None:
    somebody = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    client = Client()
    assert with_password(client, somebody) == reverse("home")
    page = client.get(reverse("facility", args=[facility.slug]), follow=True).content.decode()
    assert "If you need help now" in page
    assert "local emergency number" in page


def test_idle_people_are_logged_out_and_led_back(
    owner: User, facility: Facility, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, page = log_in(owner), reverse("people", args=[facility.slug])
    start = timezone.now()
    clock.stand_at(start)
    assert client.get(page).status_code == 200
    clock.stand_at(start + IDLE_LOGOUT - timedelta(seconds=1))
    assert client.get(page).status_code == 200
    clock.stand_at(start + 2 * IDLE_LOGOUT - timedelta(seconds=2))
    assert client.get(page).status_code == 200
    clock.stand_at(start + 3 * IDLE_LOGOUT)
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"] == f"{LOG_IN}?next={page.replace('/', '%2F')}"
    assert "logged out after 15 minutes without activity" in client.get(answer["Location"]).content.decode()
    assert Entry.objects.filter(action="was logged out", by=owner).count() == 1


def test_what_a_page_asks_by_itself_keeps_nobody_logged_in(
    owner: User, facility: Facility, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, page = log_in(owner), reverse("people", args=[facility.slug])
    start = timezone.now()
    clock.stand_at(start)
    client.get(page)
    clock.stand_at(start + IDLE_LOGOUT - timedelta(seconds=1))
    assert client.get(page, headers={"X-Upturn-By-Itself": "1"}).status_code == 200
    clock.stand_at(start + IDLE_LOGOUT + timedelta(seconds=1))
    part = client.get(page, headers={"X-Upturn-By-Itself": "1", "HX-Request": "true"})
    assert part["HX-Redirect"].startswith(LOG_IN)


def test_who_did_nothing_since_the_log_in_is_logged_out_too(
    owner: User, facility: Facility, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, page, by_itself = log_in(owner), reverse("people", args=[facility.slug]), {"X-Upturn-By-Itself": "1"}
    start = timezone.now()
    clock.stand_at(start)
    assert client.get(page, headers=by_itself).status_code == 200
    assert "last_activity" not in client.session
    clock.stand_at(start + IDLE_LOGOUT + timedelta(seconds=1))
    assert client.get(page, headers=by_itself).status_code == 302


def test_nobody_stays_longer_than_a_working_day(
    owner: User, facility: Facility, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, page = log_in(owner), reverse("people", args=[facility.slug])
    start = now = timezone.now()
    while now - start <= SESSION_LENGTH:
        clock.stand_at(now)
        assert client.get(page).status_code == 200
        now += IDLE_LOGOUT - timedelta(seconds=1)
    clock.stand_at(now)
    assert client.get(page).status_code == 302


def test_reading_pages_does_not_write_rows_each_time(
    owner: User,
    facility: Facility,
    log_in: Callable[[User], Client],
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    client = log_in(owner)
    client.get(reverse("people", args=[facility.slug]))
    # session, person, roles, emergency, staff, invitations
    with django_assert_max_num_queries(6) as asked:  # type: ignore[attr-defined]
        client.get(reverse("people", args=[facility.slug]))
    assert all(query["sql"].lstrip().upper().startswith("SELECT") for query in asked.captured_queries)


def test_a_proof_is_of_one_person_and_short(owner: User, colleague: User) -> None:
    now = timezone.now()
    Proof(owner, now).must_be(owner, at=now + PROOF_VALID)
    for proof, at in ((Proof(colleague, now), now), (Proof(owner, now), now + PROOF_VALID + timedelta(seconds=1))):
        with pytest.raises(Refused):
            proof.must_be(owner, at=at)


def emergency(client: Client, facility: Facility, **given: str) -> str:
    told = {"facility": str(facility.pk), "reason": "a participant collapsed in the hall", "password": PASSWORD,
            "code": code_now(), **given}  # fmt: skip
    return client.post(reverse("open_emergency_access"), told).content.decode()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"password": "wrong"}, "Password or code is not right"),
        ({"code": "000000"}, "Password or code is not right"),
        ({"code": ""}, "Password or code is not right"),
        ({"reason": "quick"}, "too short"),
    ],
)
def test_glass_breaks_only_with_reason_and_proof(
    given: dict[str, str], told: str, facility: Facility, colleague: User, log_in: Callable[[User], Client]
) -> None:
    assert told in emergency(log_in(colleague), facility, **given)
    assert not EmergencyAccess.objects.exists()


def test_broken_glass_opens_for_a_while_and_every_page_is_written_down(
    facility: Facility, elsewhere: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client],
    clock: Clock,
) -> None:  # fmt: skip
    nurse = make_person("Nurse", elsewhere, Role.SESSION_NURSE)
    client, page = log_in(nurse), reverse("facility", args=[facility.slug])
    assert client.get(page).status_code == 404
    emergency(client, facility)
    access = EmergencyAccess.objects.get()
    shown = client.get(page)
    assert shown.status_code == 200
    assert "Emergency access." in shown.content.decode()
    assert client.get(reverse("trail", args=[facility.slug])).status_code == 403
    rows = Entry.objects.filter(action="read in an emergency", object_id=str(access.pk))
    assert [row.facility_id for row in rows] == [facility.pk]
    client.session.flush()
    clock.stand_at(access.ends_at + timedelta(seconds=1))
    assert log_in(nurse).get(page).status_code == 404


def test_who_broke_the_glass_closes_it_before_its_time(
    facility: Facility, elsewhere: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client],
    colleague: User,
) -> None:  # fmt: skip
    nurse = make_person("Nurse", elsewhere, Role.SESSION_NURSE)
    client, page = log_in(nurse), reverse("facility", args=[facility.slug])
    emergency(client, facility)
    access = EmergencyAccess.objects.get()
    # Opened once more; both end.
    writing.insert(
        EmergencyAccess(user=nurse, facility=facility, reason="once more", opened_at=access.opened_at,
                        ends_at=access.ends_at),
        action="opened records in an emergency", by=Actor(nurse, facility), at=access.opened_at,
    )  # fmt: skip
    end = reverse("end_emergency_access", args=[access.pk])
    assert f'action="{end}"' in client.get(page).content.decode()
    assert log_in(colleague).post(end).status_code == 404
    assert client.get(page).status_code == 200
    assert "has ended." in client.post(end, follow=True).content.decode()
    assert client.get(page).status_code == 404
    access.refresh_from_db()
    assert access.ends_at < access.opened_at + EMERGENCY_ACCESS
    rows = Entry.objects.filter(action="ended the emergency access")
    assert [(row.facility_id, row.reason) for row in rows] == [(facility.pk, "not needed any more")] * 2
    assert "has ended already" in client.post(end, follow=True).content.decode()


def test_a_page_that_renews_itself_by_broken_glass_is_written_down_once_an_hour_and_keeps_nothing_open(
    facility: Facility, elsewhere: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client],
    clock: Clock,
) -> None:  # fmt: skip
    nurse = make_person("Nurse", elsewhere, Role.SESSION_NURSE)
    client = log_in(nurse)
    emergency(client, facility)
    access = EmergencyAccess.objects.get()
    rows = Entry.objects.filter(action="read in an emergency", object_id=str(access.pk))
    page, other = reverse("participants", args=[facility.slug]), reverse("floor", args=[facility.slug])
    began = timezone.now()

    def poll(address: str, minutes: float) -> int:
        clock.stand_at(began + timedelta(minutes=minutes))
        return client.get(address, headers={"X-Upturn-By-Itself": "1"}).status_code

    # Whoever claims to be a renewal is written down all the same, page by page.
    assert [poll(page, each / 6) for each in range(60)] == [200] * 60
    assert rows.count() == 1
    assert poll(other, 10) == 200
    assert rows.count() == 2
    # Opening a page is an act, each time.
    assert [client.get(page).status_code for _ in range(2)] == [200, 200]
    assert rows.count() == 4
    # Renewals keep nobody logged in, and the glass does not stay broken for longer.
    clock.stand_at(began + IDLE_LOGOUT + timedelta(minutes=9))
    assert client.get(page).status_code == 200
    assert poll(page, 25 + 65) == 302
    access.refresh_from_db()
    assert access.ends_at == access.opened_at + EMERGENCY_ACCESS


def test_who_does_not_care_for_people_breaks_no_glass(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    analyst = make_person("Analyst", facility, Role.ANALYST)
    assert "Only people in a role that cares" in emergency(log_in(analyst), facility)
