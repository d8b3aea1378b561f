"""What is due before the dose has begun, and from when each row counts: somebody who starts late is not late."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import all_saved, arrived, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor import queries
from upturn_clinic.floor.board.queries import Card, picture
from upturn_clinic.floor.due import Due
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen, sheet_data
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
AFTER = "SBP, DBP, HR, SpO2, MOAA/S"


def card_of(facility: Facility, reader: Actor, now: datetime) -> Card:
    board = picture(facility, reader, now=now)
    (card,) = [*board.elsewhere, *(card for room in board.rooms for card in room.cards)]
    return card


def rows_due(session: Session, now: datetime) -> list[Due]:
    return [each for each in queries.all_due(queries.whole(session), now) if each.kind == "reading"]


def test_no_row_after_the_start_is_late_before_the_dose_has_begun(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    """Planned at nine, all is read and answered, the dose begins at twenty past."""
    made_ready(session, nurse, READY)
    now = FIRST + 16 * MINUTE
    assert not any(each.is_late for each in rows_due(session, now))
    card = card_of(facility, nurse, now)
    assert (card.late, card.is_late) == ((), False)
    assert card.next == f"10 min after the dose begins: {AFTER}"
    shown = session_screen(queries.whole(session), nurse, now=now)
    assert shown["late"] == []
    with timezone.override(facility.zone):
        page = render_to_string("floor/parts/now.html", {**shown, "here": facility})
    assert "10 min after the dose begins" in page
    # No clock stands beside what nobody can know yet.
    assert "09:10" not in page
    began = FIRST + 20 * MINUTE
    begun(session, nurse, began)
    assert card_of(facility, nurse, began + 15 * MINUTE).late == ()
    assert card_of(facility, nurse, began + 16 * MINUTE).late == (f"{AFTER}: due 09:30, 6 min ago",)


def test_a_row_before_the_start_counts_from_the_planned_time(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    assert card_of(facility, nurse, ARRIVAL + MINUTE).next.startswith("before the dose: SBP")
    assert card_of(facility, nurse, FIRST - 10 * MINUTE).late == ()
    (late,) = card_of(facility, nurse, FIRST - 9 * MINUTE).late
    assert "due 08:45, 6 min ago" in late


def test_of_somebody_who_comes_late_it_counts_from_the_arrival(
    infusions: Plan, facility: Facility, nurse: Actor
) -> None:
    session = arrived(infusions, nurse, READY)
    first, second = rows_due(session, READY)[:2]
    assert (first.nominal_min, first.at, first.waits) == (-15, READY, False)
    assert (second.nominal_min, second.waits) == (10, True)
    assert card_of(facility, nurse, READY + 5 * MINUTE).late == ()
    (late,) = card_of(facility, nurse, READY + 6 * MINUTE).late
    assert "due 08:55, 6 min ago" in late
    # An hour later still only this one.
    assert [each.nominal_min for each in rows_due(session, FIRST + 60 * MINUTE) if each.is_late] == [-15]


def test_a_row_before_the_start_is_over_once_the_dose_has_begun(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    weight = session.readings.get(instrument="weight")
    all_saved(said(session, nurse, READY, sent("strike", READY, of=str(weight.pk), reason="the wrong scales")))
    assert rows_due(session, READY)[0].missing == ("weight",)
    begun(session, nurse, FIRST)
    assert next(each.nominal_min for each in rows_due(session, FIRST)) == 10


def test_a_pause_moves_no_row(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    before = [each.at for each in rows_due(session, FIRST)]
    at, on = FIRST + 2 * MINUTE, FIRST + 8 * MINUTE
    all_saved(said(session, nurse, at, sent("pause", at, because="dizzy")))
    all_saved(said(session, nurse, on, sent("resume", on, rate_ml_h="75")))
    assert [each.at for each in rows_due(session, on)] == before


def test_the_sheet_gives_a_clock_only_to_rows_that_have_one(session: Session, nurse: Actor) -> None:
    asked = queries.asked_in(session)
    early = {row["nominal"]: row["due"] for row in sheet_data(queries.whole(session), asked, nurse)["rows"]}
    assert (early[-15], early[10], early[40]) == ("08:45", "", "")
    assert list(early) == sorted(early)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST + 20 * MINUTE)
    late = {row["nominal"]: row["due"] for row in sheet_data(queries.whole(session), asked, nurse)["rows"]}
    assert (late[10], late[40]) == ("09:30", "10:00")


def infusion_due(session: Session, now: datetime) -> Due:
    (found,) = [each for each in queries.all_due(queries.whole(session), now) if each.kind == "infusion"]
    return found


def test_an_infusion_that_has_run_in_and_was_not_ended_is_late(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    """50 ml at 75 ml/h have run in after 40 minutes, whenever somebody looks."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    empty = FIRST + 40 * MINUTE
    for minute, is_late in ((1, False), (40, False), (45, False), (46, True), (90, True)):
        due = infusion_due(session, FIRST + minute * MINUTE)
        assert (due.at, due.is_late) == (empty, is_late), minute
    assert (
        "enter that the infusion has run in: due 09:40, 50 min ago"
        in card_of(facility, nurse, FIRST + 90 * MINUTE).late
    )
    # Nothing more runs after that, so its pace is what it was.
    state = queries.giving_in(queries.whole(session), queries.asked_in(session), until=FIRST + 90 * MINUTE)
    assert queries.pace_of(queries.whole(session), queries.asked_in(session), state) == ""


def test_when_an_infusion_has_run_in_follows_rate_and_pauses(session: Session, nurse: Actor) -> None:
    """12.5 ml in ten minutes, ten minutes of pause, 12.5 ml in five, the rest of 25 ml at 75 ml/h in twenty."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    for minute, kind, more in (
        (10, "pause", {"because": "dizzy"}), (20, "resume", {"rate_ml_h": "150"}), (25, "rate", {"rate_ml_h": "75"}),
    ):  # fmt: skip
        at = FIRST + minute * MINUTE
        all_saved(said(session, nurse, at, sent(kind, at, **more)))
    for minute in (25, 44, 60):
        assert infusion_due(session, FIRST + minute * MINUTE).at == FIRST + 45 * MINUTE
    # Another rate after that changes nothing.
    at = FIRST + 50 * MINUTE
    all_saved(said(session, nurse, at, sent("rate", at, rate_ml_h="10")))
    assert infusion_due(session, FIRST + 60 * MINUTE).at == FIRST + 45 * MINUTE
