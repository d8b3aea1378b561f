"""What a page that asks again is told: nothing new for a few questions, and anything new at the very next time."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import (
    all_saved,
    arrived,
    begun,
    good_answers,
    made_ready,
    person_with_plan,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.marks import Mark, read_mark
from upturn_clinic.floor.models import Session
from upturn_clinic.safety import actions as safety
from upturn_clinic.safety.models import AdverseEvent
from upturn_clinic.treatments.models import Plan
from upturn_clinic.treatments.others import actions as others
from upturn_clinic.treatments.watch import actions as watch

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LogIn = Callable[[User], Client]


class Page:
    """A page that shows a session, as its script asks."""

    def __init__(self, client: Client, session: Session, clock: Clock) -> None:
        self.client, self.clock = client, clock
        self.address = reverse("session_state", args=["main", session.pk])
        self.entries = reverse("enter", args=["main", session.pk])
        self.told: dict[str, Any] = {}

    def asks(self, at: datetime) -> int:
        self.clock.stand_at(at)
        answer = self.client.get(self.address, headers={"If-None-Match": self.told.get("mark", "")})
        if answer.status_code == 200:
            self.told = answer.json()
            assert self.told["now"] == at.isoformat()
        else:
            assert (answer.content, answer.headers["X-Upturn-Now"]) == (b"", at.isoformat())
        return answer.status_code

    def shows(self, words: str) -> bool:
        return words in json.dumps(self.told, ensure_ascii=False)


@pytest.fixture
def observed(session: Session, nurse: Actor) -> Session:
    """The dose began 25 seconds past the hour and has ended at once."""
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST + 25 * SECOND)
    at = FIRST + 2 * MINUTE
    all_saved(said(session, nurse, at, sent("stop", at, because="wants to stop")))
    return session


@pytest.fixture
def page(observed: Session, nurse: Actor, log_in: LogIn, clock: Clock) -> Page:
    assert nurse.user is not None
    clock.stand_at(FIRST + 3 * MINUTE)
    return Page(log_in(nurse.user), observed, clock)


@pytest.fixture
def elses(infusions: Plan, clinician: Actor, nurse: Actor) -> Session:
    """Somebody else's session at the same facility."""
    before = ARRIVAL - timedelta(days=1)
    version = signed_version("six-infusions", clinician, before)
    return arrived(person_with_plan(version, "ketamine", clinician, begins_at=FIRST, at=before), nurse, ARRIVAL)


def test_nothing_new_is_told_for_a_few_questions(page: Page) -> None:
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    assert page.asks(now + 10 * SECOND) == 304
    with CaptureQueriesContext(connection) as questions:
        assert page.asks(now + 20 * SECOND) == 304
    # Who asks and what they may do, and one question to the trail.
    assert len(questions) <= 6, [each["sql"][:90] for each in questions]
    assert page.asks(now + 59 * SECOND) == 304
    assert page.asks(now + 60 * SECOND) == 200


def test_what_the_other_nurse_entered_is_there_at_the_next_asking(
    page: Page, observed: Session, other_nurse: Actor
) -> None:
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    all_saved(said(observed, other_nurse, now, sent("reading", now, instrument="HR", value="77", nominal_min=10)))
    assert page.asks(now + SECOND) == 200
    (row,) = (each for each in page.told["sheet"]["rows"] if each["nominal"] == 10)
    assert [(each["text"], each["who"]) for each in row["cells"]["HR"]["values"]] == [("77", "Omar")]
    assert page.asks(now + 2 * SECOND) == 304


def test_a_line_turns_late_at_its_second_without_anything_written(page: Page) -> None:
    # Due ten minutes after 09:00:25, late five minutes after that.
    assert page.asks(FIRST + 15 * MINUTE + 5 * SECOND) == 200
    assert not page.shows("<strong>Late:</strong>")
    assert page.asks(FIRST + 15 * MINUTE + 15 * SECOND) == 304
    assert page.asks(FIRST + 15 * MINUTE + 25 * SECOND + timedelta(microseconds=1)) == 200
    assert page.shows("<strong>Late:</strong>")
    assert page.asks(FIRST + 15 * MINUTE + 35 * SECOND) == 304


def test_while_an_infusion_runs_the_amount_is_always_drawn_anew(
    session: Session, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    clock.stand_at(FIRST)
    page = Page(log_in(nurse.user), session, clock)
    assert page.asks(FIRST + 4 * MINUTE) == 200
    assert page.shows("5 ml, 10 %")
    assert page.asks(FIRST + 4 * MINUTE + 16 * SECOND) == 200
    assert page.shows("5.3 ml")


def test_what_happens_to_somebody_else_is_no_news(page: Page, elses: Session, other_nurse: Actor) -> None:
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    reading = sent("reading", now, instrument="HR", value="80", nominal_min=-15)
    all_saved(said(elses, other_nurse, now, reading, *good_answers(elses, now)[:2]))
    all_saved(said(elses, other_nurse, now, sent("strike", now, of=reading["id"], reason="slip of the pen")))
    assert page.asks(now + SECOND) == 304
    with CaptureQueriesContext(connection) as questions:
        assert page.asks(now + 2 * SECOND) == 304
    assert len(questions) <= 10, [each["sql"][:90] for each in questions]


def test_every_kind_of_news_about_this_person_is_told(
    page: Page, observed: Session, elses: Session, nurse: Actor, clinician: Actor
) -> None:
    """Not only entries: side effects, concerns, other drugs; each between news of somebody else."""
    person = observed.participant
    now = FIRST + 3 * MINUTE

    def event() -> AdverseEvent:
        return safety.record_event(
            entry=uuid4(), participant=person, term="Nausea", severity="mild", started_at=now,
            source=f"session/{observed.pk}", by=nurse, at=now,
        )  # fmt: skip

    def concern() -> None:
        safety.raise_by_hand(
            entry=uuid4(), participant=person, text="Sounded hopeless", because="said so", owner="clinician",
            due_at=now + timedelta(hours=1), by=clinician, at=now,
        )  # fmt: skip

    def drug() -> None:
        values = {"name": "lithium", "drug_class": "lithium", "dose": "900 mg in the evening"}
        others.record_drug(participant=person, values=values, by=clinician, at=now)

    acts: tuple[Callable[[], object], ...] = (event, concern, drug)
    for act in acts:
        assert page.asks(now) in (200, 304)
        assert page.asks(now) == 304
        other = sent("reading", now, instrument="HR", value="80", row=str(uuid4()))
        all_saved(said(elses, nurse, now, other))
        assert page.asks(now) == 304
        act()
        all_saved(said(elses, nurse, now, sent("strike", now, of=other["id"], reason="slip of the pen")))
        assert page.asks(now) == 200, act.__name__
    assert page.shows("Nausea")
    assert page.shows("lithium")


def test_what_comes_to_speak_against_a_dose_is_told_until_it_began(
    session: Session, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    person, at = session.participant, ARRIVAL + MINUTE
    assert nurse.user is not None
    assert clinician.user is not None
    clock.stand_at(at)
    page = Page(log_in(nurse.user), session, clock)
    assert page.asks(at) == 200
    assert page.told["parts"]["against"].strip() == ""
    values = {"name": "lorazepam", "drug_class": "benzodiazepine", "dose": "1 mg at night"}
    others.record_drug(participant=person, values=values, by=clinician, at=at)
    watch.decide_stopping(
        participant=person, rule="pregnancy", decision="stop", seen="", reason="the test is positive",
        proof=Proof(clinician.user, at), by=clinician, at=at,
    )  # fmt: skip
    assert page.asks(at + SECOND) == 200
    told = page.told["parts"]["against"]
    assert "A reason to stop, by the protocol: The person is pregnant." in told
    assert "lorazepam" in told
    whole = page.client.get(reverse("session", args=["main", session.pk])).content.decode()
    assert told.strip() in whole
    Session.objects.filter(pk=session.pk).update(began_at=at)
    page.told = {}
    assert page.asks(at + 2 * SECOND) == 200
    assert page.told["parts"]["against"].strip() == ""


def test_what_cannot_be_told_apart_counts_as_news(page: Page, facility: Facility, as_owner: Actor) -> None:
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    accounts.change_facility(
        facility=facility, version=facility.version, values={"rooms": "Window"}, reason="one room", by=as_owner, at=now
    )
    assert page.asks(now) == 200


def test_the_answer_to_an_entry_brings_the_mark_along(page: Page, observed: Session) -> None:
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    entry = sent("reading", now, instrument="HR", value="77", nominal_min=10)
    answer = page.client.post(page.entries, json.dumps([entry]), content_type="application/json").json()
    assert answer["results"][0]["state"] == "saved"
    assert answer["mark"] != page.told["mark"]
    page.told = answer
    assert page.asks(now + SECOND) == 304


def test_another_reader_another_role_and_nonsense_get_the_whole(
    page: Page, observed: Session, elses: Session, other_nurse: Actor, facility: Facility, as_owner: Actor,
    log_in: LogIn, clock: Clock,
) -> None:  # fmt: skip
    now = FIRST + 3 * MINUTE
    assert page.asks(now) == 200
    mine = page.told["mark"]
    assert other_nurse.user is not None
    for client, session in ((log_in(other_nurse.user), observed), (page.client, elses)):
        another = Page(client, session, clock)
        another.told = {"mark": mine}
        assert another.asks(now) == 200
    for nonsense in (
        "",
        '"',
        '"1|2|3"',
        '"x|2026-03-23T09:00:00|y"',
        mine[:-8],
        "9" * 5000,
        mine.replace("|", "|9", 1),
    ):
        page.told = {"mark": nonsense}
        assert page.asks(now) == 200, nonsense
    page.told = {"mark": mine}
    assert page.asks(now) == 304
    nurse = Session.objects.get(pk=observed.pk).readings.first()
    assert nurse is not None
    assert nurse.by is not None
    accounts.give_role(user=nurse.by, role=Role.CLINICIAN, facility=facility, by=as_owner, at=now)
    assert page.asks(now) == 200


def test_a_mark_comes_back_as_it_was_written() -> None:
    mark = Mark(sequence=41, until=FIRST, whose="nobody")
    assert read_mark(str(mark)) == mark
    # As some proxies send it on after they have compressed the answer.
    assert read_mark(f"W/{mark}") == mark
    assert read_mark(str(mark).replace("+01:00", "")) is None


def test_the_parts_are_the_same_on_the_page_and_when_asked_again(
    observed: Session, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    """They are drawn without the page's frame: nothing that the frame knows is missing in them."""
    now = FIRST + 3 * MINUTE
    safety.raise_by_hand(
        entry=uuid4(), participant=observed.participant, text="Sounded hopeless", because="said so", owner="clinician",
        due_at=now + timedelta(hours=1), by=clinician, at=now,
    )  # fmt: skip
    assert clinician.user is not None
    clock.stand_at(now)
    client = log_in(clinician.user)
    whole = client.get(reverse("session", args=["main", observed.pk])).content.decode()
    parts = client.get(reverse("session_state", args=["main", observed.pk])).json()["parts"]
    assert "Take it" in parts["head"]
    for name, part in parts.items():
        assert part.strip() in whole, name
