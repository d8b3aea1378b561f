"""The task inside a simulated study: the same people, the chain behind their answers, records that hold together."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from upturn.errors import InputError, ProtocolError
from upturn.protocol import Protocol, load
from upturn.records import TABLES, Records, validate
from upturn.trials import simulate as module
from upturn.trials.beliefs import BeliefTruth, belief_truth
from upturn.trials.simulate import simulate

PEOPLE = {"patients": 26, "controls": 30}


def run(protocol: Protocol, patients: Any, truth: BeliefTruth | None = None, seed: int = 5) -> Records:
    chunks = list(simulate(protocol, patients=patients, seed=seed, beliefs=truth))
    return validate(Records(**{table: pl.concat([chunk[table] for chunk in chunks]) for table in TABLES}))


@pytest.fixture(scope="module")
def study() -> Protocol:
    return load("belief-updating-study")


@pytest.fixture(scope="module")
def records(study: Protocol) -> Records:
    return run(study, PEOPLE)


def naive_asymmetry(records: Records, visit: str, arm: str) -> float:
    rows = records.updates.join(records.participants, on="participant").filter(arm=arm, visit=visit)
    rows = rows.drop_nulls(["base_rate", "first_estimate", "second_estimate"])
    error = (rows["first_estimate"] - rows["base_rate"]).to_numpy()
    update = (rows["first_estimate"] - rows["second_estimate"]).to_numpy()
    return float(np.linalg.lstsq(np.stack([error, np.abs(error)], axis=1), update, rcond=None)[0][1])


def test_every_visit_of_everybody_is_there(records: Records, study: Protocol) -> None:
    rows = records.updates.join(records.participants, on="participant")
    seen = rows.group_by("arm", "visit", "time_h").agg(pl.len(), pl.col("participant").n_unique()).sort("arm", "time_h")
    assert seen.rows() == [
        ("controls", "before", -24.0, 30 * 48, 30),
        ("controls", "one-week", 144.0, 30 * 48, 30),
        ("patients", "before", -24.0, 26 * 48, 26),
        ("patients", "four-hours", 4.0, 26 * 48, 26),
        ("patients", "one-week", 172.0, 26 * 48, 26),
    ]
    assert set(records.observations.filter(instrument="MADRS")["participant"]) == set(
        records.participants.filter(arm="patients")["participant"]
    ) | set(records.participants.filter(arm="controls")["participant"])


def test_fillers_have_no_base_rate_and_ask_nothing_about_others(records: Records) -> None:
    fillers = records.updates.filter(pl.col("base_rate").is_null())
    assert fillers["event"].str.starts_with("filler-").all()
    assert fillers["event"].n_unique() == 8
    assert fillers["other_estimate"].is_null().all()
    assert fillers["trust"].is_null().all()
    events = records.updates.filter(pl.col("base_rate").is_not_null())
    assert events["event"].n_unique() == 40
    assert events["first_estimate"].is_between(3, 77).all()


def test_the_task_changes_nobody_and_no_rating(study: Protocol, records: Records) -> None:
    silent = study.model_copy(
        update={"assessments": tuple(a for a in study.assessments if a.instrument != "belief-updating task")}
    )
    without = run(silent, PEOPLE)
    assert without.updates.height == 0
    for table in ("participants", "doses", "observations", "adverse_events"):
        assert without[table].equals(records[table]), table


def test_the_size_of_a_chunk_does_not_matter(
    study: Protocol, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK", 20)
    chunked = run(study, PEOPLE)
    # Adverse events come term by term within a chunk: the same rows, in another order.
    for table, frame in chunked:
        assert frame.sort(frame.columns).equals(records[table].sort(frame.columns)), table


def test_pessimism_follows_mood_and_asymmetry_follows_growth(study: Protocol) -> None:
    people = {"patients": 300, "controls": 300}
    shifted = run(study, people, belief_truth(asymmetry_change=0.0, report_noise=0.0))
    rows = shifted.updates.join(shifted.participants, on="participant").filter(pl.col("base_rate").is_not_null())
    mean = {(a, v): m for a, v, m in rows.group_by("arm", "visit").agg(pl.col("first_estimate").mean()).iter_rows()}
    assert mean["patients", "before"] - mean["controls", "before"] > 8
    assert mean["patients", "before"] - mean["patients", "one-week"] > 3
    assert mean["controls", "before"] == pytest.approx(mean["controls", "one-week"], abs=1)

    level = run(study, people, belief_truth(asymmetry_change=0.3, pessimism=0.0, report_noise=0.0))
    gain = {arm: naive_asymmetry(level, "one-week", arm) - naive_asymmetry(level, "before", arm) for arm in people}
    assert gain["patients"] == pytest.approx(0.3, abs=0.05)
    assert gain["controls"] == pytest.approx(0.0, abs=0.02)


def test_a_drug_that_leaves_learning_alone_does_so() -> None:
    assert belief_truth(asymmetry_change=0.0).asymmetry_at_full_growth_sd == 0
    assert belief_truth(asymmetry_change=0.2).asymmetry_at_full_growth_sd > 0
    assert belief_truth(pessimism=0.0).pessimism == 0
    with pytest.raises(InputError, match="no model called"):
        belief_truth(model="rescorla")


def test_rotating_lists_reach_the_records(study: Protocol) -> None:
    changed = []
    for each in study.assessments:
        if each.task is None:
            changed.append(each)
            continue
        lists = ("d", "e", "f")[: len(each.at_h)]
        task = each.task.model_copy(update={"lists": lists, "rotate": True})
        changed.append(each.model_copy(update={"task": task, "events": None}))
    seen = run(study.model_copy(update={"assessments": tuple(changed)}), {"patients": 3, "controls": 2})
    events = seen.updates.filter(pl.col("base_rate").is_not_null())
    assert events.group_by("participant", "visit").len()["len"].unique().to_list() == [20]
    patients = events.filter(pl.col("participant").is_in(["P0000001", "P0000002", "P0000003"]))
    # Nobody sees an event twice, and each visit shows every list.
    assert patients.select("participant", "event").is_unique().all()
    assert patients.group_by("visit").agg(pl.col("event").n_unique())["event"].to_list() == [60, 60, 60]


def test_a_wrong_number_of_events_is_refused(study: Protocol) -> None:
    wrong = tuple(
        each.model_copy(update={"events": 39}) if each.task is not None else each for each in study.assessments
    )
    with pytest.raises(ProtocolError) as refused:
        run(study.model_copy(update={"assessments": wrong}), PEOPLE)
    assert refused.value.expected == "events: 40"


def test_two_tasks_in_one_arm_are_refused(study: Protocol) -> None:
    every = tuple(each.model_copy(update={"arms": ()}) if each.task is not None else each for each in study.assessments)
    with pytest.raises(ProtocolError, match="two belief-updating tasks"):
        run(study.model_copy(update={"assessments": every}), PEOPLE)
