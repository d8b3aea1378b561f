"""The board: every room and phase, what is due and late, nothing that unmasks, the same cost however many there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tests.clinic.conftest import Clock
from tests.clinic.floor.busy import busy_floor
from tests.clinic.floor.conftest import ARRIVAL, FIRST
from tests.clinic.floor.making import (
    CALM,
    all_saved,
    arrived,
    begun,
    made_ready,
    person_with_plan,
    prepared,
    said,
    sent,
    signed_version,
)

from upturn_clinic.accounts import actions as accounts
from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.accounts.proof import Proof
from upturn_clinic.floor.board.queries import Card, picture
from upturn_clinic.floor.models import Reading, Session
from upturn_clinic.floor.queries import whole
from upturn_clinic.floor.screens import session_screen
from upturn_clinic.participants.queries import consent_of
from upturn_clinic.participants.screening.actions import withdraw_consent
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
LogIn = Callable[[User], Client]


@pytest.fixture
def rooms(facility: Facility, as_owner: Actor) -> Facility:
    return accounts.change_facility(
        facility=facility, version=facility.version, values={"rooms": "Window\nGarden\nQuiet"}, reason="three rooms",
        by=as_owner, at=ARRIVAL,
    )  # fmt: skip


def only_card(facility: Facility, reader: Actor, now: datetime) -> Card:
    board = picture(facility, reader, now=now)
    (card,) = [*board.elsewhere, *(card for room in board.rooms for card in room.cards)]
    return card


def test_the_rooms_are_the_facilitys_and_a_free_one_is_shown(rooms: Facility, infusions: Plan, nurse: Actor) -> None:
    arrived(infusions, nurse, ARRIVAL, room="Garden")
    board = picture(rooms, nurse, now=ARRIVAL)
    assert [(room.name, len(room.cards)) for room in board.rooms] == [("Window", 0), ("Garden", 1), ("Quiet", 0)]
    # A room that was renamed since still shows who is in it.
    Session.objects.update(room="Old room")
    board = picture(rooms, nurse, now=ARRIVAL)
    assert [room.name for room in board.rooms] == ["Window", "Garden", "Quiet", "Old room"]
    assert len(board.rooms[-1].cards) == 1


def test_a_session_from_phase_to_phase(session: Session, facility: Facility, nurse: Actor, clinician: Actor) -> None:
    card = only_card(facility, nurse, ARRIVAL + MINUTE)
    assert (card.phase, card.since) == ("arriving", "here since 08:30")
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    card = only_card(facility, nurse, FIRST - 4 * MINUTE)
    assert (card.phase, card.since) == ("ready for the dose", "ready since 08:55")
    begun(session, nurse, FIRST)
    card = only_card(facility, nurse, FIRST + 7 * MINUTE)
    assert (card.phase, card.since) == ("dosing", "7 min since the dose began")
    assert card.next.startswith("09:10 (in 3 min): SBP")
    assert card.notes == ("Stays until 11:00 at least",)
    assert not card.is_late
    all_saved(said(session, nurse, FIRST + 8 * MINUTE, sent("pause", FIRST + 8 * MINUTE, because="felt sick")))
    assert "Paused" in only_card(facility, nurse, FIRST + 9 * MINUTE).notes
    all_saved(said(session, nurse, FIRST + 10 * MINUTE, sent("stop", FIRST + 10 * MINUTE, because="wants to stop")))
    assert only_card(facility, nurse, FIRST + 11 * MINUTE).phase == "observing"
    Session.objects.update(may_leave_at=FIRST + 100 * MINUTE)
    card = only_card(facility, nurse, FIRST + 101 * MINUTE)
    assert card.phase == "ready to leave"
    assert "Called ready at 10:40" in card.notes
    Session.objects.update(left_at=FIRST + 130 * MINUTE, left_how="against advice")
    board = picture(facility, nurse, now=FIRST + 131 * MINUTE)
    assert (board.open, [each.words for each in board.gone]) == (0, ["left 11:10, against advice"])
    # Tomorrow nobody of today is on the board.
    assert picture(facility, nurse, now=FIRST + timedelta(days=1)).gone == ()


def test_what_is_late_is_told_with_how_long(session: Session, facility: Facility, nurse: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    assert only_card(facility, nurse, FIRST + 15 * MINUTE).late == ()
    card = only_card(facility, nurse, FIRST + 16 * MINUTE)
    assert card.late == ("SBP, DBP, HR, SpO2, MOAA/S: due 09:10, 6 min ago",)
    at = FIRST + 16 * MINUTE
    all_saved(said(session, nurse, at, *(sent("reading", at, instrument=name, value=CALM[name], nominal_min=10)
                                         for name in ("SBP", "DBP", "HR", "SpO2"))))  # fmt: skip
    assert only_card(facility, nurse, at).late == ("MOAA/S: due 09:10, 6 min ago",)
    assert picture(facility, nurse, now=at).late == 1


@pytest.mark.parametrize("hours", [1, 6])
def test_who_is_early_is_measured_before_the_dose_and_not_by_the_plan(
    infusions: Plan, facility: Facility, nurse: Actor, hours: int
) -> None:
    now = FIRST - timedelta(hours=hours)
    arrived(infusions, nurse, now)
    assert only_card(facility, nurse, now).next.startswith("before the dose: SBP")


def test_what_is_late_by_hours_reads_hours(session: Session, facility: Facility, nurse: Actor) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    card = only_card(facility, nurse, FIRST + timedelta(hours=13))
    assert card.late[0] == "SBP, DBP, HR, SpO2, MOAA/S: due 09:10, 12 h 50 min ago"
    assert card.since == "780 min since the dose began"


def test_a_closed_gate_waits_on_the_board_until_somebody_writes_what_was_done(
    session: Session, facility: Facility, nurse: Actor
) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST)
    at = FIRST + 10 * MINUTE
    all_saved(said(session, nurse, at, sent("reading", at, instrument="SpO2", value="88", nominal_min=10)))
    (waiting,) = only_card(facility, nurse, at).waiting
    # In the words of the session's own page, though the board reads plain rows and that page records.
    (closed,) = (each for each in session_screen(whole(session), nurse, now=at)["closed"])
    assert waiting == f"{closed.standing.text} {' or '.join(closed.standing.because)}"
    assert "xygen" in waiting
    assert waiting.endswith("SpO2 88 % is below 92 %")


def test_an_emergency_and_a_consent_taken_back_are_seen_at_once(
    session: Session, facility: Facility, nurse: Actor, clinician: Actor
) -> None:
    assert picture(facility, nurse, now=FIRST).emergencies == ()
    consent = consent_of(session.participant)
    assert consent is not None
    withdraw_consent(consent=consent, version=consent.version, reason="asks to", by=clinician, at=FIRST)
    opened = sent("emergency", FIRST, step="opened", gate="", signs=[], who="", note="")
    all_saved(said(session, nurse, FIRST, opened))
    board = picture(facility, nurse, now=FIRST)
    (card,) = board.emergencies
    assert card.key == session.pk
    assert card.held[0] == "Consent was withdrawn at 09:00. No dose may begin or go on."
    page = render_to_string("floor/board_rooms.html", {"here": facility, "board": board})
    assert page.index("Emergency path is open") < page.index("session now")


def test_expected_today_until_they_arrive(infusions: Plan, facility: Facility, nurse: Actor) -> None:
    (one,) = picture(facility, nurse, now=ARRIVAL).expected
    assert (one.words, one.is_late) == ("09:00, dose 1", False)
    assert picture(facility, nurse, now=FIRST + MINUTE).expected[0].is_late
    assert picture(facility, nurse, now=FIRST - timedelta(days=1)).expected == ()
    arrived(infusions, nurse, ARRIVAL)
    assert picture(facility, nurse, now=ARRIVAL).expected == ()


def test_the_page_and_its_picture(
    session: Session, facility: Facility, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    clock.stand_at(ARRIVAL + MINUTE)
    client = log_in(nurse.user)
    page = client.get(reverse("floor", args=["main"])).content.decode()
    assert session.participant.pseudonym in page
    assert "no alarm system" in page
    alone = client.get(reverse("floor_picture", args=["main"])).content.decode()
    assert alone.strip() in page
    assert "<html" not in alone


def test_nothing_new_costs_nothing_and_anything_new_is_told(
    session: Session, facility: Facility, elsewhere: Facility, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    now = ARRIVAL.replace(second=10)
    clock.stand_at(now)
    client = log_in(nurse.user)
    address = reverse("floor_picture", args=["main"])
    first = client.get(address)
    tag = first.headers["ETag"]

    def asked() -> int:
        return client.get(address, headers={"If-None-Match": tag}).status_code

    with CaptureQueriesContext(connection) as questions:
        answer = client.get(address, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["X-Upturn-Clock"]) == (304, b"", "08:30:10")
    # Who asks, what they may do, and one row of the trail.
    assert len(questions) <= 6, [each["sql"][:80] for each in questions]
    clock.stand_at(now + timedelta(seconds=40))
    assert asked() == 304
    # What happens at another facility is not news here.
    accounts.create_person(email="far@example.org", name="Far", password="x" * 12, by=Actor(None, elsewhere), at=now)
    assert asked() == 304
    # A reading is; and so is the next minute.
    all_saved(said(session, nurse, now, sent("reading", now, instrument="HR", value="80", nominal_min=-15)))
    renewed = client.get(address, headers={"If-None-Match": tag})
    assert renewed.status_code == 200
    tag = renewed.headers["ETag"]
    assert asked() == 304
    clock.stand_at(now + timedelta(seconds=60))
    assert asked() == 200


def test_by_emergency_access_the_board_does_not_renew_itself(
    session: Session, facility: Facility, elsewhere: Facility, make_person: Callable[..., User], log_in: LogIn,
    clock: Clock,
) -> None:  # fmt: skip
    """Each page opened that way has a row in the trail: a page that asks by itself would bury the others."""
    clock.stand_at(ARRIVAL)
    helper = make_person("Helper", elsewhere, Role.SESSION_NURSE)
    by = Actor(helper, elsewhere, frozenset({Role.SESSION_NURSE}))
    accounts.open_emergency_access(
        facility=facility, reason="A participant collapsed.", proof=Proof(helper, ARRIVAL), by=by, at=ARRIVAL
    )
    page = log_in(helper).get(reverse("floor", args=["main"])).content.decode()
    assert session.participant.pseudonym in page
    assert "board.js" not in page


def test_a_line_turns_late_at_its_second_without_anything_written(
    session: Session, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    made_ready(session, nurse, FIRST - 5 * MINUTE)
    begun(session, nurse, FIRST + timedelta(seconds=25))
    assert nurse.user is not None
    assert clinician.user is not None
    client, address = log_in(nurse.user), reverse("floor_picture", args=["main"])

    def asks(at: datetime, mark: str, by: Client = client) -> tuple[int, str, str]:
        clock.stand_at(at)
        answer = by.get(address, headers={"If-None-Match": mark})
        return answer.status_code, answer.headers["ETag"], answer.content.decode()

    # Due ten minutes after 09:00:25, late five minutes after that.
    late = FIRST + 15 * MINUTE + timedelta(seconds=25)
    status, mark, board = asks(late - timedelta(seconds=20), "")
    assert (status, "Late" in board) == (200, False)
    assert asks(late - timedelta(seconds=1), mark)[0] == 304
    status, mark, board = asks(late + timedelta(seconds=1), mark)
    assert (status, "Late" in board) == (200, True)
    # Another reader has a picture of their own.
    assert asks(late + timedelta(seconds=2), mark, log_in(clinician.user))[0] == 200
    assert asks(late + timedelta(seconds=2), mark)[0] == 304


def questions_of(client: Client, name: str) -> int:
    client.get(reverse(name, args=["main"]))
    with CaptureQueriesContext(connection) as questions:
        assert client.get(reverse(name, args=["main"])).status_code == 200
    return len(questions)


@pytest.mark.parametrize("name", ["floor", "floor_picture"])
def test_the_board_asks_the_same_number_of_questions_however_many_sessions(
    name: str, infusions: Plan, rooms: Facility, nurse: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    clock.stand_at(FIRST)
    client = log_in(nurse.user)
    busy_floor(infusions, nurse.user, now=FIRST, sessions=1, times=3)
    few = questions_of(client, name)
    busy_floor(infusions, nurse.user, now=FIRST, sessions=19, times=9, left=80)
    many = questions_of(client, name)
    assert many == few
    assert many <= 24


@pytest.mark.parametrize(
    "name",
    ["session", "session_state", "leaving", "leave", "leave_against_advice", "decide_leaving", "take_home_sheet"],
)
def test_a_page_of_a_session_asks_no_more_when_the_day_is_full(
    name: str, infusions: Plan, rooms: Facility, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    assert nurse.user is not None
    assert clinician.user is not None
    clock.stand_at(FIRST)
    client = log_in(clinician.user)
    counts = []
    for sessions, times, left in ((1, 2, 0), (10, 20, 30)):
        busy_floor(infusions, nurse.user, now=FIRST, sessions=sessions, times=times, left=left)
        one = Session.objects.filter(left_at=None, began_at__isnull=False).order_by("-began_at").last()
        assert one is not None
        address = reverse(name, args=["main", one.pk])
        client.get(address)
        with CaptureQueriesContext(connection) as questions:
            assert client.get(address).status_code == 200
        counts.append(len(questions))
    assert counts[1] <= counts[0], name
    assert counts[1] <= 45, name


def test_a_masked_arm_shows_nothing_of_itself(
    facility: Facility, nurse: Actor, clinician: Actor, log_in: LogIn, clock: Clock
) -> None:
    """The arm of a person does not change a letter of the picture: ketamine beside midazolam, at every phase."""
    pictures: dict[str, list[str]] = {}
    for arm in ("ketamine", "midazolam"):
        before = ARRIVAL - timedelta(days=1)
        version = signed_version("six-infusions", clinician, before)
        plan = person_with_plan(version, arm, clinician, begins_at=FIRST, at=before)
        assert clinician.user is not None
        assert nurse.user is not None
        prepared(plan.doses.get(number=1), clinician, nurse.user, ARRIVAL)
        session = arrived(plan, nurse, ARRIVAL)
        made_ready(session, nurse, FIRST - 5 * MINUTE)
        begun(session, nurse, FIRST)
        shown = []
        for minute in (0, 5, 16, 40, 100):
            clock.stand_at(FIRST + minute * MINUTE)
            page = log_in(nurse.user).get(reverse("floor_picture", args=["main"])).content.decode()
            cards = re.findall(r"<article.*?</article>", page, flags=re.S)
            mine = next(card for card in cards if session.participant.pseudonym in card)
            shown.append(mine.replace(session.participant.pseudonym, "X").replace(str(session.pk), "key"))
        pictures[arm] = shown
        assert not any(word in text for text in shown for word in ("ketamine", "midazolam"))
    assert pictures["ketamine"] == pictures["midazolam"]


def test_the_board_of_two_facilities_are_apart(session: Session, elsewhere: Facility, nurse: Actor) -> None:
    there = Actor(nurse.user, elsewhere, frozenset({Role.SESSION_NURSE}))
    assert picture(elsewhere, there, now=ARRIVAL).open == 0


def test_a_day_of_readings_is_a_day(infusions: Plan, facility: Facility, nurse: Actor) -> None:
    """The floor of the benchmark holds what it says: more than 5,000 rows, on 20 open sessions and 80 that are over."""
    assert nurse.user is not None
    busy_floor(infusions, nurse.user, now=FIRST, sessions=20, times=9, left=80)
    assert Reading.objects.count() > 5000
    board = picture(facility, nurse, now=FIRST)
    assert (board.open, len(board.gone)) == (20, 80)
