"""The audit trail: complete, chained, and kept by the database itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from upturn.errors import CannotError
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.ground.append_only import keep_rows, let_rows_go
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger import writing
from upturn_clinic.ledger.chain import canonical, verify
from upturn_clinic.ledger.models import Entry

pytestmark = pytest.mark.django_db


@contextmanager
def without_guard(table: str) -> Iterator[None]:
    """Somebody with the rights of the database's owner, who takes the triggers away."""
    # PostgreSQL changes no table while foreign keys wait to be checked.
    connection.check_constraints()
    let_rows_go(connection, table)
    yield
    keep_rows(connection, table)


def proof() -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def test_an_action_leaves_one_row_that_says_who_what_when_where_and_why(facility: Facility, as_owner: Actor) -> None:
    before = Entry.objects.count()
    now = timezone.now()
    actions.change_facility(
        facility=facility,
        version=1,
        values={"name": "Harbour clinic"},
        reason="moved to the harbour",
        by=as_owner,
        at=now,
    )
    assert Entry.objects.count() == before + 1
    row = Entry.objects.latest("sequence")
    assert (row.by_id, row.facility_id, row.at) == (as_owner.user_id, facility.pk, now)
    assert (row.action, row.object_type, row.object_id) == (
        "changed the facility",
        "accounts.Facility",
        str(facility.pk),
    )
    assert row.object_version == 2
    assert row.reason == "moved to the harbour"
    assert json.loads(row.changes) == {"name": ["Main clinic", "Harbour clinic"]}


def test_passwords_are_never_in_the_trail(owner: User) -> None:
    assert owner.password
    for row in Entry.objects.all():
        assert owner.password not in row.changes
        assert "password" not in json.loads(row.changes)


def test_the_chain_is_proven_and_can_be_anchored(owner: User) -> None:
    told = proof()
    assert f"whole: {Entry.objects.count()} rows" in told
    anchor = told.strip().rsplit(" ", 1)[1]
    call_command("verify_audit", anchor=anchor, stdout=StringIO())
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit", anchor=f"1:{anchor.split(':')[1]}", stdout=StringIO())


@pytest.mark.parametrize(
    ("crime", "named"),
    [
        ("UPDATE ledger_entry SET reason = 'nothing' WHERE sequence = 3", "row 3 is not what was written"),
        ("UPDATE ledger_entry SET at = '2020-01-01 00:00:00+00' WHERE sequence = 3", "row 3 is not what was written"),
        ("DELETE FROM ledger_entry WHERE sequence = 3", "row 3 is missing"),
        ("UPDATE ledger_entry SET previous_hash = 'x' WHERE sequence = 4", "row 4 does not continue row 3"),
    ],
)
def test_whoever_takes_the_guard_away_is_still_found_out(crime: str, named: str, owner: User) -> None:
    with without_guard("ledger_entry"), connection.cursor() as cursor:
        cursor.execute(crime)
    with pytest.raises(CommandError, match=named):
        proof()


def test_rows_cut_off_at_the_end_are_found_by_an_anchor(owner: User) -> None:
    anchor = proof().strip().rsplit(" ", 1)[1]
    with without_guard("ledger_entry"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM ledger_entry WHERE sequence = (SELECT max(sequence) FROM ledger_entry)")
    assert "whole" in proof()
    with pytest.raises(CommandError, match="cut off"):
        call_command("verify_audit", anchor=anchor, stdout=StringIO())


@pytest.mark.parametrize("crime", ["UPDATE ledger_entry SET reason = 'x'", "DELETE FROM ledger_entry"])
def test_the_database_refuses_to_change_a_row(crime: str, owner: User) -> None:
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(crime)
    assert "whole" in proof()


def test_postgres_refuses_to_empty_the_table(owner: User) -> None:
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite"  # which has no TRUNCATE
        return
    connection.check_constraints()
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE ledger_entry")


def test_a_write_that_fails_leaves_no_row(facility: Facility, as_owner: Actor) -> None:
    before = Entry.objects.count()
    with pytest.raises(Refused, match="does not fit"):
        actions.change_facility(
            facility=facility, version=1, values={"time_zone": "Mars/Base"}, reason="moving on", by=as_owner,
            at=timezone.now(),
        )  # fmt: skip
    with pytest.raises(RuntimeError), transaction.atomic():
        actions.invite(email="a@example.org", role=Role.RATER, facility=facility, by=as_owner, at=timezone.now())
        raise RuntimeError
    assert Entry.objects.count() == before
    facility.refresh_from_db()
    assert facility.time_zone == "Europe/Copenhagen"


def test_a_saved_value_changes_only_with_a_reason(facility: Facility, as_owner: Actor) -> None:
    with pytest.raises(Refused, match="only with a reason"):
        actions.change_facility(
            facility=facility, version=1, values={"name": "B"}, reason="  ", by=as_owner, at=timezone.now()
        )


def test_saving_nothing_new_writes_nothing(facility: Facility, as_owner: Actor) -> None:
    before = Entry.objects.count()
    same = actions.change_facility(
        facility=facility, version=1, values={"name": facility.name}, reason="no change", by=as_owner, at=timezone.now()
    )
    assert same.version == 1
    assert Entry.objects.count() == before


def test_the_second_editor_is_told_and_nothing_is_overwritten(
    facility: Facility, as_owner: Actor, make_person: Callable[..., User]
) -> None:
    other = Actor(make_person("Second", facility, Role.ADMINISTRATOR), facility, frozenset({Role.ADMINISTRATOR}))
    now = timezone.now()
    mine = Facility.objects.get(pk=facility.pk)
    actions.change_facility(
        facility=facility, version=1, values={"name": "First"}, reason="was first", by=as_owner, at=now
    )
    with pytest.raises(Conflict) as told:
        actions.change_facility(facility=mine, version=1, values={"country": "DK"}, reason="slow", by=other, at=now)
    (sentence,) = told.value.changes
    assert sentence.startswith("Owner changed the facility (name), ")
    saved = Facility.objects.get(pk=facility.pk)
    assert (saved.name, saved.country, saved.version) == ("First", "", 2)


def test_a_time_without_a_zone_is_refused(facility: Facility, as_owner: Actor) -> None:
    naive = timezone.now().replace(tzinfo=None)
    with pytest.raises(CannotError, match="without a zone"):
        writing.note(action="looked", by=as_owner, at=naive)


def test_many_records_at_once_have_a_row_each_and_one_chain(db: None) -> None:
    before = Entry.objects.count()
    places = [Facility(slug=f"f{n}", name=f"F{n}", time_zone="Europe/Oslo") for n in range(30)]
    writing.insert_many(places, action="opened the facility", by=system(), at=timezone.now())
    assert Entry.objects.count() == before + 30
    assert verify(Entry.objects.order_by("sequence")).fault == ""


def test_many_records_cost_few_queries(django_assert_max_num_queries: Callable[..., object], db: None) -> None:
    places = [Facility(slug=f"f{n}", name=f"F{n}", time_zone="Europe/Oslo") for n in range(100)]
    with django_assert_max_num_queries(12):  # type: ignore[attr-defined]
        writing.insert_many(places, action="opened the facility", by=system(), at=timezone.now())


@given(st.dictionaries(st.text(max_size=5), st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=9))))
def test_canonical_text_does_not_depend_on_the_order(content: dict[str, object]) -> None:
    turned = dict(reversed(list(content.items())))
    assert canonical(content) == canonical(turned)
    assert json.loads(canonical(content)) == content
