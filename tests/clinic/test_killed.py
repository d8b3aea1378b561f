"""Kill the running server under load, again and again: what it answered stays, nothing is there twice, the trail holds.

The server is the one of ``upturn serve`` (gunicorn), in a process group of its own; the clients are people who logged
in and send the real form. Each writes only values that nobody wrote before, so that a value names its request. Only
the process is killed here, not the machine: what a power failure takes is the database's own promise.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

ROOT = Path(__file__).parents[2]
CLIENTS = 4
SEED = 20260303
LONGEST_START_S = 60.0
HIDDEN_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')

# A clinician, somebody in screening, and a session for each client: made by the real actions, printed as words.
PREPARE = f"""
import django; django.setup()
from datetime import date
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from upturn_clinic.accounts import actions
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.participants.actions import register
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.programmes.reading import shipped_document
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
now = timezone.now()
here = actions.create_facility(slug="main", name="Main", time_zone="UTC", by=system(), at=now)
user = actions.create_person(email="c@example.org", name="C", password="nine quiet herons at dusk", by=system(here),
                             at=now)
actions.give_role(user=user, role=Role.CLINICIAN, facility=here, by=system(here), at=now)
TOTP.activate(user, generate_totp_secret())
by = Actor(user, here, frozenset({{Role.CLINICIAN}}))
programme = programmes.create_programme(name="P", purpose="", by=by, at=now)
document, file = shipped_document("six-infusions")
draft = programmes.add_version(programme=programme, document=document, file=file, by=by, at=now)
version = programmes.put_into_force(protocol_version=draft, version=draft.version, proof=Proof(user, now), by=by,
                                    at=now)
person = register(protocol_version=version, identity={{"full_name": "A", "date_of_birth": date(1980, 2, 29)}},
                  sex="female", by=by, at=now)
print("person", person.pk)
for _ in range({CLIENTS}):
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    print("session", client.cookies[settings.SESSION_COOKIE_NAME].value)
"""

# Every weight in the record, and every weight in the trail: the two must be the same ones.
LOOK = """
import json, django; django.setup()
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Measure
for value in Measure.objects.filter(instrument="weight").values_list("value", flat=True):
    print("record", value)
for changes in Entry.objects.filter(object_type="participants.Measure").values_list("changes", flat=True):
    print("trail", (json.loads(changes) if isinstance(changes, str) else changes)["value"][1])
"""


@dataclass
class Site:
    """A clinic in a folder of its own, and its server."""

    variables: dict[str, str]
    port: int
    log: Path
    server: subprocess.Popen[bytes] | None = None

    def ask(self, *words: str) -> str:
        """Run something to its end."""
        done = subprocess.run([sys.executable, *words], env=self.variables, cwd=ROOT, capture_output=True, text=True,
                              check=False, timeout=180)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        words = [sys.executable, "-m", "upturn_clinic", "serve", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                words, env=self.variables, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + LONGEST_START_S
        while time.monotonic() < until:
            try:
                with opened(self.port) as connection:
                    if asked(connection, "GET", "/well/", "")[0] == 200:
                        return
            except OSError:
                time.sleep(0.05)
            assert self.server.poll() is None, self.log.read_text()
        raise AssertionError(f"the server did not come up: {self.log.read_text()}")

    def kill(self) -> None:
        """Kill the server, parent and worker alike, with nothing to say farewell."""
        assert self.server is not None
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.wait()


@dataclass
class Writer(threading.Thread):
    """Somebody logged in who records one weight after another, and remembers which were answered."""

    port: int
    address: str
    session: str
    first: int
    sent: list[Decimal] = field(default_factory=list)
    acknowledged: list[Decimal] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    # Threads are kept in sets by the standard library: this one is itself, not its values.
    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Write until told to stop; a broken connection is not an answer."""
        token = cookie = ""
        while not self.is_over.is_set():
            try:
                if not token:
                    with opened(self.port) as connection:
                        status, head, page = asked(connection, "GET", self.address, f"sessionid={self.session}")
                    found = HIDDEN_TOKEN.search(page)
                    if status != 200 or found is None:
                        self.refused.append(f"GET {status}")
                        return
                    token = found[1]
                    cookie = f"sessionid={self.session}; {(head['Set-Cookie'] or '').partition(';')[0]}"
                value = Decimal(self.first + len(self.sent)) / 1000
                given = {"csrfmiddlewaretoken": token, "instrument": "weight", "value": str(value),
                         "measured_at": time.strftime("%Y-%m-%dT%H:%M", time.gmtime()), "recall_h": ""}  # fmt: skip
                # A server that is not there is not a request: the value counts as sent once somebody listens.
                with opened(self.port) as connection:
                    self.sent.append(value)
                    status, _, page = asked(connection, "POST", self.address, cookie, urlencode(given))
                if status == 302:
                    self.acknowledged.append(value)
                else:
                    self.refused.append(f"POST {status} {re.findall(r'errorlist.*', page)[:2]}")
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)


@contextmanager
def opened(port: int) -> Iterator[http.client.HTTPConnection]:
    """Connect to the server; refused when nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with closing(connection):
        connection.connect()
        yield connection


def asked(
    connection: http.client.HTTPConnection, method: str, path: str, cookie: str, body: str = ""
) -> tuple[int, http.client.HTTPMessage, str]:
    """Ask the server once."""
    head = {"Cookie": cookie, "Connection": "close"}
    if body:
        head["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body or None, head)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


def empty_database(server: str) -> str:
    """Make an empty database on a PostgreSQL server; nothing for the embedded one, which begins empty."""
    if not server:
        return ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS killed")
        connection.execute("CREATE DATABASE killed")
    return urlsplit(server)._replace(path="/killed").geturl()


@pytest.fixture
def site(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A clinic on the embedded database, or on the PostgreSQL that the environment names."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    variables = {name: value for name, value in os.environ.items() if not name.startswith("UPTURN_")}
    variables |= {"DJANGO_SETTINGS_MODULE": "upturn_clinic.settings", "UPTURN_SECRET_KEY": "a key for one test only",
                  "UPTURN_DATA_DIRECTORY": str(tmp_path), "UPTURN_HTTPS": "off",
                  "UPTURN_DATABASE_URL": empty_database(getattr(request, "param", ""))}  # fmt: skip
    made = Site(variables, port, tmp_path / "log")
    yield made
    if made.server is not None and made.server.poll() is None:
        made.kill()


def killed(site: Site, times: int) -> None:
    """Kill the server so many times while people write, then compare what was answered with what is there."""
    words = [line.split() for line in site.ask("-c", PREPARE).splitlines()]
    person = next(word for kind, word in words if kind == "person")
    sessions = [word for kind, word in words if kind == "session"]
    address = f"/at/main/participants/{person}/measures/new/"
    moments = random.Random(SEED)  # noqa: S311  (moments, not secrets)
    site.start()
    # Weights between 40 and 200 kg in steps of a gram: each client has a stretch of its own.
    writers = [Writer(site.port, address, session, 40_000 + 40_000 * place) for place, session in enumerate(sessions)]
    for writer in writers:
        writer.start()
    for _ in range(times):
        before = sum(len(each.acknowledged) for each in writers)
        until = time.monotonic() + LONGEST_START_S
        while sum(len(each.acknowledged) for each in writers) < before + CLIENTS and time.monotonic() < until:
            time.sleep(0.01)
        assert sum(len(each.acknowledged) for each in writers) >= before + CLIENTS, [each.refused for each in writers]
        time.sleep(moments.uniform(0, 0.3))
        site.kill()
        site.start()
    for writer in writers:
        writer.is_over.set()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    site.kill()

    sent = {value for writer in writers for value in writer.sent}
    acknowledged = {value for writer in writers for value in writer.acknowledged}
    assert [each.refused for each in writers] == [[]] * CLIENTS
    # Some requests were really cut off in the middle: otherwise nothing was tried.
    assert len(acknowledged) < len(sent)
    lines = [line.split() for line in site.ask("-c", LOOK).splitlines()]
    record = Counter(Decimal(value) for where, value in lines if where == "record")
    trail = Counter(Decimal(value) for where, value in lines if where == "trail")
    assert acknowledged - set(record) == set(), "answered, and lost"
    assert {value: count for value, count in record.items() if count > 1} == {}, "written twice"
    assert set(record) <= sent
    assert record == trail
    assert "whole" in site.ask("-m", "upturn_clinic", "verify_audit")
    print(f"\n{times} kills: {len(sent)} sent, {len(acknowledged)} answered, {len(record)} there")


def test_what_was_answered_is_there_after_five_kills(site: Site) -> None:
    killed(site, 5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "site",
    [pytest.param("", id="embedded"),
     pytest.param(os.environ.get("UPTURN_DATABASE_URL", ""), id="postgresql", marks=pytest.mark.skipif(
         "UPTURN_DATABASE_URL" not in os.environ, reason="no PostgreSQL is named; make test-postgres names one"))],
    indirect=True,
)  # fmt: skip
def test_what_was_answered_is_there_after_fifty_kills(site: Site) -> None:
    killed(site, 50)
