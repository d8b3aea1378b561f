"""What says who somebody is stands in the trail under a key of that person: the chain holds with or without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import PASSWORD

from upturn.errors import CannotError
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, Invitation, User
from upturn_clinic.audit.queries import lines
from upturn_clinic.ground.append_only import keep_rows, let_rows_go
from upturn_clinic.ground.classification import classification_of, person_behind
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.models import Entry, PersonKey
from upturn_clinic.ledger.queries import changes_in, opened
from upturn_clinic.ledger.sealing import SEALED, new_key, seal, unseal

pytestmark = pytest.mark.django_db


def proof() -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


@contextmanager
def without_guard() -> Iterator[None]:
    connection.check_constraints()
    let_rows_go(connection, "ledger_personkey")
    yield
    keep_rows(connection, "ledger_personkey", columns=("person",))


def renamed(user: User, facility: Facility) -> Entry:
    writing.change(
        user, action="corrected the name", by=system(facility), at=timezone.now(), reason="Owner is now called Ovner",
        name="Ovner",
    )  # fmt: skip
    return Entry.objects.latest("sequence")


def test_who_somebody_is_stands_in_no_readable_column(owner: User, facility: Facility) -> None:
    row = renamed(owner, facility)
    assert json.loads(row.changes) == {"name": SEALED}
    assert row.reason == ""
    assert row.person == owner.pk
    everything = json.dumps(list(Entry.objects.values()), default=str)
    for told in ("Ovner", "Owner", owner.email):
        assert told not in everything


def test_with_the_key_the_trail_says_all_of_it(owner: User, facility: Facility, as_owner: Actor) -> None:
    row = renamed(owner, facility)
    (change,) = changes_in(row)
    assert (change.field, change.old, change.new, change.is_erased) == ("name", "Owner", "Ovner", False)
    assert opened([row])[row.sequence].reason == "Owner is now called Ovner"
    (line,) = lines([row], as_owner)
    assert line.reason == "Owner is now called Ovner"
    assert "whole" in proof()


def test_many_rows_cost_one_query_for_their_keys(
    owner: User, colleague: User, as_owner: Actor, django_assert_num_queries: object
) -> None:
    rows = list(Entry.objects.select_related("by"))
    assert len({row.person for row in rows if row.person}) >= 2
    with django_assert_num_queries(3):  # type: ignore[operator]  # the keys, the names of people, those of facilities
        lines(rows, as_owner)


def test_when_the_key_is_destroyed_the_chain_holds_and_nobody_reads_it(owner: User, as_owner: Actor) -> None:
    facility = as_owner.facility
    assert facility is not None
    row = renamed(owner, facility)
    before = proof().strip().rsplit(" ", 1)[1]
    now = timezone.now()
    writing.forget([owner.pk], action="erased", by=as_owner, at=now, about=owner, reason="they asked for it")
    assert "whole" in proof()
    call_command("verify_audit", anchor=before, stdout=StringIO())
    kept = PersonKey.objects.get(pk=owner.pk)
    assert (kept.key, kept.destroyed_at) == ("", now)
    row.refresh_from_db()
    (change,) = changes_in(row)
    assert (change.field, change.old, change.new, change.is_erased) == ("name", None, None, True)
    (line,) = lines([row], as_owner)
    assert [each.erased for each in line.changes] == [True]
    assert line.reason == "erased"
    last = lines([Entry.objects.latest("sequence")], as_owner)[0]
    assert last.reason == "they asked for it"
    assert last.changes[0].new == f"{str(owner.pk)[:8]}…"


def test_nothing_identifying_is_written_about_who_was_erased(owner: User, as_owner: Actor) -> None:
    now = timezone.now()
    writing.forget([owner.pk], action="erased", by=as_owner, at=now, about=owner, reason="they asked for it")
    with pytest.raises(Refused, match="has been erased"):
        writing.change(owner, action="renamed", by=as_owner, at=now, reason="again", name="Back")
    owner.refresh_from_db()
    assert owner.name == "Owner"
    # A log-in that fails is still written down: without what says who.
    writing.note(action="failed to log in", by=system(), at=now, about=owner, identifying={"address": "10.0.0.1"})
    row = Entry.objects.latest("sequence")
    assert (row.action, row.sealed) == ("failed to log in", "")
    assert changes_in(row)[0].is_erased
    assert "whole" in proof()


def test_nothing_is_forgotten_without_a_reason(owner: User, as_owner: Actor) -> None:
    with pytest.raises(Refused, match="without a reason"):
        writing.forget([owner.pk], action="erased", by=as_owner, at=timezone.now(), about=owner, reason=" ")
    assert PersonKey.objects.get(pk=owner.pk).key


def test_a_key_that_was_taken_or_changed_is_found_out(owner: User) -> None:
    kept = PersonKey.objects.get(pk=owner.pk)
    first = Entry.objects.filter(person=owner.pk).first()
    assert first is not None
    PersonKey.objects.filter(pk=owner.pk).update(key=new_key())
    with pytest.raises(CommandError, match=f"row {first.sequence} is sealed with another key"):
        proof()
    PersonKey.objects.filter(pk=owner.pk).update(key="", destroyed_at=timezone.now())
    with pytest.raises(CommandError, match=f"the key of row {first.sequence} was destroyed, and no later row"):
        proof()
    with without_guard():
        PersonKey.objects.filter(pk=owner.pk).delete()
    with pytest.raises(CommandError, match=f"row {first.sequence} is sealed with a key that is missing"):
        proof()
    PersonKey.objects.create(person=owner.pk, key=kept.key)
    assert "whole" in proof()


@pytest.mark.parametrize("crime", ["DELETE FROM ledger_personkey", "UPDATE ledger_personkey SET person = person"])
def test_the_database_keeps_every_key_row(crime: str, owner: User) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(crime)


def test_the_address_of_a_computer_is_sealed_where_it_is_about_somebody(owner: User, as_owner: Actor) -> None:
    login = reverse("account_login")
    Client(REMOTE_ADDR="10.9.8.7").post(login, {"login": owner.email, "password": PASSWORD + "x"})
    about = Entry.objects.get(action="failed to log in")
    assert "10.9.8.7" not in about.changes
    assert [change.new for change in changes_in(about)] == ["10.9.8.7"]
    assert [(change.field, change.new) for change in lines([about], as_owner)[0].changes] == [("address", "10.9.8.7")]
    # Of a name that nobody has, the address is about no known person: it stays readable for who looks into attacks.
    Client(REMOTE_ADDR="10.9.8.6").post(login, {"login": "nobody@example.org", "password": PASSWORD})
    assert "10.9.8.6" in Entry.objects.filter(action="failed to log in").latest("sequence").changes


def test_identifying_facts_need_somebody_they_are_about() -> None:
    with pytest.raises(CannotError, match="about whom"):
        writing.note(action="looked", by=system(), at=timezone.now(), identifying={"address": "10.0.0.1"})


def test_each_record_knows_whom_it_is_about(owner: User, facility: Facility) -> None:
    letter = Invitation(facility=facility, email="x@example.org", role="rater", expires_at=timezone.now())
    assert person_behind(owner) == owner.pk
    assert person_behind(letter) == letter.pk
    assert isinstance(letter.pk, UUID)
    assert classification_of(User).about == ""


def test_a_text_opens_with_its_own_key_only() -> None:
    key = new_key()
    assert unseal(seal("Ada", key=key), key=key) == "Ada"
    assert seal("Ada", key=key) != seal("Ada", key=key)
    for wrong in (new_key(), "not a key"):
        with pytest.raises(CannotError, match="does not open"):
            unseal(seal("Ada", key=key), key=wrong)
