"""Leaving: each line with its time, value and assessor; ready and left apart; nobody out with a line unmet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.making import (
    CALM,
    all_saved,
    baseline,
    begun,
    good_answers,
    made_ready,
    said,
    sent,
    time_out,
)

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.audit.queries import is_signed_as_it_stands
from upturn_clinic.floor.leaving import actions
from upturn_clinic.floor.leaving.actions import Given
from upturn_clinic.floor.leaving.lines import Line, LineState
from upturn_clinic.floor.leaving.queries import goings_on, lines_in
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.floor.queries import whole
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.safety.actions import record_event
from upturn_clinic.safety.models import AdverseEvent, Concern

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SO, NOT_SO = (str(each.label) for each in (Answer.Said.YES, Answer.Said.NO))
MEASURED = ("SBP", "DBP", "HR", "SpO2", "CADSS", "MOAA/S", "C-SSRS")
BY_HAND = (
    "discharge/blood-pressure",
    "discharge/walks",
    "discharge/no-new-suicidal-ideation",
    "discharge/escort",
    "discharge/no-driving",
    "discharge/contact",
)


def proof(by: Actor, at: datetime) -> Proof:
    assert by.user is not None
    return Proof(by.user, at)


def lines(session: Session, at: datetime) -> dict[str, Line]:
    return {each.key: each for each in lines_in(whole(session), now=at)}


def measure(session: Session, by: Actor, minute: int, **changed: str) -> None:
    at = FIRST + minute * MINUTE
    values = {name: CALM[name] for name in MEASURED} | {
        name.replace("_", "/"): value for name, value in changed.items()
    }
    entries = [sent("reading", at, instrument=name, value=value, nominal_min=120) for name, value in values.items()]
    results = said(session, by, at, *entries)
    assert {each.state for each in results} == {"saved"}


def answered(session: Session, by: Actor, at: datetime, *keys: str, answer: str = "yes") -> None:
    seen = [str(each.answer.pk) for each in lines(session, at).values() if each.answer]
    actions.answer(session=session, given={key: Given(answer) for key in keys}, seen=seen, by=by, at=at)


@pytest.fixture
def dosed(session: Session, nurse: Actor) -> Session:
    """The infusion is over after 40 minutes."""
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    session.refresh_from_db()
    return session


@pytest.fixture
def well(dosed: Session, nurse: Actor) -> Session:
    """Measured after two hours, every line answered well, the escort named."""
    measure(dosed, nurse, 120)
    now = FIRST + 121 * MINUTE
    answered(dosed, nurse, now, *BY_HAND)
    actions.name_escort(
        session=dosed, version=dosed.version, escort="Eva, a friend", escort_phone="555 0199", by=nurse, at=now
    )
    dosed.refresh_from_db()
    return dosed


def test_right_after_the_dose_nothing_of_before_it_speaks_for_now(dosed: Session) -> None:
    found = lines(dosed, FIRST + 41 * MINUTE)
    # All of these were read well before the dose; none of it counts.
    for name in ("blood-pressure-value", "oxygen", "awake", "dissociation", "suicide-risk-now"):
        line = found[f"discharge/{name}"]
        assert (line.state, line.kind) == (LineState.MISSING, "measured"), name
        assert line.missing, name
    assert found["discharge/minimum-stay"].state is LineState.UNMET
    assert all(found[key].state is LineState.MISSING for key in BY_HAND)


def test_each_line_says_when_what_and_who(well: Session, nurse: Actor) -> None:
    found = lines(well, FIRST + 122 * MINUTE)
    assert {each.state for each in found.values()} == {LineState.MET}
    pressure = found["discharge/blood-pressure-value"]
    assert (pressure.who, pressure.at) == ("Nora", FIRST + 120 * MINUTE)
    assert any("122" in each for each in pressure.why)
    assert any("78" in each for each in pressure.why)
    walks = found["discharge/walks"]
    assert (walks.who, walks.at, walks.why) == ("Nora", FIRST + 121 * MINUTE, (SO,))
    assert found["discharge/escort"].why == (SO, "Eva, a friend")


@pytest.mark.parametrize(
    ("name", "changed", "state"),
    [
        ("blood-pressure-value", {"SBP": "159", "DBP": "99"}, LineState.MET),
        ("blood-pressure-value", {"SBP": "160"}, LineState.UNMET),
        ("blood-pressure-value", {"DBP": "100"}, LineState.UNMET),
        ("awake", {"MOAA_S": "5"}, LineState.MET),
        ("awake", {"MOAA_S": "4"}, LineState.UNMET),
        ("oxygen", {"SpO2": "96"}, LineState.MET),  # 98 before
        ("oxygen", {"SpO2": "95"}, LineState.UNMET),
        ("dissociation", {"CADSS": "4"}, LineState.MET),  # 0 before
        ("dissociation", {"CADSS": "5"}, LineState.UNMET),
        ("suicide-risk-now", {"C-SSRS": "2"}, LineState.MET),
        ("suicide-risk-now", {"C-SSRS": "3"}, LineState.UNMET),
    ],
)
def test_measured_lines_at_their_limits(
    dosed: Session, nurse: Actor, name: str, changed: dict[str, str], state: LineState
) -> None:
    measure(dosed, nurse, 120, **changed)
    assert lines(dosed, FIRST + 121 * MINUTE)[f"discharge/{name}"].state is state


def test_who_came_with_the_highest_risk_does_not_leave_by_the_list_because_it_did_not_rise(
    session: Session, nurse: Actor
) -> None:
    """The screener asks about a whole month: it cannot fall within the session, and it need not rise to matter."""
    ready = FIRST - 5 * MINUTE
    all_saved(said(session, nurse, ready, *baseline(session, ready, **{"C-SSRS": "3"}),
                   *good_answers(session, ready), time_out(ready)))  # fmt: skip
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    measure(session, nurse, 120, **{"C-SSRS": "3"})
    found = lines(session, FIRST + 121 * MINUTE)
    assert found["discharge/suicide-risk-now"].state is LineState.UNMET
    asked = found["discharge/no-new-suicidal-ideation"]
    assert (asked.state, asked.kind) == (LineState.MISSING, "answered")


def test_new_thoughts_are_always_asked_about(dosed: Session, nurse: Actor) -> None:
    at = FIRST + 121 * MINUTE
    with pytest.raises(Refused, match="always applies"):
        actions.answer(
            session=dosed, given={"discharge/no-new-suicidal-ideation": Given("not applicable", "asleep")}, seen=[],
            by=nurse, at=at,
        )  # fmt: skip
    answered(dosed, nurse, at, "discharge/no-new-suicidal-ideation", answer="no")
    assert lines(dosed, at)["discharge/no-new-suicidal-ideation"].state is LineState.UNMET


def test_a_gate_that_was_closed_and_has_opened_again_still_wants_a_word(well: Session, nurse: Actor) -> None:
    """The pressure was high at minute 50 and at minute 100, and fine after each; one word is not enough for both."""
    high = {}
    for minute, value in ((50, "165"), (60, "120"), (100, "166"), (110, "120")):
        at, high[minute] = FIRST + minute * MINUTE, str(uuid4())
        entry = sent("reading", at, instrument="SBP", value=value, row=str(uuid4()))
        all_saved(said(well, nurse, FIRST + 122 * MINUTE, {**entry, "id": high[minute]}))
    at, key = FIRST + 123 * MINUTE, "gates/blood-pressure-closer"

    def waiting() -> tuple[str, ...]:
        return tuple(each for each in lines(well, at)["house/open-gates"].why if "every five minutes and tell" in each)

    assert [each.rpartition(": ")[0].rpartition(": ")[2] for each in waiting()] == [
        "SBP 165 mmHg; limit", "SBP 166 mmHg; limit"
    ]  # fmt: skip
    assert lines(well, at)["house/open-gates"].state is LineState.UNMET
    unwritten = session_screen(whole(well), nurse, now=at)["unwritten"]
    assert {line.standing.key for line in unwritten} >= {key}
    word = sent("decision", at, gate=key, decision="told", reason="Dr C. was told", because_of=[high[100]])
    all_saved(said(well, nurse, at, word))
    assert ["165" in each for each in waiting()] == [True]
    for line in session_screen(whole(well), nurse, now=at)["unwritten"]:
        entry = sent("decision", at, gate=line.standing.key, decision="told", reason="Dr C. was told of it",
                     because_of=list(line.standing.because_of))  # fmt: skip
        all_saved(said(well, nurse, at, entry))
    assert lines(well, at)["house/open-gates"].state is LineState.MET


def test_a_reading_that_was_struck_out_closed_nothing(well: Session, nurse: Actor) -> None:
    at = FIRST + 50 * MINUTE
    slip = sent("reading", at, instrument="SBP", value="222", row=str(uuid4()))
    good = sent("reading", at + 10 * MINUTE, instrument="SBP", value="122", row=str(uuid4()))
    now = FIRST + 122 * MINUTE
    all_saved(said(well, nurse, now, slip, good))
    assert lines(well, now)["house/open-gates"].state is LineState.UNMET
    all_saved(said(well, nurse, now, sent("strike", now, of=slip["id"], reason="122, not 222")))
    assert lines(well, now)["house/open-gates"].state is LineState.MET


def test_the_minimum_stay_to_the_second(dosed: Session) -> None:
    def state(at: datetime) -> LineState:
        return lines(dosed, at)["discharge/minimum-stay"].state

    assert state(FIRST + 120 * MINUTE - timedelta(seconds=1)) is LineState.UNMET
    assert state(FIRST + 120 * MINUTE) is LineState.MET


def test_an_old_reading_does_not_speak_for_now(well: Session) -> None:
    assert lines(well, FIRST + 180 * MINUTE)["discharge/awake"].is_met
    stale = lines(well, FIRST + 180 * MINUTE + timedelta(seconds=1))["discharge/awake"]
    assert (stale.state, stale.missing) == (LineState.MISSING, ("MOAA/S",))


def test_what_is_missing_is_said_as_it_is(session: Session, nurse: Actor) -> None:
    """Never read after the dose, read too long ago, or with nothing from before the dose to compare with."""
    ready = FIRST - 5 * MINUTE
    all_saved(said(session, nurse, ready, *baseline(session, ready), *good_answers(session, ready), time_out(ready)))
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE)))
    at = FIRST + 41 * MINUTE
    assert lines(session, at)["discharge/oxygen"].lacks == ("Not measured since the dose ended: SpO2.",)
    all_saved(said(session, nurse, at, sent("reading", at, instrument="SpO2", value="98", row=str(uuid4()))))
    line = lines(session, at)["discharge/oxygen"]
    assert (line.lacks, line.why) == ((), ("SpO2 98 %; before the dose: 98 %",))
    late = lines(session, at + 61 * MINUTE)["discharge/oxygen"]
    assert late.lacks == ("Measured more than 1 h ago; measure again: SpO2.",)
    for each in session.readings.filter(instrument="SpO2", at=ready):
        all_saved(said(session, nurse, at, sent("strike", at, of=str(each.pk), reason="of somebody else")))
    assert lines(session, at)["discharge/oxygen"].lacks == (
        "Not measured before the dose, so there is nothing to compare with: SpO2.",
    )


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


def test_who_left_too_early_does_not_leave_by_a_list_that_was_met_later(well: Session, nurse: Actor) -> None:
    """The stay is over at minute 120; it is signed after that, and names a time before."""
    Session.objects.filter(pk=well.pk).update(may_leave_at=FIRST + 110 * MINUTE)
    well.refresh_from_db()
    at = FIRST + 122 * MINUTE
    with pytest.raises(Refused, match="not met") as refusal:
        actions.leave(session=well, version=well.version, left_at=FIRST + 115 * MINUTE, proof=proof(nurse, at),
                      by=nurse, at=at)  # fmt: skip
    assert "Two hours" in str(refusal.value.came)


def test_who_says_ready_sees_what_it_rests_on(
    dosed: Session, nurse: Actor, log_in: Callable[[User], Client], clock: Clock
) -> None:
    assert nurse.user is not None
    client, address = log_in(nurse.user), reverse("ready_to_leave", args=["main", dosed.pk])
    clock.stand_at(FIRST + 91 * MINUTE)
    page = client.get(address).content.decode()
    assert "lines are not met, so the person is not ready yet" in page
    assert "MOAA/S is 5" in page
    assert "<button>Say: ready to leave" not in page
    measure(dosed, nurse, 90)
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


def test_ready_and_left_are_two_times(well: Session, nurse: Actor) -> None:
    ready_at, left_at = FIRST + 122 * MINUTE, FIRST + 150 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=ready_at)
    assert (phase_of(ready), ready.may_leave_at, ready.left_at) == (Phase.READY_TO_LEAVE, ready_at, None)
    left = actions.leave(
        session=ready, version=ready.version, left_at=left_at, proof=proof(nurse, left_at), by=nurse, at=left_at
    )
    assert (phase_of(left), left.may_leave_at, left.left_at, left.left_how) == (Phase.LEFT, ready_at, left_at, "ready")
    signature = Signature.objects.get(object_id=str(left.pk))
    assert (signature.printed_name, signature.at, signature.meaning) == ("Nora", left_at, actions.READY)
    assert is_signed_as_it_stands(left, actions.READY)


def test_ready_is_about_the_person_and_not_about_the_way_home(dosed: Session, nurse: Actor) -> None:
    measure(dosed, nurse, 90)
    at = FIRST + 91 * MINUTE
    answered(dosed, nurse, at, "discharge/blood-pressure", "discharge/walks", "discharge/no-new-suicidal-ideation")
    ready = actions.declare_ready_to_leave(session=dosed, version=dosed.version, by=nurse, at=at)
    assert ready.may_leave_at == at
    with pytest.raises(Refused, match="not met") as refusal:
        actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    for words in ("Two hours", "takes the participant home", "not to drive", "emergency number"):
        assert words in str(refusal.value.came)


@pytest.mark.parametrize("key", BY_HAND)
def test_nobody_leaves_by_the_form_with_one_line_unmet(well: Session, nurse: Actor, key: str) -> None:
    at = FIRST + 123 * MINUTE
    if lines(well, at)[key].is_clinical is False:
        well = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    answered(well, nurse, at, key, answer="no")
    with pytest.raises(Refused, match="not met"):
        actions.leave(session=well, version=well.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    well.refresh_from_db()
    assert well.left_at is None
    assert not Signature.objects.exclude(meaning__contains="protocol").filter(object_id=str(well.pk)).exists()


def test_what_got_worse_after_ready_keeps_the_person_here(well: Session, nurse: Actor) -> None:
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    at = FIRST + 140 * MINUTE
    all_saved(said(ready, nurse, at, sent("reading", at, instrument="MOAA/S", value="3", row=str(uuid4()))))
    with pytest.raises(Refused, match="not met"):
        actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    back = actions.take_back_ready(session=ready, version=ready.version, reason="sleepy again", by=nurse, at=at)
    assert (phase_of(back), back.may_leave_at) == (Phase.OBSERVING, None)


def test_the_escort_has_a_name(well: Session, nurse: Actor) -> None:
    at = FIRST + 123 * MINUTE
    unnamed = actions.name_escort(session=well, version=well.version, escort=" ", escort_phone="", by=nurse, at=at)
    assert lines(unnamed, at)["discharge/escort"].state is LineState.MISSING


def test_without_being_ready_nobody_leaves_by_the_form(well: Session, nurse: Actor) -> None:
    at = FIRST + 123 * MINUTE
    with pytest.raises(Refused, match="Nobody has said"):
        actions.leave(session=well, version=well.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)


def test_a_clinician_decides_signs_why_and_nobody_else_does(dosed: Session, nurse: Actor, clinician: Actor) -> None:
    at = FIRST + 125 * MINUTE

    def decided(by: Actor, *, proven: Actor, reason: str = "a lift home leaves now") -> Session:
        return actions.leave_by_decision(
            session=dosed, version=dosed.version, left_at=at, reason=reason, proof=proof(proven, at), by=by, at=at
        )

    with pytest.raises(PermissionDenied):
        decided(nurse, proven=nurse)
    with pytest.raises(Refused, match="own password"):
        decided(clinician, proven=nurse)
    with pytest.raises(Refused, match="needs a reason"):
        decided(clinician, proven=clinician, reason=" ")
    left = decided(clinician, proven=clinician)
    assert left.left_how == "decision"
    # The lines that were not met then stand beside the reason.
    assert left.left_because.startswith("a lift home leaves now\nNot met: ")
    assert "MOAA/S is 5" in left.left_because
    assert is_signed_as_it_stands(left, actions.DECIDED)


def test_with_every_line_met_there_is_nothing_to_decide(well: Session, clinician: Actor) -> None:
    at = FIRST + 125 * MINUTE
    with pytest.raises(Refused, match="nothing to decide"):
        actions.leave_by_decision(
            session=well, version=well.version, left_at=at, reason="a reason", proof=proof(clinician, at),
            by=clinician, at=at,
        )  # fmt: skip


def test_against_advice_is_a_way_of_its_own_and_somebody_has_to_call(dosed: Session, nurse: Actor) -> None:
    at = FIRST + 55 * MINUTE
    left = actions.leave_against_advice(
        session=dosed, version=dosed.version, left_at=at, reason="said what can happen; wants to go", by=nurse, at=at,
        proof=proof(nurse, at),
    )  # fmt: skip
    assert (left.left_how, left.may_leave_at) == ("against advice", None)
    task = Concern.objects.get(participant=dosed.participant)
    assert (task.owner, task.due_at) == (Role.CLINICIAN, at)
    assert "wants to go" in task.because
    assert is_signed_as_it_stands(left, actions.AGAINST_ADVICE)


def test_nobody_leaves_while_the_dose_runs(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    session.refresh_from_db()
    at = FIRST + 10 * MINUTE
    version = session.version
    acts: tuple[Callable[[], Session], ...] = (
        lambda: actions.declare_ready_to_leave(session=session, version=version, by=nurse, at=at),
        lambda: actions.leave(session=session, version=version, left_at=at, proof=proof(nurse, at), by=nurse, at=at),
        lambda: actions.leave_by_decision(
            session=session, version=version, left_at=at, reason="why", proof=proof(clinician, at), by=clinician, at=at
        ),
        lambda: actions.leave_against_advice(
            session=session, version=version, left_at=at, reason="why", proof=proof(nurse, at), by=nurse, at=at
        ),
    )
    for act in acts:
        with pytest.raises(Refused, match="still runs"):
            act()


def test_two_nurses_at_one_line_the_second_is_told(dosed: Session, nurse: Actor, other_nurse: Actor) -> None:
    at = FIRST + 121 * MINUTE
    answered(dosed, nurse, at, "discharge/walks", answer="no")
    with pytest.raises(Refused, match="Somebody else answered") as told:
        actions.answer(session=dosed, given={"discharge/walks": Given("yes")}, seen=[], by=other_nurse, at=at)
    assert told.value.came == f"{NOT_SO}, by Nora"
    # Having read it, their answer counts, and both stay.
    answered(dosed, other_nurse, at + MINUTE, "discharge/walks")
    line = lines(dosed, at + MINUTE)["discharge/walks"]
    assert (line.state, line.who) == (LineState.MET, "Omar")
    assert Answer.objects.filter(criterion="discharge/walks").count() == 2


def test_the_same_answer_again_writes_nothing(dosed: Session, nurse: Actor) -> None:
    at = FIRST + 121 * MINUTE
    answered(dosed, nurse, at, "discharge/walks")
    answered(dosed, nurse, at + MINUTE, "discharge/walks")
    assert Answer.objects.filter(criterion="discharge/walks").count() == 1


def test_does_not_apply_needs_a_word_and_not_at_the_door(dosed: Session, nurse: Actor) -> None:
    at = FIRST + 121 * MINUTE

    def say(key: str, note: str) -> None:
        actions.answer(session=dosed, given={key: Given("not applicable", note)}, seen=[], by=nurse, at=at)

    with pytest.raises(Refused, match="note"):
        say("discharge/walks", "")
    say("discharge/walks", "uses a wheelchair, moves as before")
    assert lines(dosed, at)["discharge/walks"].is_met
    with pytest.raises(Refused, match="always applies"):
        say("discharge/escort", "lives next door")
    with pytest.raises(Refused, match="no such line"):
        say("discharge/awake", "measured, not answered")


def test_of_two_who_sign_at_once_the_second_is_told(well: Session, nurse: Actor, other_nurse: Actor) -> None:
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=FIRST + 122 * MINUTE)
    with pytest.raises(Conflict):
        actions.take_back_ready(session=ready, version=well.version, reason="I think not", by=other_nurse,
                                at=FIRST + 123 * MINUTE)  # fmt: skip


@pytest.mark.parametrize("minutes", [-30, 5])
def test_a_time_of_leaving_that_cannot_be(well: Session, nurse: Actor, minutes: int) -> None:
    at = FIRST + 130 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    with pytest.raises(Refused, match="not possible"):
        actions.leave(session=ready, version=ready.version, left_at=at + minutes * MINUTE, proof=proof(nurse, at),
                      by=nurse, at=at)  # fmt: skip


def test_who_has_left_is_not_changed_any_more(well: Session, nurse: Actor) -> None:
    at = FIRST + 130 * MINUTE
    ready = actions.declare_ready_to_leave(session=well, version=well.version, by=nurse, at=at)
    left = actions.leave(session=ready, version=ready.version, left_at=at, proof=proof(nurse, at), by=nurse, at=at)
    with pytest.raises(Refused, match="is over"):
        actions.name_escort(session=left, version=left.version, escort="Somebody", escort_phone="", by=nurse, at=at)


def test_another_facility_does_not_let_people_of_this_one_leave(
    well: Session, stranger: User, make_person: Callable[..., User]
) -> None:
    elsewhere = Actor(stranger, stranger.memberships.first().facility, frozenset({Role.CLINICIAN, Role.SESSION_NURSE}))  # type: ignore[union-attr]
    with pytest.raises(PermissionDenied):
        actions.declare_ready_to_leave(session=well, version=well.version, by=elsewhere, at=FIRST + 130 * MINUTE)


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
