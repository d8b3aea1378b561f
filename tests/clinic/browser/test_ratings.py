"""Ratings in a real browser: entered by keys alone, answered on a telephone, and through a cut connection."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Route, expect
from tests.clinic.browser.conftest import connect_again, hold_timers, shown
from tests.clinic.browser.looking import LOOKS, Look, Open, look_at, picture, walk
from tests.clinic.browser.test_pages import DRAFTS

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.links.actions import make_link
from upturn_clinic.assessments.models import Rating
from upturn_clinic.participants.models import Participant
from upturn_clinic.safety.models import Concern
from upturn_clinic.treatments.models import Dose, Plan

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = LOOKS["phone"]


def at(name: str, *rest: object) -> str:
    return reverse(name, args=["main", *rest])


@pytest.fixture
def treated(planned: Plan, as_clinician: Actor) -> Participant:
    """Three weeks into treatment: better, well, and ill again."""
    begun = timezone.now() - timedelta(days=23)
    Plan.objects.filter(pk=planned.pk).update(begins_at=begun)
    for dose in planned.doses.all():
        when = begun + timedelta(hours=dose.offset_h)
        Dose.objects.filter(pk=dose.pk).update(state="given", given_at=when, planned_at=when, target=when,
                                               earliest=when, latest=when)  # fmt: skip
    for visit in planned.visits.all():
        when = begun + timedelta(hours=visit.offset_h)
        planned.visits.filter(pk=visit.pk).update(planned_at=when, target=when, earliest=when,
                                                  latest=when + timedelta(hours=12), told_at=when)  # fmt: skip
    Participant.objects.filter(pk=planned.participant_id).update(status="enrolled", enrolled_at=begun)
    planned.participant.refresh_from_db()
    totals = ((-1, 33), (1, 24), (3, 16), (7, 12), (14, 10), (18, 23), (21, 25))
    for day, total in totals:
        when = begun + timedelta(days=day, minutes=20)
        answers = {str(item): total // 10 + (item <= total % 10) for item in range(1, 11)}
        record_rating(
            participant=planned.participant, instrument="MADRS", answers=answers, rated_at=when, rater_kind="blinded",
            planned_h=day * 24.0 if day in (1, 3, 7, 14, 21) else None, by=as_clinician, at=when,
        )  # fmt: skip
    record_rating(
        participant=planned.participant, instrument="PHQ-9", answers={**dict.fromkeys("12345678", 1), "9": 0},
        rated_at=begun + timedelta(days=7), rater_kind="self", mode="paper", by=as_clinician, at=timezone.now(),
    )  # fmt: skip
    return planned.participant


def link_for(person: Participant, by: Actor, *instruments: str) -> str:
    _, token = make_link(participant=person, instruments=instruments, valid_h=48, by=by, at=timezone.now())
    return reverse("self_rating", args=[token])


@pytest.mark.parametrize("look", [*LOOKS, "tablet"])
def test_every_page(
    look: str, treated: Participant, as_clinician: Actor, colleague: User, opened: Open, faults: Look,
    make_person: Callable[..., User], facility: Facility,
) -> None:  # fmt: skip
    Facility.objects.filter(pk=facility.pk).update(country="GB")
    rater = make_person("Rater", facility, Role.RATER)
    one = Rating.objects.filter(instrument="PHQ-9").get()
    entering = at("enter_rating", treated.pk)
    link = link_for(treated, as_clinician, "PHQ-9", "C-SSRS")
    pages: list[tuple[str, User | None]] = [
        (at("ratings_due"), colleague), (at("ratings_due"), rater), (at("ratings", treated.pk), colleague),
        (at("trends", treated.pk), colleague), (at("trends", treated.pk), rater), (at("scales"), colleague),
        (entering, colleague), (f"{entering}?instrument=MADRS", colleague), (f"{entering}?instrument=PHQ-9", colleague),
        (f"{entering}?instrument=C-SSRS", colleague), (f"{entering}?instrument=SDS", colleague),
        (at("rating", one.pk), colleague), (at("correct_rating", one.pk), colleague),
        (at("strike_rating", one.pk), colleague), (at("self_rating_links", treated.pk), colleague),
        (link, None), ("/q/no-such-link/", None),
    ]  # fmt: skip
    for path, page in walk(pages, look, "ratings", opened):
        assert "decisions belong to the treating clinician" in page.locator("footer").inner_text(), path
        look_at(path, page, look, faults)


def test_a_rating_by_keys_alone(treated: Participant, colleague: User, opened: Open) -> None:
    before = set(Rating.objects.values_list("pk", flat=True))
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=MADRS&planned=none", colleague)
    for digit in "4332143":
        page.keyboard.press(digit)
    expect(page.locator("#score")).to_contain_text("Not answered: 8, 9, 10")
    page.keyboard.press("9")  # no such answer: nothing happens
    page.keyboard.press("ArrowUp")
    page.keyboard.press("5")  # item 7 anew
    for digit in "332":
        page.keyboard.press(digit)
    expect(page.locator("#score")).to_contain_text("30")
    expect(page.locator("#score")).to_contain_text("moderate")
    expect(page.locator("#score")).to_contain_text("−3 (−9 %) from baseline (33)")
    # After the last item the keys lead to what is left to fill in, and on to the button.
    while page.evaluate("document.activeElement.tagName") != "BUTTON":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("MADRS of")
    page.wait_for_load_state()
    rating = Rating.objects.exclude(pk__in=before).get()
    assert (rating.total, rating.answers["7"]) == (Decimal(30), 5)
    assert page.evaluate(DRAFTS) == []


def test_a_second_digit_belongs_to_the_first(treated: Participant, colleague: User, opened: Open) -> None:
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=SDS&planned=none", colleague)
    # The page's timers stand: however long a busy machine takes between two keys, the second digit comes in time.
    hold_timers(page)
    for key in ("1", "0", "7"):  # ten, and on
        page.keyboard.press(key)
    for item, typed in ((1, "10"), (2, "7")):
        expect(page.locator(f"input[name=item_{item}]:checked")).to_have_value(typed)


def test_a_first_digit_waits_for_no_second_one_elsewhere(treated: Participant, colleague: User, opened: Open) -> None:
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=SDS&planned=none", colleague)
    hold_timers(page)
    for key in ("1", "Backspace", "0"):  # cleared, then nought: not ten
        page.keyboard.press(key)
    expect(page.locator("input[name=item_1]:checked")).to_have_value("0")
    for key in ("1", "ArrowDown", "ArrowUp", "ArrowUp"):  # one, and elsewhere before a second digit could have come
        page.keyboard.press(key)
    page.clock.run_for(1000)
    page.keyboard.press("5")
    for item, typed in ((1, "5"), (2, "1")):
        expect(page.locator(f"input[name=item_{item}]:checked")).to_have_value(typed)


def test_a_second_press_takes_an_answer_back_and_a_double_click_does_not(
    treated: Participant, colleague: User, opened: Open
) -> None:
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=MADRS&planned=none", colleague)
    two = page.locator("[data-item='1'] label").filter(has_text="2")
    chosen = page.locator("input[name=item_1]:checked")
    two.click()
    expect(chosen).to_have_value("2")
    # Not as a double click: that is one answer, however fast.
    page.wait_for_timeout(700)
    two.click()
    expect(chosen).to_have_count(0)
    two.dblclick()
    expect(chosen).to_have_value("2")


def test_a_total_that_did_not_come_is_asked_for_again(treated: Participant, colleague: User, opened: Open) -> None:
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=SDS&planned=none", colleague)
    total, scoring = page.locator("#score"), f"**{at('score_rating', treated.pk)}"
    expect(total).to_contain_text("Not answered: 1, 2, 3")
    hold_timers(page)
    for item in (1, 2, 3):
        page.locator(f"input[name=item_{item}]").first.focus()
        page.keyboard.press("7")
    # The site is away for a moment, and the browser has nothing to tell.
    page.route(scoring, lambda route: route.abort())
    page.clock.run_for(1000)
    expect(total).to_contain_text("No total now")
    page.unroute(scoring)
    with page.expect_request(scoring) as asked:
        page.clock.run_for(15_000)
    expect(total).to_contain_text("21 of 30")
    # Nobody stays logged in by what the page asks by itself.
    assert asked.value.headers["x-upturn-by-itself"] == "yes"


def test_a_total_that_hangs_is_given_up(treated: Participant, colleague: User, opened: Open) -> None:
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=SDS&planned=none", colleague)
    total, scoring = page.locator("#score"), f"**{at('score_rating', treated.pk)}"
    expect(total).to_contain_text("Not answered: 1, 2, 3")
    assert page.evaluate("htmx.config.timeout") == 15_000
    page.evaluate("htmx.config.timeout = 300")
    hanging: list[Route] = []
    # Playwright marks what it calls, and a list's own method cannot be marked.
    page.route(scoring, lambda route: hanging.append(route))  # noqa: PLW0108
    page.keyboard.press("7")
    expect(total).to_contain_text("No total now")
    page.unroute(scoring)
    page.keyboard.press("7")
    expect(total).to_contain_text("Not answered: 3")


def test_a_cut_connection_loses_no_half_typed_rating(treated: Participant, colleague: User, opened: Open) -> None:
    before = Rating.objects.count()
    page = opened(f"{at('enter_rating', treated.pk)}?instrument=SDS&planned=none", colleague)
    total = page.locator("#score")
    for item, key in ((1, "8"), (2, "7")):
        page.locator(f"input[name=item_{item}]").first.focus()
        page.keyboard.press(key)
    expect(total).to_contain_text("Not answered: 3")
    page.context.set_offline(True)
    page.keyboard.press("2")
    # No total of other answers stands, and no missing call for help.
    expect(total).to_contain_text("No total now")
    picture(page, "ratings-cut")
    connect_again(page)
    expect(total).to_contain_text("17 of 30")
    page.reload()
    expect(page.get_by_text("What you typed here before is back")).to_be_visible()
    for item, typed in ((1, "8"), (2, "7"), (3, "2")):
        expect(page.locator(f"input[name=item_{item}]:checked")).to_have_value(typed)
    page.get_by_role("button", name="Save the rating").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("SDS of")
    assert Rating.objects.count() == before + 1
    assert Rating.objects.filter(instrument="SDS").get().total == 17


def test_somebody_answers_on_their_telephone_and_meets_help_first(
    treated: Participant, as_clinician: Actor, opened: Open, faults: Look
) -> None:
    page = opened(link_for(treated, as_clinician, "PHQ-9", "GAD-7"), **PHONE)
    questions = page.locator(".question")
    for place in range(questions.count()):
        questions.nth(place).get_by_text("More than half the days" if place < 9 else "Very difficult").click()
    picture(page, "ratings-phone-answered")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please read this now")
    picture(page, "ratings-phone-help")
    assert faults(page) == []
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please read this now")
    page.get_by_role("button", name="I have read this").click()
    shown(page, "Feeling nervous")
    assert Concern.objects.filter(rule="phq-item-9").count() == 1
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("You have not answered any question.")).to_be_visible()
    picture(page, "ratings-phone-asked-once")
    page.get_by_text("Several days").first.click()
    expect(page.get_by_text("You have not answered any question.")).to_have_count(0)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert faults(page) == []
    assert page.evaluate("sessionStorage.length") == 0


def test_who_changes_an_answer_after_it_was_recorded_meets_help_too(
    treated: Participant, as_clinician: Actor, opened: Open, faults: Look
) -> None:
    page = opened(link_for(treated, as_clinician, "PHQ-9", "GAD-7"), **PHONE)
    second = page.context.new_page()
    second.goto(page.url)
    for tab, ninth in ((second, "Not at all"), (page, "Nearly every day")):
        tab.bring_to_front()
        questions = tab.locator(".question")
        for place in range(questions.count()):
            chosen = "Several days" if place < 8 else ninth if place == 8 else "Somewhat difficult"
            questions.nth(place).get_by_text(chosen).click()
    second.get_by_role("button", name="Send").click()
    shown(second, "Feeling nervous")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please read this now")
    expect(page.locator("main")).to_contain_text("what you changed since is not")
    picture(page, "ratings-phone-changed")
    assert faults(page) == []
    assert Rating.objects.get(instrument="PHQ-9", rater_kind="self", mode="link").answers["9"] == 0
    assert Concern.objects.filter(rule="phq-item-9").count() == 1
    page.get_by_role("link", name="I have read this, go on").click()
    shown(page, "Feeling nervous")


def test_help_that_came_is_not_taken_away_by_a_cut(treated: Participant, as_clinician: Actor, opened: Open) -> None:
    page = opened(link_for(treated, as_clinician, "PHQ-9"), **PHONE)
    page.locator('.question[data-item="9"]').get_by_text("More than half the days").click()
    # What was sent is answered; nothing that is asked for afterwards gets through.
    page.route("**/q/**", lambda route: route.continue_() if route.request.method == "POST" else route.abort())
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please read this now")
    expect(page).to_have_title("Please read this now")


def test_questions_follow_from_answers_and_an_answer_can_be_taken_back(
    treated: Participant, as_clinician: Actor, opened: Open
) -> None:
    page = opened(link_for(treated, as_clinician, "C-SSRS"), **PHONE)
    how = page.get_by_text("Have you been thinking about how you might do this?")
    expect(how).to_be_hidden()
    second = page.locator('.question[data-item="2"]')
    second.get_by_text("Yes", exact=True).click()
    expect(how).to_be_visible()
    page.locator('.question[data-item="4"]').get_by_text("Yes", exact=True).click()
    second.get_by_role("button", name="Take the answer back").click()
    expect(how).to_be_hidden()
    page.get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Send it like this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    # A question that is not asked any more is not answered either.
    assert Rating.objects.get(instrument="C-SSRS").answers == {}


def test_answers_wait_for_the_connection_and_are_sent_once(
    treated: Participant, as_clinician: Actor, opened: Open
) -> None:
    before = Rating.objects.count()
    page = opened(link_for(treated, as_clinician, "GAD-7"), **PHONE)
    questions = page.locator(".question")
    for place in range(7):
        questions.nth(place).get_by_text("Several days").click()
    page.context.set_offline(True)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("There is no connection now")).to_be_visible()
    picture(page, "ratings-phone-offline")
    assert Rating.objects.count() == before
    page.context.set_offline(False)
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert Rating.objects.count() == before + 1
    assert Rating.objects.get(instrument="GAD-7").total == 7


def test_a_sending_that_hangs_is_given_up_and_sent_again(
    treated: Participant, as_clinician: Actor, opened: Open
) -> None:
    page = opened(link_for(treated, as_clinician, "GAD-7"), **PHONE)
    page.evaluate(
        "{ const within = AbortSignal.timeout; AbortSignal.timeout = (ms) => within.call(AbortSignal, ms / 40); }"
    )
    question = page.locator(".question").nth(2)
    question.get_by_text("Several days").click()
    hanging: list[Route] = []
    # Playwright marks what it calls, and a list's own method cannot be marked.
    page.route("**/q/**", lambda route: hanging.append(route))  # noqa: PLW0108
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("There is no connection now")).to_be_visible()
    expect(question).not_to_have_attribute("inert", "")
    page.unroute("**/q/**")
    page.reload()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert Rating.objects.get(instrument="GAD-7").answers == {"3": 1}


def test_what_is_on_its_way_is_not_changed(treated: Participant, as_clinician: Actor, opened: Open) -> None:
    page = opened(link_for(treated, as_clinician, "GAD-7"), **PHONE)
    hold_timers(page)
    question = page.locator(".question").nth(2)
    question.get_by_text("Several days").click()
    sending: list[Route] = []
    # Playwright marks what it calls, and a list's own method cannot be marked.
    page.route("**/q/**", lambda route: sending.append(route))  # noqa: PLW0108
    page.get_by_role("button", name="Send").click()
    expect(question).to_have_attribute("inert", "")
    sending[0].abort()
    expect(page.get_by_text("There is no connection now")).to_be_visible()
    page.unroute("**/q/**")
    question.get_by_text("Nearly every day").click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert Rating.objects.get(instrument="GAD-7").answers == {"3": 3}


def test_answers_outlast_a_reload(treated: Participant, as_clinician: Actor, opened: Open) -> None:
    page = opened(link_for(treated, as_clinician, "GAD-7"), **PHONE)
    page.locator(".question").nth(2).get_by_text("Nearly every day").click()
    page.reload()
    expect(page.locator("input[name=item_3]:checked")).to_have_value("3")


def test_it_works_without_any_script(treated: Participant, as_clinician: Actor, opened: Open) -> None:
    page = opened(link_for(treated, as_clinician, "C-SSRS"), **PHONE, java_script_enabled=False)
    page.locator('.question[data-item="1"]').get_by_text("Yes", exact=True).click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please read this now")
    assert Rating.objects.get(instrument="C-SSRS").answers == {"1": 1}


@pytest.mark.parametrize("status", [200, 404, 429, 503])
def test_answers_are_kept_unless_the_server_said_that_they_are_saved(
    status: int, treated: Participant, as_clinician: Actor, opened: Open
) -> None:
    page = opened(link_for(treated, as_clinician, "GAD-7"), **PHONE)
    # The page sends nothing again by itself, however long it takes to look at it.
    hold_timers(page)
    page.locator(".question").nth(2).get_by_text("Nearly every day").click()
    said = "<main id='main'><h1>Said by the server</h1></main>"
    page.route(
        "**/q/**", lambda route: route.fulfill(status=status, body=said, content_type="text/html")
        if route.request.method == "POST" else route.continue_(),
    )  # fmt: skip
    page.get_by_role("button", name="Send").click()
    told = "Said by the server" if status in (200, 404) else "the site cannot take your answers"
    expect(page.get_by_text(told)).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 1
    page.unroute("**/q/**")
    page.reload()
    expect(page.locator("input[name=item_3]:checked")).to_have_value("3")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
    assert page.evaluate("sessionStorage.length") == 0
