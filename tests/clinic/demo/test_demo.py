"""The demo: made by real actions, once, never in a real clinic; everybody in it can log in and sees something."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, yield_hotp_counters_from_time
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock

from upturn import records
from upturn.errors import InputError
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.demo import masked
from upturn_clinic.demo.cast import address_of, participants_address
from upturn_clinic.demo.making import is_there
from upturn_clinic.demo.management.commands.demo import FILE, PERIOD_S
from upturn_clinic.environment import DATABASE_FILE
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ledger.chain import verify
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Identity, Participant
from upturn_clinic.participants.queries import arm_of, participant_of
from upturn_clinic.programmes.models import Expectation, Programme, ProtocolVersion
from upturn_clinic.programmes.queries import expectation_of
from upturn_clinic.stock.models import Lot, Movement
from upturn_clinic.stock.shelf.queries import balance_of
from upturn_clinic.treatments.models import Dose, Visit

FEW_PEOPLE, FEW_PATIENTS = "8", "5"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("UPTURN_DATA_DIRECTORY", str(tmp_path))
    return tmp_path


def demo() -> str:
    out = StringIO()
    call_command("demo", "--people", FEW_PEOPLE, "--patients", FEW_PATIENTS, stdout=out, stderr=StringIO())
    return out.getvalue()


def printed_code() -> str:
    """What the command prints at the time at which the code apps stand."""
    (now,) = yield_hotp_counters_from_time()
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        Clock(patch).stand_at(datetime.fromtimestamp(now * PERIOD_S, UTC))
        call_command("demo", "--code", stdout=out)
    return out.getvalue().strip()


def each_dose_came_from_a_session() -> None:
    """From arrival to leaving, and what was given stands in the register."""
    for dose in Dose.objects.filter(state=Dose.State.GIVEN, is_home_course=False):
        session = dose.sessions.get(cancelled_at=None)
        assert session.began_at == dose.given_at
        given = -sum(row.drawn for row in Movement.objects.filter(draw__dose=dose, kind="given"))
        assert given == dose.given_mg


def no_opened_vial_is_kept() -> None:
    """Of an opened vial nothing stays on the shelf: its rest is wasted, after the draw that opened it."""
    assert {balance_of(each).shelf % each.amount_each for each in Lot.objects.all()} == {0}
    drawn_at = Movement.objects.filter(kind="drawn").values("at")
    assert not Movement.objects.filter(kind="wasted", draw=None, at__in=drawn_at).exists()


@pytest.mark.django_db
def test_the_demo_is_whole_and_is_made_once(folder: Path, log_in: Callable[[User], Client]) -> None:
    said = demo()
    status = Participant.Status
    assert Participant.objects.count() == Identity.objects.count() == int(FEW_PEOPLE) + len(masked.STAGES)
    assert {status.SCREENING, status.ENROLLED} <= set(Participant.objects.values_list("status", flat=True))
    assert Dose.objects.filter(state=Dose.State.GIVEN).count() > 6
    each_dose_came_from_a_session()
    assert Dose.objects.filter(state=Dose.State.PLANNED).exists()
    assert Visit.objects.filter(state=Visit.State.DONE).exists()
    # Of so few people some are on the floor today: one has left, one is ready to.
    assert Session.objects.exclude(room="").filter(left_how="ready").count() == 1
    assert Session.objects.filter(left_at=None, may_leave_at__isnull=False).count() == 1
    assert Reading.objects.exists()
    assert {each.state for each in ProtocolVersion.objects.all()} == {ProtocolVersion.State.IN_FORCE}
    assert Expectation.objects.get().state == Expectation.State.DONE
    # Computed once, it stands on the pages of both programmes.
    assert {expectation_of(each) for each in ProtocolVersion.objects.all()} == set(Expectation.objects.all())
    no_opened_vial_is_kept()
    assert verify(Entry.objects.order_by("sequence")).fault == ""
    # Nobody could take them for real.
    for identity in Identity.objects.all():
        assert identity.full_name.startswith("Demo ")
        assert identity.email.endswith("@demo.example")
        assert identity.phone.startswith("555 01")
    password = next(line for line in said.splitlines() if line.startswith("Password")).split()[-1]
    for role in Role:
        name = participants_address() if role is Role.PARTICIPANT else address_of(role)
        user = User.objects.get(email=name)
        assert user.check_password(password)
        assert name in said
        page = log_in(user).get(reverse("facility", args=["demo"]), follow=True)
        assert page.status_code == 200
    # The participant's log-in belongs to somebody, and that account holds no name.
    person = participant_of(User.objects.get(email=participants_address()))
    assert person is not None
    assert person.status == status.ENROLLED
    # Two people of a masked study: nobody who treats or rates sees their arm, the pharmacist does.
    theirs = list(Participant.objects.filter(programme__name="Masked comparison"))
    assert [each.arm for each in theirs] == ["", ""]
    assert {arm_of(each) for each in theirs} <= {"ketamine", "midazolam"}
    for role in (Role.CLINICIAN, Role.SESSION_NURSE, Role.RATER):
        page = log_in(User.objects.get(email=address_of(role))).get(reverse("participant", args=["demo", theirs[0].pk]))
        assert page.status_code == 200
        assert f"<dd>{arm_of(theirs[0])}" not in page.content.decode()
    pharmacist = log_in(User.objects.get(email=address_of(Role.PHARMACIST)))
    page = pharmacist.get(reverse("participant", args=["demo", theirs[0].pk]))
    assert f"<dd>{arm_of(theirs[0])}" in page.content.decode()
    # The code that the command prints opens the app of everybody who works there.
    nurse = Authenticator.objects.get(user__email=address_of(Role.SESSION_NURSE), type=Authenticator.Type.TOTP)
    assert TOTP(nurse).validate_code(printed_code())
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    # The library reads the records of every programme; that it draws its report from them is a slow test of exports.
    for programme in Programme.objects.all():
        written = folder / str(programme.pk)
        call_command("export", str(programme.pk), "--out", str(written), stdout=StringIO())
        about = json.loads((written / "about.json").read_text(encoding="utf-8"))
        enrolled = Participant.objects.filter(programme=programme).exclude(enrolled_at=None).count()
        assert about["people"] + about["left out, no dose given yet"] == enrolled
        assert records.read(written).participants.height == about["people"]
    # Again: nothing is made, the same is said.
    rows = Entry.objects.count()
    assert demo() == said
    assert Entry.objects.count() == rows


@pytest.mark.django_db
def test_a_real_clinic_is_left_alone(folder: Path, owner: User, facility: Facility) -> None:
    rows = Entry.objects.count()
    with pytest.raises(InputError, match="belongs to a real clinic"):
        demo()
    assert Entry.objects.count() == rows
    assert not (folder / FILE).exists()


@pytest.mark.django_db
def test_an_empty_database_holds_no_demo(folder: Path) -> None:
    assert not is_there()
    with pytest.raises(CommandError, match="Between 1 and"):
        call_command("demo", "--people", "0")


def test_serve_refuses_the_folder_of_a_real_clinic_before_touching_it(tmp_path: Path) -> None:
    database = tmp_path / DATABASE_FILE
    database.write_bytes(b"a real clinic")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("UPTURN", "DJANGO"))}
    done = subprocess.run(
        [Path(sys.executable).parent / "upturn", "serve", "--demo", "--data", str(tmp_path)], check=False,
        capture_output=True, text=True, env=clean, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert "holds a real clinic" in done.stderr
    assert "Traceback" not in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [DATABASE_FILE]
    assert database.read_bytes() == b"a real clinic"
