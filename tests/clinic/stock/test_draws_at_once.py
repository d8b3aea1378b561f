"""Several processes draw the last of a lot at once, on a real database: one draws it, the others are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

WRITERS, VIALS = 4, 5

PREPARE = f"""
import django; django.setup()
from datetime import date, timedelta
from decimal import Decimal
from django.core.management import call_command
from django.utils import timezone
from tests.clinic.participants.making import clinician_of, enrolled, registered, version_in_force
from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import system
from upturn_clinic.stock.shelf.actions import Delivery, receive
from upturn_clinic.treatments.actions import make_plan
call_command("migrate", verbosity=0)
now = timezone.now()
here = accounts.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=now)
user = accounts.create_person(email="c@example.org", name="C", password="x", by=system(), at=now)
by = clinician_of(user, here)
version = version_in_force(by, now)
for place in range({VIALS}):
    person = registered(version, by, now, name=f"P{{place}}", born=date(1980, 1, 1 + place))
    make_plan(participant=enrolled(person, by, now), begins_at=now + timedelta(hours=1), by=by, at=now)
    vials = Delivery("ketamine", "vial", f"K-{{place}}", date(2099, 1, 31), 1, Decimal("40.3"), mg_per_ml=Decimal(10))
    receive(facility=here, delivery=vials, by=by, at=now)
"""

# Everybody draws every lot, each for a person of its own: of all who try one lot, one gets it.
DRAW = """
import django; django.setup()
from decimal import Decimal
from django.utils import timezone
from tests.clinic.participants.making import clinician_of
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.ground.errors import Refused
from upturn_clinic.stock.actions import draw
from upturn_clinic.stock.models import Lot
from upturn_clinic.treatments.models import Dose
by, won = clinician_of(User.objects.get(), Facility.objects.get()), 0
doses = Dose.objects.filter(number=1).select_related("plan__participant", "plan__facility")
for lot, dose in zip(Lot.objects.order_by("number"), doses.order_by("plan__participant__pseudonym"), strict=True):
    try:
        draw(dose=dose, lot=lot, amount=Decimal("40.3"), reason="a race", by=by, at=timezone.now())
        won += 1
    except Refused as refused:
        assert "not so much of this lot" in refused.fault, refused
print(won)
"""

PROVE = """
import django; django.setup()
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.stock.models import Lot, Movement
from upturn_clinic.stock.shelf.queries import balance_of, broken_seals
fault = verify(Entry.objects.order_by("sequence")).fault
left = sorted({str(balance_of(lot).shelf) for lot in Lot.objects.all()})
print(left, broken_seals(Movement.objects.all()), fault or "whole")
"""


def test_the_last_vial_is_drawn_once(tmp_path: Path) -> None:
    site = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.clinic.settings", "UPTURN_DATA_DIRECTORY": str(tmp_path)}
    if server := os.environ.get("UPTURN_DATABASE_URL"):
        # On PostgreSQL a database of its own, which no other test uses.
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE draws_at_once")
        site["UPTURN_DATABASE_URL"] = server.rsplit("/", 1)[0] + "/draws_at_once"
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
    won = [int(told(writer)) for writer in [run(DRAW) for _ in range(WRITERS)]]
    assert sum(won) == VIALS, won
    assert told(run(PROVE)) == "['0.000'] [] whole"
