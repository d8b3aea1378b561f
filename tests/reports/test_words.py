"""Every kind of quantity is written in one way."""

from __future__ import annotations

import pytest

from upturn.reports.words import (
    NEVER,
    between,
    covariate,
    duration,
    kept_together,
    percent,
    prose,
    remission,
    shortened,
    signed,
    with_interval,
)
from upturn.trials import Answer, Interval

NOWHERE = Interval(None, None, None, None, None)
MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("time_h", "written"),
    [
        (0, "0 h"),
        (2 / 3, "40 min"),
        (1, "1 h"),
        (1.16, "1.2 h"),
        (24, "24 h"),
        (48, "48 h"),
        (72, "3 d"),
        (172, "7.2 d"),
        (4320, "180 d"),
    ],
)
def test_times_are_minutes_then_hours_then_days(time_h: float, written: str) -> None:
    assert duration(time_h) == written


def test_the_times_of_an_answer_are_all_different_when_written(found: Answer) -> None:
    written = [duration(t) for t in found.times_h]
    assert written[:4] == ["2 h", "4 h", "24 h", "48 h"]
    assert len(set(written)) == len(written)


def test_never_is_said_in_words() -> None:
    assert with_interval(NOWHERE, duration) == NEVER
    assert between(NOWHERE, 90, duration) == NEVER
    assert with_interval(Interval(744.0, 576.0, 1248.0, 408.0, None), duration) == "31 d (17 d to not reached)"
    assert with_interval(Interval(None, None, None, 72.0, None), duration) == "not reached (3 d to not reached)"


def test_minus_is_a_minus_and_zero_has_no_sign() -> None:
    assert signed(-6.24) == f"{MINUS}6.2"
    assert signed(0.62) == "+0.6"
    assert [signed(x) for x in (0.0, -0.04, 0.04)] == ["0.0"] * 3
    assert percent(-0.1) == f"{MINUS}10 %"


def test_names() -> None:
    assert remission("remission-12") == "Remission ≤ 12"
    assert remission("deep") == "Deep"
    assert covariate("baseline_severity") == "Baseline severity"
    assert len(shortened("a" * 60, 38)) == 38


def test_a_figure_keeps_its_unit() -> None:
    assert kept_together("at 24 h, 41 % of 5 people") == "at 24\N{NO-BREAK SPACE}h, 41\N{NO-BREAK SPACE}% of 5 people"


def test_every_page_says_whose_decision_it_is() -> None:
    assert prose("notice").startswith("For research and education; decisions belong to the treating clinician.")
    assert "not a medical device" in prose("notice")
