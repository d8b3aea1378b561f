"""The volume of syringe or bag belongs to what was drawn when it was told: what changes after it asks for it anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor import queries
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
SPILT_AT = FIRST - 3 * MINUTE
ANEW = "Enter the volume anew"


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


def page_of(session: Session, reader: Actor, now: datetime) -> str:
    shown = session_screen(queries.whole(session), reader, now=now)
    with timezone.override(session.facility.zone):
        return " ".join(render_to_string("floor/parts/giving.html", {**shown, "here": session.facility}).split())


def spilt(nurse: Actor, clinician: Actor, at: datetime) -> Movement:
    assert clinician.user is not None
    return stock.waste(
        draw=Draw.objects.get(), amount=Decimal("10.2"), reason="spilt", witness=Proof(clinician.user, at), by=nurse,
        at=at,
    )  # fmt: skip


def checked(nurse: Actor, clinician: Actor, at: datetime) -> None:
    draw = Draw.objects.get()
    assert nurse.user is not None
    stock.check(draw=draw, version=draw.version, checker=Proof(nurse.user, at), by=clinician, at=at)


def test_a_volume_told_before_a_part_was_wasted_no_longer_holds(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    """50 ml hold 40.2 mg; 10.2 mg of them are spilt: 30 mg are left, and nobody knows in how many millilitres."""
    made_ready(session, nurse, READY)
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))
    assert ANEW not in page_of(session, nurse, READY)
    spilt(nurse, clinician, SPILT_AT)
    checked(nurse, clinician, SPILT_AT)
    shown = session_screen(queries.whole(session), nurse, now=FIRST)
    # Nothing is reckoned from a volume that does not hold.
    assert (shown["volume_changed_at"], shown["concentration"], shown["planned_rate"]) == (SPILT_AT, "", None)
    page = page_of(session, nurse, FIRST)
    assert ANEW in page
    assert "What was drawn changed at 08:57" in page
    start = sent("start", FIRST, rate_ml_h="75")
    told = refused(said(session, nurse, FIRST, start))
    assert "changed at 08:57, after the volume was entered" in told
    assert "enter the volume anew" in told
    all_saved(said(session, nurse, FIRST, sent("filling", SPILT_AT + MINUTE, ml="37.3")))
    shown = session_screen(queries.whole(session), nurse, now=FIRST)
    assert (shown["volume_changed_at"], shown["concentration"]) == (None, "0.804 mg/ml")
    assert ANEW not in page_of(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST, start))
    end = FIRST + 30 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    assert Dose.objects.get(pk=session.dose_id).given_mg == 30


def test_a_waste_that_was_taken_back_changes_no_volume(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))
    row = spilt(nurse, clinician, SPILT_AT)
    assert clinician.user is not None
    seen = Proof(clinician.user, SPILT_AT)
    shelf.take_back(movement=row, reason="the wrong line", witness=seen, by=nurse, at=SPILT_AT)
    checked(nurse, clinician, SPILT_AT)
    all_saved(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75")))


def test_what_is_added_asks_for_the_volume_too(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))
    assert nurse.user is not None
    dose = Dose.objects.get(pk=session.dose_id)
    more = stock.draw(dose=dose, lot=Draw.objects.get().lot, amount=Decimal(2), by=clinician, at=SPILT_AT)
    stock.check(draw=more, version=more.version, checker=Proof(nurse.user, SPILT_AT), by=clinician, at=SPILT_AT)
    assert "enter the volume anew" in refused(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75")))


def test_what_is_wasted_while_it_runs_is_told_clearly(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    assert "was wasted or put back" not in page_of(session, nurse, at)
    spilt(nurse, clinician, at)
    page = page_of(session, nurse, at + MINUTE)
    assert "At 09:10, after the volume was entered, part of what was drawn was wasted or put back" in page
    assert "reckoned from 50 ml" in page
    end = FIRST + 20 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end, because="it ran out")))
    assert "was wasted or put back" not in page_of(session, nurse, end)
    assert Dose.objects.get(pk=session.dose_id).given_mg == Decimal("20.1")
