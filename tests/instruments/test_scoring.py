"""Scores against published worked examples, both ends of every scale, sums done by hand, and what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn.errors import InputError
from upturn.instruments import Item, all_ids, get, items_of, score

SCALES = [id for id in all_ids() if get(id).items]
Answers = Mapping[str, float]


def row(*values: int, first: int = 1) -> dict[str, float]:
    """Answers to the items from ``first`` on, in order."""
    return {str(number): float(value) for number, value in enumerate(values, start=first)}


def all_of(id: str, end: str) -> dict[str, float]:
    return {item.id: float(getattr(item, end)) for item in items_of(id)}


# Totals and bands at both ends; a level of risk at the low end is "none" with every question answered no.
ENDS = {
    "BPRS+": (4, None, 28, None),
    "C-SSRS": (0, "none", 3, "high"),
    "CADSS": (0, None, 92, None),
    "CADSS-6": (0, None, 24, None),
    "GAD-7": (0, "minimal", 21, "severe"),
    "HAM-D17": (0, None, 52, None),
    "KSET": (0, None, 3, None),
    "MADRS": (0, "none", 60, "severe"),
    "MEQ30": (0, None, 150, None),
    "MOAA/S": (0, "loss of consciousness", 5, "alert"),
    "PCL-5": (0, "below the provisional cut", 80, "above the provisional cut"),
    "PHQ-9": (0, "minimal", 27, "severe"),
    "QIDS-SR16": (0, "none", 27, "very severe"),
    "SDS": (0, None, 30, None),
    "SSI": (0, None, 38, None),
    "YMRS": (0, None, 60, None),
}


def test_every_scale_is_in_the_table_of_ends() -> None:
    assert set(ENDS) == set(SCALES)


@pytest.mark.parametrize("id", SCALES)
def test_both_ends(id: str) -> None:
    least, least_band, most, most_band = ENDS[id]
    low, high = score(id, all_of(id, "least")), score(id, all_of(id, "most"))
    assert (low.total, low.band, low.missing) == (least, least_band, ())
    assert (high.total, high.band, high.missing) == (most, most_band, ())
    instrument = get(id)
    assert (instrument.total.least, instrument.total.most) == (least, most)


PUBLISHED: list[tuple[str, Answers, float, str]] = [
    # The example of the PHQ manual, as told on david-cook.org: 3 items of 1, 2 of 2, 3 of 3 make 16.
    ("PHQ-9", row(1, 1, 1, 2, 2, 3, 3, 3, 0), 16, "moderately severe"),
    # HL7 US Behavioral Health Profiles, phq-9-example-1.xml: its answers in order, and its total of 12.
    ("PHQ-9", row(2, 2, 2, 2, 1, 1, 2, 0, 0), 12, "moderate"),
    # MII module PROs, mii-exa-pro-phq-9: "nearly every day" nine times, observation of 27.
    ("PHQ-9", row(3, 3, 3, 3, 3, 3, 3, 3, 3), 27, "severe"),
]


@pytest.mark.parametrize(("id", "answers", "total", "band"), PUBLISHED)
def test_published_examples(id: str, answers: Answers, total: float, band: str) -> None:
    found = score(id, answers)
    assert (found.total, found.band) == (total, band)


BY_HAND: list[tuple[str, Answers, float, str | None]] = [
    ("PHQ-9", row(1, 0, 1, 0, 1, 0, 1, 0, 0), 4, "minimal"),
    ("PHQ-9", row(1, 0, 1, 0, 1, 0, 1, 0, 1), 5, "mild"),
    ("PHQ-9", {**row(1, 0, 1, 0, 1, 0, 1, 0, 1), "10": 3.0}, 5, "mild"),  # the tenth does not count
    ("GAD-7", row(2, 2, 2, 1, 1, 1, 0), 9, "mild"),
    ("GAD-7", row(2, 2, 2, 2, 1, 1, 0), 10, "moderate"),
    ("GAD-7", row(3, 3, 3, 3, 1, 1, 1), 15, "severe"),
    ("MADRS", row(3, 3, 2, 3, 1, 2, 3, 3, 2, 1), 23, "moderate"),
    ("MADRS", row(4, 4, 4, 4, 3, 3, 4, 4, 3, 2), 35, "severe"),
    ("HAM-D17", row(3, 2, 1, 2, 1, 1, 3, 1, 1, 2, 2, 1, 2, 1, 1, 1, 0), 25, None),
    # Sleep 3 (not 3+2+1+0), appetite and weight 2, movement 1; 3+2+2+1+2+0+1+2+1 = 14.
    ("QIDS-SR16", row(1, 2, 3, 0, 2, 0, 1, 0, 2, 1, 2, 0, 1, 2, 1, 0), 14, "moderate"),
    # 4 simple items and three that count double: 2+1+0+3 + 4+6+2 + 1 + 0+0+2 = 21.
    ("YMRS", row(2, 1, 0, 3, 4, 6, 1, 2, 0, 0, 2), 21, None),
    ("CADSS", row(*([1] * 11 + [2] * 6 + [0] * 6)), 23, None),
    ("CADSS-6", {"1": 1, "2": 2, "6": 3, "7": 4, "15": 0, "22": 2}, 12, None),
    ("BPRS+", row(1, 2, 3, 4), 10, None),
    ("MOAA/S", {"1": 3}, 3, "sedated"),
    ("SDS", row(5, 7, 10), 22, None),
    ("KSET", row(0, 1, 2, *([0] * 13)), 2, None),
    ("PCL-5", row(*([1] * 20)), 20, "below the provisional cut"),
    ("PCL-5", row(*([2] * 11 + [1] * 9)), 31, "in the range of the provisional cut"),
]


@pytest.mark.parametrize(("id", "answers", "total", "band"), BY_HAND)
def test_sums_done_by_hand(id: str, answers: Answers, total: float, band: str | None) -> None:
    found = score(id, answers)
    assert (found.total, found.band, found.missing) == (total, band, ())


# Answers, level, what is missing. Questions 3 to 5 come only after a yes to 2, and 6a only after a yes to 6.
NO, YES = 0.0, 1.0
SCREENER: list[tuple[Answers, float | None, tuple[str, ...]]] = [
    ({"1": NO, "2": NO, "6": NO}, 0, ()),
    ({"1": YES, "2": NO, "6": NO}, 1, ()),
    ({"1": NO, "2": YES, "3": NO, "4": NO, "5": NO, "6": NO}, 1, ()),
    ({"1": NO, "2": YES, "3": YES, "4": NO, "5": NO, "6": NO}, 2, ()),
    ({"1": NO, "2": YES, "3": NO, "4": YES, "5": NO, "6": NO}, 3, ()),
    ({"1": NO, "2": YES, "3": NO, "4": NO, "5": YES, "6": NO}, 3, ()),
    ({"1": NO, "2": NO, "6": YES, "6a": NO}, 2, ()),
    ({"1": NO, "2": NO, "6": YES, "6a": YES}, 3, ()),
    # A missing answer leaves the level open, unless it is the highest already.
    ({"1": NO, "2": NO}, None, ("6",)),
    ({"1": NO, "6": NO}, None, ("2",)),
    ({"1": NO, "2": YES, "3": NO, "4": NO, "6": NO}, None, ("5",)),
    ({"1": NO, "2": YES, "3": YES, "4": YES, "6": NO}, 3, ("5",)),
    ({"2": NO, "6": NO}, None, ("1",)),
    # Without 1 the level is at least 1 already, and 1 cannot make more of it.
    ({"2": YES, "3": NO, "4": NO, "5": NO, "6": NO}, 1, ("1",)),
    ({"6": YES}, None, ("1", "2", "6a")),
    # A yes to a question that would not have been asked counts all the same.
    ({"1": NO, "2": NO, "4": YES, "6": NO}, 3, ()),
    ({}, None, ("1", "2", "6")),
]


@pytest.mark.parametrize(("answers", "level", "missing"), SCREENER)
def test_the_screener(answers: Answers, level: float | None, missing: tuple[str, ...]) -> None:
    found = score("C-SSRS", answers)
    assert (found.total, found.missing) == (level, missing)


# Which items count at 2 or more decides, not the total: B 1, C 1, D 2, E 2.
PROVISIONAL: list[tuple[Answers, bool | None]] = [
    (all_of("PCL-5", "least"), False),
    ({**all_of("PCL-5", "least"), "1": 2, "6": 2, "8": 2, "9": 2, "15": 2, "16": 2}, True),
    ({**all_of("PCL-5", "least"), "1": 1, "6": 2, "8": 2, "9": 2, "15": 2, "16": 2}, False),
    ({**all_of("PCL-5", "least"), "1": 2, "6": 1, "8": 2, "9": 2, "15": 2, "16": 2}, False),
    ({**all_of("PCL-5", "least"), "1": 2, "6": 2, "8": 2, "9": 1, "15": 2, "16": 2}, False),
    ({**all_of("PCL-5", "least"), "1": 2, "6": 2, "8": 2, "9": 2, "15": 2, "16": 1}, False),
    (dict.fromkeys(all_of("PCL-5", "least"), 1.0), False),  # a total of 20, and no item counts
    ({}, None),
]


@pytest.mark.parametrize(("answers", "holds"), PROVISIONAL)
def test_the_provisional_diagnosis(answers: Answers, holds: bool | None) -> None:
    assert [each.holds for each in score("PCL-5", answers).findings] == [holds]


def test_a_missing_item_that_cannot_change_it_leaves_a_finding_as_it_is() -> None:
    answers = {**all_of("PCL-5", "least"), "1": 2.0, "6": 2.0, "8": 2.0, "9": 2.0, "15": 2.0, "16": 2.0}
    del answers["20"]
    found = score("PCL-5", answers)
    assert found.total is None
    assert found.findings[0].holds is True


def test_clusters_are_summed_apart() -> None:
    parts = score("PCL-5", row(*([1] * 5 + [2] * 2 + [3] * 7 + [4] * 6))).parts
    assert [(part.id, part.value, part.most) for part in parts] == [("B", 5, 20), ("C", 4, 8), ("D", 21, 28),
                                                                   ("E", 24, 24)]  # fmt: skip


def test_a_domain_takes_its_highest_item() -> None:
    parts = {part.id: part.value for part in score("QIDS-SR16", row(1, 2, 3, 0, *([0] * 10), 1, 2)).parts}
    assert (parts["sleep"], parts["movement"], parts["appetite"]) == (3, 2, 0)


# Sleep 2, sadness 2, concentration 2, self 1, suicide 1, interest 2, energy 2, movement 1: 13 without appetite.
REST = {**row(2, 2, 1, 0, 2), **row(2, 1, 1, 2, 2, 1, 0, first=10)}
# Of 6 and 7, and of 8 and 9, one is answered; the highest of what was answered counts.
PAIRS: list[tuple[Answers, float | None, tuple[str, ...]]] = [
    ({"6": 2, "8": 1}, 15, ()),
    ({"7": 1, "9": 3}, 16, ()),
    ({"6": 0, "9": 0}, 13, ()),
    ({"7": 3, "8": 0}, 16, ()),
    ({"6": 1, "7": 2, "8": 0, "9": 0}, 15, ()),  # filled in on paper: both of a pair
    ({"6": 3}, None, ("8", "9")),
    ({"9": 3}, None, ("6", "7")),
    ({}, None, ("6", "7", "8", "9")),
]


@pytest.mark.parametrize(("answers", "total", "missing"), PAIRS)
def test_of_two_that_exclude_each_other_one_is_answered(
    answers: Answers, total: float | None, missing: tuple[str, ...]
) -> None:
    found = score("QIDS-SR16", {**REST, **answers})
    assert (found.total, found.missing) == (total, missing)
    assert {part.id: part.value for part in found.parts}["appetite"] == (max(answers.values()) if total else None)


@pytest.mark.parametrize(("each", "holds"), [(3, True), (2, False)])
def test_a_complete_experience_needs_its_share_in_every_part(each: int, holds: bool) -> None:
    assert [found.holds for found in score("MEQ30", row(*([each] * 30))).findings] == [holds]
    # 3 of 5 points is the share itself; one part short of it is enough to fail.
    short = {**row(*([3] * 30)), "3": 2.0}
    assert [found.holds for found in score("MEQ30", short).findings] == [False]


@pytest.mark.parametrize("id", [id for id in SCALES if id not in ("C-SSRS", "MOAA/S")])
def test_without_an_item_there_is_no_total(id: str) -> None:
    for item in items_of(id):
        answers = all_of(id, "most")
        del answers[item.id]
        found = score(id, answers)
        if item.scored and not item.or_item:
            assert (found.total, found.band, found.missing) == (None, None, (item.id,))
        else:
            assert (found.total, found.missing) == (ENDS[id][2], ())


ALERTS: list[tuple[str, Answers, tuple[str, ...]]] = [
    ("PHQ-9", row(3, 3, 3, 3, 3, 3, 3, 3, 0), ()),
    ("PHQ-9", row(0, 0, 0, 0, 0, 0, 0, 0, 1), ("9",)),
    ("PHQ-9", {"9": 3}, ("9",)),  # also when all else is missing
    ("C-SSRS", {"1": YES, "2": NO, "6": NO}, ("1",)),
    ("C-SSRS", {"1": NO, "2": YES, "3": YES, "4": NO, "5": NO, "6": YES, "6a": NO}, ("2", "3")),
    ("C-SSRS", {"1": NO, "2": NO, "6": YES, "6a": YES}, ("6a",)),
    ("C-SSRS", {"1": NO, "2": NO, "6": NO}, ()),
    ("GAD-7", row(3, 3, 3, 3, 3, 3, 3), ()),
    ("MADRS", {"9": 6, "10": 1}, ()),
    ("MADRS", {"10": 2}, ("10",)),
    ("HAM-D17", {"2": 4, "3": 0}, ()),
    ("HAM-D17", {"3": 1}, ("3",)),
    ("QIDS-SR16", {"5": 3, "12": 0}, ()),
    ("QIDS-SR16", {"12": 1}, ("12",)),
    # All of this scale is about suicidal thoughts: its total asks for help, as soon as the answers so far reach it.
    ("SSI", row(*([0] * 16), 1, 1, 1), ()),
    ("SSI", row(*([0] * 15), 1, 1, 1, 1), ("total",)),
    ("SSI", {"4": 2, "5": 2}, ("total",)),
    ("SSI", {"4": 2, "5": 1}, ()),
]


@pytest.mark.parametrize(("id", "answers", "alerts"), ALERTS)
def test_answers_that_ask_for_help(id: str, answers: Answers, alerts: tuple[str, ...]) -> None:
    assert score(id, answers).alerts == alerts


@pytest.mark.parametrize("id", SCALES)
@pytest.mark.parametrize("off", ["below", "above", "half", "endless"])
def test_an_answer_out_of_range_is_refused(id: str, off: str) -> None:
    for item in items_of(id):
        ways = {"below": item.least - 1, "above": item.most + 1, "half": item.least + 0.5, "endless": math.nan}
        fault = re.escape(f"Item {item.id} of {id} cannot have this answer")
        with pytest.raises(InputError, match=fault) as refused:
            score(id, {item.id: ways[off]})
        assert refused.value.expected == ", ".join(map(str, item.values))


def test_a_point_in_between_is_refused_where_steps_are_of_two() -> None:
    with pytest.raises(InputError) as refused:
        score("YMRS", {"5": 3})
    assert refused.value.expected == "0, 2, 4, 6, 8"


def test_a_strange_item_is_refused() -> None:
    with pytest.raises(InputError, match="has no such item"):
        score("PHQ-9", {"11": 0})
    with pytest.raises(InputError, match="has no items to score"):
        score("SBP", {"1": 120})


def answers_of(item: Item) -> st.SearchStrategy[int]:
    return st.sampled_from(item.values)


@given(st.data())
def test_a_worse_answer_never_makes_a_better_total(data: st.DataObject) -> None:
    id = data.draw(st.sampled_from(SCALES))
    answers = {item.id: float(data.draw(answers_of(item))) for item in items_of(id)}
    before = score(id, answers).total
    item = data.draw(st.sampled_from(items_of(id)))
    raised = score(id, {**answers, item.id: float(item.most)}).total
    assert before is not None
    assert raised is not None
    assert raised >= before
    get(id).check(raised)
