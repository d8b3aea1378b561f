"""Schedules as papers word them become the hours of doses."""

from __future__ import annotations

import pytest

from upturn.evidence.regimens import infusion_h, read_schedule, usual_schedule

SIX = (0.0, 48.0, 96.0, 168.0, 216.0, 264.0)
EIGHT = (0.0, 72.0, 168.0, 240.0, 336.0, 408.0, 504.0, 576.0)


@pytest.mark.parametrize(
    ("words", "hours"),
    [
        ("single 40-min infusion", (0.0,)),
        ("single 40-min infusion, adjunct", (0.0,)),
        ("single, crossover", (0.0,)),
        ("single 40-min infusion, crossover 2 wk apart", (0.0,)),
        ("single infusion + newly started escitalopram 10 mg/d", (0.0,)),
        ("2x/wk (days 1,4) x1wk, adjunct to ongoing AD", (0.0, 72.0)),
        ("2x/wk x4wk + new oral AD", EIGHT),
        ("2x/wk x4wk (eight infusions)", EIGHT),
        ("2x/wk x up to 4wk", EIGHT),
        ("twice weekly for 4 weeks", EIGHT),
        ("two infusions per week for 4 weeks", EIGHT),
        ("BIW for 4 weeks", EIGHT),
        ("2x/wk open label", EIGHT),
        ("2x/wk x3wk induction", EIGHT[:6]),
        ("3x/wk x2wk (six infusions)", SIX),
        ("three times a week for 2 weeks", SIX),
        ("TIW x 2 weeks", SIX),
        ("six infusions over 12 days", SIX),
        ("six infusions/12 d then nothing (no AD)", SIX),
        ("3x/wk up to 12 sessions", (*SIX, *(336.0 + hour for hour in SIX))),
        ("weekly x4", (0.0, 168.0, 336.0, 504.0)),
        ("one infusion per week for 4 weeks", (0.0, 168.0, 336.0, 504.0)),
        ("4 infusions over 1-2 wk", (0.0, 72.0, 168.0, 240.0)),
        ("4 sessions over 4wk at home + support", (0.0, 168.0, 336.0, 504.0)),
        ("days 1, 4, 8 and 11", (0.0, 72.0, 168.0, 240.0)),
        ("two doses 72 h apart", (0.0, 72.0)),
        ("every other day for 1 week", (0.0, 48.0, 96.0)),
        ("2x/wk x1, 1x/wk x2, then every 2 wk to day 49", (0.0, 72.0, 168.0, 336.0, 504.0, 840.0, 1176.0)),
    ],
)
def test_words_become_hours(words: str, hours: tuple[float, ...]) -> None:
    schedule = read_schedule(words)
    assert schedule is not None
    assert schedule.doses_h == hours
    assert not schedule.daily


@pytest.mark.parametrize("words", ["daily", "qd x3 d then bid, 6 wk", "once daily 8 wk", "bid 6 wk", "10 mg/d"])
def test_tablets_are_daily(words: str) -> None:
    schedule = read_schedule(words, tablet=True)
    assert schedule is not None
    assert (schedule.doses_h, schedule.daily) == ((0.0,), True)


@pytest.mark.parametrize("words", ["", "open label", "crossover", "as above", "individualised weekly/q2wk/q4wk"])
def test_what_is_no_schedule_gives_nothing(words: str) -> None:
    assert read_schedule(words) is None


def test_what_is_assumed_is_said_and_depends_on_time_and_drug() -> None:
    def usual(drug: str, route: str, up_to_h: float | None) -> tuple[int, str]:
        schedule, words = usual_schedule(drug=drug, route=route, tablet=drug == "escitalopram", up_to_h=up_to_h)
        return len(schedule.doses_h), words

    assert usual("esketamine", "intranasal", 24.0) == (1, "regimen: single dose")
    assert usual("esketamine", "intranasal", 648.0)[0] == 8
    assert usual("placebo", "intranasal", 648.0)[0] == 8
    assert usual("ketamine", "intravenous", 648.0) == (1, "regimen: single dose")
    assert usual("ECT", "electric", 648.0)[0] == 12
    assert usual("escitalopram", "oral", 24.0) == (1, "regimen: taken every day")


def test_an_infusion_runs_as_written_or_forty_minutes() -> None:
    assert infusion_h("single 40-min infusion", route="intravenous") == pytest.approx(2 / 3)
    assert infusion_h("infused over 100 min", route="intravenous") == pytest.approx(5 / 3)
    assert infusion_h("over 2 h", route="intravenous") == 2.0
    assert infusion_h("weekly", route="intravenous") == pytest.approx(2 / 3)
    assert infusion_h("single 40-min infusion", route="intranasal") == 0.0
