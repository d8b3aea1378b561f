"""A dose that is given up or moved on the plan while its session is open: who would give it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import give_up
from upturn_clinic.floor.models import Session
from upturn_clinic.treatments.actions import end_due, move_due
from upturn_clinic.treatments.models import Dose

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def cancelled(session: Session, by: Actor) -> None:
    dose = Dose.objects.get(pk=session.dose_id)
    end_due(due=dose, version=dose.version, is_missed=False, reason="ill", by=by, at=READY + MINUTE)


def test_a_dose_that_was_cancelled_on_the_plan_does_not_begin(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    cancelled(session, clinician)
    told = said(session, nurse, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75"))
    assert told[1].state == "refused"
    assert "This dose was given up on the plan." in told[1].words
    assert Session.objects.get().began_at is None


def test_one_that_began_before_is_ended_and_goes_on(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY - MINUTE)
    begun(session, nurse, READY)
    at = FIRST + MINUTE
    all_saved(said(session, nurse, FIRST, sent("pause", FIRST, because="dizzy")))
    cancelled(session, clinician)
    again = said(session, nurse, at, sent("resume", at, rate_ml_h="75"))
    assert "This dose was given up on the plan." in again[0].words
    all_saved(said(session, nurse, at, sent("stop", at, because="given up")))


def test_a_dose_that_was_moved_to_a_later_day_needs_a_reason(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    dose = Dose.objects.get(pk=session.dose_id)
    move_due(due=dose, version=dose.version, planned_at=FIRST + timedelta(days=1), reason="ill", by=clinician,
             at=READY + MINUTE)  # fmt: skip
    told = said(session, nurse, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75"))
    assert told[1].state == "refused"
    assert "24 Mar" in told[1].words
    all_saved(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75", because="they are here already")))


def test_the_page_says_that_it_was_given_up(
    session: Session, nurse: Actor, clinician: Actor, log_in: Callable[..., Client], clock: Clock
) -> None:
    clock.stand_at(FIRST)
    address = reverse("session", args=["main", session.pk])
    words = "This dose was given up on the plan: ill"
    assert words not in log_in(nurse.user).get(address).content.decode()
    cancelled(session, clinician)
    assert words in log_in(nurse.user).get(address).content.decode()


def test_a_dose_that_arrives_after_its_session_was_given_up_has_a_way(
    session: Session, nurse: Actor, other_nurse: Actor
) -> None:
    """One nurse began without a connection; the other one, who saw nothing of it, gave the session up."""
    made_ready(session, nurse, READY)
    found = queries.whole(session)
    give_up(session=found, version=found.version, reason="nobody came", by=other_nurse, at=FIRST + MINUTE)
    told = said(session, nurse, FIRST + 2 * MINUTE, sent("start", FIRST, rate_ml_h="75"))
    assert told[0].state == "refused"
    assert "open a session of this dose again" in told[0].words
