"""The lines before somebody leaves: each with its time, value and assessor, judged at its limits."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from tests.clinic.floor.conftest import FIRST
from tests.clinic.floor.leaving import BY_HAND, answered, lines, measure
from tests.clinic.floor.making import MINUTE, all_saved, baseline, begun, good_answers, said, sent, time_out

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.floor.leaving import actions
from upturn_clinic.floor.leaving.actions import Given
from upturn_clinic.floor.leaving.lines import LineState
from upturn_clinic.floor.models import Answer, Session
from upturn_clinic.floor.queries import whole
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.ground.errors import Refused

pytestmark = pytest.mark.django_db
SO, NOT_SO = (str(each.label) for each in (Answer.Said.YES, Answer.Said.NO))


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
    measure(dosed, nurse, FIRST + 120 * MINUTE, **changed)
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
    measure(session, nurse, FIRST + 120 * MINUTE, **{"C-SSRS": "3"})
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

    assert [each.partition(". Rule: ")[0] for each in waiting()] == [
        "From 09:50: SBP 165 mmHg is at least 160 mmHg", "From 10:40: SBP 166 mmHg is at least 160 mmHg"
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


def test_the_escort_has_a_name(well: Session, nurse: Actor) -> None:
    at = FIRST + 123 * MINUTE
    unnamed = actions.name_escort(session=well, version=well.version, escort=" ", escort_phone="", by=nurse, at=at)
    assert lines(unnamed, at)["discharge/escort"].state is LineState.MISSING


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
