"""Several processes enrol at once, on a real database: each place of the list is taken once, and none is left out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

WRITERS, PEOPLE = 3, 9

PREPARE = f"""
import django; django.setup()
from datetime import date
from django.core.management import call_command
from django.utils import timezone
from tests.clinic.participants.making import clinician_of, eligible, registered, version_in_force
from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import system
from upturn_clinic.participants import actions
call_command("migrate", verbosity=0)
now = timezone.now()
here = accounts.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=now)
user = accounts.create_person(email="c@example.org", name="C", password="x", by=system(), at=now)
by = clinician_of(user, here)
version = version_in_force(by, now)
actions.set_up_randomisation(protocol_version=version, shares={{"ketamine": 1, "midazolam": 1}}, block_sizes=[2, 4],
                             strata={{}}, by_facility=False, is_masked=True, by=by, at=now)
for place in range({PEOPLE}):
    eligible(registered(version, by, now, name=f"P{{place}}", born=date(1980, 1, 1 + place)), by, now)
"""

# Everybody tries everybody: of all who try one person, one wins.
ENROL = """
import django; django.setup()
from django.utils import timezone
from tests.clinic.participants.making import clinician_of
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.participants import actions
from upturn_clinic.participants.models import Participant
by, won = clinician_of(User.objects.get(), Facility.objects.get()), 0
for person in Participant.objects.order_by("pseudonym"):
    try:
        actions.enrol(participant=person, version=person.version, arm="", strata={}, by=by, at=timezone.now())
        won += 1
    except (Conflict, Refused):
        pass
print(won)
"""

PROVE = """
import django; django.setup()
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Allocation, RandomisationList
from upturn_clinic.participants.queries import allocations_hold
places = sorted(Allocation.objects.values_list("place", flat=True))
fault = verify(Entry.objects.order_by("sequence")).fault
print(places, allocations_hold(RandomisationList.objects.get()), fault or "whole")
"""


def test_enrolments_at_once_take_each_place_once(tmp_path: Path) -> None:
    site = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.clinic.settings", "UPTURN_DATA_DIRECTORY": str(tmp_path)}
    if server := os.environ.get("UPTURN_DATABASE_URL"):
        # On PostgreSQL a database of its own, which no other test uses.
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE enrolments_at_once")
        site["UPTURN_DATABASE_URL"] = server.rsplit("/", 1)[0] + "/enrolments_at_once"
    root = Path(__file__).parents[3]

    def run(script: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=site,
            cwd=root,
        )

    def told(process: subprocess.Popen[str]) -> str:
        out, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, wrong
        return out.strip()

    told(run(PREPARE))
    won = [int(told(writer)) for writer in [run(ENROL) for _ in range(WRITERS)]]
    assert sum(won) == PEOPLE, won
    assert told(run(PROVE)) == f"{list(range(1, PEOPLE + 1))} True whole"
