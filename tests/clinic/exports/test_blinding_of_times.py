"""What was really given, and when, changes nothing on any page of a blinded rater.

The same person lives through several stories that differ in the doses alone: given late, early, on another day, missed,
cancelled, followed by a booster. A rater's pages are compared after each, to the letter. The team's pages differ: a
comparison that finds the same everywhere would prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import F
from django.test import Client
from django.urls import get_resolver, reverse
from tests.clinic.conftest import Clock
from tests.clinic.exports.conftest import COPENHAGEN
from tests.clinic.exports.test_blinding import NOT_WALKED, keys_by_model, patterns
from tests.clinic.floor.making import given_in_session
from tests.clinic.participants.making import enrolled, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.queries import baseline_for, due_for, trends_of
from upturn_clinic.participants.models import Participant
from upturn_clinic.treatments import actions, queries
from upturn_clinic.treatments.boosters import actions as boosters
from upturn_clinic.treatments.models import Dose, Plan, Visit
from upturn_clinic.treatments.screens import plan_screen

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 20, 8, 0, tzinfo=COPENHAGEN)
FIRST = datetime(2026, 3, 23, 9, 0, tzinfo=COPENHAGEN)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
Story = Callable[[Plan, Actor, User], None]


@pytest.fixture
def plan(clinician: Actor) -> Plan:
    """Six infusions in an open arm, where boosters can be decided on; no dose yet."""
    before = NOW - DAY
    person = enrolled(registered(version_in_force(clinician, before), clinician, before), clinician, NOW)
    return actions.make_plan(participant=person, begins_at=FIRST, by=clinician, at=NOW)


@pytest.fixture
def rater(make_person: Callable[..., User], plan: Plan) -> User:
    return make_person("Rita", plan.facility, Role.RATER)


@pytest.fixture
def rated(plan: Plan, rater: User) -> Plan:
    """One blinded rating from before treatment, one of day 7: a response, by the protocol."""
    by = Actor(rater, plan.facility, frozenset({Role.RATER}))
    for each, at, planned_h in ((4, NOW, None), (1, FIRST + 7 * DAY, 168)):
        record_rating(
            participant=plan.participant, instrument="MADRS", answers=dict.fromkeys(map(str, range(1, 11)), each),
            rated_at=at, planned_h=planned_h, rater_kind="blinded", by=by, at=at,
        )  # fmt: skip
    return plan


def dose(plan: Plan, number: int) -> Dose:
    return Dose.objects.select_related("plan__participant__facility", "plan__facility").get(plan=plan, number=number)


def visit(plan: Plan, encounter: str) -> Visit:
    return Visit.objects.select_related("plan__participant", "plan__facility").get(plan=plan, encounter=encounter)


def give(plan: Plan, number: int, at: datetime, by: Actor, checker: User) -> None:
    day = FIRST.date() + (number - 1) * 2 * DAY
    because = "" if at.astimezone(COPENHAGEN).date() == day else "put off, the weather"
    given_in_session(dose(plan, number), by, checker, at, amount=Decimal("40.3"), because=because)


def nothing(plan: Plan, by: Actor, checker: User) -> None:
    """No dose was given."""


def given_at(*times: datetime) -> Story:
    def story(plan: Plan, by: Actor, checker: User) -> None:
        for number, at in enumerate(times, start=1):
            give(plan, number, at, by, checker)

    return story


def given_up(*, is_missed: bool) -> Story:
    def story(plan: Plan, by: Actor, checker: User) -> None:
        one = dose(plan, 1)
        actions.end_due(
            due=one, version=one.version, is_missed=is_missed, reason="ill", by=by, at=FIRST + 6 * HOUR
        )  # fmt: skip

    return story


def with_booster(plan: Plan, by: Actor, checker: User) -> None:
    give(plan, 1, FIRST + 17 * MINUTE, by, checker)
    boosters.decide_booster(
        participant=plan.participant, planned_at=FIRST + 8 * DAY, reason="sinking", by=by, at=FIRST + HOUR
    )


STORIES: dict[str, Story] = {
    "on the minute": given_at(FIRST),
    "late": given_at(FIRST + 17 * MINUTE),
    "early": given_at(FIRST - 19 * MINUTE),
    "a day late": given_at(FIRST + DAY + 17 * MINUTE),
    "two doses, the second late": given_at(FIRST, FIRST + 3 * DAY + 17 * MINUTE),
    "missed": given_up(is_missed=True),
    "cancelled": given_up(is_missed=False),
    "with a booster": with_booster,
}


def plain(body: bytes) -> str:
    """A page without what is drawn anew at each look."""
    return re.sub(r"[\w-]{40,}", "…", body.decode("utf-8", errors="replace"))


def addresses(person: Participant, keys: dict[str, list[str]]) -> list[str]:
    """All that a rater can open about one person or the whole facility, with what can be asked of it."""
    known = {"participant": [str(person.pk)], "facility": [person.facility.slug], "rating": keys["rating"],
             "programme": keys["programme"], "version": keys["protocolversion"]}  # fmt: skip
    found: list[str] = []
    for pattern in patterns(get_resolver().url_patterns):
        names = list(pattern.pattern.converters)
        if not pattern.name or pattern.name.startswith(NOT_WALKED) or not set(names) <= set(known):
            continue
        keys_of_it: list[dict[str, str]] = [{}]
        for name in names:
            keys_of_it = [{**each, name: key} for each in keys_of_it for key in known[name]]
        found += [reverse(pattern.name, kwargs=each) for each in keys_of_it]
    here, key = person.facility.slug, person.pk
    views = [f"?view={view}&on=2026-{on}" for view in ("list", "month", "week") for on in ("03-23", "03-30", "04-06")]
    return [
        *found, *(reverse("plan", args=[here, key]) + each for each in views),
        *(reverse("upcoming", args=[here]) + f"?show={each}" for each in ("late", "today", "week")),
        reverse("enter_rating", args=[here, key]) + "?instrument=MADRS",
    ]  # fmt: skip


def opened(client: Client, paths: list[str]) -> dict[str, str]:
    """What opens, and what it says."""
    answers = {path: client.get(path) for path in paths}
    return {path: plain(each.content) for path, each in answers.items() if each.status_code == 200}


@pytest.mark.parametrize("after", [timedelta(hours=3), timedelta(hours=27), timedelta(days=8, hours=1)], ids=str)
def test_no_page_of_a_rater_differs_with_what_was_given(
    rated: Plan, rater: User, after: timedelta, clinician: Actor, make_person: Callable[..., User],
    log_in: Callable[[User], Client], clock: Clock,
) -> None:  # fmt: skip
    checker, nurse = (make_person(name, rated.facility, Role.SESSION_NURSE) for name in ("Cleo", "Nils"))
    here, key = rated.facility.slug, rated.participant_id
    to_rater, to_nurse, team = log_in(rater), log_in(nurse), [reverse("plan", args=[here, key])]
    clock.stand_at(FIRST + after)

    def told(story: Story, paths: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        before = transaction.savepoint()
        story(rated, clinician, checker)
        found = opened(to_rater, paths), opened(to_nurse, team)
        transaction.savepoint_rollback(before)
        return found

    usual, of_the_team = told(nothing, addresses(rated.participant, keys_by_model()))
    for page in ("plan", "ratings", "trends", "participant"):
        assert reverse(page, args=[here, key]) in usual
    assert "Day 7" in usual[team[0]]
    for name, story in STORIES.items():
        found, seen_by_the_team = told(story, list(usual))
        assert [path for path in usual if found.get(path) != usual[path]] == [], name
        assert seen_by_the_team != of_the_team, name


def test_no_time_of_a_dose_stands_anywhere(
    rated: Plan, rater: User, clinician: Actor, make_person: Callable[..., User], log_in: Callable[[User], Client],
    clock: Clock,
) -> None:  # fmt: skip
    give(rated, 1, FIRST + 17 * MINUTE, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    clock.stand_at(FIRST + DAY)
    paths, client = addresses(rated.participant, keys_by_model()), log_in(rater)
    for path, page in opened(client, paths).items():
        for told in ("09:17", "08:17", "hours after the first dose", "h after the first dose", "Visits and doses"):
            assert told not in page, path


def test_a_raters_plan_holds_the_visits_that_they_rate_at_and_nothing_of_the_others(
    rated: Plan, rater: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    clock.stand_at(FIRST - DAY)
    client, here = log_in(rater), rated.facility.slug
    for view in ("list", "month"):
        page = client.get(reverse("plan", args=[here, rated.participant_id]), {"view": view, "on": "2026-03-23"})
        text = page.content.decode()
        assert set(map(int, re.findall(r"Day (\d+)", text))) & set(range(1, 14)) == {1, 3, 7}, view
        assert "CADSS" not in text
        assert "PHQ-9" not in text
        for word in ("planned", "late", "done", "moved", "outside the window"):
            assert not re.search(rf">[^<]*\b{word}\b[^<]*</(td|li|strong|span)>", text), (view, word)
    week = client.get(reverse("upcoming", args=[here]), {"show": "week"}).content.decode()
    assert set(map(int, re.findall(r"Day (\d+)", week))) == {0, 1, 3}
    assert "Late" not in week.partition("<main")[2]


def test_a_rater_compares_with_no_value_from_before_treatment(rated: Plan, rater: User, clinician: Actor) -> None:
    reader = Actor(rater, rated.facility, frozenset({Role.RATER}))
    Dose.objects.filter(plan=rated, number=1).update(state="given", given_at=FIRST)
    assert baseline_for(rated.participant, "MADRS", reader) is None
    [trend] = trends_of(rated.participant, reader)
    assert trend.baseline is None
    assert trend.marks == ()
    assert [row.point.value for row in trend.rows] == [40, 10]
    assert not any(row.states or row.marks or row.is_baseline or row.change for row in trend.rows)
    assert baseline_for(rated.participant, "MADRS", clinician) is not None


def slots(plan: Plan, reader: Actor, at: datetime) -> dict[float, tuple[datetime, datetime]]:
    found = due_for(plan.participant, at=at, reader=reader)
    return {each.planned_h: (each.slot.target, each.slot.latest) for each in found if each.rater_kind == "blinded"}


def test_what_is_planned_by_hand_is_told_to_raters(
    rated: Plan, rater: User, clinician: Actor, make_person: Callable[..., User]
) -> None:
    reader = Actor(rater, rated.facility, frozenset({Role.RATER}))
    before = slots(rated, reader, FIRST)
    # The first dose is put off by a day: its own visit and all that is counted from it go along.
    one = dose(rated, 1)
    actions.move_due(due=one, version=one.version, planned_at=FIRST + DAY, reason="ill", by=clinician, at=NOW)
    after = slots(rated, reader, FIRST)
    assert {hours: after[hours][0] - before[hours][0] for hours in (2, 24, 168)} == dict.fromkeys((2, 24, 168), DAY)
    # Then it is given at another hour of that day: nothing more is told.
    give(rated, 1, FIRST + DAY + 4 * HOUR, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    assert slots(rated, reader, FIRST) == after
    # A visit that is moved by hand goes alone, and is told also where the team's plan stands there already.
    week = visit(rated, "day-14")
    for planned_at in (FIRST + 17 * DAY, week.target):
        week = actions.move_due(
            due=visit(rated, "day-14"), version=visit(rated, "day-14").version, planned_at=planned_at, reason="away",
            by=clinician, at=FIRST + 2 * DAY,
        )  # fmt: skip
        moved = slots(rated, reader, FIRST)
        assert moved[336][0] == planned_at
        assert {hours: slot for hours, slot in moved.items() if hours != 336} == {
            hours: slot for hours, slot in after.items() if hours != 336
        }


def test_the_team_sees_when_raters_are_told_another_time_and_can_tell_them(
    rated: Plan, rater: User, clinician: Actor, colleague: User, make_person: Callable[..., User],
    log_in: Callable[[User], Client], clock: Clock,
) -> None:  # fmt: skip
    reader = Actor(rater, rated.facility, frozenset({Role.RATER}))
    give(rated, 1, FIRST + DAY + 17 * MINUTE, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    clock.stand_at(FIRST + DAY + HOUR)
    client, here, key = log_in(colleague), rated.facility.slug, rated.participant_id
    page = re.sub("<[^>]*>", "", client.get(reverse("ratings", args=[here, key])).content.decode())
    assert "Raters see another time, 23 Mar, 11:00: call the rater." in page
    plan = client.get(reverse("plan", args=[here, key])).content.decode()
    assert "raters are told another time: Mon 30 Mar" in plan
    # They are told by an act of a person: the days, and no minute of a dose.
    tell = reverse("tell_raters", args=[here, key])
    assert tell in plan
    before = slots(rated, reader, FIRST)
    assert client.post(tell, sent(client, tell, "the weather")).status_code == 302
    after = slots(rated, reader, FIRST)
    assert {hours: after[hours][0] - before[hours][0] for hours in after} == dict.fromkeys(after, DAY)
    assert "raters are told" not in client.get(reverse("plan", args=[here, key])).content.decode()
    again = client.post(tell, {"version": rated.version, "reason": "once more"})
    assert "Raters know the days of this plan already." in again.content.decode()


def sent(client: Client, address: str, reason: str) -> dict[str, str]:
    """What a browser sends of the page on which raters are told: its hidden fields as they stand, and a reason."""
    page = client.get(address).content.decode()
    found = dict(re.findall('type="hidden" name="(version|seen)" value="([^"]*)"', page))
    assert set(found) == {"version", "seen"}
    return {**found, "reason": reason}


def test_raters_are_told_what_was_on_screen_and_nothing_else(
    rated: Plan, rater: User, clinician: Actor, colleague: User, make_person: Callable[..., User],
    log_in: Callable[[User], Client], clock: Clock,
) -> None:  # fmt: skip
    reader = Actor(rater, rated.facility, frozenset({Role.RATER}))
    give(rated, 1, FIRST + 2 * DAY + 17 * MINUTE, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    clock.stand_at(FIRST + 2 * DAY + HOUR)
    client, tell = log_in(colleague), reverse("tell_raters", args=[rated.facility.slug, rated.participant_id])
    read, before = sent(client, tell, "the weather"), slots(rated, reader, FIRST)
    assert "Wed 1 Apr 2026, 09:00" in client.get(tell).content.decode()
    # Meanwhile the day of the dose is corrected: day 7 is not the day that was read.
    Dose.objects.filter(plan=rated, number=1).update(given_at=FIRST + DAY + 17 * MINUTE)
    page = client.post(tell, read).content.decode()
    assert "The days have changed meanwhile." in page
    assert slots(rated, reader, FIRST) == before
    # What this page shows can be told from it.
    assert "Tue 31 Mar 2026, 09:00" in page
    [mark] = re.findall('name="seen" value="([^"]*)"', page)
    assert client.post(tell, {**read, "seen": mark}).status_code == 302
    assert slots(rated, reader, FIRST)[168][0] == FIRST.replace(day=31)


def test_of_a_rating_that_is_over_nobody_is_to_be_called(
    rated: Plan, clinician: Actor, colleague: User, make_person: Callable[..., User], log_in: Callable[[User], Client],
    clock: Clock,
) -> None:  # fmt: skip
    give(rated, 1, FIRST + DAY + 17 * MINUTE, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    # The rating of two hours after the dose: open from 10:47 until 11:47.
    address = reverse("ratings", args=[rated.facility.slug, rated.participant_id])
    for minutes, is_called in ((166, True), (168, False)):
        clock.stand_at(FIRST + DAY + minutes * MINUTE)
        page = re.sub("<[^>]*>", "", log_in(colleague).get(address).content.decode())
        assert ("Raters see another time, 23 Mar, 11:00: call the rater." in page) == is_called
        assert "Raters see another time, 24 Mar, 09:00: call the rater." in page


def test_only_what_is_still_to_come_is_told_anew_and_the_page_shows_it_before(
    rated: Plan, rater: User, clinician: Actor, colleague: User, make_person: Callable[..., User],
    log_in: Callable[[User], Client], clock: Clock,
) -> None:  # fmt: skip
    reader, here = Actor(rater, rated.facility, frozenset({Role.RATER})), rated.facility.slug
    give(rated, 1, FIRST + DAY + 17 * MINUTE, clinician, make_person("Cleo", rated.facility, Role.SESSION_NURSE))
    clock.stand_at(FIRST + 3 * DAY + HOUR)
    client, tell = log_in(colleague), reverse("tell_raters", args=[here, rated.participant_id])
    page = client.get(tell).content.decode()
    rows = [re.sub("<[^>]*>", " ", each).split() for each in re.findall("(?s)<tr>.*?</tr>", page)]
    # Day 1 was yesterday by this plan, Dose 1 the day before: over, though nobody wrote down that visit.
    assert [" ".join(each) for each in rows[1:3]] == [
        "Day 3 MADRS Thu 26 Mar 2026, 09:00 Fri 27 Mar 2026, 09:00",
        "Day 7 MADRS Mon 30 Mar 2026, 09:00 Tue 31 Mar 2026, 09:00",
    ]
    plan = reverse("plan", args=[here, rated.participant_id])
    assert f'<a href="{plan}">Plan of {rated.participant.pseudonym}</a>' in page
    assert f'<a class="button plain" href="{plan}">Cancel</a>' in page
    assert "raters are told another time: Tue 24 Mar" not in client.get(plan).content.decode()
    before = slots(rated, reader, FIRST)
    assert client.post(tell, sent(client, tell, "the weather")).status_code == 302
    after = slots(rated, reader, FIRST)
    moved = {hours for hours in after if after[hours] != before[hours]}
    assert moved == {hours for hours in after if hours >= 72}
    assert {after[hours][0] - before[hours][0] for hours in moved} == {DAY}
    # Nothing differs any more: nothing to fill in.
    again = client.get(tell).content.decode()
    assert "Raters know the days of this plan already." in again
    assert 'name="reason"' not in again


def test_a_dose_that_is_moved_by_hand_asks_for_no_telling(
    rated: Plan, rater: User, clinician: Actor, colleague: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    """Raters are told at once what follows from it; the plan follows when it is given, and comes to the same day."""
    three, reader = dose(rated, 3), Actor(rater, rated.facility, frozenset({Role.RATER}))
    actions.move_due(
        due=three, version=three.version, planned_at=three.planned_at + DAY, reason="the room", by=clinician, at=NOW
    )
    assert slots(rated, reader, NOW)[168][0] == FIRST.replace(day=31)
    clock.stand_at(NOW)
    client, here = log_in(colleague), rated.facility.slug
    plan = client.get(reverse("plan", args=[here, rated.participant_id])).content.decode()
    assert "raters are told" not in plan
    page = client.get(reverse("tell_raters", args=[here, rated.participant_id])).content.decode()
    assert "Raters know the days of this plan already." in page
    # Given as it was moved, it moves the plan to what raters know.
    Dose.objects.filter(pk=three.pk).update(state="given", given_at=FIRST + 5 * DAY)
    coming = queries.course_of(rated.participant)
    assert coming is not None
    week = visit(rated, "day-7")
    assert (coming.coming()[week.pk], week.told_at) == (FIRST.replace(day=31), FIRST.replace(day=31))


def test_what_is_to_be_told_can_be_told_from_the_plan_though_no_row_names_another_day(
    rated: Plan, clinician: Actor, colleague: User, log_in: Callable[[User], Client], clock: Clock
) -> None:
    """The plan follows a dose that was moved by hand when it is given: until then its row stands on the day as told."""
    three, week = dose(rated, 3), visit(rated, "day-7")
    actions.move_due(
        due=three, version=three.version, planned_at=three.planned_at + DAY, reason="the room", by=clinician, at=NOW
    )
    clock.stand_at(FIRST - DAY)
    client, here = log_in(colleague), rated.facility.slug
    plan, tell = (reverse(name, args=[here, rated.participant_id]) for name in ("plan", "tell_raters"))
    assert tell not in client.get(plan).content.decode()
    Visit.objects.filter(plan=rated, offset_h__gte=week.offset_h).update(told_at=F("planned_at"))
    page = client.get(plan).content.decode()
    assert "raters are told another time" not in page
    assert tell in page
    assert "Day 7" in client.get(tell).content.decode()


def test_a_window_that_followed_a_dose_is_told_to_the_team_alone(
    rated: Plan, rater: User, clinician: Actor, make_person: Callable[..., User], log_in: Callable[[User], Client],
    clock: Clock,
) -> None:  # fmt: skip
    """A visit that was moved by hand stays where it is; its window goes with the doses."""
    week = visit(rated, "day-7")
    actions.move_due(
        due=week, version=week.version, planned_at=week.planned_at + 6 * HOUR, reason="work", by=clinician, at=NOW
    )
    checker, nurse = (make_person(name, rated.facility, Role.SESSION_NURSE) for name in ("Cleo", "Nils"))
    clock.stand_at(FIRST + DAY + HOUR)
    to_rater, to_nurse = log_in(rater), log_in(nurse)
    address = reverse("upcoming", args=[rated.facility.slug]) + "?show=week"
    before = plain(to_rater.get(address).content)
    assert "Visit Day 7" in before
    assert "outside the window" not in plain(to_nurse.get(address).content)
    give(rated, 1, FIRST + DAY + 17 * MINUTE, clinician, checker)
    assert "outside the window" in plain(to_nurse.get(address).content)
    assert plain(to_rater.get(address).content) == before


def test_a_renewed_plan_tells_raters_nothing_of_what_was_given(
    rated: Plan, rater: User, clinician: Actor, make_person: Callable[..., User]
) -> None:
    reader, at = Actor(rater, rated.facility, frozenset({Role.RATER})), FIRST + 30 * HOUR
    checker, found = make_person("Cleo", rated.facility, Role.SESSION_NURSE), []
    for story in (nothing, STORIES["late"]):
        before = transaction.savepoint()
        story(rated, clinician, checker)
        plan = renewed(rated, clinician, at)
        found.append(slots(plan, reader, at))
        transaction.savepoint_rollback(before)
    assert found[0] == found[1]


def renewed(plan: Plan, by: Actor, at: datetime, name: str = "Anew") -> Plan:
    other = version_in_force(by, at, name=name)
    Participant.objects.filter(pk=plan.participant_id).update(protocol_version=other)
    found = Plan.objects.select_related("participant__protocol_version", "participant__facility", "facility").get()
    return actions.renew_plan(plan=found, version=found.version, reason="amended", by=by, at=at)


def test_a_renewed_plan_tells_raters_nothing_of_a_visit_that_is_done(
    rated: Plan, rater: User, clinician: Actor, make_person: Callable[..., User]
) -> None:
    reader, at = Actor(rater, rated.facility, frozenset({Role.RATER})), FIRST + 3 * HOUR
    checker, found = make_person("Cleo", rated.facility, Role.SESSION_NURSE), []
    zero = visit(rated, "day-0")
    actions.move_due(due=zero, version=zero.version, planned_at=FIRST + HOUR, reason="work", by=clinician, at=NOW)
    for story in (nothing, STORIES["on the minute"]):
        before = transaction.savepoint()
        story(rated, clinician, checker)
        plan = renewed(rated, clinician, at)
        rows = plan_screen(plan.participant, reader, now=at, form="list", day="")["rows"]
        found.append([(row.title, row.when, row.window, row.detail) for row in rows])
        transaction.savepoint_rollback(before)
    assert found[0] == found[1]


def test_a_visit_that_was_put_off_stays_where_its_day_is_over_by_the_new_version(
    rated: Plan, rater: User, clinician: Actor
) -> None:
    """Day 7 would not be planned anew on day 8: cancelled, it would take along the appointment of day 9."""
    reader, at, found = Actor(rater, rated.facility, frozenset({Role.RATER})), FIRST + 8 * DAY, []
    week = visit(rated, "day-7")
    week = actions.move_due(
        due=week, version=week.version, planned_at=week.planned_at + 2 * DAY, reason="away", by=clinician, at=NOW
    )
    for state in ("planned", "done"):
        before = transaction.savepoint()
        if state == "done":
            actions.attend_visit(
                visit=week, version=week.version, done_at=at - HOUR, reason="came early", by=clinician, at=at
            )
        plan = renewed(rated, clinician, at)
        [stays] = plan.visits.filter(encounter="day-7")
        assert (stays.state, stays.planned_at, stays.told_at) == (state, week.planned_at, week.told_at)
        rows = plan_screen(plan.participant, reader, now=at, form="list", day="")["rows"]
        assert any(row.due == stays and "1 Apr 2026, 09:00" in row.when for row in rows)
        found.append([(row.title, row.when, row.window, row.detail) for row in rows])
        transaction.savepoint_rollback(before)
    assert found[0] == found[1]


def test_what_raters_know_of_a_dose_outlives_two_renewals(rated: Plan, clinician: Actor) -> None:
    plan = renewed(rated, clinician, NOW)
    second = dose(plan, 8)
    actions.move_due(due=second, version=second.version, planned_at=FIRST + DAY, reason="away", by=clinician, at=NOW)
    renewed(rated, clinician, NOW, "Anew once more")
    assert dose(plan, 14).told_at == FIRST + DAY
