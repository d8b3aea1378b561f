"""The belief-updating task in a protocol: what may be written, what is refused, and what the digest sees."""

from __future__ import annotations

from typing import Any

import pytest

from upturn import protocol
from upturn.errors import ProtocolError

TASK = "{lists: [b, c], visits: [before, after], rotate: true, fillers: 8, runs: 1}"
WRITTEN = f"  - {{instrument: belief-updating task, at: [-P1D, PT4H], rater: self, task: {TASK}}}\n"


def with_task(small: str, old: str = "", new: str = "") -> str:
    assert old in WRITTEN
    text = small.replace("session:\n", WRITTEN.replace(old, new) + "session:\n", 1)
    assert text != small
    return text


def test_a_task_is_read_with_its_defaults(small: str) -> None:
    task = protocol.read(with_task(small)).assessments[-1].task
    assert task is not None
    assert (task.lists, task.visits, task.rotate) == (("b", "c"), ("before", "after"), True)
    assert (task.fillers, task.runs, task.ratings, task.memory_test) == (8, 1, False, False)


def test_the_digest_sees_the_task_and_a_default_written_out_changes_nothing(small: str) -> None:
    plain, full = protocol.read(small), protocol.read(with_task(small))
    assert protocol.digest(plain) != protocol.digest(full)
    other = protocol.read(with_task(small, "fillers: 8", "fillers: 7"))
    assert protocol.digest(other) != protocol.digest(full)
    same = protocol.read(with_task(small, "runs: 1", "runs: 1, ratings: false, memory_test: false"))
    assert protocol.digest(same) == protocol.digest(full)
    assert "task" not in protocol.canonical_json(plain)


REFUSED: list[tuple[str, str, str, str]] = [
    ("[b, c]", "[b, g]", "lists[1]", "a, b, c, d, e or f"),
    ("[b, c]", "[]", "lists", ""),
    ("[b, c]", "[d, e, f]", "task.lists", "one for each of the 2 times"),
    ("[b, c]", "[a]", "task.rotate", "one list for each time"),
    ("[before, after]", "[before]", "task.visits", "2 names, each once"),
    ("[before, after]", "[before, before]", "task.visits", "2 names, each once"),
    ("fillers: 8", "fillers: 9", "task.fillers", "8"),
    ("fillers: 8", "fillers: -1", "task.fillers", "0"),
    ("runs: 1", "runs: 3", "task.runs", "1 or 2"),
    ("rotate: true", "rotate: often", "task.rotate", ""),
    ("runs: 1", "run: 1", "task.run", "runs"),
    ("belief-updating task", "MADRS", "assessments[2].task", "instrument: belief-updating task"),
]


@pytest.mark.parametrize(("old", "new", "where", "expected"), REFUSED, ids=[f"{old} {new}" for old, new, *_ in REFUSED])
def test_what_cannot_be_is_refused_with_its_place(small: str, old: str, new: str, where: str, expected: str) -> None:
    with pytest.raises(ProtocolError) as refused:
        protocol.read(with_task(small, old, new))
    told: Any = str(refused.value)
    assert where in told
    assert expected in told
    assert refused.value.exit_code == 2


def test_the_shipped_study_says_what_is_asked() -> None:
    study = protocol.load("belief-updating-study")
    tasks = [each.task for each in study.assessments if each.task is not None]
    assert [task.visits for task in tasks] == [("before", "four-hours", "one-week"), ("before", "one-week")]
    assert all(task.lists == ("a",) and task.fillers == 8 and task.ratings and task.memory_test for task in tasks)
    assert all(each.status == "assumed" for each in study.assessments if each.task is not None)
