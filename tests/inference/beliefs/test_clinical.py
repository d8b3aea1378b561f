"""The whole report as data, from real fits of a small study; and what is said where something cannot be answered."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import polars as pl
import pytest

from upturn.beliefs.answers import Answers
from upturn.beliefs.design import study_design
from upturn.beliefs.people import belief_population
from upturn.beliefs.simulation import simulate_study
from upturn.errors import InputError
from upturn.inference.beliefs.clinical import ClinicalChange, Plan, clinical_change, steps
from upturn.inference.beliefs.link import common_cause, mood_change
from upturn.inference.beliefs.questions import Question, Study, comparator_of, open_study
from upturn.inference.fit import Settings
from upturn.records import Records

HOURS = {"before": -24.0, "after": 4.0}
SHORT = Settings(chains=2, warmup=150, draws=150, dense=True)
ASKED = Question("patients", "controls", ("before", "after"), ("before", "after"))


def people(groups: dict[str, int], visits: tuple[str, ...] = ("before", "after")) -> Answers:
    design = study_design(groups, visits, n_fillers=4)
    return simulate_study(jax.random.key(3), design, belief_population(groups=len(groups), visits=len(visits)))


def records(seen: Answers, *, items: bool = True) -> Records:
    """Write answers as records, with doses of the patients and ratings that fall by 10 and one item that falls by 2."""
    names = tuple(dict.fromkeys(seen.participant))
    arm = dict(zip(seen.participant, seen.group, strict=True))
    frame = pl.DataFrame(
        {"participant": names, "arm": [arm[n] for n in names]},
    ).with_columns(age_y=pl.lit(None, pl.Float64), sex=pl.lit(None, pl.String))
    rows = [
        {
            "participant": p, "visit": v, "time_h": HOURS[v], "event": seen.events[e], "base_rate": b,
            "first_estimate": f, "second_estimate": s, "other_estimate": o, "trust": t,
        }
        for i, (p, v) in enumerate(zip(seen.participant, seen.visit, strict=True))
        for e, b, f, s, o, t, there in zip(
            seen.event[i], seen.base_rate[i], seen.first[i], seen.second[i], seen.other[i], seen.trust[i],
            seen.answered[i], strict=True,
        )
        if there
    ]  # fmt: skip
    updates = pl.DataFrame(rows).with_columns(pl.col("other_estimate", "trust").fill_nan(None))
    ill = [n for n in names if arm[n] == "patients"]
    ratings = [
        {"participant": n, "time_h": t, "instrument": "MADRS", "item": item, "value": value}
        for k, n in enumerate(ill)
        for t, total in ((0.0, 30.0), (4.0, 20.0 - k))
        for item, value in (("total", total), *((("9", 4.0 if t == 0 else 2.0),) if items else ()))
    ]
    doses = pl.DataFrame({"participant": ill, "amount_mg": [40.0] * len(ill)})
    return Records(participants=frame, updates=updates, observations=pl.DataFrame(ratings), doses=doses)


def worked_out(study: Study, plan: Plan) -> ClinicalChange:
    told: list[int] = []
    done = clinical_change(study, plan, progress=told.append)
    assert sum(told) == steps(study, plan)
    return done


@pytest.fixture(scope="module")
def found() -> ClinicalChange:
    study = open_study(records(people({"patients": 8, "controls": 8}), items=False))
    return worked_out(study, Plan(studies=10, replicates=10, carried=(), settings=SHORT))


def test_every_analysis_of_every_question_stands_side_by_side(found: ClinicalChange) -> None:
    assert found.study.questions == (ASKED,)
    assert [(f.analysis, f.number) for f in found.findings] == [
        ("model-free", "bias"),
        *((name, number) for number in ("asymmetry", "scaling") for name in ("two-step", "exact", "noisy")),
    ]
    assert all(f.low < f.mean < f.high for f in found.findings)
    assert {n.analysis for n in found.nulls} == {"model-free", "two-step"}
    assert len(found.multiverse) == 4
    assert len(found.checks) > 40
    assert 0 < found.carried.low < found.carried.high < 1
    assert len(found.cannot) == 1
    assert "no items" in found.cannot[0]


@pytest.mark.slow
def test_trust_fixed_shares_and_both_mood_scores_are_worked_out_where_they_can_be() -> None:
    study = open_study(records(people({"patients": 8, "controls": 8})))
    full = worked_out(study, Plan(studies=0, replicates=2, trust=True, carried=(0.0, 1.0), settings=SHORT))
    assert [share for share, _ in full.sensitivity] == [0.0, 1.0]
    assert len(full.trust_findings) == 1
    assert full.trust is not None
    assert full.trust.low < full.trust.mean < full.trust.high
    assert full.nulls == ()
    assert full.cannot == ()
    assert [each.score for each in full.links] == ["MADRS total", "MADRS without pessimistic thoughts"]


def test_cells_hold_what_the_answers_hold(found: ClinicalChange) -> None:
    seen = found.study.answers
    for cell in found.cells:
        own = [g == cell.group and v == cell.visit for g, v in zip(seen.group, seen.visit, strict=True)]
        assert cell.people == sum(own) == 8
        assert cell.first[0] == pytest.approx(np.mean([np.nanmean(row) for row in seen.first[own]]))
        assert cell.good + cell.bad <= 40


def test_the_link_is_read_with_its_ceiling_and_shrinks_under_a_common_cause(found: ClinicalChange) -> None:
    assert [each.score for each in found.links] == ["MADRS total"]
    # A fit that did not converge must not hide behind the others.
    assert found.diagnostics["MADRS total, patients from before to after"] == found.links[0].diagnostics
    for each in found.links:
        assert each.people == 8
        assert 0 < each.reliability.mean < 1
        assert each.ceiling.mean < np.sqrt(each.mood_reliability)
        assert abs(each.unattenuated.mean) >= abs(each.correlation.mean)
        left = [abs(one.mean) for _, one in each.common_cause]
        assert left[0] == pytest.approx(abs(each.correlation.mean))
        assert left[1] != left[0]


def test_mood_is_that_of_the_right_side_of_the_dose_and_the_item_is_taken_out() -> None:
    study = open_study(records(people({"patients": 4, "controls": 4})))
    names = tuple(dict.fromkeys(study.answers.participant))
    (total, without), cannot = mood_change(study.records, study.answers, names, ASKED)
    assert cannot == ()
    np.testing.assert_array_equal(total.change[:4], [-10, -11, -12, -13])
    np.testing.assert_array_equal(without.change[:4], [-8, -9, -10, -11])
    assert np.isnan(total.change[4:]).all()


def test_without_items_or_ratings_it_says_so() -> None:
    seen = people({"patients": 4, "controls": 4})
    names = tuple(dict.fromkeys(seen.participant))
    only_total, said = mood_change(records(seen, items=False), seen, names, ASKED)
    assert len(only_total) == 1
    assert "no items" in said[0]
    silent = records(seen)
    none, said = mood_change(replace(silent, observations=silent.observations.clear()), seen, names, ASKED)
    assert none == ()
    assert "no MADRS total" in said[0]


@pytest.mark.parametrize("r", [-0.5, 0.36])
def test_a_common_cause_explains_all_where_its_square_is_the_correlation(r: float) -> None:
    assert common_cause(np.array([r]), float(np.sqrt(abs(r))))[0] == pytest.approx(0)
    assert common_cause(np.array([r]), 0.0)[0] == r
    # The closed form is the partial correlation of three variables.
    rho = 0.3
    matrix = np.array([[1, r, rho], [r, 1, np.sign(r) * rho], [rho, np.sign(r) * rho, 1]])
    precision = np.linalg.inv(matrix)
    partial = -precision[0, 1] / np.sqrt(precision[0, 0] * precision[1, 1])
    assert common_cause(np.array([r]), rho)[0] == pytest.approx(partial)


def test_one_group_or_one_visit_only_is_told_and_the_comparator_is_who_had_no_dose() -> None:
    one_group = open_study(records(people({"patients": 3})))
    assert one_group.questions == ()
    assert "one group only" in one_group.cannot[0]
    one_visit = open_study(records(people({"patients": 3, "controls": 3}, ("before",))))
    assert one_visit.questions == ()
    assert "one visit only" in one_visit.cannot[0]
    both = records(people({"patients": 3, "controls": 3}))
    assert comparator_of(both, ["patients", "controls"]) == "controls"
    assert open_study(both, comparator="patients").questions[0].group == "controls"
    with pytest.raises(InputError, match="no such group"):
        open_study(both, comparator="placebo")
