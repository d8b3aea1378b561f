"""The pages of a plan and of what is due: what they show, what they cost, and what they refuse."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from copy import copy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.conftest import Clock, MakePerson
from tests.clinic.floor.making import given_in_session
from tests.clinic.treatments.conftest import COPENHAGEN, FIRST, NOW

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.operation import PAGE_ROWS
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes.queries import protocol_of
from upturn_clinic.treatments import queries
from upturn_clinic.treatments.course import first_doses, first_visits
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.screens import due_spans, plan_screen

pytestmark = pytest.mark.django_db

Thing = TypeVar("Thing", Dose, Visit)
LogIn = Callable[[User], Client]
MANY = 2000
LATER_H = 36 * 24.0  # what comes later is on no page of this test


def text(client: Client, name: str, *args: Any, **query: str) -> str:
    """A page without its tags, one space for any space."""
    page = client.get(reverse(name, args=["main", *args]), query).content.decode()
    return " ".join(re.sub("<[^>]+>", "", page).split())


def test_the_plan_as_list_month_and_week(
    plan: Plan, person: Participant, colleague: User, log_in: LogIn, clock: Clock
) -> None:
    clock.stand_at(NOW)
    client = log_in(colleague)
    shown = text(client, "plan", person.pk)
    assert "23 Mar 2026, 09:00" in shown
    assert "1 Apr 2026, 09:00" in shown  # 07:00 in UTC by then
    assert "80.5 kg, measured 20 Mar 2026, 08:00 (less than a day ago)" in shown
    month = text(client, "plan", person.pk, view="month", on="2026-04-15")
    assert "April 2026" in month
    assert "09:00 Dose 5" in month
    week = text(client, "plan", person.pk, view="week", on="2026-03-23")
    assert "Dose 3" in week
    assert "Dose 4" not in week
    assert "March 2026" in text(client, "plan", person.pk, view="month", on="no day at all")


def test_from_enrolment_to_a_late_dose_through_the_pages(
    person: Participant, colleague: User, clinician: Actor, log_in: LogIn, clock: Clock, make_person: MakePerson
) -> None:
    clock.stand_at(NOW)
    client = log_in(colleague)
    assert "There is no plan yet" in text(client, "plan", person.pk)
    made = client.post(reverse("make_plan", args=["main", person.pk]), {"begins_at": "2026-03-23T09:00"})
    assert made.status_code == 302
    dose = Dose.objects.get(number=1)
    assert dose.planned_at == FIRST
    plan_page = reverse("plan", args=["main", person.pk])
    shown = client.get(plan_page).content.decode()
    # A dose under supervision is given in its session: the plan leads there.
    assert reverse("arrive", args=["main", dose.pk]) in shown
    address = reverse("give_dose", args=["main", dose.pk])
    assert address not in shown
    page = client.get(address).content.decode()
    assert "This dose is given in a session, and only there" in page
    assert reverse("arrive", args=["main", dose.pk]) in page
    late = FIRST + timedelta(days=1, minutes=30)
    sent = {"version": dose.version, "began_at": "2026-03-23T09:30", "mg": "40.3", "reason": "I was there"}
    clock.stand_at(late + timedelta(hours=2))
    client = log_in(colleague)  # four days later: the old log-in has ended
    client.post(address, sent)
    dose.refresh_from_db()
    assert dose.given_at is None
    checker = make_person("Checker", person.facility, Role.SESSION_NURSE)
    given_in_session(
        Dose.objects.select_related("plan__participant__facility", "plan__facility").get(pk=dose.pk), clinician,
        checker, late, amount=Decimal("40.3"), because="no nurse that day",
    )  # fmt: skip
    shown = text(client, "plan", person.pk)
    assert "given 40.3 mg" in shown
    assert "26 Mar 2026, 09:00" in shown
    shown = client.get(plan_page).content.decode()
    assert reverse("sessions_of", args=["main", person.pk]) in shown
    assert reverse("arrive", args=["main", dose.pk]) not in shown


def test_without_a_weight_the_plan_says_so_and_computes_nothing(
    plan: Plan, person: Participant, colleague: User, log_in: LogIn
) -> None:
    person.measures.filter(instrument="weight").update(struck_at=NOW)
    page = text(log_in(colleague), "plan", person.pk)
    assert "No amount:" in page
    assert "no body weight is recorded" in page


def test_a_plan_costs_the_same_whatever_is_on_it(
    plan: Plan, person: Participant, colleague: User, log_in: LogIn
) -> None:
    client = log_in(colleague)
    text(client, "plan", person.pk)
    with CaptureQueriesContext(connection) as short:
        text(client, "plan", person.pk)
    Visit.objects.bulk_create(
        Visit(plan=plan, facility=plan.facility, encounter=f"extra-{n}", offset_h=n, target=FIRST, earliest=FIRST,
              latest=FIRST, planned_at=FIRST, told_at=FIRST) for n in range(100)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as long:
        text(client, "plan", person.pk)
    assert len(long) == len(short)
    assert len(long) <= 20


def another(thing: Thing, plan: Plan) -> Thing:
    """The same dose or visit on somebody else's plan."""
    copied = copy(thing)
    copied.pk, copied.plan = uuid4(), plan
    return copied


@pytest.fixture
def crowd(person: Participant, facility: Facility) -> int:
    """Two thousand people with plans, begun on different days around now, without the late visits."""
    protocol = protocol_of(person.protocol_version)
    people = [
        Participant(
            pseudonym=f"P{number:05}", facility=facility, programme=person.programme, arm="ketamine", age_y=40,
            protocol_version=person.protocol_version, status="enrolled", sex="female", registered_at=NOW,
        ) for number in range(MANY)
    ]  # fmt: skip
    Participant.objects.bulk_create(people)
    plans = [
        Plan(participant=each, facility=facility, protocol_version=person.protocol_version, made_at=NOW,
             begins_at=FIRST + timedelta(days=number % 20 - 10))
        for number, each in enumerate(people)
    ]  # fmt: skip
    Plan.objects.bulk_create(plans)
    early = datetime(2020, 1, 1, tzinfo=UTC)
    doses, visits = list[Dose](), list[Visit]()
    patterns: dict[datetime, tuple[list[Dose], list[Visit]]] = {}
    for plan in plans:
        pattern = patterns.setdefault(
            plan.begins_at,
            (
                first_doses(plan, protocol, "ketamine"),
                [v for v in first_visits(plan, protocol, "ketamine", now=early) if v.offset_h < LATER_H],
            )
            if plan.begins_at not in patterns else ([], []),
        )  # fmt: skip
        doses += [another(each, plan) for each in pattern[0]]
        visits += [another(each, plan) for each in pattern[1]]
    Dose.objects.bulk_create(doses)
    Visit.objects.bulk_create(visits)
    return len(visits)


def test_upcoming_with_two_thousand_people(crowd: int, colleague: User, log_in: LogIn, clock: Clock) -> None:
    assert crowd > 10 * MANY
    clock.stand_at(FIRST + timedelta(hours=3))
    client = log_in(colleague)
    text(client, "upcoming")
    for show in ("late", "today", "week"):
        read: Counter[str] = Counter()

        def count(sender: type[Model], read: Counter[str] = read, **_: object) -> None:
            read[sender.__name__] += 1

        post_init.connect(count)
        with CaptureQueriesContext(connection) as asked:
            page = text(client, "upcoming", show=show)
        post_init.disconnect(count)
        assert len(re.findall(r"P\d{5}", page)) == PAGE_ROWS, show
        assert len(asked) <= 13, (show, [each["sql"][:90] for each in asked])
        # However many people there are, only what is shown is drawn up: a row, its people, its programme, its doses.
        assert read.total() <= 6 * PAGE_ROWS, (show, read)


def test_today_is_the_facilitys_today(
    plan: Plan, facility: Facility, clinician: Actor, actor_as: Callable[[Role], Actor]
) -> None:
    def counts(at: datetime, reader: Actor = clinician) -> dict[str, int]:
        return {each.key: each.count for each in due_spans(facility, reader, now=at)}

    midnight = datetime(2026, 3, 23, 0, 0, tzinfo=COPENHAGEN)
    before, after = counts(midnight - timedelta(minutes=1)), counts(midnight)
    assert (before["late"], before["today"]) == (0, 0)
    # Dose 1 and visit day-0 are one appointment.
    assert (after["late"], after["today"]) == (0, 1)

    # Seven days after today: 30 March is one of them on the 23rd, and was not on the 22nd.
    def week(at: datetime) -> list[str]:
        keys = due_spans(facility, clinician, now=at)[2].keys
        return [f"{key['planned_at']:%d}" for key in keys]

    assert week(midnight - timedelta(minutes=1)) == ["23", "24", "25", "26", "27"]
    assert week(midnight) == ["24", "25", "26", "27", "30"]
    assert counts(midnight + timedelta(days=1))["late"] == 1
    assert counts(midnight, actor_as(Role.RATER))["today"] == 1


def test_what_is_late_is_late_on_the_plan_and_in_what_is_due(
    plan: Plan, person: Participant, facility: Facility, clinician: Actor
) -> None:
    """Late is what was not done in its window: the same word on both pages, at any minute."""

    def on_the_plan(at: datetime) -> set[str]:
        rows = plan_screen(person, clinician, now=at, form="list", day="")["rows"]
        return {row.title for row in rows if row.is_late}

    def due(at: datetime, key: str) -> set[str]:
        keys = next(each.keys for each in due_spans(facility, clinician, now=at) if each.key == key)
        rows = queries.due_rows(list(keys), clinician, now=at, is_late=key == "late")
        return {str(each) for row in rows for each in (*row.doses, *row.visits)}

    # Windows end at 21:00; that of Day 2 is made a day longer here, that of Dose 2 at the same time is not.
    day = Visit.objects.get(encounter="day-1")
    longer = Visit.objects.get(encounter="day-2")
    Visit.objects.filter(pk=longer.pk).update(latest=longer.latest + timedelta(days=1))
    since = timedelta(minutes=1)
    for at, late, still in (
        (FIRST + 2 * since, set(), {"Dose 1", "Day 0"}),
        (day.latest, {"Dose 1", "Day 0"}, {"Day 1"}),
        (day.latest + since, {"Dose 1", "Day 0", "Day 1"}, set()),
        (longer.latest + since, {"Dose 1", "Day 0", "Day 1", "Dose 2"}, {"Day 2"}),
        (longer.latest + 5 * 60 * since, {"Dose 1", "Day 0", "Day 1", "Dose 2"}, {"Day 2", "Day 3"}),
    ):  # fmt: skip
        assert on_the_plan(at) == late, at
        assert due(at, "late") == late, at
        assert due(at, "today") == still, at


def test_who_has_left_is_not_expected(plan: Plan, person: Participant, facility: Facility, clinician: Actor) -> None:
    late = FIRST + timedelta(days=2)
    assert due_spans(facility, clinician, now=late)[0].count > 0
    Participant.objects.filter(pk=person.pk).update(status="withdrawn")
    assert [span.count for span in due_spans(facility, clinician, now=late)] == [0, 0, 0]


def test_visits_and_doses_of_one_time_are_one_row(plan: Plan, facility: Facility, clinician: Actor) -> None:
    keys = due_spans(facility, clinician, now=FIRST)[1].keys
    (row,) = queries.due_rows(list(keys), clinician, now=FIRST, is_late=False)
    assert [str(each) for each in (*row.doses, *row.visits)] == ["Dose 1", "Day 0"]


def test_other_treatment_with_what_is_known(person: Participant, colleague: User, log_in: LogIn) -> None:
    client = log_in(colleague)
    address = reverse("record_drug", args=["main", person.pk])
    drug = {"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg at night"}
    assert client.post(address, drug).status_code == 302
    client.post(
        reverse("record_co_intervention", args=["main", person.pk]),
        {"kind": "CBT", "given_by": "a psychologist", "began_on": "2026-03-01", "sessions": "3"},
    )
    page = text(client, "others", person.pk)
    assert "shorten how long" in page
    assert "seen in source" in page
    assert "evidence is of low quality" in page
    assert "cognitive behavioural therapy" in page


def test_a_booster_page_says_what_the_rule_says(
    plan: Plan, person: Participant, colleague: User, clinician: Actor, log_in: LogIn, clock: Clock,
    make_person: MakePerson,
) -> None:  # fmt: skip
    dose = Dose.objects.select_related("plan__participant__facility", "plan__facility").get(number=1)
    given_in_session(dose, clinician, make_person("Checker", person.facility, Role.SESSION_NURSE), FIRST)
    clock.stand_at(FIRST + timedelta(days=30))
    client = log_in(colleague)
    address = reverse("plan_booster", args=["main", person.pk])
    page = client.get(address).content.decode()
    assert "The rule of the protocol does not hold." in page
    # Nothing to fill in that would be refused; a decision stays open, and the plan offers nothing else.
    assert 'name="is_seen"' not in page
    assert reverse("decide_booster", args=["main", person.pk]) in page
    assert f'href="{address}"' not in client.get(reverse("plan", args=["main", person.pk])).content.decode()
    sent = client.post(address, {"is_seen": "on"})
    assert sent.status_code == 200
    assert "The rule of the protocol does not hold" in sent.content.decode()
    decided = client.post(
        reverse("decide_booster", args=["main", person.pk]), {"planned_at": "2026-04-27T10:00", "reason": "sinking"}
    )
    assert decided.status_code == 302
    assert "booster by a clinician&#x27;s decision" in text(client, "plan", person.pk)
