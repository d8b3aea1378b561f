"""An act that was done and could not be entered in its time is added later, with a reason: the dose is righted by it.

As when the connection of one nurse was cut while another one ended the dose.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.stock.models import Movement
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
SECOND, STOPPED = FIRST + 5 * MINUTE, FIRST + 7 * MINUTE
CUT = "the connection was cut"


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


def dose_of(session: Session) -> Dose:
    return Dose.objects.get(pk=session.dose_id)


def booked(session: Session) -> Decimal:
    rows = Movement.objects.filter(draw__dose=session.dose_id)
    return -sum((row.drawn for row in rows if (row.takes_back or row).kind == "given"), Decimal(0))


@pytest.fixture
def nasal(clinician: Actor, nurse: Actor) -> Session:
    """The first of two devices is used."""
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    return session


@pytest.fixture
def stopped(session: Session, nurse: Actor) -> Session:
    """An infusion of 40 minutes was stopped half way."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    end = FIRST + 20 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end, because="asks to stop")))
    return session


def test_a_device_that_one_nurse_used_while_the_other_one_stopped(
    nasal: Session, nurse: Actor, other_nurse: Actor
) -> None:
    all_saved(said(nasal, other_nurse, STOPPED, sent("stop", STOPPED, because="asks to stop")))
    assert dose_of(nasal).given_mg == booked(nasal) == 28
    now = STOPPED + 3 * MINUTE
    words = refused(said(nasal, nurse, now, sent("device", SECOND)))
    assert "Something was entered for a later time already" in words
    assert "add it below the dose" in words
    told = said(nasal, nurse, now, sent("device", SECOND, reason=CUT))
    all_saved(told)
    assert "28 mg" in told[0].words
    assert "56 mg" in told[0].words
    assert dose_of(nasal).given_mg == booked(nasal) == 56
    assert CUT in dose_of(nasal).because
    assert phase_of(Session.objects.get()) is Phase.OBSERVING


def test_it_is_added_once(nasal: Session, nurse: Actor) -> None:
    all_saved(said(nasal, nurse, STOPPED, sent("stop", STOPPED, because="asks to stop")))
    device = sent("device", SECOND, reason=CUT)
    all_saved(said(nasal, nurse, STOPPED, device))
    assert said(nasal, nurse, STOPPED, device)[0].state == "known already"
    assert dose_of(nasal).given_mg == booked(nasal) == 56


def test_no_more_devices_than_the_dose_has(nasal: Session, nurse: Actor) -> None:
    all_saved(said(nasal, nurse, SECOND, sent("device", SECOND)))
    words = refused(said(nasal, nurse, STOPPED, sent("device", FIRST + MINUTE, reason=CUT)))
    assert "All devices of this dose were used" in words
    assert dose_of(nasal).given_mg == 56


def test_one_between_two_ends_the_dose_that_has_all_of_them(nurse: Actor, clinician: Actor) -> None:
    """Three devices: the nurse at the bed used the second one without a connection, the other one entered the third."""
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    dose = plan.doses.filter(dose="weeks-1-to-4").earliest("number")
    begin = dose.planned_at
    assert nurse.user is not None
    prepared(dose, clinician, nurse.user, begin - 30 * MINUTE)
    session = arrived(plan, nurse, begin - 30 * MINUTE, number=dose.number)
    made_ready(session, nurse, begin - 5 * MINUTE)
    begun(session, nurse, begin)
    third = begin + 10 * MINUTE
    all_saved(said(session, nurse, third, sent("device", third)))
    assert phase_of(Session.objects.get()) is Phase.DOSING
    all_saved(said(session, nurse, third + MINUTE, sent("device", begin + 5 * MINUTE, reason=CUT)))
    found = Session.objects.get()
    assert (phase_of(found), found.dosed_until) == (Phase.OBSERVING, third)
    assert dose_of(session).given_mg == booked(session) == 84


def test_a_stop_that_went_on_is_told_in_order(stopped: Session, nurse: Actor) -> None:
    """Stopped at 20 min, begun again at 30, over at 50: the end is corrected, then the pause is put between."""
    end = FIRST + 50 * MINUTE
    stop = Administration.objects.get(kind="stop")
    right = sent("stop", end, replaces=str(stop.pk), reason="it went on after ten minutes")
    all_saved(said(stopped, nurse, end, right))
    assert dose_of(stopped).given_mg == booked(stopped) == Decimal("40.2")
    pause = sent("pause", FIRST + 20 * MINUTE, because="asks to stop", reason="it went on after ten minutes")
    all_saved(said(stopped, nurse, end, pause))
    assert dose_of(stopped).given_mg == booked(stopped) == Decimal("20.1")
    resume = sent("resume", FIRST + 30 * MINUTE, rate_ml_h="75", reason="it went on after ten minutes")
    all_saved(said(stopped, nurse, end, resume))
    assert dose_of(stopped).given_mg == booked(stopped) == Decimal("40.2")
    state = queries.giving_in(queries.whole(stopped), queries.asked_in(stopped), until=end)
    assert (state.minutes, state.pauses_min) == (50, 10)
    assert dose_of(stopped).duration_min == 50


@pytest.mark.parametrize(
    ("kind", "minute", "more", "words"),
    [
        ("resume", 10, {"rate_ml_h": "75"}, "out of order"),
        ("start", 10, {"rate_ml_h": "75"}, "corrected, not added"),
        ("stop", 10, {}, "corrected, not added"),
        ("device", 10, {}, "not given that way"),
        ("pause", 21, {}, "nothing was entered after it"),
        ("pause", -1, {}, "before the dose began"),
    ],
)
def test_only_what_fits_between_what_is_there(
    stopped: Session, nurse: Actor, kind: str, minute: int, more: dict[str, str], words: str
) -> None:
    at = FIRST + minute * MINUTE
    before = Administration.objects.count()
    told = refused(said(stopped, nurse, FIRST + 30 * MINUTE, sent(kind, at, because="dizzy", reason=CUT, **more)))
    assert words in told
    assert Administration.objects.count() == before
    assert dose_of(stopped).given_mg == Decimal("20.1")


def test_a_reason_to_add_opens_no_way_round_a_closed_gate(session: Session, nurse: Actor) -> None:
    """Nothing was entered after it: so it is no late entry, and is asked what every other one is asked."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    all_saved(said(session, nurse, at, sent("pause", at, because="dizzy")))
    again = sent("resume", at + MINUTE, rate_ml_h="75", reason=CUT)
    assert "nothing was entered after it" in refused(said(session, nurse, at + MINUTE, again))


def test_before_the_dose_has_begun_nothing_is_added(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    told = refused(said(session, nurse, FIRST, sent("pause", FIRST, reason=CUT)))
    assert "The dose has not begun yet" in told


def page_of(session: Session, reader: Actor, now: datetime) -> str:
    shown = session_screen(queries.whole(session), reader, now=now)
    with timezone.override(session.facility.zone):
        return " ".join(render_to_string("floor/parts/giving.html", {**shown, "here": session.facility}).split())


def test_the_page_offers_it(stopped: Session, nasal: Session, nurse: Actor) -> None:
    now = FIRST + 30 * MINUTE
    for session, kinds, others in (
        (stopped, ("pause", "resume", "rate"), ("device",)), (nasal, ("device",), ("pause", "resume", "rate")),
    ):  # fmt: skip
        page = page_of(session, nurse, now)
        for kind in kinds:
            assert f'id="missed-{kind}-reason"' in page
        for kind in others:
            assert f'id="missed-{kind}-reason"' not in page
