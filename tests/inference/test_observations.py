"""What the calibration sees: every number once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from upturn.evidence import shipped
from upturn.inference.calibrate import fitted_findings, set_aside
from upturn.inference.observations import Count, Observations, nested, observations
from upturn.inference.program import expectations, joint_falls
from upturn.inference.synthetic import draw_prior


def test_only_calibration_rows_are_fitted() -> None:
    used = fitted_findings(shipped())
    assert {f.split for f in used} == {"calibration"}
    left_out = {(each.trial, each.arm) for each in set_aside() if not each.measure}
    assert not left_out & {(f.trial, f.arm) for f in used}
    assert all(any(f.trial == each.trial for f in shipped().findings) for each in set_aside())
    assert len(used) > 100


def test_validation_numbers_do_not_touch_the_fit() -> None:
    evidence = shipped()
    changed = tuple(replace(f, value=0.0) if f.split == "validation" and f.value else f for f in evidence.findings)
    one = observations(evidence, fitted_findings(evidence))
    two = observations(evidence, fitted_findings(replace(evidence, findings=changed)))
    assert repr(one.falls) == repr(two.falls)  # not-a-number is not equal to itself
    assert one.counts == two.counts
    assert one.trials == two.trials


def test_a_trial_with_contrasts_enters_as_controls_and_contrasts(seen: Observations) -> None:
    number = next(i for i, g in enumerate(seen.falls) if len(g) == 12)  # SYNAPSE: three arms, control, three times
    group = seen.falls[number]
    assert sum(f.control is None for f in group) == 3
    assert {f.control for f in group if f.control is not None} == {f.arm for f in group if f.control is None}


def test_contrasts_share_their_control(seen: Observations) -> None:
    p, _, found = expectations(seen, draw_prior(seen, 5))
    group = next(g for g in seen.falls if len(g) == 12)
    mean, covariance = joint_falls(group, found, seen.asked, p, seen.people)
    cov = np.asarray(covariance)
    assert mean.shape == (12,)
    assert np.linalg.eigvalsh(cov).min() > 0
    np.testing.assert_allclose(cov, cov.T, rtol=1e-9)
    control, first, second = (
        next(i for i, f in enumerate(group) if f.control is None),
        *[i for i, f in enumerate(group) if f.control == group[0].arm or f.control == 0][:2],
    )
    assert cov[first, second] > 0
    assert cov[control, first] < 0


def test_nobody_is_counted_twice(seen: Observations) -> None:
    counts = [Count(3, "remission_10", 4, 20), Count(3, "response", 9, 20), Count(5, "response", 2, 10)]
    found = nested(counts, lambda inner, outer: inner.of == outer.of and inner.measure != outer.measure == "response")
    assert found[0] == Count(3, "remission_10", 4, 9, within=1)
    assert found[1:] == counts[1:]
    remitters = [c for c in seen.counts if c.measure != "response"]
    inside = [c for c in remitters if c.within >= 0]
    assert len(inside) > 10
    for c in inside:
        outer = seen.counts[c.within]
        assert (outer.of, outer.measure) == (c.of, "response")
        assert c.happened <= c.people == outer.happened
    early = [c for c in seen.chances if c.within >= 0]
    assert {c.measure for c in early} >= {"sustained_response", "median_relapse_h"}
    assert all(c.people == seen.chances[c.within].happened for c in early)


def test_what_is_part_of_something_is_never_more_likely(seen: Observations) -> None:
    for seed in range(5):
        _, _, found = expectations(seen, draw_prior(seen, seed))
        chance = np.asarray(found.chance)
        for c in seen.chances:
            if c.within >= 0:
                assert chance[c.of] <= chance[seen.chances[c.within].of] + 1e-9, c
