"""The timetable: nothing is lost, every reading is found, the same pattern is compiled once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.chain import Occasion, Plan, plan
from upturn.pharmacology import Inlet

INFUSION = (Inlet("vein", "all", 0.0, 2 / 3),)
NASAL = tuple(
    inlet
    for i in range(3)
    for inlet in (
        Inlet("nose", "first" if i == 0 else "later", i / 12, 0.0, 1 / 3),
        Inlet("swallowed", "rest", i / 12, 0.53, 1 / 3),
    )
)


def covered(timetable: Plan, until_h: float) -> None:
    """Blocks follow each other without a gap, and so do their segments."""
    ends = [s + timetable.blocks[k].lasts_h for s, k in zip(timetable.starts_h, timetable.sequence, strict=True)]
    assert timetable.starts_h[0] == 0.0
    assert ends[-1] == pytest.approx(until_h, abs=1e-7)
    for end, start in zip(ends[:-1], timetable.starts_h[1:], strict=True):
        assert end == pytest.approx(start, abs=1e-7)
    for block in timetable.blocks:
        for one, two in itertools.pairwise(block.segments):
            assert one.starts_h + one.lasts_h == pytest.approx(two.starts_h, abs=1e-7)


def amount(timetable: Plan, occasion: int) -> float:
    """How much of an occasion goes in, all inlets together."""
    block = timetable.blocks[timetable.sequence[timetable.occasions.index(occasion)]]
    boluses = sum(weight for s in block.segments for _, _, weight in s.boluses)
    return boluses + sum(per_hour * s.lasts_h for s in block.segments for _, _, per_hour in s.rates)


day = st.integers(min_value=1, max_value=40)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(day, max_size=6),
    readings=st.lists(st.floats(min_value=0, max_value=300), max_size=12),
    rest=st.integers(min_value=24, max_value=160),
    inlets=st.sampled_from([INFUSION, NASAL, ()]),
)
def test_any_course_is_covered_and_every_reading_found(
    gaps: list[int], readings: list[float], rest: int, inlets: tuple[Inlet, ...]
) -> None:
    doses = [0.0, *(24.0 * sum(gaps[: i + 1]) for i in range(len(gaps)))]
    until = doses[-1] + rest
    # A reading every week keeps the quiet stretches short; see the defect below.
    weekly = [float(t) for t in range(0, int(until), 168)]
    wanted = [*(t for t in readings if t <= until), *weekly]
    timetable = plan([Occasion(t, inlets) for t in doses], wanted, until_h=until)
    covered(timetable, until)
    assert [o for o in timetable.occasions if o >= 0] == list(range(len(doses)))
    assert all(any(abs(t - r) < 1e-8 for r in timetable.reading_h) for t in wanted)
    for t, (block, segment) in zip(timetable.reading_h, timetable.reading_at, strict=True):
        if block < 0:
            assert t < 1e-8
            continue
        found = timetable.blocks[timetable.sequence[block]].segments[segment]
        assert timetable.starts_h[block] + found.starts_h + found.lasts_h == pytest.approx(t, abs=1e-6)
    if inlets == INFUSION:
        assert all(amount(timetable, i) == pytest.approx(1.0, rel=1e-8) for i in range(len(doses)))
    if inlets == NASAL:
        assert all(amount(timetable, i) == pytest.approx(2.0, rel=1e-8) for i in range(len(doses)))


def test_a_long_quiet_end_is_covered() -> None:
    timetable = plan([Occasion(0.0, INFUSION)], [378.0], until_h=378.0)
    covered(timetable, 378.0)


def test_two_doses_at_one_time_are_both_given_or_refused() -> None:
    try:
        timetable = plan([Occasion(0.0, INFUSION), Occasion(0.0, NASAL)], [24.0], until_h=24.0)
    except ValueError:
        return
    assert [o for o in timetable.occasions if o >= 0] == [0, 1]


def test_the_same_pattern_is_compiled_once() -> None:
    timetable = plan([Occasion(72.0 * i, INFUSION) for i in range(10)], [72.0 * i for i in range(10)], until_h=720.0)
    assert len(timetable.sequence) > 2 * len(timetable.blocks)
    assert len(timetable.blocks) <= 2


def test_a_decision_begins_a_block() -> None:
    timetable = plan([Occasion(0.0, INFUSION)], [], boundaries_h=[30.0, 100.0], until_h=150.0)
    assert {30.0, 100.0} <= set(timetable.starts_h)


def test_a_decision_while_a_dose_goes_in_is_refused() -> None:
    with pytest.raises(ValueError, match="still going in"):
        plan([Occasion(0.0, INFUSION)], [], boundaries_h=[0.5], until_h=24.0)


def test_readings_come_back_sorted_and_once() -> None:
    timetable = plan([Occasion(0.0, INFUSION)], [24.0, 2.0, 24.0, 0.0], until_h=24.0)
    assert timetable.reading_h == (0.0, 2.0, 24.0)
    assert timetable.reading_at[0] == (-1, -1)


def test_a_course_without_doses_is_quiet() -> None:
    timetable = plan([], [24.0], until_h=48.0)
    assert set(timetable.occasions) == {-1}
    covered(timetable, 48.0)
