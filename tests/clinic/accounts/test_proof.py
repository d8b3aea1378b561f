"""What somebody reads whose password or code was not taken: whose it was, and that a code holds once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts.models import EmergencyAccess, Facility, User

pytestmark = pytest.mark.django_db
LogIn = Callable[[User], Client]


def tried(client: Client, facility: Facility, **given: str) -> str:
    told = {"facility": str(facility.pk), "reason": "a participant collapsed in the hall", "password": PASSWORD}
    return client.post(reverse("open_emergency_access"), {**told, **given}).content.decode()


def test_a_code_that_was_used_is_named_and_no_password_is_guessed_by_it(
    facility: Facility, colleague: User, log_in: LogIn
) -> None:
    client, code = log_in(colleague), code_now()
    # The code is used up by an entry that is refused for another reason.
    assert "too short" in tried(client, facility, reason="quick", code=code)
    # It says the same whether the password is right or not.
    for password in (PASSWORD, "wrong"):
        page = tried(client, facility, code=code, password=password)
        assert "This code was used already" in page
        assert "Password or code" not in page
    assert not EmergencyAccess.objects.exists()
    # A code that never held is not said to have been used.
    assert "Password or code is not right" in tried(client, facility, code="000000")


@pytest.mark.parametrize("half_minutes", [-2, -1, 1])
def test_a_code_proves_only_while_the_app_shows_it(
    half_minutes: int, facility: Facility, colleague: User, log_in: LogIn
) -> None:
    client = log_in(colleague)
    assert "Password or code is not right" in tried(client, facility, code=code_now(half_minutes))
    assert not EmergencyAccess.objects.exists()
    tried(client, facility, code=code_now())
    assert EmergencyAccess.objects.count() == 1
