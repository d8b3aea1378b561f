"""Propagation against closed forms, and decisions on the way."""

from __future__ import annotations

from math import exp
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from upturn.chain import Body, Boundary, Occasion, plan, propagate
from upturn.numerics import delay, first_order
from upturn.pharmacology import Inlet

PEOPLE = 2
DAILY_H = [0.0, 24.0, 48.0]
TIMETABLE = plan([Occasion(t, (Inlet("vein", "all"),)) for t in DAILY_H], [0.0, 1.0, 24.0, 25.0, 72.0], until_h=72.0)


def body(drive: float = 1e-9) -> Body:
    one = jnp.ones(PEOPLE)
    return Body(
        outputs={"occupancy_drive": {"vein": first_order("k", 0.3 * one) * (drive / 0.3)}},
        shares={"all": one},
        surge=delay("p", 4.0 * one),
        formation=20.0 * one,
        loss=one / 175.0,
    )


def test_a_weak_drive_has_a_closed_form() -> None:
    """With x far below one, occupancy is x, and P is a Bateman function."""
    found = propagate(body(), TIMETABLE, jnp.array([[1.0] * 2, [0.0] * 2, [0.0] * 2]))
    bateman = [1e-9 * 0.25 / (0.25 - 0.3) * (exp(-0.3 * t) - exp(-0.25 * t)) for t in TIMETABLE.reading_h]
    np.testing.assert_allclose(found.surge[:, 0], bateman, rtol=1e-5, atol=1e-16)
    assert float(found.growth[0, 0]) == 0.0  # the reading at time zero is taken before the dose


def test_growth_fades_with_its_own_time_constant() -> None:
    found = propagate(body(0.5), TIMETABLE, jnp.zeros((3, PEOPLE)).at[0].set(1.0))
    late = np.asarray(found.growth)[[3, 4], 0]
    assert late[1] < late[0]
    assert late[1] / late[0] > exp(-47 / 175) - 1e-9


def test_a_decision_sees_the_state_and_changes_the_dose() -> None:
    def decide(count: Any, at: Boundary, planned: Any) -> Any:
        # The second person gets no dose after the first.
        dose = jnp.where((at.occasion > 0) & (jnp.arange(PEOPLE) == 1), 0.0, planned)
        return dose, count + 1, {"growth": at.growth, "count": count}

    found = propagate(body(0.5), TIMETABLE, jnp.ones((3, PEOPLE)), decide=decide, memory=jnp.zeros((), int))
    np.testing.assert_array_equal(found.given_mg, [[1.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    assert float(found.growth[-1, 0]) > float(found.growth[-1, 1])
    assert found.notes["count"].tolist() == list(range(len(TIMETABLE.sequence)))
    np.testing.assert_array_equal(found.notes["growth"][0], [0.0, 0.0])


def test_compiled_is_plain() -> None:
    amounts = jnp.ones((3, PEOPLE))
    compiled = jax.jit(lambda a: propagate(body(0.5), TIMETABLE, a))(amounts)
    with jax.disable_jit():
        plain = propagate(body(0.5), TIMETABLE, amounts)
    np.testing.assert_allclose(compiled.growth, plain.growth, rtol=1e-12)
    np.testing.assert_allclose(compiled.surge, plain.surge, rtol=1e-12)


def test_only_what_is_wanted_is_read() -> None:
    found = propagate(body(), TIMETABLE, jnp.ones((3, PEOPLE)), wanted=("occupancy_drive",))
    assert set(found.outputs) == {"occupancy_drive"}
    assert found.outputs["occupancy_drive"].shape == (len(TIMETABLE.reading_h), PEOPLE)
    with pytest.raises(KeyError):
        propagate(body(), TIMETABLE, jnp.ones((3, PEOPLE)), wanted=("nothing",))
