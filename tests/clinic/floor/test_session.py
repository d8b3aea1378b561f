"""A session from arrival to the end of the dose: what may be when, and what is written at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
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
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.floor import queries
from upturn_clinic.floor.actions import arrive, give_up, move_room, override_gate
from upturn_clinic.floor.entries.actions import Result
from upturn_clinic.floor.gates import standings_of
from upturn_clinic.floor.models import GateDecision, Reading, Session
from upturn_clinic.floor.phases import Phase, phase_of
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.participants.models import Measure
from upturn_clinic.safety.models import AdverseEvent, Concern
from upturn_clinic.stock.models import Movement
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
READY = FIRST - 5 * MINUTE


def now_of(session: Session) -> Session:
    return Session.objects.get(pk=session.pk)


def words(results: list[Result]) -> str:
    return " ".join(each.words for each in results if each.state == "refused")


def test_a_whole_infusion(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    assert phase_of(now_of(session)) is Phase.READY
    begun(session, nurse, FIRST)
    assert (phase_of(now_of(session)), now_of(session).began_at) == (Phase.DOSING, FIRST)
    all_saved(said(session, nurse, FIRST + 40 * MINUTE, sent("stop", FIRST + 40 * MINUTE, because="")))
    dose = Dose.objects.get(pk=session.dose_id)
    assert (phase_of(now_of(session)), dose.state, dose.given_at) == (Phase.OBSERVING, "given", FIRST)
    # 80.5 kg × 0.5 mg/kg is 40.25 mg, drawn to the tenth (40.2); 75 ml/h for 40 min is all of 50 ml.
    assert dose.given_mg == Decimal("40.2")
    assert dose.duration_min == Decimal(40)
    assert Movement.objects.get(kind="given").drawn == -dose.given_mg


def test_amounts_follow_rate_pauses_and_the_syringe(session: Session, nurse: Actor) -> None:
    """10 min at 75 ml/h (12.5 ml), 5 min of rest, 20 min at 60 ml/h (20 ml): 32.5 of 50 ml, 65 %."""
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    acts = [
        sent("pause", FIRST + 10 * MINUTE, because="dizzy"),
        sent("resume", FIRST + 15 * MINUTE, rate_ml_h="60", because=""),
    ]
    all_saved(said(session, nurse, FIRST + 15 * MINUTE, *acts))
    end = FIRST + 35 * MINUTE
    all_saved(said(session, nurse, end, sent("stop", end, because="the person asks to stop")))
    dose = Dose.objects.get(pk=session.dose_id)
    assert dose.given_mg == (Decimal("40.2") * Decimal("0.65")).quantize(Decimal("0.001"))
    assert dose.duration_min == Decimal(35)
    assert "the person asks to stop" in dose.because
    assert "paused for 5.0 min" in dose.because
    assert now_of(session).ended_early


def test_a_syringe_gives_no_more_than_it_holds(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    all_saved(said(session, nurse, FIRST + 55 * MINUTE, sent("stop", FIRST + 55 * MINUTE, because="")))
    dose = Dose.objects.get(pk=session.dose_id)
    assert (dose.given_mg, dose.duration_min) == (Decimal("40.2"), Decimal(55))


@pytest.mark.parametrize(
    ("kind", "more", "fault"),
    [
        ("pause", {"because": ""}, "not begun"), ("resume", {"because": ""}, "not begun"),
        ("rate", {"rate_ml_h": "60", "because": ""}, "not begun"), ("stop", {"because": ""}, "not begun"),
        ("device", {"because": ""}, "not given that way"), ("given", {"because": ""}, "not given that way"),
        ("start", {"rate_ml_h": "75", "because": ""}, "time-out"),
    ],
)  # fmt: skip
def test_nothing_out_of_order(session: Session, nurse: Actor, kind: str, more: dict[str, str], fault: str) -> None:
    assert fault in words(said(session, nurse, FIRST, sent(kind, FIRST, **more)))
    assert now_of(session).began_at is None


def test_two_cannot_start_one_infusion(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    second = said(session, other_nurse, FIRST + MINUTE, sent("start", FIRST + MINUTE, rate_ml_h="75", because=""))
    assert "has begun already" in words(second)
    assert "Nora" in words(second)


def test_a_dose_needs_what_was_drawn_and_checked(infusions: Plan, nurse: Actor) -> None:
    session = arrived(infusions, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    told = said(
        session, nurse, FIRST, sent("filling", FIRST, ml="50"), sent("start", FIRST, rate_ml_h="75", because="")
    )
    assert "checked by a second person" in words(told)


def test_the_time_out_waits_for_every_line(session: Session, nurse: Actor) -> None:
    lines = good_answers(session, READY)
    all_saved(said(session, nurse, READY, *baseline(session, READY), *lines[1:]))
    told = said(session, nurse, READY, time_out(READY))
    assert "Not answered yet: The person is who the plan says" in words(told)
    assert now_of(session).ready_at is None
    # The answer that was refused left no half behind it.
    assert not session.answers.filter(criterion="house/time-out").exists()
    all_saved(said(session, nurse, READY, lines[0], time_out(READY)))
    assert now_of(session).ready_at == READY


def test_a_no_on_identity_stops_and_a_no_on_fasting_is_decided(session: Session, nurse: Actor) -> None:
    rest = [each for each in good_answers(session, READY) if each["criterion"] not in
            ("arrival/identity", "arrival/fasting")]  # fmt: skip
    wrong = sent("answer", READY, list="arrival", criterion="arrival/identity", answer="no")
    ate = sent("answer", READY, list="arrival", criterion="arrival/fasting", answer="no", note="toast at eight")
    all_saved(said(session, nurse, READY, *baseline(session, READY), *rest, wrong, ate))
    hard = said(
        session, nurse, READY, sent("decision", READY, gate="arrival/identity", decision="go on", reason="fine")
    )
    assert "hard" in words(hard)
    all_saved(said(session, nurse, READY, sent("strike", READY, of=wrong["id"], reason="slip of the pen")))
    right = sent("answer", READY, list="arrival", criterion="arrival/identity", answer="yes")
    all_saved(said(session, nurse, READY, right))
    assert "No food in the last two hours" in words(said(session, nurse, READY, time_out(READY)))
    go_on = sent(
        "decision", READY, gate="arrival/fasting", decision="go on", reason="Dr Colleague: little, and hours ago"
    )
    all_saved(said(session, nurse, READY, go_on, time_out(READY)))
    decided = GateDecision.objects.get()
    assert (decided.role, decided.because_of) == ("session nurse", [ate["id"]])
    assert "No food in the last two hours" in decided.text


@pytest.mark.parametrize("criterion", ["arrival/identity", "arrival/consent", "house/time-out"])
def test_who_it_is_cannot_be_not_applicable(session: Session, nurse: Actor, criterion: str) -> None:
    rest = [each for each in good_answers(session, READY) if each["criterion"] != criterion]
    which = "time-out" if criterion == "house/time-out" else "arrival"
    skipped = sent("answer", READY, list=which, criterion=criterion, answer="not applicable")
    all_saved(said(session, nurse, READY, *baseline(session, READY), *rest))
    assert "always applies" in words(said(session, nurse, READY, skipped))
    assert now_of(session).ready_at is None
    # Nothing was kept: the time-out waits for the answer, and can itself be done.
    last = said(session, nurse, READY, time_out(READY))
    assert last[0].state == ("saved" if which == "time-out" else "refused")


def test_a_decision_before_the_dose_counts_for_its_readings_only(session: Session, nurse: Actor) -> None:
    first = baseline(session, READY - 10 * MINUTE, SBP="146")
    all_saved(said(session, nurse, READY, *first, *good_answers(session, READY)))
    key = "gates/blood-pressure-before"
    all_saved(said(session, nurse, READY, sent("decision", READY, gate=key, decision="go on", reason="known, stable")))
    higher = sent("reading", READY, instrument="SBP", value="152", row="11111111-1111-4111-8111-111111111111",
                  nominal_min=None)  # fmt: skip
    all_saved(said(session, nurse, READY, higher))
    told = said(session, nurse, READY, time_out(READY))
    assert "above 140/90" in words(told)
    assert "SBP 152 mmHg" in words(told)
    all_saved(said(session, nurse, READY, sent("decision", READY, gate=key, decision="go on", reason="Dr C. agrees"),
                   time_out(READY)))  # fmt: skip


def test_a_hard_gate_is_overridden_only_by_the_role_that_the_protocol_names(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    all_saved(said(session, nurse, READY, *baseline(session, READY, SBP="165"), *good_answers(session, READY)))
    soft = sent("decision", READY, gate="gates/blood-pressure-before", decision="go on", reason="see the other gate")
    all_saved(said(session, nurse, READY, soft))
    key, assert_held = "gates/blood-pressure-hold", words(said(session, nurse, READY, time_out(READY)))
    assert "The dose is held" in assert_held
    assert nurse.user is not None
    assert clinician.user is not None
    with pytest.raises(Refused, match="may not override"):
        override_gate(
            session=session, gate=key, reason="it is fine", proof=Proof(nurse.user, READY), by=nurse, at=READY
        )
    with pytest.raises(Refused, match="own password"):
        override_gate(
            session=session, gate=key, reason="it is fine", proof=Proof(nurse.user, READY), by=clinician, at=READY
        )
    assert not GateDecision.objects.filter(gate=key).exists()
    proof = Proof(clinician.user, READY)
    decision = override_gate(session=session, gate=key, reason="known, treated", proof=proof, by=clinician, at=READY)
    assert Signature.objects.get(object_id=str(decision.pk)).signer == clinician.user
    assert decision.role == "clinician"
    all_saved(said(session, nurse, READY, time_out(READY)))


def test_a_hard_gate_that_names_nobody_is_overridden_by_nobody(
    session: Session, nurse: Actor, clinician: Actor
) -> None:
    all_saved(said(session, nurse, READY, *baseline(session, READY, SpO2="90"), *good_answers(session, READY)))
    assert clinician.user is not None
    with pytest.raises(Refused, match="lets nobody"):
        override_gate(session=session, gate="gates/oxygen-before", reason="it is fine",
                      proof=Proof(clinician.user, READY), by=clinician, at=READY)  # fmt: skip


def test_a_closed_gate_holds_the_dose_back_until_it_opens(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    low = sent("reading", at, instrument="SpO2", value="90", nominal_min=10)
    all_saved(said(session, nurse, at, low, sent("pause", at, because="oxygen")))
    told = said(session, nurse, at + MINUTE, sent("resume", at + MINUTE, rate_ml_h=None, because=""))
    assert "Oxygen saturation is below 92 %" in words(told)
    good = sent("reading", at + 2 * MINUTE, instrument="SpO2", value="97", nominal_min=None,
                row="11111111-1111-4111-8111-111111111111")  # fmt: skip
    all_saved(said(session, nurse, at + 3 * MINUTE, good, sent("resume", at + 3 * MINUTE, rate_ml_h=None, because="")))


def test_signs_close_until_somebody_says_that_they_are_gone(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 5 * MINUTE
    ask = sent("sign", at, gate="stop-signs", sign="the person asks to stop", is_present=True)
    all_saved(said(session, nurse, at, ask, sent("pause", at, because="asked")))
    assert "Stop the dose" in words(said(session, nurse, at, sent("resume", at, rate_ml_h=None, because="")))
    gone = sent("sign", at + MINUTE, gate="stop-signs", sign="", is_present=False)
    all_saved(
        said(session, nurse, at + MINUTE, gone, sent("resume", at + MINUTE, rate_ml_h=None, because="wants to go on"))
    )
    unknown = said(session, nurse, at + MINUTE, sent("sign", at, gate="stop-signs", sign="hiccups", is_present=True))
    assert "does not name this sign" in words(unknown)


def test_the_emergency_path_is_written_down_and_opens_a_concern(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 8 * MINUTE
    sign = sent("sign", at, gate="emergency-signs", sign="chest pain", is_present=True)
    entries = [
        sent("stop", at, because="emergency: chest pain"), sign,
        sent("emergency", at, step="opened", gate="emergency-signs", signs=["chest pain"], who="", note=""),
        sent("decision", at, gate="gates/emergency-signs", decision="emergency", reason="chest pain",
             because_of=[sign["id"]]),
        sent("emergency", at + MINUTE, step="called", gate="", signs=[], who="ambulance, 112", note=""),
    ]  # fmt: skip
    all_saved(said(session, nurse, at + MINUTE, *entries))
    assert [each.step for each in session.emergencysteps.all()] == ["opened", "called"]
    assert Dose.objects.get(pk=session.dose_id).given_mg == (Decimal("40.2") * 20 / 100).quantize(Decimal("0.001"))
    concern = Concern.objects.get()
    assert "chest pain" in concern.because
    assert concern.due_at == concern.raised_at


def test_two_in_one_cell_both_stay_and_one_decides(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    at = ARRIVAL + 5 * MINUTE
    mine = sent("reading", at, instrument="SBP", value="122", nominal_min=-15)
    theirs = sent("reading", at + MINUTE, instrument="SBP", value="182", nominal_min=-15)
    same = sent("reading", at + MINUTE, instrument="DBP", value="78", nominal_min=-15)
    all_saved(said(session, nurse, at, mine, sent("reading", at, instrument="DBP", value="78", nominal_min=-15)))
    told = said(session, other_nurse, at + MINUTE, theirs, same)
    all_saved(told)
    assert "Nora entered 122 mmHg in this place at 08:35" in told[0].words
    assert told[1].words == ""
    held = {each.key: each for each in standings_of(queries.whole(session), queries.asked_in(queries.whole(session)),
                                                    now=at + MINUTE)}  # fmt: skip
    # As long as the two differ, a gate is open only if it is open for both.
    assert held["gates/blood-pressure-hold"].verdict == "closed"
    assert held["gates/blood-pressure-hold"].because == ("SBP 182 mmHg is at least 160 mmHg",)
    all_saved(said(session, nurse, at + 2 * MINUTE, sent("strike", at, of=theirs["id"], reason="moved the arm")))
    assert Reading.objects.get(pk=theirs["id"]).struck_because == "moved the arm"
    again = said(session, other_nurse, at + 3 * MINUTE, sent("strike", at, of=theirs["id"], reason="I think so too"))
    assert "Nora struck this out" in words(again)
    assert Reading.objects.filter(instrument="SBP").count() == 2


def test_a_correction_strikes_the_old_value_and_names_why(session: Session, nurse: Actor) -> None:
    at = ARRIVAL + 5 * MINUTE
    old = sent("reading", at, instrument="weight", value="85", nominal_min=-15)
    all_saved(said(session, nurse, at, old))
    assert Measure.objects.filter(instrument="weight", struck_at=None).first().value == 85  # type: ignore[union-attr]
    silent = said(session, nurse, at, sent("reading", at, instrument="weight", value="80", nominal_min=-15,
                                           replaces=old["id"], reason=""))  # fmt: skip
    assert "only with a reason" in words(silent)
    new = sent("reading", at, instrument="weight", value="80", nominal_min=-15, replaces=old["id"], reason="shoes")
    all_saved(said(session, nurse, at, new))
    assert [each.value for each in Reading.objects.filter(struck_at=None)] == [80]
    # The dose by weight must not rest on the value that was struck out.
    latest = Measure.objects.filter(instrument="weight", struck_at=None).order_by("-at").first()
    assert latest is not None
    assert latest.value == 80


def test_a_struck_act_corrects_the_dose(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    wrong = sent("rate", FIRST + 20 * MINUTE, rate_ml_h="7.5", because="dizzy")
    end = FIRST + 40 * MINUTE
    all_saved(said(session, nurse, end, wrong, sent("stop", end, because="as it seemed")))
    assert (Dose.objects.get(pk=session.dose_id).given_mg or 0) < 30
    all_saved(said(session, nurse, end + MINUTE, sent("strike", end, of=wrong["id"], reason="a slip: 75, not 7.5")))
    dose = Dose.objects.get(pk=session.dose_id)
    assert (dose.given_mg, dose.because) == (Decimal("40.2"), "a slip: 75, not 7.5")
    start = session.administrations.get(kind="start")
    told = said(session, nurse, end + MINUTE, sent("strike", end, of=str(start.pk), reason="no"))
    assert "out of order" in words(told)
    assert session.administrations.get(kind="start").struck_at is None


def test_readings_that_speak_of_suicide_open_a_concern_once(session: Session, nurse: Actor) -> None:
    at = ARRIVAL + 5 * MINUTE
    level = sent("reading", at, instrument="C-SSRS", value="2", nominal_min=-15)
    all_saved(said(session, nurse, at, level))
    assert [each.state for each in said(session, nurse, at, level)] == ["known already"]
    assert Concern.objects.count() == 1


def test_side_effects_are_adverse_events_from_their_first_minute(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    at = FIRST + 12 * MINUTE
    effect = sent("effect", at, term="dissociation", severity="mild", detail="")
    all_saved(said(session, nurse, at, effect))
    changes = [
        sent("effect_change", at + 8 * MINUTE, event=effect["id"], change="severity", severity="moderate"),
        sent("effect_change", at + 8 * MINUTE, event=effect["id"], change="peak"),
        sent("effect_change", at + 40 * MINUTE, event=effect["id"], change="ended"),
    ]
    all_saved(said(session, nurse, at + 40 * MINUTE, *changes))
    event = AdverseEvent.objects.get()
    assert (event.term, event.severity, event.source) == ("dissociation", "moderate", f"session/{session.pk}")
    assert (event.started_at, event.peak_at, event.ended_at) == (at, at + 8 * MINUTE, at + 40 * MINUTE)
    assert [each.state for each in said(session, nurse, at + 41 * MINUTE, effect, *changes)] == ["known already"] * 4


def test_who_may_not_record_enters_nothing(
    session: Session, make_person: Callable[..., User], facility: Facility, elsewhere: Facility, nurse: Actor
) -> None:
    rater = Actor(make_person("Rita", facility, Role.RATER), facility, frozenset({Role.RATER}))
    entry = sent("reading", ARRIVAL, instrument="SBP", value="122", nominal_min=-15)
    with pytest.raises(PermissionDenied):
        said(session, rater, ARRIVAL, entry)
    there = Actor(nurse.user, elsewhere, frozenset({Role.SESSION_NURSE}))
    with pytest.raises(Refused, match="another facility"):
        said(session, there, ARRIVAL, entry)
    assert not Reading.objects.exists()


def test_times_that_cannot_be(session: Session, nurse: Actor) -> None:
    def reading(at: datetime) -> dict[str, Any]:
        return sent("reading", at, instrument="HR", value="70", nominal_min=-15)

    now = ARRIVAL + 10 * MINUTE
    assert "future" in words(said(session, nurse, now, reading(now + 2 * MINUTE)))
    assert "before the arrival" in words(said(session, nurse, now, reading(ARRIVAL - MINUTE)))
    ahead = reading(now + timedelta(seconds=20))
    all_saved(said(session, nurse, now, ahead))
    saved = Reading.objects.get(pk=ahead["id"])
    # A device a little ahead of the server: the entry is of now, and what its clock said is kept.
    assert (saved.at, saved.device_at) == (now, now + timedelta(seconds=20))


def test_a_session_that_is_given_up_leaves_its_dose_planned(session: Session, infusions: Plan, nurse: Actor) -> None:
    with pytest.raises(Refused, match="open session"):
        arrive(dose=infusions.doses.get(number=2), room="", arrived_at=ARRIVAL, by=nurse, at=ARRIVAL)
    with pytest.raises(Conflict):
        give_up(session=session, version=7, reason="unwell", by=nurse, at=READY)
    give_up(session=session, version=session.version, reason="unwell", by=nurse, at=READY)
    assert Dose.objects.get(pk=session.dose_id).state == "planned"
    again = arrived(infusions, nurse, READY)
    assert again.pk != session.pk
    late = said(session, nurse, FIRST, sent("reading", READY + MINUTE, instrument="HR", value="70", nominal_min=-15))
    assert "was over then" in words(late)


def test_rooms_are_those_of_the_facility(session: Session, nurse: Actor) -> None:
    with pytest.raises(Refused, match="no such room"):
        move_room(session=session, version=1, room="Garden", by=nurse, at=READY)


@pytest.mark.parametrize("change", ["value = 1", "at = '2020-01-01'", "instrument = 'HR'"])
def test_the_database_keeps_a_reading_as_it_was(session: Session, nurse: Actor, change: str) -> None:
    all_saved(said(session, nurse, READY, sent("reading", READY, instrument="SBP", value="122", nominal_min=-15)))
    from django.db import connection  # noqa: PLC0415

    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE floor_reading SET {change}")  # noqa: S608
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM floor_reading")


def test_nasal_devices_five_minutes_apart(clinician: Actor, nurse: Actor) -> None:
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    soon = said(session, nurse, FIRST + 4 * MINUTE, sent("device", FIRST + 4 * MINUTE, because=""))
    assert "5 minutes between devices" in words(soon)
    all_saved(said(session, nurse, FIRST + 5 * MINUTE, sent("device", FIRST + 5 * MINUTE, because="")))
    dose = Dose.objects.get(pk=session.dose_id)
    assert (dose.state, dose.given_mg, dose.duration_min) == ("given", Decimal(56), Decimal(5))
    assert now_of(session).dosed_until == FIRST + 5 * MINUTE


def test_one_of_two_devices(clinician: Actor, nurse: Actor) -> None:
    version = signed_version("esketamine-trd", clinician, BEFORE)
    plan = person_with_plan(version, "esketamine", clinician, begins_at=FIRST, at=BEFORE)
    assert nurse.user is not None
    prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
    session = arrived(plan, nurse, ARRIVAL)
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    end = FIRST + 5 * MINUTE
    # An end is never refused; what is missing is told, and stands with the dose.
    told = said(session, nurse, end, sent("stop", end, because=""))
    all_saved(told)
    assert "Only 50 % of what was prepared" in told[0].words
    assert "no reason was written" in Dose.objects.get(pk=session.dose_id).because
    assert Dose.objects.get(pk=session.dose_id).given_mg == Decimal(28)


def test_outside_its_window_a_dose_needs_a_reason(infusions: Plan, clinician: Actor, nurse: Actor) -> None:
    late = FIRST + timedelta(days=1)
    assert nurse.user is not None
    dose = infusions.doses.get(number=1)
    Dose.objects.filter(pk=dose.pk).update(latest=FIRST)
    prepared(dose, clinician, nurse.user, late - 30 * MINUTE)
    session = arrived(infusions, nurse, late - 30 * MINUTE)
    made_ready(session, nurse, late - MINUTE)
    start = {"rate_ml_h": "75"}
    told = said(session, nurse, late, sent("filling", late, ml="50"), sent("start", late, because="", **start))
    assert "outside the window" in words(told)
    all_saved(said(session, nurse, late, sent("start", late, because="the snow", **start)))


def test_an_end_is_kept_even_where_the_plan_does_not_take_it(session: Session, nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    # Somebody gives the dose up on the plan while it runs.
    Dose.objects.filter(pk=session.dose_id).update(state="cancelled")
    end = FIRST + 20 * MINUTE
    told = said(session, nurse, end, sent("stop", end, because="chest pain"))
    all_saved(told)
    assert "The end is kept" in told[0].words
    assert now_of(session).dosed_until == end
    assert Dose.objects.get(pk=session.dose_id).given_at is None
    assert not Movement.objects.filter(kind="given").exists()


def test_an_end_that_comes_late_holds(session: Session, nurse: Actor, other_nurse: Actor) -> None:
    made_ready(session, nurse, READY)
    begun(session, nurse, FIRST)
    rate = sent("rate", FIRST + 25 * MINUTE, rate_ml_h="60", because="dizzy")
    all_saved(said(session, other_nurse, FIRST + 25 * MINUTE, rate))
    # Nora stopped it five minutes before, without a connection.
    all_saved(said(session, nurse, FIRST + 30 * MINUTE, sent("stop", FIRST + 20 * MINUTE, because="asks to stop")))
    assert now_of(session).dosed_until == FIRST + 20 * MINUTE
    assert Dose.objects.get(pk=session.dose_id).given_mg == Decimal("20.1")
