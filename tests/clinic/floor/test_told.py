"""What whoever enters something is told: another volume, a row that stands for another time, another weight."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.clinic.floor.conftest import ARRIVAL, BEFORE, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    baseline,
    begun,
    good_answers,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
    time_out,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.models import Session
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Draw

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


@pytest.mark.parametrize(
    ("first", "second", "minutes", "words"),
    [
        ("50", "50", 1, ""),
        ("50", "20", 1, "Nora entered 50 ml at 08:55. Now 20 ml counts."),
        # It was kept in a browser meanwhile.
        ("50", "20", -1, "Nora entered 50 ml at 08:55. That counts, because it is newer."),
    ],
)
def test_two_volumes_are_told(
    session: Session, nurse: Actor, other_nurse: Actor, first: str, second: str, minutes: int, words: str
) -> None:
    all_saved(said(session, nurse, READY, sent("filling", READY, ml=first)))
    told = said(session, other_nurse, READY + MINUTE, sent("filling", READY + minutes * MINUTE, ml=second))
    all_saved(told)
    assert told[0].words == words


@pytest.mark.parametrize(
    ("nominal", "minute", "words"),
    [
        (10, 10, ""),
        # Too late is told by what is due, and no row after it is passed over.
        (10, 16, ""),
        # Half way it belongs to either.
        (20, 15, ""),
        (20, 14, "This row stands for +20 min; it was read at +14 min, nearer to +10 min."),
        (40, 11, "This row stands for +40 min; it was read at +11 min, nearer to +10 min."),
        # The last one may be late.
        (120, 180, ""),
    ],
)
def test_a_reading_in_the_row_of_another_time_is_told(
    session: Session, nurse: Actor, nominal: int, minute: int, words: str
) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + minute * MINUTE
    told = said(session, nurse, at, sent("reading", at, instrument="HR", value="70", nominal_min=nominal))
    all_saved(told)
    assert told[0].words == words


def test_a_reading_before_the_dose_in_a_row_after_it_is_told(session: Session, nurse: Actor) -> None:
    told = said(session, nurse, READY, sent("reading", READY, instrument="HR", value="70", nominal_min=10))
    all_saved(told)
    assert told[0].words == "This row stands for +10 min; the dose has not begun."
    before = said(session, nurse, READY, sent("reading", READY, instrument="HR", value="70", nominal_min=-15))
    assert before[0].words == ""


def ready_with(session: Session, nurse: Actor, weight: str) -> None:
    """Somebody is weighed on arrival, after the dose was drawn for 80.5 kg."""
    values = baseline(session, READY, weight=weight)
    all_saved(said(session, nurse, READY, *values, *good_answers(session, READY), time_out(READY)))
    all_saved(said(session, nurse, READY, sent("filling", READY, ml="50")))


# 5 % of 80.5 kg are 4.025 kg.
@pytest.mark.parametrize(
    ("weight", "is_refused"),
    [("80.5", False), ("84.525", False), ("84.526", True), ("76.475", False), ("76.474", True)],
)
def test_another_weight_than_the_dose_was_drawn_for_is_asked_about(
    session: Session, nurse: Actor, weight: str, *, is_refused: bool
) -> None:
    ready_with(session, nurse, weight)
    told = said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75"))
    assert bool(refused(told)) is is_refused, told
    if is_refused:
        assert "The weight has changed since the dose was drawn and checked." in refused(told)
        assert f"{weight} kg" in refused(told)
        all_saved(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75", because="the clinician says so")))


def test_who_checks_after_the_weighing_has_seen_it(session: Session, nurse: Actor, clinician: Actor) -> None:
    ready_with(session, nurse, "92")
    draw, at = Draw.objects.get(), READY + MINUTE
    assert nurse.user is not None
    stock.check(draw=draw, version=draw.version, checker=Proof(nurse.user, at), by=clinician, at=at)
    all_saved(said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="75")))


def test_of_a_dose_that_does_not_go_by_weight_nobody_asks(clinician: Actor, nurse: Actor) -> None:
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    values = baseline(session, READY, weight="92")
    all_saved(said(session, nurse, READY, *values, *good_answers(session, READY), time_out(READY)))
    all_saved(said(session, nurse, FIRST, sent("device", FIRST)))
