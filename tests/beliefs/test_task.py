"""The task as data: events with sourced base rates, lists matched by their rule, questions complete."""

from __future__ import annotations

import csv
import statistics
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest

from upturn.beliefs.task import Event, event_lists, events, fillers, lists_of_visits, ratings, task
from upturn.errors import InputError
from upturn.protocol import BeliefTask, load

SHARED = Path(__file__).parents[3] / "shared" / "beliefs" / "data" / "update_task_events" / "events.csv"
POOL = 60
SETS = {("b", "c"): 30, ("d", "e", "f"): 20}


def rates(held: tuple[Event, ...]) -> list[float]:
    return [event.base_rate for event in held]


def test_list_a_is_the_published_one() -> None:
    held = event_lists()["a"]
    assert len(held) == 40
    assert statistics.mean(rates(held)) == pytest.approx(40.0, abs=0.05)
    assert (min(rates(held)), max(rates(held))) == (10.0, 70.0)
    assert statistics.stdev(rates(held)) == pytest.approx(13.2, abs=0.05)


@pytest.mark.skipif(not SHARED.is_file(), reason="the published lists lie beside the project")
def test_every_base_rate_is_a_published_one() -> None:
    with SHARED.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    published = {name: sorted(float(r["base_rate_percent"]) for r in rows if r["list"] == name) for name in "AB"}
    assert sorted(rates(event_lists()["a"])) == published["A"]
    others = [event.base_rate for event in events() if "a" not in event.lists]
    for rate in others:
        published["B"].remove(rate)
    wording = {r["event_text"].lower() for r in rows}
    copied = {event.text.lower() for event in events()} & wording
    # Names of illnesses have no other wording.
    assert all(len(text.split()) <= 2 for text in copied)


def test_events_have_a_name_a_wording_a_source_and_a_rate_on_the_scale() -> None:
    everyone = [(e.id, e.text) for e in events()] + [(f.id, f.text) for f in fillers()]
    assert len({name for name, _ in everyone}) == len(everyone) == 73
    assert len({text for _, text in everyone}) == len(everyone)
    for event in events():
        assert event.source
        assert event.status == "seen in source"
        assert 3 < event.base_rate < 77


@pytest.mark.parametrize(
    ("event", "caution"),
    [
        ("depression", "depression"),
        ("death-before-80", "death"),
        ("drug-abuse", "drug abuse"),
        ("sexual-dysfunction", "sexual dysfunction"),
        ("violence-emergency", "violence"),
        ("cancer", "serious illness"),
    ],
)
def test_what_a_clinician_should_look_at_is_marked(event: str, caution: str) -> None:
    assert {each.id: each.caution for each in events()}[event] == caution


@pytest.mark.parametrize("names", SETS)
def test_lists_of_one_set_share_nothing_and_are_matched(names: tuple[str, ...]) -> None:
    lists = [event_lists()[name] for name in names]
    assert all(len(held) == SETS[names] for held in lists)
    for one, two in combinations(lists, 2):
        assert not {e.id for e in one} & {e.id for e in two}
        assert statistics.mean(rates(one)) == pytest.approx(statistics.mean(rates(two)), abs=0.5)
        assert statistics.stdev(rates(one)) == pytest.approx(statistics.stdev(rates(two)), abs=0.5)
        assert min(rates(one)) == pytest.approx(min(rates(two)), abs=2)
        assert max(rates(one)) == pytest.approx(max(rates(two)), abs=2)


@pytest.mark.parametrize("names", SETS)
def test_lists_follow_the_rule_that_the_file_states(names: tuple[str, ...]) -> None:
    order = sorted(events(), key=lambda event: (-event.base_rate, event.id))[:POOL]
    dealt: dict[str, set[str]] = {name: set() for name in names}
    for start in range(0, POOL, len(names)):
        row = order[start : start + len(names)]
        backwards = start // len(names) % 2 == 1
        for name, event in zip(names, reversed(row) if backwards else row, strict=True):
            dealt[name].add(event.id)
    assert dealt == {name: {event.id for event in event_lists()[name]} for name in names}


def test_the_protocol_knows_the_same_lists_and_fillers() -> None:
    assert set(get_args(get_args(BeliefTask.model_fields["lists"].annotation)[0])) == set(event_lists())
    most = [rule.le for rule in BeliefTask.model_fields["fillers"].metadata if hasattr(rule, "le")]
    assert most == [len(fillers())]
    for assessment in load("belief-updating-study").assessments:
        if assessment.task is not None:
            assert {len(task(name).events) for name in assessment.task.lists} == {assessment.events}


def test_ratings_run_from_one_to_six_and_say_what_their_ends_mean() -> None:
    assert len(ratings()) == 5
    for rating in ratings():
        assert (rating.lowest, rating.highest) == (1.0, 6.0)
        assert rating.question.endswith("?")
        assert rating.lowest_means != rating.highest_means


def test_a_task_holds_what_was_asked_for_and_nothing_else() -> None:
    plain, full = task("a"), task("a", n_fillers=8, runs=1, has_ratings=True, memory_test=True)
    assert (plain.fillers, plain.ratings, plain.memory_test) == ((), (), False)
    assert (len(full.fillers), len(full.ratings), full.memory_test, full.runs) == (8, 5, True, 1)
    assert (full.lowest, full.highest) == (3.0, 77.0)


@pytest.mark.parametrize(("name", "n"), [("g", 0), ("A", 0), ("a", 9), ("a", -1)])
def test_an_unknown_list_or_too_many_fillers_are_refused(name: str, n: int) -> None:
    with pytest.raises(InputError) as refused:
        task(name, n_fillers=n)
    assert refused.value.exit_code == 2
    assert refused.value.expected


def test_rotating_lists_show_every_list_at_every_visit_equally_often() -> None:
    names = ("d", "e", "f")
    seen = [lists_of_visits(names, visits=3, person=person, rotate=True) for person in range(30)]
    for visit in range(3):
        assert [sum(each[visit] == name for each in seen) for name in names] == [10, 10, 10]
    assert all(sorted(each) == list(names) for each in seen)


def test_lists_that_do_not_fit_the_visits_are_refused() -> None:
    with pytest.raises(InputError, match="do not fit"):
        lists_of_visits(("b", "c"), visits=3, person=0, rotate=False)


def test_the_task_can_be_shown_without_loading_the_engine() -> None:
    script = "import sys; from upturn.beliefs import design, task; task.task('a'); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
