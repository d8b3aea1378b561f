"""The sentences say what the answer holds, and say so when it holds nothing."""

from __future__ import annotations

from dataclasses import replace

from upturn.reports.reading import arm_of, rise_of, split_of
from upturn.reports.sentences import findings, main_contrast
from upturn.reports.words import duration, points
from upturn.trials import Answer, Interval
from upturn.trials.answer import PARTS
from upturn.trials.findings import ArmAnswer

NOTHING = Interval(0.0, 0.0, 0.0, 0.0, 0.0)


def well(arm: ArmAnswer) -> ArmAnswer:
    """Make an arm one of people who are well and get nothing."""
    return replace(arm, at=[replace(row, parts=dict.fromkeys(PARTS, NOTHING)) for row in arm.at])


def test_four_questions_are_answered(found: Answer) -> None:
    assert [f.id for f in findings(found)] == ["fast", "much", "long", "whom"]
    assert all(f.figure and f.text.endswith(".") for f in findings(found))


def test_how_fast_counts_from_the_difference(found: Answer) -> None:
    contrast = main_contrast(found)
    assert contrast is not None
    rise, fast = rise_of(contrast), findings(found)[0]
    assert rise.half_h is not None
    assert 0 < rise.half_h < rise.largest_h
    assert duration(rise.half_h) in fast.figure
    assert points(-rise.largest) in fast.text


def test_how_much_names_what_is_not_the_drug(found: Answer) -> None:
    split, much = split_of(arm_of(found, "ketamine"), 24.0), findings(found)[1]
    share = split.percents()
    assert sum(share.values()) == 100
    assert much.figure == f"{share['drug']} %"
    assert f"{100 - share['drug']} % is not" in much.unit
    assert f"{share['expectancy']} % as expecting to improve" in much.text


def test_for_whom_is_not_established(found: Answer) -> None:
    assert findings(found)[3].figure == "not established"


def test_without_a_control_that_can_change_no_speed_is_claimed(found: Answer) -> None:
    arms = [well(arm) if arm.role == "control" else arm for arm in found.arms]
    fast, much, *_ = findings(replace(found, arms=arms))
    assert fast.figure == "no fair control"
    assert "midazolam" not in much.text


def test_without_any_contrast_the_active_arm_is_told(found: Answer) -> None:
    fast, *_ = findings(replace(found, contrasts=[]))
    assert "the ketamine arm" in fast.text


def test_without_a_last_dose_nothing_is_said_about_after(found: Answer) -> None:
    arms = [replace(arm, last_planned_dose_h=None, relapse=None) for arm in found.arms]
    assert findings(replace(found, arms=arms))[2].figure == "not shown"


def test_equal_arms_show_no_difference(found: Answer) -> None:
    flat = [replace(c, curve=[NOTHING] * len(c.curve)) for c in found.contrasts]
    assert findings(replace(found, contrasts=flat))[0].figure == "no difference"
