"""A form that is sent twice is written once, and leads twice to the same place; two that differ are two."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.conftest import PASSWORD, Clock, code_now

import upturn_clinic
from upturn_clinic.accounts.models import EmergencyAccess, Facility, Invitation, User
from upturn_clinic.ground.forms import FORM_KEY
from upturn_clinic.ledger.forms_sent import key_of, now_sending
from upturn_clinic.ledger.middleware import SAID
from upturn_clinic.ledger.models import Entry, FormAnswer
from upturn_clinic.ledger.writing import keep_answer
from upturn_clinic.operation import FORM_ANSWERS_KEPT
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.programmes.models import Programme, ProtocolVersion
from upturn_clinic.programmes.reading import shipped_document

pytestmark = pytest.mark.django_db

LogIn = Callable[[User], Client]
TEMPLATES = Path(upturn_clinic.__file__).parent / "pages" / "templates"
# By decision: a file that is taken once more is given once more; a questionnaire by link is answered once by itself.
WITHOUT_A_KEY = {"export.html", "self_questions.html", "self_help.html"}
KEY = re.compile(rf'name="{FORM_KEY}" value="([^"]+)"')


def keys_on(page: str) -> list[str]:
    return KEY.findall(page)


@pytest.fixture
def weight(participant: Participant, colleague: User, log_in: LogIn) -> tuple[Client, str, dict[str, str]]:
    """A browser, the address of a form that inserts, and what is typed into it."""
    client, page = log_in(colleague), reverse("record_measure", args=["main", participant.pk])
    key = keys_on(client.get(page).content.decode())[-1]
    typed = {"instrument": "weight", "value": "81.5", "measured_at": "2026-03-03T10:00", FORM_KEY: key}
    return client, page, typed


def test_every_form_that_is_sent_has_a_key_of_its_own(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, _ = weight
    first, second = (keys_on(client.get(page).content.decode()) for _ in range(2))
    # Logging out is a form, too.
    assert len(first) == len(second) == 2
    assert len({*first, *second}) == 4


def test_no_template_has_a_form_without_the_token_that_brings_the_key() -> None:
    found = 0
    for file in TEMPLATES.rglob("*.html"):
        text = file.read_text(encoding="utf-8")
        for form in re.findall(r"<form\b[^>]*method=.post.*?</form>", text, re.DOTALL | re.IGNORECASE):
            found += 1
            assert "{% csrf_token %}" in form or file.name in WITHOUT_A_KEY, file.name
    assert found > 10


def test_sent_again_it_is_written_once_and_leads_to_the_same_page(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, typed = weight
    before = Measure.objects.count()
    first = client.post(page, typed)
    rows = Entry.objects.count()
    second = client.post(page, {**typed, "csrfmiddlewaretoken": "another mask of the same token"}, follow=True)
    assert first.status_code == 302
    assert second.redirect_chain == [(first["Location"], 302)]
    assert Measure.objects.count() == before + 1
    assert Entry.objects.count() == rows
    told = second.content.decode()
    assert SAID in told
    # The script that keeps drafts drops them at this word.
    assert 'class="success"' in told


def test_with_other_content_it_is_another_one(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, typed = weight
    before = Measure.objects.count()
    client.post(page, typed)
    client.post(page, {**typed, "value": "82.5"})
    assert Measure.objects.count() == before + 2


def test_the_same_content_in_a_new_form_is_another_one(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, typed = weight
    before = Measure.objects.count()
    client.post(page, typed)
    client.post(page, {**typed, FORM_KEY: keys_on(client.get(page).content.decode())[-1]})
    assert Measure.objects.count() == before + 2


def test_what_was_refused_was_not_sent(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, typed = weight
    before = Measure.objects.count()
    for _ in range(2):
        assert client.post(page, {**typed, "value": "8150"}).status_code == 200
    assert Measure.objects.count() == before
    assert client.post(page, typed).status_code == 302
    assert Measure.objects.count() == before + 1
    assert now_sending() is None


def test_when_the_first_answer_is_not_known_any_more_it_is_told_that_it_was_saved(
    weight: tuple[Client, str, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("upturn_clinic.ledger.middleware.REPEAT_WAIT", timedelta(0))
    client, page, typed = weight
    client.post(page, typed)
    FormAnswer.objects.all().delete()
    answer = client.post(page, typed)
    assert answer.status_code == 200
    assert "This was saved already" in answer.content.decode()
    assert Measure.objects.filter(value="81.5").count() == 1


def test_an_answer_that_nobody_asks_for_any_more_is_let_go_and_its_form_is_still_written_once(
    weight: tuple[Client, str, dict[str, str]], monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr("upturn_clinic.ledger.middleware.REPEAT_WAIT", timedelta(0))
    client, page, typed = weight
    client.post(page, typed)
    kept = FormAnswer.objects.get()
    keep_answer(form_key="a" * 64, to="/a/", at=kept.at + timedelta(seconds=1))
    clock.stand_at(kept.at + FORM_ANSWERS_KEPT)
    call_command("clear_form_answers", stdout=(told := StringIO()))
    assert (told.getvalue(), FormAnswer.objects.count()) == ("0 cleared\n", 2)
    clock.stand_at(kept.at + FORM_ANSWERS_KEPT + timedelta(seconds=1))
    call_command("clear_form_answers", stdout=(told := StringIO()))
    assert (told.getvalue(), FormAnswer.objects.get().to) == ("1 cleared\n", "/a/")
    clock.stand_at(kept.at)
    assert "This was saved already" in client.post(page, typed).content.decode()
    assert Measure.objects.filter(value="81.5").count() == 1


def test_a_change_sent_twice_is_no_conflict(facility: Facility, owner: User, log_in: LogIn) -> None:
    client, page = log_in(owner), reverse("change_facility", args=["main"])
    typed = {"name": "Harbour", "time_zone": "Europe/Oslo", "version": "1", "reason": "moved", FORM_KEY: "k" * 43}
    assert [client.post(page, typed).status_code for _ in range(2)] == [302, 302]
    # Without the key it is what it always was: somebody else saved first.
    del typed[FORM_KEY]
    assert client.post(page, typed).status_code == 409
    facility.refresh_from_db()
    assert facility.version == 2


def test_a_wrong_password_corrected_in_the_same_form_goes_on(
    facility: Facility, colleague: User, log_in: LogIn
) -> None:
    client, page = log_in(colleague), reverse("open_emergency_access")
    typed = {"facility": str(facility.pk), "reason": "somebody collapsed in the hall", FORM_KEY: "k" * 43}
    wrong = {**typed, "password": "wrong", "code": "000000"}
    right = {**typed, "password": PASSWORD, "code": code_now()}
    assert client.post(page, wrong).status_code == 200
    assert client.post(page, right).status_code == 302
    assert client.post(page, {**right, "code": code_now(1)}).status_code == 302
    assert EmergencyAccess.objects.count() == 1


def test_a_failed_log_in_is_no_form_that_was_saved(owner: User) -> None:
    client, page = Client(), reverse("account_login")
    typed = {"login": owner.email, FORM_KEY: "k" * 43}
    for _ in range(2):
        assert client.post(page, {**typed, "password": "wrong wrong wrong"}).status_code == 200
    assert Entry.objects.filter(action="failed to log in").count() == 2
    assert client.post(page, {**typed, "password": PASSWORD}).status_code == 302


def test_somebody_with_the_key_who_is_logged_out_learns_nothing(weight: tuple[Client, str, dict[str, str]]) -> None:
    client, page, typed = weight
    client.post(page, typed)
    answer = Client().post(page, typed, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/log-in/")
    assert "81.5" not in answer.content.decode()


def test_a_page_that_is_shown_only_once_is_not_written_twice(
    facility: Facility, owner: User, log_in: LogIn, settings: object
) -> None:
    # Without e-mail, the link is on the page, once.
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"  # type: ignore[attr-defined]
    client, page = log_in(owner), reverse("invite", args=["main"])
    typed = {"email": "new@example.org", "role": "rater", FORM_KEY: "k" * 43}
    assert 'class="link"' in client.post(page, typed).content.decode()
    assert "This was saved already" in client.post(page, typed).content.decode()
    assert Invitation.objects.count() == 1


def test_an_uploaded_file_counts_as_content(programme: Programme, colleague: User, log_in: LogIn) -> None:
    client, page = log_in(colleague), reverse("add_version", args=["main", programme.pk])
    document, name = shipped_document("six-infusions")

    def send(text: str) -> int:
        file = SimpleUploadedFile(name, text.encode())
        return client.post(page, {"file": file, FORM_KEY: "k" * 43}).status_code

    assert [send(document), send(document), send(document.replace("title: ", "title: Also ", 1))] == [302, 302, 302]
    assert ProtocolVersion.objects.filter(programme=programme).count() == 2


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=4),
       st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=4))  # fmt: skip
def test_two_contents_have_two_keys(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> None:
    secrets = {"csrfmiddlewaretoken", "password", "code", "again", FORM_KEY}
    assert not any(name in secrets for name, _ in (*one, *other))
    keys = [key_of("n", content, secret="s") for content in (one, other)]  # noqa: S106
    assert (keys[0] == keys[1]) == (one == other)
    assert key_of("m", one, secret="s") != keys[0] != key_of("n", one, secret="t")  # noqa: S106
