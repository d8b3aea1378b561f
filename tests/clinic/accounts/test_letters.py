"""A letter that does not go out stops nothing: the page says so and shows the next step, and it is written down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import PASSWORD, code_now

from upturn_clinic.accounts.adapters import POST_ROOM
from upturn_clinic.accounts.models import Facility, Invitation, User
from upturn_clinic.ledger.models import Entry

pytestmark = pytest.mark.django_db
NOT_SENT = "could not send a letter"


@pytest.fixture
def no_mail_server(settings: object) -> None:
    """A mail server that does not answer: a port of this machine on which nobody listens."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9  # type: ignore[attr-defined]


@pytest.mark.usefixtures("no_mail_server")
def test_an_invitation_holds_and_its_link_is_shown(
    facility: Facility, owner: User, log_in: Callable[[User], Client]
) -> None:
    page = log_in(owner).post(reverse("invite", args=["main"]), {"email": "new@example.org", "role": "rater"})
    assert page.status_code == 200
    told = page.content.decode()
    assert "could not be sent" in told
    assert "/invitation/" in told
    assert Invitation.objects.count() == 1
    assert Entry.objects.filter(action=NOT_SENT, by=owner, facility=facility).count() == 1
    assert "new@example.org" not in Entry.objects.get(action=NOT_SENT).changes


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_mail_server")
def test_a_forgotten_password_is_answered_alike_for_everybody(owner: User) -> None:
    known, unknown = (
        Client().post(reverse("account_reset_password"), {"email": email}, follow=True)
        for email in (owner.email, "nobody@example.org")
    )
    assert known.status_code == unknown.status_code == 200
    for page in (known, unknown):
        assert "No email after ten minutes?" in page.content.decode()
    # The same page to the last letter, but for the key of its forms.
    assert known.request["PATH_INFO"] == unknown.request["PATH_INFO"]
    POST_ROOM.submit(int).result()  # the letter has been tried when its turn is over
    assert [row.object_id for row in Entry.objects.filter(action=NOT_SENT)] == [str(owner.pk)]


@pytest.mark.django_db(transaction=True)
def test_a_letter_that_goes_out_is_no_fault(owner: User) -> None:
    Client().post(reverse("account_reset_password"), {"email": owner.email})
    POST_ROOM.submit(int).result()
    assert mail.outbox[-1].to == [owner.email]
    assert not Entry.objects.filter(action=NOT_SENT).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_mail_server")
def test_a_changed_password_holds_although_no_letter_tells_of_it(owner: User, log_in: Callable[[User], Client]) -> None:
    client, new = log_in(owner), "eleven herons at dawn, loud"
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    answer = client.post(reverse("account_change_password"), given, follow=True)
    assert answer.request["PATH_INFO"] == "/log-in/"
    assert "the email that tells of it could not be sent" in answer.content.decode()
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert [row.object_id for row in Entry.objects.filter(action=NOT_SENT)] == [str(owner.pk)]


@pytest.mark.django_db(transaction=True)
def test_letters_are_in_the_house_s_words(owner: User, log_in: Callable[[User], Client]) -> None:
    """What allauth would send names a host and thanks for using it."""
    Client().post(reverse("account_reset_password"), {"email": owner.email})
    POST_ROOM.submit(int).result()
    client, new = log_in(owner), "eleven herons at dawn, loud"
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(reverse("mfa_reauthenticate"), {"code": code_now()})
    client.post(reverse("mfa_generate_recovery_codes"), {})
    client.post(
        reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new}, follow=True
    )
    subjects = [letter.subject for letter in mail.outbox]
    assert subjects == ["A new password for the clinic", "New recovery codes were made", "Your password was changed"]
    for letter in mail.outbox:
        assert "which reads no answers" in letter.body
        assert "testserver" not in letter.body.replace("http://testserver/password/new/", "")
    assert mail.outbox[0].body.count("http://testserver/password/new/") == 1
    assert all("If it was not you, call the clinic at once" in letter.body for letter in mail.outbox[1:])
