"""Records of a simulated study: adverse events come at the rates of the trial that was drawn."""

from __future__ import annotations

from itertools import chain

import numpy as np
import polars as pl
import pytest

from upturn.population import ADVERSE_EVENTS, adverse_event_chance
from upturn.protocol import Protocol, load
from upturn.records import Records
from upturn.trials.run import set_up
from upturn.trials.simulate import simulate

PEOPLE = 4000
SEED = 3


@pytest.fixture(scope="module")
def nasal() -> Protocol:
    return load("esketamine-trd")


@pytest.fixture(scope="module")
def records(nasal: Protocol) -> list[Records]:
    return list(simulate(nasal, patients=PEOPLE, seed=SEED))


def test_every_arm_reports_each_event_as_often_as_its_trial_says(nasal: Protocol, records: list[Records]) -> None:
    trials = set_up(nasal, seed=SEED, n_trials=1, ratings_h=[0.0]).trials
    trial = {name: values[0] for name, values in trials.items()}
    people = pl.concat([each.participants for each in records])
    events = pl.concat([each.adverse_events for each in records]).join(people, on="participant")
    doses = pl.concat([each.doses for each in records]).join(people, on="participant")
    for arm in nasal.arms:
        drugs = set(doses.filter(pl.col("arm") == arm)["drug"])
        active = bool(drugs & {"ketamine", "esketamine"})
        amounts: list[float | None] = [*{d.amount.value for d in nasal.arms[arm].doses if d.drug == "esketamine"}]
        assert len(amounts) <= 2
        for term in ADVERSE_EVENTS:
            share = events.filter((pl.col("arm") == arm) & (pl.col("term") == term)).height / PEOPLE
            ends = [float(adverse_event_chance(trial, term, active=active, dose_mg=dose)) for dose in amounts or [None]]
            slack = 4 * np.sqrt(max(ends) / PEOPLE)
            assert min(ends) - slack <= share <= max(ends) + slack, (arm, term)


def test_an_event_happens_once_in_a_course_after_a_dose_that_was_given(records: list[Records]) -> None:
    for each in records:
        once = each.adverse_events.group_by("participant", "term").len()
        assert once["len"].max() == 1
        given = each.doses.select("participant", pl.col("start_h").alias("dose_h"))
        begun = each.adverse_events.join(given, on="participant")
        after = begun.with_columns((pl.col("start_h") - pl.col("dose_h")).alias("after_h"))
        nearest = after.filter(pl.col("after_h") >= 0).group_by("participant", "term").agg(pl.col("after_h").min())
        assert nearest.height == each.adverse_events.height
        assert nearest["after_h"].max() == pytest.approx(0.5)


def test_arms_are_told_apart(records: list[Records]) -> None:
    assert set(chain.from_iterable(each.adverse_events["term"] for each in records)) == set(ADVERSE_EVENTS)
