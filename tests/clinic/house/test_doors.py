"""Every address, tried as nobody, as each role and as a stranger from another facility: refused, or by the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Membership, User
from upturn_clinic.accounts.permissions import ROLES, Permission, Role
from upturn_clinic.ledger import writing

# Each address and who may open it. An address without a line here fails the first test.
FACILITY_DOORS: Mapping[str, Permission] = {
    "facility": Permission.SEE_FACILITY,
    "change_facility": Permission.CHANGE_FACILITY,
    "people": Permission.SEE_STAFF,
    "invite": Permission.MANAGE_STAFF,
    "withdraw_invitation": Permission.MANAGE_STAFF,
    "give_role": Permission.MANAGE_STAFF,
    "end_role": Permission.MANAGE_STAFF,
    "trail": Permission.SEE_AUDIT,
    "history": Permission.SEE_AUDIT,
    "emergencies": Permission.REVIEW_EMERGENCY_ACCESS,
    "review_emergency_access": Permission.REVIEW_EMERGENCY_ACCESS,
}
PERSONAL_DOORS = {
    "home", "me", "still_here", "open_emergency_access", "account_change_password", "account_reauthenticate",
    "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes", "mfa_reauthenticate",
}  # fmt: skip
OPEN_DOORS = {
    "account_login", "mfa_authenticate", "account_logout", "account_inactive", "account_signup", "accept_invitation",
    "account_reset_password", "account_reset_password_done", "account_reset_password_from_key",
    "account_reset_password_from_key_done", "well",
}  # fmt: skip
METHODS = ("get", "post")

Address = Callable[[str], str]


def names(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern.url_patterns)
        else:
            assert pattern.name, f"an address without a name: {pattern.pattern}"
            yield pattern.name


def names_with_facility(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_with_facility(pattern.url_patterns)
        elif "<slug:facility>" in str(pattern.pattern):
            yield str(pattern.name)


@pytest.fixture
def address(facility: Facility, owner: User, colleague: User, as_owner: Actor) -> Address:
    """Give an address that leads to something real at the main facility."""
    now = timezone.now()
    letter = actions.invite(email="new@example.org", role=Role.RATER, facility=facility, by=as_owner, at=now)
    present = Membership.objects.get(user=colleague)
    access = EmergencyAccess(
        user=colleague, facility=facility, reason="to have something to review", opened_at=now,
        ends_at=now - timedelta(hours=1),
    )  # fmt: skip
    writing.insert(access, action="opened records in an emergency", by=as_owner, at=now)
    rest: Mapping[str, list[object]] = {
        "withdraw_invitation": [letter.pk],
        "give_role": [colleague.pk],
        "end_role": [present.pk],
        "history": ["accounts.Facility", facility.pk],
        "review_emergency_access": [access.pk],
        "accept_invitation": ["no-such-letter"],
        "account_reset_password_from_key": ["x", "y"],
    }

    def find(name: str) -> str:
        first = [facility.slug] if name in FACILITY_DOORS else []
        return reverse(name, args=[*first, *rest.get(name, [])])

    return find


def test_every_address_is_in_the_table() -> None:
    known = set(FACILITY_DOORS) | PERSONAL_DOORS | OPEN_DOORS
    found = set(names(get_resolver().url_patterns))
    assert found == known
    assert set(names_with_facility(get_resolver().url_patterns)) == set(FACILITY_DOORS)


@pytest.mark.parametrize("name", sorted(set(FACILITY_DOORS) | PERSONAL_DOORS))
def test_nobody_is_led_to_log_in(name: str, address: Address) -> None:
    for method in METHODS:
        answer = getattr(Client(), method)(address(name))
        if answer.status_code == 405:
            continue
        assert answer.status_code == 302, (name, method, answer.status_code)
        assert answer["Location"].startswith("/log-in/"), (name, answer["Location"])


@pytest.mark.parametrize("role", list(Role))
def test_each_role_opens_its_own_doors_and_no_other(
    role: Role, address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], facility: Facility
) -> None:
    client = log_in(make_person("Somebody", facility, role))
    for name, permission in FACILITY_DOORS.items():
        for method in METHODS:
            answer = getattr(client, method)(address(name))
            if answer.status_code == 405:
                continue
            if permission in ROLES[role]:
                assert answer.status_code == 200, (name, method, role)
            else:
                assert answer.status_code == 403, (name, method, role)


@pytest.mark.parametrize("name", sorted(FACILITY_DOORS))
def test_a_stranger_is_not_told_that_the_page_exists(
    name: str, address: Address, stranger: User, log_in: Callable[[User], Client]
) -> None:
    for method in METHODS:
        answer = getattr(log_in(stranger), method)(address(name))
        assert answer.status_code in (404, 405), (name, method)


def test_things_of_one_facility_are_not_reached_through_another(
    address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], elsewhere: Facility
) -> None:
    client = log_in(make_person("Boss", elsewhere, Role.ADMINISTRATOR))
    for name in ("withdraw_invitation", "give_role", "end_role", "history", "review_emergency_access"):
        crossed = address(name).replace("/at/main/", f"/at/{elsewhere.slug}/")
        assert client.get(crossed).status_code == 404, name


def test_staff_without_a_code_app_reach_nothing_but_its_set_up(
    address: Address, make_person: Callable[..., User], log_in: Callable[[User], Client], facility: Facility
) -> None:
    client = log_in(make_person("Newcomer", facility, Role.ADMINISTRATOR, code_app=False))
    open_to_them = {"mfa_activate_totp", "account_reauthenticate", "still_here"}
    for name in (set(FACILITY_DOORS) | PERSONAL_DOORS) - open_to_them:
        answer = client.get(address(name))
        assert answer.status_code == 302, name
        assert answer["Location"] == reverse("mfa_activate_totp"), name


def test_a_closed_account_opens_nothing(address: Address, owner: User, log_in: Callable[[User], Client]) -> None:
    client = log_in(owner)
    assert client.get(address("people")).status_code == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.get(address("people")).status_code == 302


def test_an_ended_role_opens_nothing(
    address: Address, facility: Facility, make_person: Callable[..., User], as_owner: Actor,
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    rater = make_person("Rater", facility, Role.RATER)
    client = log_in(rater)
    assert client.get(address("people")).status_code == 200
    actions.end_role(membership=rater.memberships.get(), reason="left the study", by=as_owner, at=timezone.now())
    assert client.get(address("people")).status_code == 404
