"""Adverse events: once per entry, times in order, corrected with a reason, judged by a clinician, reported in time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from tests.clinic.conftest import NOW, Clock, LogIn
from tests.clinic.participants.making import document_of, signed

from upturn.protocol import load, shipped
from upturn.records import TABLES
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.floor.models import Session
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.ledger.queries import changes_in
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.safety import actions, queries
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.safety.terms import term, terms
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def recorded(person: Participant, by: Actor, *, entry: UUID | None = None, **more: Any) -> AdverseEvent:
    given: dict[str, Any] = {"term": "nausea", "severity": "mild", "started_at": NOW - HOUR, "at": NOW, **more}
    return actions.record_event(entry=entry or uuid4(), participant=person, by=by, **given)


def judged(event: AdverseEvent, by: Actor, *criteria: str, **more: Any) -> AdverseEvent:
    given: dict[str, Any] = {"relatedness": "possible", "is_expected": True, "outcome": "resolved", "reason": "",
                             "at": NOW, **more}  # fmt: skip
    return actions.judge_event(event=event, version=event.version, criteria=criteria, by=by, **given)


def test_the_same_entry_is_one_event(participant: Participant, as_clinician: Actor) -> None:
    entry = uuid4()
    first = recorded(participant, as_clinician, entry=entry)
    again = recorded(participant, as_clinician, entry=entry, term="another word")
    assert (first.pk, again, again.term) == (entry, first, "nausea")
    assert Entry.objects.filter(object_type="safety.AdverseEvent").count() == 1


def test_an_entry_of_somebody_else_is_refused(participant: Participant, as_clinician: Actor, in_force: Any) -> None:
    entry = uuid4()
    recorded(participant, as_clinician, entry=entry)
    identity = {"full_name": "Grace Murray", "date_of_birth": datetime(1980, 1, 1).date()}
    other = participants.register(protocol_version=in_force, identity=identity, sex="female", by=as_clinician, at=NOW)
    with pytest.raises(Refused, match="another participant"):
        recorded(other, as_clinician, entry=entry)


@pytest.mark.parametrize(
    ("start", "peak", "end", "told"),
    [
        (-60, None, None, None), (0, None, None, None), (1, None, None, "future"),
        (-60, -60, None, None), (-60, -61, None, "order"), (-60, 0, None, None), (-60, 1, None, "future"),
        (-60, None, -60, None), (-60, None, -61, "order"), (-60, -30, -31, "order"), (-60, -30, -30, None),
        (-60, -30, 0, None), (-60, -30, 1, "future"),
    ],
)  # fmt: skip
def test_times_are_in_order_and_not_in_the_future(
    start: int, peak: int | None, end: int | None, told: str | None, participant: Participant, as_clinician: Actor
) -> None:
    def at(minutes: int | None) -> datetime | None:
        return None if minutes is None else NOW + timedelta(minutes=minutes)

    def event() -> AdverseEvent:
        return recorded(participant, as_clinician, started_at=at(start), peak_at=at(peak), ended_at=at(end))

    if told is None:
        assert event().ended_at == at(end)
    else:
        with pytest.raises(Refused, match=told):
            event()
        assert not AdverseEvent.objects.exists()


def test_what_happens_after_somebody_left_counts(participant: Participant, as_clinician: Actor) -> None:
    participants.withdraw(
        participant=participant, version=participant.version, reason="moved away", by=as_clinician, at=NOW
    )
    participant.refresh_from_db()
    assert recorded(participant, as_clinician).counts


def test_a_correction_needs_a_reason_and_keeps_what_was(participant: Participant, as_clinician: Actor) -> None:
    event = recorded(participant, as_clinician)
    with pytest.raises(Refused, match="reason"):
        actions.correct_event(
            event=event, version=1, values={"severity": "severe"}, reason=" ", by=as_clinician, at=NOW
        )
    with pytest.raises(Refused, match="order"):
        actions.correct_event(
            event=event, version=1, values={"ended_at": NOW - 2 * HOUR}, reason="x", by=as_clinician, at=NOW
        )
    changed = actions.correct_event(
        event=event, version=1, values={"severity": "severe"}, reason="misheard", by=as_clinician, at=NOW
    )
    assert changed.severity == "severe"
    with pytest.raises(Conflict):
        actions.correct_event(event=event, version=1, values={"severity": "mild"}, reason="x", by=as_clinician, at=NOW)
    last = Entry.objects.filter(object_type="safety.AdverseEvent").order_by("-sequence").first()
    assert last is not None
    assert ("severity", "mild", "severe") in {(each.field, each.old, each.new) for each in changes_in(last)}


def test_it_ends_once(participant: Participant, as_clinician: Actor) -> None:
    event = recorded(participant, as_clinician)
    for wrong in (NOW - 2 * HOUR, NOW + HOUR):
        with pytest.raises(Refused):
            actions.end_event(event=event, version=1, ended_at=wrong, by=as_clinician, at=NOW)
    ended = actions.end_event(event=event, version=1, ended_at=NOW, outcome="resolved", by=as_clinician, at=NOW)
    assert (ended.is_over, ended.outcome) == (True, "resolved")
    with pytest.raises(Refused, match="over already"):
        actions.end_event(event=ended, version=2, ended_at=NOW, by=as_clinician, at=NOW)


def test_struck_out_it_stays_and_no_longer_counts(participant: Participant, as_clinician: Actor) -> None:
    event = recorded(participant, as_clinician)
    struck = actions.strike_event(event=event, version=1, reason="another person's", by=as_clinician, at=NOW)
    assert not struck.counts
    assert AdverseEvent.objects.count() == 1
    acts: tuple[Callable[[], AdverseEvent], ...] = (
        lambda: actions.end_event(event=struck, version=2, ended_at=NOW, by=as_clinician, at=NOW),
        lambda: judged(struck, as_clinician),
        lambda: actions.strike_event(event=struck, version=2, reason="x", by=as_clinician, at=NOW),
    )
    for act in acts:
        with pytest.raises(Refused, match="struck out"):
            act()


def test_a_nurse_records_and_does_not_judge(
    participant: Participant, make_person: Callable[..., User], facility: Facility, as_clinician: Actor
) -> None:
    nurse = Actor(make_person("N", facility, Role.SESSION_NURSE), facility, frozenset({Role.SESSION_NURSE}))
    event = recorded(participant, nurse)
    with pytest.raises(PermissionDenied):
        judged(event, nurse)
    done = judged(event, as_clinician)
    # What a clinician has judged is not taken away by a nurse.
    with pytest.raises(PermissionDenied):
        actions.strike_event(event=done, version=done.version, reason="x", by=nurse, at=NOW)


@pytest.mark.parametrize("role", [Role.RATER, Role.COORDINATOR, Role.ANALYST, Role.PARTICIPANT, Role.ADMINISTRATOR])
def test_others_record_nothing(
    role: Role, participant: Participant, make_person: Callable[..., User], facility: Facility
) -> None:
    with pytest.raises(PermissionDenied):
        recorded(participant, Actor(make_person("X", facility, role), facility, frozenset({role})))


@pytest.mark.parametrize("criterion", AdverseEvent.Criterion.values)
def test_any_one_criterion_makes_it_serious_and_starts_the_clock(
    criterion: str, participant: Participant, as_clinician: Actor
) -> None:
    event = recorded(participant, as_clinician)
    outcome = "fatal" if criterion == "death" else "resolved"
    later = NOW + 3 * HOUR
    done = judged(event, as_clinician, criterion, outcome=outcome, at=later)
    assert done.is_serious
    # From when it became known here, not from when it was judged.
    assert done.report_due_at == NOW + timedelta(hours=24)


def test_without_a_criterion_it_is_not_serious_and_nothing_is_due(
    participant: Participant, as_clinician: Actor
) -> None:
    done = judged(recorded(participant, as_clinician, severity="severe"), as_clinician)
    assert (done.is_serious, done.report_due_at, done.criteria) == (False, None, [])
    with pytest.raises(Refused, match="Only a serious"):
        actions.report_event(
            event=done, version=done.version, reported_at=NOW, reported_to="the sponsor", by=as_clinician, at=NOW
        )


@pytest.mark.parametrize(
    ("criteria", "more", "told"),
    [
        ((), {"outcome": "fatal"}, "do not fit"),
        (("death",), {"outcome": "resolved"}, "do not fit"),
        (("bad luck",), {}, "no criterion"),
        ((), {"outcome": "sideways"}, "does not fit its field"),
        ((), {"relatedness": "certainly"}, "does not fit its field"),
    ],
)
def test_a_judgement_that_does_not_fit_is_refused(
    criteria: tuple[str, ...], more: dict[str, Any], told: str, participant: Participant, as_clinician: Actor
) -> None:
    event = recorded(participant, as_clinician)
    with pytest.raises(Refused, match=told):
        judged(event, as_clinician, *criteria, **more)


def test_a_second_judgement_says_why(participant: Participant, as_clinician: Actor) -> None:
    event = judged(recorded(participant, as_clinician), as_clinician, "hospital")
    with pytest.raises(Refused, match="judged before"):
        judged(event, as_clinician)
    again = judged(event, as_clinician, reason="no stay was needed after all")
    assert (again.is_serious, again.report_due_at) == (False, None)


@pytest.mark.parametrize(("minutes", "late"), [(-1, False), (0, False), (1, True)])
def test_the_clock_is_late_after_its_time_until_it_is_reported(
    minutes: int, late: bool, event: AdverseEvent, as_clinician: Actor, facility: Facility
) -> None:
    assert event.report_due_at is not None
    now = event.report_due_at + timedelta(minutes=minutes)
    assert event.is_report_late(now) is late
    assert list(queries.lists_at(facility, now).serious) == [event]
    for wrong in (event.started_at - HOUR, now + HOUR):
        with pytest.raises(Refused, match="future"):
            actions.report_event(
                event=event, version=event.version, reported_at=wrong, reported_to="x", by=as_clinician, at=now
            )
    done = actions.report_event(
        event=event, version=event.version, reported_at=now, reported_to="the sponsor", by=as_clinician, at=now
    )
    assert not done.is_report_late(now + HOUR)
    assert list(queries.lists_at(facility, now).serious) == []
    with pytest.raises(Refused, match="already"):
        actions.report_event(
            event=done, version=done.version, reported_at=now, reported_to="x", by=as_clinician, at=now
        )


def test_without_a_clock_in_the_protocol_nothing_is_made_up(
    participant: Participant, as_clinician: Actor, colleague: User, log_in: LogIn
) -> None:
    document = document_of("six-infusions")
    serious = document[document.index("  serious:") : document.index("  stopping:")]
    draft = programmes.add_version(
        programme=participant.programme, document=document.replace(serious, ""), file="p.yaml", by=as_clinician, at=NOW
    )
    newer = signed(draft, as_clinician, NOW)
    person = participants.move_to_version(
        participant=participant, version=participant.version, to=newer, reason="amendment", by=as_clinician, at=NOW
    )
    done = judged(recorded(person, as_clinician), as_clinician, "hospital")
    assert (done.is_serious, done.report_due_at) == (True, None)
    assert "the protocol does not say" in log_in(colleague).get(reverse("safety", args=["main"])).content.decode()


def test_words_and_strengths_are_those_of_the_records() -> None:
    columns = {column.name: column for column in TABLES["adverse_events"].columns}
    assert set(AdverseEvent.Severity.values) == set(columns["severity"].values or ())
    assert set(AdverseEvent.Relatedness.values) == set(columns["related"].values or ())


@pytest.mark.parametrize("name", shipped())
def test_every_event_that_a_protocol_stops_for_is_a_word_of_the_list(name: str) -> None:
    safety = load(name).safety
    assert safety is not None
    assert [word for each in safety.stopping for word in each.events if term(word) is None] == []


def test_each_word_once_and_a_listed_one_has_a_source() -> None:
    words = [each.word for each in terms()]
    assert len(words) == len(set(words))
    assert all(each.source for each in terms() if each.listed)
    assert term(" Nausea ") == term("nausea")
    assert term("hiccups") is None


def test_the_pages_from_recording_to_reporting(
    participant: Participant, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(NOW + 10 * HOUR)
    client = log_in(colleague)
    new = reverse("record_event", args=["main", participant.pk])
    entry = client.get(new).content.decode().split('name="entry" value="')[1].split('"')[0]
    given = {"entry": entry, "known": "nausea", "term": "", "severity": "severe", "started_at": "2026-03-03T10:00"}
    assert "one of the two" in client.post(new, {**given, "term": "queasy"}).content.decode()
    assert "one of the two" in client.post(new, {**given, "known": ""}).content.decode()
    assert client.post(new, {**given, "known": "", "term": "<b>odd</b>"}).status_code == 302
    event = AdverseEvent.objects.get()
    assert str(event.pk) == entry
    page = client.get(reverse("participant_safety", args=["main", participant.pk])).content.decode()
    assert "&lt;b&gt;odd&lt;/b&gt;" in page
    correct = reverse("correct_event", args=["main", event.pk])
    assert 'value="&lt;b&gt;odd&lt;/b&gt;"' in client.get(correct).content.decode()
    values = {**given, "version": 1, "reason": "the usual word"}
    assert client.post(correct, values).status_code == 302
    judge = reverse("judge_event", args=["main", event.pk])
    assert "On the published list" in client.get(judge).content.decode()
    judgement = {"version": 2, "criteria": ["hospital"], "relatedness": "probable", "is_expected": "no",
                 "outcome": "ongoing", "reason": ""}  # fmt: skip
    assert client.post(judge, judgement).status_code == 302
    event.refresh_from_db()
    assert (event.is_serious, event.is_expected, event.term) == (True, False, "nausea")
    assert event.term in client.get(reverse("safety", args=["main"])).content.decode()
    report = {"version": 3, "reported_at": "2026-03-03T12:00", "reported_to": "the sponsor"}
    assert client.post(reverse("report_event", args=["main", event.pk]), report).status_code == 302
    assert "reported" in client.get(reverse("participant_safety", args=["main", participant.pk])).content.decode()


def test_a_masked_arm_shows_on_no_page_of_safety(
    participant: Participant, event: AdverseEvent, concern: Any, colleague: User, log_in: LogIn
) -> None:
    client = log_in(colleague)
    Participant.objects.filter(pk=participant.pk).update(arm="midazolam")
    for name, rest in (
        ("safety", []), ("participant_safety", [participant.pk]), ("judge_event", [event.pk]),
        ("close_concern", [concern.pk]), ("record_event", [participant.pk]),
    ):  # fmt: skip
        text = client.get(reverse(name, args=["main", *rest])).content.decode()
        assert "midazolam" not in text, name
        assert "ketamine" not in text.replace("Esketamine nasal spray", "").replace("esketamine", ""), name


def test_a_late_report_stands_at_the_top_for_who_judges(
    event: AdverseEvent, colleague: User, make_person: Callable[..., User], facility: Facility, log_in: LogIn,
    clock: Clock,
) -> None:  # fmt: skip
    assert event.report_due_at is not None
    address = reverse("facility", args=["main"])
    clock.stand_at(event.report_due_at)
    assert "not reported in time" not in log_in(colleague).get(address).content.decode()
    clock.stand_at(event.report_due_at + timedelta(minutes=1))
    assert "1 serious event not reported in time" in log_in(colleague).get(address).content.decode()
    nurse = make_person("Nurse", facility, Role.SESSION_NURSE)
    assert "not reported in time" not in log_in(nurse).get(address).content.decode()


def test_relatedness_is_judged_beside_the_last_dose(
    planned: Plan, as_clinician: Actor, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    begun = planned.doses.get(number=1).planned_at
    Dose.objects.filter(plan=planned, number=1).update(state="given", given_at=begun)
    clock.stand_at(begun + 3 * HOUR)
    event = recorded(planned.participant, as_clinician, started_at=begun + HOUR / 2, at=begun + HOUR)
    earlier = recorded(planned.participant, as_clinician, started_at=begun - HOUR, at=begun + HOUR)
    client = log_in(colleague)
    text, before = (
        client.get(reverse("judge_event", args=["main", each.pk])).content.decode() for each in (event, earlier)
    )
    assert "Dose 1, began" in text
    assert "(30\xa0minutes before)" in text
    assert "Last dose before it</dt><dd>none" in before
    # A reason is asked for at a second judgement alone.
    assert "Why it is judged anew" not in text
    judged(event, as_clinician, at=begun + HOUR)
    assert "Why it is judged anew" in client.get(reverse("judge_event", args=["main", event.pk])).content.decode()


def test_a_dose_that_still_runs_is_the_last_one_before_an_event(
    planned: Plan, seated: Session, as_clinician: Actor
) -> None:
    assert seated.began_at is not None
    begun = seated.began_at
    Dose.objects.filter(plan=planned, number=2).update(state="given", given_at=begun - 48 * HOUR)
    Dose.objects.filter(plan=planned, number=3).update(state="given", given_at=begun + 48 * HOUR)
    event = recorded(planned.participant, as_clinician, started_at=begun + HOUR / 4, at=begun + HOUR)
    assert queries.dose_before(event) == queries.DoseBefore(1, begun)
    Session.objects.filter(pk=seated.pk).update(cancelled_at=begun)
    assert queries.dose_before(event) == queries.DoseBefore(2, begun - 48 * HOUR)


def test_after_a_conflict_every_tick_is_still_there(
    participant: Participant, as_clinician: Actor, colleague: User, log_in: LogIn
) -> None:
    event = judged(recorded(participant, as_clinician), as_clinician)
    actions.correct_event(
        event=event, version=event.version, values={"severity": "severe"}, reason="a slip", by=as_clinician, at=NOW
    )
    criteria = ["hospital", "life-threatening", "disability"]
    sent = {"version": event.version, "criteria": criteria, "relatedness": "possible", "is_expected": "yes",
            "outcome": "ongoing", "reason": "more is known"}  # fmt: skip
    page = log_in(colleague).post(reverse("judge_event", args=["main", event.pk]), sent).content.decode()
    assert "Somebody else saved this record" in page
    ticked = {each.split('value="')[1].split('"')[0] for each in page.split("<input") if "checked" in each}
    assert set(criteria) <= ticked
