# ruff: noqa: F811  (fixtures are taken by their names)
"""A database in which another connection writes for longer than anybody waits: nothing half-written, nothing lost."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock, LogIn
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import MINUTE, sent
from tests.clinic.other_writer import OtherWriter, other_writer  # noqa: F401  (fixture)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.safety.models import Concern
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db(transaction=True)
NOW = FIRST - 10 * MINUTE


@pytest.fixture
def device(nurse: Actor, log_in: LogIn, clock: Clock) -> Client:
    """The nurse's browser; as in a clinic, what goes wrong there is answered and not raised."""
    assert nurse.user is not None
    clock.stand_at(NOW)
    browser = log_in(nurse.user)
    browser.get(reverse("home"))
    browser.raise_request_exception = False
    return browser


def enter(device: Client, session: Session, *entries: dict[str, object]) -> Any:
    address = reverse("enter", args=[session.facility.slug, session.pk])
    return device.post(address, json.dumps(entries), content_type="application/json")


def states(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [each["state"] for each in answer.json()["results"]]


def written() -> tuple[int, int, int]:
    return Reading.objects.count(), Concern.objects.count(), Entry.objects.count()


def worrying() -> dict[str, object]:
    return sent("reading", NOW, instrument="C-SSRS", value="3", nominal_min=-15)


def filled(device: Client, address: str) -> dict[str, str]:
    """The form of an arrival, with its key, as somebody filled it in."""
    page = device.get(address).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    assert hidden
    return {**hidden, "room": "", "arrived_at": f"{NOW:%Y-%m-%dT%H:%M}"}


def test_an_entry_is_not_taken_and_its_concern_is_raised_when_it_comes_again(
    session: Session, device: Client, other_writer: OtherWriter
) -> None:
    before, entry = written(), worrying()
    with other_writer.at_work():
        answer = enter(device, session, entry)
    # The page keeps what the server had trouble with (waiting.js: 500 and above) and sends it again.
    assert answer.status_code == 503
    assert answer["Content-Type"] == "application/json"
    assert "Send it again" in answer.json()["fault"]
    assert written() == before
    assert states(enter(device, session, entry)) == ["saved"]
    assert Concern.objects.get().source == f"reading/{Reading.objects.get().pk}"
    assert states(enter(device, session, entry)) == ["known already"]
    assert (Reading.objects.count(), Concern.objects.count()) == (1, 1)
    assert not verify(Entry.objects.order_by("sequence")).fault


def test_of_two_entries_the_first_is_kept_when_the_database_gets_busy_between_them(
    session: Session, device: Client, other_writer: OtherWriter
) -> None:
    both = [sent("reading", NOW, instrument="HR", value="70", nominal_min=-15), worrying()]
    begun: list[bool] = []

    def gets_busy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # Before the second entry's transaction begins (SQLite), or before it writes (PostgreSQL).
        is_second = sql.startswith("BEGIN") or (connection.vendor != "sqlite" and sql.startswith("INSERT"))
        if not begun and is_second and other_writer.sees("floor_reading"):
            begun.append(True)
            other_writer.begin()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(gets_busy):
        answer = enter(device, session, *both)
    assert begun
    other_writer.end()
    assert answer.status_code == 503
    assert (Reading.objects.count(), Concern.objects.count()) == (1, 0)
    # Nothing was acknowledged, so the page sends both again.
    assert states(enter(device, session, *both)) == ["known already", "saved"]
    assert (Reading.objects.count(), Concern.objects.count()) == (2, 1)
    assert not verify(Entry.objects.order_by("sequence")).fault


def test_a_form_is_not_taken_and_the_person_is_told_so(
    infusions: Plan, device: Client, other_writer: OtherWriter
) -> None:
    dose = infusions.doses.get(number=1)
    address = reverse("arrive", args=[infusions.facility.slug, dose.pk])
    given, before = filled(device, address), written()
    with other_writer.at_work():
        answer = device.post(address, given)
        # Who only reads does not wait.
        assert device.get(address).status_code == 200
    told = answer.content.decode()
    assert answer.status_code == 503
    assert "may not be saved. Go back with your browser and try again" in told
    assert "broke" not in told
    assert written() == before
    assert device.post(address, given).status_code == 302
    assert Session.objects.get().dose == dose


def test_a_form_that_was_saved_before_the_database_got_busy_is_not_written_twice(
    infusions: Plan, device: Client, other_writer: OtherWriter
) -> None:
    dose = infusions.doses.get(number=1)
    address = reverse("arrive", args=[infusions.facility.slug, dose.pk])
    given = filled(device, address)
    begun: list[bool] = []

    def gets_busy(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        # The session is there for good; what is still to be written is how the form was answered.
        if not begun and other_writer.sees("floor_session"):
            begun.append(True)
            other_writer.begin()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(gets_busy):
        answer = device.post(address, given)
    assert begun
    other_writer.end()
    assert answer.status_code == 503
    assert device.post(address, given, follow=True).status_code == 200
    assert Session.objects.count() == 1
    assert Entry.objects.filter(action="opened the session").count() == 1


def test_another_error_of_the_database_is_a_fault_of_ours(session: Session, device: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE floor_reading RENAME TO floor_reading_away")
    try:
        answer = enter(device, session, worrying())
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE floor_reading_away RENAME TO floor_reading")
    assert answer.status_code == 500
