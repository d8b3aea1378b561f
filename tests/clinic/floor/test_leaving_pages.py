"""What the pages of leaving show: what is open, who said what, and a list that stays as it was."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.leaving import answered, lines, measure, proof
from tests.clinic.floor.making import MINUTE

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.floor.leaving import actions
from upturn_clinic.floor.leaving.lines import LineState
from upturn_clinic.floor.leaving.queries import goings_on, lines_in
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.floor.queries import whole
from upturn_clinic.safety.actions import record_event
from upturn_clinic.safety.models import AdverseEvent

pytestmark = pytest.mark.django_db
SO, NOT_SO = (str(each.label) for each in (Answer.Said.YES, Answer.Said.NO))


def test_the_list_of_who_has_left_stays_as_it_was(
    well: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    at = FIRST + 123 * MINUTE + timedelta(seconds=20)
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at - MINUTE)
    # Typed to the minute in which it is signed: they left now.
    left = actions.leave(session=ready, version=ready.version, left_at=at.replace(second=0), proof=proof(nurse, at),
                         by=nurse, at=at)  # fmt: skip
    assert left.left_at == at
    then = lines(left, at)
    assert {each.state for each in then.values()} == {LineState.MET}
    assert lines(left, at + timedelta(days=2)) == then
    clock.stand_at(at + timedelta(days=2))
    assert nurse.user is not None
    page = log_in(nurse.user).get(reverse("leaving", args=["main", left.pk])).content.decode()
    assert "As it stood when they left" in page
    assert "missing" not in page
    assert "min ago" not in page


def test_lines_are_counted_alike_on_the_list_and_where_ready_is_said(
    dosed: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    assert nurse.user is not None
    client, at = log_in(nurse.user), FIRST + 91 * MINUTE
    clock.stand_at(at)

    def page(name: str) -> str:
        return client.get(reverse(name, args=["main", dosed.pk])).content.decode()

    found = lines(dosed, at).values()
    clinical = sum(each.is_clinical and not each.is_met for each in found)
    later = sum(not each.is_clinical and not each.is_met for each in found)
    assert (clinical > 1, later) == (True, 4)
    assert f"{clinical} lines are not met yet (all missing); 4 more are asked when they leave." in page("leaving")
    assert f"{clinical} lines are not met or missing, so the person is not ready yet" in page("ready_to_leave")
    measure(dosed, nurse, at)
    answered(dosed, nurse, at, "discharge/blood-pressure", "discharge/walks", "discharge/no-new-suicidal-ideation")
    assert "Every line about the person is met; 4 are asked when they leave." in page("leaving")
    actions.declare_ready_to_leave(session=dosed, version=dosed.version, by=nurse, at=at)
    assert "4 lines are not met yet (3 missing)." in page("leaving")
    assert "4 lines are not met or missing, so nobody signs yet" in page("leave")


def test_who_says_ready_sees_what_it_rests_on(
    dosed: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    assert nurse.user is not None
    client, address = log_in(nurse.user), reverse("ready_to_leave", args=["main", dosed.pk])
    clock.stand_at(FIRST + 91 * MINUTE)
    page = client.get(address).content.decode()
    assert "lines are not met or missing, so the person is not ready yet" in page
    assert "MOAA/S is 5" in page
    assert "<button>Say: ready to leave" not in page
    measure(dosed, nurse, FIRST + 90 * MINUTE)
    at = FIRST + 91 * MINUTE
    answered(dosed, nurse, at, "discharge/blood-pressure", "discharge/walks", "discharge/no-new-suicidal-ideation")
    page = client.get(address).content.decode()
    assert "<button>Say: ready to leave" in page
    assert "SpO2 98 %; before the dose: 98 %" in page
    # What is asked at the door stands apart, with the time at which the stay is over.
    assert "11:00" in page.partition("Asked when they leave")[2]


def test_who_signs_that_somebody_leaves_sees_times_and_names(
    well: Session, clinician: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    clock.stand_at(FIRST + 110 * MINUTE)
    assert clinician.user is not None
    client = log_in(clinician.user)
    page = client.get(reverse("decide_leaving", args=["main", well.pk])).content.decode()
    assert "110 min since the dose began; at least 120 min." in page
    clock.stand_at(FIRST + 125 * MINUTE)
    page = client.get(reverse("decide_leaving", args=["main", well.pk])).content.decode()
    assert "11:00</time>, Nora" in page
    assert SO in page


def test_side_effects_of_a_later_day_do_not_stand_on_a_session_that_is_over(well: Session, nurse: Actor) -> None:
    at = FIRST + 125 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    left = actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)

    def told(now: datetime) -> list[str]:
        found = whole(left)
        return [each.term for each in goings_on(found, lines_in(found, now=now), now=now).effects]

    def felt(term: str, began: datetime) -> AdverseEvent:
        return record_event(
            entry=uuid4(), participant=left.participant, term=term, severity="mild", started_at=began, by=nurse,
            at=began,
        )  # fmt: skip

    felt("nausea", FIRST + 60 * MINUTE)
    felt("dizziness", at + timedelta(days=1))
    assert told(at + timedelta(days=2)) == ["nausea"]


def test_on_the_page_the_second_nurse_reads_what_the_first_said_and_then_decides(
    dosed: Session, nurse: Actor, other_nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    at = FIRST + 121 * MINUTE
    clock.stand_at(at)
    assert other_nurse.user is not None
    client = log_in(other_nurse.user)
    address = reverse("leaving", args=["main", dosed.pk])
    page = client.get(address)
    place = next(n for n, each in enumerate(lines_in(whole(dosed), now=at)) if each.key == "discharge/walks")

    def form(page: Any) -> dict[str, str]:
        text = page.content.decode()
        found = {name: re.search(rf'name="{name}" value="([^"]*)"', text) for name in ("version", "seen", "form_key")}
        return {name: each.group(1) for name, each in found.items() if each} | {
            f"said_{place}": "yes", "escort": "", "escort_phone": ""
        }  # fmt: skip

    sent = form(page)
    answered(dosed, nurse, at, "discharge/walks", answer="no")
    told = client.post(address, sent)
    assert told.status_code == 200
    assert "Somebody else answered in the meantime" in told.content.decode()
    assert f"{NOT_SO}, by Nora" in told.content.decode().replace("&#x27;", "'")
    clock.stand_at(at + MINUTE)
    again = client.post(address, form(told))
    assert again.status_code == 302
    assert lines(dosed, at + MINUTE)["discharge/walks"].who == "Omar"
