"""The section ``safety``: which answers raise a concern, when something is looked at, and old files without it."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from upturn import protocol
from upturn.protocol import Monitoring, Safety, raised

SHIPPED = protocol.shipped()
SAFETY = protocol.load("six-infusions").safety
assert SAFETY is not None


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(("answer", "ids"), [(None, []), (0, []), (1, ["phq-item-9"]), (3, ["phq-item-9"])])
def test_item_9_raises_a_task_from_several_days_on(name: str, answer: float | None, ids: list[str]) -> None:
    safety = protocol.load(name).safety
    for total in (None, 1.0, 27.0):
        found = raised(safety, instrument="PHQ-9", total=total, items={"9": answer, "1": 3})
        assert [each.id for each in found] == ids
    assert raised(safety, instrument="GAD-7", total=21.0, items={"9": 3}) == ()


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(
    ("level", "ids"),
    [(None, []), (0, []), (1, ["suicidal-thoughts"]), (2, ["suicidal-thoughts"]), (3, ["suicidal-intent"])],
)
def test_each_level_of_the_screener_raises_one_task(name: str, level: float | None, ids: list[str]) -> None:
    found = raised(protocol.load(name).safety, instrument="C-SSRS", total=level, items={})
    assert [each.id for each in found] == ids
    assert all(each.owner == "clinician" and each.show_help for each in found)


# The item that speaks of suicide, in each scale that has one, and the total of the scale that speaks of nothing else.
# Limits as read in the sources that the protocols name; what makes the haste is assumed there.
ITEMS = [
    ("MADRS", "10", {0: [], 1: [], 2: ["madrs-item-10"], 4: ["madrs-item-10"], 5: ["madrs-item-10-high"],
                     6: ["madrs-item-10-high"]}),
    ("QIDS-SR16", "12", {0: [], 1: ["qids-item-12"], 2: ["qids-item-12"], 3: ["qids-item-12-high"]}),
    ("HAM-D17", "3", {0: [], 1: ["ham-d-item-3"], 2: ["ham-d-item-3"], 3: ["ham-d-item-3-high"],
                      4: ["ham-d-item-3-high"]}),
    ("SSI", None, {0: [], 3: [], 4: ["ssi"], 15: ["ssi"], 16: ["ssi-high"], 38: ["ssi-high"]}),
]  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize(("instrument", "item", "raising"), ITEMS)
def test_every_scale_that_asks_about_suicide_raises_a_task(
    name: str, instrument: str, item: str | None, raising: dict[int, list[str]]
) -> None:
    safety = protocol.load(name).safety
    for answer, ids in raising.items():
        total, items = (float(answer), {}) if item is None else (None, {item: float(answer)})
        found = raised(safety, instrument=instrument, total=total, items=items)
        assert [each.id for each in found] == ids, answer
        assert all(each.owner == "clinician" and each.show_help for each in found)
        assert [each.within_h for each in found] == [1.0 if id.endswith("-high") else 8.0 for id in ids]


@pytest.mark.parametrize("name", SHIPPED)
def test_each_such_task_names_where_its_limit_was_read(name: str) -> None:
    study = protocol.load(name)
    assert study.safety is not None
    known = {source.id for source in study.sources}
    for each in study.safety.concerns:
        assert each.citation in known, each.id
        # Who looks, and how soon, is nobody's published rule.
        assert each.status == "assumed", each.id


def test_the_higher_the_risk_the_sooner() -> None:
    low, high = (
        raised(SAFETY, instrument="C-SSRS", total=level, items={})[0].within_h for level in (1.0, 3.0)
    )  # fmt: skip
    assert high < low


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_worse_answer_never_raises_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    few = raised(SAFETY, instrument="C-SSRS", total=low, items={"9": low})
    many = raised(SAFETY, instrument="C-SSRS", total=high, items={"9": high})
    assert len(few) <= len(many)


def test_a_protocol_without_the_section_raises_nothing() -> None:
    assert raised(None, instrument="PHQ-9", total=27.0, items={"9": 3}) == ()


@given(st.integers(1, 60), st.integers(0, 60), st.integers(1, 400))
def test_looks_are_regular_and_inside_follow_up(every: int, start: int, follow_up: int) -> None:
    look = Monitoring.model_validate(
        {"id": "x", "text": "x", "every": f"P{every}D", "from": f"P{start}D", "status": "assumed"}
    )
    times = look.at_h(follow_up * 24.0)
    assert list(times) == [float(day) * 24 for day in range(start, follow_up + 1, every)]


def test_once_means_once() -> None:
    look = Monitoring.model_validate({"id": "x", "text": "x", "from": "P28D", "status": "assumed"})
    assert (look.at_h(28 * 24.0), look.at_h(27 * 24.0)) == ((672.0,), ())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_protocol_has_a_clock_for_serious_events(name: str) -> None:
    safety = protocol.load(name).safety
    assert safety is not None
    assert safety.serious is not None
    assert safety.serious.report_within_h == 24.0
    assert Counter(each.instrument for each in safety.concerns) == {
        "PHQ-9": 1,
        "C-SSRS": 2,
        "MADRS": 2,
        "QIDS-SR16": 2,
        "HAM-D17": 2,
        "SSI": 2,
    }


@pytest.mark.parametrize("name", [each for each in SHIPPED if protocol.load(each).session])
def test_ketamine_for_weeks_is_watched_for_bladder_cognition_and_misuse(name: str) -> None:
    study = protocol.load(name)
    assert study.safety is not None
    watched = {each.id for each in study.safety.monitoring if each.at_h(study.follow_up_h)}
    # The belief-updating study ends after eight days.
    assert watched == (set() if study.follow_up_h < 28 * 24.0 else {"bladder", "cognition", "misuse"})
    assert {each.id for each in study.safety.stopping} >= {"psychosis-or-mania", "pregnancy", "misuse", "bladder"}


def test_a_file_without_the_new_parts_means_what_it_meant(small: str) -> None:
    study = protocol.read(small)
    assert study.safety is None
    assert study.session is not None
    assert study.session.arrival == ()
    assert "safety" not in json.loads(protocol.canonical_json(study))
    gate = study.gates[0]
    assert (gate.stands, gate.asks, gate.signs) == ("before", "decide", ())


def test_a_section_is_part_of_the_meaning(small: str) -> None:
    more = small + "safety:\n  serious: {report_within: PT24H, to: the sponsor, status: assumed}\n"
    assert protocol.digest(protocol.read(more)) != protocol.digest(protocol.read(small))
    again = protocol.read(protocol.canonical_json(protocol.read(more)))
    assert protocol.digest(again) == protocol.digest(protocol.read(more))
    assert isinstance(again.safety, Safety)
