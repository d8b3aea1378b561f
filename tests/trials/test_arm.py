"""An arm laid out: sessions, decisions, tablets, and doses that collide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from upturn.errors import InputError
from upturn.protocol import Protocol, load
from upturn.protocol.library import read
from upturn.trials.arm import ArmPlan, arm_plan

KETAMINE: dict[str, object] = {
    "id": "k",
    "drug": "ketamine",
    "route": "intravenous",
    "amount": "0.5 mg/kg",
    "over": "PT40M",
}


@pytest.fixture
def protocol(small_document: Any) -> Callable[..., Protocol]:
    """Give the small protocol with one arm of the given doses."""

    def with_doses(*doses: dict[str, object]) -> Protocol:
        arm = {"title": "One", "role": "active", "doses": list(doses)}
        return read(yaml.safe_dump({**small_document, "arms": {"one": arm}, "contrasts": []}))

    return with_doses


@pytest.fixture
def laid_out(protocol: Callable[..., Protocol]) -> Callable[..., ArmPlan]:
    def lay_out(*doses: dict[str, object], ratings_h: tuple[float, ...] = (0.0, 24.0, 168.0)) -> ArmPlan:
        return arm_plan(protocol(*doses), "one", ratings_h=ratings_h, until_h=672.0)

    return lay_out


def test_every_fixed_dose_is_a_session(laid_out: Callable[..., ArmPlan]) -> None:
    plan = laid_out({**KETAMINE, "on": ["P0D", "P2D"]})
    assert plan.session_h == (0.0, 48.0)
    assert plan.amount == (0.5, 0.5)
    assert plan.per_kg == (True, True)
    assert plan.kind == (0, 0)
    assert plan.adaptive == (False, False)
    assert plan.has_kinetics
    assert len(plan.givens) == 1


def test_a_dose_that_waits_for_relapse_stands_at_every_candidate_day(laid_out: Callable[..., ArmPlan]) -> None:
    booster: dict[str, object] = {
        "id": "b",
        "like": "k",
        "when": "relapse",
        "not_sooner_than": "P7D",
        "until": "P21D",
        "every": "P7D",
    }
    plan = laid_out({**KETAMINE, "on": ["P0D"]}, booster)
    assert plan.session_h == (0.0, 168.0, 336.0, 504.0)
    assert plan.adaptive == (False, True, True, True)


def test_a_decision_may_follow_every_rating_but_those_within_a_day_after_a_session(
    laid_out: Callable[..., ArmPlan],
) -> None:
    ratings_h = (0.0, 2.0, 24.0, 100.0, 168.0, 170.0, 200.0, 300.0, 400.0, 500.0, 600.0)
    plan = laid_out({**KETAMINE, "on": ["P0D", "P7D"]}, ratings_h=ratings_h)
    assert {24.0, 100.0, 168.0, 200.0} <= set(plan.timetable.starts_h)
    assert not {2.0, 170.0} & set(plan.timetable.starts_h)
    assert [plan.readings_h[i] for i in plan.rating_in_reading] == list(plan.ratings_h)


def test_ratings_may_be_few(laid_out: Callable[..., ArmPlan]) -> None:
    assert laid_out({**KETAMINE, "on": ["P0D"]}, ratings_h=(0.0, 456.0)).ratings_h == (0.0, 456.0)


def test_daily_tablets_are_not_sessions(laid_out: Callable[..., ArmPlan]) -> None:
    tablets: dict[str, object] = {"id": "t", "drug": "escitalopram", "route": "oral", "amount": "10 mg"}
    plan = laid_out({**tablets, "on": {"every": "P1D", "from": "P0D", "until": "P27D"}})
    assert plan.session_h == ()
    assert not plan.has_kinetics
    placebo: dict[str, object] = {
        "id": "p",
        "drug": "placebo",
        "route": "oral",
        "on": {"every": "P1D", "from": "P0D", "until": "P27D"},
    }
    assert laid_out(placebo).session_h == ()


def test_an_inert_session_is_a_session_without_kinetics(laid_out: Callable[..., ArmPlan]) -> None:
    plan = laid_out({"id": "s", "drug": "saline", "route": "intravenous", "over": "PT40M", "on": ["P0D"]})
    assert (plan.session_h, plan.kind, plan.has_kinetics) == ((0.0,), (-1,), False)


def test_two_kinds_of_dose_keep_their_ways_apart(laid_out: Callable[..., ArmPlan]) -> None:
    plan = laid_out(
        {**KETAMINE, "on": ["P0D"]},
        {"id": "m", "drug": "ketamine", "route": "intramuscular", "amount": "0.5 mg/kg", "on": ["P3D"]},
    )
    assert plan.kind == (0, 1)
    ways = {path for block in plan.timetable.blocks for s in block.segments for path, _, _ in (*s.boluses, *s.rates)}
    assert {way.split(":")[0] for way in ways} == {"0", "1"}


@pytest.mark.parametrize("second", ["P0D", "PT30M"])
def test_doses_that_overlap_are_refused(laid_out: Callable[..., ArmPlan], second: str) -> None:
    with pytest.raises(InputError) as told:
        laid_out({**KETAMINE, "on": ["P0D"]}, {**KETAMINE, "id": "again", "on": [second]})
    assert "overlap" in str(told.value)
    assert "again" in str(told.value)


def test_an_unknown_arm_is_refused() -> None:
    with pytest.raises(InputError, match="no such arm"):
        arm_plan(load("single-infusion"), "saline", ratings_h=[0.0], until_h=24.0)


def test_what_stands_after_the_end_is_left_out(protocol: Callable[..., Protocol]) -> None:
    plan = arm_plan(protocol({**KETAMINE, "on": ["P0D", "P14D"]}), "one", ratings_h=[0.0, 24.0, 400.0], until_h=168.0)
    assert plan.session_h == (0.0,)
    assert plan.ratings_h == (0.0, 24.0)
