"""Ratings: kept answer by answer, scored on the server, corrected with a reason, seen by who may see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from tests.clinic.assessments.conftest import Ten
from tests.clinic.conftest import NOW
from tests.clinic.participants.making import document_of, registered, version_in_force

from upturn_clinic.accounts.actor import Actor
from upturn_clinic.accounts.models import Facility, User
from upturn_clinic.accounts.permissions import Role
from upturn_clinic.assessments.actions import correct_rating, record_rating, strike_rating
from upturn_clinic.assessments.models import Rating
from upturn_clinic.assessments.queries import baseline_for, ratings_of, scales_for, trends_of
from upturn_clinic.ground.errors import Conflict, Refused
from upturn_clinic.ledger.models import Entry
from upturn_clinic.participants.models import Measure, Participant
from upturn_clinic.safety.models import Concern
from upturn_clinic.treatments.models import Plan

pytestmark = pytest.mark.django_db

PHQ = {str(item): 1 for item in range(1, 10)}


def test_a_rating_keeps_every_answer_and_its_total_is_a_measure(
    participant: Participant, as_clinician: Actor, ten: Ten
) -> None:
    rating = record_rating(
        participant=participant, instrument="MADRS", answers={**ten(3), "10": 1}, rated_at=NOW, rater_kind="blinded",
        by=as_clinician, at=NOW,
    )  # fmt: skip
    rating.refresh_from_db()
    assert rating.answers == {**{str(item): 3 for item in range(1, 10)}, "10": 1}
    assert (rating.total, rating.band, rating.missing) == (Decimal(28), "moderate", [])
    assert (rating.instrument_version, rating.rater, rating.mode) == ("1", as_clinician.user, "interview")
    assert rating.recall_h == 168
    assert rating.measure is not None
    assert (rating.measure.value, rating.measure.unit, rating.measure.at) == (Decimal(28), "points", NOW)
    # A clinician may see sessions: the rating is not what the protocol calls blinded, and says so.
    assert rating.rater_sees_sessions
    row = json.loads(Entry.objects.get(action="recorded a rating").changes)
    assert row["answers"] == [None, {**{str(item): 3 for item in range(1, 10)}, "10": 1}]


def test_the_recall_is_that_of_the_protocol_for_its_time(
    planned: Plan, first_dose: datetime, as_rater: Actor, ten: Ten
) -> None:
    day, week = first_dose + timedelta(days=1), first_dose + timedelta(days=7)
    for planned_h, at, recall_h in ((24, day, 24), (168, week, 168)):
        rating = record_rating(
            participant=planned.participant, instrument="MADRS", answers=ten(2), rated_at=at, planned_h=planned_h,
            rater_kind="blinded", by=as_rater, at=at,
        )  # fmt: skip
        assert rating.recall_h == recall_h
        assert not rating.rater_sees_sessions


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"instrument": "NOPE"}, "no instrument called"),
        ({"instrument": "SBP"}, "has no items"),
        ({"answers": {"1": 7}}, "cannot have this answer"),
        ({"answers": {"11": 1}}, "has no such item"),
        ({"rated_at": NOW + timedelta(minutes=1)}, "in the future"),
        ({"answers": {"1": 1}}, "Items are not answered"),
        ({"planned_h": 13.0}, "does not ask for this rating"),
        ({"planned_h": 168.0, "rater_kind": "treating"}, "does not ask for this rating"),
    ],
)
def test_what_cannot_be_is_refused(
    participant: Participant, as_clinician: Actor, ten: Ten, changes: dict[str, object], fault: str
) -> None:
    given = {"instrument": "MADRS", "answers": ten(3), "rated_at": NOW, "rater_kind": "blinded", **changes}
    with pytest.raises(Refused, match=fault):
        record_rating(participant=participant, by=as_clinician, at=NOW, **given)  # type: ignore[arg-type]
    assert not Rating.objects.exists()
    assert not Measure.objects.filter(instrument="MADRS").exists()


def test_missing_items_need_a_reason_and_give_no_total(participant: Participant, as_clinician: Actor, ten: Ten) -> None:
    answers = ten(3)
    del answers["4"]
    rating = record_rating(
        participant=participant, instrument="MADRS", answers=answers, rated_at=NOW, missing_because="she left early",
        by=as_clinician, at=NOW,
    )  # fmt: skip
    assert (rating.total, rating.band, rating.measure) == (None, "", None)
    assert (rating.missing, rating.missing_because) == (["4"], "she left early")


def test_a_time_of_the_protocol_is_rated_once(planned: Plan, week_later: datetime, as_rater: Actor, ten: Ten) -> None:
    def again() -> Rating:
        return record_rating(
            participant=planned.participant, instrument="MADRS", answers=ten(2), rated_at=week_later, planned_h=168,
            rater_kind="blinded", by=as_rater, at=week_later,
        )  # fmt: skip

    first = again()
    with pytest.raises(Refused, match="recorded already"):
        again()
    strike_rating(rating=first, version=first.version, reason="the wrong person", by=as_rater, at=week_later)
    assert again().planned_h == 168


def test_blinded_ratings_are_for_who_rates_blinded(
    participant: Participant, as_nurse: Actor, as_rater: Actor, as_clinician: Actor, as_owner: Actor, ten: Ten
) -> None:
    given = {"participant": participant, "instrument": "MADRS", "answers": ten(3), "rated_at": NOW, "at": NOW}
    for nobody, kind in ((as_nurse, "blinded"), (as_owner, "blinded"), (as_owner, "treating")):
        with pytest.raises(PermissionDenied):
            record_rating(**given, rater_kind=kind, by=nobody)  # type: ignore[arg-type]
    by_rater = record_rating(**given, rater_kind="blinded", by=as_rater)  # type: ignore[arg-type]
    record_rating(**given, rater_kind="treating", by=as_nurse)  # type: ignore[arg-type]
    for nobody in (as_nurse, as_owner):
        with pytest.raises(PermissionDenied):
            strike_rating(rating=by_rater, version=1, reason="not mine to strike", by=nobody, at=NOW)
    assert [each.rater_kind for each in ratings_of(participant, as_rater)] == ["blinded"]
    assert len(ratings_of(participant, as_clinician)) == 2


def test_somebody_of_another_facility_rates_nobody_here(
    participant: Participant, stranger: User, elsewhere: Facility, ten: Ten
) -> None:
    actor = Actor(stranger, elsewhere, frozenset({Role.CLINICIAN}))
    with pytest.raises(PermissionDenied):
        record_rating(participant=participant, instrument="MADRS", answers=ten(3), rated_at=NOW, by=actor, at=NOW)


def test_a_rater_sees_the_course_of_blinded_ratings_alone(
    planned: Plan, first_dose: datetime, as_rater: Actor, as_nurse: Actor, as_clinician: Actor, ten: Ten
) -> None:
    person, later = planned.participant, first_dose + timedelta(days=1)
    record_rating(participant=person, instrument="MADRS", answers=ten(4), rated_at=NOW, rater_kind="blinded",
                  by=as_rater, at=NOW)  # fmt: skip
    record_rating(participant=person, instrument="MADRS", answers=ten(1), rated_at=later, by=as_nurse, at=later)
    record_rating(participant=person, instrument="CADSS-6", answers={"1": 4, "2": 4, "6": 4, "7": 4, "15": 4, "22": 4},
                  rated_at=later, by=as_nurse, at=later)  # fmt: skip
    Measure.objects.create(participant=person, instrument="MADRS", value=Decimal(7), unit="points", at=later)

    def seen(reader: Actor) -> dict[str, list[float]]:
        return {trend.instrument: [row.point.value for row in trend.rows] for trend in trends_of(person, reader)}

    assert seen(as_rater) == {"MADRS": [40]}
    assert seen(as_clinician) == {"MADRS": [40, 10, 7], "CADSS-6": [24]}
    assert scales_for(person, as_rater) == ("MADRS",)
    assert {"MADRS", "CADSS", "PHQ-9", "PCL-5"} <= set(scales_for(person, as_clinician))
    # That there is a first dose, and a value from before it, a rater is not told.
    assert baseline_for(person, "MADRS", as_rater) is None
    found = baseline_for(person, "MADRS", as_clinician)
    assert found is not None
    assert found.value == 40


def test_what_is_struck_out_stays_and_counts_no_more(participant: Participant, as_clinician: Actor, ten: Ten) -> None:
    rating = record_rating(participant=participant, instrument="MADRS", answers=ten(3), rated_at=NOW, by=as_clinician,
                           at=NOW)  # fmt: skip
    with pytest.raises(Refused, match="only with a reason"):
        strike_rating(rating=rating, version=1, reason=" ", by=as_clinician, at=NOW)
    struck = strike_rating(rating=rating, version=1, reason="the wrong person", by=as_clinician, at=NOW)
    assert (struck.struck_at, struck.struck_because, struck.total) == (NOW, "the wrong person", Decimal(30))
    assert rating.measure is not None
    assert Measure.objects.get(pk=rating.measure.pk).struck_at == NOW
    with pytest.raises(Refused, match="struck out already"):
        strike_rating(rating=struck, version=2, reason="once more", by=as_clinician, at=NOW)


def test_a_correction_takes_the_place_of_the_earlier_one(
    participant: Participant, as_clinician: Actor, ten: Ten
) -> None:
    rating = record_rating(participant=participant, instrument="MADRS", answers=ten(3), rated_at=NOW, by=as_clinician,
                           at=NOW)  # fmt: skip

    def correct(version: int) -> Rating:
        return correct_rating(
            rating=rating, version=version, answers={**ten(3), "1": 2}, rated_at=NOW, missing_because="",
            reason="item 1 was mistyped", by=as_clinician, at=NOW,
        )  # fmt: skip

    with pytest.raises(Conflict):
        correct(7)
    assert Rating.objects.count() == 1
    corrected = correct(1)
    assert (corrected.total, corrected.replaces_id) == (Decimal(29), rating.pk)
    rating.refresh_from_db()
    assert (rating.counts, rating.struck_because) == (False, "item 1 was mistyped")
    counting = Measure.objects.filter(participant=participant, instrument="MADRS", struck_at=None)
    assert [each.value for each in counting] == [29]


def test_the_database_keeps_answers_as_they_were(rated: Rating) -> None:
    for column, value in (("answers", {}), ("total", 1), ("rated_at", NOW + timedelta(days=1))):
        with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
            Rating.objects.filter(pk=rated.pk).update(**{column: value})
    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        Rating.objects.filter(pk=rated.pk).delete()


def phq(person: Participant, by: Actor, **answers: int) -> Rating:
    given = {**PHQ, "9": 0, **{name.strip("i"): value for name, value in answers.items()}}
    return record_rating(participant=person, instrument="PHQ-9", answers=given, rated_at=NOW, rater_kind="self",
                         mode="paper", by=by, at=NOW)  # fmt: skip


def test_item_nine_opens_a_task_once_also_after_a_correction(participant: Participant, as_clinician: Actor) -> None:
    quiet = phq(participant, as_clinician)
    assert not Concern.objects.exists()
    loud = phq(participant, as_clinician, i9=2)
    [concern] = Concern.objects.all()
    assert concern.rule == "phq-item-9"
    assert "9. Thoughts of death or self-harm: 2, More than half the days." in concern.because
    assert concern.due_at > NOW
    corrected = correct_rating(rating=loud, version=1, answers={**PHQ, "9": 1}, rated_at=NOW, missing_because="",
                               reason="it was a 1", by=as_clinician, at=NOW)  # fmt: skip
    assert Concern.objects.count() == 1
    correct_rating(rating=corrected, version=1, answers={**PHQ, "9": 3}, rated_at=NOW, missing_because="",
                   reason="it was a 3 after all", by=as_clinician, at=NOW)  # fmt: skip
    assert Concern.objects.count() == 1
    # A correction that first brings it to light opens one.
    correct_rating(rating=quiet, version=1, answers={**PHQ, "9": 1}, rated_at=NOW, missing_because="",
                   reason="overlooked", by=as_clinician, at=NOW)  # fmt: skip
    assert Concern.objects.count() == 2


def test_item_nine_opens_a_task_when_all_else_is_missing(participant: Participant, as_clinician: Actor) -> None:
    record_rating(participant=participant, instrument="PHQ-9", answers={"9": 1}, rated_at=NOW, rater_kind="self",
                  missing_because="she stopped", by=as_clinician, at=NOW)  # fmt: skip
    assert Concern.objects.get().rule == "phq-item-9"


@pytest.mark.parametrize(
    ("instrument", "answers", "rules", "told"),
    [
        ("MADRS", {"10": 1}, [], ""),
        ("MADRS", {"10": 2}, ["madrs-item-10"], "10. Thoughts of suicide: 2."),
        ("MADRS", {"10": 6}, ["madrs-item-10-high"], "10. Thoughts of suicide: 6."),
        ("HAM-D17", {"3": 1}, ["ham-d-item-3"], "3. Thoughts of suicide: 1."),
        ("QIDS-SR16", {"12": 3}, ["qids-item-12-high"], "12. Thoughts of death or suicide: 3."),
        ("SSI", {"4": 2, "5": 1}, [], ""),
        # The total is open, but it is four or more already.
        ("SSI", {"4": 2, "5": 2}, ["ssi"], "SSI: at least 4, "),
        ("SSI", {str(item): 2 for item in range(1, 9)}, ["ssi-high"], "SSI: at least 16, "),
    ],
)
def test_every_item_about_suicide_opens_a_task_also_alone(
    participant: Participant, as_clinician: Actor, instrument: str, answers: dict[str, int], rules: list[str],
    told: str,
) -> None:  # fmt: skip
    record_rating(participant=participant, instrument=instrument, answers=answers, rated_at=NOW,
                  missing_because="broken off", by=as_clinician, at=NOW)  # fmt: skip
    found = Concern.objects.all()
    assert [each.rule for each in found] == rules
    assert all(told in each.because for each in found)


def test_a_blinded_rater_is_told_what_to_do_when_the_item_speaks_of_suicide(
    planned: Plan, first_dose: datetime, rater: User, log_in: Callable[[User], Client], ten: Ten
) -> None:
    address = reverse("score_rating", args=["main", planned.participant_id])
    answers = {f"item_{item}": str(value) for item, value in {**ten(1), "10": 2}.items()}
    page = log_in(rater).post(address, {"instrument": "MADRS", **answers}).content.decode()
    assert "This answer asks for help now." in page


def test_a_rating_before_enrolment_takes_eligibility_back_where_it_speaks_against_it(
    participant: Participant, as_clinician: Actor, ten: Ten
) -> None:
    Participant.objects.filter(pk=participant.pk).update(status=Participant.Status.ELIGIBLE)
    record_rating(participant=participant, instrument="MADRS", answers=ten(1), rated_at=NOW, by=as_clinician, at=NOW)
    participant.refresh_from_db()
    assert participant.status == Participant.Status.SCREENING
    assert Entry.objects.filter(action="opened the screening again").count() == 1


def test_the_two_of_a_pair_say_that_one_is_answered(
    participant: Participant, colleague: User, log_in: Callable[[User], Client]
) -> None:
    address = reverse("enter_rating", args=["main", participant.pk])
    page = log_in(colleague).get(address, {"instrument": "QIDS-SR16"}).content.decode()
    assert page.count("or item 7, one of the two") == page.count("or item 8, one of the two") == 1


@pytest.mark.parametrize(
    ("answers", "rules"),
    [
        ({"1": 0, "2": 0, "6": 0}, []),
        ({"1": 1, "2": 0, "6": 0}, ["suicidal-thoughts"]),
        ({"1": 0, "2": 1, "3": 0, "4": 1, "5": 0, "6": 0}, ["suicidal-intent"]),
        # No level can be given, and so no rule of the protocol speaks; the answer still opens a task.
        ({"1": 1}, [""]),
    ],
)
def test_the_screener_opens_tasks_by_its_level(
    participant: Participant, as_clinician: Actor, answers: dict[str, int], rules: list[str]
) -> None:
    record_rating(participant=participant, instrument="C-SSRS", answers=answers, rated_at=NOW,
                  missing_because="not asked on", by=as_clinician, at=NOW)  # fmt: skip
    assert [each.rule for each in Concern.objects.all()] == rules


HIGH = """\
    - id: high
      text: A high total.
      instrument: PHQ-9
      at_least: 5
      within: PT48H
      status: assumed
"""


def test_a_rule_about_the_total_swallows_no_answer_about_death(as_clinician: Actor) -> None:
    """A site's own protocol, whose only concern is about the total: signed and in force like any other."""
    before, rest = document_of("six-infusions").split("  concerns:\n")
    after = rest[rest.index("  serious:\n") :]
    version = version_in_force(as_clinician, NOW, document=f"{before}  concerns:\n{HIGH}{after}")
    person = registered(version, as_clinician, NOW)
    phq(person, as_clinician, i9=0)
    assert [each.rule for each in Concern.objects.all()] == ["high"]
    phq(person, as_clinician, i9=1)
    assert sorted(each.rule for each in Concern.objects.all()) == ["", "high", "high"]
    assert Concern.objects.get(rule="").text.startswith("Thoughts of death")


def test_items_of_double_weight_say_their_steps(
    participant: Participant, colleague: User, log_in: Callable[[User], Client]
) -> None:
    address = reverse("enter_rating", args=["main", participant.pk])
    page = log_in(colleague).get(address, {"instrument": "YMRS"}).content.decode()
    assert page.count("in steps of two") == 4
    assert "counts double" not in page


def test_a_concern_is_raised_by_a_rater_who_may_not_see_concerns(participant: Participant, as_rater: Actor) -> None:
    record_rating(participant=participant, instrument="C-SSRS", answers={"1": 1, "2": 0, "6": 0}, rated_at=NOW,
                  rater_kind="blinded", by=as_rater, at=NOW)  # fmt: skip
    assert Concern.objects.get().raised_by == as_rater.user
