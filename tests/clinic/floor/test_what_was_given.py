"""What was given: it can be corrected, never lost; it is no more than was there; and what is old is done anew."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

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
from upturn_clinic.floor import queries
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.giving import giving_of
from upturn_clinic.floor.models import Administration, Filling, Session
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.ground.errors import Refused
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.stock import actions as stock
from upturn_clinic.stock.models import Draw, Movement
from upturn_clinic.stock.shelf import actions as shelf
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE
END = FIRST + 40 * MINUTE
MG = Decimal("40.2")


def refused(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


def dose_of(session: Session) -> Dose:
    return Dose.objects.get(pk=session.dose_id)


def booked(session: Session) -> Decimal:
    """What the register says was given of what was drawn for this dose, all rows against it counted."""
    rows = Movement.objects.filter(draw__dose=session.dose_id).exclude(kind="drawn")
    return -sum((row.drawn for row in rows if (row.takes_back or row).kind == "given"), Decimal(0))


@pytest.fixture
def over(session: Session, nurse: Actor) -> Session:
    """The infusion ran for 40 minutes and is over: all of it was given."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, END, sent("stop", END)))
    return session


def test_the_only_volume_is_not_struck_out_and_the_dose_does_not_become_nothing(over: Session, nurse: Actor) -> None:
    volume = Filling.objects.get()
    told = said(over, nurse, END + MINUTE, sent("strike", END + MINUTE, of=str(volume.pk), reason="a slip"))
    assert "nobody knows how much was given" in refused(told)
    volume.refresh_from_db()
    assert volume.counts
    assert (dose_of(over).given_mg, booked(over)) == (MG, MG)


def test_nor_while_it_runs(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    told = said(session, nurse, at, sent("strike", at, of=str(Filling.objects.get().pk), reason="a slip"))
    assert "nobody knows how much was given" in refused(told)


def test_what_nobody_can_know_is_not_nothing() -> None:
    from upturn_clinic.floor.asked import Manner, Way  # noqa: PLC0415

    acts = [Administration(kind="start", at=FIRST, noted_at=FIRST, rate_ml_h=Decimal(75)),
            Administration(kind="stop", at=END, noted_at=END)]  # fmt: skip
    state = giving_of(Manner(Way.INFUSION, "intravenous", 40.0), acts, filling_ml=None, until=END)
    assert (state.ml, state.percent, state.rounded_percent) == (50.0, None, None)


def test_a_wrong_volume_is_replaced_with_a_reason_and_plan_and_register_follow(over: Session, nurse: Actor) -> None:
    """Half of 100 ml ran in, not all of 50 ml: half the dose."""
    volume, at = Filling.objects.get(), END + MINUTE
    without = said(over, nurse, at, sent("filling", at, ml="100", replaces=str(volume.pk), reason=" "))
    assert "only with a reason" in refused(without)
    other = said(over, nurse, at, sent("filling", at, ml="100"))
    assert "corrected" in refused(other)
    told = said(over, nurse, at, sent("filling", at, ml="100", replaces=str(volume.pk), reason="it was the big bag"))
    all_saved(told)
    assert told[0].words == "What was given is now 20.1 mg; it was 40.2 mg before."
    volume.refresh_from_db()
    assert volume.struck_because == "it was the big bag"
    assert (dose_of(over).given_mg, booked(over)) == (MG / 2, MG / 2)
    assert dose_of(over).because == "it was the big bag"


def test_a_wrong_act_is_replaced_and_keeps_its_kind(over: Session, nurse: Actor) -> None:
    start, at = Administration.objects.get(kind="start"), END + MINUTE
    for wrong, words in (
        (sent("stop", FIRST, replaces=str(start.pk), reason="slip"), "of the same kind"),
        (sent("start", READY - 10 * MINUTE, rate_ml_h="75", replaces=str(start.pk), reason="slip"), "the time-out"),
    ):
        assert words in refused(said(over, nurse, at, wrong))
    slower = sent("start", FIRST, rate_ml_h="60", replaces=str(start.pk), reason="the pump said 60")
    told = said(over, nurse, at, slower)
    all_saved(told)
    assert told[0].words == "What was given is now 32.16 mg; it was 40.2 mg before."
    assert (dose_of(over).given_mg, booked(over)) == (MG * 40 / 50, MG * 40 / 50)
    start.refresh_from_db()
    assert start.struck_because == "the pump said 60"
    assert [each.state for each in said(over, nurse, at, slower)] == ["known already"]


def test_a_share_that_was_entered_wrongly_is_replaced(clinician: Actor, nurse: Actor) -> None:
    version = signed_version("intramuscular-course", clinician, BEFORE)
    arm = next(iter(protocol_of(version).arms))
    plan = person_with_plan(version, arm, clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    whole = dose_of(session).given_mg
    assert whole
    act = Administration.objects.get()
    half = sent("given", FIRST, percent="50", because="it leaked", replaces=str(act.pk), reason="half of it leaked")
    all_saved(said(session, nurse, FIRST + MINUTE, half))
    assert dose_of(session).given_mg == whole / 2
    assert booked(session) == whole / 2


def test_a_session_that_ended_early_does_not_go_on(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    stop = sent("stop", at, why="stop-signs", because="asks to stop")
    all_saved(said(session, nurse, at, stop))
    for kind, more in (("resume", {"rate_ml_h": "75"}), ("start", {"rate_ml_h": "75"}), ("rate", {"rate_ml_h": "75"})):
        assert "has ended already" in refused(said(session, nurse, at + MINUTE, sent(kind, at + MINUTE, **more)))
    struck = said(session, nurse, at + MINUTE, sent("strike", at + MINUTE, of=stop["id"], reason="feels better"))
    assert "would not have ended" in refused(struck)


def test_an_early_end_names_one_of_the_reasons_of_the_protocol(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    assert "does not name this reason" in refused(said(session, nurse, at, sent("stop", at, why="a whim")))
    offered = dict(session_screen(queries.whole(session), nurse, now=at)["stop_reasons"])
    assert {"stop-signs", "oxygen-saturation", "deep-sedation", "emergency-signs", "pregnancy"} <= set(offered)
    assert "sedation" not in offered
    told = said(session, nurse, at, sent("stop", at, why="stop-signs", because=""))
    all_saved(told)
    # A reason of the protocol is a reason: nothing more is asked for.
    assert told[0].words == ""
    stopped = Administration.objects.get(kind="stop")
    assert stopped.why == "stop-signs"
    assert "The person asks to stop, cannot be calmed" in dose_of(session).because


def test_what_was_wasted_before_the_start_was_not_given(
    session: Session, nurse: Actor, clinician: Actor
) -> None:  # fmt: skip
    draw, at = Draw.objects.get(), ARRIVAL + 10 * MINUTE
    assert clinician.user is not None
    stock.waste(
        draw=draw, amount=Decimal("10.2"), reason="spilt", witness=Proof(clinician.user, at), by=nurse, at=at
    )  # fmt: skip
    made_ready(session, nurse, READY)
    said(session, nurse, READY, sent("filling", READY, ml="50"))
    assert session_screen(queries.whole(session), nurse, now=READY)["concentration"] == "0.6 mg/ml"
    start = sent("start", FIRST, rate_ml_h="75")
    # What was checked is not what is there any more.
    assert "not prepared and checked" in refused(said(session, nurse, FIRST, start))
    assert nurse.user is not None
    draw.refresh_from_db()
    stock.check(draw=draw, version=draw.version, checker=Proof(nurse.user, READY), by=clinician, at=READY)
    all_saved(said(session, nurse, FIRST, start))
    all_saved(said(session, nurse, END, sent("stop", END)))
    assert dose_of(session).given_mg == booked(session) == 30


def test_no_dose_of_what_was_wasted_whole(session: Session, nurse: Actor, clinician: Actor) -> None:
    assert clinician.user is not None
    stock.waste(draw=Draw.objects.get(), reason="it fell", witness=Proof(clinician.user, READY), by=nurse, at=READY)
    made_ready(session, nurse, READY)
    told = said(session, nurse, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75"))
    assert "not prepared and checked" in refused(told)


# ---- How old what was done before the dose may be: an hour, four hours, half an hour, by the protocol.


@pytest.mark.parametrize(("age", "is_old"), [(60, False), (61, True)])
def test_readings_before_the_dose_grow_old(session: Session, nurse: Actor, age: int, is_old: bool) -> None:
    read = FIRST - age * MINUTE
    # The person came early.
    Session.objects.filter(pk=session.pk).update(arrived_at=FIRST - 90 * MINUTE)
    all_saved(said(session, nurse, FIRST, *baseline(session, read), *good_answers(session, FIRST)))
    told = said(session, nurse, FIRST, time_out(FIRST))
    assert ("Not answered yet: Blood pressure" in refused(told)) is is_old
    if is_old:
        again = [{**each, "row": "11111111-1111-4111-8111-111111111111", "nominal_min": None}
                 for each in baseline(session, FIRST)]  # fmt: skip
        all_saved(said(session, nurse, FIRST, *again, time_out(FIRST)))


@pytest.mark.parametrize(("age", "is_old"), [(30, False), (31, True)])
def test_the_time_out_grows_old_and_is_done_again(session: Session, nurse: Actor, age: int, is_old: bool) -> None:
    started = FIRST + age * MINUTE
    made_ready(session, nurse, FIRST)
    fill, start = sent("filling", FIRST, ml="50"), sent("start", started, rate_ml_h="75")
    told = said(session, nurse, started, fill, start)
    assert ("The time-out is older than 30 minutes" in refused(told)) is is_old
    if is_old:
        all_saved(said(session, nurse, started, time_out(started), start))
        assert Session.objects.get().ready_at == started


@pytest.mark.parametrize(("age", "is_old"), [(240, False), (241, True)])
def test_the_second_check_grows_old_and_is_done_again(
    infusions: Plan, clinician: Actor, nurse: Actor, other_nurse: Actor, age: int, is_old: bool
) -> None:
    assert nurse.user is not None
    assert other_nurse.user is not None
    prepared(infusions.doses.get(number=1), clinician, nurse.user, FIRST - age * MINUTE)
    session = arrived(infusions, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    fill, start = sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75")
    told = said(session, nurse, FIRST, fill, start)
    assert ("The second check is older than 4 hours" in refused(told)) is is_old
    if is_old:
        draw = Draw.objects.get()
        again = stock.check(
            draw=draw, version=draw.version, checker=Proof(other_nurse.user, FIRST), by=clinician, at=FIRST
        )
        assert again.checked_by == other_nurse.user
        all_saved(said(session, nurse, FIRST, start))


def test_a_start_before_the_second_check_is_refused(
    infusions: Plan, clinician: Actor, nurse: Actor
) -> None:  # fmt: skip
    session = arrived(infusions, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    assert nurse.user is not None
    prepared(infusions.doses.get(number=1), clinician, nurse.user, FIRST + MINUTE)
    told = said(session, nurse, FIRST + 2 * MINUTE, sent("filling", FIRST, ml="50"),
                sent("start", FIRST, rate_ml_h="75"))  # fmt: skip
    assert "checked only after that time" in refused(told)


def test_a_start_is_not_put_before_a_reading_that_would_have_held_it_back(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    now = FIRST + 2 * MINUTE
    high = sent("reading", FIRST + MINUTE, instrument="SBP", value="165", row="11111111-1111-4111-8111-111111111111")
    fill, start = sent("filling", READY, ml="50"), sent("start", FIRST, rate_ml_h="75")
    told = said(session, nurse, now, high, fill, start)
    assert "Since that time this came up: Blood pressure before the dose is" in refused(told)
    assert "SBP 165 mmHg" in refused(told)
    # It did begin before, on a tablet without a connection: that is said.
    all_saved(said(session, nurse, now, {**start, "because": "begun at nine, the tablet was offline"}))


def test_no_entry_of_any_kind_lies_in_the_future_or_before_the_arrival(session: Session, nurse: Actor) -> None:
    entries = [
        {"kind": "reading", "instrument": "SBP", "value": "122", "nominal_min": -15}, time_out(READY),
        {"kind": "start", "rate_ml_h": "75"}, {"kind": "filling", "ml": "50"},
        {"kind": "sign", "gate": "stop-signs", "sign": "", "is_present": False},
        {"kind": "effect", "term": "nausea", "severity": "mild", "detail": ""},
        {"kind": "emergency", "step": "opened", "gate": "", "signs": [], "who": "", "note": ""},
    ]  # fmt: skip
    for each in entries:
        for at, word in ((READY + 2 * MINUTE, "future"), (ARRIVAL - MINUTE, "before the arrival")):
            values = {key: value for key, value in each.items() if key not in ("id", "at", "device_at", "kind")}
            told = said(session, nurse, READY, sent(each["kind"], at, **values))
            assert word in refused(told), each["kind"]


# ---- How long an infusion takes, beside how long the protocol wants it to take: 40 min.


@pytest.mark.parametrize(("rate", "told_min"), [("75", ""), ("69", ""), ("60", "50 min"), ("100", "30 min")])
def test_a_rate_that_gives_the_dose_in_another_time_is_told(
    session: Session, nurse: Actor, rate: str, told_min: str
) -> None:
    made_ready(session, nurse, READY)
    said(session, nurse, READY, sent("filling", READY, ml="50"))
    told = said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h=rate))
    all_saved(told)
    shown = session_screen(queries.whole(session), nurse, now=FIRST + MINUTE)["pace"]
    if not told_min:
        assert (told[0].words, shown) == ("", "")
        return
    words = f"At this rate all of it has run in after {told_min}; the protocol says 40 min."
    assert told[0].words == shown == words


def test_a_new_rate_is_told_with_what_has_run_in_already(session: Session, nurse: Actor) -> None:
    """20 min at 75 ml/h leave 25 ml; at 50 ml/h these take 30 min more."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 20 * MINUTE
    told = said(session, nurse, at, sent("rate", at, rate_ml_h="50", because="dizzy"))
    assert told[0].words == "At this rate all of it has run in after 50 min; the protocol says 40 min."


def test_how_long_it_ran_is_kept_beside_what_the_protocol_says(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    said(session, nurse, READY, sent("filling", READY, ml="50"))
    said(session, nurse, FIRST, sent("start", FIRST, rate_ml_h="60"))
    end = FIRST + 50 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end)))
    dose = dose_of(session)
    assert dose.duration_min == 50
    assert dose.protocol_min == 40
    assert "it ran for 50 min, the protocol says 40 min" in dose.because


# ---- What is done to the drug while the dose runs, and what arrives late.


def test_a_check_holds_for_a_start_before_what_was_wasted(session: Session, nurse: Actor, clinician: Actor) -> None:
    """The start arrives late, from a tablet without a connection: what came after it does not undo the check."""
    made_ready(session, nurse, READY)
    said(session, nurse, READY, sent("filling", READY, ml="50"))
    at = FIRST + 2 * MINUTE
    assert clinician.user is not None
    stock.waste(
        draw=Draw.objects.get(), amount=Decimal(1), reason="spilt", witness=Proof(clinician.user, at), by=nurse, at=at
    )  # fmt: skip
    for start, is_before in ((at + MINUTE, False), (FIRST, True)):
        told = said(session, nurse, at + MINUTE, sent("start", start, rate_ml_h="75"))
        assert ("not prepared and checked" in refused(told)) is not is_before
    # Nor does it while the dose runs.
    assert session_screen(queries.whole(session), nurse, now=at + MINUTE)["preparation"].is_ready


def test_what_a_dose_is_given_from_is_not_taken_back(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at, drawn = FIRST + 10 * MINUTE, Draw.objects.get()
    assert nurse.user is not None
    witness = Proof(nurse.user, at)
    slip = stock.draw(dose=dose_of(session), lot=drawn.lot, amount=Decimal(1), reason="a slip", by=clinician, at=at)
    with pytest.raises(Refused, match="has begun"):
        shelf.take_back(
            movement=drawn.movements.get(), reason="the wrong line", witness=witness, by=clinician, at=at
        )  # fmt: skip
    # What nobody checked was not given.
    shelf.take_back(movement=slip.movements.get(), reason="never drawn", witness=witness, by=clinician, at=at)
    all_saved(said(session, nurse, END, sent("stop", END)))
    assert (dose_of(session).given_mg, booked(session)) == (MG, MG)


def test_a_dose_of_which_nothing_is_left_is_not_written_as_nothing(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    """The start is put ten minutes later, and so behind the minute at which all of it was wasted by mistake."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at, began = FIRST + 5 * MINUTE, FIRST + 10 * MINUTE
    assert clinician.user is not None
    draw = Draw.objects.get()
    row = stock.waste(
        draw=draw, amount=draw.taken, reason="the wrong line", witness=Proof(clinician.user, at), by=nurse, at=at
    )  # fmt: skip
    start = str(Administration.objects.get().pk)
    all_saved(said(session, nurse, END, sent("start", began, rate_ml_h="75", replaces=start, reason="by the pump")))
    told = said(session, nurse, END, sent("stop", END, because="tired"))
    all_saved(told)
    assert "did not take the dose: Of what was drawn for this dose nothing is left" in told[0].words
    assert "take back" in told[0].words
    assert (dose_of(session).state, dose_of(session).given_mg) == ("planned", None)
    assert Session.objects.get().dosed_until == END
    shelf.take_back(movement=row, reason="the wrong line", witness=Proof(clinician.user, END), by=nurse, at=END)
    all_saved(said(session, nurse, END + MINUTE, sent("on_plan", END + MINUTE, because="a wrong line was clicked")))
    # Half an hour of forty minutes.
    assert dose_of(session).given_mg == booked(session) == MG * 3 / 4


def test_an_end_that_arrives_after_its_rest_was_wasted(session: Session, nurse: Actor, clinician: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = END + 5 * MINUTE
    assert clinician.user is not None
    draw = Draw.objects.get()
    row = stock.waste(
        draw=draw, amount=draw.taken, reason="taken for the rest", witness=Proof(clinician.user, at), by=nurse, at=at
    )  # fmt: skip
    told = said(session, nurse, at, sent("stop", END))
    all_saved(told)
    assert "More was given than was drawn" in told[0].words
    assert "take back what was wasted of it" in told[0].words
    shelf.take_back(movement=row, reason="it was given", witness=Proof(clinician.user, at), by=nurse, at=at)
    all_saved(said(session, nurse, at, sent("on_plan", at, because="the waste was wrong")))
    assert (dose_of(session).given_mg, booked(session)) == (MG, MG)


def test_a_rest_that_is_wasted_in_a_pause_was_there_to_give(session: Session, nurse: Actor, clinician: Actor) -> None:
    """Half of it ran in; the rest is wasted before somebody enters the end. Half of it was given, not half of half."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    pause, at, end = (FIRST + minute * MINUTE for minute in (20, 22, 25))
    all_saved(said(session, nurse, pause, sent("pause", pause, because="dizzy")))
    assert clinician.user is not None
    stock.waste(
        draw=Draw.objects.get(), amount=MG / 2, reason="asks to stop", witness=Proof(clinician.user, at), by=nurse,
        at=at,
    )  # fmt: skip
    all_saved(said(session, nurse, end, sent("stop", end, because="asks to stop")))
    assert dose_of(session).given_mg == booked(session) == MG / 2


def test_an_end_is_not_put_before_what_was_given_after_it(session: Session, nurse: Actor) -> None:
    """10 min at 75 ml/h, a pause, 30 min more; ended in the pause it was a quarter of 50 ml."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    pause, resume, end, now = (FIRST + minute * MINUTE for minute in (10, 20, 50, 51))
    again = sent("resume", resume, rate_ml_h="75")
    for each, at in ((sent("pause", pause, because="dizzy"), pause), (again, resume), (sent("stop", end), end)):
        all_saved(said(session, nurse, at, each))
    stop = Administration.objects.get(kind="stop")
    sooner = sent("stop", pause + 5 * MINUTE, replaces=str(stop.pk), because="asks to stop", reason="it ended then")
    assert "out of order" in refused(said(session, nurse, now, sooner))
    assert (dose_of(session).given_mg, booked(session)) == (MG, MG)
    all_saved(said(session, nurse, now, sent("strike", now, of=again["id"], reason="it did not go on")))
    all_saved(said(session, nurse, now, sooner))
    assert dose_of(session).given_mg == booked(session) == MG / 4
    assert dose_of(session).duration_min == 15


def test_what_was_entered_after_an_end_that_arrived_late_gives_nothing(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    pause, now = FIRST + 20 * MINUTE, FIRST + 30 * MINUTE
    all_saved(said(session, nurse, pause, sent("pause", pause, because="dizzy")))
    all_saved(said(session, nurse, now, sent("stop", FIRST + 10 * MINUTE, because="asks to stop")))
    # It can still be corrected, and the pause after the end makes nothing of it.
    volume = Filling.objects.get()
    told = said(session, nurse, now, sent("filling", now, ml="25", replaces=str(volume.pk), reason="the small bag"))
    all_saved(told)
    assert dose_of(session).given_mg == booked(session) == MG / 2
    assert "paused" not in dose_of(session).because


def test_what_is_entered_after_an_end_does_not_count() -> None:
    from upturn_clinic.floor.asked import Manner, Way  # noqa: PLC0415

    stop = FIRST + 10 * MINUTE
    acts = [Administration(kind=kind, at=at, noted_at=at, rate_ml_h=rate) for kind, at, rate in (
        ("start", FIRST, Decimal(75)), ("stop", stop, None), ("resume", FIRST + 20 * MINUTE, Decimal(75)),
    )]  # fmt: skip
    state = giving_of(Manner(Way.INFUSION, "intravenous", 40.0), acts, filling_ml=50.0, until=FIRST + 60 * MINUTE)
    assert (state.ml, state.percent, state.ended_at, state.is_running) == (12.5, 25.0, stop, False)


def test_a_line_answered_no_that_arrives_after_the_start_has_a_way_on(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    pause, now = FIRST + 5 * MINUTE, FIRST + 6 * MINUTE
    all_saved(said(session, nurse, pause, sent("pause", pause, because="dizzy")))
    found = standings_of(queries.whole(session), queries.asked_in(session), now=now)
    line = next(each for each in found if each.is_answered_by_hand and each.is_criterion and not each.is_hard)
    late = sent("answer", READY, list="arrival", criterion=line.key, answer="no")
    all_saved(said(session, nurse, now, late))
    go_on = sent("resume", now, rate_ml_h="75")
    assert "This holds the dose back" in refused(said(session, nurse, now, go_on))
    [shown] = session_screen(queries.whole(session), nurse, now=now)["unwritten"]
    assert (shown.standing.key, shown.standing.closed_since) == (line.key, READY)
    all_saved(said(session, nurse, now, sent("decision", now, gate=line.key, decision=shown.offered[0], reason="seen",
                                             because_of=list(shown.standing.because_of))))  # fmt: skip
    all_saved(said(session, nurse, now, go_on))
    assert session_screen(queries.whole(session), nurse, now=now)["unwritten"] == []


def test_who_may_override_a_gate_before_the_dose_may_so_after_its_start(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    now = FIRST + MINUTE
    gates = [each for each in queries.asked_in(session).gates if each.stands == "before" and each.override]
    assert gates
    high = sent("reading", READY, instrument="SBP", value="195", row="11111111-1111-4111-8111-111111111111")
    all_saved(said(session, nurse, now, high))
    for who, may in ((nurse, False), (clinician, True)):
        lines = session_screen(queries.whole(session), who, now=now)["unwritten"]
        hard = [each.may_override for each in lines if each.standing.may_override]
        assert hard == [may], [each.standing.key for each in lines]
