"""The clinic under load: 50 people at once on plan, list and upcoming pages of 2,000 participants, on PostgreSQL.

A throw-away PostgreSQL, the server as docs/clinic/production.md starts it, and the people all share this machine's
cores. A person reads a page for a while and then opens the next; beside that, the same people without any pause say
what the server gives at most. The participants are written through the ledger, not through the forms.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PARTICIPANTS, PEOPLE, SECONDS, WARM_UP_S = 2_000, 50, 30.0, 5.0
# A page is read for 1 to 5 seconds; a person who looks something up hardly turns faster.
READING_S = (1.0, 5.0)
PROTOCOL, ARM, SEED = "six-infusions", "ketamine", 20260101
AT_ONCE = 100
SERVER = ("-m", "gunicorn", "upturn_clinic.wsgi", "--workers", "3", "--threads", "4", "--worker-class", "gthread",
          "--log-level", "warning")  # fmt: skip


def clinic() -> dict[str, Any]:
    """(e) Seconds to a page, as people at screens meet them."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        words = [sys.executable, "-m", "benchmarks.clinic", folder, str(found)]
        subprocess.run([sys.executable, "tests/clinic/postgres.py", *words], check=True, cwd=ROOT)
        result: dict[str, Any] = json.loads(found.read_text())
    return result


def measure(folder: Path) -> dict[str, Any]:
    """Seed the database that the environment names, serve it, and load it twice."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "upturn_clinic.settings", "UPTURN_DATA_DIRECTORY": str(folder),
                   "UPTURN_SECRET_KEY": "a key for one measurement", "UPTURN_HTTPS": "off"}  # fmt: skip
    import django  # noqa: PLC0415  (the settings read the environment that was just set)

    django.setup()
    sessions, plans = seed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen([sys.executable, *SERVER, "--bind", f"127.0.0.1:{port}"], cwd=ROOT)
    try:
        wait_for(port)
        visit(port, sessions, plans, reading_s=(0.0, 0.0), seconds=WARM_UP_S)
        busy_before, worked_before = os.getloadavg()[0], worked_s(server.pid)
        reading = visit(port, sessions, plans, reading_s=READING_S, seconds=SECONDS)
        flat_out = visit(port, sessions, plans, reading_s=(0.0, 0.0), seconds=SECONDS)
        worked = worked_s(server.pid) - worked_before
    finally:
        server.terminate()
        server.wait()
    pages = reading["all"]["count"] + flat_out["all"]["count"]
    print(table({"read for 1 to 5 s": reading, "without pause": flat_out}), flush=True)
    return {"participants": len(plans), "people": PEOPLE, "load_before": round(busy_before, 1),
            "server_cpu_ms_per_page": round(1000 * worked / pages, 1),
            "reading_1_to_5_s": reading, "without_pause": flat_out}  # fmt: skip


def seed() -> tuple[list[str], list[str]]:
    """Make facility, staff, protocol in force and participants with plans; give sessions and keys of participants."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from upturn_clinic.accounts import actions  # noqa: PLC0415
    from upturn_clinic.accounts.actor import Actor, system  # noqa: PLC0415
    from upturn_clinic.accounts.permissions import Role  # noqa: PLC0415
    from upturn_clinic.accounts.proof import Proof  # noqa: PLC0415
    from upturn_clinic.programmes import actions as programmes  # noqa: PLC0415
    from upturn_clinic.programmes.reading import shipped_document  # noqa: PLC0415

    settings.EXPECT_WHEN_SIGNED = False
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    now = timezone.now()
    here = actions.create_facility(slug="main", name="Main", time_zone="Europe/Copenhagen", by=system(), at=now)
    sessions = []
    for number in range(PEOPLE):
        user = actions.create_person(
            email=f"p{number}@example.org", name=f"Person {number}", password="nine quiet herons at dusk",  # noqa: S106
            by=system(here), at=now,
        )  # fmt: skip
        actions.give_role(user=user, role=Role.CLINICIAN, facility=here, by=system(here), at=now)
        TOTP.activate(user, generate_totp_secret())
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        sessions.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    by = Actor(user, here, frozenset({Role.CLINICIAN}))
    programme = programmes.create_programme(name="Infusions", purpose="", by=by, at=now)
    document, file = shipped_document(PROTOCOL)
    draft = programmes.add_version(programme=programme, document=document, file=file, by=by, at=now)
    version = programmes.put_into_force(
        protocol_version=draft, version=draft.version, proof=Proof(user, now), by=by, at=now
    )
    return sessions, enrol_many(version, by)


def enrol_many(version: Any, by: Any) -> list[str]:
    """Write participants who began over the last half year, or will begin within three weeks; give their keys."""
    from django.utils import timezone  # noqa: PLC0415

    from upturn_clinic.ledger.writing import insert_many  # noqa: PLC0415
    from upturn_clinic.participants.models import Identity, Measure, Participant  # noqa: PLC0415
    from upturn_clinic.participants.pseudonyms import draw  # noqa: PLC0415
    from upturn_clinic.programmes.queries import protocol_of  # noqa: PLC0415
    from upturn_clinic.treatments.course import first_doses, first_visits  # noqa: PLC0415
    from upturn_clinic.treatments.models import Plan  # noqa: PLC0415

    now, protocol, chance = timezone.now(), protocol_of(version), random.Random(SEED)  # noqa: S311  (days, not secrets)
    names: set[str] = set()
    while len(names) < PARTICIPANTS:
        names.add(draw())
    keys = []
    for start in range(0, PARTICIPANTS, AT_ONCE):
        begins = [now + timedelta(days=chance.randint(-180, 21)) for _ in range(AT_ONCE)]
        people = [
            Participant(
                pseudonym=names.pop(), facility=by.facility, programme=version.programme, protocol_version=version,
                status=Participant.Status.ENROLLED, sex="female", age_y=40, arm=ARM,
                registered_at=at - timedelta(days=10), enrolled_at=at - timedelta(days=3),
            ) for at in begins
        ]  # fmt: skip
        plans = [
            Plan(participant=person, facility=by.facility, protocol_version=version, begins_at=at, made_at=now)
            for person, at in zip(people, begins, strict=True)
        ]
        due: list[list[Any]] = [[], []]
        for plan in plans:
            due[0] += first_doses(plan, protocol, ARM)
            due[1] += first_visits(plan, protocol, ARM, now=plan.begins_at)
        for dose in (each for each in due[0] if each.target < now):
            dose.state, dose.given_at, dose.duration_min = "given", dose.target, Decimal(40)
            dose.given_mg = dose.computed_mg = Decimal("40.3")
        for visit_ in (each for each in due[1] if each.target < now):
            visit_.state, visit_.done_at = "done", visit_.target
        others: list[list[Any]] = [
            [Identity(participant=each, full_name=f"Somebody {start + place}", date_of_birth=date(1985, 5, 5))
             for place, each in enumerate(people)],
            [Measure(participant=each, instrument="weight", value=Decimal("80.5"), unit="kg", at=each.registered_at)
             for each in people],
        ]  # fmt: skip
        batches: list[list[Any]] = [people, *others, plans, *due]
        for things in batches:
            insert_many(things, action="made for a measurement", by=by, at=now)
        keys += [str(each.pk) for each in people]
    return keys


def visit(
    port: int, sessions: Sequence[str], plans: Sequence[str], *, reading_s: tuple[float, float], seconds: float
) -> dict[str, Any]:
    """Let everybody open pages for a while; give how long they waited."""
    taken: dict[str, list[float]] = {"plan": [], "list": [], "upcoming": []}
    wrong: Counter[str] = Counter()
    until = time.perf_counter() + seconds
    pages: dict[str, Callable[[random.Random], str]] = {
        "plan": lambda chance: f"/at/main/participants/{chance.choice(plans)}/plan/",
        "list": lambda chance: f"/at/main/participants/?page={chance.randint(1, 20)}",
        "upcoming": lambda _: "/at/main/upcoming/",
    }

    def one_person(number: int) -> None:
        chance = random.Random(SEED + number)  # noqa: S311  (which page, not secrets)
        head = {"Cookie": f"sessionid={sessions[number]}"}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            # Nobody opens a page in the same instant as everybody else.
            time.sleep(chance.uniform(0, reading_s[1]))
            while time.perf_counter() < until:
                name = chance.choice(list(pages))
                path = pages[name](chance)
                began = time.perf_counter()
                try:
                    connection.request("GET", path, headers=head)
                    answer = connection.getresponse()
                    whole = answer.read()
                except (OSError, http.client.HTTPException) as fault:
                    # The server closes a connection after two idle seconds: the browser opens another, in this time.
                    connection.close()
                    try:
                        connection.request("GET", path, headers=head)
                        answer = connection.getresponse()
                        whole = answer.read()
                    except (OSError, http.client.HTTPException):
                        wrong[type(fault).__name__] += 1
                        continue
                taken[name].append(time.perf_counter() - began)
                if answer.status != 200 or b"</html>" not in whole:
                    wrong[str(answer.status)] += 1
                time.sleep(chance.uniform(*reading_s))

    threads = [threading.Thread(target=one_person, args=(number,)) for number in range(len(sessions))]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = [each for times in taken.values() for each in times]
    return {
        "requests_per_s": round(len(every) / (time.perf_counter() - began), 1),
        "errors": dict(wrong),
        **{name: {"count": len(times), "p50_ms": percentile(times, 50), "p95_ms": percentile(times, 95)}
           for name, times in {"all": every, **taken}.items()},
    }  # fmt: skip


def worked_s(parent: int) -> float:
    """Add up the processor time of a server's workers: it says more than the clock where others use the machine too."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name in brackets: state, parent, …; user and system time are the 14th and 15th of all.
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    """Write what was measured as one table: a line for each kind of page in each part."""
    lines = [f"{'':42}{'number':>8}{'p50 ms':>8}{'p95 ms':>8}{'cpu ms':>8}"]
    for part, found in parts.items():
        for name, row in found.items():
            if isinstance(row, dict) and "p95_ms" in row:
                cells = (row["count"], row["p50_ms"], row["p95_ms"], row.get("cpu_ms", ""))
                lines.append(f"{part + ': ' + name.replace('_', ' '):42}" + "".join(f"{each!s:>8}" for each in cells))
    return "\n".join(lines)


def percentile(times: Sequence[float], percent: int) -> int:
    """Give milliseconds that so many percent of the pages did not exceed."""
    return round(1000 * statistics.quantiles(times, n=100, method="inclusive")[percent - 1])


def wait_for(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
                connection.request("GET", "/well/")
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not come up")


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measure(Path(sys.argv[1]))))
