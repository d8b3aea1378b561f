"""What must hold a dose back, and entries that nobody can take in: each refused in words, and the rest goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    baseline,
    begun,
    good_answers,
    made_ready,
    person_with_plan,
    said,
    sent,
    signed_version,
    time_out,
)

from upturn.protocol import Criterion, Gate
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.assessments.queries import due_for
from upturn_clinic.floor import queries
from upturn_clinic.floor.due import all_due_in
from upturn_clinic.floor.entries import actions as entries
from upturn_clinic.floor.entries.shapes import read_entry
from upturn_clinic.floor.entries.words import in_words
from upturn_clinic.floor.gates import Standing, by_hand
from upturn_clinic.floor.models import Answer, Filling, Reading, Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Consent, Participant
from upturn_clinic.participants.queries import consent_of, standing_consent
from upturn_clinic.participants.screening.actions import record_consent, withdraw_consent
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def taken_back(person: Participant, by: Actor, at: datetime) -> Consent:
    consent = consent_of(person)
    assert consent is not None
    return withdraw_consent(consent=consent, version=consent.version, reason="does not want to", by=by, at=at)


def begin(session: Session, by: Actor) -> str:
    filled, started = said(
        session, by, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75", because="")
    )
    assert filled.state == "saved"
    return started.words


def test_nobody_arrives_for_a_dose_without_a_consent_that_holds(
    infusions: Plan, nurse: Actor, clinician: Actor
) -> None:
    person = infusions.participant
    old = taken_back(person, clinician, ARRIVAL - MINUTE)
    assert standing_consent(person) is None
    with pytest.raises(Refused, match="withdrawn"):
        arrived(infusions, nurse, ARRIVAL)
    again = record_consent(
        participant=person, document=old.document, given_at=ARRIVAL, has_capacity=True, by=clinician, at=ARRIVAL
    )
    assert standing_consent(person) == again
    arrived(infusions, nurse, ARRIVAL)


def test_no_time_out_after_consent_was_withdrawn(session: Session, nurse: Actor, clinician: Actor) -> None:
    all_saved(said(session, nurse, READY, *baseline(session, READY), *good_answers(session, READY)))
    taken_back(session.participant, clinician, READY)
    told = said(session, nurse, READY, time_out(READY))[0]
    assert told.state == "refused"
    assert "Consent was withdrawn" in told.words
    assert Session.objects.get().ready_at is None


def test_no_dose_begins_after_consent_was_withdrawn(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    taken_back(session.participant, clinician, READY + MINUTE)
    assert "Consent was withdrawn. Now: on 23 Mar 2026, 08:56." in begin(session, nurse)
    assert Session.objects.get().began_at is None


def test_no_dose_begins_for_somebody_who_takes_part_no_longer(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    Participant.objects.filter(pk=session.participant_id).update(status=Participant.Status.WITHDRAWN)
    assert "people who are enrolled" in begin(session, nurse)
    assert Session.objects.get().began_at is None


def test_a_dose_that_runs_can_still_be_ended_after_consent_was_withdrawn(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    taken_back(session.participant, clinician, FIRST + MINUTE)
    all_saved(said(session, nurse, FIRST + 2 * MINUTE, sent("stop", FIRST + 2 * MINUTE, because="consent withdrawn")))


def test_the_page_says_that_consent_was_withdrawn_and_when(
    session: Session, nurse: Actor, clinician: Actor, log_in: Callable[..., Client], clock: Clock
) -> None:
    clock.stand_at(ARRIVAL + MINUTE)
    taken_back(session.participant, clinician, ARRIVAL + MINUTE)
    page = log_in(nurse.user).get(reverse("session", args=["main", session.pk])).content.decode()
    # At the head of the page, not only in a part that can be folded.
    assert page.index("<strong>Consent was withdrawn</strong> <time") < page.index("before-title")
    assert ", withdrawn <time" in page


def test_ratings_of_now_are_named_on_the_page_but_not_what_the_flowsheet_asks_for(
    session: Session, clinician: Actor
) -> None:
    dues = due_for(session.participant, at=READY, reader=clinician)
    assert {each.instrument for each in dues if each.rater_kind == "treating"} == {"CADSS"}
    others = [each for each in dues if each.rater_kind != "treating"]
    first = others[0].slot

    def named(at: datetime) -> list[tuple[str, str, datetime]]:
        found = session_screen(queries.whole(session), clinician, now=at)["ratings"]
        return [(each.state, each.instrument, each.slot.target) for each in found]

    assert ("open", others[0].instrument, first.target) in named(first.target)
    assert "CADSS" not in {name for _, name, _ in named(dues[0].slot.target)}
    # What was missed is said on its own day and not for ever.
    missed = ("late", others[0].instrument, first.target)
    assert missed in named(first.latest + MINUTE)
    assert missed not in named(first.latest + timedelta(days=1))


def test_closer_readings_after_a_sign_alone_count_from_when_it_closed(session: Session) -> None:
    gate = Gate.model_validate({
        "id": "flushed", "kind": "soft", "at": "session", "when": "during", "text": "Flushed.", "signs": ["flushed"],
        "then": "closer", "every": "PT5M", "status": "assumed",
    })  # fmt: skip
    found = queries.whole(session)
    closed = Standing("gates/flushed", gate, "during", "closed", ("flushed",), closed_since=FIRST)
    due = all_due_in(found, queries.asked_in(found), now=FIRST, standings=[closed])
    assert [(each.what, each.at) for each in due if each.kind == "closer"] == [
        ("look for signs again (closer readings)", FIRST + 5 * MINUTE)
    ]


@pytest.mark.parametrize("number", ["1e9999999", "-1e1000000000", "1e-1000000000", "0e999999999", "9" * 5000, "1e21"])
@pytest.mark.parametrize(("kind", "name"), [("reading", "value"), ("start", "rate_ml_h"), ("device", "percent")])
def test_numbers_that_nobody_types(kind: str, name: str, number: str) -> None:
    more = {"instrument": "SBP"} if kind == "reading" else {}
    with pytest.raises(Refused) as refused:
        read_entry(sent(kind, FIRST, **more, **{name: number}))
    assert len(in_words(refused.value)) < 200


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+00:00"]
)
@pytest.mark.parametrize("name", ["at", "device_at"])
def test_times_beyond_the_calendar(name: str, time: str) -> None:
    with pytest.raises(Refused, match="could not be read"):
        read_entry({**sent("filling", FIRST, ml="50"), name: time})


def break_on_new_concerns() -> None:
    """Let the test's own database refuse what nobody foresaw; it is undone with the test."""
    statements = ["CREATE TRIGGER it_broke BEFORE INSERT ON safety_concern BEGIN SELECT RAISE(ABORT, 'it broke'); END"]
    if connection.vendor == "postgresql":
        statements = [
            "CREATE FUNCTION it_broke() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'it broke' "
            "USING ERRCODE = 'integrity_constraint_violation'; END $$",
            "CREATE TRIGGER it_broke BEFORE INSERT ON safety_concern FOR EACH ROW EXECUTE FUNCTION it_broke()",
        ]
    with connection.cursor() as cursor:
        for each in statements:
            cursor.execute(each)


def test_one_entry_that_breaks_keeps_no_other_one_back(
    session: Session, nurse: Actor, caplog: pytest.LogCaptureFixture
) -> None:
    # A value for which a concern is raised, after it is written.
    first = sent("reading", READY, instrument="C-SSRS", value="3", nominal_min=-15)
    break_on_new_concerns()
    with caplog.at_level(logging.ERROR, logger=entries.__name__):
        told = said(session, nurse, READY, first, sent("filling", READY, ml="50"))
    assert [each.state for each in told] == ["refused", "saved"]
    assert told[0].id == first["id"]
    assert "could not be saved" in told[0].words
    assert "it broke" not in told[0].words
    assert "it broke" in caplog.text
    # Of the one that broke nothing is left, not even what was written before it did.
    assert (Reading.objects.count(), Filling.objects.count()) == (0, 1)


def answered(session: Session, by: Actor, key: str, note: str = "") -> str:
    told = said(
        session, by, READY, sent("answer", READY, list="arrival", criterion=key, answer="not applicable", note=note)
    )
    return told[0].words


def test_not_applicable_needs_a_note(session: Session, nurse: Actor) -> None:
    assert "Say in a note" in answered(session, nurse, "arrival/fasting", "  ")
    assert not Answer.objects.exists()
    assert not answered(session, nurse, "arrival/fasting", "fed by a tube, stopped at six")
    assert Answer.objects.get().note == "fed by a tube, stopped at six"


@pytest.mark.parametrize("line", ["suicidal-thoughts", "escort", "identity", "consent"])
def test_lines_that_always_apply(session: Session, nurse: Actor, line: str) -> None:
    assert "always applies" in answered(session, nurse, f"arrival/{line}", "a note")
    assert not Answer.objects.exists()


def test_a_hard_gate_that_a_person_answers_always_applies(clinician: Actor, nurse: Actor) -> None:
    # A site has written one into its protocol, signed like any other.
    fever = "  - {id: fever, kind: hard, at: session, text: A fever., status: assumed}\n"
    place = "  - id: blood-pressure-before\n"
    version = signed_version("six-infusions", clinician, BEFORE, put_in={place: fever + place})
    plan = person_with_plan(version, "ketamine", clinician, begins_at=FIRST, at=BEFORE)
    session = arrived(plan, nurse, ARRIVAL)
    assert "always applies" in answered(session, nurse, "gates/fever", "a note")
    assert not Answer.objects.exists()
    no = sent("answer", READY, list="arrival", criterion="gates/fever", answer="no")
    all_saved(said(session, nurse, READY, no))


def test_the_page_asks_why_a_line_does_not_apply(session: Session, nurse: Actor) -> None:
    shown = session_screen(queries.whole(session), nurse, now=READY)
    page = render_to_string("floor/parts/before.html", {**shown, "here": session.facility})
    for key, may in (("arrival/fasting", True), ("arrival/escort", False), ("arrival/suicidal-thoughts", False)):
        wanted = f'<form data-entry="answer" data-v-list="arrival" data-v-criterion="{key}"'
        assert (f'{wanted} data-v-answer="not applicable"' in page) is may


@pytest.mark.parametrize("name", ["identity", "consent", "time-out"])
def test_a_gate_of_a_site_is_no_check_of_the_house(session: Session, nurse: Actor, name: str) -> None:
    """A gate says what is a reason not to go on: no is good, whatever the site calls it."""
    shared = {"id": name, "text": "A reason.", "status": "assumed"}
    gate = Gate.model_validate({**shared, "kind": "soft", "at": "session"})
    for said_, as_gate, as_line in (("no", "open", "closed"), ("yes", "closed", "open")):
        found = queries.whole(session)
        stamp = {"session": session, "at": READY, "noted_at": READY, "by": nurse.user, "list": "arrival"}
        cache = {"answers": [Answer(**stamp, criterion="x", answer=said_)]}
        vars(found)["_prefetched_objects_cache"] |= cache
        assert by_hand(found, "x", gate, "before").verdict == as_gate
        assert by_hand(found, "x", Criterion.model_validate(shared), "before").verdict == as_line
