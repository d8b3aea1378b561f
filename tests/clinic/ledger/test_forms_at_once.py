"""Two real requests with the same form at the same instant, on a real database: one row, one place to go to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg

SENDERS, ROUNDS = 3, 12

PREPARE = """
import json, django; django.setup()
from datetime import date
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from tests.clinic.participants.making import clinician_of, registered, version_in_force
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import system
from upturn_clinic.accounts.permissions import Role
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
call_command("migrate", verbosity=0)
now = timezone.now()
here = actions.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=now)
user = actions.create_person(email="c@example.org", name="C", password="x", by=system(here), at=now)
actions.give_role(user=user, role=Role.CLINICIAN, facility=here, by=system(here), at=now)
TOTP.activate(user, generate_totp_secret())
by = clinician_of(user, here)
person = registered(version_in_force(by, now), by, now)
client = Client()
client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
print(json.dumps([str(person.pk), str(person.protocol_version_id),
                  client.cookies[settings.SESSION_COOKIE_NAME].value]))
"""

# Each sender is the same browser: it sends the same two forms in each round, each when all are ready for it. One
# inserts (a measure); the other begins a screening, and leads to a page that only the first answer knows.
SEND = f"""
import json, sys, time, django; django.setup()
from django.conf import settings
from django.test import Client
from django.urls import reverse
person, version, session = sys.argv[1:]
client, told = Client(), []
client.cookies[settings.SESSION_COOKIE_NAME] = session
# The first request of a process is slow: it reads templates.
client.get(reverse("record_measure", args=["main", person]))
for round in range({ROUNDS}):
    forms = [
        (reverse("record_measure", args=["main", person]),
         {{"instrument": "weight", "value": str(60 + round), "measured_at": "2026-03-03T10:00",
          "form_key": f"w{{round}}"}}),
        (reverse("register_participant", args=["main"]),
         {{"protocol_version": version, "full_name": f"P{{round}}", "date_of_birth": "1980-01-01", "sex": "female",
          "form_key": f"p{{round}}"}}),
    ]
    for place, (page, typed) in enumerate(forms):
        print("ready", flush=True)
        sys.stdin.readline()
        began = time.time()
        answer = client.post(page, typed)
        told.append([round, place, began, time.time(), answer.status_code, answer.get("Location")])
print(json.dumps(told))
"""

LOOK = """
import json, django; django.setup()
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Identity, Measure
print(json.dumps([sorted(int(value) for value in Measure.objects.values_list("value", flat=True)),
                  sorted(Identity.objects.exclude(full_name="Ada Byron").values_list("full_name", flat=True)),
                  verify(Entry.objects.order_by("sequence")).fault or "whole"]))
"""


def test_forms_sent_at_once_are_written_once(tmp_path: Path) -> None:
    site = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.clinic.settings", "UPTURN_DATA_DIRECTORY": str(tmp_path)}
    if server := os.environ.get("UPTURN_DATABASE_URL"):
        # On PostgreSQL a database of its own, which no other test uses.
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute("CREATE DATABASE forms_at_once")
        site["UPTURN_DATABASE_URL"] = server.rsplit("/", 1)[0] + "/forms_at_once"
    root = Path(__file__).parents[3]

    def run(script: str, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", script, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=site, cwd=root,
        )  # fmt: skip

    def told(process: subprocess.Popen[str]) -> list[list[object]]:
        out, wrong = process.communicate(timeout=300)
        assert process.returncode == 0, wrong
        found: list[list[object]] = json.loads(out)
        return found

    words = [str(word) for word in told(run(PREPARE))]
    senders = [run(SEND, *words) for _ in range(SENDERS)]
    for _ in range(2 * ROUNDS):
        for sender in senders:
            assert sender.stdout is not None
            assert sender.stdout.readline() == "ready\n", sender.communicate()[1]
        for sender in senders:
            assert sender.stdin is not None
            sender.stdin.write("go\n")
            sender.stdin.flush()
    answers = [told(sender) for sender in senders]

    at_once = 0
    for same in zip(*answers, strict=True):
        assert {(status, to) for _, _, _, _, status, to in same} == {(302, same[0][5])}, same
        assert same[0][5]
        at_once += max(float(str(each[2])) for each in same) < min(float(str(each[3])) for each in same)
    # Else nothing was tried: all requests came one after the other.
    assert at_once
    measures, people, chain = told(run(LOOK))
    assert measures == [60 + number for number in range(ROUNDS)]
    assert people == sorted(f"P{number}" for number in range(ROUNDS))
    assert str(chain) == "whole"
