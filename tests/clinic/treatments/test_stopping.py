"""Reasons to stop, from what was recorded: at both sides of every boundary; long-term monitoring; other drugs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.conftest import Clock, LogIn
from tests.clinic.floor.making import all_saved, baseline, good_answers, prepared, said, sent, time_out
from tests.clinic.participants.making import measured, registered
from tests.clinic.treatments.conftest import FIRST, NOW

from upturn.protocol import Stopping, load, shipped
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.audit.models import Signature
from upturn_clinic.floor.actions import arrive
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.errors import Refused
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.models import TakenRule
from upturn_clinic.programmes.queries import examples_of, protocol_of
from upturn_clinic.safety import actions as safety
from upturn_clinic.treatments.boosters.rule import Rating
from upturn_clinic.treatments.models import Dose, MonitoringCheck, Plan
from upturn_clinic.treatments.others import actions as others
from upturn_clinic.treatments.queries import course_of
from upturn_clinic.treatments.watch import actions, queries
from upturn_clinic.treatments.watch.stopping import Recorded, judge

ZONE = ZoneInfo("Europe/Copenhagen")
START = datetime(2026, 3, 23, 9, 0, tzinfo=ZONE)  # the clocks go forward six days later
PROTOCOL = load("six-infusions")
STOPPING = {each.id: each for each in PROTOCOL.safety.stopping} if PROTOCOL.safety else {}


def on(day: float, clock: str = "09:00") -> datetime:
    hour, minute = map(int, clock.split(":"))
    local = START.date() + timedelta(days=int(day))
    return datetime(local.year, local.month, local.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def seen(
    ratings: Sequence[tuple[float, float]] = (), *, doses: Sequence[float] = (0,),
    events: Sequence[tuple[float, str]] = (), first: bool = True, instrument: str = "MADRS",
) -> Recorded:  # fmt: skip
    rows = [Rating(on(day), value) for day, value in ratings]
    return Recorded(
        on(0) if first else None,
        [on(day) for day in doses],
        {instrument: rows},
        [(on(day), word) for day, word in events],
    )


def verdict(rule: Stopping, recorded: Recorded, day: float, clock: str = "12:00") -> str:
    return judge(rule, recorded, protocol=PROTOCOL, now=on(day, clock), zone=ZONE).verdict


@pytest.mark.parametrize(
    ("ratings", "day", "wanted"),
    [
        ((), 13, "does not hold"),  # not asked yet
        ((), 14, "cannot be judged"),  # no baseline, no rating
        (((-1, 34), (7, 30)), 14, "cannot be judged"),  # the rating of day 14 is what decides
        (((-1, 34), (14, 17)), 14, "does not hold"),  # half of 34 is a response
        (((-1, 34), (14, 18)), 14, "holds"),
        (((-1, 34), (14, 18)), 13, "does not hold"),
        (((-1, 34), (7, 5), (14, 30)), 14, "holds"),  # a response that did not last until the end of induction
        (((-1, 34), (14, 18), (21, 17)), 21, "does not hold"),  # it came later
        (((-1, 34), (15, 18)), 15, "holds"),  # the rating was done a day late
        (((14, 3),), 14, "cannot be judged"),  # nothing from before the first dose
    ],
)
def test_no_response_after_the_induction(ratings: Sequence[tuple[float, float]], day: int, wanted: str) -> None:
    assert verdict(STOPPING["no-response"], seen(ratings), day) == wanted


def test_a_rating_early_on_its_day_counts_though_the_clocks_changed() -> None:
    # 14 times 24 hours after 09:00 is 10:00 summer time: a rating at 09:00 of the right day still counts.
    assert verdict(STOPPING["no-response"], seen([(-1, 34), (14, 18)]), 14, "09:30") == "holds"


def test_nothing_is_asked_before_the_first_dose() -> None:
    for rule in STOPPING.values():
        assert verdict(rule, seen(first=False, doses=()), 60) == "does not hold"


@pytest.mark.parametrize("name", shipped())
def test_each_word_of_each_shipped_rule_is_enough_alone(name: str) -> None:
    protocol = load(name)
    assert protocol.safety is not None
    for rule in protocol.safety.stopping:
        for word in rule.events:
            for day, wanted in ((0, "holds"), (1, "holds"), (-1, "does not hold")):
                found = judge(rule, seen(events=[(day, word.upper())]), protocol=protocol, now=on(2), zone=ZONE)
                assert found.verdict == wanted, (rule.id, word, day)
            other = judge(rule, seen(events=[(1, "nausea")]), protocol=protocol, now=on(2), zone=ZONE)
            assert other.verdict == "does not hold"


@pytest.mark.parametrize(
    ("doses", "wanted"),
    [
        ((0, 56), "does not hold"),  # one dose is no distance
        ((0, 55, 57), "does not hold"),  # the first of the two is not late enough
        ((0, 56, 62), "holds"),
        ((0, 56, 63), "does not hold"),  # a week is a week
        ((0, 56, 64), "does not hold"),
        ((0, 56, 62, 69), "does not hold"),  # spaced again
        ((0, 56, 63, 69), "holds"),
    ],
)
def test_doses_that_cannot_be_spaced_out(doses: Sequence[float], wanted: str) -> None:
    assert verdict(STOPPING["spacing"], seen(doses=doses), 80) == wanted


@pytest.mark.parametrize(
    ("values", "wanted"),
    [((), "cannot be judged"), ((179.0,), "does not hold"), ((180.0,), "holds"), ((181.0,), "holds"),
     ((190.0, 179.0), "does not hold"), ((179.0, 180.0), "holds")],
)  # fmt: skip
def test_a_measured_limit_is_judged_by_the_newest_value(values: Sequence[float], wanted: str) -> None:
    rule = Stopping.model_validate(
        {"id": "x", "text": "x", "status": "assumed", "rules": [{"measure": "SBP", "at_least": 180}]}
    )
    recorded = seen(list(enumerate(values, start=1)), instrument="SBP")
    assert verdict(rule, recorded, 30) == wanted


def test_the_same_again_later_is_told_as_something_else() -> None:
    """To go on counts for what is told: a later reading, dose or event with the same words is not it."""
    limit = Stopping.model_validate(
        {"id": "x", "text": "x", "status": "assumed", "rules": [{"measure": "SBP", "at_least": 180}]}
    )
    readings, event = seen([(3, 185.0)], instrument="SBP"), seen(events=[(3, "mania")])
    later = Rating(on(3, "10:00"), 185.0)
    for rule, before, after in (
        (limit, readings, replace(readings, ratings={"SBP": [*readings.ratings["SBP"], later]})),
        (STOPPING["spacing"], seen(doses=(0, 56, 60)), seen(doses=(0, 56, 60, 64))),
        (STOPPING["psychosis-or-mania"], event, replace(event, events=[(on(3, "10:00"), "mania")])),
    ):
        told = [judge(rule, each, protocol=PROTOCOL, now=on(80), zone=ZONE) for each in (before, after)]
        assert [each.verdict for each in told] == ["holds", "holds"]
        assert told[0].seen != told[1].seen


@given(st.lists(st.tuples(st.integers(-5, 100), st.integers(0, 60)), max_size=8), st.integers(0, 120))
def test_a_reason_names_why_and_any_part_is_enough(ratings: list[tuple[int, int]], day: int) -> None:
    recorded = seen([(a, float(b)) for a, b in ratings], doses=(0, 56, 60), events=[(3, "mania")])
    merged = Stopping.model_validate(
        {"id": "all", "text": "x", "status": "assumed", "events": ["mania"], "no_response": {"by": "P14D"},
         "spacing": {"after": "P56D", "at_least": "P7D"}}
    )  # fmt: skip
    parts = [verdict(STOPPING[key], recorded, day) for key in ("psychosis-or-mania", "no-response", "spacing")]
    found = judge(merged, recorded, protocol=PROTOCOL, now=on(day, "12:00"), zone=ZONE)
    assert found.holds == ("holds" in parts)
    assert len(found.sentences) == 3
    assert all(each.endswith(".") for each in found.sentences)


# --- with the database -----------------------------------------------------------------------------------------------


@pytest.fixture
def taken(plan: Plan) -> Plan:
    """A plan whose version took on every example, and whose first dose was given."""
    version = plan.protocol_version
    keys = [each.key for each in examples_of(protocol_of(version))]
    TakenRule.objects.bulk_create([TakenRule(protocol_version=version, rule=key) for key in keys])
    Dose.objects.filter(plan=plan, number=1).update(state="given", given_at=FIRST)
    return plan


def rate(person: Participant, value: int, at: datetime, by: Actor) -> None:
    measured(person, "MADRS", Decimal(value), by, at)


@pytest.mark.django_db
def test_only_rules_in_force_are_judged(plan: Plan, person: Participant) -> None:
    course = course_of(person)
    assert course is not None
    assert queries.reasons_of(course, now=NOW) == ()
    TakenRule.objects.create(protocol_version=plan.protocol_version, rule="stopping/misuse")
    assert [each.rule.id for each in queries.reasons_of(course, now=NOW)] == ["misuse"]


@pytest.mark.django_db
def test_reasons_from_what_was_really_recorded(taken: Plan, person: Participant, clinician: Actor) -> None:
    at = FIRST + timedelta(days=15)
    course = course_of(person)
    assert course is not None
    assert queries.reasons_to_stop(course, now=at) == ()
    rate(person, 30, at, clinician)
    event = safety.record_event(
        entry=uuid4(), participant=person, term="Mania", severity="moderate", started_at=at, by=clinician, at=at
    )
    assert [each.rule.id for each in queries.reasons_to_stop(course, now=at)] == ["no-response", "psychosis-or-mania"]
    safety.strike_event(event=event, version=1, reason="another person's", by=clinician, at=at)
    assert [each.rule.id for each in queries.reasons_to_stop(course, now=at)] == ["no-response"]


@pytest.mark.django_db
def test_what_speaks_against_a_dose_stands_where_it_is_decided(
    taken: Plan, person: Participant, clinician: Actor, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    at = FIRST + timedelta(days=15)
    rate(person, 30, at, clinician)
    drug = {"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg", "began_on": None, "ended_on": None}
    over = {**drug, "name": "diazepam", "ended_on": date(2026, 3, 1), "began_on": date(2026, 2, 1)}
    lithium = {**drug, "name": "lithium", "drug_class": "lithium"}
    for each in (drug, over, lithium):
        others.record_drug(participant=person, values=each, by=clinician, at=NOW)
    clock.stand_at(at + timedelta(hours=1))
    client = log_in(colleague)
    dose = taken.doses.get(number=2)
    for name, rest in (("decide_booster", [person.pk]), ("plan_booster", [person.pk]),
                       ("plan", [person.pk])):  # fmt: skip
        text = client.get(reverse(name, args=["main", *rest])).content.decode()
        assert "A reason to stop, by the protocol: No response after the induction" in text, name
        assert "lorazepam" in text, name
        assert "shorten how long" in text, name
        assert "diazepam" not in text, name
    session = Session(dose=dose, participant=person, facility=person.facility, arrived_at=at)
    session.save()
    page = reverse("session", args=["main", session.pk])
    text = client.get(page).content.decode()
    assert "A reason to stop, by the protocol" in text
    assert "Other drugs to take note of" in text
    Session.objects.filter(pk=session.pk).update(ready_at=at, began_at=at)
    assert "Other drugs to take note of" not in client.get(page).content.decode()


@pytest.mark.django_db
def test_a_coordinator_reads_no_reason(
    taken: Plan, person: Participant, clinician: Actor, actor_as: object, log_in: LogIn
) -> None:
    rate(person, 30, FIRST + timedelta(days=15), clinician)
    coordinator = actor_as(Role.COORDINATOR)  # type: ignore[operator]
    for name in ("plan", "plan_booster"):
        text = log_in(coordinator.user).get(reverse(name, args=["main", person.pk])).content.decode()
        assert "reason to stop" not in text.lower(), name


@pytest.mark.django_db
def test_looks_follow_the_first_dose_by_the_facilitys_days(taken: Plan, person: Participant) -> None:
    course = course_of(person)
    assert course is not None
    looks = queries.looks_of(course)
    first = [each for each in looks if each.offset_h == 28 * 24]
    assert [each.rule.id for each in first] == ["bladder", "cognition", "misuse"]
    # The clocks went forward in between: 28 days later at the same hour of the day.
    assert {each.due_at.astimezone(ZONE) for each in first} == {FIRST.replace(month=4, day=20)}
    due = first[0].due_at
    assert [first[0].is_late(due + timedelta(seconds=each)) for each in (-1, 0, 1)] == [False, False, True]
    assert max(each.offset_h for each in looks) <= 180 * 24


@pytest.mark.django_db
def test_a_look_is_recorded_once_and_struck_out_is_due_again(
    taken: Plan, person: Participant, clinician: Actor, facility: Facility
) -> None:
    at = FIRST + timedelta(days=29)
    due = queries.looks_due_at(facility, until=at)
    assert [(each.rule.id, each.key) for each in due] == [("bladder", "672"), ("cognition", "672"), ("misuse", "672")]
    given = {"participant": person, "look": "bladder", "key": "672", "by": clinician, "at": at}
    for wrong in ({"done_at": at + timedelta(minutes=1), "finding": "nothing", "note": ""},
                  {"done_at": at, "finding": "something", "note": " "}, {"done_at": at, "finding": "odd", "note": "x"},
                  {"done_at": at, "finding": "nothing", "note": "", "key": "673"}):  # fmt: skip
        with pytest.raises(Refused):
            actions.record_check(**{**given, **wrong})  # type: ignore[arg-type]
    check = actions.record_check(done_at=at, finding="something", note="burning", **given)  # type: ignore[arg-type]
    assert [each.rule.id for each in queries.looks_due_at(facility, until=at)] == ["cognition", "misuse"]
    with pytest.raises(Refused, match="already"):
        actions.record_check(done_at=at, finding="nothing", note="", **given)  # type: ignore[arg-type]
    actions.strike_check(check=check, version=1, reason="the wrong person", by=clinician, at=at)
    assert [each.rule.id for each in queries.looks_due_at(facility, until=at)] == ["bladder", "cognition", "misuse"]
    assert actions.record_check(done_at=at, finding="nothing", note="", **given)  # type: ignore[arg-type]
    assert MonitoringCheck.objects.count() == 2


@pytest.mark.django_db
def test_who_left_has_nothing_due_and_who_had_no_dose_neither(
    taken: Plan, person: Participant, clinician: Actor, facility: Facility
) -> None:
    at = FIRST + timedelta(days=100)
    registered(person.protocol_version, clinician, NOW, name="Grace Murray")
    assert {each.participant for each in queries.looks_due_at(facility, until=at)} == {person}
    Dose.objects.filter(plan=taken).update(state="planned", given_at=None)
    assert queries.looks_due_at(facility, until=at) == []
    Dose.objects.filter(plan=taken, number=1).update(state="given", given_at=FIRST)
    Participant.objects.filter(pk=person.pk).update(status="withdrawn")
    assert queries.looks_due_at(facility, until=at) == []


@pytest.mark.django_db
def test_a_pharmacist_records_no_look(taken: Plan, person: Participant, actor_as: object) -> None:
    with pytest.raises(PermissionDenied):
        actions.record_check(
            participant=person, look="bladder", key="672", done_at=FIRST, finding="nothing", note="",
            by=actor_as(Role.PHARMACIST), at=FIRST,  # type: ignore[operator]
        )  # fmt: skip


@pytest.mark.django_db
def test_the_pages_of_monitoring(
    taken: Plan, person: Participant, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(FIRST + timedelta(days=30))
    client: Client = log_in(colleague)
    text = client.get(reverse("monitoring", args=["main"])).content.decode()
    assert text.index("Passing water") < text.index("In the next seven days")
    record = reverse("record_check", args=["main", person.pk, "bladder", "672"])
    assert client.get(reverse("record_check", args=["main", person.pk, "bladder", "1"])).status_code == 404
    # A source is named in words, wherever a rule of the protocol is quoted.
    plan = reverse("plan", args=["main", person.pk])
    for place, named in ((record, "US prescribing information"), (plan, "Phillips and others, 2019")):
        quoted = client.get(place).content.decode()
        assert named in quoted, place
        assert "esketamine-label" not in quoted, place
        assert "phillips-2019" not in quoted, place
    given = {"done_at": "2026-04-21T10:00", "finding": "something", "note": "burning"}
    assert "sentence" in client.post(record, {**given, "note": ""}).content.decode()
    assert client.post(record, given).status_code == 302
    assert "Passing water" not in client.get(reverse("monitoring", args=["main"])).content.decode()
    assert "burning" in client.get(plan).content.decode()
    check = MonitoringCheck.objects.get()
    strike = reverse("strike_check", args=["main", check.pk])
    assert client.post(strike, {"version": 1, "reason": "wrong"}).status_code == 302


@pytest.mark.django_db
def test_the_list_asks_a_constant_number_of_questions(
    taken: Plan, person: Participant, facility: Facility, django_assert_num_queries: object
) -> None:
    with django_assert_num_queries(4):  # type: ignore[operator]
        queries.looks_due_at(facility, until=FIRST + timedelta(days=100))


# ---- A reason that is there holds doses back until a clinician decides.


def decided(person: Participant, by: Actor, at: datetime, decision: str, *, rule: str, seen: str = "") -> None:
    assert by.user is not None
    actions.decide_stopping(
        participant=person, rule=rule, decision=decision, seen=seen, reason="as discussed with the person",
        proof=Proof(by.user, at), by=by, at=at,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_reason_holds_back_until_a_clinician_decides_to_go_on_with_what_is_there_now(
    taken: Plan, person: Participant, clinician: Actor
) -> None:
    at = FIRST + timedelta(days=15)
    rate(person, 30, at, clinician)
    course = course_of(person)
    assert course is not None
    (held,) = queries.holding_back(course, now=at)
    assert held.rule.id == "no-response"
    with pytest.raises(Refused, match="has changed meanwhile"):
        decided(person, clinician, at, "go on", rule="no-response", seen="something else")
    with pytest.raises(Refused, match="there already"):
        decided(person, clinician, at, "stop", rule="no-response")
    decided(person, clinician, at, "go on", rule="no-response", seen=held.seen)
    assert queries.holding_back(course, now=at) == ()
    (still,) = queries.reasons_to_stop(course, now=at)
    assert still.goes_on
    assert "as discussed with the person" in still.decided
    assert Signature.objects.filter(meaning__contains="Doses go on all the same", signer=clinician.user).count() == 1
    # What comes later is decided anew.
    rate(person, 29, at + timedelta(days=7), clinician)
    assert [each.rule.id for each in queries.holding_back(course, now=at + timedelta(days=7))] == ["no-response"]


@pytest.mark.django_db
def test_going_on_can_be_taken_back_from_the_plan(
    taken: Plan, person: Participant, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    at = FIRST + timedelta(days=15)
    rate(person, 30, at, clinician)
    course = course_of(person)
    assert course is not None
    (held,) = queries.holding_back(course, now=at)
    decided(person, clinician, at, "go on", rule="no-response", seen=held.seen)
    later = at + timedelta(hours=1)
    clock.stand_at(later)
    assert clinician.user is not None
    client = log_in(clinician.user)
    address = reverse("decide_stopping", args=["main", person.pk, "no-response"])
    assert address in client.get(reverse("plan", args=["main", person.pk])).content.decode()
    form = client.get(address).content.decode()
    assert 'value="stop"' in form
    assert 'value="go on"' not in form
    decided(person, clinician, later, "stop", rule="no-response")
    (again,) = queries.holding_back(course, now=later)
    # And forth again: the newest decision counts.
    decided(person, clinician, later + timedelta(hours=1), "go on", rule="no-response", seen=again.seen)
    assert queries.holding_back(course, now=later + timedelta(hours=1)) == ()


@pytest.mark.django_db
def test_a_clinician_says_that_a_reason_is_there_whatever_words_were_recorded(
    taken: Plan, person: Participant, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    at = FIRST + timedelta(days=2)
    course = course_of(person)
    assert course is not None
    # Nobody finds this word in the protocol; the clinician knows what it means.
    safety.record_event(
        entry=uuid4(), participant=person, term="hears voices", severity="severe", started_at=at, by=clinician, at=at
    )
    assert queries.holding_back(course, now=at) == ()
    with pytest.raises(Refused, match="not there"):
        decided(person, clinician, at, "go on", rule="psychosis-or-mania")
    with pytest.raises(Refused, match="No such reason"):
        decided(person, clinician, at, "stop", rule="a whim")
    nurse = actor_as(Role.SESSION_NURSE)
    with pytest.raises(PermissionDenied):
        decided(person, nurse, at, "stop", rule="psychosis-or-mania")
    decided(person, clinician, at, "stop", rule="psychosis-or-mania")
    (held,) = queries.holding_back(course, now=at)
    assert held.rule.id == "psychosis-or-mania"
    later = at + timedelta(days=1)
    decided(person, clinician, later, "go on", rule="psychosis-or-mania", seen=held.seen)
    assert queries.holding_back(course, now=later) == ()


@pytest.mark.django_db
def test_while_a_reason_is_there_no_dose_begins(
    taken: Plan, person: Participant, clinician: Actor, actor_as: Callable[[Role], Actor], log_in: LogIn, clock: Clock
) -> None:
    dose = Dose.objects.select_related("plan__participant__facility", "plan__facility").get(plan=taken, number=2)
    at = dose.planned_at - timedelta(minutes=20)
    nurse = actor_as(Role.SESSION_NURSE)
    assert nurse.user is not None
    decided(person, clinician, at, "stop", rule="pregnancy")
    session = arrive(dose=dose, room="", arrived_at=at, by=nurse, at=at)
    prepared(dose, clinician, nurse.user, at)
    entries = [*baseline(session, at), *good_answers(session, at)]
    all_saved(said(session, nurse, at, *entries))
    (told,) = said(session, nurse, at, time_out(at))
    assert told.state == "refused"
    assert "A reason to stop, by the protocol: The person is pregnant." in told.words
    clock.stand_at(at)
    page = log_in(clinician.user).get(reverse("plan", args=["main", person.pk])).content.decode()  # type: ignore[arg-type]
    assert reverse("decide_stopping", args=["main", person.pk, "pregnancy"]) in page
    course = course_of(person)
    assert course is not None
    (held,) = queries.holding_back(course, now=at)
    soon = at + timedelta(minutes=1)
    decided(person, clinician, soon, "go on", rule="pregnancy", seen=held.seen)
    all_saved(said(session, nurse, soon, time_out(soon)))
    # It comes up again after the time-out: then the dose does not begin either.
    later = at + timedelta(minutes=5)
    decided(person, clinician, later, "stop", rule="pregnancy")
    start = at + timedelta(minutes=10)
    (_, told) = said(session, nurse, start, sent("filling", start, ml="50"), sent("start", start, rate_ml_h="75"))
    assert "A reason to stop" in told.words
