"""What the simulation expects: the library's own answer of the same file, computed beside the server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import NOW

from upturn.errors import CannotError
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.programmes import actions, computation, queries
from upturn_clinic.programmes.expected import expected
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion
from upturn_clinic.programmes.reading import shipped_document

FEW = 10
LogIn = Callable[[User], Client]


@pytest.mark.django_db
def test_the_digest_on_screen_is_that_of_check_show_simulation_and_answer(
    in_force: ProtocolVersion, colleague: User, log_in: LogIn, tmp_path: Path
) -> None:
    client = log_in(colleague)
    page = client.get(reverse("protocol_version", args=["main", in_force.pk])).content.decode()
    file = tmp_path / "same.yaml"
    file.write_bytes(client.get(reverse("protocol_file", args=["main", in_force.pk])).content)
    checked = json.loads(computation.upturn(["protocol", "check", str(file), "--json"]))["digest"]
    out = tmp_path / "records"
    words = ["simulate", str(file), "--patients", "2", "--out", str(out), "--json"]
    simulated = json.loads(computation.upturn(words))["digest"]
    assert checked == simulated == in_force.digest
    assert checked in page
    assert checked in computation.upturn(["protocol", "show", str(file)]).replace("\n", "")


@pytest.mark.django_db
def test_the_command_keeps_the_librarys_answer(programme: Programme, as_clinician: Actor, colleague: User,
                                               log_in: LogIn) -> None:  # fmt: skip
    document, file = shipped_document("single-infusion")
    version = actions.add_version(programme=programme, document=document, file=file, by=as_clinician, at=NOW)
    client = log_in(colleague)
    address = reverse("protocol_version", args=["main", version.pk])
    assert "It is not computed yet" in client.get(address).content.decode()
    call_command("expect", str(version.pk), "--patients", str(FEW), stdout=StringIO())
    kept = queries.expectation_of(version)
    assert kept is not None
    assert kept.state == Expectation.State.DONE
    answer = json.loads(kept.answer)
    assert answer["protocol"]["digest"] == version.digest
    assert answer["patients"] == FEW
    assert "curves" not in answer["arms"][0]
    found = expected(kept, "ketamine")
    assert found is not None
    control = found.control_among(("ketamine", "midazolam"))
    assert control is not None
    assert control.title == load_title("midazolam", version)
    assert found.control_among(("ketamine",)) is None
    page = client.get(address).content.decode()
    assert "10 virtual people per arm" in page
    assert "Response, day 1" in page


@pytest.mark.django_db
def test_what_was_computed_holds_for_the_same_document_in_another_programme(
    in_force: ProtocolVersion, as_clinician: Actor, elsewhere: Facility, make_person: Callable[..., User],
    colleague: User, log_in: LogIn,
) -> None:  # fmt: skip
    def of_another_programme(by: Actor) -> ProtocolVersion:
        begun = actions.create_programme(name="Another", purpose="", by=by, at=NOW)
        return actions.add_version(programme=begun, document=in_force.document, file="x", by=by, at=NOW)

    same = of_another_programme(as_clinician)
    doctor = make_person("Doctor", elsewhere, Role.CLINICIAN)
    theirs = of_another_programme(Actor(doctor, elsewhere, frozenset({Role.CLINICIAN})))
    assert queries.expectation_of(same) is None
    call_command("expect", str(in_force.pk), "--patients", str(FEW), stdout=StringIO())
    assert queries.expectation_of(same) == in_force.expectations.get()
    page = log_in(colleague).get(reverse("protocol_version", args=["main", same.pk])).content.decode()
    assert "10 virtual people per arm" in page
    # What another facility has computed is not ours to see.
    assert queries.expectation_of(theirs) is None


@pytest.mark.django_db
def test_a_version_in_force_does_not_promise_to_compute_itself(
    in_force: ProtocolVersion, colleague: User, facility: Facility, make_person: Callable[..., User], log_in: LogIn
) -> None:
    address = reverse("protocol_version", args=["main", in_force.pk])
    page = log_in(colleague).get(address).content.decode()
    assert "It has not been computed for this version." in page
    assert "starts by itself" not in page
    assert f"python -m upturn_clinic expect {in_force.pk}" in page
    # A command of the server is nothing for a nurse.
    page = log_in(make_person("Nurse", facility, Role.SESSION_NURSE)).get(address).content.decode()
    assert "It has not been computed for this version." in page
    assert "python -m" not in page


def load_title(arm: str, version: ProtocolVersion) -> str:
    return queries.protocol_of(version).arms[arm].title


@pytest.mark.django_db
def test_what_the_library_refuses_is_kept_and_told(in_force: ProtocolVersion, colleague: User, log_in: LogIn) -> None:
    with pytest.raises(CommandError, match="greater than or equal to 2"):
        call_command("expect", str(in_force.pk), "--patients", "1")
    kept = queries.expectation_of(in_force)
    assert kept is not None
    assert kept.state == Expectation.State.FAILED
    page = log_in(colleague).get(reverse("protocol_version", args=["main", in_force.pk])).content.decode()
    assert "It could not be computed" in page
    assert "greater than or equal to 2" in page


@pytest.mark.django_db
@pytest.mark.parametrize("missing", ["a place to work in", "Python"])
def test_what_this_machine_lacks_is_kept_and_told(
    in_force: ProtocolVersion, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, missing: str
) -> None:
    nowhere = str(tmp_path / "gone")
    if missing == "Python":
        monkeypatch.setattr(sys, "executable", nowhere)
    else:
        monkeypatch.setattr(tempfile, "tempdir", nowhere)
    with pytest.raises(CommandError, match="No such file or directory"):
        call_command("expect", str(in_force.pk))
    kept = queries.expectation_of(in_force)
    assert kept is not None
    # It does not stay "being computed" for ever.
    assert kept.state == Expectation.State.FAILED
    assert "No such file or directory" in kept.fault


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["nonsense", "00000000-0000-0000-0000-000000000000"])
def test_an_unknown_version_is_told(key: str) -> None:
    with pytest.raises(CommandError, match="no protocol version"):
        call_command("expect", key)


def test_the_librarys_own_fault_is_told() -> None:
    with pytest.raises(CannotError) as fault:
        computation.answer("upturn: 1\n")
    assert "is missing" in str(fault.value)


SIGN_AND_WATCH = """
import os, sys, time
from types import SimpleNamespace
import django
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("createcachetable", verbosity=0)
from django.conf import settings
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.ALLOWED_HOSTS = ["testserver"]
settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from allauth.mfa.totp.internal import auth
from allauth.mfa.totp.internal.auth import TOTP
from tests.clinic.conftest import PASSWORD, SECRET, code_now
from upturn_clinic.accounts import actions as people
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.programmes import actions, queries
from upturn_clinic.programmes.reading import shipped_document
now = timezone.now()
here = people.create_facility(slug="main", name="Main", time_zone="Europe/Copenhagen", by=system(), at=now)
user = people.create_person(email="c@example.org", name="C", password=PASSWORD, by=system(here), at=now)
people.give_role(user=user, role=Role.CLINICIAN, facility=here, by=system(here), at=now)
TOTP.activate(user, SECRET)
by = Actor(user, here, frozenset({Role.CLINICIAN}))
programme = actions.create_programme(name="P", purpose="", by=by, at=now)
document, file = shipped_document("single-infusion")
version = actions.add_version(programme=programme, document=document, file=file, by=by, at=now)
client = Client()
client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
began = time.monotonic()
# The first request of a process is slow: the code holds that long.
auth.time = SimpleNamespace(time=lambda shown=time.time(): shown)
answer = client.post(reverse("put_into_force", args=["main", version.pk]),
                     {"version": "1", "password": PASSWORD, "code": code_now(), "takes_none": "on"})
print("status", answer.status_code)
at_once = queries.expectation_of(version)
print("meanwhile", at_once and at_once.state)
while time.monotonic() - began < 400:
    kept = queries.expectation_of(version)
    if kept is not None and kept.state != "running":
        break
    time.sleep(0.5)
print("state", kept and kept.state, kept and kept.fault)
print("digest", kept and version.digest in kept.answer)
"""


def test_signing_starts_the_simulation_and_does_not_wait_for_it(tmp_path: Path) -> None:
    """The real thing: a database of its own, the view, the process that it starts, the answer that arrives."""
    environment = {
        **os.environ, "UPTURN_DATA_DIRECTORY": str(tmp_path), "UPTURN_HTTPS": "off", "UPTURN_DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "upturn_clinic.settings",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", SIGN_AND_WATCH], env=environment, check=False, capture_output=True,
                          text=True)  # fmt: skip
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert done.returncode == 0, done.stderr
    assert said["status"] == "302"
    # Not yet begun to be worked out, or being worked out: not done.
    assert said["meanwhile"] in {"None", "running"}
    assert said["state"].startswith("done")
    assert said["digest"] == "True"
