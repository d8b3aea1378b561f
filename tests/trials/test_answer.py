"""The main job on the smallest shipped protocol: how fast, for whom, how long."""

from __future__ import annotations

import json

import numpy as np
import pytest

from upturn.protocol import Distribution, load
from upturn.trials import Answer, answer
from upturn.trials.answer import PARTS, TRIALS, _calibration
from upturn.trials.run import Group, Setup, run_arms, set_up
from upturn.trials.summary import Interval

PATIENTS = 10
RATINGS_H = [0.0, 24.0, 168.0, 336.0, 672.0]


@pytest.fixture(scope="module")
def found() -> Answer:
    return answer(load("single-infusion"), patients=PATIENTS, seed=1)


@pytest.fixture(scope="module")
def setup() -> Setup:
    return set_up(load("single-infusion"), seed=4, n_trials=25, ratings_h=RATINGS_H)


@pytest.fixture(scope="module")
def groups(setup: Setup) -> dict[str, Group]:
    return run_arms(setup, patients=8, arms=("ketamine", "midazolam"))


def median(interval: Interval) -> float:
    assert interval.median is not None
    return interval.median


def ordered(interval: Interval) -> bool:
    bounds = [interval.low90, interval.low50, interval.median, interval.high50, interval.high90]
    known = [x for x in bounds if x is not None]
    return known == sorted(known)


def test_it_says_what_it_is(found: Answer) -> None:
    assert found.protocol["id"] == "single-infusion"
    assert (found.patients, found.seed, found.trials) == (PATIENTS, 1, TRIALS)
    assert "decisions belong to the treating clinician" in found.notice
    json.dumps(found.as_dict(), allow_nan=False)  # plain data, and no NaN or infinity


def test_response_begins_within_hours_or_days_and_earlier_than_on_control(found: Answer) -> None:
    ketamine, midazolam = found.arms
    assert 2 <= median(ketamine.time_to_response_h) <= 168
    slower = midazolam.time_to_response_h.median
    assert slower is None or slower >= median(ketamine.time_to_response_h)
    assert median(ketamine.ever_responded) > median(midazolam.ever_responded)


def test_the_control_arm_falls_too(found: Answer) -> None:
    for arm in found.arms:
        day = next(at for at in arm.at if at.time_h == 24)
        assert median(day.mean_change) < -3
        assert median(day.parts["nonspecific"]) > 0
    control = next(at for at in found.arms[1].at if at.time_h == 24)
    assert median(control.parts["drug"]) == pytest.approx(0, abs=1e-6)
    assert median(control.parts["expectancy"]) > 0  # midazolam can be felt


def test_the_difference_is_the_drugs_and_fades(found: Answer) -> None:
    (contrast,) = found.contrasts
    by_time = {at.time_h: at for at in contrast.at}
    day, month = by_time[24.0], by_time[672.0]
    assert median(day.new_trial) < -1
    assert abs(median(month.new_trial)) < 0.6 * abs(median(day.new_trial))
    assert abs(median(day.parts["expectancy"])) < median(day.parts["drug"])
    width = [at.one_person.high90 - at.one_person.low90 for at in (day,) if at.one_person.high90 is not None]  # type: ignore[operator]
    assert width[0] > day.new_trial.high90 - day.new_trial.low90  # type: ignore[operator]


def test_every_interval_is_in_order_and_every_share_a_share(found: Answer) -> None:
    for arm in found.arms:
        for at in arm.at:
            shares = [at.response, at.response_leavers_failed, *at.remission.values()]
            assert all(0 <= median(share) <= 1 and ordered(share) for share in shares)
            assert ordered(at.mean_change)
            assert ordered(at.person_change)
            assert median(at.response_leavers_failed) <= median(at.response)
            assert median(at.remission["remission-10"]) <= median(at.remission["remission-12"])


def test_some_leave_and_no_booster_is_given(found: Answer) -> None:
    for arm in found.arms:
        assert 0 < median(arm.left) < 0.5
        assert arm.boosters == Interval(0.0, 0.0, 0.0, 0.0, 0.0)
        assert arm.last_planned_dose_h == 0


def test_relapse_begins_at_one_and_never_rises(found: Answer) -> None:
    relapse = found.arms[0].relapse
    assert relapse is not None
    still = [median(x) for x in relapse.still_well]
    assert still[0] == 1
    assert still == sorted(still, reverse=True)
    assert len(still) == len(relapse.time_h)


def test_the_session_peaks_in_the_first_hours_and_is_over_within_a_day(found: Answer) -> None:
    acute, none = (arm.acute for arm in found.arms)
    assert none is None
    assert acute is not None
    assert acute.site == "arterial"
    assert median(acute.peak_h["ketamine_ng_ml"]) == pytest.approx(40 / 60, abs=0.05)
    assert 5 < median(acute.peak["dissociation"]) < 49
    assert 5 < median(acute.peak["systolic"]) < 25
    assert 40 / 60 < median(acute.back_h["dissociation"]) < 8
    assert 0.2 < median(acute.peak["occupancy"]) < 0.5


def test_nothing_is_established_for_anybody_without_fitted_trials(found: Answer) -> None:
    assert found.calibration.beyond == ""  # depression trials like this one were fitted
    assert {m.verdict for m in found.who} == {"not established"}
    assert all(m.evidence and 0.9 < median(m.ratio_per_sd) < 1.1 for m in found.who)


def test_every_number_used_has_a_source_and_a_status(found: Answer) -> None:
    files = {n.file for n in found.numbers}
    assert {"simons_2022", "receptor", "plasticity", "mood", "moderators"} <= files
    assert all(n.source and n.status and n.unit for n in found.numbers)


def test_the_parts_of_each_person_add_up_to_the_rating(setup: Setup, groups: dict[str, Group]) -> None:
    """The rating is baseline less the parts plus noise, on whole numbers from 0 to 60."""
    for arm, group in groups.items():
        out = group.outcome
        ratings = np.asarray(out.ratings)
        np.testing.assert_array_equal(ratings, np.round(ratings))
        assert ratings.min() >= 0
        assert ratings.max() <= 60
        total = np.sum([np.asarray(getattr(out, name), dtype=float) for name in PARTS], axis=0)
        assert total.shape == ratings.shape  # read wherever rated
        inside = (ratings > 0) & (ratings < 60)
        noise = (ratings - (group.baseline["MADRS"][:, None] - total))[inside]
        assert abs(noise.mean()) < 0.4, arm
        expected = float(np.sqrt(np.mean(np.asarray(setup.trials["reading_noise"]) ** 2)))
        assert noise.std() == pytest.approx(expected, rel=0.12)
    drug = np.asarray(groups["midazolam"].outcome.drug)
    assert (np.abs(drug) < 1e-4).all()  # what the quadrature of the growth step leaves over weeks


def test_both_arms_hold_the_same_people(groups: dict[str, Group]) -> None:
    one, two = groups["ketamine"], groups["midazolam"]
    np.testing.assert_array_equal(one.baseline["MADRS"], two.baseline["MADRS"])
    np.testing.assert_array_equal(one.outcome.nonspecific, two.outcome.nonspecific)


def test_who_has_left_does_not_come_back(groups: dict[str, Group]) -> None:
    present = np.asarray(groups["ketamine"].outcome.present)
    assert present[:, 0].all()
    assert (np.diff(present.astype(int), axis=1) <= 0).all()
    assert 0.01 < 1 - present[:, -1].mean() < 0.4


def test_the_dose_is_by_weight(groups: dict[str, Group], setup: Setup) -> None:
    given = np.asarray(groups["ketamine"].outcome.given_mg)[:, 0]
    drawn = setup.people("ketamine", 0, len(given), np.arange(len(given)) // 8)
    np.testing.assert_allclose(given, 0.5 * np.asarray(drawn.person.body.weight_kg), rtol=1e-6)


def test_a_condition_without_fitted_trials_says_so() -> None:
    people = load("six-infusions").population

    def beyond(**changed: object) -> str:
        return _calibration(people.model_copy(update=changed)).beyond

    assert "Nothing of the model was fitted" in beyond(condition="post-traumatic stress disorder")
    assert beyond(condition="bipolar depression")
    assert beyond(condition="major depression") == ""
    assert beyond(condition="social anxiety disorder") == beyond(condition="anxiety disorders") != ""


def test_ages_without_fitted_trials_say_so() -> None:
    def beyond(mean: float, *, least: float, most: float) -> str:
        ages = Distribution(mean=mean, sd=3, min=least, max=most)
        return _calibration(load("six-infusions").population.model_copy(update={"age_y": ages})).beyond

    assert beyond(64.9, least=18, most=90) == ""
    assert beyond(65.0, least=60, most=90).startswith("Depression at 65 years and more: One nasal trial")
    assert beyond(17.9, least=13, most=19).startswith("Depression under 18 years: One small crossover")
    assert beyond(18.0, least=16, most=20) == ""
