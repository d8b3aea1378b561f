"""Several processes send the same entries, and their own, at once, on a real database: each is there exactly once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

WRITERS = 3

COMMON = """
import django; django.setup()
from datetime import timedelta
from uuid import UUID
from django.utils import timezone
from tests.clinic.floor.making import person_with_plan, said, sent, signed_version
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.actions import arrive
from upturn_clinic.floor.models import Reading, Session
"""

PREPARE = f"""{COMMON}
from django.core.management import call_command
from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import system
call_command("migrate", verbosity=0)
now = timezone.now()
here = accounts.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=now)
user = accounts.create_person(email="c@example.org", name="C", password="x", by=system(), at=now)
by = Actor(user, here, frozenset({{Role.CLINICIAN}}))
plan = person_with_plan(signed_version("six-infusions", by, now), "ketamine", by, begins_at=now, at=now)
arrive(dose=plan.doses.get(number=1), room="", arrived_at=now, by=by, at=now)
"""

# Every writer sends the same ten entries (a page that sends again after a cut answer), and five of its own.
ENTER = f"""{COMMON}
import sys
by = Actor(User.objects.get(), Facility.objects.get(), frozenset({{Role.CLINICIAN}}))
session, now, mine = Session.objects.get(), timezone.now(), int(sys.argv[1])
def reading(key, value):
    return {{**sent("reading", now, instrument="HR", value=str(value), nominal_min=10), "id": str(UUID(int=key))}}
for key in range(10):
    own = [reading(mine * 100 + key, 90)] if key < 5 else []
    said(session, by, timezone.now(), reading(1000 + key, 60 + key), *own)
"""

PROVE = f"""{COMMON}
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
fault = verify(Entry.objects.order_by("sequence")).fault
written = Entry.objects.filter(action="entered a reading").count()
print(Reading.objects.count(), written, fault or "whole")
"""


def test_what_is_sent_at_once_is_written_once(tmp_path: Path) -> None:
    site = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.clinic.settings", "UPTURN_DATA_DIRECTORY": str(tmp_path)}
    if server := os.environ.get("UPTURN_DATABASE_URL"):
        # On PostgreSQL a database of its own, which no other test uses.
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE entries_at_once")
        site["UPTURN_DATABASE_URL"] = server.rsplit("/", 1)[0] + "/entries_at_once"

    def run(script: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=site,
            cwd=Path(__file__).parents[3],
        )

    def said(process: subprocess.Popen[str]) -> str:
        out, fault = process.communicate()
        assert process.returncode == 0, fault
        return out.strip()

    said(run(PREPARE))
    for process in [run(ENTER, str(writer)) for writer in range(1, WRITERS + 1)]:
        said(process)
    expected = 10 + 5 * WRITERS
    assert said(run(PROVE)) == f"{expected} {expected} whole"
