"""What a page of a session says so that nobody can take it for something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import all_saved, baseline, begun, made_ready, said, sent

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor import queries
from upturn_clinic.floor.leaving.queries import lines_in
from upturn_clinic.floor.models import Session
from upturn_clinic.floor.screens import session_screen

pytestmark = pytest.mark.django_db
LogIn = Callable[[User], Client]
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def part(session: Session, reader: Actor, name: str, at: object) -> str:
    shown = session_screen(queries.whole(session), reader, now=at)  # type: ignore[arg-type]
    with timezone.override(session.facility.zone):
        return " ".join(render_to_string(f"floor/parts/{name}.html", {**shown, "here": session.facility}).split())


def test_a_rule_that_nothing_has_passed_does_not_read_as_a_finding(session: Session, nurse: Actor) -> None:
    rule = "A reason not to begin: Oxygen saturation before the dose is below 92 %."
    assert rule in part(session, nurse, "before", READY)
    all_saved(said(session, nurse, READY, *baseline(session, READY, SpO2="98")))
    assert rule in part(session, nurse, "before", READY)
    low = sent("reading", READY + MINUTE, instrument="SpO2", value="88", row="0b1f8f0e-95a0-4a1e-93a6-54b6a1a5a001")
    all_saved(said(session, nurse, READY + MINUTE, low))
    # Now it is one.
    page = part(session, nurse, "before", READY + MINUTE)
    assert rule not in page
    assert 'class="quote">Oxygen saturation before the dose is below 92 %.' in page
    assert "SpO2 88 % is below 92 %" in part(session, nurse, "now", READY + MINUTE)


def test_what_has_run_in_so_far_says_as_of_when(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    assert "at 09:20: 25 ml, 50 %</span> of what was prepared, as the rate tells" in part(
        session, nurse, "giving", FIRST + 20 * MINUTE
    )
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    assert "<span data-live>50 ml, 100 %</span> of what was prepared<" in part(session, nurse, "giving", end + MINUTE)


def test_two_amounts_of_one_dose_are_not_left_side_by_side_without_a_word(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    """40.25 mg is rounded to 40.3; 40.2 were drawn."""
    assert "Prepared is 0.1 mg less than worked out above." in part(session, nurse, "giving", READY)


def test_signs_and_steps_of_an_emergency_are_told_where_one_looks(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    assert "No side effect was entered." in part(session, nurse, "effects", at)
    all_saved(said(session, nurse, at, sent("emergency", at, step="opened", signs=["chest pain"])))
    assert "No side effect was entered.</p> <p><strong>Seen:</strong> chest pain.</p>" in part(
        session, nurse, "effects", at
    )
    assert '<option value="called" selected>help called</option>' in part(session, nurse, "emergency", at)
    all_saved(said(session, nurse, at, sent("emergency", at, step="called", who="112")))
    page = part(session, nurse, "emergency", at)
    assert '<option value="called">help called, once more</option><option value="came" selected>help came' in page
    # A second emergency begins anew: what ended the first one is not what is offered first.
    for minute, step in enumerate(("came", "handed over", "opened"), start=1):
        later = at + minute * MINUTE
        all_saved(said(session, nurse, later, sent("emergency", later, step=step)))
    page = part(session, nurse, "emergency", at + 3 * MINUTE)
    assert '<option value="called" selected>help called</option>' in page
    # Pressed again while it runs, it is the same one.
    for minute, step in enumerate(("called", "opened"), start=4):
        later = at + minute * MINUTE
        all_saved(said(session, nurse, later, sent("emergency", later, step=step)))
    page = part(session, nurse, "emergency", at + 5 * MINUTE)
    assert '<option value="came" selected>help came</option>' in page
    # What is written down after its end belongs to it, too: nobody calls for help once more.
    for minute, step in enumerate(("came", "handed over", "came"), start=6):
        later = at + minute * MINUTE
        all_saved(said(session, nurse, later, sent("emergency", later, step=step)))
    page = part(session, nurse, "emergency", at + 8 * MINUTE)
    assert '<option value="over" selected>over</option>' in page


def test_all_that_is_late_is_listed(session: Session, nurse: Actor) -> None:
    """Else the readings that can still be made good stand behind those that cannot."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    page = part(session, nurse, "now", FIRST + 100 * MINUTE)
    assert page.count("<strong>Late:</strong>") == 7
    assert "(90 min)" in page
    assert "and 2 more after these" in page
    assert "and 4 more after these" in part(session, nurse, "now", FIRST + MINUTE)


def test_a_fall_is_called_a_fall(dosed: Session, nurse: Actor) -> None:
    """The limit is written as a change below nought; nobody should have to decode that."""
    at = FIRST + 50 * MINUTE
    low = sent("reading", at, instrument="SpO2", value="94", row="0b1f8f0e-95a0-4a1e-93a6-54b6a1a5a002")
    all_saved(said(dosed, nurse, at, low))
    why = next(each.why for each in lines_in(queries.whole(dosed), now=at) if each.key == "discharge/oxygen")
    assert why == ("SpO2 94 % is 4 % below the 98 % before the dose; the limit: more than 2 %",)


def test_nothing_is_offered_to_sign_that_the_rules_refuse(
    session: Session, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert clinician.user is not None
    client, here = log_in(clinician.user), session.facility.slug
    clock.stand_at(READY)
    made_ready(session, nurse, READY)
    override = reverse("override_gate", args=[here, session.pk, "blood-pressure-hold"])
    page = client.get(override).content.decode()
    assert "This gate is not closed now" in page
    assert 'id="session-form"' not in page
    give_up = reverse("give_up_session", args=[here, session.pk])
    assert 'id="session-form"' in client.get(give_up).content.decode()
    begun(session, nurse, FIRST)
    clock.stand_at(FIRST + MINUTE)
    page = client.get(give_up).content.decode()
    assert "The dose has begun, " in page
    assert 'id="session-form"' not in page


def test_paper_says_when_it_stood_so_and_who_printed_it(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    clock.stand_at(READY)
    page = log_in(nurse.user).get(reverse("session", args=[session.facility.slug, session.pk])).content.decode()
    told = page.partition('class="on-paper">')[2].partition("</p>")[0]
    assert "23 Mar 2026, 08:55" in told
    assert told.endswith(f"; printed by {nurse.user.name}.")
