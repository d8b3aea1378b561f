"""The answers of a study: every odd one is named, and the rest is there, whatever the order of the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from upturn.beliefs.reading import Reason, SetAside, answers
from upturn.errors import RecordsError
from upturn.records import Records, validate

EVENTS = [f"event-{number:02d}" for number in range(20)]
RATES = np.linspace(12.0, 69.0, 20).round()
FILLERS = ["filler-1", "filler-2"]
Change = Callable[[pl.DataFrame], pl.DataFrame]


def session(who: str, visit: str, time_h: float) -> pl.DataFrame:
    """Twenty trials, ten with good and ten with bad news, and two fillers, all sound."""
    sign = np.where(np.arange(20) % 2 == 0, 1.0, -1.0)
    first = (RATES + 8 * sign).clip(3, 77)
    trials = {
        "participant": who, "visit": visit, "time_h": time_h, "event": [*EVENTS, *FILLERS],
        "base_rate": [*RATES, None, None], "first_estimate": [*first, 40.0, 30.0],
        "other_estimate": [*(first + 1).clip(3, 77), None, None],
        "second_estimate": [*(first - 3 * sign).clip(3, 77), 44.0, 29.0],
        "trust": [*[80.0] * 20, None, None], "rt_first_ms": None, "rt_other_ms": None, "rt_second_ms": None,
    }  # fmt: skip
    return pl.DataFrame(trials, strict=False)


def study(change: Change = lambda frame: frame) -> Records:
    people = ["c", "a", "b"]
    updates = pl.concat(
        [session(who, visit, hours) for who in people for visit, hours in (("later", 4.0), ("before", -24.0))]
    )
    return Records(
        participants=pl.DataFrame(
            {
                "participant": people,
                "arm": ["ketamine", "ketamine", "control"],
                **dict.fromkeys(("age_y", "sex", "weight_kg", "height_cm")),
            }
        ),
        updates=change(updates),
    )


def where(**keys: str) -> pl.Expr:
    return pl.all_horizontal(pl.col(name) == value for name, value in keys.items())


def put(column: str, value: float | None, **keys: str) -> Change:
    return lambda frame: frame.with_columns(
        pl.when(where(**keys)).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )


def test_a_sound_study_comes_whole_and_nothing_is_set_aside() -> None:
    found, told = answers(study())
    assert told == ()
    assert found.participant == ("c", "c", "a", "a", "b", "b")
    assert found.visit == ("before", "later") * 3
    assert found.group == ("ketamine",) * 4 + ("control",) * 2
    assert found.events == (*EVENTS, *FILLERS)
    assert found.answered.shape == (6, 20)
    assert found.answered.all()
    assert found.filler_answered.shape == (6, 2)
    assert found.filler_answered.all()
    np.testing.assert_array_equal(found.base_rate, np.tile(RATES, (6, 1)))
    np.testing.assert_array_equal(found.filler_second - found.filler_first, np.tile([4.0, -1.0], (6, 1)))
    assert [found.events[code] for code in found.filler_event[0]] == FILLERS


def test_the_records_are_sound_ones() -> None:
    validate(study())


E1 = EVENTS[1]
ONE = {"participant": "a", "visit": "before"}


def again(change: Change) -> Change:
    return lambda frame: pl.concat([frame, change(frame.filter(where(**ONE, event=E1)))])


@pytest.mark.parametrize(
    ("change", "reason", "count", "trials"),
    [
        (put("second_estimate", None, **ONE, event=E1), Reason.NO_SECOND, 1, 19),
        (put("first_estimate", None, **ONE, event=E1), Reason.NO_FIRST, 1, 19),
        (put("first_estimate", 90.0, **ONE, event=E1), Reason.OUT_OF_RANGE, 1, 19),
        (put("second_estimate", 2.0, **ONE, event=E1), Reason.OUT_OF_RANGE, 1, 19),
        (put("other_estimate", 99.0, **ONE, event=E1), Reason.OTHER_OUT_OF_RANGE, 1, 20),
        (put("base_rate", None, **ONE, event=E1), Reason.NO_BASE_RATE, 1, 19),
        (put("base_rate", 100.0, **ONE, event=E1), Reason.CERTAIN, 1, 19),
        (put("first_estimate", float(RATES[1]), **ONE, event=E1), Reason.NO_NEWS, 1, 20),
        (again(lambda row: row), Reason.REPEATED, 1, 20),
        (again(lambda row: row.with_columns(first_estimate=60.0)), Reason.CONTRADICTED, 2, 19),
    ],
)  # fmt: skip
def test_an_odd_row_is_named_and_the_rest_is_used(change: Change, reason: Reason, count: int, trials: int) -> None:
    found, told = answers(study(change))
    assert told == (SetAside("a", "before", reason, count),)
    assert found.answered.sum(axis=1).tolist() == [20, 20, trials, 20, 20, 20]
    assert np.isnan(found.base_rate[~found.answered]).all()
    assert not np.isnan(found.second[found.answered]).any()


def test_an_estimate_for_another_out_of_range_is_dropped_alone() -> None:
    found, _ = answers(study(put("other_estimate", 99.0, **ONE, event=E1)))
    assert np.isnan(found.other[2, 1])
    assert not np.isnan(found.first[2, 1])
    assert np.isnan(found.other).sum() == 1


def test_a_visit_without_base_rates_is_told_once_and_leaves_one_visit() -> None:
    found, told = answers(study(put("base_rate", None, **ONE)))
    assert told == (
        SetAside("a", None, Reason.ONE_VISIT, 20),
        SetAside("a", "before", Reason.NO_BASE_RATES, 22),
    )
    assert (found.participant[2], found.visit[2]) == ("a", "later")
    assert len(found.participant) == 5


def test_one_visit_is_a_fault_only_where_others_have_more() -> None:
    assert answers(study(lambda frame: frame.filter(pl.col("visit") == "before")))[1] == ()
    _, told = answers(study(lambda frame: frame.filter(~where(**ONE))))
    assert [(each.participant, each.visit, each.what) for each in told] == [("a", None, Reason.ONE_VISIT)]


def test_few_trials_of_one_side_are_kept_for_fits() -> None:
    def pessimist(frame: pl.DataFrame) -> pl.DataFrame:
        high = (pl.col("base_rate") + 5).clip(3, 77)
        is_changed = where(**ONE) & (pl.col("event") > EVENTS[4])
        return frame.with_columns(
            first_estimate=pl.when(is_changed)
            .then(high)
            .otherwise("first_estimate")
            .fill_null(pl.col("first_estimate"))
        )

    found, told = answers(study(pessimist))
    assert told == (SetAside("a", "before", Reason.FEW_BAD, 2),)
    assert told[0].used_for == "fits, not the update bias"
    assert found.answered.all()


def test_a_person_without_answers_is_named() -> None:
    _, told = answers(study(lambda frame: frame.filter(pl.col("participant") != "b")))
    assert told == (SetAside("b", None, Reason.NO_ANSWERS, 0),)


def test_a_visit_without_any_complete_trial_is_named_with_its_rows() -> None:
    found, told = answers(study(put("second_estimate", None, **ONE)))
    assert ("a", "before") not in set(zip(found.participant, found.visit, strict=True))
    assert SetAside("a", "before", Reason.NO_TRIALS, 22) in told
    assert SetAside("a", "before", Reason.NO_SECOND, 22) in told


def test_the_range_can_be_another() -> None:
    found, told = answers(study(put("first_estimate", 90.0, **ONE, event=E1)), bounds=(1, 99))
    assert told == ()
    assert found.answered.all()


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.clear(),
        lambda frame: frame.filter(pl.col("event").is_in(FILLERS)),
        lambda frame: frame.with_columns(second_estimate=pl.lit(None, dtype=pl.Float64)),
    ],
)
def test_nothing_to_analyse_is_refused(change: Change) -> None:
    with pytest.raises(RecordsError, match="no complete trial") as caught:
        answers(study(change))
    assert caught.value.exit_code == 2


def as_set(records: Records) -> tuple[Counter[Any], frozenset[SetAside]]:
    found, told = answers(records)
    rows: Counter[Any] = Counter()
    for place, key in enumerate(zip(found.participant, found.visit, strict=True)):
        for trial in np.flatnonzero(found.answered[place]):
            event = found.events[found.event[place, trial]]
            rows[(*key, event, found.first[place, trial], found.second[place, trial])] += 1
    return rows, frozenset(told)


def test_the_order_of_rows_does_not_matter() -> None:
    odd = put("second_estimate", None, **ONE, event=E1)
    expected = as_set(study(odd))
    for seed in range(3):

        def shuffled(frame: pl.DataFrame, seed: int = seed) -> pl.DataFrame:
            return odd(frame).sample(fraction=1, shuffle=True, seed=seed)

        assert as_set(study(shuffled)) == expected


def test_sessions_of_unequal_length_are_padded() -> None:
    found, _ = answers(study(lambda frame: frame.filter(~(where(**ONE) & (pl.col("event") > EVENTS[15])))))
    assert found.answered[2].tolist() == [True] * 16 + [False] * 4
    assert not found.filler_answered[2].any()
    assert np.isnan(found.first[2, 16:]).all()
