"""The session floor under load: 20 sessions at once on 20 tablets, and every page of it at the end of a full day.

As ``clinic.py``: a throw-away PostgreSQL, the server as docs/clinic/production.md starts it, all on this machine's
cores. Each of 20 tablets shows its own session and asks for its state every ten seconds, from its own moment on and
with the mark of what it has, as the page does; 20 more show the board in the same way. Beside that a row of four values
is written every three seconds, into one session after the other. Then all ask without any pause and without a mark, so
that it is seen what the server gives at most. At last each page is opened alone, one after the other, with more than
5,000 readings of the day in the tables: that is the server's own time. The day is written straight into the tables
(``tests/clinic/floor/busy.py``).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.clinic import ROOT, SERVER, percentile, table, wait_for, worked_s

TABLETS, SESSIONS, LEFT, TIMES = 20, 20, 80, 9
EVERY_S, WRITES_EVERY_S, SECONDS, WARM_UP_S, REPEATS = 10.0, 3.0, 60.0, 5.0, 20
SEED = 20260101
# A secret of the form that the server accepts; it guards nothing here.
TOKEN = "a" * 32


def floor() -> dict[str, Any]:
    """(g) Seconds to a session's state and to the board, and the server's time for every page of a full day."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        words = [sys.executable, "-m", "benchmarks.floor", folder, str(found)]
        subprocess.run([sys.executable, "tests/clinic/postgres.py", *words], check=True, cwd=ROOT)
        result: dict[str, Any] = json.loads(found.read_text())
    return result


def measure(folder: Path) -> dict[str, Any]:
    """Write the day, serve it, load it."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "upturn_clinic.settings", "UPTURN_DATA_DIRECTORY": str(folder),
                   "UPTURN_SECRET_KEY": "a key for one measurement", "UPTURN_HTTPS": "off"}  # fmt: skip
    import django  # noqa: PLC0415  (the settings read the environment that was just set)

    django.setup()
    day = seed()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen([sys.executable, *SERVER, "--bind", f"127.0.0.1:{port}"], cwd=ROOT)
    try:
        wait_for(port)
        polled(port, day, every_s=0.0, seconds=WARM_UP_S, writes=False)
        busy_before, worked_before = os.getloadavg()[0], worked_s(server.pid)
        as_pages_do = polled(port, day, every_s=EVERY_S, seconds=SECONDS, writes=True)
        worked = worked_s(server.pid) - worked_before
        flat_out = polled(port, day, every_s=0.0, seconds=SECONDS / 3, writes=True)
        pages = one_by_one(port, day, server.pid)
    finally:
        server.terminate()
        server.wait()
    print(table({"as the pages ask": as_pages_do, "without pause": flat_out, "alone": pages}), flush=True)
    return {
        "open_sessions": SESSIONS, "tablets": TABLETS, "readings_of_the_day": day["readings"],
        "load_before": round(busy_before, 1), "server_cpu_share_while_polled": round(worked / SECONDS, 2),
        "polled_every_10_s": as_pages_do, "without_pause": flat_out, "pages_alone_ms": pages,
        "load_after": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def seed() -> dict[str, Any]:
    """Make facility, nurses, a protocol in force, and a day on its floor; give log-ins and keys."""
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret  # noqa: PLC0415
    from django.conf import settings  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415
    from tests.clinic.floor.busy import busy_floor  # noqa: PLC0415
    from tests.clinic.floor.making import person_with_plan, signed_version  # noqa: PLC0415

    from upturn_clinic.accounts import actions  # noqa: PLC0415
    from upturn_clinic.accounts.actor import Actor, system  # noqa: PLC0415
    from upturn_clinic.accounts.permissions import Role  # noqa: PLC0415
    from upturn_clinic.floor.models import Reading, Session  # noqa: PLC0415

    settings.EXPECT_WHEN_SIGNED = False
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    now = timezone.now()
    here = actions.create_facility(slug="main", name="Main", time_zone="Europe/Copenhagen", by=system(), at=now)
    here = actions.change_facility(
        facility=here, version=here.version, values={"rooms": "\n".join(f"Room {n}" for n in range(1, SESSIONS + 1))},
        reason="rooms", by=system(here), at=now,
    )  # fmt: skip
    tablets = []
    for number in range(TABLETS):
        user = actions.create_person(
            email=f"n{number}@example.org", name=f"Nurse {number}", password="nine quiet herons at dusk",  # noqa: S106
            by=system(here), at=now,
        )  # fmt: skip
        for role in (Role.SESSION_NURSE, Role.CLINICIAN):
            actions.give_role(user=user, role=role, facility=here, by=system(here), at=now)
        TOTP.activate(user, generate_totp_secret())
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        tablets.append(client.cookies[settings.SESSION_COOKIE_NAME].value)
    by = Actor(user, here, frozenset({Role.SESSION_NURSE, Role.CLINICIAN}))
    version = signed_version("six-infusions", by, now)
    plan = person_with_plan(version, "ketamine", by, begins_at=now, at=now)
    plan.facility.refresh_from_db()
    busy_floor(plan, user, now=now, sessions=SESSIONS, times=TIMES, left=LEFT, begun_min=100)
    open_ones = list(Session.objects.filter(left_at=None).values_list("pk", "participant_id"))
    return {
        "tablets": tablets, "sessions": [str(key) for key, _ in open_ones],
        "people": [str(key) for _, key in open_ones], "readings": Reading.objects.count(),
    }  # fmt: skip


def polled(port: int, day: dict[str, Any], *, every_s: float, seconds: float, writes: bool) -> dict[str, Any]:
    """Let all tablets ask for a while, each for its session and for the board; give how long they waited."""
    taken: dict[str, list[float]] = {
        "session_drawn": [], "session_nothing_new": [], "board_drawn": [], "board_nothing_new": [], "write": [],
    }  # fmt: skip
    wrong: Counter[str] = Counter()
    until = time.perf_counter() + seconds
    chance = random.Random(SEED)  # noqa: S311  (moments, not secrets)
    pages = [("session", f"/at/main/sessions/{each}/state/") for each in day["sessions"]]
    pages += [("board", "/at/main/floor/picture/")] * len(day["tablets"])
    begins = [chance.uniform(0, every_s) for _ in pages]

    def tablet(number: int) -> None:
        mark, (name, path), user = "", pages[number], day["tablets"][number % len(day["tablets"])]
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            time.sleep(begins[number])
            while time.perf_counter() < until:
                began = time.perf_counter()
                status, headers, body = ask(
                    connection, "GET", path, user, wrong,
                    extra={"If-None-Match": mark, "X-Upturn-By-Itself": "1"},
                )  # fmt: skip
                took = time.perf_counter() - began
                if status in (200, 304):
                    taken[f"{name}_{'drawn' if status == 200 else 'nothing_new'}"].append(took)
                    if every_s and status == 200:
                        mark = json.loads(body)["mark"] if name == "session" else headers["ETag"]
                else:
                    wrong[str(status)] += 1
                time.sleep(max(0.0, every_s - took) if every_s else 0.0)

    def nurse() -> None:
        place = 0
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            while time.perf_counter() < until:
                at, row = datetime.now(UTC).isoformat(), str(uuid4())
                entries = [
                    {"id": str(uuid4()), "kind": "reading", "at": at, "device_at": at, "instrument": name,
                     "value": value, "row": row}
                    for name, value in (("SBP", "124"), ("DBP", "79"), ("HR", "72"), ("SpO2", "98"))
                ]  # fmt: skip
                session = day["sessions"][place % len(day["sessions"])]
                place += 1
                began = time.perf_counter()
                status, _, body = ask(
                    connection, "POST", f"/at/main/sessions/{session}/entries/", day["tablets"][0], wrong,
                    body=json.dumps(entries), extra={"Content-Type": "application/json", "X-CSRFToken": TOKEN},
                )  # fmt: skip
                taken["write"].append(time.perf_counter() - began)
                if status != 200 or body.count(b'"saved"') != len(entries):
                    wrong[f"write {status}"] += 1
                time.sleep(WRITES_EVERY_S)

    threads = [threading.Thread(target=tablet, args=(number,)) for number in range(len(pages))]
    if writes:
        threads.append(threading.Thread(target=nurse))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    polls = [each for name, times in taken.items() if name != "write" for each in times]
    return {"errors": dict(wrong), "polls_per_s": round(len(polls) / seconds, 1), **{
        name: told(times) for name, times in {"all_polls": polls, **taken}.items() if len(times) > 1
    }}  # fmt: skip


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, session: str, wrong: Counter[str], *,
    extra: dict[str, str], body: str | None = None,
) -> tuple[int, dict[str, str], bytes]:  # fmt: skip
    """Ask once; when the server had closed an idle connection, once more on a new one, within the same time."""
    head = {"Cookie": f"sessionid={session}; csrftoken={TOKEN}", **extra}
    for attempt in (1, 2):
        try:
            connection.request(method, path, body=body, headers=head)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            if attempt > 1:
                wrong[type(fault).__name__] += 1
    return 0, {}, b""


def one_by_one(port: int, day: dict[str, Any], server: int) -> dict[str, Any]:
    """Open each page alone, some times over; give how long it took, and how much of the processor it needed."""
    session, person = day["sessions"][0], day["people"][0]
    pages = {
        "floor": "/at/main/floor/", "picture": "/at/main/floor/picture/", "session": f"/at/main/sessions/{session}/",
        "session_state": f"/at/main/sessions/{session}/state/", "leaving": f"/at/main/sessions/{session}/leaving/",
        "take_home": f"/at/main/sessions/{session}/take-home/", "plan": f"/at/main/participants/{person}/plan/",
        "participants": "/at/main/participants/", "participant": f"/at/main/participants/{person}/",
        "upcoming": "/at/main/upcoming/", "safety": "/at/main/safety/", "stock": "/at/main/stock/",
    }  # fmt: skip
    wrong: Counter[str] = Counter()
    found: dict[str, Any] = {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        for name, path in pages.items():
            times = []
            worked = worked_s(server)
            for _ in range(REPEATS):
                began = time.perf_counter()
                status, _, _ = ask(connection, "GET", path, day["tablets"][1], wrong, extra={})
                times.append(time.perf_counter() - began)
                if status != 200:
                    wrong[f"{name} {status}"] += 1
            # Where others use the machine too, this says more than the clock.
            found[name] = {**told(times), "cpu_ms": round(1000 * (worked_s(server) - worked) / REPEATS)}
    return {**found, "errors": dict(wrong)}


def told(times: Sequence[float]) -> dict[str, int]:
    """Say how often, and how long in the middle and at the 95th percentile."""
    return {"count": len(times), "p50_ms": percentile(times, 50), "p95_ms": percentile(times, 95)}


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measure(Path(sys.argv[1]))))
