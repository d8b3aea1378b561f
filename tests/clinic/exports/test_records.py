"""The five records of what the clinic holds: complete, checked, de-identified, masked while a study runs."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import without_tokens
from tests.clinic.exports.conftest import BEFORE, CADSS, FIRST, LOT, SYSTOLIC, WORDS, proof

from upturn import records as library
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.exports import actions, queries
from upturn_clinic.exports.files import write_folder, zipped
from upturn_clinic.exports.keys import key_of
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Identity
from upturn_clinic.programmes.computation import upturn
from upturn_clinic.safety.models import AdverseEvent

pytestmark = pytest.mark.django_db


def rows(found: pl.DataFrame, *columns: str, **equal: object) -> list[tuple[object, ...]]:
    for name, value in equal.items():
        found = found.filter(pl.col(name) == value)
    return found.select(columns).rows()


def test_a_session_lands_in_all_tables_with_nominal_and_actual_hours(nasal: Session) -> None:
    found = queries.records_of(nasal.participant)
    devices = rows(found.doses, "occasion", "amount_mg", "start_h", "planned_h")
    # The second device was used six minutes after the first, not five.
    assert devices == [(1, 28.0, 0.0, 0.0), (1, 28.0, pytest.approx(0.1), pytest.approx(5 / 60))]
    seen = found.observations
    assert rows(seen, "time_h", "planned_h", "value", "unit", "rater", instrument="SBP")[-1] == (
        pytest.approx(0.7), pytest.approx(40 / 60), 141.0, "mmHg", "treating",
    )  # fmt: skip
    planned = seen.filter(pl.col("instrument") == "SBP")["planned_h"].to_list()
    assert planned[0] < 0
    assert rows(seen, "value", instrument="PHQ-9", item="total") == [(8.0,)]
    assert len(rows(seen, "item", instrument="PHQ-9")) == 10
    assert rows(seen, "time_h", "value", instrument="MADRS", item="total") == [(-73.0, 33.0)]
    assert rows(found.adverse_events, "start_h", "end_h", "term", "severity", "serious", "related") == [
        (pytest.approx(0.2), pytest.approx(0.7), "dissociation", "moderate", None, "unknown")
    ]
    assert found.updates.is_empty()
    assert rows(seen, "value", instrument="weight") == [(80.5,)] * len(rows(seen, "value", instrument="weight"))


def test_what_was_struck_out_is_left_out(nasal: Session) -> None:
    before = queries.records_of(nasal.participant)
    Reading.objects.filter(session=nasal, value=141).update(struck_at=FIRST)
    AdverseEvent.objects.update(struck_at=FIRST)
    after = queries.records_of(nasal.participant)
    assert after.observations.height == before.observations.height - 1
    assert after.adverse_events.is_empty()


def test_nothing_says_who_or_on_which_day(nasal: Session, analyst: Actor, tmp_path: Path) -> None:
    identity = Identity.objects.get(participant=nasal.participant)
    AdverseEvent.objects.update(term=f"called {identity.full_name} on 23 March")
    export = actions.export_records(programme=nasal.participant.programme, kind="csv", by=analyst, at=FIRST)
    folder = write_folder(export, tmp_path / "out", kind="csv")
    for file in folder.iterdir():
        if file.name == "protocol.yaml":
            continue
        text = file.read_text(encoding="utf-8")
        for word in (identity.full_name, "1980", str(nasal.pk), str(nasal.participant.pk), "Nora", "Colleague"):
            assert word not in without_tokens(text), (file.name, word)
        assert not re.search(r"20\d\d-\d\d-\d\d", text), file.name
        assert LOT not in text
    assert export.records.adverse_events["term"].to_list() == ["other"]
    assert library.read(folder).equals(export.records)


def test_what_nobody_has_judged_is_not_called_not_serious(nasal: Session, analyst: Actor, tmp_path: Path) -> None:
    programme = nasal.participant.programme
    export = actions.export_records(programme=programme, kind="csv", by=analyst, at=FIRST)
    assert export.records.adverse_events["serious"].to_list() == [None]
    assert export.about["adverse events that no clinician has judged yet, serious left empty"] == 1
    assert queries.programme_row(programme, nasal.facility).unjudged == 1
    assert library.read(write_folder(export, tmp_path / "out", kind="csv")).equals(export.records)
    AdverseEvent.objects.update(is_serious=False)
    export = actions.export_records(programme=programme, kind="csv", by=analyst, at=FIRST)
    assert export.records.adverse_events["serious"].to_list() == [False]
    assert queries.programme_row(programme, nasal.facility).unjudged == 0


def test_people_stand_under_a_key_that_joins_the_tables_and_is_not_their_pseudonym(
    nasal: Session, analyst: Actor
) -> None:
    person = nasal.participant
    export = actions.export_records(programme=person.programme, kind="csv", by=analyst, at=FIRST)
    [key] = export.records.participants["participant"].to_list()
    assert key == key_of(person)
    for table in ("doses", "observations", "adverse_events"):
        assert set(export.records[table]["participant"].to_list()) == {key}, table
    with zipfile.ZipFile(io.BytesIO(zipped(export, kind="csv"))) as archive:
        for name in archive.namelist():
            assert person.pseudonym not in archive.read(name).decode(), name
    # At the next export it is the same person still.
    again = actions.export_records(programme=person.programme, kind="csv", by=analyst, at=FIRST + timedelta(days=9))
    assert again.records.participants["participant"].to_list() == [key]


def test_the_clinic_finds_who_stands_under_a_key_and_the_trail_says_so(nasal: Session, analyst: Actor) -> None:
    out = io.StringIO()
    call_command("exported", key_of(nasal.participant).lower(), stdout=out)
    assert out.getvalue().startswith(nasal.participant.pseudonym)
    entry = Entry.objects.get(action="looked up a key of exported records")
    assert entry.object_id == str(nasal.participant.pk)
    with pytest.raises(CommandError, match="Nobody stands"):
        call_command("exported", nasal.participant.pseudonym)
    with pytest.raises(PermissionDenied):
        actions.look_up(key=key_of(nasal.participant), by=analyst, at=FIRST)


def test_the_pages_say_how_many_people_are_in_the_file(
    nasal: Session, analyst: Actor, log_in: Callable[[User], Client]
) -> None:
    assert analyst.user is not None
    client, programme = log_in(analyst.user), nasal.participant.programme
    address = reverse("export_records", args=["main", programme.pk])
    assert "<dt>In the file</dt><dd>1, of whom" in client.get(address).content.decode()
    assert "1; “serious” is left empty there" in client.get(address).content.decode()
    nasal.dose.__class__.objects.filter(plan__participant=nasal.participant).update(given_at=None)
    assert "the tables are empty" in client.get(address).content.decode()
    listed = client.get(reverse("data", args=["main"])).content.decode()
    assert '<td data-label="Enrolled">1</td><td data-label="In the file">0</td>' in listed
    export = queries.export_of(programme, nasal.facility)
    assert export.records.participants.is_empty()
    # The page promises the protocol, also while nobody is in the file.
    assert export.version == nasal.participant.protocol_version


def test_the_very_old_are_pooled(nasal: Session) -> None:
    for age, told in ((89, 89.0), (90, 90.0), (97, 90.0)):
        person = nasal.participant
        type(person).objects.filter(pk=person.pk).update(age_y=age)
        person.refresh_from_db()
        assert queries.records_of(person).participants["age_y"].to_list() == [told]


def test_a_masked_study_that_runs_gives_letters_and_no_doses(masked: Session, analyst: Actor) -> None:
    programme = masked.participant.programme
    export = actions.export_records(programme=programme, kind="csv", by=analyst, at=FIRST)
    assert re.fullmatch("arm [AB]", export.records.participants["arm"].item())
    assert export.records.doses.is_empty()
    with zipfile.ZipFile(io.BytesIO(zipped(export, kind="csv"))) as archive:
        for name in archive.namelist():
            if not name.endswith("protocol.yaml"):
                text = archive.read(name).decode()
                assert not re.search("ketamine|midazolam", text), name
                assert LOT not in text
                assert WORDS not in text
    # What was seen of dissociation in the session would tell which letter is which.
    assert rows(export.records.observations, "value", instrument="CADSS") == [(0.0,)]


def test_only_an_ended_study_is_unmasked_and_then_arms_and_doses_are_named(
    masked: Session, analyst: Actor, clinician: Actor
) -> None:
    person = masked.participant
    at = FIRST + timedelta(days=2)
    wanted = {"programme": person.programme, "reason": "the last visit was on Friday", "by": clinician}
    with pytest.raises(Refused, match="still runs"):
        actions.unmask(**wanted, proof=proof(clinician, at), at=at)  # type: ignore[arg-type]
    Session.objects.filter(pk=masked.pk).update(cancelled_at=FIRST)
    person.refresh_from_db()
    participants.withdraw(participant=person, version=person.version, reason="moved away", by=clinician, at=at)
    with pytest.raises(Refused, match="your own password"):
        actions.unmask(**wanted, proof=proof(analyst, at), at=at)  # type: ignore[arg-type]
    actions.unmask(**wanted, proof=proof(clinician, at), at=at)  # type: ignore[arg-type]
    export = queries.export_of(person.programme, analyst.facility)
    assert export.records.participants["arm"].item() in ("ketamine", "midazolam")
    with pytest.raises(Refused, match="may be named already"):
        actions.unmask(**wanted, proof=proof(clinician, at), at=at)  # type: ignore[arg-type]


def test_the_page_that_ends_the_masking_offers_it_only_when_it_can_be_ended(
    masked: Session, clinician: Actor, log_in: Callable[[User], Client]
) -> None:
    assert clinician.user is not None
    client, person = log_in(clinician.user), masked.participant
    address = reverse("unmask_programme", args=["main", person.programme_id])
    told = client.get(address).content.decode()
    assert f"End the masking of {person.programme}" in told
    assert "1 person still takes part." in told
    assert "Your password" not in told
    type(person).objects.filter(pk=person.pk).update(status="completed")
    told = client.get(address).content.decode()
    assert "This cannot be undone" in told
    assert '<button class="danger">Sign: end the masking</button>' in told
    assert ">Cancel</a>" in told
    at = FIRST + timedelta(days=2)
    actions.unmask(
        programme=person.programme, reason="over", proof=proof(clinician, at), by=clinician, at=at,
    )  # fmt: skip
    assert "records name the arms already" in client.get(address).content.decode()


def test_only_analysts_take_records_and_the_trail_says_so(nasal: Session, analyst: Actor, clinician: Actor) -> None:
    programme = nasal.participant.programme
    with pytest.raises(PermissionDenied):
        actions.export_records(programme=programme, kind="csv", by=clinician, at=FIRST)
    actions.export_records(programme=programme, kind="csv", by=analyst, at=FIRST)
    entry = Entry.objects.get(action="exported de-identified records")
    assert entry.by == analyst.user
    assert json.loads(entry.changes)["people"] == [None, 1]


def test_people_of_another_facility_are_the_leading_facilitys_to_export(nasal: Session, elsewhere: object) -> None:
    programme = nasal.participant.programme
    assert queries.people_of(programme, nasal.facility).count() == 1
    assert queries.people_of(programme, elsewhere).count() == 0  # type: ignore[arg-type]


def test_the_page_gives_a_file_each_time(
    nasal: Session, make_person: Callable[..., User], analyst: Actor, log_in: Callable[[User], Client]
) -> None:
    assert analyst.user is not None
    client = log_in(analyst.user)
    assert "Take the records" in client.get(reverse("data", args=["main"])).content.decode()
    address = reverse("export_records", args=["main", nasal.participant.programme_id])
    assert "Take the records" in client.get(address).content.decode()
    for _ in range(2):
        answer = client.post(address, {"kind": "parquet"})
        assert answer["Content-Type"] == "application/zip"
        assert answer["Cache-Control"] == "no-store"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert {"records/doses.parquet", "records/about.json", "records/protocol.yaml"} <= set(archive.namelist())


def test_the_report_is_drawn_from_the_command_s_folder(nasal: Session, tmp_path: Path) -> None:
    """End to end: the clinic's command, then the library's own answer with what was observed in it."""
    with pytest.raises(CommandError, match="no programme called"):
        call_command("export", "nothing", "--out", str(tmp_path / "x"))
    out = tmp_path / "records"
    call_command("export", nasal.participant.programme.name, "--out", str(out), "--format", "csv")
    words = ["answer", str(out / "protocol.yaml"), "--records", str(out), "--patients", "2"]
    observed = json.loads(upturn([*words, "--out", str(tmp_path / "report"), "--json"]))["observed"]
    assert (observed["people"], observed["arms"][0]["id"]) == (1, "esketamine")
    assert observed["arms"][0]["peaks"]["systolic"]["over_people"]["median"] == 141 - 122
    assert observed["arms"][0]["adverse_events"] == {"dissociation": 1}
    assert 'id="observed"' in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")


def test_the_values_of_the_masked_session_are_there_at_all(masked: Session) -> None:
    assert Reading.objects.filter(value__in=[SYSTOLIC, CADSS]).count() == 2
    assert BEFORE < FIRST


def test_a_rating_by_somebody_who_may_see_sessions_is_not_exported_as_blinded(
    nasal: Session, clinician: Actor, make_person: Callable[..., User]
) -> None:
    facility = nasal.facility
    rater = Actor(make_person("Rita", facility, Role.RATER), facility, frozenset({Role.RATER}))
    answers = dict.fromkeys(map(str, range(1, 11)), 2)
    for day, by in ((8, clinician), (9, rater)):
        at = FIRST + timedelta(days=day)
        record_rating(
            participant=nasal.participant, instrument="MADRS", answers=answers, rated_at=at, rater_kind="blinded",
            by=by, at=at,
        )  # fmt: skip
    seen = queries.records_of(nasal.participant).observations.filter(pl.col("instrument") == "MADRS")
    found = rows(seen.filter(pl.col("time_h") > 0).sort("time_h"), "rater", item="total")
    assert found == [("treating",), ("blinded",)]
