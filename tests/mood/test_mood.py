"""Change of mood: its parts add up, ratings are whole numbers of the scale."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from upturn.mood import Rise, moderators, mood_numbers, parts, score

TIME_H = jnp.array([-5.0, 0.0, 2.0, 24.0, 168.0, 672.0])
GROWTH = jnp.array([0.0, 0.0, 0.3, 0.8, 0.5, 0.1])


def rise(**changed: float) -> Rise:
    names = dict.fromkeys(Rise._fields, 0.0) | {name: 10.0 for name in Rise._fields if name.endswith("_time")}
    names |= {"session_rise": 1.0, "session_fade": 336.0} | changed
    return Rise(**{name: jnp.asarray(value) for name, value in names.items()})


def test_the_parts_sum_to_the_whole() -> None:
    found = parts(rise(effect=5.0, acute=3.0, slow=2.0, comparator=4.0, expectancy=5.0), TIME_H, GROWTH, TIME_H)
    np.testing.assert_allclose(
        found.total, found.drug + found.nonspecific + found.comparator + found.expectancy, rtol=1e-15
    )
    np.testing.assert_allclose(found.drug, 5.0 * GROWTH)


def test_nothing_has_changed_before_the_first_dose() -> None:
    found = parts(rise(acute=3.0, slow=2.0, comparator=4.0, expectancy=5.0), TIME_H, GROWTH, TIME_H)
    np.testing.assert_array_equal(found.total[:2], [0.0, 0.0])


def test_what_any_treatment_does_saturates_while_sessions_go_on() -> None:
    since = jnp.zeros_like(TIME_H)
    found = parts(rise(acute=3.0, slow=2.0, slow_time=100.0), TIME_H, GROWTH, since).nonspecific
    exact = 3.0 * (1 - np.exp(-24.0)) + 2.0 * (1 - np.exp(-0.24))
    assert float(found[3]) == pytest.approx(exact, rel=1e-12)
    assert (np.diff(np.asarray(found)) >= 0).all()
    assert float(found[-1]) < 5.0


def test_what_a_session_does_fades_since_the_last_one() -> None:
    since = jnp.array([0.0, 0.0, 2.0, 0.0, 336.0, 672.0])
    both = parts(rise(expectancy=5.0, acute=5.0), TIME_H, GROWTH, since)
    np.testing.assert_allclose(both.expectancy, both.nonspecific)
    found = both.expectancy
    assert float(found[4]) == pytest.approx(5.0 * np.exp(-1.0), rel=1e-12)
    assert float(found[3]) == pytest.approx(5.0 * (1 - np.exp(-24.0)), rel=1e-12)


@settings(max_examples=100, deadline=None)
@given(
    baseline=st.integers(min_value=0, max_value=60),
    change=st.floats(min_value=-80, max_value=80),
    noise=st.floats(min_value=-20, max_value=20),
)
def test_a_score_is_a_whole_number_of_the_scale(baseline: int, change: float, noise: float) -> None:
    found = float(score(jnp.asarray(float(baseline)), jnp.array([change]), jnp.array([noise]), highest=60.0)[0])
    assert found == round(found)
    assert 0 <= found <= 60
    assert found == min(max(round(baseline - change + noise), 0), 60)


def test_moderators_are_centred_on_no_effect() -> None:
    assert all(m.value == 0 and m.prior is not None and m.prior.sd <= 0.1 for m in moderators())


def test_the_belief_of_every_control_is_a_fraction() -> None:
    beliefs = {p.name: p.value for p in mood_numbers() if p.name.startswith("belief_")}
    assert beliefs["belief_active"] == 1.0
    assert all(0 <= value <= 1 for value in beliefs.values())
