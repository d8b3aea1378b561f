"""The page about security: every requirement once, every test it names is there, and its sums are right."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (Path(__file__).parents[3] / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
# How many requirements of levels 1 and 2 each chapter of the standard has.
CHAPTERS = {1: 27, 2: 12, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16}


def test_every_requirement_stands_there_once() -> None:
    numbers = Counter(number for number, *_ in ROWS)
    assert max(numbers.values()) == 1
    assert Counter(int(number.split(".")[0]) for number in numbers) == CHAPTERS


def test_every_test_that_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:[a-z]+/)?test_[a-z_]+\.py)`", PAGE))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (TESTS / name).is_file()] == []


def test_the_sums_are_those_of_the_lines() -> None:
    said = Counter(state for _, _, state, _ in ROWS)
    sentence = r"Of N lines N hold, N in part, N are the site's, N do not apply, N (?:is|are) open"
    told = re.search(sentence.replace("N", r"(\d+)"), PAGE)
    assert told
    states = ("holds", "partly", "by the site", "not applicable", "open")
    assert [int(each) for each in told.groups()] == [len(ROWS), *(said[state] for state in states)]
    assert set(said) == set(states)
