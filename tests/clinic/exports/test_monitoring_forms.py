"""The monitoring form of nasal esketamine: filled from the record, due in calendar days, submitted by the clinic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.exports.conftest import COPENHAGEN, FIRST, LOT

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.exports.models import MonitoringForm
from upturn_clinic.exports.monitoring import actions, queries
from upturn_clinic.exports.monitoring.sheet import CheckedField, sections_of
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.treatments.models import ConcomitantDrug, Dose

pytestmark = pytest.mark.django_db


def dose_of(session: Session) -> Dose:
    return queries.sessions_with_form(session.facility).get(pk=session.dose_id)


def fields(session: Session, **answers: str) -> dict[str, CheckedField]:
    held = queries.held_of(dose_of(session))
    return {each.label: each for section in sections_of(held, answers) for each in section.fields}


def test_the_record_fills_what_it_knows(nasal: Session) -> None:
    ConcomitantDrug(
        participant=nasal.participant, name="lorazepam", drug_class="benzodiazepine", dose="1 mg", recorded_at=FIRST
    ).save()
    found = {label: field.value for label, field in fields(nasal).items()}
    number = nasal.dose.draws.get().lot.number
    expected = {
        "Date of birth": "29 Feb 1980",
        "Sex": "female",
        "First treatment session": "yes",
        "Enrolled in the safety programme": "yes",
        "Treatment date": "23 Mar 2026",
        "Dose (56 mg, 84 mg, or another)": "56 mg",
        "Lot number of the devices": f"{number} (expires 1 Jan 2030)",
        "Whole duration, from the first device to the end of monitoring (min)": "100",
        "Blood pressure before the dose": "122/78 mmHg, 5 min before the first device",
        "Blood pressure at 40 min": "141/88 mmHg, 42 min after the first device",
        "Benzodiazepines": "yes: lorazepam 1 mg",
        "Psychostimulants": "none recorded",
        "Dissociation": "yes",
        "Dissociation: began and ended (min after the first device)": "12 to 42",
        "Healthcare setting": "Main clinic",
    }
    assert {label: found[label] for label in expected} == expected
    # Judgements nobody made yet stay empty, and say what the record has beside them.
    for label in ("Vital signs acceptable before the dose", "Sedation", "Serious adverse event", "Prescriber: name"):
        assert found[label] == "", label
    assert fields(nasal)["Serious adverse event"].help == "1 event not judged by a clinician yet"


@pytest.mark.parametrize(
    ("minutes", "then", "last"),
    [
        ((42,), "141/88 mmHg, 42 min after the first device", ""),
        # The session ended at minute 100: 70 lies between the two times.
        ((42, 69), "141/88 mmHg, 42 min after the first device", ""),
        ((42, 71), "141/88 mmHg, 42 min after the first device", "131/80 mmHg, 71 min after the first device"),
        ((95,), "", "131/80 mmHg, 95 min after the first device"),
    ],
)
def test_a_pressure_is_told_for_the_time_that_it_is_nearer_to(
    nasal: Session, nurse: Actor, minutes: tuple[int, ...], then: str, last: str
) -> None:
    if 42 not in minutes:
        Reading.objects.filter(session=nasal, at__gt=FIRST).update(struck_at=FIRST)
    for minute in minutes:
        for name, value in (("SBP", "131"), ("DBP", "80")) if minute != 42 else ():
            at = FIRST + timedelta(minutes=minute)
            Reading(session=nasal, at=at, noted_at=at, by=nurse.user, instrument=name, value=Decimal(value),
                    unit="mmHg").save()  # fmt: skip
    found = fields(nasal)
    end = found["Blood pressure before the end of monitoring"]
    assert (found["Blood pressure at 40 min"].value, end.value) == (then, last)
    assert end.help == ("" if last else "none was read nearer to the end")
    whole = found["Whole duration, from the first device to the end of monitoring (min)"]
    assert whole.help == "the minimum is 120 min"


@pytest.mark.parametrize(
    ("left_after_min", "then", "last", "lacks"),
    [
        (30, "", "131/80 mmHg, 28 min after the first device", ""),
        (40, "131/80 mmHg, 28 min after the first device", "", "none was read nearer to the end"),
        (None, "131/80 mmHg, 28 min after the first device", "", "the monitoring has not ended on record"),
    ],
)
def test_of_a_short_session_all_is_near_its_end_and_of_one_that_goes_on_nothing(
    nasal: Session, nurse: Actor, left_after_min: int | None, then: str, last: str, lacks: str
) -> None:
    Reading.objects.filter(session=nasal, at__gt=FIRST).update(struck_at=FIRST)
    at = FIRST + timedelta(minutes=28)
    for name, value in (("SBP", "131"), ("DBP", "80")):
        Reading(session=nasal, at=at, noted_at=at, by=nurse.user, instrument=name, value=Decimal(value),
                unit="mmHg").save()  # fmt: skip
    left_at = FIRST + timedelta(minutes=left_after_min) if left_after_min else None
    Session.objects.filter(pk=nasal.pk).update(left_at=left_at)
    found = fields(nasal)
    end = found["Blood pressure before the end of monitoring"]
    assert (found["Blood pressure at 40 min"].value, end.value, end.help) == (then, last, lacks)


def test_what_was_read_before_the_dose_is_not_told_as_its_effect(nasal: Session, nurse: Actor) -> None:
    before, after = FIRST - timedelta(minutes=5), FIRST + timedelta(minutes=30)

    def read(at: datetime, *values: tuple[str, str, str]) -> None:
        for name, value, unit in values:
            Reading(session=nasal, at=at, noted_at=at, by=nurse.user, instrument=name, value=Decimal(value),
                    unit=unit).save()  # fmt: skip

    Reading.objects.filter(session=nasal, instrument__in=("SpO2", "MOAA/S")).update(struck_at=FIRST)
    read(before, ("SpO2", "91", "%"), ("MOAA/S", "4", "points"))
    found = fields(nasal)
    lowest = found["Lowest oxygen saturation"]
    assert (lowest.value, lowest.help) == ("", "none was read after the first device")
    assert found["Sedation"].help == ""
    read(after, ("SpO2", "95", "%"), ("MOAA/S", "5", "points"))
    found = fields(nasal)
    assert found["Lowest oxygen saturation"].value == "95 %"
    assert found["Sedation"].help == "MOAA/S at its lowest: 5"


def test_what_the_record_says_is_not_asked_again(
    nasal: Session, nurse: Actor, log_in: Callable[[User], Client]
) -> None:
    assert nurse.user is not None
    address = reverse("fill_monitoring_form", args=[nasal.facility.slug, nasal.dose_id])
    page = log_in(nurse.user).get(address).content.decode()
    # An event of dissociation, the lot and the arrival's answer are on record; of sedation and prescriber nothing is.
    names = ("enrolled", "dissociation", "lot", "sedation", "prescriber")
    assert [name for name in names if f'name="{name}"' in page] == ["sedation", "prescriber"]
    # What was written before the record said it stays: the event may be struck out again.
    dose = dose_of(nasal)
    kept = actions.fill_form(dose=dose, version=0, answers={"dissociation": "no"}, by=nurse, at=FIRST)
    answer = log_in(nurse.user).post(address, {"version": kept.version, "sedation": "no", "prescriber": "Dr C."})
    assert answer.status_code == 302
    assert MonitoringForm.objects.get(dose=dose).answers == {
        "dissociation": "no", "sedation": "no", "prescriber": "Dr C."
    }  # fmt: skip


@pytest.mark.parametrize(("typed", "kept"), [({"dissociation": "yes"}, "yes"), ({}, "no")])
def test_nothing_written_is_lost_while_the_record_changes_beside_it(
    nasal: Session, nurse: Actor, log_in: Callable[[User], Client], typed: dict[str, str], kept: str
) -> None:
    """Asked on the page and on record when it is sent; or not asked, and struck out of the record when it is sent."""
    assert nurse.user is not None
    dose = dose_of(nasal)
    form = actions.fill_form(dose=dose, version=0, answers={"dissociation": "no"}, by=nurse, at=FIRST)
    if not typed:
        AdverseEvent.objects.filter(participant=nasal.participant).update(struck_at=FIRST)
    address = reverse("fill_monitoring_form", args=[nasal.facility.slug, nasal.dose_id])
    given = {"version": form.version, "sedation": "no", **typed}
    assert log_in(nurse.user).post(address, given).status_code == 302
    assert MonitoringForm.objects.get(dose=dose).answers == {"dissociation": kept, "sedation": "no"}


def test_the_address_is_the_facilitys_unless_somebody_wrote_another(nasal: Session) -> None:
    label = "Healthcare setting: address"
    assert fields(nasal)[label].is_missing
    type(nasal.facility).objects.update(address="1 Main Street")
    assert (fields(nasal)[label].value, fields(nasal)[label].origin) == ("1 Main Street", "record")
    told = fields(nasal, address="2 Side Street")[label]
    assert (told.value, told.origin) == ("2 Side Street", "filled")


def test_what_was_only_recalled_is_marked(nasal: Session) -> None:
    marked = {label for label, field in fields(nasal).items() if field.recalled}
    assert "Dissociation: began and ended (min after the first device)" in marked
    assert "Opioids, apart" in marked
    assert "Blood pressure at 40 min" not in marked


def test_a_serious_event_that_a_clinician_judged_fills_its_field(nasal: Session) -> None:
    AdverseEvent.objects.update(is_serious=True, severity="severe")
    found = fields(nasal)
    assert found["Serious adverse event"].value == "yes"
    assert found["Serious adverse event: details"].value == "dissociation, severe, 12 to 42"


@pytest.mark.parametrize(
    ("when", "days", "late"),
    [
        (datetime(2026, 3, 23, 23, 59, tzinfo=COPENHAGEN), 7, False),
        (datetime(2026, 3, 24, 0, 1, tzinfo=COPENHAGEN), 6, False),
        # Across the change of clocks it is days that count, not hours.
        (datetime(2026, 3, 30, 23, 59, tzinfo=COPENHAGEN), 0, False),
        (datetime(2026, 3, 31, 0, 1, tzinfo=COPENHAGEN), -1, True),
    ],
)
def test_seven_calendar_days_by_the_facilitys_clock(
    nasal: Session, nurse: Actor, when: datetime, days: int, late: bool
) -> None:
    [row] = queries.due_forms(nasal.facility, nurse, now=when)
    assert (row.days_left, row.is_late, row.state) == (days, late, "to fill")


def test_filled_printed_submitted(nasal: Session, nurse: Actor, clinician: Actor) -> None:
    dose, at = dose_of(nasal), FIRST + timedelta(days=1)
    with pytest.raises(Refused, match="neither filled nor printed"):
        actions.submit_form(
            dose=dose, version=0, submitted_at=at, submitted_how="portal", reason="", by=nurse, at=at
        )  # fmt: skip
    form = actions.fill_form(dose=dose, version=0, answers={"sedation": "no", "lot": ""}, by=nurse, at=at)
    assert (form.answers, form.state) == ({"sedation": "no"}, "to fill")
    with pytest.raises(Conflict):
        actions.fill_form(dose=dose, version=form.version + 1, answers={"sedation": "yes"}, by=clinician, at=at)
    assert actions.note_print(dose=dose, by=nurse, at=at).state == "printed"
    form = MonitoringForm.objects.get()
    given = {"version": form.version, "submitted_how": "portal, 4711", "by": nurse}
    for wrong in (FIRST - timedelta(minutes=1), at + timedelta(minutes=1)):
        with pytest.raises(Refused, match="after the session and before now"):
            actions.submit_form(dose=dose, submitted_at=wrong, reason="", at=at, **given)  # type: ignore[arg-type]
    late = FIRST + timedelta(days=8)
    with pytest.raises(Refused, match="it is late"):
        actions.submit_form(dose=dose, submitted_at=late, reason="", at=late, **given)  # type: ignore[arg-type]
    form = actions.submit_form(dose=dose, submitted_at=at, reason="", at=at, **given)  # type: ignore[arg-type]
    assert (form.state, form.submitted_by) == ("submitted by the clinic", nurse.user)
    with pytest.raises(Refused, match="submitted already"):
        actions.fill_form(dose=dose, version=form.version, answers={}, by=nurse, at=at)
    assert queries.due_forms(nasal.facility, nurse, now=at) == []
    assert len(queries.due_forms(nasal.facility, nurse, now=at, all_of_them=True)) == 1


def test_only_nasal_esketamine_that_was_given_and_is_not_masked(
    masked: Session, nurse: Actor, pharmacist: Actor
) -> None:
    assert queries.due_forms(masked.facility, nurse, now=FIRST + timedelta(days=1)) == []
    Dose.objects.filter(pk=masked.dose_id).update(given_at=FIRST, state="given", given_percent=Decimal(100))
    for reader in (nurse, pharmacist):
        assert queries.due_forms(masked.facility, reader, now=FIRST + timedelta(days=1)) == []
    dose = dose_of(masked)
    with pytest.raises(Refused, match="masked to you"):
        actions.fill_form(dose=dose, version=0, answers={}, by=nurse, at=FIRST)
    with pytest.raises(PermissionDenied):
        actions.fill_form(dose=dose, version=0, answers={}, by=pharmacist, at=FIRST)


def test_the_pages_from_the_list_to_submitted(
    nasal: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    assert nurse.user is not None
    clock.stand_at(FIRST + timedelta(days=5))
    client = log_in(nurse.user)
    listed = client.get(reverse("monitoring_forms", args=["main"])).content.decode()
    assert "<strong>2</strong>" in listed
    assert "Mon 30 Mar 2026" in listed
    page = client.get(reverse("monitoring_form", args=["main", nasal.dose_id])).content.decode()
    assert "check against the current form" in page
    assert "nothing is sent from here" in page
    assert LOT not in page
    # Nobody notes as submitted what nobody has filled or printed.
    assert "We have submitted it" not in page
    fill = reverse("fill_monitoring_form", args=["main", nasal.dose_id])
    asked = client.get(fill).content.decode()
    assert "<dd>141/88 mmHg, 42 min after the first device" in asked
    assert ">Cancel</a>" in asked
    assert client.post(fill, {"version": 0, "vitals_before": "yes"}).status_code == 302
    assert client.post(reverse("print_monitoring_form", args=["main", nasal.dose_id]), {"is_printed": "on"}
                       ).status_code == 302  # fmt: skip
    submit = client.get(reverse("submit_monitoring_form", args=["main", nasal.dose_id])).content.decode()
    assert "of this form are still empty here" in submit
    sent = {"version": MonitoringForm.objects.get().version, "submitted_at": "2026-03-28T09:00", "submitted_how": "fax"}
    assert client.post(reverse("submit_monitoring_form", args=["main", nasal.dose_id]), sent).status_code == 302
    page = client.get(reverse("monitoring_form", args=["main", nasal.dose_id])).content.decode()
    assert "Submitted by the clinic" in page


def test_medicines_are_those_of_the_facilitys_day(nasal: Session) -> None:
    past_midnight = datetime(2026, 3, 24, 0, 30, tzinfo=COPENHAGEN)
    Dose.objects.filter(pk=nasal.dose_id).update(given_at=past_midnight)
    for name, began_on, ended_on in (
        ("lorazepam", past_midnight.date(), None), ("oxazepam", None, past_midnight.date() - timedelta(days=1)),
    ):  # fmt: skip
        ConcomitantDrug(
            participant=nasal.participant, name=name, drug_class="benzodiazepine", dose="1 mg", began_on=began_on,
            ended_on=ended_on, recorded_at=FIRST,
        ).save()  # fmt: skip
    assert fields(nasal)["Benzodiazepines"].value == "yes: lorazepam 1 mg"
