"""Links: only the questions, once, for a while; help before anything else; the secret is nowhere."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.clinic.conftest import NOW, Clock, LogIn, without_tokens
from tests.clinic.participants.making import document_of, signed

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.assessments.links import actions
from upturn_clinic.assessments.links.logs import WithoutLinks
from upturn_clinic.assessments.models import LinkedQuestionnaire, Rating, SelfRatingLink
from upturn_clinic.ground.errors import Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.operation import IDLE_LOGOUT
from upturn_clinic.participants import actions as participants
from upturn_clinic.participants.models import Participant
from upturn_clinic.programmes import actions as programmes
from upturn_clinic.safety.models import Concern
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db

QUIET = {f"item_{item}": "1" for item in range(1, 9)} | {"item_9": "0"}
LOUD = {**QUIET, "item_9": "1"}
CRISIS = "call your local emergency number"


def made(person: Participant, by: Actor, *instruments: str, valid_h: int = 48) -> str:
    """Make a link; give its address."""
    _, token = actions.make_link(
        participant=person, instruments=instruments or ["PHQ-9"], valid_h=valid_h, by=by, at=timezone.now()
    )
    return reverse("self_rating", args=[token])


def send(client: Client, address: str, instrument: str = "PHQ-9", **answers: str) -> Any:
    return client.post(address, {"instrument": instrument, **answers}, follow=True)


def test_a_link_shows_the_questions_and_nothing_of_the_clinic(participant: Participant, as_clinician: Actor) -> None:
    answer = Client().get(made(participant, as_clinician))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Little interest or pleasure in doing things" in page
    assert CRISIS in page
    for hidden in (participant.pseudonym, "Ada", "Log", '<a href="/', "MADRS", "ketamine"):
        assert hidden not in without_tokens(page), hidden
    assert answer["Referrer-Policy"] == "strict-origin"
    assert answer["Cache-Control"] == "no-store"
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


def test_questions_carry_the_numbers_that_the_sheet_speaks_of(participant: Participant, as_clinician: Actor) -> None:
    page = Client().get(made(participant, as_clinician, "C-SSRS")).content.decode()
    assert "Questions 1 to 5 are about the past month" in page
    assert "Only if you said yes to question 2." in page
    for number in ("1", "2", "5", "6"):
        assert f'<span class="number">{number}.</span>' in page


def test_answers_are_the_participants_own_and_count_once(participant: Participant, as_clinician: Actor) -> None:
    client, address = Client(), made(participant, as_clinician)
    assert "Thank you" in send(client, address, **QUIET).content.decode()
    rating = Rating.objects.get()
    assert (rating.total, rating.rater_kind, rating.mode, rating.rater) == (Decimal(8), "self", "link", None)
    assert rating.participant == participant
    # The answer got lost on its way and the same comes again, or other answers do: nothing more is written.
    for again in (QUIET, {**QUIET, "item_1": "3"}):
        assert "Thank you" in send(client, address, **again).content.decode()
    assert Rating.objects.get() == rating
    assert not Concern.objects.exists()
    assert Entry.objects.filter(action="recorded a rating").count() == 1


def test_questions_may_be_left_out(participant: Participant, as_clinician: Actor) -> None:
    send(Client(), made(participant, as_clinician), item_1="2", item_2="nonsense", item_3="9", left_out="yes")
    rating = Rating.objects.get()
    assert (rating.answers, rating.total) == ({"1": 2}, None)
    assert rating.missing_because == "left out by the participant"


def test_several_sheets_come_one_after_the_other(participant: Participant, as_clinician: Actor) -> None:
    client, address = Client(), made(participant, as_clinician, "PHQ-9", "GAD-7")
    assert "sheet 1 of 2" in client.get(address).content.decode()
    assert "sheet 2 of 2" in send(client, address, **QUIET).content.decode()
    assert "Thank you" in send(client, address, "GAD-7", item_1="0").content.decode()
    assert sorted(each.instrument for each in Rating.objects.all()) == ["GAD-7", "PHQ-9"]


@pytest.mark.parametrize(
    ("instrument", "answers"),
    [("PHQ-9", LOUD), ("PHQ-9", {"item_9": "1"}), ("C-SSRS", {"item_1": "1", "item_2": "0", "item_6": "0"}),
     ("C-SSRS", {"item_2": "1"})],
)  # fmt: skip
def test_help_comes_at_once_and_before_anything_else(
    participant: Participant, as_clinician: Actor, instrument: str, answers: dict[str, str]
) -> None:
    client, address = Client(), made(participant, as_clinician, instrument, "GAD-7")
    for page in (send(client, address, instrument, **answers), client.get(address), client.get(address)):
        text = page.content.decode()
        assert "Please read this now" in text
        assert CRISIS in text
        assert "Feeling nervous" not in text
    assert Concern.objects.count() == 1
    assert LinkedQuestionnaire.objects.get(instrument=instrument).help_read_at is None
    after = client.post(address, {"read": "yes"}, follow=True).content.decode()
    assert "Feeling nervous" in after
    assert LinkedQuestionnaire.objects.get(instrument=instrument).help_read_at is not None


def test_a_quiet_answer_shows_no_such_page(participant: Participant, as_clinician: Actor) -> None:
    page = send(Client(), made(participant, as_clinician), **QUIET).content.decode()
    assert "Please read this now" not in page
    assert CRISIS in page


def test_the_help_is_that_of_the_country(facility: Facility, participant: Participant, as_clinician: Actor) -> None:
    Facility.objects.filter(pk=facility.pk).update(country="GB")
    client, address = Client(), made(participant, as_clinician)
    assert 'Samaritans: <a href="tel:116123">116 123</a>, free' in client.get(address).content.decode()
    assert "Samaritans" in send(client, address, **LOUD).content.decode()


def test_what_was_closed_meanwhile_is_not_taken_but_help_is_offered(
    participant: Participant, as_clinician: Actor
) -> None:
    client, address = Client(), made(participant, as_clinician)
    client.get(address)
    Participant.objects.filter(pk=participant.pk).update(status="withdrawn")
    answer = client.post(address, {"instrument": "PHQ-9", **LOUD})
    text = answer.content.decode()
    assert answer.status_code == 404
    assert "could not be taken" in text
    assert "came too late to be recorded" in text
    assert "has been told" in text
    assert CRISIS in text
    assert not Rating.objects.exists()
    # However often it is sent: one concern.
    client.post(address, {"instrument": "PHQ-9", **LOUD})
    concern = Concern.objects.get()
    assert concern.rule == "phq-item-9"
    assert "too late to be recorded" in concern.because


def test_help_is_shown_where_only_a_rule_of_the_protocol_asks_for_it(
    participant: Participant, as_clinician: Actor
) -> None:
    address = made(participant, as_clinician, "C-SSRS")
    # Behaviour long ago is no alert of the instrument; its level raises a rule that shows help.
    answers = {"item_1": "0", "item_2": "0", "item_6": "1", "item_6a": "0"}
    assert "Please read this now" in send(Client(), address, "C-SSRS", **answers).content.decode()
    assert Concern.objects.get().rule == "suicidal-thoughts"


@pytest.mark.parametrize(("hours", "is_heard"), [(0, True), (23.99, True), (24, False)])
def test_answers_after_a_link_ran_out_are_not_recorded_but_heard(
    hours: float, is_heard: bool, participant: Participant, as_clinician: Actor, clock: Clock
) -> None:
    client, address = Client(), made(participant, as_clinician, valid_h=1)
    clock.stand_at(SelfRatingLink.objects.get().expires_at + timedelta(hours=hours))
    for answers, is_loud in ((QUIET, False), (LOUD, True)):
        answer = client.post(address, {"instrument": "PHQ-9", **answers})
        text = answer.content.decode()
        assert answer.status_code == 404
        assert ("came too late to be recorded" in text) == is_heard
        assert ("has been told" in text) == (is_heard and is_loud)
        assert CRISIS in text
        assert Concern.objects.exists() == (is_heard and is_loud)
    assert client.get(address).status_code == 404
    assert not Rating.objects.exists()


def test_what_was_recorded_in_time_is_thanked_for_also_when_it_comes_again_too_late(
    participant: Participant, as_clinician: Actor, clock: Clock
) -> None:
    client, address = Client(), made(participant, as_clinician, valid_h=1)
    send(client, address, **LOUD)
    clock.stand_at(SelfRatingLink.objects.get().expires_at)
    again = client.post(address, {"instrument": "PHQ-9", **LOUD})
    assert again.status_code == 200
    assert "Please read this now" in again.content.decode()
    assert "Thank you" in client.post(address, {"read": "yes"}).content.decode()
    assert Concern.objects.count() == 1


@pytest.mark.parametrize("is_over", [False, True])
def test_who_asks_for_help_by_changing_what_is_recorded_is_heard_once(
    participant: Participant, as_clinician: Actor, clock: Clock, *, is_over: bool
) -> None:
    """The answer of the server was lost: the page asks again, and the person changes one of the questions."""
    client, address = Client(), made(participant, as_clinician, valid_h=1)
    assert "Thank you" in send(client, address, **QUIET).content.decode()
    if is_over:
        clock.stand_at(SelfRatingLink.objects.get().expires_at)
    for _ in range(2):
        answer = send(client, address, **LOUD)
        page = answer.content.decode()
        assert answer.status_code == 200
        assert "Please read this now" in page
        assert (f'href="{address}">I have read this, go on' in page) is not is_over
        assert CRISIS in page
        assert "has been told" in page
        assert "what you changed since is not" in page
    assert Concern.objects.count() == 1
    assert "after other answers were recorded" in Concern.objects.get().because
    assert Rating.objects.get().answers["9"] == 0


def test_a_graver_answer_after_a_call_for_help_was_recorded_is_heard_too(
    participant: Participant, as_clinician: Actor
) -> None:
    """The first answers are thoughts, the changed ones intent: the team that knows of the first hears the second."""
    client, address = Client(), made(participant, as_clinician, "C-SSRS")
    thoughts = {"instrument": "C-SSRS", "item_1": "1", "item_2": "1"} | {f"item_{each}": "0" for each in (3, 4, 5, 6)}
    client.post(address, thoughts)
    first = set(Concern.objects.values_list("pk", flat=True))
    assert first
    # What comes again as it was is not told again, and what is milder neither.
    for again in (thoughts, {**thoughts, "item_2": "0"}):
        assert "what you changed since is not" not in client.post(address, again, follow=True).content.decode()
    assert Concern.objects.count() == len(first)
    page = client.post(address, {**thoughts, "item_3": "1", "item_4": "1", "item_5": "1"}).content.decode()
    assert "Please read this now" in page
    assert "has been told" in page
    assert "what you changed since is not" in page
    told = Concern.objects.exclude(pk__in=first)
    assert "suicidal-intent" in {each.rule for each in told}
    assert Rating.objects.get().answers == {"1": 1, "2": 1, "3": 0, "4": 0, "5": 0, "6": 0}


def test_a_graver_answer_to_the_same_question_is_heard(participant: Participant, as_clinician: Actor) -> None:
    client, address = Client(), made(participant, as_clinician)
    for ninth, tasks in (("1", 1), ("1", 1), ("2", 2), ("2", 2), ("1", 2), ("3", 3), ("3", 3)):
        client.post(address, {"instrument": "PHQ-9", **QUIET, "item_9": ninth})
        assert Concern.objects.count() == tasks
    assert Concern.objects.filter(because__contains="after other answers were recorded").count() == 2


def test_graver_answers_after_the_time_of_a_link_are_heard(
    participant: Participant, as_clinician: Actor, clock: Clock
) -> None:
    client, address = Client(), made(participant, as_clinician, valid_h=1)
    clock.stand_at(SelfRatingLink.objects.get().expires_at)
    for ninth, tasks in (("1", 1), ("1", 1), ("3", 2)):
        page = client.post(address, {"instrument": "PHQ-9", **QUIET, "item_9": ninth}).content.decode()
        assert "has been told" in page
        assert Concern.objects.count() == tasks


@pytest.mark.parametrize("is_over", [False, True])
def test_answers_arrive_whoever_was_logged_in_beside_them(
    participant: Participant, as_clinician: Actor, colleague: User, log_in: LogIn, clock: Clock, *, is_over: bool
) -> None:
    """On a tablet of the ward the log-in of the nurse ends meanwhile: the answers are led to no page for logging in."""
    client, address, begun = log_in(colleague), made(participant, as_clinician), timezone.now()
    client.get("/me/")
    if is_over:
        clock.stand_at(begun + IDLE_LOGOUT + timedelta(minutes=1))
    assert client.post(address, {"instrument": "PHQ-9", **LOUD})["Location"] == address
    assert "Please read this now" in client.get(address).content.decode()
    assert Concern.objects.count() == 1
    # Nor does answering keep the nurse logged in.
    clock.stand_at(begun + IDLE_LOGOUT + timedelta(minutes=2))
    assert client.get("/me/").status_code == 302


def test_a_rule_that_shows_no_help_hears_a_changed_answer_too(participant: Participant, as_clinician: Actor) -> None:
    document = document_of("six-infusions")
    first = document.index("    - id: phq-item-9\n      text:")
    rule = (
        "    - id: high-total\n      text: High.\n      instrument: PHQ-9\n      at_least: 20\n      within: PT8H\n"
        "      show_help: false\n      status: assumed\n"
    )
    draft = programmes.add_version(
        programme=participant.programme, document=document[:first] + rule + document[first:], file="p.yaml",
        by=as_clinician, at=NOW,
    )  # fmt: skip
    participant = participants.move_to_version(
        participant=participant, version=participant.version, to=signed(draft, as_clinician, NOW), reason="amendment",
        by=as_clinician, at=NOW,
    )  # fmt: skip
    client, address = Client(), made(participant, as_clinician)
    for each, tasks in (("1", 0), ("3", 1), ("3", 1)):
        page = send(client, address, **{**QUIET, **{f"item_{item}": each for item in range(1, 9)}}).content.decode()
        assert "Thank you" in page
        assert list(Concern.objects.values_list("rule", flat=True)) == ["high-total"] * tasks


def test_a_link_that_was_taken_back_raises_nothing(participant: Participant, as_clinician: Actor) -> None:
    address = made(participant, as_clinician)
    actions.revoke_link(link=SelfRatingLink.objects.get(), version=1, reason="over", by=as_clinician, at=timezone.now())
    assert Client().post(address, {"instrument": "PHQ-9", **LOUD}).status_code == 404
    assert not Concern.objects.exists()


def test_a_link_that_is_over_says_nothing(participant: Participant, as_clinician: Actor, clock: Clock) -> None:
    used_up, address = made(participant, as_clinician, valid_h=1), made(participant, as_clinician)
    link = SelfRatingLink.objects.order_by("made_at").last()
    assert link is not None
    actions.revoke_link(link=link, version=1, reason="sent to the wrong number", by=as_clinician, at=timezone.now())
    with pytest.raises(Refused, match="taken back already"):
        actions.revoke_link(
            link=SelfRatingLink.objects.get(pk=link.pk), version=2, reason="again", by=as_clinician, at=timezone.now()
        )
    clock.stand_at(timezone.now() + timedelta(hours=1))
    token = address.split("/")[2]
    pages = [Client().get(each) for each in (used_up, address, "/q/x/", f"/q/{token}x/", f"/q/{token[:-1]}/")]
    assert {page.status_code for page in pages} == {404}
    # One and the same page: whether there ever was such a link is not told.
    assert len({page.content for page in pages}) == 1
    assert CRISIS in pages[0].content.decode()
    assert Client().post(address, {"instrument": "PHQ-9", **QUIET}).status_code == 404
    assert not Rating.objects.exists()


def test_the_edge_of_its_time(participant: Participant, as_clinician: Actor, clock: Clock) -> None:
    address = made(participant, as_clinician, valid_h=2)
    end = SelfRatingLink.objects.get().expires_at
    clock.stand_at(end - timedelta(microseconds=1))
    assert Client().get(address).status_code == 200
    clock.stand_at(end)
    assert Client().get(address).status_code == 404


def test_wrong_links_are_limited_and_links_that_are_over_are_not(participant: Participant, as_clinician: Actor) -> None:
    client, address = Client(), made(participant, as_clinician)
    for _ in range(20):
        assert client.get("/q/not-a-link/").status_code == 404
    assert client.get("/q/not-a-link/").status_code == 429
    blocked = client.get(address)
    assert blocked.status_code == 429
    assert CRISIS in blocked.content.decode()
    elsewhere = Client(REMOTE_ADDR="10.1.2.3")
    SelfRatingLink.objects.all()[0]
    actions.revoke_link(link=SelfRatingLink.objects.get(), version=1, reason="over", by=as_clinician, at=timezone.now())
    assert {elsewhere.get(address).status_code for _ in range(30)} == {404}


def test_the_secret_is_in_no_table_no_trail_and_no_log(
    participant: Participant, as_clinician: Actor, colleague: User, log_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    page = log_in(colleague).post(
        reverse("self_rating_links", args=["main", participant.pk]), {"instruments": ["PHQ-9"], "valid_h": "48"}
    )
    text = page.content.decode()
    token = text.split("/q/")[1].split("/")[0].replace("&#x27;", "'")
    drawn = token.split(":")[0]
    assert len(drawn) >= 43
    link = SelfRatingLink.objects.get()
    assert drawn not in link.token_hash
    assert link.token_hash not in text
    for entry in Entry.objects.all():
        assert drawn not in entry.changes
        assert link.token_hash not in entry.changes
    with caplog.at_level(logging.DEBUG):
        caplog.handler.addFilter(WithoutLinks())
        Client().get(f"/q/{token}x/")
        Client().post(f"/q/{token}/", {"instrument": "PHQ-9"})
    assert caplog.records
    assert drawn not in caplog.text
    # The server's own handler cuts in the same way.
    logs: dict[str, Any] = settings.LOGGING
    assert "without_links" in logs["handlers"]["console"]["filters"]


def test_what_cannot_be_understood_shows_help(participant: Participant, as_clinician: Actor) -> None:
    address = made(participant, as_clinician)
    too_much = Client().post(address, {"instrument": "PHQ-9", **LOUD} | {f"x{each}": "1" for each in range(1001)})
    assert too_much.status_code == 400
    assert CRISIS in too_much.content.decode()
    assert CRISIS not in Client().post("/log-in/", {f"x{each}": "1" for each in range(1001)}).content.decode()


def test_a_link_is_no_log_in(participant: Participant, as_clinician: Actor) -> None:
    client = Client()
    client.get(made(participant, as_clinician))
    assert client.get(reverse("participant", args=["main", participant.pk])).status_code == 302


def test_answers_arrive_from_a_browser_that_keeps_no_cookie_or_an_old_one(
    participant: Participant, as_clinician: Actor
) -> None:
    """The link itself is what another site cannot know: no token of a form can grow old and lose a call for help."""
    strict, address = Client(enforce_csrf_checks=True), made(participant, as_clinician)
    assert "csrf" not in strict.get(address).content.decode()
    assert not strict.cookies
    strict.cookies["csrftoken"] = "from before a log-in on another tab"
    assert strict.post(address, {"instrument": "PHQ-9", **LOUD}).status_code == 303
    assert strict.post(address, {"read": "yes"}).status_code == 303
    assert Concern.objects.count() == 1


@pytest.mark.parametrize("name", ["", "NOPE", "MADRS", "PHQ-9\0", "x" * 5000])
def test_answers_to_what_is_not_asked_are_left(name: str, participant: Participant, as_clinician: Actor) -> None:
    client, address = Client(), made(participant, as_clinician)
    answer = client.post(address, {"instrument": name, **LOUD})
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert not Rating.objects.exists()
    assert not Concern.objects.exists()


@pytest.mark.parametrize(
    ("instruments", "valid_h", "fault"),
    [
        ([], 48, "Which questionnaires"),
        (["MADRS"], 48, "cannot be answered by link"),
        (["CADSS-6"], 48, "cannot be answered by link"),
        (["QIDS-SR16"], 48, "cannot be answered by link"),  # no words ship
        (["SDS"], 48, "cannot be answered by link"),
        (["NOPE"], 48, "no instrument called"),
        (["PHQ-9"], 0, "limited time"),
        (["PHQ-9"], 337, "limited time"),
    ],
)
def test_what_cannot_be_asked_by_link_is_refused(
    participant: Participant, as_clinician: Actor, instruments: list[str], valid_h: int, fault: str
) -> None:
    with pytest.raises(Refused, match=fault):
        actions.make_link(
            participant=participant, instruments=instruments, valid_h=valid_h, by=as_clinician, at=timezone.now()
        )
    assert not SelfRatingLink.objects.exists()


def test_a_rater_makes_no_link(participant: Participant, as_rater: Actor) -> None:
    with pytest.raises(PermissionDenied):
        made(participant, as_rater)


def test_it_fulfils_the_self_rating_that_is_due(
    planned: Plan, week_later: datetime, as_nurse: Actor, clock: Clock
) -> None:
    clock.stand_at(week_later)
    address = made(planned.participant, as_nurse)
    asked = LinkedQuestionnaire.objects.get()
    assert asked.planned_h is not None
    send(Client(), address, **QUIET)
    assert Rating.objects.get().planned_h == asked.planned_h


@pytest.mark.parametrize(
    ("instrument", "answers", "told"),
    [("PHQ-9", {}, "You have not answered any question."), ("C-SSRS", {}, "You have not answered any question."),
     ("PHQ-9", {"item_1": "2"}, "You left out question 9."),
     ("C-SSRS", {"item_2": "0", "item_6": "0"}, "You left out question 1.")],
)  # fmt: skip
def test_an_empty_sheet_is_asked_about_once_before_it_counts(
    instrument: str, answers: dict[str, str], told: str, participant: Participant, as_clinician: Actor
) -> None:
    client, address = Client(), made(participant, as_clinician, instrument)
    text = send(client, address, instrument, **answers).content.decode()
    assert told in text
    assert text.count('" checked>') == len(answers)
    assert 'name="left_out" value="yes"' in text
    assert not Rating.objects.exists()
    assert "Thank you" in send(client, address, instrument, **answers, left_out="yes").content.decode()
    assert len(Rating.objects.get().answers) == len(answers)


def test_what_may_be_left_out_is_not_asked_about(participant: Participant, as_clinician: Actor) -> None:
    answers = {name: value for name, value in QUIET.items() if name != "item_3"}
    assert "Thank you" in send(Client(), made(participant, as_clinician), **answers).content.decode()


def test_the_team_reads_that_nothing_was_answered(
    participant: Participant, as_clinician: Actor, colleague: User, log_in: LogIn
) -> None:
    send(Client(), made(participant, as_clinician, "C-SSRS"), "C-SSRS", left_out="yes")
    for page in ("self_rating_links", "ratings"):
        text = log_in(colleague).get(reverse(page, args=["main", participant.pk])).content.decode()
        assert "nothing was answered" in text, page


def test_the_concern_tells_every_answer_that_a_level_rests_on(participant: Participant, as_clinician: Actor) -> None:
    send(Client(), made(participant, as_clinician, "C-SSRS"), "C-SSRS", item_1="1", item_2="0", item_6="1")
    because = Concern.objects.get().because
    for told in ("1. Wish to be dead: 1, Yes.", "2. Thoughts of suicide: 0, No.", "6. Behaviour, ever: 1, Yes.",
                 "6a. Behaviour, past 3 months: left out."):  # fmt: skip
        assert told in because, told
    assert "Thoughts of a way" not in because
