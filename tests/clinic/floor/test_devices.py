"""Nasal devices: what was given is what came out of each, whatever fell, was replaced, refused or corrected."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
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
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.exports.queries import records_of
from upturn_clinic.floor import queries
from upturn_clinic.floor.models import Administration, Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
# One device.
EACH = Decimal(28)


def dose_of(session: Session) -> Dose:
    return Dose.objects.get(pk=session.dose_id)


def booked(session: Session, kind: str = "given") -> Decimal:
    """What the register says became of what was drawn for this dose, all rows against it counted."""
    rows = Movement.objects.filter(draw__dose=session.dose_id)
    return -sum((row.drawn for row in rows if (row.takes_back or row).kind == kind), Decimal(0))


@pytest.fixture
def nasal(clinician: Actor, nurse: Actor) -> Session:
    """Two devices, 56 mg, are drawn and checked; everything before the dose is done."""
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    return session


def fell(session: Session, nurse: Actor, clinician: Actor, at: datetime, amount: Decimal = EACH) -> None:
    """A device is wasted before a witness."""
    assert clinician.user is not None
    draw = Draw.objects.filter(dose=session.dose_id).earliest("taken_at")
    stock.waste(draw=draw, amount=amount, reason="it fell", witness=Proof(clinician.user, at), by=nurse, at=at)


def replaced(session: Session, nurse: Actor, clinician: Actor, at: datetime) -> Draw:
    """Another device is drawn and checked."""
    lot = Draw.objects.filter(dose=session.dose_id).earliest("taken_at").lot
    drawn = stock.draw(dose=dose_of(session), lot=lot, amount=EACH, by=clinician, at=at)
    assert nurse.user is not None
    return stock.check(draw=drawn, version=drawn.version, checker=Proof(nurse.user, at), by=clinician, at=at)


def test_a_device_that_was_replaced_is_not_given_twice(nasal: Session, clinician: Actor, nurse: Actor) -> None:
    begun(nasal, nurse, FIRST)
    at, end = FIRST + 2 * MINUTE, FIRST + 6 * MINUTE
    fell(nasal, nurse, clinician, at)
    replaced(nasal, nurse, clinician, at)
    told = said(nasal, nurse, end, sent("device", end))
    all_saved(told)
    assert told[0].words == ""
    assert dose_of(nasal).given_mg == booked(nasal) == 56


@pytest.mark.parametrize("is_put_back_first", [False, True])
def test_a_device_that_was_replaced_and_then_refused_was_not_given(
    nasal: Session, clinician: Actor, nurse: Actor, *, is_put_back_first: bool
) -> None:
    """One of two was used, the other fell, its replacement was refused: 28 mg, whoever enters what first."""
    begun(nasal, nurse, FIRST)
    at, refused_at, end = (FIRST + minute * MINUTE for minute in (2, 6, 7))
    fell(nasal, nurse, clinician, at)
    second = replaced(nasal, nurse, clinician, at)
    assert clinician.user is not None
    seen = Proof(clinician.user, refused_at)

    def goes_back() -> None:
        stock.waste(draw=second, reason="opened, not used", witness=seen, by=nurse, at=refused_at)

    if is_put_back_first:
        goes_back()
    told = said(nasal, nurse, end, sent("stop", end, because="wants no more"))
    all_saved(told)
    assert told[0].words == ""
    if not is_put_back_first:
        goes_back()
    assert dose_of(nasal).given_mg == booked(nasal) == EACH
    assert booked(nasal, "wasted") == 2 * EACH
    assert "50 % of what was prepared" in dose_of(nasal).because


def test_a_device_more_than_was_used_is_not_given(nasal: Session, clinician: Actor, nurse: Actor) -> None:
    """A third one was drawn, to have it at hand; two were used."""
    assert nurse.user is not None
    lot = Draw.objects.get().lot
    more = stock.draw(dose=dose_of(nasal), lot=lot, amount=EACH, by=clinician, at=READY, reason="at hand")
    stock.check(draw=more, version=more.version, checker=Proof(nurse.user, READY), by=clinician, at=READY)
    begun(nasal, nurse, FIRST)
    end = FIRST + 5 * MINUTE
    all_saved(said(nasal, nurse, end, sent("device", end)))
    assert dose_of(nasal).given_mg == booked(nasal) == 56


def test_half_a_device_is_half(nasal: Session, clinician: Actor, nurse: Actor) -> None:
    all_saved(said(nasal, nurse, FIRST, sent("device", FIRST, percent="50", because="only one spray")))
    end = FIRST + 6 * MINUTE
    fell(nasal, nurse, clinician, FIRST + MINUTE, EACH / 2)
    all_saved(said(nasal, nurse, end, sent("device", end)))
    assert dose_of(nasal).given_mg == booked(nasal) == 42
    assert booked(nasal, "wasted") == 14


def test_a_device_that_gave_nothing_is_not_used_and_another_takes_its_place(
    nasal: Session, clinician: Actor, nurse: Actor
) -> None:
    begun(nasal, nurse, FIRST)
    at, second = FIRST + 5 * MINUTE, FIRST + 7 * MINUTE
    all_saved(said(nasal, nurse, at, sent("device", at, percent="0", because="it fell")))
    shown = session_screen(queries.whole(nasal), nurse, now=at)
    assert (shown["phase"], shown["giving"].devices, shown["giving"].percent) == (Phase.DOSING, 1, 50.0)
    assert any("gave nothing" in each.what for each in shown["story"])
    # Counted from the one that was used: that is five minutes ago, and the next one is due.
    assert next(each for each in shown["due"] if each.kind == "device").at == at
    fell(nasal, nurse, clinician, at)
    replaced(nasal, nurse, clinician, at)
    all_saved(said(nasal, nurse, second, sent("device", second)))
    assert dose_of(nasal).given_mg == booked(nasal) == 56
    assert Session.objects.get().ended_early is False
    # In the records two devices stand where they were used; the one that fell is no row.
    written = records_of(nasal.participant).doses.select("amount_mg", "start_h").rows()
    assert written == [(28.0, 0.0), (28.0, pytest.approx(7 / 60))]


def test_a_first_device_that_gave_nothing_begins_no_dose(nasal: Session, clinician: Actor, nurse: Actor) -> None:
    all_saved(said(nasal, nurse, FIRST, sent("device", FIRST, percent="0", because="it fell")))
    found = Session.objects.get()
    assert (phase_of(found), found.began_at) == (Phase.READY, None)
    fell(nasal, nurse, clinician, FIRST)
    replaced(nasal, nurse, clinician, FIRST)
    assert nurse.user is not None
    first = Draw.objects.earliest("taken_at")
    stock.check(draw=first, version=first.version, checker=Proof(nurse.user, FIRST), by=clinician, at=FIRST)
    began = FIRST + 3 * MINUTE
    all_saved(said(nasal, nurse, began, sent("device", began)))
    assert Session.objects.get().began_at == began
    end = began + 5 * MINUTE
    all_saved(said(nasal, nurse, end, sent("device", end)))
    assert dose_of(nasal).given_mg == booked(nasal) == 56
    assert dose_of(nasal).given_at == began


def test_a_device_corrected_to_nothing_after_the_end(nasal: Session, nurse: Actor) -> None:
    begun(nasal, nurse, FIRST)
    end = FIRST + 5 * MINUTE
    all_saved(said(nasal, nurse, end, sent("device", end)))
    assert dose_of(nasal).given_mg == 56
    second = Administration.objects.latest("at")
    nothing = sent("device", end, percent="0", because="it fell", replaces=str(second.pk), reason="it had fallen")
    told = said(nasal, nurse, end + MINUTE, nothing)
    all_saved(told)
    assert told[0].words == "What was given is now 28 mg; it was 56 mg before."
    assert dose_of(nasal).given_mg == booked(nasal) == EACH
    assert phase_of(Session.objects.get()) == Phase.OBSERVING
    # Back again: all of it was given after all.
    both = sent("device", end, percent="100", replaces=nothing["id"], reason="it had not")
    all_saved(said(nasal, nurse, end + MINUTE, both))
    assert dose_of(nasal).given_mg == booked(nasal) == 56


def test_a_first_device_corrected_begins_the_dose(nasal: Session, nurse: Actor) -> None:
    nothing = sent("device", FIRST, percent="0", because="it fell")
    all_saved(said(nasal, nurse, FIRST, nothing))
    at = FIRST + MINUTE
    half = sent("device", FIRST, percent="50", because="one spray", replaces=nothing["id"], reason="one spray came out")
    all_saved(said(nasal, nurse, at, half))
    assert Session.objects.get().began_at == FIRST
    all_saved(said(nasal, nurse, at, sent("stop", at, because="wants no more")))
    assert dose_of(nasal).given_mg == booked(nasal) == 14


@pytest.mark.parametrize(("minute", "fits"), [(7, True), (8, False)])
def test_a_device_is_not_corrected_to_after_the_end(nasal: Session, nurse: Actor, minute: int, *, fits: bool) -> None:
    begun(nasal, nurse, FIRST)
    end, now = FIRST + 7 * MINUTE, FIRST + 9 * MINUTE
    all_saved(said(nasal, nurse, end, sent("stop", end, because="asks to stop")))
    act = Administration.objects.get(kind="device")
    at = FIRST + minute * MINUTE
    told = said(nasal, nurse, now, sent("device", at, replaces=str(act.pk), reason="a slip"))
    assert (told[0].state == "saved") is fits, told
    assert fits or "out of order" in told[0].words
