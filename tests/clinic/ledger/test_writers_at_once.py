"""Several processes write at once, on a real database: one chain, no fork, no row lost, one winner per version."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WRITERS, ROWS = 4, 15

PREPARE = """
import django; django.setup()
from django.core.management import call_command
from django.utils import timezone
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import system
call_command("migrate", verbosity=0)
actions.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=timezone.now())
"""

WRITE = f"""
import sys, django; django.setup()
from django.utils import timezone
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.models import Facility
from upturn_clinic.ground.errors import Conflict
won = 0
for _ in range({ROWS}):
    here = Facility.objects.get()
    actions.note_event(action="looked", by=system(here), at=timezone.now(), facts={{}})
    try:
        name = f"{{sys.argv[1]}}-{{won}}-{{here.version}}"
        actions.change_facility(facility=here, version=here.version, values={{"name": name}}, reason="to be first",
                                by=system(here), at=timezone.now())
        won += 1
    except Conflict:
        pass
print(won)
"""

PROVE = """
import django; django.setup()
from upturn_clinic.accounts.models import Facility
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
verdict = verify(Entry.objects.order_by("sequence"))
print(verdict.fault or "whole", verdict.entries, Facility.objects.get().version)
"""


def test_writers_at_once_make_one_chain(tmp_path: Path) -> None:
    # On PostgreSQL the address comes with the environment: the server's own database, which no other test uses.
    site = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.clinic.settings", "UPTURN_DATA_DIRECTORY": str(tmp_path)}
    root = Path(__file__).parents[3]

    def run(script: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=site,
            cwd=root,
        )  # fmt: skip

    def told(process: subprocess.Popen[str]) -> str:
        out, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, wrong
        return out.strip()

    told(run(PREPARE))
    won = sum(int(told(writer)) for writer in [run(WRITE, str(number)) for number in range(WRITERS)])
    # Each note is a row, each change that won is a row, and the first row opened the facility.
    rows = 1 + WRITERS * ROWS + won
    assert won >= ROWS
    assert told(run(PROVE)) == f"whole {rows} {won + 1}"
