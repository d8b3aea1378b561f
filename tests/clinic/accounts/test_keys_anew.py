"""After the site's key was changed: the secrets of code apps are encrypted with the new one, all or none."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts.models import User
from upturn_clinic.ledger.models import Entry

pytestmark = pytest.mark.django_db
NEW, OLD = "a new key of the site that guards nothing", "a key for tests that guards nothing"


def passes(user: User, code: str) -> bool:
    client = Client()
    client.post("/log-in/", {"login": user.email, "password": PASSWORD})
    return client.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302


def test_code_apps_open_with_the_new_key_alone(owner: User, colleague: User, settings: object) -> None:
    codes = RecoveryCodes.activate(owner)
    code = codes.get_unused_codes()[0]
    assert passes(owner, codes.get_unused_codes()[1])
    used = Authenticator.objects.get(user=owner, type="recovery_codes").data["used_mask"]
    assert used
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]  # type: ignore[attr-defined]
    before = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))
    out = StringIO()
    call_command("encryptcodeapps", stdout=out)
    assert "present key: 3." in out.getvalue()
    after = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))
    assert all(old != new for old, new in zip(before, after, strict=True))
    # Nothing else changed: a used recovery code stays used.
    assert Authenticator.objects.get(user=owner, type="recovery_codes").data["used_mask"] == used
    settings.SECRET_KEY_FALLBACKS = []  # type: ignore[attr-defined]
    assert passes(owner, code)
    assert passes(colleague, code_now())
    (row,) = Entry.objects.filter(action="encrypted code apps anew")
    assert row.changes == '{"how many":[null,3]}'


def test_one_that_does_not_open_stops_all_of_it(
    owner: User, colleague: User, settings: object, make_person: Callable[..., User]
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]  # type: ignore[attr-defined]
    lost = Authenticator.objects.get(user=colleague)
    lost.data = {**lost.data, "secret": "gAAAAABnonsense"}
    lost.save()
    before = list(Authenticator.objects.order_by("pk").values_list("data", flat=True))
    with pytest.raises(CommandError, match=f"code app {lost.pk}"):
        call_command("encryptcodeapps")
    assert list(Authenticator.objects.order_by("pk").values_list("data", flat=True)) == before
    assert not Entry.objects.filter(action="encrypted code apps anew").exists()
