"""Pages about ratings as the server gives them: what each reader sees, and what a site's own words may reach."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import reverse
from pytest_django.fixtures import Settings
from tests.clinic.assessments.conftest import Ten
from tests.clinic.conftest import NOW, Clock

from upturn.instruments import items_of
from upturn_clinic.accounts.actions import give_role
from upturn_clinic.accounts.actor import Actor, system
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments import texts
from upturn_clinic.assessments.actions import record_rating
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.queries import due_for
from upturn_clinic.participants.models import Participant
from upturn_clinic.participants.queries import identity_of
from upturn_clinic.safety.models import Concern
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db

TEN = {f"item_{item}": "3" for item in range(1, 11)}


def at(name: str, *rest: object) -> str:
    return reverse(name, args=["main", *rest])


def form_of(**given: str) -> dict[str, str]:
    return {"planned": "none", "rated_at": "2026-03-05T10:00", "mode": "interview", **TEN, **given}


def test_a_rating_is_entered_and_shown_with_its_total(participant: Participant, colleague: User, log_in: Any) -> None:
    client = log_in(colleague)
    page = client.post(f"{at('enter_rating', participant.pk)}?instrument=MADRS", form_of(), follow=True)
    rating = Rating.objects.get()
    assert page.redirect_chain[-1][0] == at("rating", rating.pk)
    text = page.content.decode()
    assert "30" in text
    assert "moderate" in text
    assert rating.total == 30


def test_whom_it_is_about_stands_on_each_page_for_who_may_know_it(
    participant: Participant, colleague: User, rater: User, as_clinician: Actor, log_in: Any
) -> None:
    """A rating of somebody else is the gravest slip here."""
    name = identity_of(participant).full_name
    log_in(colleague).post(f"{at('enter_rating', participant.pk)}?instrument=MADRS", form_of())
    found = Rating.objects.get()
    pages = [at("enter_rating", participant.pk), f"{at('enter_rating', participant.pk)}?instrument=MADRS",
             at("rating", found.pk), at("correct_rating", found.pk), at("strike_rating", found.pk),
             at("trends", participant.pk), at("self_rating_links", participant.pk)]  # fmt: skip
    for page in pages:
        assert name in log_in(colleague).get(page).content.decode(), page
    # Who rates blinded meets the person, too.
    assert name in log_in(rater).get(pages[1]).content.decode()


def test_what_is_refused_is_told_and_what_was_typed_stays(
    participant: Participant, colleague: User, log_in: Any
) -> None:
    given = form_of()
    del given["item_4"]
    page = log_in(colleague).post(f"{at('enter_rating', participant.pk)}?instrument=MADRS", given)
    text = page.content.decode()
    assert "an answer to item 4" in text
    assert text.count("checked") == 9
    assert not Rating.objects.exists()


def test_an_unknown_scale_is_no_page(participant: Participant, colleague: User, rater: User, log_in: Any) -> None:
    for user, scale in ((colleague, "NOPE"), (colleague, "SBP"), (rater, "CADSS"), (rater, "PHQ-9")):
        page = log_in(user).get(f"{at('enter_rating', participant.pk)}?instrument={scale}")
        assert page.status_code == 404, (user, scale)


def test_the_total_is_computed_by_the_server_while_somebody_types(
    participant: Participant, colleague: User, log_in: Any
) -> None:
    client, address = log_in(colleague), at("score_rating", participant.pk)
    half = client.post(address, {"instrument": "MADRS", "item_1": "3"}).content.decode()
    assert "No total yet" in half
    assert "Not answered: 2, 3, 4" in half
    whole = client.post(address, {"instrument": "MADRS", **TEN}).content.decode()
    assert "30" in whole
    assert "moderate" in whole
    risky = client.post(address, {"instrument": "PHQ-9", "item_9": "1"}).content.decode()
    assert "asks for help now" in risky
    assert not Rating.objects.exists()
    assert not Concern.objects.exists()


def test_change_from_baseline_is_shown(
    planned: Plan, week_later: datetime, as_clinician: Actor, colleague: User, log_in: Any, clock: Clock, ten: Ten
) -> None:
    for each, when in ((4, NOW), (1, week_later)):
        record_rating(
            participant=planned.participant, instrument="MADRS", answers=ten(each), rated_at=when,
            rater_kind="blinded", by=as_clinician, at=when,
        )  # fmt: skip
    clock.stand_at(week_later)
    text = log_in(colleague).get(at("rating", Rating.objects.first().pk)).content.decode()  # type: ignore[union-attr]
    assert "−30 (−75 %) from baseline (40)" in text
    trend = log_in(colleague).get(at("trends", planned.participant.pk)).content.decode()
    for words in (
        "First response",
        "First remission 10",
        "First remission 12",
        "Remission: 10 or less",
        "Remission: 12 or less",
        "Relapse: 22 or more",
    ):
        assert words in trend, words
    assert "doses given" in trend


def test_a_rater_meets_no_dose_and_nothing_that_others_rated(
    planned: Plan, week_later: datetime, as_nurse: Actor, as_rater: Actor, rater: User, log_in: Any, clock: Clock,
    ten: Ten,
) -> None:  # fmt: skip
    person = planned.participant
    clock.stand_at(week_later)
    hidden = record_rating(
        participant=person, instrument="CADSS-6", answers=dict.fromkeys(("1", "2", "6", "7", "15", "22"), 4),
        rated_at=week_later, by=as_nurse, at=week_later,
    )  # fmt: skip
    record_rating(participant=person, instrument="MADRS", answers=ten(2), rated_at=week_later, rater_kind="blinded",
                  by=as_rater, at=week_later)  # fmt: skip
    client = log_in(rater)
    for page in ("ratings", "trends", "enter_rating"):
        text = client.get(at(page, person.pk)).content.decode()
        assert "MADRS" in text, page
        for word in ("CADSS", "doses given", "PHQ-9", "ketamine", "self-rating"):
            assert word not in text, (page, word)
    for page in ("rating", "correct_rating", "strike_rating"):
        assert client.get(at(page, hidden.pk)).status_code == 404
    for page in ("self_rating_links", "participant_trail", "others"):
        assert client.get(at(page, person.pk)).status_code == 403, page
    listed = client.get(at("ratings_due")).content.decode()
    assert "CADSS" not in listed


def test_a_struck_rating_stays_readable(rated: Rating, colleague: User, log_in: Any) -> None:
    client = log_in(colleague)
    client.post(at("strike_rating", rated.pk), {"version": "1", "reason": "the wrong person"})
    text = client.get(at("rating", rated.pk)).content.decode()
    assert "Struck out" in text
    assert "the wrong person" in text
    assert at("correct_rating", rated.pk) not in text


@pytest.fixture
def site_words(tmp_path: Path, settings: Settings) -> Iterator[None]:
    """The site loaded its own words of the MADRS."""
    items = {item.id: {"text": f"Licensed words {item.id}"} for item in items_of("MADRS")}
    pack = {
        "upturn_text_pack": 1, "instrument": "MADRS", "version": "1", "edition": "Form of 2026", "language": "en",
        "licence": "held here", "notice": "Notice of the owner", "instruction": "Rate each.", "items": items,
    }  # fmt: skip
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(pack), encoding="utf-8")
    settings.TEXT_PACKS = str(tmp_path)
    texts.packs.cache_clear()
    yield
    texts.packs.cache_clear()


def test_a_sites_own_words_are_shown_where_answers_are_entered_and_nowhere_else(
    participant: Participant, colleague: User, log_in: Any, site_words: None
) -> None:
    client = log_in(colleague)
    entering = client.get(f"{at('enter_rating', participant.pk)}?instrument=MADRS").content.decode()
    assert "Licensed words 10" in entering
    assert "Notice of the owner" in entering
    client.post(f"{at('enter_rating', participant.pk)}?instrument=MADRS", form_of())
    rating = Rating.objects.get()
    assert rating.text_edition == "Form of 2026"
    for page in ("rating",):
        assert "Licensed words" not in client.get(at(page, rating.pk)).content.decode()
    for page in ("scales", "ratings_due"):
        assert "Licensed words" not in client.get(at(page)).content.decode()


def test_the_notices_stand_beside_the_words(participant: Participant, colleague: User, log_in: Any) -> None:
    client = log_in(colleague)
    for scale, notice in (("PHQ-9", "No permission required"), ("C-SSRS", "Research Foundation for Mental Hygiene"),
                          ("PCL-5", "Public domain")):  # fmt: skip
        page = client.get(f"{at('enter_rating', participant.pk)}?instrument={scale}").content.decode()
        assert notice in page, scale
    scales = client.get(at("scales")).content.decode()
    assert "LOINC is copyright" in scales
    # A band of one value is one value; a language has a name.
    assert "none 0, low 1, moderate 2, high 3 " in scales
    assert "part of this program, English (" in scales


def test_a_link_is_shown_once(participant: Participant, colleague: User, log_in: Any) -> None:
    client, address = log_in(colleague), at("self_rating_links", participant.pk)
    made = client.post(address, {"instruments": ["PHQ-9"], "valid_h": "24"}).content.decode()
    assert "/q/" in made
    assert "data:image/svg+xml" in made
    assert "/q/" not in client.get(address).content.decode()


def test_words_that_do_not_fit_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "words.yaml").write_text("upturn_text_pack: 2\n", encoding="utf-8")
    given = {
        "UPTURN_TEXT_PACKS": str(tmp_path), "UPTURN_SECRET_KEY": "x", "UPTURN_DATA_DIRECTORY": str(tmp_path),
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "upturn_clinic", "check"], env=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "This is no text pack" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_blinded_rating_is_offered_to_who_rates_alone(
    planned: Plan, week_later: datetime, nurse: User, colleague: User, rater: User, log_in: Any, clock: Clock
) -> None:
    clock.stand_at(week_later)
    address = f"{at('enter_rating', planned.participant.pk)}?instrument=MADRS"
    for user, is_offered in ((nurse, False), (rater, True), (colleague, True)):
        client = log_in(user)
        for page in (at("ratings_due"), at("ratings", planned.participant.pk)):
            text = client.get(page).content.decode()
            assert "MADRS" in text
            assert (address in text) is is_offered, (user, page)
        form = client.get(address).content.decode()
        assert ('value="168 blinded"' in form) is is_offered, user
        assert ("kept as <strong>not blinded" in form) is (user == colleague), user


def test_who_may_learn_of_doses_otherwise_is_told_that_their_rating_is_not_blinded(
    planned: Plan, week_later: datetime, rater: User, facility: Facility, log_in: Any, clock: Clock, ten: Ten
) -> None:
    clock.stand_at(week_later)
    address = f"{at('enter_rating', planned.participant.pk)}?instrument=MADRS"
    warning = "kept as <strong>not blinded"
    assert warning not in log_in(rater).get(address).content.decode()
    give_role(user=rater, role=Role.COORDINATOR, facility=facility, by=system(facility), at=NOW)
    client = log_in(rater)
    assert warning in client.get(address).content.decode()
    sent = {**TEN, "planned": "168 blinded", "rated_at": "", "mode": "interview"}
    sent["rated_at"] = f"{week_later.astimezone(facility.zone):%Y-%m-%dT%H:%M}"
    assert client.post(address, sent).status_code == 302
    rating = Rating.objects.get()
    assert "not a blinded rating" in client.get(at("rating", rating.pk)).content.decode()
    assert "not blinded" in client.get(at("ratings", planned.participant.pk)).content.decode()
    assert warning in client.get(at("correct_rating", rating.pk)).content.decode()


def test_a_rater_has_no_columns_that_compare_with_before_treatment(
    planned: Plan, week_later: datetime, as_rater: Actor, rater: User, colleague: User, log_in: Any, clock: Clock,
    ten: Ten,
) -> None:  # fmt: skip
    clock.stand_at(week_later)
    record_rating(participant=planned.participant, instrument="MADRS", answers=ten(2), rated_at=week_later,
                  rater_kind="blinded", by=as_rater, at=week_later)  # fmt: skip
    for user, compares in ((rater, False), (colleague, True)):
        text = log_in(user).get(at("trends", planned.participant.pk)).content.decode()
        assert "Looks back" in text
        assert ("Which values are from before treatment is not shown to you." in text) is not compares, user
        for column in ("From baseline", "By the protocol"):
            assert (column in text) is compares, (user, column)


def test_the_list_of_the_day_begins_with_what_is_to_be_done_and_names_everybody_in_each_row(
    planned: Plan, week_later: datetime, colleague: User, log_in: Any, clock: Clock
) -> None:
    clock.stand_at(week_later)
    text = log_in(colleague).get(at("ratings_due")).content.decode()
    places = [text.index(words) for words in ("Due now", "Opens by tomorrow", "Missed in the last 14 days")]
    assert places == sorted(places)
    assert "MADRS" in text[places[0] : places[1]]
    rows = text[places[0] :].split('<tr><th scope="row">')[1:]
    assert len(rows) > 2
    assert all(planned.participant.pseudonym in row.split("</th>")[0] for row in rows)


def test_how_far_back_to_ask_stands_above_the_items_and_beside_each_time(
    planned: Plan, week_later: datetime, rater: User, log_in: Any, clock: Clock
) -> None:
    clock.stand_at(week_later)
    local = week_later.astimezone(planned.facility.zone)
    address = f"{at('enter_rating', planned.participant.pk)}?instrument=MADRS"
    text = log_in(rater).get(address).content.decode()
    assert "Ask about the last <strong>7 days</strong>" in text
    assert f"due now: {local.day} {local:%b}, " in text
    assert "(24 hours)" in text
    assert "(7 days)" in text
    early = log_in(rater).get(f"{address}&planned=4%20blinded").content.decode()
    assert "Ask about the last <strong>24 hours</strong>" in early


def test_it_is_said_which_rating_is_struck_out_or_corrected(rated: Rating, colleague: User, log_in: Any) -> None:
    local = rated.rated_at.astimezone(rated.participant.facility.zone)
    which = f"MADRS of {local.day} {local:%b %Y, %H:%M} (30)"
    for page, verb in (("strike_rating", "Strike out"), ("correct_rating", "Correct")):
        assert f"<h1>{verb} {which}</h1>" in log_in(colleague).get(at(page, rated.pk)).content.decode()


def test_before_the_first_dose_a_rating_is_what_later_ones_are_compared_with(
    rated: Rating, colleague: User, log_in: Any
) -> None:
    text = log_in(colleague).get(at("rating", rated.pk)).content.decode()
    assert "Before the first dose: later values are compared with" in text
    assert "7 days" in text


def test_a_rating_without_a_time_that_is_counted_for_one_says_so_on_both_pages(
    planned: Plan, as_clinician: Actor, colleague: User, log_in: Any, clock: Clock
) -> None:
    person = planned.participant
    Participant.objects.filter(pk=person.pk).update(status="enrolled")
    due = next(each for each in due_for(person, at=NOW, reader=as_clinician) if each.instrument == "PHQ-9")
    clock.stand_at(due.slot.latest)
    answers = {**dict.fromkeys("12345678", 1), "9": 0}
    made = [
        record_rating(participant=person, instrument="PHQ-9", answers=answers, rated_at=when, rater_kind="self",
                      mode="paper", by=as_clinician, at=due.slot.latest)
        for when in (due.slot.target, due.slot.earliest - timedelta(days=1))
    ]  # fmt: skip
    client = log_in(colleague)
    counted, other = (client.get(at("rating", each.pk)).content.decode() for each in made)
    assert "entered without a time; counted for that of" in counted
    assert "not entered for a time of the protocol" in other
    assert client.get(at("ratings", person.pk)).content.decode().count("not entered for a time of the protocol") == 1
