"""The guide for production, tried: what its grants give to the server's user is enough, and no more."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import COLUMNS_STAY, ONLY_GROW

from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.participants.models import Participant

pytestmark = pytest.mark.django_db

GUIDE = Path(__file__).parents[3] / "docs" / "clinic" / "production.md"
# Tables of the log-in machinery, which removes what has ended; and where answers to forms led, which is no record.
REMOVED_FROM = {
    "accounts_opensession", "counters", "mfa_authenticator", "account_emailaddress", "account_emailconfirmation",
    "ledger_formanswer",
}  # fmt: skip


def grants() -> str:
    (found,) = re.findall(r"```sql\n(GRANT CONNECT.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def may(act: str, table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege('upturn_server', %s, %s)", [table, act])
        return bool(cursor.fetchone()[0])


def test_the_grants_name_only_tables_that_are_there() -> None:
    named = set(re.findall(r"\b[a-z]+_[a-z]+\b", re.sub(r"(?s)DO \$\$.*", "", grants()))) - {"upturn_server"}
    tables = {model._meta.db_table for model in apps.get_models()}
    assert named == REMOVED_FROM - {"counters"}
    assert named <= tables


def test_the_servers_user_works_and_cannot_remove_a_row(
    facility: Facility, as_owner: Actor, owner: User, colleague: User, participant: Participant,
    log_in: Callable[[User], Client],
) -> None:  # fmt: skip
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite"  # which has no users
        return
    connection.check_constraints()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE counters (cache_key text)")
        cursor.execute("CREATE ROLE upturn_server")
        cursor.execute(grants().replace("DATABASE upturn ", f"DATABASE {connection.settings_dict['NAME']} "))
    for model in apps.get_models():
        table = model._meta.db_table
        assert may("DELETE", table) == (table in REMOVED_FROM), table
        assert not may("TRUNCATE", table), table
        assert may("UPDATE", table) == (table not in ONLY_GROW), table
    assert set(COLUMNS_STAY) >= {"programmes_protocolversion", "ledger_personkey"}

    client = log_in(owner)
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE upturn_server")
    try:
        actions.change_facility(
            facility=facility, version=1, values={"name": "Harbour"}, reason="moved", by=as_owner, at=timezone.now()
        )
        assert client.get(reverse("trail", args=["main"])).status_code == 200
        assert client.post(reverse("account_logout")).status_code == 302
        staff = log_in(colleague)
        weight = {"value": "80", "measured_at": "2026-03-03T10:00"}
        assert staff.post(reverse("record_weight", args=["main", participant.pk]), weight).status_code == 302
        for crime in ("DELETE FROM programmes_protocolversion", "DELETE FROM participants_identity",
                      "UPDATE ledger_entry SET reason = ''", "TRUNCATE audit_signature"):  # fmt: skip
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                connection.cursor().execute(crime)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
