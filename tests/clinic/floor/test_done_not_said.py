"""That a dose was paused or stopped is read from what was entered of it: words alone do not stop an infusion."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.template.loader import render_to_string
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor import queries
from upturn_clinic.floor.models import GateDecision, Session
from upturn_clinic.floor.screens import Line, session_screen

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SEEN = FIRST + 5 * MINUTE
GATE = "gates/emergency-signs"


def closed(session: Session, nurse: Actor, now: datetime) -> Line:
    lines: list[Line] = session_screen(queries.whole(session), nurse, now=now)["lines"]
    return next(each for each in lines if each.standing.key == GATE)


def running(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    sign = closed(session, nurse, FIRST).standing.signs[0]
    all_saved(said(session, nurse, SEEN, sent("sign", SEEN, gate="emergency-signs", sign=sign, is_present=True)))


def decide(session: Session, nurse: Actor, at: datetime, decision: str) -> str:
    words = {"gate": GATE, "decision": decision, "reason": "chest pain", "because_of": []}
    (told,) = said(session, nurse, at, sent("decision", at, **words))
    return told.words


def offered(session: Session, nurse: Actor, now: datetime) -> set[str]:
    return {str(each) for each in closed(session, nurse, now).offered}


def test_a_running_infusion_is_not_stopped_by_words(session: Session, nurse: Actor) -> None:
    running(session, nurse)
    at = SEEN + MINUTE
    assert closed(session, nurse, at).to_dose
    assert not {"stopped", "paused"} & offered(session, nurse, at)
    assert "stop it under Dose" in decide(session, nurse, at, "stopped")
    assert "pause it under Dose" in decide(session, nurse, at, "paused")
    assert not GateDecision.objects.exists()
    all_saved(said(session, nurse, at, sent("pause", at, because="chest pain")))
    assert "stop it under Dose" in decide(session, nurse, at, "stopped")
    assert not decide(session, nurse, at, "paused")
    at += MINUTE
    all_saved(said(session, nurse, at, sent("stop", at, because="chest pain")))
    assert "stopped" in offered(session, nurse, at)
    assert not decide(session, nurse, at, "stopped")
    # What was written for a time before the stop is no more true for having come later.
    assert "stop it under Dose" in decide(session, nurse, at - MINUTE, "stopped")
    assert {str(each.decision) for each in GateDecision.objects.all()} == {"paused", "stopped"}


def test_the_box_leads_to_the_dose_and_has_no_answer_chosen(session: Session, nurse: Actor) -> None:
    running(session, nurse)
    shown = session_screen(queries.whole(session), nurse, now=SEEN)
    page = render_to_string(
        "floor/parts/gate.html", {**shown, "here": session.facility, "line": closed(session, nurse, SEEN)}
    )
    assert 'href="#giving-title"' in page
    assert 'name="decision" required><option value="">choose</option>' in page


def test_a_dose_that_ended_as_planned_was_not_stopped(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    sign = closed(session, nurse, end).standing.signs[0]
    all_saved(said(session, nurse, end, sent("sign", end, gate="emergency-signs", sign=sign, is_present=True)))
    assert not {"stopped", "paused"} & offered(session, nurse, end)
    assert not closed(session, nurse, end).to_dose
