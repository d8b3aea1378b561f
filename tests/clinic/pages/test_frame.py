"""The frame of every page: headers, forms that cannot be forged, pages for what went wrong, crisis help."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import psycopg
import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from tests.clinic.conftest import Clock

import upturn_clinic
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.pages.crisis import crisis_help
from upturn_clinic.pages.views import server_error

TEMPLATES = sorted((Path(upturn_clinic.__file__).parent / "pages" / "templates").rglob("*.html"))
NOTICE = "For research and education; decisions belong to the treating clinician."


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/log-in/", "/no-such-page/", "/at/main/", "/well/"])
def test_every_answer_carries_the_headers(path: str) -> None:
    answer = Client().get(path)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/well/", "/log-in/", "/at/main/"])
def test_trace_echoes_nothing(path: str) -> None:
    answer = Client(HTTP_X_PROBE="sealed lips").trace(path)
    assert b"sealed lips" not in answer.content


@pytest.mark.django_db
def test_a_title_names_the_facility_once(facility: Facility, colleague: User, log_in: Callable[[User], Client]) -> None:
    page = log_in(colleague).get(reverse("facility", args=[facility.slug])).content.decode()
    assert f"<title>Overview – {facility.name} – upturn clinic</title>" in page


class Inline(HTMLParser):
    """Collects what the policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith(("on", "hx-on"))]
        self.found += [value for value in names.values() if value and value.startswith(("http", "//", "javascript:"))]


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_no_template_needs_an_exception(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    parser = Inline()
    parser.feed(text)
    assert parser.found == []
    assert "autoescape" not in text
    # Only our own help texts are written as they stand; Django escapes everything else.
    assert text.count("|safe") == (1 if file.name == "field.html" else 0)


@pytest.mark.django_db
def test_what_people_type_is_escaped(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    boss = make_person("Boss", facility, Role.ADMINISTRATOR)
    page = log_in(boss).post(
        reverse("invite", args=["main"]), {"email": '"><script>alert(1)</script>@x.org', "role": "<img src=x>"}
    )
    text = page.content.decode()
    assert "<script>alert(1)" not in text
    assert "<img src=x>" not in text


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused(facility: Facility, owner: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post(reverse("invite", args=["main"]), {"email": "a@example.org", "role": "rater"})
    assert answer.status_code == 403
    assert "This form is too old" in answer.content.decode()


@pytest.mark.django_db
def test_what_went_wrong_is_told_in_plain_words(
    facility: Facility, colleague: User, log_in: Callable[[User], Client]
) -> None:
    refused = log_in(colleague).get(reverse("trail", args=["main"]))
    assert refused.status_code == 403
    assert "may read the audit trail can do this. Your role here: clinician." in refused.content.decode()
    missing = log_in(colleague).get("/nowhere/")
    assert missing.status_code == 404
    for answer in (refused, missing):
        assert NOTICE in answer.content.decode()


@pytest.mark.django_db
def test_an_address_that_pages_send_to_says_so(
    facility: Facility, colleague: User, log_in: Callable[[User], Client]
) -> None:
    answer = log_in(colleague).get(reverse("still_here"))
    assert answer.status_code == 405
    assert answer["Allow"] == "HEAD, POST"
    assert "There is nothing to see here." in answer.content.decode()


@pytest.mark.django_db
def test_a_page_is_told_who_is_logged_in_and_for_how_long_nothing_was_heard(
    colleague: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    client, page, began = log_in(colleague), reverse("still_here"), timezone.now()
    for after, method, heard in ((0, "post", 0), (400, "head", 400), (500, "head", 500), (600, "post", 0)):
        clock.stand_at(began + timedelta(seconds=after))
        answer = getattr(client, method)(page, headers={"X-Upturn-By-Itself": "yes"} if method == "head" else {})
        told = (answer.status_code, answer["X-Upturn-Person"], answer["X-Upturn-Idle"])
        assert told == (204, str(colleague.pk), str(heard))
    assert not Client().head(page).has_header("X-Upturn-Person")


def test_a_fault_of_ours_is_told_without_the_database() -> None:
    answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "may not have been saved" in answer.content.decode()
    assert NOTICE in answer.content.decode()


def _is_away() -> User:
    raise OperationalError("the server is away") from psycopg.OperationalError("the server is away")


@pytest.mark.parametrize(
    ("path", "offers_help"), [("/q/a-link/", True), ("/at/main/mine/", True), ("/at/main/", False)]
)
def test_a_page_for_a_database_that_is_away_asks_it_nothing(path: str, *, offers_help: bool) -> None:
    request = RequestFactory().get(path)
    request.user = SimpleLazyObject(_is_away)  # type: ignore[assignment]
    try:
        _is_away()
    except OperationalError:
        page = server_error(request).content.decode()
    assert "Please try again in a moment" in page
    assert ("call your local emergency number" in page) is offers_help


def _begin(connection: sqlite3.Connection) -> None:
    """Begin to write; a fault is told as Django tells it."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as fault:
        raise OperationalError(str(fault)) from fault


def test_who_only_looked_while_the_database_was_busy_can_look_again(tmp_path: Path) -> None:
    writer, other = (sqlite3.connect(tmp_path / "busy.sqlite3", timeout=0, isolation_level=None) for _ in range(2))
    writer.execute("BEGIN IMMEDIATE")
    again = b'href="/at/main/?on=2026-03-01">Try again</a>'
    for ask, only_looks in ((RequestFactory().get, True), (RequestFactory().post, False)):
        try:
            _begin(other)
        except OperationalError:
            answer = server_error(ask("/at/main/?on=2026-03-01"))
        assert answer.status_code == 503
        assert (again in answer.content) is only_looks
        assert (b"may not be saved" in answer.content) is not only_looks
        assert b'rel="stylesheet"' in answer.content
    writer.close()
    other.close()


@pytest.mark.django_db
def test_a_participant_sees_crisis_help_of_the_facility(
    facility: Facility, make_person: Callable[..., User], log_in: Callable[[User], Client]
) -> None:
    somebody = make_person("Somebody", facility, Role.PARTICIPANT, code_app=False)
    Facility.objects.update(country="GB")
    page = log_in(somebody).get("/at/main/", follow=True).content.decode()
    assert "116 123" in page
    Facility.objects.update(crisis_help="Our nurse: 555 0100\n\nOut of hours: 555 0101")
    page = log_in(somebody).get("/at/main/", follow=True).content.decode()
    assert "555 0100" in page
    assert "555 0101" in page
    assert "116 123" not in page
    assert "Telephone of your team" not in page
    Facility.objects.update(phone="555 0102, Mon to Fri 8 to 16")
    page = log_in(somebody).get("/at/main/", follow=True).content.decode()
    assert '<a href="tel:5550102">555 0102</a>, Mon to Fri 8 to 16' in page


def test_a_country_without_a_known_line_still_gets_words() -> None:
    found = crisis_help("ZZ", "")
    assert found.lines == ()
    assert "emergency" in found.general
