"""Relapse as the protocol defines it, from ratings; the days on which a booster may be given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from upturn.protocol import load
from upturn_clinic.treatments.boosters.rule import Rating, judge, next_candidate

FIRST = datetime(2026, 3, 23, 8, tzinfo=UTC)
PROTOCOL = load("six-infusions")
COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def ratings(*scores: float) -> list[Rating]:
    return [Rating(FIRST + timedelta(days=7 * week), score) for week, score in enumerate(scores, start=1)]


@pytest.mark.parametrize(
    ("scores", "relapsed"),
    [
        ((), False),
        ((10, 12), False),
        ((10, 22), False),  # once is not twice
        ((10, 22, 22), True),  # the limit itself counts
        ((10, 22, 21, 22), False),  # not in a row
        ((10, 22, 21, 22, 23), True),
        ((10, 30, 30, 12), False),  # over again
        ((18, 30, 30), False),  # 18 of 34 is no response
        ((17, 30, 30), True),  # half of 34 is
        ((30, 30, 30), False),  # never better
    ],
)
def test_the_rule(scores: tuple[float, ...], relapsed: bool) -> None:
    found = judge(ratings(*scores), baseline=34, endpoints=PROTOCOL.endpoints)
    assert found.relapsed is relapsed
    assert "22 or more at 2 ratings in a row" in found.sentences[0]


def test_the_order_in_which_ratings_were_typed_does_not_matter() -> None:
    assert judge(ratings(10, 25, 25)[::-1], baseline=34, endpoints=PROTOCOL.endpoints).relapsed


def test_after_a_booster_the_count_starts_anew() -> None:
    scores = ratings(10, 25, 25, 26)
    given = [scores[2].at + timedelta(hours=1)]
    assert not judge(scores, baseline=34, endpoints=PROTOCOL.endpoints, boosters=given).relapsed
    assert judge(ratings(10, 25, 25, 26, 26), baseline=34, endpoints=PROTOCOL.endpoints, boosters=given).relapsed


def test_without_a_baseline_or_a_definition_it_says_so() -> None:
    assert (
        "before the first dose" in judge(ratings(10, 25, 25), baseline=None, endpoints=PROTOCOL.endpoints).sentences[0]
    )
    none = PROTOCOL.endpoints.model_copy(update={"relapse": None})
    assert "does not say" in judge(ratings(25, 25), baseline=34, endpoints=none).sentences[0]


def test_relapse_after_remission_uses_the_line_of_remission() -> None:
    rule = PROTOCOL.endpoints.relapse
    assert rule is not None
    after = PROTOCOL.endpoints.model_copy(update={"relapse": rule.model_copy(update={"after": "remission"})})
    assert not judge(ratings(13, 25, 25), baseline=34, endpoints=after).relapsed
    assert judge(ratings(12, 25, 25), baseline=None, endpoints=after).relapsed


@pytest.mark.parametrize(
    ("now_day", "days"), [(0, 21), (21, 21), (22, 28), (28, 28), (175, 175), (176, None), (400, None)]
)
def test_days_for_a_booster(now_day: int, days: int | None) -> None:
    dose = PROTOCOL.arms["ketamine"].doses[1]
    found = next_candidate(dose, first=FIRST, now=FIRST + timedelta(days=now_day, hours=3), zone=COPENHAGEN)
    if days is None:
        assert found is None
        return
    assert found is not None
    at, offset_h = found
    assert offset_h == days * 24
    assert at.astimezone(COPENHAGEN).hour == FIRST.astimezone(COPENHAGEN).hour
