"""What holds a dose back is listed until it is settled: who said wait and when, and the way to go on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import all_saved, baseline, begun, good_answers, made_ready, said, sent, time_out

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility
from upturn_clinic.floor import queries
from upturn_clinic.floor.board.queries import Card, picture
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.leaving.lines import lines_of
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.floor.screens import Line, session_screen

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
TIME_OUT = "house/time-out"


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


def card_of(facility: Facility, reader: Actor, now: datetime) -> Card:
    board = picture(facility, reader, now=now)
    (card,) = [*board.elsewhere, *(card for room in board.rooms for card in room.cards)]
    return card


def page_of(session: Session, reader: Actor, now: datetime) -> str:
    """The part of the page that says what is to be done now."""
    shown = session_screen(queries.whole(session), reader, now=now)
    with timezone.override(session.facility.zone):
        return " ".join(render_to_string("floor/parts/now.html", {**shown, "here": session.facility}).split())


def still_open(session: Session, reader: Actor, now: datetime) -> list[Line]:
    found: list[Line] = session_screen(queries.whole(session), reader, now=now)["unwritten"]
    return found


def soft_line(session: Session, now: datetime) -> str:
    found = standings_of(queries.whole(session), queries.asked_in(session), now=now)
    return next(each.key for each in found if each.is_answered_by_hand and each.is_criterion and not each.is_hard)


def paused(session: Session, nurse: Actor) -> datetime:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 5 * MINUTE
    all_saved(said(session, nurse, at, sent("pause", at, because="dizzy")))
    return at + MINUTE


def test_a_gate_at_which_somebody_waits_stays_on_the_board_and_on_the_page(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    all_saved(said(session, nurse, READY, *baseline(session, READY, SBP="150"), *good_answers(session, READY)))
    [gate] = session_screen(queries.whole(session), nurse, now=READY)["closed"]
    assert (gate.standing.key, gate.standing.is_hard) == ("gates/blood-pressure-before", False)
    (waiting,) = card_of(facility, nurse, READY).waiting
    assert card_of(facility, nurse, READY).held == ()
    at = READY + MINUTE
    all_saved(said(session, nurse, at, sent("decision", at, gate=gate.standing.key, decision="wait", reason="rests")))
    assert "This holds the dose back" in refused(said(session, nurse, at, time_out(at)))
    card = card_of(facility, nurse, at)
    assert card.waiting == ()
    assert card.held == (f"{waiting} Wait and measure again (Nora, 08:56).",)
    page = page_of(session, nurse, at)
    for words in ("Wait and measure again", "rests", "Nora", "It holds the dose back.", "Measure again, or write down"):
        assert words in page, words
    on = {"gate": gate.standing.key, "decision": "go on", "reason": "usual for this person"}
    all_saved(said(session, nurse, at + MINUTE, sent("decision", at + MINUTE, **on)))
    assert card_of(facility, nurse, at + MINUTE).held == ()
    assert "It holds the dose back." not in page_of(session, nurse, at + MINUTE)
    all_saved(said(session, nurse, at + MINUTE, time_out(at + MINUTE)))


def test_a_line_at_which_somebody_waits_stays_listed_after_the_start(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    now = paused(session, nurse)
    key = soft_line(session, now)
    assert still_open(session, nurse, now) == []
    all_saved(said(session, nurse, now, sent("answer", READY, list="arrival", criterion=key, answer="no")))
    (waiting,) = card_of(facility, nurse, now).waiting
    wait = {"gate": key, "decision": "wait", "reason": "asks the clinician"}
    all_saved(said(session, nurse, now, sent("decision", now, **wait)))
    go_on = sent("resume", now, rate_ml_h="75")
    assert "This holds the dose back" in refused(said(session, nurse, now, go_on))
    [line] = still_open(session, nurse, now)
    assert line.standing.decision is not None
    assert (line.standing.key, line.standing.decision.reason) == (key, "asks the clinician")
    assert card_of(facility, nurse, now).held == (f"{waiting} Wait and measure again (Nora, 09:06).",)
    page = page_of(session, nurse, now)
    held = "The dose has begun; settle this before more of it is given."
    for words in (held, "Nora", "Strike the answer out", "nothing is written down about it"):
        assert (words in page) is (words != "nothing is written down about it"), words
    now += MINUTE
    on = {"gate": key, "decision": "go on", "reason": "the clinician agrees"}
    all_saved(said(session, nurse, now, sent("decision", now, **on)))
    assert still_open(session, nurse, now) == []
    assert card_of(facility, nurse, now).held == ()
    all_saved(said(session, nurse, now, go_on))


def test_a_time_out_answered_no_after_the_start_is_open_until_it_is_settled(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    now = paused(session, nurse)
    no = sent("answer", READY - MINUTE, list="time-out", criterion=TIME_OUT, answer="no")
    all_saved(said(session, nurse, now, no))
    go_on = sent("resume", now, rate_ml_h="75")
    told = refused(said(session, nurse, now, go_on))
    assert "strike the answer out if it was wrong; else stop the dose" in told
    [line] = still_open(session, nurse, now)
    assert line.standing.key == TIME_OUT
    assert any("Time-out" in each for each in card_of(facility, nurse, now).waiting)
    page = page_of(session, nurse, now)
    assert f'data-strike="{no["id"]}"' in page
    assert "The dose has begun and must not go on with this." in page
    # A word about it settles nothing while the dose goes on.
    all_saved(said(session, nurse, now, sent("decision", now, gate=TIME_OUT, decision="told", reason="they come")))
    assert [each.standing.key for each in still_open(session, nurse, now)] == [TIME_OUT]
    assert any("Time-out" in each for each in card_of(facility, nurse, now).held)
    all_saved(said(session, nurse, now, sent("strike", now, of=no["id"], reason="of the wrong person")))
    assert still_open(session, nurse, now) == []
    all_saved(said(session, nurse, now, go_on))


def test_a_time_out_answered_no_is_told_before_somebody_leaves(session: Session, nurse: Actor) -> None:
    now = paused(session, nurse)
    no = sent("answer", READY - MINUTE, list="time-out", criterion=TIME_OUT, answer="no")
    all_saved(said(session, nurse, now, no, sent("stop", now, because="the time-out was not done")))
    found = queries.whole(session)
    line = next(each for each in lines_of(found, queries.asked_in(found), now=now) if each.key == "house/open-gates")
    assert not line.is_met
    assert any("Time-out" in each for each in line.why)
    assert [each.standing.key for each in still_open(session, nurse, now)] == [TIME_OUT]
    all_saved(said(session, nurse, now, sent("decision", now, gate=TIME_OUT, decision="told", reason="they know")))
    found = queries.whole(session)
    line = next(each for each in lines_of(found, queries.asked_in(found), now=now) if each.key == "house/open-gates")
    assert line.is_met
    assert still_open(session, nurse, now) == []


def test_a_time_out_answered_no_before_the_start_is_at_the_top(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    made_ready(session, nurse, READY)
    no = sent("answer", READY, list="time-out", criterion=TIME_OUT, answer="no")
    all_saved(said(session, nurse, READY, no))
    shown = session_screen(queries.whole(session), nurse, now=READY)
    assert [each.standing.key for each in shown["closed"]] == [TIME_OUT]
    assert [each.standing.key for each in shown["holding"]] == [TIME_OUT]
    assert f'data-strike="{no["id"]}"' in page_of(session, nurse, READY)
    assert any("Time-out" in each for each in card_of(facility, nurse, READY).waiting)


def test_a_line_without_an_answer_after_the_start_can_be_answered(session: Session, nurse: Actor) -> None:
    now = paused(session, nurse)
    key = soft_line(session, now)
    answer = Answer.objects.get(criterion=key)
    all_saved(said(session, nurse, now, sent("strike", now, of=str(answer.pk), reason="of another day")))
    go_on = sent("resume", now, rate_ml_h="75")
    assert "Not answered yet" in refused(said(session, nurse, now, go_on))
    [line] = still_open(session, nurse, now)
    assert (line.standing.key, line.standing.verdict) == (key, "unknown")
    page = page_of(session, nurse, now)
    assert "The dose has begun and this is not answered." in page
    assert f'data-v-criterion="{key}" data-v-answer="yes"' in page
    all_saved(said(session, nurse, now, sent("answer", now, list="arrival", criterion=key, answer="yes")))
    assert still_open(session, nurse, now) == []
    all_saved(said(session, nurse, now, go_on))


def test_who_has_just_arrived_holds_nothing_up(session: Session, facility: Facility, nurse: Actor) -> None:
    """What is only not answered yet, before the dose, is the checklist's own: the board does not repeat it."""
    card = card_of(facility, nurse, ARRIVAL)
    assert (card.waiting, card.held) == ((), ())
