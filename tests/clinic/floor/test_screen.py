"""What the page of a session says: of a dose that was given, of what is due now, and of a session that is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    baseline,
    begun,
    given_in_session,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import give_up
from upturn_clinic.floor.board.queries import Card, picture
from upturn_clinic.floor.emergency import emergency_screen
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.participants.queries import consent_of
from upturn_clinic.participants.screening import actions as screening
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
LogIn = Callable[..., Client]
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def part(session: Session, reader: Actor, name: str, now: Any) -> str:
    shown = session_screen(queries.whole(session), reader, now=now)
    with timezone.override(session.facility.zone):
        return " ".join(render_to_string(f"floor/parts/{name}.html", {**shown, "here": session.facility}).split())


def weighed(session: Session, by: Actor, kg: str, at: Any) -> None:
    screening.record_measure(
        participant=session.participant, instrument="weight", value=Decimal(kg), measured_at=at, recall_h=None, by=by,
        at=at,
    )  # fmt: skip


def test_a_later_weight_changes_nothing_of_a_dose_that_has_begun(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    made_ready(session, nurse, READY)
    assert "80.5 kg" in part(session, nurse, "giving", READY)
    begun(session, nurse, FIRST)
    weighed(session, clinician, "60", FIRST + 10 * MINUTE)
    for days in (0, 2, 90):
        page = part(session, nurse, "giving", FIRST + 20 * MINUTE + timedelta(days=days))
        assert "× 80.5 kg = 40.25 mg" in page
        assert "60 kg" not in page
        # Its weight is as old as it was on the day of the dose.
        assert "days old" not in page


def test_a_dose_that_was_given_is_shown_by_its_own_weight(infusions: Plan, clinician: Actor, nurse: Actor) -> None:
    assert nurse.user is not None
    given_in_session(infusions.doses.get(number=1), clinician, nurse.user, FIRST)
    session = Session.objects.get()
    weighed(session, clinician, "60", FIRST + timedelta(days=2))
    page = part(session, nurse, "giving", FIRST + timedelta(days=3))
    assert "× 80.5 kg" in page
    assert "60 kg" not in page


def test_a_weight_of_another_day_is_said_until_the_dose_begins(session: Session, nurse: Actor) -> None:
    assert "The weight was not measured today" in part(session, nurse, "giving", ARRIVAL)
    made_ready(session, nurse, READY)
    assert "not measured today" not in part(session, nurse, "giving", READY)


def test_until_when_the_check_counts(session: Session, nurse: Actor) -> None:
    # It was checked on arrival, at 08:30; the protocol lets a check be four hours old.
    assert "The check counts until 12:30." in part(session, nurse, "giving", FIRST)
    assert "too old for this dose" in part(session, nurse, "giving", ARRIVAL + timedelta(hours=4, minutes=1))
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    assert "check counts" not in part(session, nurse, "giving", FIRST)


def test_an_answer_cannot_be_heard_as_one_to_another_question(session: Session, nurse: Actor) -> None:
    page = part(session, nurse, "before", READY)
    assert ">That is so</button>" in page
    assert ">Not so</button>" in page
    assert ">Yes</button>" not in page
    assert 'data-says="No alcohol and no other drugs today – that is so"' in page
    assert ". – " not in page
    answer = sent("answer", READY, list="arrival", criterion="arrival/alcohol-and-drugs", answer="yes")
    all_saved(said(session, nurse, READY, answer))
    assert "<strong>that is so</strong>" in part(session, nurse, "before", READY)
    assert "No alcohol and no other drugs today – that is so" in part(session, nurse, "story", READY)


def test_a_gate_that_is_open_shows_the_values_it_was_judged_by(session: Session, nurse: Actor) -> None:
    page = part(session, nurse, "before", READY)
    assert "<strong>Still to measure: SBP, DBP</strong>" in page
    all_saved(said(session, nurse, READY, *baseline(session, READY, SBP="124", DBP="79")))
    page = part(session, nurse, "before", READY)
    assert "<strong>In order: SBP 124 mmHg, DBP 79 mmHg, 08:55</strong>" in page
    assert "<strong>In order: SpO2 98 %, 08:55</strong>" in page


def test_each_value_stands_with_its_own_time_and_once(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    early = READY - 10 * MINUTE
    typed = ((nurse, "SBP", "124", early), (nurse, "DBP", "79", READY), (other_nurse, "DBP", "79", READY))
    for by, name, value, at in typed:
        all_saved(said(session, by, READY, sent("reading", at, instrument=name, value=value, nominal_min=-15)))
    page = part(session, nurse, "before", READY)
    assert "<strong>In order: SBP 124 mmHg, 08:45; DBP 79 mmHg, 08:55</strong>" in page


def test_a_time_out_that_grew_too_old_is_to_be_done_again(session: Session, nurse: Actor, facility: Facility) -> None:
    made_ready(session, nurse, READY)
    lasts = queries.asked_in(queries.whole(session)).fresh.time_out
    until = READY + lasts
    too_old = until + timedelta(seconds=1)
    words = f"but the time-out counted until {until:%H:%M}: do it again"

    def card(now: datetime) -> Card:
        board = picture(facility, nurse, now=now)
        # The picture does not outlive the time-out.
        assert now > until or board.until <= max(until, now)
        return board.elsewhere[0]

    for now, is_old in ((until - timedelta(seconds=10), False), (until, False), (too_old, True)):
        assert ("Do the time-out again: that of 08:55 is too old." in part(session, nurse, "now", now)) is is_old
        assert ("</strong> – but the time-out is too old: do it again" in part(session, nurse, "head", now)) is is_old
        assert card(now).since == (words if is_old else "ready since 08:55")
    again = sent("answer", too_old, list="time-out", criterion="house/time-out", answer="yes", note="both")
    all_saved(said(session, nurse, too_old, again))
    assert "do it again" not in part(session, nurse, "head", too_old)
    assert card(too_old).since == f"ready since {too_old:%H:%M}"


def test_the_start_is_the_main_button_only_when_it_would_be_taken(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    lasts = queries.asked_in(queries.whole(session)).fresh.time_out
    consent = consent_of(session.participant)
    assert consent is not None

    def is_main(now: datetime) -> bool:
        page = part(session, nurse, "giving", now)
        plain, main = ('<button class="plain">Start the infusion' in page), ("<button>Start the infusion" in page)
        assert plain is not main
        return main

    def is_taken(now: datetime) -> bool:
        (told,) = said(session, nurse, now, sent("start", now, rate_ml_h="75"))
        return told.state == "saved"

    assert (is_main(ARRIVAL), is_taken(ARRIVAL)) == (False, False)
    made_ready(session, nurse, READY)
    # Nobody has entered the volume.
    assert (is_main(READY), is_taken(READY)) == (False, False)
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))
    assert is_main(READY)
    late = READY + lasts + timedelta(seconds=1)
    assert (is_main(late), is_taken(late)) == (False, False)
    gone = screening.withdraw_consent(
        consent=consent, version=consent.version, reason="asks to", by=clinician, at=READY + MINUTE
    )
    assert (is_main(FIRST), is_taken(FIRST)) == (False, False)
    screening.record_consent(
        participant=session.participant, document=gone.document, given_at=FIRST, has_capacity=True, by=clinician,
        at=FIRST,
    )  # fmt: skip
    assert (is_main(FIRST), is_taken(FIRST)) == (True, True)


def test_a_session_that_was_given_up_asks_for_nothing_again(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    found = queries.whole(session)
    give_up(session=found, version=found.version, reason="feels ill", by=nurse, at=READY)
    later = READY + timedelta(days=1)
    for name in ("head", "now", "before", "giving"):
        page = part(session, nurse, name, later)
        for words in ("do it again", "Do the time-out again", "checked again", "too old", "Still to measure"):
            assert words not in page, (name, words)
    # It stands there as it stood then.
    assert "<strong>In order: SpO2 98 %, 08:55</strong>" in part(session, nurse, "before", later)
    assert "all answered" in part(session, nurse, "before", later)


def test_what_is_open_before_the_time_out_is_counted_and_linked(session: Session, nurse: Actor) -> None:
    page = part(session, nurse, "before", READY)
    assert 'id="line-arrivalidentity"' in page
    assert '<a href="#line-arrivalidentity">13 lines above are open</a>' in page
    assert '<button class="plain">The time-out is done</button>' in page
    entries = baseline(session, READY)
    all_saved(said(session, nurse, READY, *entries))
    assert "10 lines above are open" in part(session, nurse, "before", READY)


def test_readings_before_the_dose_have_no_time_of_day(session: Session, nurse: Actor) -> None:
    now = part(session, nurse, "now", ARRIVAL)
    assert '<span class="when">Before the dose:</span> SBP' in now
    assert "08:45" not in now


def test_what_is_due_now_is_said(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    assert "<strong>Now:</strong>" not in part(session, nurse, "now", FIRST + 9 * MINUTE)
    assert '<strong>Now:</strong> <span class="when">09:10</span>' in part(session, nurse, "now", FIRST + 10 * MINUTE)
    assert '<strong>Late:</strong> <span class="when">09:10</span>' in part(session, nurse, "now", FIRST + 19 * MINUTE)
    assert "the infusion will have run in" in part(session, nurse, "now", FIRST + 30 * MINUTE)
    assert "enter that the infusion has run in" in part(session, nurse, "now", FIRST + 41 * MINUTE)


def test_a_session_that_is_over_says_so_and_asks_for_nothing(
    infusions: Plan, clinician: Actor, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    given_in_session(infusions.doses.get(number=1), clinician, nurse.user, FIRST)
    session = Session.objects.get()
    clock.stand_at(FIRST + timedelta(days=2))
    client = log_in(nurse.user)
    page = client.get(reverse("session", args=["main", session.pk])).content.decode()
    words = "Over: left 23 Mar 2026, 09:41, 41 min after the dose began"
    assert f'data-over="{words}"' in page
    assert client.get(reverse("session_state", args=["main", session.pk])).json()["over"] == words
    for each in ("Type a value", "not an alarm system", "Nothing is due", "none yet", "choose a room", "Connecting",
                 "Given so far"):  # fmt: skip
        assert each not in page, each
    assert "Stop the dose." not in part(session, nurse, "effects", FIRST + timedelta(days=2))


def test_a_session_that_goes_on_is_not_over(session: Session, nurse: Actor, log_in: LogIn, clock: Clock) -> None:
    clock.stand_at(ARRIVAL + MINUTE)
    page = log_in(nurse.user).get(reverse("session", args=["main", session.pk])).content.decode()
    assert 'data-over=""' in page
    assert "C-SSRS: 0 none, 1 low, 2 moderate, 3 high." in page
    assert "Type a value" in page
    assert "choose a room" in page


def test_signs_are_asked_for_from_the_start_and_worded_anew_after_the_end(session: Session, nurse: Actor) -> None:
    assert "Stop the dose." not in part(session, nurse, "effects", ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    assert "Stop the dose." in part(session, nurse, "effects", FIRST)
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    page = part(session, nurse, "effects", end)
    assert "Stop the dose." not in page
    assert "The dose has ended. Seen all the same?" in page


def test_a_newer_consent_document_is_told_before_the_dose(session: Session, nurse: Actor, clinician: Actor) -> None:
    assert "ask anew" not in part(session, nurse, "before", READY)
    screening.publish_consent_document(
        programme=session.participant.programme, title="Taking part", text="New.", by=clinician, at=BEFORE
    )
    assert "Version 2 of the consent document is in use" in part(session, nurse, "before", READY)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    assert "ask anew" not in part(session, nurse, "before", FIRST)


def test_devices_by_the_clock(clinician: Actor, nurse: Actor) -> None:
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    assert '<button class="plain">Device 1 is used now' in part(session, nurse, "giving", READY)
    made_ready(session, nurse, READY)
    assert "<button>Device 1 is used now" in part(session, nurse, "giving", READY)
    used = FIRST + timedelta(seconds=40)
    all_saved(said(session, nurse, used, sent("device", used)))
    page = part(session, nurse, "giving", used)
    assert "Device 1 – used 09:00" in page
    assert "<button>Device 2 is used now" in page
    assert "Device 2 – from 09:06 on" in page
    (told,) = said(session, nurse, used + MINUTE, sent("device", used + MINUTE))
    assert "Device 2 is too soon: device 1 was used at 09:00." in told.words
    assert "wait until 09:06" in told.words
    at = FIRST + 6 * MINUTE
    all_saved(said(session, nurse, at, sent("device", at)))
    assert "from 09" not in part(session, nurse, "giving", at)


def test_whoever_comes_to_help_reads_both_of_two_values(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    for by in (nurse, other_nurse):
        all_saved(said(session, by, at, sent("reading", at, instrument="DBP", value="80", nominal_min=10)))
    all_saved(said(session, nurse, at, sent("reading", at, instrument="SBP", value="172", nominal_min=10)))
    all_saved(said(session, other_nurse, at, sent("reading", at, instrument="SBP", value="150", nominal_min=10)))
    session.facility.address, session.facility.phone = "1 Main Street", "555 0100"
    shown = emergency_screen(queries.whole(session), nurse, now=at)
    with timezone.override(session.facility.zone):
        page = render_to_string("floor/emergency_sheet.html", {**shown, "here": session.facility})
    assert "SBP 172 mmHg or SBP 150 mmHg" in page
    # Two who entered the same value agree.
    assert "DBP 80 mmHg or" not in page
    assert page.count("Two different values were entered") == 1
    assert page.index("SBP 172") < page.index("DBP 80")
    # Who does not know a scale could take awake for deep asleep.
    awake = "MOAA/S 5 points; Modified Observer&#x27;s Assessment of Alertness/Sedation: 0 to 5;"
    assert awake in page
    assert "by 09:10, as the rate tells, 25 %" in page
    assert "1 Main Street" in page
    assert "555 0100" in page
